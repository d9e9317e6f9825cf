"""The warm CPython: imports the libraries once, then forks a confined child for every program.

It speaks length-prefixed JSON with its parent: one request, one reply. It is single-threaded
and confined itself, never runs a line of the program, and sees of it only bytes from two pipes.
When its parent goes away it kills what runs, removes its folder and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import site
import sys
import sysconfig
from dataclasses import asdict
from typing import Any

from . import child, isolation
from .frames import read_frame, write_frame
from .watch import Abandoned, Watcher

_PRELOAD = """
numpy numpy.random sympy bisect cmath collections copy dataclasses datetime decimal enum fractions
functools heapq io itertools json math operator re statistics string textwrap time typing
""".split()  # noqa: SIM905
_DATA = ("/dev/urandom", "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache")


def main() -> None:
    """Serve until the requests end. Run only as a process of its own."""
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # what a library prints must not land among the replies
        os.dup2(null, fd)
    os.close(null)
    config = read_frame(requests, child.JOB_LIMIT)
    os.chdir(config["scratch"])
    try:
        _serve(requests, replies, config)
    except isolation.Unavailable as error:
        write_frame(replies, {"unavailable": str(error)})
    except (EOFError, BrokenPipeError, Abandoned):
        pass
    finally:
        with contextlib.suppress(OSError):  # the parent may have been faster
            os.rmdir(config["scratch"])
            os.rmdir(config["home"])


def _serve(requests: int, replies: int, config: dict[str, Any]) -> None:
    setting, abi = _prepare(config)
    watcher = Watcher(setting, requests, config["max_output"])
    proof = watcher.run({"selftest": True}, timeout=10.0)
    if proof.report != child.OK.decode():
        reason = proof.report[1:] or f"the self-test ended by {proof.ended} ({proof.code})"
        raise isolation.Unavailable(f"the isolation does not hold on this machine: {reason}")
    try:
        watcher.prepare()
        write_frame(replies, {"landlock_abi": abi})
        while True:
            request = read_frame(requests, child.JOB_LIMIT)
            write_frame(replies, asdict(watcher.run(request, request.pop("timeout"))))
            watcher.prepare()
    finally:
        watcher.clear()


def _prepare(config: dict[str, Any]) -> tuple[child.Setting, int]:
    """Import, build the walls and go behind the outer ones."""
    site.setquit()  # python -S leaves exit(), quit() and help() out
    site.sethelper()
    sys.path += config["paths"]
    _preload()
    abi = isolation.check(config["min_landlock_abi"])
    folders = _interpreter_folders(config["paths"])
    data = [path for path in _DATA if os.path.exists(path)]
    try:
        walls = isolation.build(folders + data, config["home"], config["scratch"])
        setting = child.Setting(
            walls=walls,
            worker_pid=os.getpid(),
            address_space=_own_size() + config["memory_bytes"],
            home=config["home"],
            scratch=config["scratch"],
            hidden_paths=sorted([*folders, config["scratch"]], key=len, reverse=True),
        )
        walls.confine_worker()
    except OSError as error:
        raise isolation.Unavailable(f"the isolation cannot be set up: {error}") from error
    gc.collect()
    gc.freeze()  # forks share these objects: a collection that touched them would copy them
    return setting, abi


def _own_size() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _preload() -> None:
    for name in _PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if (sympy := sys.modules.get("sympy")) is not None:
        # First uses import and cache much more: pay for that once, not in every fork.
        x = sympy.Symbol("x")
        sympy.solve(x**2 - 3 * x + 1, x)
        sympy.integrate(x * sympy.exp(x), x)
        sympy.factorint(2**40 + 1)


def _interpreter_folders(paths: list[str]) -> list[str]:
    """The standard library, the installed packages, and the folders of the shared libraries."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *paths}
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = "/" + line.rstrip("\n").partition("/")[2]
            if ".so" in os.path.basename(path):
                folders.add(os.path.dirname(path))
    return sorted(folder for folder in folders if os.path.isdir(folder))
