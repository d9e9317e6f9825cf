"""A static server with the headers that give WebAssembly its threads."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from export.errors import ExportError
from export.files import reason

# Shared memory, and so threads, is for pages that no other origin can look into. The frame rule
# keeps other sites from framing the page, which its own <meta> policy cannot say.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class _Handler(SimpleHTTPRequestHandler):
    extensions_map: dict[str, str] = {  # noqa: RUF012 - as declared by the base class
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".json": "application/json",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
    }

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(ConnectionError):  # a browser that closes the page meanwhile
            super().copyfile(source, outputfile)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def open_server(folder: Path, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server of `folder`, not started yet; port 0 takes a free one. Raises ExportError."""
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        why = reason(error) if isinstance(error, OSError) else "there is no such port"
        raise ExportError(f"cannot serve on {host}:{port}: {why}") from error
