"""Templates that attack: each is refused with one line, or harmless, within two seconds.

The clock (CPU time, since tests run beside other work) covers compilation and rendering, and
memory is limited too: an attack that is noticed after it has allocated ten gigabytes has won.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.protocol import ChatTemplate, Message

ROOT = Path(__file__).parents[2]
TALK = [Message("system", "S"), Message("user", "Q")]
BIG = "10 ** 10"
DOUBLE = "{% set ns = namespace(x='ab') %}{% for i in range(64) %}"

REFUSED = {
    # endless work
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "loops without output": "".join(f"{{% for a{i} in range(9999) %}}" for i in range(9))
    + "{% set x = 1 %}"
    + "{% endfor %}" * 9,
    "recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "double recursion": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}"
    "{% endmacro %}{{ f(60) }}",
    "call blocks": "{% macro f(n) %}{{ caller(n) }}{{ caller(n) }}{% endmacro %}"
    "{% macro g(n) %}{% call(m) f(n) %}{% if m %}{{ g(m-1) }}{% endif %}{% endcall %}"
    "{% endmacro %}{{ g(60) }}",
    "recursive loop": "{% for a in [[]] recursive %}{{ loop([[], []]) }}{% endfor %}",
    "recursive loop of ranges": "{% for a in [1] recursive %}{{ loop(range(9999)) }}{% endfor %}",
    "long range": "{% for a in range(10 ** 9) %}x{% endfor %}",
    "filters in loops": "{% for a in range(9999) %}{% set x = range(99999)|list|sort %}"
    "{% endfor %}",
    "comparison of shared lists": "{% set a = namespace(x=[], y=[]) %}{% for i in range(99) %}"
    "{% set a.x = [a.x, a.x] %}{% set a.y = [a.y, a.y] %}{% endfor %}{{ a.x == a.y }}",
    "map in a loop": "{% for a in range(99999) %}{% set x = range(9999)|map('string')|list %}"
    "{% endfor %}",
    # memory
    "multiplied text": f"{{{{ 'a' * {BIG} }}}}",
    "multiplied from the right": "{{ 10000000000 * 'a' }}",
    "multiplied list": "{{ [1] * 10000000000 }}",
    "multiplied constant in a test": "{% if 'a' * 10000000000 %}{% endif %}",
    "huge power": "{{ 10 ** 10 ** 10 }}",
    "power of a power": "{% set ns = namespace(x=9) %}{% for i in range(64) %}"
    "{% set ns.x = ns.x ** 64 %}{% endfor %}",
    "squares": "{% set ns = namespace(x=9) %}{% for i in range(64) %}"
    "{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "shifted by rounding": "{{ 5|round(10000000000, 'ceil') }}",
    "doubled by +": DOUBLE + "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubled by ~": DOUBLE + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubled by a set block": DOUBLE + "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}"
    "{% set ns.x = y %}{% endfor %}",
    "doubled by a macro": "{% macro f(x) %}{{ x }}{{ x }}{% endmacro %}"
    + DOUBLE
    + "{% set ns.x = f(ns.x) %}{% endfor %}",
    "doubled by replace": DOUBLE + "{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}",
    "doubled by the filter": DOUBLE + "{% set ns.x = ns.x|replace('a', ns.x) %}{% endfor %}",
    "doubled by join": DOUBLE + "{% set ns.x = ns.x.join(['a', 'b', ns.x]) %}{% endfor %}",
    "doubled by the join filter": DOUBLE + "{% set ns.x = [ns.x, ns.x]|join(ns.x) %}{% endfor %}",
    "doubled by escape": "{% set ns = namespace(x='&') %}{% for i in range(64) %}"
    "{% set ns.x = ns.x|e %}{% endfor %}{{ ns.x * 99999 }}",
    "doubled by json": "{% set ns = namespace(x='\"') %}{% for i in range(64) %}"
    "{% set ns.x = ns.x|tojson %}{% endfor %}",
    "doubled list": "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "laughing lists": "{% set ns = namespace(x='lol') %}{% for i in range(64) %}"
    "{% set ns.x = [ns.x, ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "laughing dicts": "{% set ns = namespace(x='lol') %}{% for i in range(64) %}"
    "{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}{{ ns.x|tojson }}",
    "laughing tuples": "{% set ns = namespace(x='lol') %}{% for i in range(64) %}"
    "{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
    "laughing calls": "{% set ns = namespace(x='lol') %}{% for i in range(64) %}"
    "{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}{{ ns.x }}",
    "ljust": f"{{{{ 'x'.ljust({BIG}) }}}}",
    "zfill": "{{ 'x'.zfill(10000000000) }}",
    "center": "{{ 'x'|center(10000000000) }}",
    "expandtabs": "{{ '\t'.expandtabs(10000000000) }}",
    "indent": "{{ 'x\ny'|indent(10000000000) }}",
    "indent by keyword": "{{ 'x\ny'|indent(width=10000000000) }}",
    "indent refills the budget": "{% set x = 'x\ny'|indent(-(10 ** 15)) %}"
    "{% for i in range(9999) %}{{ 'y' * 99999 }}{% endfor %}",
    "json indent": "{{ [1]|tojson(indent=10000000000) }}",
    "deep json indent": "{% set ns = namespace(x=range(9999)|list) %}{% for i in range(500) %}"
    "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson(indent=16) }}",
    "json separators": "{{ (range(9999)|list)|tojson(separators=['x' * 99999, ':']) }}",
    "% format": "{{ '%1000000000d' % 1 }}",
    "% format of bytes": "{{ '%*d' % (1000000000, 1) }}",
    "format method": "{{ '{:1000000000}'.format(1) }}",
    "format_map method": "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
    "format filter": "{{ '%1000000000d'|format(1) }}",
    "wordwrap": "{{ 'ab'|wordwrap(1, wrapstring='x' * 999999) }}",
    "batch": "{{ [1]|batch(10000000000, 0)|list }}",
    "slice": "{{ [1]|slice(10000000000)|list }}",
    "sum of lists": "{{ ([[1]] * 99999)|sum(start=[]) }}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "cycler": "{{ cycler(1).next() }}",
    "strftime": "{{ strftime_now('%c' * 999999) }}",
    "big output": "{% for i in range(99999) %}" + "x" * 9_999 + "{% endfor %}",
    "big output from a macro": "{% macro f() %}" + "x" * 9_999 + "{% endmacro %}"
    "{% for i in range(99999) %}{% set y = f() %}{% endfor %}",
    "long list": "{{ (range(99999)|list) * 99 }}",
    "translate": "{{ 'aaaa'.translate({97: 'b' * 999999}) }}",
    "fromkeys": "{{ dict.fromkeys(range(99999), 1) }}",
    # other files and Python's internals
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "from import": "{% from 'os' import system %}",
    "extends": "{% extends '/etc/passwd' %}",
    "blocks": "{% block a %}{{ self.a() }}{% endblock %}",
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ raise_exception.__globals__['os'].system('id') }}",
    "init globals": "{{ namespace.__init__.__globals__ }}",
    "range's class": "{{ range.__class__.__base__.__subclasses__() }}",
    "format to internals": "{{ '{0.__class__.__mro__}'.format('') }}",
    "map to internals": "{{ ['']|map(attribute='__class__')|map(attribute='mro')|list }}"
    "{{ messages.__class__.__mro__ }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "attr of format": "{{ ('{0.__class__}'|attr('format'))('') }}",
    "cycler's globals": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "generator frame": "{{ (messages|map('upper')).gi_frame.f_globals }}",
    "mutation": "{{ messages.append(messages) }}",
    "mutation of a message": "{{ messages[0].update({'role': 'user'}) }}",
    "clearing": "{{ messages.clear() }}",
    "autoescape": "{% autoescape true %}{{ '<' * 99 }}{% endautoescape %}",
    # broken
    "syntax": "{% if %}",
    "unclosed": "{{ 'a",
    "unknown filter": "{{ 1|nothing }}",
    "undefined call": "{{ nothing() }}",
    "division": "{{ 1 // 0 }}",
    "refusal": "{{ raise_exception('no\nway ' * 99) }}",
    "refusal with an object": "{{ raise_exception(messages) }}",
    "too long": "x" * 100_001,
    "deep brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "deep lists": "{{ " + "[" * 400 + "]" * 400 + " }}",
    "deep ifs": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
    "deep loops": "{% for a in [1] %}" * 40 + "x" + "{% endfor %}" * 40,
    "long sum": "{{ 1" + " + 1" * 20_000 + " }}",
    "long chain": "{{ a" + ".a" * 30_000 + " }}",
    "long filter chain": "{{ 'a'" + "|upper" * 10_000 + " }}",
    "deep not": "{{ " + "not " * 20_000 + "1 }}",
    "many elifs": "{% if 0 %}" + "{% elif 0 %}" * 5_000 + "{% endif %}",
    "half tags": "{" * 99_999,
    "deep minus": "{{ " + "-" * 90_000 + "1 }}",
}  # fmt: skip

HARMLESS = {
    "dunder is undefined": "{{ ''.__class__ }}",
    "underscore of a namespace": "{% set ns = namespace(_x=1) %}{{ ns._x }}",
    "namespaces in each other": "{% set ns = namespace(x=1) %}{% for i in range(60) %}"
    "{% set ns = namespace(a=ns, b=ns) %}{% endfor %}{% set ns.c = ns %}{{ ns }}{{ [ns]|string }}"
    "{{ ns is lower }}",
    "macros printed": "{% macro f() %}{% endmacro %}{{ f }}",
    "many variables": "".join(f"{{% set a{i} = {i} %}}" for i in range(4_000)),
    "spaces": " " * 99_999,
    "newlines": "\n" * 99_999,
    "spaces and tags": "{%- if 1 -%}" + " \n" * 40_000 + "{%- endif -%}",
    "comment": "{#" + "-" * 90_000 + "#}",
    "braces in text": "{{ '{' }}" * 9_000,
    "fake filter names": "{{ [1]|__admit }}{{ ['a']|__concat }}{{ [1]|__iterate }}",
    "loop variables": "{% for a in range(99) %}{{ loop.cycle('a', 'b') }}{{ loop.changed(a) }}"
    "{% endfor %}",
    "generation": "{% generation %}x{% endgeneration %}",
}


def attack(source: str) -> str:
    """Compile and render; the text of a ModelError, or "" if it was rendered."""
    try:
        rendered = ChatTemplate(source).render(TALK)
    except ModelError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 300
        return str(error)
    assert len(rendered) < 2_000_000
    return ""


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED.keys())
def test_refused(source: str) -> None:
    started = time.process_time()
    assert attack(source)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless(source: str) -> None:
    started = time.process_time()
    assert attack(source) == ""
    assert time.process_time() - started < 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and limits the address space")
def test_memory_stays_small() -> None:
    """All attacks one after the other, in a process that may grow by half a gigabyte."""
    program = (
        "import resource\n"
        "from tests.protocol.test_malicious_templates import HARMLESS, REFUSED, attack\n"
        "attack('x')\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))\n"
        "for name, source in (REFUSED | HARMLESS).items():\n"
        "    assert 'MemoryError' not in attack(source), name\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
