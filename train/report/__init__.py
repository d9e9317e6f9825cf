"""The HTML report of a run: what it was, what it gained, and what SOD did to every step.

`build_report(folder)` reads the files that a run leaves and writes `report.html` beside them, one
file that loads nothing from anywhere. `python -m train.report runs/NAME` rebuilds it.
"""

from __future__ import annotations

from train.report.build import build_report

__all__ = ["build_report"]
