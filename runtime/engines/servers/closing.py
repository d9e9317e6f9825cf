"""Sees where a tool call is complete, in a stream of text."""

from __future__ import annotations

import json

from runtime.engines.base import Constraint


class CallEnd:
    """Follows what the model writes under `constraint`, until its closing text is complete.

    The closing text may stand quoted inside a string of the JSON; then the call goes on. `lenient`
    is for text that no grammar holds: there a closing text after broken JSON ends the call too.
    """

    def __init__(self, constraint: Constraint, *, lenient: bool = False) -> None:
        self._opens, self._closes, self._lenient = constraint.opens, constraint.closes, lenient
        self._watches = constraint.schema is not None
        self._inside = constraint.opened
        self._text = ""
        self._closed_at = 0  # where the complete call ends in `_text`

    def feed(self, text: str) -> bool:
        """Whether the call is complete after `text`."""
        if not self._watches or not text:
            return False
        self._text += text
        if not self._inside:
            before, found, after = self._text.partition(self._opens)
            if not found:
                self._text = before[-len(self._opens) :]
                return False
            self._inside, self._text = True, after
        if self._closes not in self._text[-len(text) - len(self._closes) :]:
            return False
        return self._is_complete()

    def cut(self, text: str) -> str:
        """What of the last `text` belongs to the complete call."""
        return text[: len(text) - (len(self._text) - self._closed_at)]

    @property
    def json_is_complete(self) -> bool:
        """Whether the JSON of the call is there, with nothing but blanks after it."""
        end = self._json_end()
        return end is not None and not self._text[end:].strip()

    @property
    def ends_in_blank(self) -> bool:
        return self._text[-1:].isspace()

    def _is_complete(self) -> bool:
        end = self._json_end()
        if end is None:
            if not self._lenient or self._in_string:
                return False
            end = 0
        found = self._text.find(self._closes, end)
        if found < 0 or (self._text[end:found].strip() and not self._lenient):
            return False
        self._closed_at = found + len(self._closes)
        return True

    def _json_end(self) -> int | None:
        body = self._text.lstrip()
        self._in_string = False
        try:
            _, end = json.JSONDecoder().raw_decode(body)
        except json.JSONDecodeError as error:
            self._in_string = error.msg.startswith("Unterminated string")
            return None
        except RecursionError:
            return None
        return len(self._text) - len(body) + end
