"""Functions to tools, schemas and checks; tool files; the schema that constrains decoding."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from runtime.errors import UsageError
from runtime.protocol import Tool, calls_schema, load_tools, tool


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.0


class Tree(msgspec.Struct):
    children: "list[Tree]"  # noqa: UP037


@tool
def paint(
    shape: Literal["circle", "square"],
    color: Color,
    points: list[Point],
    title: Optional[str] = None,  # noqa: UP045
    sizes: list[int] = [1, 2],  # noqa: B006
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0,
    *,
    fill: bool = False,
) -> str:
    """Paint a shape,
    in colour.

    Longer text.

    Args:
        shape: What to paint.
        points (list): Where to paint it,
            in order.
        title: Its name: short.

    Returns:
        Nothing useful.
    """
    return f"{shape} {color.name} {points[0].x} {title} {sizes} {scale} {fill}"


def test_schema() -> None:
    assert paint.name == "paint"
    assert paint.description == "Paint a shape, in colour. Longer text."
    assert paint.schema()["function"] == {
        "name": "paint",
        "description": "Paint a shape, in colour. Longer text.",
        "parameters": paint.parameters,
    }
    properties = paint.parameters["properties"]
    assert list(properties) == ["shape", "color", "points", "title", "sizes", "scale", "fill"]
    assert properties["shape"] == {
        "enum": ["circle", "square"],
        "description": "What to paint.",
    }
    assert properties["color"] == {"enum": ["blue", "red"]}
    assert properties["points"]["description"] == "Where to paint it, in order."
    assert properties["points"]["items"]["properties"]["x"] == {"type": "number"}
    assert properties["title"]["description"] == "Its name: short."
    assert properties["sizes"]["items"] == {"type": "integer"}
    assert paint.parameters["required"] == ["shape", "color", "points"]
    assert paint.parameters["additionalProperties"] is False
    assert "$" not in json.dumps(paint.parameters), "references are inlined"
    jsonschema.Draft202012Validator.check_schema(paint.parameters)


def test_validate_gives_python_values() -> None:
    arguments = {"shape": "circle", "color": "red", "points": [{"x": 1}], "fill": True}
    values = paint.validate(arguments)
    assert values == {"shape": "circle", "color": Color.RED, "points": [Point(1.0)], "fill": True}
    assert paint(**values) == "circle RED 1.0 None [1, 2] 1.0 True"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"shape": "line"}, "line"),
        ({"color": None}, "null"),
        ({"points": [{"x": "1"}]}, "points[0].x"),
        ({"scale": -1}, "> 0"),
        ({"extra": 1}, "extra"),
        ({"fill": "yes"}, "bool"),
    ],
)
def test_validate_says_what_is_wrong(change: dict[str, Any], word: str) -> None:
    arguments: dict[str, Any] = {"shape": "circle", "color": "red", "points": []}
    with pytest.raises(ValueError, match=r"^[^\n]{5,200}$") as error:
        paint.validate(arguments | change)
    assert word in str(error.value)


def no_docstring(x: int) -> int:
    return x


def no_type(x) -> int:  # type: ignore[no-untyped-def]
    """Documented."""
    return int(x)


def star_args(*args: int) -> int:
    """Documented."""
    return sum(args)


def star_kwargs(**kwargs: int) -> int:
    """Documented."""
    return len(kwargs)


def positional(x: int, /) -> int:
    """Documented."""
    return x


def unknown_type(x: Nowhere) -> int:  # type: ignore[name-defined] # noqa: F821
    """Documented."""
    return 1


def no_json(x: Callable[[], int]) -> int:
    """Documented."""
    return x()


def recursive(x: Tree) -> int:
    """Documented."""
    return 1


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (no_docstring, "docstring"),
        (no_type, "x has no type"),
        (star_args, r"\*args"),
        (star_kwargs, r"\*\*kwargs"),
        (positional, "positional-only"),
        (unknown_type, "Nowhere"),
        (no_json, "Callable"),
        (recursive, "contains itself"),
    ],
)
def test_what_cannot_be_a_tool(function: Callable[..., Any], word: str) -> None:
    with pytest.raises(UsageError, match=f"tool {function.__name__}.*{word}") as error:
        tool(function)
    assert "\n" not in str(error.value)


async def coroutine(x: int) -> int:
    """Documented."""
    return x


@pytest.mark.parametrize("thing", [coroutine, paint, print, Point, None, "x" * 999])
def test_only_plain_functions(thing: Any) -> None:
    with pytest.raises(UsageError, match="plain function") as error:
        tool(thing)
    assert len(str(error.value)) < 120


def test_calls_schema(python: Tool) -> None:
    validator = jsonschema.Draft202012Validator(calls_schema([python, paint]))
    assert validator.is_valid({"name": "python", "arguments": {"code": "1"}})
    for bad in (
        {"name": "paint", "arguments": {"code": "1"}},
        {"name": "python", "arguments": {}},
        {"name": "python"},
        {"name": "python", "arguments": {"code": "1"}, "id": 1},
    ):
        assert not validator.is_valid(bad)
    first = calls_schema([python])["anyOf"][0]
    assert list(first["properties"]) == ["name", "arguments"]
    assert first["properties"]["name"] == {"const": "python"}


GOOD_FILE = '''
from __future__ import annotations
import dataclasses
from runtime.protocol import tool

@dataclasses.dataclass
class Pair:
    a: int

@tool
def double(pair: Pair) -> int:
    """Double it."""
    return 2 * pair.a

again = double
'''


def write(folder: Path, text: str) -> str:
    file = folder / "my-tools.py"
    file.write_text(text)
    return str(file)


def test_load_tools(tmp_path: Path) -> None:
    (double,) = load_tools(write(tmp_path, GOOD_FILE))
    assert double.name == "double"
    assert double(**double.validate({"pair": {"a": 4}})) == 8


TOOL = '''
from runtime.protocol import tool
@tool
def f(x: int) -> int:
    """F."""
    return x
'''


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x = 1\n", "no tool"),
        ("def f(:\n", "SyntaxError"),
        ("import not_there\n", "not_there"),
        ("1 / 0\n", "division"),
        ("raise SystemExit(3)\n", "SystemExit"),
        (TOOL.replace('"""F."""', "pass"), "docstring"),
        (TOOL + "g = tool(f.function)\n", "same name"),
        ("x = '\ud800'\n", "my-tools.py"),
    ],
)
def test_bad_tool_files(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "my-tools.py"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match=word) as error:
        load_tools(str(file))
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "nothing.py", "folder.py"])
def test_missing_tool_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(UsageError, match="no tool file"):
        load_tools(str(tmp_path / name))


def test_a_file_that_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "tools.txt").write_text("hello")
    with pytest.raises(UsageError, match="not a Python file"):
        load_tools(str(tmp_path / "tools.txt"))
