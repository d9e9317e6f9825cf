"""Ordinary behaviour of the sandbox: tiers, output, last expressions, errors, life and death."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import pytest

from runtime.errors import SandboxUnavailable, UsageError
from runtime.sandbox import Kind, Sandbox
from runtime.sandbox.program import parse

from .conftest import workers

# Programs that either tier can run, and what both must print.
PARITY = {
    "print": ("print('a', 1, sep='-')", "a-1\n"),
    "last_expression": ("x = 20\nx + 1", "21\n"),
    "last_string": ("'a\\n'", "'a\\n'\n"),
    "last_none": ("print('a')\nNone", "a\n"),
    "last_call_of_print": ("print('a')", "a\n"),
    "last_comment": ("1 + 1  # two\n# end", "2\n"),
    "last_semicolon": ("x = 1; x + 1;", "2\n"),
    "last_tuple": ("1, 'é', 2.5", "(1, 'é', 2.5)\n"),
    "last_many_lines": ("(1 +\n  # one more\n  1)\n", "2\n"),
    "last_after_unicode": ("s = 'é'; 'é' + s", "'éé'\n"),
    "last_lambda_call": ("(lambda n: n * 2)(4)", "8\n"),
    "last_generator": ("sum(x * x for x in range(4))", "14\n"),
    "last_walrus": ("(y := 5)", "5\n"),
    "last_instance": ("class A:\n    def __repr__(self):\n        return 'an A'\nA()", "an A\n"),
    "last_assignment": ("x = 3", ""),
    "last_if": ("if True:\n    5", ""),
    "last_loop": ("for i in range(2):\n    print(i)", "0\n1\n"),
    "last_try": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    print('no')", "no\n"),
    "last_function": ("def f():\n    return 1", ""),
    "main_guard": ("if __name__ == '__main__':\n    print('main')", "main\n"),
    "windows_lines": ("x = 1\r\nx\r\n", "1\n"),
    "stderr": ("import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')", "a\nb\nc\n"),
    "no_newline": ("print('a', end='')", "a"),
    "empty": ("", ""),
    "only_comment": ("# nothing", ""),
    "big_integers": ("2 ** 200 % 10 ** 20", f"{2**200 % 10**20}\n"),
    "floats": ("print(0.1 + 0.2, 1e16, 1e-7, float('inf'), -0.0)", None),
    "formats": ("print(f'{3.14159:>10.2f}|{1000000:,}|{5:#b}|{\"a\":^5}')", None),
    "collections": ("from collections import Counter\nCounter('abca').most_common()", None),
    "dictionaries": ("{k: v for k, v in zip('ab', [[1], {2}])}", "{'a': [1], 'b': {2}}\n"),
    "slices": ("[3, 1, 2][::-1] + sorted('cab', reverse=True)", None),
    "random": ("import random\nrandom.seed(3)\nrandom.random(), random.randint(1, 9)", None),
    "json": ("import json\njson.dumps({'a': [1, None, True]})", None),
    "regex": ("import re\nre.sub(r'(\\d)', r'<\\1>', 'a1b2')", "'a<1>b<2>'\n"),
    "bytes": ("b'\\xff' + b'a'", None),
    "truncated": ("print('é' * 6000)", None),
}

# Programs with an error: the text is CPython's, and the same in both tiers.
ERRORS = {
    "division": (
        "def f(n):\n    return 1 / n\nprint('a')\nf(0)",
        "ZeroDivisionError: division by zero",
    ),
    "name": ("undefined + 1", "NameError: name 'undefined' is not defined"),
    "key": ("{}['a']", "KeyError: 'a'"),
    "index": ("[1][5]", "IndexError: list index out of range"),
    "assertion": ("assert 1 == 2, 'no'", "AssertionError: no"),
    "raised": ("raise ValueError('bad')", "ValueError: bad"),
    "value": ("int('x')", "ValueError: invalid literal for int() with base 10: 'x'"),
    "recursion": ("def f(n):\n    return f(n + 1)\nf(0)", "RecursionError"),
}


@pytest.mark.parametrize("name", PARITY)
def test_both_tiers_print_the_same(monty: Sandbox, cpython: Sandbox, name: str) -> None:
    code, expected = PARITY[name]
    first, second = monty.run(code), cpython.run(code)
    assert (first.tier, second.tier) == ("monty", "cpython")
    for result in (first, second):
        assert (result.kind, result.error) == (Kind.OK, None)
    assert first.output == second.output
    assert expected is None or first.output == expected


@pytest.mark.parametrize("name", ERRORS)
def test_both_tiers_give_the_same_error(monty: Sandbox, cpython: Sandbox, name: str) -> None:
    code, last_line = ERRORS[name]
    first, second = monty.run(code), cpython.run(code)
    assert first.kind is second.kind is Kind.USER_ERROR
    assert first.error is not None and second.error is not None
    assert first.error.splitlines()[-1].startswith(last_line)
    if name != "recursion":  # the depth differs
        assert (first.error, first.output) == (second.error, second.output)


def test_traceback_is_short_and_the_users(cpython: Sandbox) -> None:
    code = "import json\n\ndef load(text):\n    return json.loads(text)\n\nload('?')"
    result = cpython.run(code)
    assert result.error == textwrap.dedent("""\
        Traceback (most recent call last):
          File "main.py", line 6, in <module>
            load('?')
          File "main.py", line 4, in load
            return json.loads(text)
        json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)""")


def test_import_error_hides_host_paths(cpython: Sandbox) -> None:
    error = cpython.run("from sympy import nothing").error
    assert error is not None and error.endswith("from 'sympy' (sympy/__init__.py)")


def test_syntax_error_has_line_and_caret(both: Sandbox) -> None:
    result = both.run("x = 1\ny = = 2")
    assert (result.kind, result.tier) == (Kind.USER_ERROR, "parser")
    assert result.error is not None
    assert 'File "main.py", line 2' in result.error and "SyntaxError" in result.error


@pytest.mark.parametrize(
    "code", ["\0", "'\ud800'", "1" + "+1" * 50_000, "x" * 300_000, "f(" * 500, "return 1"]
)
def test_unparsable_programs_are_user_errors(both: Sandbox, code: str) -> None:
    result = both.run(code)
    assert result.kind is Kind.USER_ERROR
    assert result.error is not None and "SyntaxError" in result.error


def test_monty_answers_what_it_can(both: Sandbox) -> None:
    assert both.run("sum(range(10))").tier == "monty"


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("def g():\n    yield 1\nlist(g())", "[1]\n"),
        ("from fractions import Fraction\nFraction(1, 3) * 2", "Fraction(2, 3)\n"),
        ("import sympy\nx = sympy.Symbol('x')\nsympy.solve(x**2 - 4)", "[-2, 2]\n"),
        ("import numpy as np\nnp.arange(3).sum().item()", "3\n"),
        ("class E(Exception): pass\ntry:\n    raise E\nexcept E:\n    print('caught')", "caught\n"),
        (
            "try:\n    import heapq\nexcept ImportError:\n    print('no')\nheapq.nlargest(1, [1])",
            "[1]\n",
        ),
        (
            "import asyncio, heapq\nasync def f():\n    return 4\nasyncio.run(f())",
            "4\n",
        ),
        ("import tempfile\nwith tempfile.TemporaryFile() as f:\n    print(f.write(b'abc'))", "3\n"),
        ("import sys, math\nprint(hasattr(sys, 'exit'), __name__)", "True __main__\n"),
    ],
)
def test_cpython_answers_the_rest(both: Sandbox, code: str, output: str) -> None:
    result = both.run(code)
    assert (result.output, result.error, result.tier) == (output, None, "cpython")


def test_user_errors_are_confirmed_and_output_is_not_doubled(both: Sandbox) -> None:
    result = both.run("print('once')\n1 / 0")
    assert (result.output, result.kind, result.tier) == ("once\n", Kind.USER_ERROR, "cpython")


@pytest.mark.parametrize(
    ("code", "kind", "error"),
    [
        ("import sys\nsys.exit()", Kind.OK, None),
        ("exit(0)", Kind.OK, None),
        ("import sys\nsys.exit(3)", Kind.USER_ERROR, "SystemExit: 3"),
        ("import sys\nsys.exit('bad')", Kind.USER_ERROR, "SystemExit: bad"),
        ("import os\nos._exit(7)", Kind.USER_ERROR, "SystemExit: 7"),
        ("import os\nos.abort()", Kind.USER_ERROR, None),
    ],
)
def test_exits(both: Sandbox, code: str, kind: Kind, error: str | None) -> None:
    result = both.run(code)
    assert result.kind is kind
    if error or kind is Kind.OK:
        assert result.error == error


def test_input_is_empty(both: Sandbox) -> None:
    result = both.run("input('name? ')")
    assert result.kind is Kind.USER_ERROR
    assert result.error is not None and "EOFError" in result.error


def test_output_survives_a_timeout(cpython: Sandbox) -> None:
    result = cpython.run("print('before')\nwhile True: pass", timeout=0.3)
    assert (result.output, result.kind) == ("before\n", Kind.TIMEOUT)


def test_output_is_cut_with_a_note() -> None:
    for tier in ("monty", "cpython"):
        with Sandbox((tier,), max_output=10) as sandbox:
            output = sandbox.run("print('0123456789' * 2)").output
            assert output == "0123456789\n[output truncated: 11 more bytes]\n"


def test_binary_output_is_decoded(cpython: Sandbox) -> None:
    result = cpython.run(
        "import os, sys\nos.write(1, b'a\\xff\\x00b')\nsys.stdout.buffer.write(b'\\xfe')"
    )
    assert result.kind is Kind.OK
    assert result.output == "a\ufffd\0b\ufffd1\n"


def test_random_numbers_differ_between_calls(cpython: Sandbox) -> None:
    code = "import random, numpy\nrandom.random(), numpy.random.rand()"
    assert cpython.run(code).output != cpython.run(code).output


def test_a_timeout_that_monty_cannot_keep_is_left_to_cpython(both: Sandbox) -> None:
    both.describe()
    result = both.run("import time\ntime.sleep(0.4)\nprint('slept')", timeout=1.2)
    assert (result.output, result.tier) == ("slept\n", "cpython")
    started = time.monotonic()
    assert both.run("while True: pass", timeout=0.5).kind is Kind.TIMEOUT
    assert time.monotonic() - started < 1.0


def test_no_isolation_means_no_cpython() -> None:
    with Sandbox(("cpython",), min_landlock_abi=99) as sandbox:
        (report,) = sandbox.describe()
        assert not report.available
        assert "missing: Landlock ABI 99" in report.detail
        result = sandbox.run("print('ran')")
        assert (result.output, result.kind) == ("", Kind.INFRA)
        assert result.error is not None and "missing: Landlock ABI 99" in result.error


def test_monty_alone_says_what_needs_full_python() -> None:
    with Sandbox(min_landlock_abi=99) as sandbox:
        assert sandbox.run("1 + 1").output == "2\n"
        assert sandbox.run("try:\n    print('a')\nexcept Exception: pass").output == "a\n"
        assert sandbox.run("1 / 0").kind is Kind.USER_ERROR
        for code in ("import sympy", "def g():\n    yield 1", "print(input())"):
            result = sandbox.run(code)
            assert result.kind is Kind.INFRA
            assert result.error is not None and "missing: Landlock ABI 99" in result.error
        assert sandbox.run("import no_such_module").kind is Kind.USER_ERROR
        assert sandbox.run("while True: pass", timeout=0.3).kind is Kind.TIMEOUT


@pytest.mark.parametrize("package", ["pyseccomp", "landlockpy"])
def test_a_missing_package_is_named(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None\n"
    code += "from runtime.sandbox.worker import isolation\nisolation.check(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"missing: the Python package {package} (pip install {package})" in done.stderr


def test_describe_reports_the_mechanisms(both: Sandbox) -> None:
    reports = {report.name: report for report in both.describe()}
    assert all(report.available for report in reports.values())
    assert any("Landlock ABI" in line for line in reports["cpython"].mechanisms)
    assert any("self-test: passed" in line for line in reports["cpython"].mechanisms)


def workers_of(pid: int) -> list[int]:
    return [process.pid for process in workers() if process.parent == pid]


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("sod-sandbox-*"))


def test_a_dead_worker_is_replaced() -> None:
    others = set(workers_of(os.getpid()))
    with Sandbox(("cpython",)) as sandbox:
        assert sandbox.run("1").kind is Kind.OK
        (pid,) = set(workers_of(os.getpid())) - others
        os.kill(pid, signal.SIGKILL)
        assert sandbox.run("2").output == "2\n"
        assert pid not in workers_of(os.getpid())


def test_a_worker_that_dies_during_a_call_is_our_failure() -> None:
    others = set(workers_of(os.getpid()))
    with Sandbox(("cpython",)) as sandbox:
        sandbox.run("1")
        stop = threading.Event()

        def kill_every_worker() -> None:
            while not stop.wait(0.2):
                for pid in set(workers_of(os.getpid())) - others:
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_every_worker)
        killer.start()
        result = sandbox.run("import time\ntime.sleep(30)")
        stop.set()
        killer.join()
        assert result.kind is Kind.INFRA
        assert sandbox.run("1 + 1").output == "2\n"


def test_a_stopped_worker_does_not_stop_the_clock() -> None:
    others = set(workers_of(os.getpid()))
    with Sandbox(("cpython",)) as sandbox:
        sandbox.run("1")
        (pid,) = set(workers_of(os.getpid())) - others
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        assert sandbox.run("1", timeout=0.5).kind is Kind.TIMEOUT
        assert time.monotonic() - started < 1.0
        assert sandbox.run("1 + 1").output == "2\n"


def test_close_leaves_nothing() -> None:
    before, others = folders(), workers_of(os.getpid())
    sandbox = Sandbox(("cpython",))
    sandbox.run("open('note', 'w').write('x')")
    assert folders() - before
    sandbox.close()
    sandbox.close()
    assert folders() == before
    assert workers_of(os.getpid()) == others
    with pytest.raises(SandboxUnavailable):
        sandbox.run("1")


def test_a_killed_parent_leaves_nothing() -> None:
    code = textwrap.dedent("""
        from runtime.sandbox import Sandbox
        sandbox = Sandbox(("cpython",))
        sandbox.run("1")
        print("ready", flush=True)
        sandbox.run("open('note', 'w').write('x')\\nwhile True: pass", timeout=60)
    """)
    before = folders()
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
    time.sleep(0.2)
    theirs = [process.pid for process in workers() if process.parent in workers_of(parent.pid)]
    theirs += workers_of(parent.pid)  # the worker and its fork
    assert len(theirs) == 2 and folders() - before
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (folders() - before or any(map(is_alive, theirs))):
        time.sleep(0.05)
    assert folders() == before
    assert not any(map(is_alive, theirs))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_threads_share_a_sandbox() -> None:
    with Sandbox(workers=2) as sandbox:
        outputs: list[str] = []

        def work(number: int) -> None:
            code = f"def g():\n    yield {number}\nlist(g())" if number % 2 else f"[{number}]"
            outputs.append(sandbox.run(code).output)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outputs) == sorted(f"[{number}]\n" for number in range(12))


def test_threads_may_start_sandboxes_at_once() -> None:
    code = textwrap.dedent("""
        import threading
        from runtime.sandbox import Sandbox
        def work():
            with Sandbox(("monty",)) as sandbox:
                print(sandbox.run("1 + 1").output, end="")
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2\n" * 8, "")


class Interrupt(BaseException):
    pass


def test_an_interrupted_call_does_not_answer_the_next(cpython: Sandbox) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Interrupt):
            cpython.run("import time\ntime.sleep(0.4)\nprint('stale')")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert cpython.run("print('fresh')").output == "fresh\n"


def in_a_fork(sandbox: Sandbox, code: str) -> str:
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        signal.alarm(20)
        os.write(theirs, sandbox.run(code).output.encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        output = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    return output


def test_a_fork_of_the_process_has_workers_of_its_own() -> None:
    with Sandbox() as sandbox:
        assert sandbox.run("1").tier == "monty"
        sandbox.describe()
        busy = threading.Thread(target=sandbox.run, args=("import time\ntime.sleep(0.5)",))
        busy.start()
        time.sleep(0.1)
        assert in_a_fork(sandbox, "1 + 1") == "2\n"
        busy.join()
        assert [sandbox.run(code).output for code in ("[3]", "{4}")] == ["[3]\n", "{4}\n"]


def test_a_fork_does_not_share_monty() -> None:
    with Sandbox(("monty",)) as sandbox:
        sandbox.run("1")
        assert in_a_fork(sandbox, "1 + 1") == ""
        assert sandbox.run("1 + 1").output == "2\n"


def test_many_descriptors() -> None:
    code = textwrap.dedent("""
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
        held = [os.open("/dev/null", 0) for _ in range(1500)]
        from runtime.sandbox import Sandbox
        with Sandbox() as sandbox:
            sandbox.warm()
            print(sandbox.run("1").output, sandbox.run("{1}").output)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "1\n {1}\n\n", done.stderr


def test_lower_limits_of_the_parent_are_kept() -> None:
    code = textwrap.dedent("""
        import resource as r
        for which, value in ((r.RLIMIT_NOFILE, 40), (r.RLIMIT_FSIZE, 1 << 20), (r.RLIMIT_CPU, 9)):
            r.setrlimit(which, (value, value))
        from runtime.sandbox import Sandbox
        with Sandbox(("cpython",)) as sandbox:
            names = "r.RLIMIT_NOFILE, r.RLIMIT_FSIZE, r.RLIMIT_CPU"
            code = f"import resource as r\\n[r.getrlimit(which)[1] for which in ({names})]"
            print(sandbox.run(code, timeout=99))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"[40, {1 << 20}, 9]" in done.stdout, done.stderr


def test_a_worker_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        if path.endswith("scratch"):
            raise OSError("no space")
        make(path, mode)

    before = folders()
    monkeypatch.setattr(os, "mkdir", mkdir)
    with Sandbox(("cpython",)) as sandbox:
        assert sandbox.run("1").kind is Kind.INFRA
    assert folders() == before


def test_a_call_that_comes_after_close_does_not_hang() -> None:
    sandbox = Sandbox(("cpython",))
    sandbox.close()
    assert sandbox._cpython is not None
    with pytest.raises(SandboxUnavailable):  # as if it had been waiting for its turn
        sandbox._cpython.run(parse("1"), 1.0)


def test_warm_does_not_block() -> None:
    with Sandbox() as sandbox:
        started = time.monotonic()
        sandbox.warm()
        assert time.monotonic() - started < 0.2
        assert sandbox.run("import numpy\nnumpy.sum([1, 2]).item()").output == "3\n"


def test_the_worker_sees_neither_torch_nor_the_environment(
    cpython: Sandbox,
) -> None:
    code = "import os, sys\nprint(sorted(os.environ))\n"
    code += "print('torch' in sys.modules, 'runtime' in sys.modules)"
    names, modules = cpython.run(code).output.splitlines()
    allowed = "HOME LANG LD_LIBRARY_PATH MKL_NUM_THREADS OMP_NUM_THREADS OPENBLAS_NUM_THREADS"
    assert set(re.findall(r"\w+", names)) <= {*allowed.split(), "LC_CTYPE", "PATH", "TMPDIR", "TZ"}
    assert modules == "False False"


@pytest.mark.parametrize(
    "timeout", [1e-9, 3e6, 1e300, 10**400], ids=["tiny", "month", "huge", "integer"]
)
def test_any_positive_timeout_is_taken(monty: Sandbox, cpython: Sandbox, timeout: float) -> None:
    for sandbox in (monty, cpython):
        assert sandbox.run("1", timeout).kind in ((Kind.TIMEOUT,) if timeout < 1 else (Kind.OK,))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_bad_timeouts_are_refused(both: Sandbox, timeout: float) -> None:
    with pytest.raises(UsageError):
        both.run("1", timeout=timeout)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UsageError):
        Sandbox(("docker",))
    with pytest.raises(UsageError):
        Sandbox(memory_mb=0)


def test_import_is_light() -> None:
    heavy = ("pydantic_monty", "numpy", "subprocess", "landlockpy")
    code = f"import sys, runtime.sandbox; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
