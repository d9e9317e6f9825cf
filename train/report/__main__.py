"""`python -m train.report runs/NAME`: writes the report of a run again, also of a running one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import SodError
from train.report.build import build_report


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the path of the page; returns 2 and prints one line if there is nothing to report."""
    parser = argparse.ArgumentParser(prog="python -m train.report", description=__doc__)
    parser.add_argument("folder", type=Path, help="Folder of the run, for example runs/nano-sod.")
    try:
        print(build_report(parser.parse_args(argv).folder))
    except SodError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
