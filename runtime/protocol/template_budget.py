"""What one rendering of an untrusted chat template may spend.

Work is counted in steps and CPU time, memory in characters and elements. Values are weighed as
trees: a list that holds one list a thousand times costs as much as printing it would.
"""

from __future__ import annotations

import time
from typing import Any

MAX_SECONDS = 0.3  # CPU time of one rendering
MAX_STEPS = 200_000  # loop turns, calls, filters, operators, printed texts
MAX_VALUE = 1_000_000  # weight of one value, beyond the size of the input
ELEMENT_WEIGHT = 10  # of an element of a list or dict; a character weighs 1
MAX_INT = 2**4096

_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset, range, *_VIEWS)


class TemplateRefusal(Exception):
    """The template itself called `raise_exception`, e.g. for a role it does not know."""


class TemplateLimit(Exception):
    """The template asks for more than a chat template needs."""


class Budget:
    """What one rendering may still spend. `input_size` is in characters."""

    def __init__(self, input_size: int = 0) -> None:
        self.max_value = MAX_VALUE + 4 * input_size
        self.weight_left = 20 * self.max_value
        self.steps_left = MAX_STEPS
        self.deadline = time.thread_time() + MAX_SECONDS

    def step(self, count: int = 1) -> None:
        """Charge `count` units of work."""
        self.steps_left -= count
        if self.steps_left < 0 or time.thread_time() > self.deadline:
            raise TemplateLimit("it runs for too long")

    def afford(self, size: int) -> None:
        """Charge a value of weight `size` that is about to be made."""
        self.weight_left -= max(size, 0)
        if size > self.max_value or self.weight_left < 0:
            raise TemplateLimit("it makes too much text")

    def weigh(self, value: Any) -> int:
        """Weight of `value` as a tree: what is shared counts every time."""
        if isinstance(value, str):
            return len(value)
        weight = 0
        stack: list[Any] = [value]
        while stack:
            item = stack.pop()
            weight += ELEMENT_WEIGHT
            if isinstance(item, str):
                weight += len(item)
            elif isinstance(item, int):
                if abs(item) > MAX_INT:
                    raise TemplateLimit("it makes a huge number")
            elif isinstance(item, dict):
                stack += item.keys()
                stack += item.values()
            elif isinstance(item, _SEQUENCES):
                stack += item
            if weight + len(stack) * ELEMENT_WEIGHT > self.max_value:
                raise TemplateLimit("it makes too much text")
        return weight

    def admit(self, value: Any) -> Any:
        """Charge a value, and return it."""
        self.step()
        self.afford(self.weigh(value))
        return value
