"""Hugging Face ids against a small hub on loopback, with the real huggingface_hub library."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runtime.errors import ModelError
from runtime.models.hub import choose, parse_hub_id
from runtime.models.registry import HubSource

COMMIT = "c" * 40
PROGRAM = """
import sys
from runtime.errors import ModelError
from runtime.models import resolve_model
try:
    model = resolve_model(sys.argv[1])
except ModelError as error:
    sys.exit(f"error: {error}")
print(model.path.name, *model.notes, sep="|")
"""


@dataclass
class Hub:
    """Files of the repository `org/repo`, and how the server misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    listed_sha256: str | None = None  # instead of the true one
    cut_after: int | None = None  # bytes of the next download, whose connection is then closed
    url: str = ""
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def sha256(self, name: str) -> str:
        return self.listed_sha256 or hashlib.sha256(self.files[name]).hexdigest()

    def listing(self) -> dict[str, object]:
        siblings = [
            {
                "rfilename": name,
                "size": len(body),
                "lfs": {"sha256": self.sha256(name), "size": len(body), "pointerSize": 1},
            }
            for name, body in self.files.items()
        ]
        return {"id": "org/repo", "sha": COMMIT, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, self.path.split("?")[0]
        hub.requests.append((self.command, path, self.headers.get("Range")))
        name = path.removeprefix("/org/repo/resolve/main/")
        if path.startswith("/api/models/org/repo"):
            self._send(200, json.dumps(hub.listing()).encode(), {})
        elif name in hub.files:
            self._send_file(name, hub.files[name])
        elif path.startswith("/api/models/org/gated"):
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/api/models/org/down"):
            self._send(500, b"{}", {})
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _send_file(self, name: str, body: bytes) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {
            "ETag": f'"{self.hub.sha256(name)}"',
            "X-Repo-Commit": COMMIT,
            "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}",
        }
        cut = self.hub.cut_after if self.command == "GET" else None
        self._send(206 if start else 200, body[start:], headers, cut)
        if cut is not None:
            self.hub.cut_after = None

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(make_gguf) -> Iterator[Hub]:
    hub = Hub({"tiny-Q8_0.gguf": make_gguf(), "README.md": b"#"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"hub": hub}))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def resolve(hub: Hub) -> Callable[..., tuple[str, str]]:
    """Resolve a name in a fresh process (the library reads its settings when imported)."""
    pytest.importorskip("huggingface_hub")

    def run(name: str, **env: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, name],
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout.strip(), done.stderr.strip()

    return run


def error_of(said: str) -> str:
    return said.splitlines()[-1].removeprefix("error: ")


def test_download_then_no_network_at_all(hub: Hub, resolve) -> None:
    out, said = resolve("org/repo")
    assert out == "tiny-Q8_0.gguf"
    assert f"fetching tiny-Q8_0.gguf (1 MB) from {hub.url}/org/repo into" in said
    hub.requests.clear()
    again = "tiny-Q8_0.gguf|org/repo: using tiny-Q8_0.gguf, which is in the cache"
    assert resolve("org/repo") == (again, "")
    assert resolve("org/repo/tiny-Q8_0.gguf") == ("tiny-Q8_0.gguf", "")
    assert resolve("org/repo:q8_0", SOD_AGENT_OFFLINE="1") == (again, "")
    assert hub.requests == []


def test_a_cut_download_is_resumed(hub: Hub, resolve) -> None:
    # A header is not enough here: the library writes whole chunks of 10 MB at most.
    body = hub.files["tiny-Q8_0.gguf"]
    hub.files["tiny-Q8_0.gguf"] = body + bytes(25_000_000)
    hub.cut_after = 15_000_000
    out, said = resolve("org/repo")
    assert out == "tiny-Q8_0.gguf", said
    ranges = [sent for method, _, sent in hub.requests if method == "GET" and sent]
    assert len(ranges) == 1
    assert int(ranges[0].removeprefix("bytes=").split("-")[0]) > 0


def test_wrong_hash_is_deleted(hub: Hub, resolve) -> None:
    hub.listed_sha256 = "0" * 64
    out, said = resolve("org/repo")
    assert out == ""
    assert "org/repo/tiny-Q8_0.gguf was damaged on the way" in error_of(said)
    assert "is not in the Hugging Face cache" in resolve("org/repo", SOD_AGENT_OFFLINE="1")[1]


def test_one_of_several_is_chosen_and_said(hub: Hub, resolve, make_gguf) -> None:
    hub.files |= {"tiny-Q4_0.gguf": make_gguf(), "tiny-Q4_K_M.gguf": make_gguf()}
    out, _ = resolve("org/repo")
    assert out.startswith("tiny-Q4_0.gguf|org/repo: using tiny-Q4_0.gguf (of 3 files")
    assert resolve("org/repo/tiny-Q4_K_M.gguf")[0] == "tiny-Q4_K_M.gguf"


def test_downloads_that_are_not_models_are_refused(hub: Hub, resolve) -> None:
    hub.files["tiny-Q8_0.gguf"] = b"<html>"
    assert "does not start with 'GGUF'" in error_of(resolve("org/repo")[1])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("org/none", "no repository 'org/none' on Hugging Face, or it is private"),
        ("org/gated", "org/gated is gated"),
        ("org/down", "cannot fetch 'org/down' from Hugging Face: "),
        ("org/repo:Q2_K", "org/repo:Q2_K: which file? Name one as org/repo/FILE.gguf; its GGUF"),
        ("org/repo/no.gguf", "org/repo has no file 'no.gguf'; its GGUF files: tiny-Q8_0.gguf"),
    ],
)
def test_refusals_are_one_line(name: str, message: str, resolve) -> None:
    _, said = resolve(name, HF_HUB_DISABLE_TELEMETRY="1")
    assert error_of(said).startswith(message)


def test_unreachable_hub(resolve) -> None:
    _, said = resolve("org/repo", HF_ENDPOINT="http://127.0.0.1:9")
    assert error_of(said).startswith("cannot fetch 'org/repo' from Hugging Face: ")


@pytest.mark.parametrize("variable", ["SOD_AGENT_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline(variable: str, hub: Hub, resolve) -> None:
    _, said = resolve("org/repo", **{variable: "1"})
    assert "'org/repo' is not in the Hugging Face cache and downloads are off" in error_of(said)
    assert hub.requests == []


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from runtime.models import resolve_model

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match=r"pip install 'sod-agent\[hub\]'"):
        resolve_model("org/repo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/repo", HubSource("org/repo")),
        ("org/repo.v1-GGUF:Q4_K_M", HubSource("org/repo.v1-GGUF", quant="Q4_K_M")),
        ("org/repo/sub/f.gguf", HubSource("org/repo", "sub/f.gguf")),
        ("org", None),
        ("org/file.gguf", None),
        ("./org/repo", None),
        ("/org/repo", None),
        ("org/repo/../../f.gguf", None),
        ("org/repo/f.bin", None),
        ("org/re po", None),
    ],
)
def test_ids(text: str, expected: HubSource | None) -> None:
    assert parse_hub_id(text) == expected


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a.gguf"], "a.gguf"),
        (["a-Q2_K.gguf", "mmproj-a-F16.gguf"], "a-Q2_K.gguf"),
        (["a.Q8_0.gguf", "a.q4_k_m.gguf"], "a.q4_k_m.gguf"),
        (["a-IQ4_NL.gguf", "a-Q4_K_M.gguf", "a-Q4_0_4_4.gguf"], "a-IQ4_NL.gguf"),
        (["Q4_0.gguf", "a-F16.gguf"], "Q4_0.gguf"),
    ],
)
def test_choice_among_files(files: list[str], chosen: str) -> None:
    assert choose(HubSource("o/r"), files)[0] == chosen


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "it has no GGUF files .look for a repository that ends in -GGUF"),
        (["a-00001-of-00002.gguf"], "no single-file GGUF model; its GGUF files: a-00001-of"),
        (["a-Q4_0.gguf", "b-Q4_0.gguf", "c-Q8_0.gguf"], "files: a-Q4_0.gguf, b-Q4_0.gguf$"),
        (["a-F16.gguf", "a-F32.gguf"], "which file"),
        ([f"a-{n:02}.gguf" for n in range(30)], "and 10 more$"),
    ],
)
def test_no_choice_among_files(files: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        choose(HubSource("o/r"), files)
