"""The proof before the first program: a fork behind the walls tries to get out.

Each attempt has to fail with the refusal expected of it, so a mechanism that is present but
not in force (a container that fakes system calls, a kernel without a feature) switches the
tier off instead of being trusted.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial

_FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK")


def escapes(home: str, scratch: str) -> list[str]:
    """Return what could be done that must not be, plus what could not be done that must be."""
    attempts: dict[str, Callable[[], object]] = {
        "read files outside": lambda: os.listdir(home),
        "read /etc": lambda: open("/etc/passwd").close(),
        "read /proc": lambda: open("/proc/self/environ").close(),
        "write outside": lambda: open(os.path.join(home, "out"), "w").close(),
        "fork": _fork,
        "start a thread": lambda: threading.Thread(target=int).start(),
        "execute a program": lambda: os.execv("/proc/self/exe", ["python", "-c", ""]),
        "signal its parent": lambda: os.kill(os.getppid(), 0),
        "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        "change a file's mode": lambda: os.chmod(scratch, 0o700),
        "trace a process": _ptrace,
        "stop itself": lambda: signal.raise_signal(signal.SIGSTOP),
    }
    for name in _FAMILIES:
        if (family := getattr(socket, name, None)) is not None:
            attempts[f"open a socket ({name})"] = partial(_open_socket, family)
    return [what for what, attempt in attempts.items() if not _refused(attempt)] + _broken(scratch)


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (PermissionError, BlockingIOError):
        return True
    except (RuntimeError, ValueError):  # what CPython makes of a refused thread, a refused limit
        return True
    except OSError:
        return False
    return False


def _broken(scratch: str) -> list[str]:
    path = os.path.join(scratch, "self-test")
    try:
        with open(path, "w") as file:
            file.write("x")
        os.remove(path)
        open(os.devnull).close()
    except OSError:
        return ["no use of its own scratch folder"]
    return []


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _open_socket(family: int) -> None:
    socket.socket(family, socket.SOCK_DGRAM).close()


def _ptrace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")
