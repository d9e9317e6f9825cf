"""A real, headless Chromium with the page of a model in it, for tests and benchmarks."""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Without the background flags every start looks for its maker's servers.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = {"width": 390, "height": 844}


def missing() -> str | None:
    """What keeps a browser from being started here, if anything."""
    if not any(map(shutil.which, CHROMIUM)):
        return "no Chromium here (Debian: apt install chromium)"
    if importlib.util.find_spec("playwright") is None:
        return "no playwright here: pip install playwright"
    return None


@contextmanager
def browser() -> Iterator[Any]:
    """A playwright browser."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    """The address of `server` while it runs in a thread."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def open_page(chromium: Any, url: str, requests: list[str] | None = None) -> Any:
    """The page, loaded: the model answers, or the page says why not. `requests` gets every URL."""
    page = chromium.new_page(viewport=PHONE, device_scale_factor=2)
    if requests is not None:
        page.context.on("request", lambda request: requests.append(request.url))
    page.set_default_timeout(100_000)
    page.goto(url)
    page.wait_for_selector("#question:enabled, #loading.failed")
    return page


def ask(page: Any, question: str) -> dict[str, Any]:
    """The record of a run of the page's agent, without the page's form."""
    return dict(
        page.evaluate(
            """async (question) => {
                let last;
                const { signal } = new AbortController();
                for await (last of sodAgent.run(question, signal));
                return last.record;
            }""",
            question,
        )
    )
