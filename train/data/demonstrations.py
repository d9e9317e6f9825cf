"""Solved problems for the cold start, from chat data in the OpenAI or the ShareGPT shape.

Tool calls become the text that the runtime's protocol reads; system messages are dropped, since
the runtime's own is used. A conversation that the agent loop could not have had is refused. An
assistant's message of `weight` 0, as OpenAI's fine-tuning files have it, is read but not learned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from runtime.protocol import Message, render_call
from train.data.problems import Demonstration
from train.data.sources import Row, read_rows, select

# name: make(count, seed, split). Modules that generate demonstrations add themselves.
GENERATED_DEMONSTRATIONS: dict[str, Callable[[int, int, str], list[Demonstration]]] = {}

_ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation"), "tool"),
}
_MAY_FOLLOW = {"user": ("assistant",), "assistant": ("user", "tool"), "tool": ("assistant",)}


def load_demonstrations(source: str, limit: int, seed: int) -> list[Demonstration]:
    """At most `limit` conversations, shuffled by `seed`; sources as in `load_problems`.

    Raises DataError, in one line, for anything that cannot be read or used.
    """
    if source in GENERATED_DEMONSTRATIONS:
        made = GENERATED_DEMONSTRATIONS[source](limit, seed, "train")
        return select(made, source, limit, seed, "eval")
    rows = read_rows(source, "train", sorted(GENERATED_DEMONSTRATIONS))
    return select([_demonstration(row) for row in rows], source, limit, seed, "train")


def _demonstration(row: Row) -> Demonstration:
    value = row.first("messages", "conversations")
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise row.error("no field 'messages'. Add it, as a list of role and content.")
    messages: list[Message] = []
    not_learned = []
    for each in _one_call_a_turn(row, value):
        name = each.get("role", each.get("from"))
        if name != "system":
            if each.get("weight") == 0:
                not_learned.append(len(messages))
            messages.append(_message(row, name, each))
    _check_order(row, messages)
    return Demonstration(tuple(messages), tuple(not_learned))


def _one_call_a_turn(row: Row, messages: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Turns with several calls become several turns, each with its own result after it.

    The agent makes one call at a time, so that is how it would have lived them.
    """
    spread: list[Mapping[str, Any]] = []
    rest = list(messages)
    while rest:
        message = rest.pop(0)
        if not isinstance(message, Mapping):
            raise row.error("every message must be an object of role and content.")
        calls = message.get("tool_calls") or []
        if not isinstance(calls, list):
            raise row.error("tool_calls must be a list.")
        if len(calls) < 2:
            spread.append(message)
            continue
        results, rest = rest[: len(calls)], rest[len(calls) :]
        if [_role(each) for each in results] != ["tool"] * len(calls):
            raise row.error(f"{len(calls)} tool calls in one turn, without {len(calls)} results.")
        for number, (call, result) in enumerate(zip(calls, _in_order(calls, results), strict=True)):
            content = message.get("content") if number == 0 else None
            spread += [{**message, "content": content, "tool_calls": [call]}, result]
    return spread


def _in_order(calls: list[Any], results: list[Any]) -> list[Any]:
    """`results` in the order of their calls, by the calls' ids where these tell them apart."""
    answers = {str(each.get("tool_call_id")): each for each in results}
    ids = [str(call.get("id")) if isinstance(call, Mapping) else "" for call in calls]
    known = len(answers) == len(results) and set(ids) == set(answers)
    return [answers[name] for name in ids] if known else results


def _role(message: Any) -> str | None:
    """Ours for the name of a role in the data; None for no or another role."""
    name = message.get("role", message.get("from")) if isinstance(message, Mapping) else None
    return _ROLES.get(name) if isinstance(name, str) else None


def _message(row: Row, name: Any, fields: Mapping[str, Any]) -> Message:
    role = _role(fields)
    if role is None:
        raise row.error(f"unknown role {name!r}. Roles are system, user, assistant and tool.")
    content = fields.get("content", fields.get("value"))
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, (str, type(None))):
        raise row.error(f"the content of a message must be text, not {type(content).__name__}.")
    calls = fields.get("tool_calls") or []
    text = content or ""
    if calls:
        text = "\n".join(filter(None, [text.rstrip(), _call(row, calls[0])]))
    return Message(role, text)  # type: ignore[arg-type]


def _call(row: Row, call: Any) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else {}
    name, arguments = function.get("name"), function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            raise row.error("the arguments of a tool call are not JSON.") from None
    if not isinstance(name, str) or not isinstance(arguments, Mapping):
        raise row.error("a tool call needs function.name and function.arguments, an object.")
    # Arrow tables give every row the union of all keys, null where a row had none.
    return render_call(name, {key: each for key, each in arguments.items() if each is not None})


def _check_order(row: Row, messages: Sequence[Message]) -> None:
    roles = [message.role for message in messages]
    if not roles or roles[0] != "user" or roles[-1] != "assistant":
        raise row.error("a conversation must start with the user and end with the assistant.")
    for number, (one, other) in enumerate(pairwise(roles), 1):
        if other not in _MAY_FOLLOW[one]:
            text = f"message {number + 1} is of {other} and follows {one}"
            raise row.error(f"{text}. After {one} comes {' or '.join(_MAY_FOLLOW[one])}.")
