"""Generated tool problems: some 400 families, with programs that solve them.

`families/` has one module for each kind; `generate.py` draws from them, `trajectories.py` makes
the solved problems of a cold start, `gsm8k.py` adds GSM8K's training set as programs, and
`overlap.py` holds it all against public test sets. `python -m train.problems` writes the files.
"""

from __future__ import annotations

import importlib
import pkgutil

import train.problems.families as _families
from train.problems.family import FAMILIES, Drawn, Family

for _module in pkgutil.iter_modules(_families.__path__):
    importlib.import_module(f"{_families.__name__}.{_module.name}")

__all__ = ["FAMILIES", "Drawn", "Family"]
