"""The walls: Landlock decides which files exist, seccomp which system calls do.

Landlock (through landlockpy) works without privileges since Linux 5.13 and also binds root. The
system-call filter is an allow-list compiled by libseccomp (through pyseccomp). There are two
nested sets: the worker itself may fork, kill and reap; a program may only compute and use its
scratch folder. Both are built once; a fresh fork only has to load them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import tempfile
import termios
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landlockpy import Ruleset


class Unavailable(Exception):
    """This machine lacks something; the text says what, and what to install."""


# System calls a program may make with any arguments. Left out on purpose: everything that
# creates processes or threads, sends signals, opens sockets, changes modes, owners, times or
# attributes of files or locks them whole (Landlock does not cover these), makes links, mounts,
# traces, or is new.
_COMPUTE = """
access alarm brk chdir clock_getres clock_gettime clock_nanosleep close close_range
copy_file_range dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait exit exit_group
faccessat faccessat2 fadvise64 fchdir fdatasync fstat fsync ftruncate futex
getcpu getcwd getdents64 getegid geteuid getgid getgroups getitimer getpgid getpgrp getpid
getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid
gettimeofday getuid lseek lstat mkdir mkdirat mmap mprotect mremap msync munmap
nanosleep newfstatat pause pipe pipe2 poll ppoll pread64 preadv pselect6 pwrite64 pwritev read
readlink readlinkat readv recvfrom rename renameat renameat2 restart_syscall rmdir rseq
rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
sched_getaffinity sched_yield select sendfile set_robust_list set_tid_address setitimer
sigaltstack stat statx sysinfo time times umask uname unlink unlinkat write writev
""".split()  # noqa: SIM905

# What the worker needs besides: fork and reap children, give them limits, load their filter.
_SUPERVISE = """
chmod clone fchmodat fcntl fork ioctl kill landlock_restrict_self madvise open openat prctl
prlimit64 seccomp sendto setrlimit socketpair vfork wait4 waitid
""".split()  # noqa: SIM905

# Refusals glibc and CPython understand: "no more processes", and "use the older call instead".
_REFUSED = {
    "clone": errno.EAGAIN,
    "fork": errno.EAGAIN,
    "vfork": errno.EAGAIN,
    "clone3": errno.ENOSYS,
}

_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)  # descriptors, flags, locks
_IOCTL_REQUESTS = (
    termios.TCGETS,
    termios.TIOCGWINSZ,
    termios.FIONREAD,
    termios.FIONBIO,
    termios.FIOCLEX,
    termios.FIONCLEX,
)
_AF_UNIX = 1
_SOCK_STREAM = 1
_SOCK_TYPE_MASK = 0xF

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


def check(min_landlock_abi: int) -> int:
    """Return the kernel's Landlock ABI. Raises Unavailable, naming everything that is missing."""
    if sys.platform != "linux":
        raise Unavailable("it needs Linux (Landlock and seccomp)")
    missing = []
    abi = 0
    try:
        import landlockpy

        abi = landlockpy.abi_version()
    except ImportError:
        missing.append("the Python package landlockpy (pip install landlockpy)")
    except OSError as error:
        missing.append(f"Landlock (this kernel or container refuses it: {error})")
    else:
        if not abi:
            missing.append("Landlock (Linux 5.13 or newer, with landlock in the lsm= boot list)")
        elif abi < min_landlock_abi:
            missing.append(f"Landlock ABI {min_landlock_abi} (this kernel has {abi})")
    try:
        import pyseccomp  # type: ignore[import-untyped]  # noqa: F401  loads libseccomp
    except ImportError:
        missing.append("the Python package pyseccomp (pip install pyseccomp)")
    except (RuntimeError, OSError):
        missing.append("libseccomp (apt install libseccomp2, dnf install libseccomp)")
    if missing:
        raise Unavailable("missing: " + "; ".join(missing))
    if len(os.listdir("/proc/self/task")) > 1:
        raise Unavailable("an imported library started threads, which no filter would cover")
    return abi


@dataclass(frozen=True)
class Walls:
    """Rules and filters, ready to be loaded. Both steps are irreversible."""

    worker_rules: Ruleset
    worker_filter: bytes
    program_rules: Ruleset
    program_filter: bytes

    def confine_worker(self) -> None:
        _restrict(self.worker_rules)
        _load(self.worker_filter)

    def confine_program(self, worker_pid: int) -> None:
        """Confine the calling fork, which also dies with the worker from now on.

        Leaves the descriptors of the rules open, for the caller to close.
        """
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != worker_pid:
            os._exit(1)
        _restrict(self.program_rules)
        _load(self.program_filter)


def build(readable: Sequence[str], home: str, scratch: str) -> Walls:
    """Walls around `scratch` (a folder in `home`), with `readable` files and folders besides."""
    from landlockpy import AccessFS, Ruleset, Scope

    read = AccessFS.READ_FILE | AccessFS.READ_DIR
    remove = AccessFS.REMOVE_DIR | AccessFS.REMOVE_FILE
    make = AccessFS.MAKE_DIR | AccessFS.MAKE_REG | AccessFS.REFER
    write = AccessFS.WRITE_FILE | AccessFS.TRUNCATE

    def rules() -> Ruleset:
        ruleset = Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET)
        for path in readable:
            is_folder = os.path.isdir(path)
            ruleset.allow_path(path, read if is_folder else AccessFS.READ_FILE)
        ruleset.allow_path("/dev/null", AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        ruleset.allow_path(scratch, read | remove | make | write)
        return ruleset

    worker_rules = rules()
    # So that nothing is left on disk even if the parent was killed: the worker removes `home`.
    worker_rules.allow_path(home, remove)
    worker_rules.allow_path(os.path.dirname(home), AccessFS.REMOVE_DIR)
    worker_filter = _compile(_COMPUTE + _SUPERVISE, strict=False)
    return Walls(worker_rules, worker_filter, rules(), _compile(_COMPUTE, strict=True))


def _compile(allowed: Iterable[str], *, strict: bool) -> bytes:
    """Compile an allow-list to BPF; with `strict`, some calls depend on their arguments."""
    import pyseccomp as sc

    system_calls = sc.SyscallFilter(sc.ERRNO(errno.EPERM))
    system_calls.set_attr(sc.Attr.ACT_BADARCH, sc.KILL_PROCESS)

    def add(action: int, name: str, *arguments: sc.Arg) -> None:
        number = sc.resolve_syscall(sc.Arch.NATIVE, name)
        if number >= 0:  # negative: this architecture, or this libseccomp, does not have it
            system_calls.add_rule(action, number, *arguments)

    for name in allowed:
        add(sc.ALLOW, name)
    if not strict:
        add(sc.ERRNO(errno.ENOSYS), "clone3")
    else:
        for name, code in _REFUSED.items():
            add(sc.ERRNO(code), name)
        for command in _FCNTL_COMMANDS:  # never F_SETOWN or F_SETSIG: they send signals
            add(sc.ALLOW, "fcntl", sc.Arg(1, sc.EQ, command))
        for request in _IOCTL_REQUESTS:
            add(sc.ALLOW, "ioctl", sc.Arg(1, sc.EQ, request))
        add(sc.ALLOW, "prlimit64", sc.Arg(2, sc.EQ, 0))  # read a limit, never set one
        # asyncio wakes itself through an unnamed stream pair; it can reach nobody else.
        pair = sc.Arg(0, sc.EQ, _AF_UNIX), sc.Arg(1, sc.MASKED_EQ, _SOCK_TYPE_MASK, _SOCK_STREAM)
        add(sc.ALLOW, "socketpair", *pair)
        add(sc.ALLOW, "sendto", sc.Arg(4, sc.EQ, 0))
        # From 100 on, root may take memory pages away from the whole machine.
        add(sc.ALLOW, "madvise", sc.Arg(2, sc.LT, 100))
        # Other modes reserve space that neither a file's size nor its limit shows.
        add(sc.ALLOW, "fallocate", sc.Arg(1, sc.EQ, 0))
        # Landlock before ABI 3 would let O_RDONLY | O_TRUNC empty a readable file, and any ABI
        # lets access mode 3 (neither reading nor writing) open every file and device.
        read_only = sc.MASKED_EQ, os.O_ACCMODE | os.O_TRUNC, os.O_RDONLY
        for name, flags in (("open", 1), ("openat", 2)):
            add(sc.ALLOW, name, sc.Arg(flags, *read_only))
            for mode in (os.O_WRONLY, os.O_RDWR):
                add(sc.ALLOW, name, sc.Arg(flags, sc.MASKED_EQ, os.O_ACCMODE, mode))
    with tempfile.TemporaryFile() as file:
        system_calls.export_bpf(file)
        file.seek(0)
        return file.read()


def _restrict(rules: Ruleset) -> None:
    from landlockpy import RestrictFlag

    # A program that probes for files must not fill the machine's audit log.
    rules.restrict(RestrictFlag.LOG_SAME_EXEC_OFF)


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _load(code: bytes) -> None:
    # seccomp_load() would compile the filter again in every fork: 2 ms instead of 0.3 ms.
    system_calls = _Filter(len(code) // 8, code)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(system_calls))


def _prctl(option: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_ulong(word) for word in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(ctypes.c_int(option), *words) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
