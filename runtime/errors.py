"""The errors a person sees: one clear line, no traceback, exit code 2.

Failures that belong to the model (a bad call, a Python error in its program) are not here:
they are values that go back to the model as a tool result (see protocol/ and sandbox/).
"""

from __future__ import annotations


class SodError(Exception):
    """Base class. `str(error)` is one line that says what is wrong and what to do."""


class UsageError(SodError):
    """The caller asked for something that cannot be done (bad flag, bad tool file)."""


class ModelError(SodError):
    """The model cannot be found, downloaded, verified or loaded."""


class EngineError(SodError):
    """The engine failed while it was running; the transcript so far is still valid."""


class SandboxUnavailable(SodError):
    """This machine cannot run the requested sandbox tier; never fall back to no sandbox."""
