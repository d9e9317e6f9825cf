"""Length-prefixed JSON messages over a pipe, with a size limit and a deadline.

Both ends treat what they read as untrusted: a frame is a bounded JSON object or an error.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">I")

Message = dict[str, Any]


def read_frame(fd: int, limit: int, deadline: float | None = None) -> Message:
    """Raises EOFError if the peer is gone, TimeoutError at `deadline`, ValueError on garbage."""
    (size,) = _LENGTH.unpack(_read(fd, _LENGTH.size, deadline))
    if size > limit:
        raise ValueError(f"a frame of {size} bytes")
    try:
        message = json.loads(_read(fd, size, deadline))
    except RecursionError:
        raise ValueError("a frame nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a frame that is no object")
    return message


def write_frame(fd: int, message: Message, deadline: float | None = None) -> None:
    """Raises OSError if the peer is gone, TimeoutError at `deadline`."""
    body = json.dumps(message).encode()
    data = memoryview(_LENGTH.pack(len(body)) + body)
    while data:
        if deadline is not None:  # `fd` is non-blocking
            _wait(fd, select.POLLOUT, deadline)
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            continue


def _read(fd: int, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        _wait(fd, select.POLLIN, deadline)
        chunk = os.read(fd, min(size - len(data), 1 << 16))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def _wait(fd: int, event: int, deadline: float | None) -> None:
    poller = select.poll()
    poller.register(fd, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poller.poll(left):
        raise TimeoutError
