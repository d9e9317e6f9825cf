"""What a package needs that its own installation did not bring."""

from __future__ import annotations

import importlib.util
import sys


def require_extra(package: str, extra: str, *modules: str) -> None:
    """Say in one line which extra to install if one of `modules` is not there.

    For the `__init__` of a package whose commands are run as `python -m PACKAGE.COMMAND`: these end
    with exit code 2. An import raises ImportError.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return
    message = (
        f"{package} needs {', '.join(missing)}: pip install -c constraints-cpu.txt -e '.[{extra}]' "
        "(without the constraints on a machine with a GPU)"
    )
    if sys.argv[:1] == ["-m"]:  # what runpy leaves there while it looks for the command
        print(message, file=sys.stderr)
        sys.exit(2)
    raise ImportError(message, name=package)
