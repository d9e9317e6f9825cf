"""A Ctrl-C that cannot get lost.

CPython drops an exception raised inside a weak reference's callback or a finaliser, both of which
run all the time while modules are imported: the person has pressed Ctrl-C and the program goes on
for minutes. So the handler also takes a note, and the run looks at it between two events.
"""

from __future__ import annotations

import signal
from types import FrameType

_asked = False


def install() -> None:
    """Take notes of Ctrl-C, unless it is ignored or somebody else's already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def check() -> None:
    """Raise the KeyboardInterrupt that got lost, if one did."""
    if _asked:
        raise KeyboardInterrupt


def forget() -> None:
    """The last Ctrl-C arrived where it should."""
    global _asked
    _asked = False


def _note(_number: int, _frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
