"""Tools: typed, documented Python functions, and the JSON schemas the model sees of them.

The schema, the check of arguments and the constraint on decoding all come from one msgspec
struct made from the function's signature, so they cannot disagree.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from runtime.errors import UsageError

_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):[ \t]*$", re.MULTILINE
)
_ENTRY = re.compile(r"(\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(.*)")


@dataclass(frozen=True, eq=False)
class Tool:
    """A function that the model may call. Calling the tool calls the function."""

    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema of an object, without references
    function: Callable[..., Any]
    arguments_type: type = field(repr=False)  # the msgspec struct behind `parameters`

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def schema(self) -> dict[str, Any]:
        """The announcement of the tool, in the form of OpenAI's and Qwen's prompts."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return {"type": "function", "function": function}

    def validate(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """`arguments` as the Python values that the function's annotations promise.

        Raises ValueError with a short text, fit for the model, if they do not match the schema.
        """
        import msgspec

        try:
            values: Any = msgspec.convert(arguments, self.arguments_type)
        except (msgspec.ValidationError, RecursionError) as error:
            raise ValueError(str(error).removeprefix("Object ")[:200]) from None
        return {name: getattr(values, name) for name in arguments}


def tool(function: Callable[..., Any]) -> Tool:
    """Decorator that makes a `Tool` of a typed, documented function.

    The description is the docstring's text; a Google-style `Args:` section describes the
    parameters. Raises UsageError if a type, the docstring or a JSON form is missing.
    """
    import msgspec

    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        raise UsageError(f"@tool goes on a plain function, not on {function!r:.60}")
    name = function.__name__
    description, notes = _read_docstring(function)
    hints = _hints(function)
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        _check_parameter(name, parameter, hints)
        annotation = hints[parameter.name]
        if parameter.name in notes:
            meta = msgspec.Meta(description=notes[parameter.name])
            annotation = Annotated[annotation, meta]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, annotation))
        else:
            fields.append((parameter.name, annotation, _default(parameter.default)))
    try:
        arguments = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
        (schema,), components = msgspec.json.schema_components([arguments])
        parameters = _inline(schema, components, ())
    except (TypeError, ValueError, NameError) as error:
        raise UsageError(f"tool {name}: {_last_line(error)}") from error
    return Tool(name, description, parameters, function, arguments)


def load_tools(path: str) -> list[Tool]:
    """The tools that the Python file at `path` defines. Runs the file.

    Raises UsageError if it cannot be read or run, or defines no tool or two of one name.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no tool file {path}")
    module_name = f"sod_tools_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: {type(error).__name__}: {reason}") from error
    found = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, Tool) and value.function.__module__ == module_name
    }
    tools = list(found.values())
    if not tools:
        raise UsageError(f"{path} defines no tool; decorate a function with @tool")
    names = [each.name for each in tools]
    if len(set(names)) < len(names):
        raise UsageError(f"{path} defines two tools of the same name")
    return tools


def calls_schema(tools: Sequence[Tool]) -> dict[str, Any]:
    """JSON schema of one call of any of `tools`, for constrained decoding."""
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": tool.parameters},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
            for tool in tools
        ]
    }


def _default(value: Any) -> Any:
    """`value` as a struct's default; what is mutable goes behind a factory."""
    import msgspec

    if isinstance(value, (list, dict, set)):
        return msgspec.field(default_factory=lambda: value)
    return value


def _last_line(error: Exception) -> str:
    """The line where msgspec names the type that it cannot handle."""
    return str(error).strip().splitlines()[-1]


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise UsageError(f"tool {function.__name__}: {error}") from error


def _check_parameter(tool: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise UsageError(f"tool {tool}: *args and **kwargs have no schema")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise UsageError(f"tool {tool}: parameter {parameter.name} cannot be positional-only")
    if parameter.name not in hints:
        raise UsageError(f"tool {tool}: parameter {parameter.name} has no type")


def _read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description, and what the `Args:` section says of each parameter."""
    pieces = _SECTION.split(inspect.getdoc(function) or "")
    description = " ".join(pieces[0].split())
    if not description:
        raise UsageError(f"tool {function.__name__} has no docstring")
    notes: dict[str, str] = {}
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title in ("Args", "Arguments", "Parameters"):
            notes |= _read_entries(inspect.cleandoc(body))
    return description, notes


def _read_entries(body: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        entry = None if line[:1].isspace() else _ENTRY.match(line)
        if entry:
            name = entry[1]
            entries[name] = entry[2].strip()
        elif name:
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries


def _inline(schema: Any, components: dict[str, Any], above: tuple[str, ...]) -> Any:
    """`schema` with its references replaced by what they mean, and no titles.

    Grammars for several tools are joined, where two tools' references could clash.
    """
    if isinstance(schema, list):
        return [_inline(item, components, above) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("$ref", "title")}
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        if name in above:
            raise TypeError(f"type {name} contains itself")
        return _inline(components[name], components, (*above, name)) | rest
    for key, value in rest.items():
        if key == "properties":
            rest[key] = {name: _inline(item, components, above) for name, item in value.items()}
        elif key in ("anyOf", "items", "prefixItems", "additionalProperties"):
            rest[key] = _inline(value, components, above)
    return rest
