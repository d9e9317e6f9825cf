"""What export raises when it cannot go on; the command line prints it as one line."""

from __future__ import annotations

from runtime.errors import SodError


class ExportError(SodError):
    """The model, the target or the file to write is not usable; the message says what to do."""
