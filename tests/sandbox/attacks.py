"""Hostile programs, by theme. Each prints ESCAPED, or the secret itself, if it gets anywhere.

`{...}` fields are filled in by test_attacks.py: paths, ports and process ids of real targets
that the test process holds open. Every program is run in both tiers.
"""

from __future__ import annotations

# Put before each program. `attempt` is only content with a refusal: any other error means that
# the kernel looked at the request. `raw` is a bare system call (x86-64 numbers), and where the
# real thing would do harm if it worked, its arguments are invalid for that very reason.
PRELUDE = """\
import os
REFUSALS = (None, 1, 11, 13, 18, 38)  # EPERM, EAGAIN, EACCES, EXDEV, ENOSYS
def attempt(action):
    try:
        result = action()
    except BaseException as error:
        if getattr(error, 'errno', None) in REFUSALS:
            print("refused", type(error).__name__)
        else:
            print("ESCAPED, the error is", error)
        return
    print("ESCAPED", result)
def raw(number, *arguments):
    import ctypes
    if os.uname().machine != 'x86_64':
        raise PermissionError
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number), *words) == -1:
        raise OSError(ctypes.get_errno(), "system call %d" % number)
"""

FILES = {
    "read_secret": "attempt(lambda: open('{secret}').read())",
    "read_passwd": "attempt(lambda: open('/etc/passwd').read())",
    "read_traversal": "attempt(lambda: open('../../../../../../etc/passwd').read())",
    "read_os_open": "attempt(lambda: os.read(os.open('{secret}', os.O_RDONLY), 99))",
    "read_pathlib": "import pathlib\nattempt(lambda: pathlib.Path('{secret}').read_bytes())",
    "read_io_open_code": "import io\nattempt(lambda: io.open_code('{secret}').read())",
    "read_loader": "import importlib.machinery as m\n"
    "attempt(lambda: m.SourceFileLoader('x', '{secret}').get_data('{secret}'))",
    "read_linecache": "import linecache\nprint(linecache.getlines('{secret}'))",
    "read_mmap": "import mmap\nattempt(lambda: mmap.mmap(os.open('{secret}', 0), 0, access=1)[:])",
    "read_o_path": "fd = os.open('{secret}', os.O_PATH)\n"
    "attempt(lambda: open('/proc/self/fd/%d' % fd).read())",
    "read_dir_fd": "attempt(lambda: os.open('secret', 0, dir_fd=os.open('{outside}', os.O_PATH)))",
    "open_mode_3": "attempt(lambda: os.open('{secret}', 3))",
    "open_mode_3_device": "attempt(lambda: os.open('/dev/zero', 3))",
    "read_after_chdir": "os.chdir('{outside}')\nattempt(lambda: open('secret').read())",
    "read_sqlite": "import sqlite3\n"
    "attempt(lambda: sqlite3.connect('{outside}/x.db').execute('create table t(x)'))",
    "read_ctypes_fopen": "import ctypes\nlibc = ctypes.CDLL(None)\n"
    "libc.fopen.restype = ctypes.c_void_p\n"
    "print('ESCAPED' if libc.fopen(b'{secret}', b'r') else 'refused')",
    "read_openat2": "import ctypes\n"
    "attempt(lambda: raw(437, -100, b'{secret}', ctypes.create_string_buffer(24), 24))",
    "read_by_handle": "import ctypes\n"
    "attempt(lambda: raw(304, -100, ctypes.create_string_buffer(64), 0))",
    "read_io_uring": "import ctypes\n"
    "attempt(lambda: raw(425, 4, ctypes.create_string_buffer(120)))",
    "list_root": "attempt(lambda: os.listdir('/'))",
    "list_home": "attempt(lambda: os.listdir('{home}'))",
    "list_project": "attempt(lambda: os.listdir('{project}'))",
    "list_tmp": "attempt(lambda: os.listdir('/tmp'))",
    "copy_out": "import shutil\nattempt(lambda: shutil.copy('{secret}', 'copy'))",
}

PROC = {
    "proc_self_environ": "attempt(lambda: open('/proc/self/environ').read())",
    "proc_parent_environ": "attempt(lambda: open('/proc/{parent}/environ').read())",
    "proc_1_environ": "attempt(lambda: open('/proc/1/environ').read())",
    "proc_worker_mem": "attempt(lambda: open('/proc/%d/mem' % os.getppid(), 'r+b'))",
    "proc_self_mem": "attempt(lambda: open('/proc/self/mem', 'r+b'))",
    "proc_self_maps": "attempt(lambda: open('/proc/self/maps').read())",
    "proc_list": "attempt(lambda: os.listdir('/proc'))",
    "proc_self_fd": "attempt(lambda: os.listdir('/proc/self/fd'))",
    "proc_self_root": "attempt(lambda: open('/proc/self/root/etc/passwd').read())",
    "proc_parent_cwd": "attempt(lambda: os.readlink('/proc/{parent}/cwd'))",
    "proc_parent_root": "attempt(lambda: open('/proc/{parent}/root{secret}').read())",
    "proc_cmdline": "attempt(lambda: open('/proc/{parent}/cmdline').read())",
    "proc_sys_write": "attempt(lambda: open('/proc/sys/kernel/hostname', 'w'))",
    "proc_oom": "attempt(lambda: open('/proc/self/oom_score_adj', 'w'))",
    "sys_read": "attempt(lambda: os.listdir('/sys/class'))",
    "dev_zero": "attempt(lambda: open('/dev/zero', 'rb'))",
    "dev_tty": "attempt(lambda: open('/dev/tty', 'w'))",
    "dev_ptmx": "attempt(lambda: open('/dev/ptmx', 'r+b'))",
    "dev_list": "attempt(lambda: os.listdir('/dev'))",
    "dev_shm": "attempt(lambda: open('/dev/shm/{name}', 'w'))",
}

ENVIRONMENT = {
    "environ": "print(dict(os.environ))",
    "getenv": "print(os.getenv('SOD_TEST_SECRET'), os.getenv('HF_TOKEN'))",
    "c_environ": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.getenv.restype = ctypes.c_char_p\n"
    "print(libc.getenv(b'SOD_TEST_SECRET'))",
    "stack_environ": "import ctypes\n"
    "block = ctypes.c_void_p.in_dll(ctypes.CDLL(None), 'environ').value\n"
    "start = ctypes.c_char_p.from_address(block)\nprint(ctypes.string_at(start, 4000))",
    "gc_objects": "import gc\n"
    "print([o for o in gc.get_objects() if isinstance(o, dict) and 'SOD_TEST_SECRET' in o])",
    "read_parent_memory": "import ctypes\nbuffer = ctypes.create_string_buffer(64)\n"
    "attempt(lambda: raw(310, {parent}, buffer, 1, buffer, 1, 0))",
}

_SOCKET = "import socket\nattempt(lambda: socket.socket(socket.{0}, socket.{1}{2}))"

NETWORK = {
    "tcp_connect": "import socket\n"
    "attempt(lambda: socket.create_connection(('127.0.0.1', {port}), 1).recv(99))",
    "http": "import urllib.request\n"
    "attempt(lambda: urllib.request.urlopen('http://127.0.0.1:{port}/', timeout=1).read())",
    "tcp_listen": "import socket\nattempt(lambda: socket.create_server(('127.0.0.1', 0)))",
    "udp": _SOCKET.format("AF_INET", "SOCK_DGRAM", ""),
    "tcp6": _SOCKET.format("AF_INET6", "SOCK_STREAM", ""),
    "icmp": _SOCKET.format("AF_INET", "SOCK_DGRAM", ", 1"),
    "raw_ip": _SOCKET.format("AF_INET", "SOCK_RAW", ", 255"),
    "netlink": _SOCKET.format("AF_NETLINK", "SOCK_RAW", ", 0"),
    "packet": _SOCKET.format("AF_PACKET", "SOCK_RAW", ", 3"),
    "vsock": _SOCKET.format("AF_VSOCK", "SOCK_STREAM", ""),
    "alg": _SOCKET.format("AF_ALG", "SOCK_SEQPACKET", ""),
    "can": _SOCKET.format("AF_CAN", "SOCK_RAW", ", 1"),
    "bluetooth": "import socket\nattempt(lambda: socket.socket(31, socket.SOCK_RAW, 1))",
    "xdp": "import socket\nattempt(lambda: socket.socket(44, socket.SOCK_RAW, 0))",
    "unix_stream": "import socket\n"
    "attempt(lambda: socket.socket(socket.AF_UNIX).connect('{socket}'))",
    "unix_pair_datagram": "import socket\n"
    "attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))",
    "unix_pair_send_elsewhere": "import socket\na, b = socket.socketpair()\n"
    "attempt(lambda: a.sendto(b'x', '{socket}'))",
    "unix_pair_connect": "import socket\na, b = socket.socketpair()\n"
    "attempt(lambda: a.connect('{socket}'))",
    "unix_pair_pass_descriptor": "import socket\na, b = socket.socketpair()\n"
    "attempt(lambda: socket.send_fds(a, [b'x'], [0]))",
    "every_family": "import socket\n"
    "for family in range(46):\n"
    "    for type in (1, 2, 3, 5):\n"
    "        try:\n            socket.socket(family, type)\n            print('ESCAPED')\n"
    "        except OSError:\n            pass",
    "raw_socket_call": "attempt(lambda: raw(41, 2, 1, 0))",
    "resolve": "import socket\nprint('ESCAPED', socket.getaddrinfo('localhost', 80))",
}

PROCESSES = {
    "fork": "attempt(os.fork)",
    "forkpty": "attempt(os.forkpty)",
    "vfork": "attempt(lambda: raw(58))",
    "clone": "attempt(lambda: raw(56, 17, 0, 0, 0, 0))",
    "clone_thread": "attempt(lambda: raw(56, 0x50f00, 0, 0, 0, 0))",
    "clone3": "import ctypes\nattempt(lambda: raw(435, ctypes.create_string_buffer(88), 88))",
    "subprocess": "import subprocess\nattempt(lambda: subprocess.check_output(['id']))",
    "system": "print('ESCAPED' if os.system('echo hello') == 0 else 'refused')",
    "popen": "attempt(lambda: os.popen('id').read())",
    "posix_spawn": "attempt(lambda: os.posix_spawn('/bin/sh', ['sh'], {{}}))",
    "exec": "attempt(lambda: os.execv('/bin/sh', ['sh', '-c', 'echo ESCAPED']))",
    "exec_python": "import sys\nos.execv(sys.executable, ['python', '-c', 'print(\"ESCAPED\")'])",
    "exec_memory": "attempt(lambda: os.memfd_create('x'))",
    "multiprocessing": "import multiprocessing as m\n"
    "p = m.Process(target=print, args=('ESCAPED',))\np.start()\np.join()",
    "process_pool": "from concurrent.futures import ProcessPoolExecutor as P\n"
    "with P(2) as pool:\n    print('ESCAPED', list(pool.map(abs, [1])))",
    "fork_bomb": "while True:\n    try:\n        os.fork()\n        print('ESCAPED')\n"
    "    except OSError:\n        break",
    "thread": "import threading\nattempt(lambda: threading.Thread(target=print).start())",
    "thread_bomb": "import _thread, time\nfor _ in range(100000):\n"
    "    try:\n        _thread.start_new_thread(time.sleep, (60,))\n        print('ESCAPED')\n"
    "    except RuntimeError:\n        break",
    "double_fork": "import time\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        time.sleep(1)\n        open('{outside}/survivor', 'w')\n    os._exit(0)",
    "setsid": "attempt(os.setsid)",
    "setpgid": "attempt(lambda: os.setpgid(0, 0))",
    "daemon_thread": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
}

WRITES = {
    "write_outside": "attempt(lambda: open('{outside}/new', 'w'))",
    "append_outside": "attempt(lambda: open('{secret}', 'a'))",
    "mkdir_outside": "attempt(lambda: os.mkdir('{outside}/new'))",
    "unlink_outside": "attempt(lambda: os.unlink('{secret}'))",
    "rename_outside": "attempt(lambda: os.rename('{secret}', '{outside}/renamed'))",
    "rename_out": "open('mine', 'w').close()\nattempt(lambda: os.rename('mine', '{outside}/new'))",
    "rename_in": "attempt(lambda: os.rename('{secret}', 'mine'))",
    "truncate_outside": "attempt(lambda: os.truncate('{secret}', 0))",
    "truncate_by_open": "attempt(lambda: os.open('{secret}', os.O_RDONLY | os.O_TRUNC))",
    "truncate_readable": "attempt(lambda: os.open('/dev/urandom', os.O_RDONLY | os.O_TRUNC))",
    "chmod_outside": "attempt(lambda: os.chmod('{secret}', 0o777))",
    "fchmod_library": "fd = os.open(os.__file__, 0)\n"
    "attempt(lambda: os.chmod(fd, os.fstat(fd).st_mode & 0o777))",
    "chown_outside": "attempt(lambda: os.chown('{secret}', 1, 1))",
    "utime_outside": "attempt(lambda: os.utime('{secret}', (0, 0)))",
    "setxattr_outside": "attempt(lambda: os.setxattr('{secret}', 'user.x', b'y'))",
    "symlink": "attempt(lambda: os.symlink('{secret}', 'link'))",
    "symlink_read": "os.symlink('{secret}', 'link')\nprint(open('link').read())",
    "symlink_folder": "os.symlink('{outside}', 'link')\nopen('link/new', 'w')",
    "hardlink": "attempt(lambda: os.link('{secret}', 'link'))",
    "hardlink_out": "open('mine', 'w').close()\nattempt(lambda: os.link('mine', '{outside}/new'))",
    "mkfifo": "attempt(lambda: os.mkfifo('fifo'))",
    "mknod": "attempt(lambda: os.mknod('device', 0o060600, os.makedev(254, 0)))",
    "write_site_packages": "import sysconfig\n"
    "attempt(lambda: open(sysconfig.get_path('purelib') + '/{name}.pth', 'w'))",
    "write_stdlib": "attempt(lambda: open(os.__file__ + '.new', 'w'))",
    "write_worker_home": "attempt(lambda: open('../new', 'w'))",
    "remove_worker_home": "attempt(lambda: os.rename('../scratch', '../moved'))",
    "write_tmp": "attempt(lambda: open('/tmp/{name}', 'w'))",
    "lock_library": "import fcntl\n"
    "attempt(lambda: fcntl.flock(os.open(os.__file__, 0), fcntl.LOCK_EX))",
    "reserve_space": "fd = os.open('f', os.O_RDWR | os.O_CREAT)\n"
    "attempt(lambda: raw(285, fd, 1, 0, 1 << 30))",
    "whiteout": "open('a', 'w').close()\nraw(316, -100, b'a', -100, b'b', 4)",
    "awkward_names": "for n in (b'.0', b'.1', b'\\xff', b'a\\nb', b'-rf', b' ', b'x' * 255):\n"
    "    os.makedirs(n + b'/.0/.1')\nos.umask(0o777)\nos.mkdir('m')\nopen('n', 'w').close()",
    "chroot_out": "attempt(lambda: os.chroot('.'))",
}

DESCRIPTORS = {
    "inherited": "for fd in range(3, 256):\n"
    "    try:\n        print('ESCAPED' if os.read(fd, 99) else '')\n"
    "    except OSError:\n        pass",
    "inherited_list": "found = []\nfor fd in range(5, 1024):\n"
    "    try:\n        os.fstat(fd)\n        found.append(fd)\n"
    "    except OSError:\n        pass\nprint('ESCAPED' if found else 'none', found)",
    "inherited_known": "print('ESCAPED', os.pread({descriptor}, 99, 0))",
    "close_all": "os.closerange(0, 256)",
    "forge_report": "os.write(4, b'K')\nos.write(4, bytes(4096))",
    "forge_flood": "for _ in range(9):\n    os.write(4, b'\\xff' * 65536)",
    "forge_error_flood": "os.write(4, b'E' + bytes(65535))",
    "forge_packets": "import fcntl\nfcntl.fcntl(4, fcntl.F_SETFL, os.O_DIRECT)\n"
    "for _ in range(99):\n    os.write(4, b'Eforged')",
    "forge_slowly": "import time\nos.write(4, b'K')\ntime.sleep(60)",
    "forge_garbage": "os.write(4, bytes(range(256)) * 16)",
    "forge_frame": "for fd in range(1, 64):\n"
    "    try:\n        os.write(fd, b'\\0\\0\\0\\2{{}}')\n    except OSError:\n        pass",
    "terminal_input": "import fcntl\nattempt(lambda: fcntl.ioctl(0, 0x5412, b'x'))",
}

SIGNALS = {
    "kill_parent": "attempt(lambda: os.kill({parent}, 0))",
    "kill_worker": "attempt(lambda: os.kill(os.getppid(), 0))",
    "kill_1": "attempt(lambda: os.kill(1, 0))",
    "kill_all": "attempt(lambda: os.kill(-1, 0))",
    "kill_group": "attempt(lambda: os.killpg(0, 0))",
    "kill_victim": "attempt(lambda: os.kill({victim}, 9))",
    "tgkill": "attempt(lambda: raw(234, {victim}, {victim}, 9))",
    "sigqueue": "import ctypes\nattempt(lambda: raw(129, {victim}, 9, bytes(128)))",
    "pidfd": "import signal\nattempt(lambda: signal.pidfd_send_signal(os.pidfd_open({victim}), 9))",
    "descriptor_owner": "import fcntl\nr, w = os.pipe()\n"
    "attempt(lambda: fcntl.fcntl(r, fcntl.F_SETOWN, {victim}))\n"
    "attempt(lambda: fcntl.fcntl(r, 10, 9))\n"
    "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)\nos.write(w, b'x')",
    "descriptor_owner_ioctl": "import fcntl, struct\nr, w = os.pipe()\n"
    "attempt(lambda: fcntl.ioctl(r, 0x8901, struct.pack('i', {victim})))",
    "prlimit_victim": "import resource\n"
    "attempt(lambda: resource.prlimit({victim}, resource.RLIMIT_CPU, (1, 1)))",
    "set_priority": "attempt(lambda: os.setpriority(os.PRIO_PROCESS, {victim}, 19))",
    "set_affinity": "attempt(lambda: os.sched_setaffinity({victim}, [0]))",
}

PRIVILEGES = {
    "ptrace_attach": "attempt(lambda: raw(101, 16, {victim}, 0, 0))",
    "ptrace_seize": "attempt(lambda: raw(101, 0x4206, os.getppid(), 0, 0))",
    "process_vm_write": "import ctypes\nbuffer = ctypes.create_string_buffer(64)\n"
    "attempt(lambda: raw(311, os.getppid(), buffer, 1, buffer, 1, 0))",
    "kcmp": "attempt(lambda: raw(312, {victim}, {parent}, 0, 0, 0))",
    "perf_event": "import ctypes\n"
    "attempt(lambda: raw(298, ctypes.create_string_buffer(128), 0, -1, -1, 0))",
    "bpf": "import ctypes\nattempt(lambda: raw(321, 0, ctypes.create_string_buffer(128), 128))",
    "userfaultfd": "attempt(lambda: raw(323, 1))",
    "keyctl": "attempt(lambda: raw(250, 0, -3, 1))",
    "mount": "attempt(lambda: raw(165, b'none', b'{outside}', b'tmpfs', 0, 0))",
    "umount": "attempt(lambda: raw(166, b'{outside}', 2))",
    "unshare_user": "attempt(lambda: raw(272, 0x10000000))",
    "unshare_mount": "attempt(lambda: raw(272, 0x20000))",
    "setns": "attempt(lambda: raw(308, 0, 0))",
    "chroot": "attempt(lambda: os.chroot('/'))",
    "pivot_root": "attempt(lambda: raw(155, b'.', b'.'))",
    "open_tree": "attempt(lambda: raw(428, -100, b'/', 1))",
    "setuid": "attempt(lambda: os.setuid(0))",
    "setgroups": "attempt(lambda: os.setgroups([]))",
    "capset": "import ctypes\nattempt(lambda: raw(126, bytes(8), bytes(24)))",
    "prctl": "attempt(lambda: raw(157, 1, 0, 0, 0, 0))",
    "seccomp_again": "attempt(lambda: raw(317, 1, 0, bytes(16)))",
    "landlock_again": "attempt(lambda: raw(444, 0, 0, 1))",
    "personality": "attempt(lambda: raw(135, 0x0040000))",
    "raise_memory_limit": "import resource\n"
    "attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))",
    "sethostname": "attempt(lambda: raw(170, b'', -1))",
    "set_clock": "attempt(lambda: raw(227, 99, bytes(16)))",
    "reboot": "attempt(lambda: raw(169, 0, 0, 0, 0))",
    "load_module": "attempt(lambda: raw(175, bytes(16), 16, b''))",
    "swapon": "attempt(lambda: raw(167, b'mine', 0))",
    "shared_memory": "attempt(lambda: raw(29, 0, 4096, 0o1666))",
    "message_queue": "attempt(lambda: raw(68, 1234, 0o1666))",
    "timer_signal": "attempt(lambda: raw(222, 0, bytes(64), bytes(8)))",
    "offline_memory": "for advice in (100, 101):\n    attempt(lambda: raw(28, 0, 0, advice))",
    # acct, modify_ldt, iopl, io_setup, mq_open, migrate_pages, splice, vmsplice, fanotify_init,
    # sendmmsg, memfd_secret, process_madvise, fsopen, inotify, timerfd, eventfd, quotactl, ...
    "other_calls": "for number in (46, 47, 103, 122, 134, 137, 154, 159, 163, 172, 173, 179, 206,\n"
    "    237, 240, 246, 251, 256, 275, 276, 278, 279, 283, 289, 290, 294, 300, 305, 307, 314,\n"
    "    322, 324, 330, 425, 429, 430, 432, 434, 438, 440, 442, 444, 447, 448, 449, 451, 452,\n"
    "    457, 458, 459, 462, 463, 469):\n    attempt(lambda: raw(number, -1, -1, -1, -1, -1, -1))",
    "x32_calls": "attempt(lambda: raw(0x40000000 + 57))",
    "int80_calls": "import ctypes, mmap\n"
    "# 32-bit fork() by int 0x80: mov eax, 2; int 0x80; ret\n"
    "page = mmap.mmap(-1, 4096, prot=7)\npage.write(bytes.fromhex('b802000000cd80c3'))\n"
    "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
    "print('ESCAPED', ctypes.CFUNCTYPE(ctypes.c_int)(address)())",
}

IMPORTS = {
    "import_outside": "import sys\nsys.path.insert(0, '{outside}')\nimport evil",
    "import_project": "import sys\nsys.path.insert(0, '{project}')\n"
    "import runtime\nprint('ESCAPED')",
    "import_spec": "import importlib.util as u\n"
    "spec = u.spec_from_file_location('evil', '{outside}/evil.py')\n"
    "spec.loader.exec_module(u.module_from_spec(spec))",
    "import_zip": "import zipimport\nattempt(lambda: zipimport.zipimporter('{outside}/evil.zip'))",
    "import_pth": "import site\nsite.addsitedir('{outside}')",
    "import_runpy": "import runpy\nrunpy.run_path('{outside}/evil.py')",
    "import_extension": "import ctypes\nattempt(lambda: ctypes.CDLL('{outside}/evil.so'))",
    "import_own_module": "open('mine.py', 'w').write('print(open({secret!r}).read())')\n"
    "import sys\nsys.path.insert(0, '.')\nimport mine",
    "patch_worker": "import sys\nfor module in list(sys.modules.values()):\n"
    "    for name in ('run', 'read_frame', 'write_frame', 'format_error'):\n"
    "        if hasattr(module, name):\n            setattr(module, name, None)",
    "patch_builtins": "import builtins, sys\nbuiltins.print = None\nsys.stdout = None\n"
    "sys.excepthook = None\nraise ValueError",
    "unpickle": "import pickle\nclass Evil:\n    def __reduce__(self):\n"
    "        return (open, ('{secret}',))\nprint(pickle.loads(pickle.dumps(Evil())).read())",
}

ATTACKS = {
    **FILES,
    **PROC,
    **ENVIRONMENT,
    **NETWORK,
    **PROCESSES,
    **WRITES,
    **DESCRIPTORS,
    **SIGNALS,
    **PRIVILEGES,
    **IMPORTS,
}

# Programs that go on for ever, grow without end or never stop talking: what counts is the clock.
EXHAUSTION = {
    "loop": "while True: pass",
    "loop_catching": "while True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    "loop_in_c": "sum(range(10**12))",
    "big_power": "10**10**8",
    "big_factorial": "import math\nmath.factorial(10**8)",
    "regular_expression": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
    "sleep": "import time\ntime.sleep(60)",
    "sleep_in_c": "import ctypes\nctypes.CDLL(None).sleep(60)",
    "signals_blocked": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
    "for s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n"
    "    except Exception: pass\n"
    "while True: pass",
    "stop_itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass",
    "pause": "import signal\nsignal.pause()",
    "read_forever": "import os\nr, w = os.pipe()\nos.read(r, 1)",
    "close_pipes_and_loop": "import os\nos.closerange(0, 64)\nwhile True: pass",
    "in_repr": "class A:\n    def __repr__(self):\n        while True: pass\nA()",
    "in_error_text": "class E(Exception):\n    def __str__(self):\n"
    "        while True: pass\nraise E",
    "in_finaliser": "class A:\n    def __del__(self):\n        while True: pass\na = A()\ndel a",
    "in_output": "import sys\nclass S:\n    def write(self, t): return 0\n    def flush(self):\n"
    "        while True: pass\nsys.stdout = S()",
    "output_flood": "while True: print('x' * 1000)",
    "output_flood_raw": "import os\nwhile True: os.write(1, bytes(65536))",
    "error_flood": "import sys\nwhile True: print('x' * 1000, file=sys.stderr)",
    "report_flood": "import os\nwhile True: os.write(2, bytes(100))",
    "list": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "list_of_integers": "x = [0] * 10**10",
    "bytes": "bytearray(4 << 30)",
    "string": "'x' * (4 << 30)",
    "string_doubling": "s = 'x'\nwhile True: s += s",
    "numpy": "import numpy\nnumpy.ones(1 << 32)",
    "mmap": "import mmap\nm = [mmap.mmap(-1, 1 << 30) for _ in range(64)]",
    "nested": "x = []\nwhile True: x = [x, x]",
    "recursion": "def f(): f()\nf()",
    "recursion_in_c": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "parser": "eval('(' * 100000)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "exit_at_once": "import os\nos._exit(0)",
    "disk_bytes": "n = 0\nwhile True:\n    n += 1\n    open(str(n), 'wb').write(bytes(15 << 20))",
    "disk_one_file": "f = open('f', 'wb')\nwhile True: f.write(bytes(1 << 20))",
    "disk_files": "n = 0\nwhile True:\n    n += 1\n    open(str(n), 'w').close()",
    "disk_depth": "import os\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')",
    "disk_deleted": "import os\nf = []\nwhile True:\n    f.append(open('f', 'wb'))\n"
    "    os.unlink('f')\n    f[-1].write(bytes(1 << 20))",
    "small_mmaps": "import mmap\nm = []\nwhile True: m.append(mmap.mmap(-1, 4096))",
    "pipes": "import os\nwhile True: os.pipe()",
    "output_bytes": "import os\nwhile True: os.write(1, b'x')",
    "no_cpu_signal": "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
    "while True: pass",
    "disk_locked": "import os\nos.mkdir('d', 0)\nos.mkdir('e')\nos.mkdir('e/f', 0)",
    "many_descriptors": "f = []\nwhile True: f.append(open('/dev/null'))",
}
