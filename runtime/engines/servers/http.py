"""HTTP to a model server: JSON there and back, and streams of JSON events.

Whatever goes wrong becomes one `EngineError` line that names the server. What the server sends is
untrusted: every body, line and message has a limit, redirects are not followed, and the API key
goes to the given address only.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from runtime.errors import EngineError, UsageError

CONNECT_S = 10.0
ANSWER_S = 60.0  # for small requests
SILENCE_S = 600.0  # between two events of a stream: a long prompt on a slow machine
MAX_BODY = 64 << 20
MAX_LINE = 1 << 20
KEY_VARIABLES = ("SOD_AGENT_API_KEY", "OPENAI_API_KEY")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Refusal(EngineError):
    """The server answered, with an error status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Remote:
    """The server at `base_url` (`http://host:port`, with or without `/v1`).

    `api_key` is sent as a bearer token (default: SOD_AGENT_API_KEY, then OPENAI_API_KEY).
    Raises UsageError for an address that cannot be used.
    """

    def __init__(self, base_url: str, api_key: str | None = None) -> None:
        try:
            parts = urlsplit(base_url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"--base-url {_short(base_url)}: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise UsageError(f"--base-url must be http://HOST:PORT, not {_short(base_url)!r}")
        if parts.username or parts.password or parts.query or parts.fragment:
            names = " or ".join(KEY_VARIABLES)
            raise UsageError(f"--base-url takes no user, query or fragment: set a key in {names}")
        self._secure, self._host, self._port = parts.scheme == "https", host, port
        path = parts.path.rstrip("/")
        self._prefix = path[: -len("/v1")] if path.endswith("/v1") else path
        self.url = f"{parts.scheme}://{parts.netloc}{self._prefix}"
        self._key, self._key_name = _find_key(api_key)
        self.is_local = host in _LOOPBACK
        self._kept: http.client.HTTPConnection | None = None

    @property
    def key_in_the_clear(self) -> bool:
        """Whether a key is sent over a network that can read it."""
        return bool(self._key) and not self._secure and not self.is_local

    def get(self, path: str) -> Any:
        """The JSON at `path`. Raises Refusal for an error status, EngineError for the rest."""
        return self._exchange("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer to `body`. Raises Refusal or EngineError."""
        return self._exchange("POST", path, body)

    def events(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The JSON objects of a server-sent or line-by-line stream, as they come.

        Closing the iterator closes the connection, which makes the server stop.
        Raises Refusal or EngineError.
        """
        connection = self._connect()
        try:
            response = self._send(connection, "POST", path, body)
            if response.status >= 400:
                raise self._refusal(response, "POST", path)
            if connection.sock is not None:
                connection.sock.settimeout(SILENCE_S)
            yield from self._read_events(response)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error, SILENCE_S) from error
        finally:
            connection.close()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        reused = self._kept is not None
        connection = self._kept or self._connect()
        self._kept = None
        try:
            try:
                response = self._send(connection, method, path, body)
            except (http.client.HTTPException, ConnectionError):
                if not reused:
                    raise
                # The server closed a connection that was idle; these requests change nothing.
                connection.close()
                connection = self._connect()
                response = self._send(connection, method, path, body)
            if response.status >= 400:
                raise self._refusal(response, method, path)
            content = response.read(MAX_BODY + 1)
        except BaseException as error:
            connection.close()
            if isinstance(error, (OSError, http.client.HTTPException)):
                raise self._broken(error, ANSWER_S) from error
            raise
        if response.will_close or len(content) > MAX_BODY:
            connection.close()
        else:
            self._kept = connection
        return self._decode(content)

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_S)
        try:
            connection.connect()
        except ConnectionRefusedError as error:
            raise EngineError(
                f"no server answers at {self.url}: start it, or check --base-url"
            ) from error
        except socket.gaierror as error:
            raise EngineError(f"there is no host {self._host!r}: check --base-url") from error
        except OSError as error:
            connection.close()
            raise self._broken(error, CONNECT_S) from error
        if connection.sock is not None:
            connection.sock.settimeout(ANSWER_S)
        return connection

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: dict[str, Any] | None,
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json, text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
            if connection.sock is not None and body.get("stream"):
                connection.sock.settimeout(SILENCE_S)  # some evaluate the prompt before they answer
        connection.request(method, self._prefix + path, content, headers)
        return connection.getresponse()

    def _read_events(self, response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        while line := response.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise EngineError(f"{self.url} sent a line of more than {MAX_LINE} bytes")
            line = line.strip()
            if line.startswith(b"data:"):
                line = line[len(b"data:") :].strip()
            elif not line.startswith(b"{"):
                continue  # a blank line, a comment that keeps the connection open, an event's name
            if line == b"[DONE]":
                return
            event = self._decode(line)
            if not isinstance(event, dict):
                raise EngineError(f"{self.url} sent an event that is no JSON object")
            if event.get("error"):
                raise EngineError(f"{self.url} failed: {_reason(event)}")
            yield event

    def _decode(self, content: bytes) -> Any:
        try:
            if len(content) > MAX_BODY:
                raise ValueError
            return json.loads(content)
        except (ValueError, RecursionError):
            raise EngineError(
                f"{self.url} sent something that is not JSON: is it a model server?"
            ) from None

    def _refusal(self, response: http.client.HTTPResponse, method: str, path: str) -> Refusal:
        status = response.status
        try:
            reason = _reason(json.loads(response.read(MAX_LINE)))
        except (ValueError, RecursionError, OSError, http.client.HTTPException):
            reason = _printable(response.reason)
        if status in (401, 403):
            hint = f"set {KEY_VARIABLES[0]}" if not self._key else f"check {self._key_name}"
            return Refusal(f"{self.url} wants another API key ({status}): {hint}", status)
        if status == 503:
            return Refusal(f"{self.url} is not ready ({reason}): try again in a moment", status)
        return Refusal(f"{self.url} refused {method} {path} ({status}): {reason}", status)

    def _broken(self, error: Exception, limit: float) -> EngineError:
        if isinstance(error, TimeoutError):
            return EngineError(f"{self.url} was silent for {limit:.0f} seconds")
        if isinstance(error, ssl.SSLError):
            return EngineError(f"no secure connection to {self.url}: {_printable(str(error))}")
        if isinstance(error, (http.client.HTTPException, ConnectionError)):
            why = _printable(str(error)) or type(error).__name__
            return EngineError(f"the connection to {self.url} broke: {why}")
        reason = error.strerror if isinstance(error, OSError) else None
        return EngineError(f"{self.url} cannot be reached: {_printable(reason or str(error))}")


def _find_key(given: str | None) -> tuple[str | None, str]:
    found = [(given, "the key")] + [(os.environ.get(name), name) for name in KEY_VARIABLES]
    for key, name in found:
        if key:
            if not key.isascii() or not key.isprintable() or " " in key:
                raise UsageError(f"{name} holds characters that no HTTP header can carry")
            return key, name
    return None, ""


def _reason(answer: Any) -> str:
    """What an error body says, in the shapes of OpenAI, Ollama and FastAPI."""
    if isinstance(answer, dict):
        said = answer.get("error") or answer.get("detail") or answer.get("message") or answer
        if isinstance(said, dict):
            said = said.get("message") or said
        answer = said
    return _printable(answer if isinstance(answer, str) else json.dumps(answer))


def _printable(text: str) -> str:
    """One line without control characters: it reaches a terminal."""
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in line)[:200]


def _short(text: str) -> str:
    return _printable(text)[:80]
