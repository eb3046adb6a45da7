"""`make figures`: measures, computes, and writes the tables of README.md and docs/performance.md.

    python tests/figures/figures.py [NAME...]

Without names it makes all tables; `costs` is computed from the others and takes no time. A measurement that fails, or
prints a table of another form, leaves the page unchanged.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import costs
from blocks import PERFORMANCE, README, ROOT, BadFigures, replaced
from measurements import BUILD, MEASUREMENTS, measured


def main(names: list[str]) -> int:
    known = [measurement.name for measurement in MEASUREMENTS] + list(costs.BLOCKS)
    if unknown := [name for name in names if name not in known]:
        print(f"There is no table `{unknown[0]}`; there are {', '.join(known)}")
        return 2
    wanted = names or known
    to_measure = [measurement for measurement in MEASUREMENTS if measurement.name in wanted]
    if any(measurement.of_bootstraps for measurement in to_measure):
        print("Building the release bootstraps", flush=True)
        subprocess.run(BUILD, cwd=ROOT, check=True)
    failed = 0
    for measurement in to_measure:
        print(f"Measuring {measurement.name}: {' '.join(measurement.command)}", flush=True)
        try:
            write(PERFORMANCE, measurement.name, measured(measurement))
        except BadFigures as bad:
            print(f"{measurement.name}: unchanged. {bad}")
            failed += 1
    # Last, because they are computed from the measurements.
    for name in costs.BLOCKS:
        if name in wanted:
            write(README, name, costs.BLOCKS[name]())
    return 1 if failed else 0


def write(page: Path, name: str, content: str) -> None:
    page.write_text(replaced(page.read_text(), name, content))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
