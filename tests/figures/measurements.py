"""The measurements: their commands, and the form of the tables that they print."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from blocks import ROOT, BadFigures, blocks, table

FUNCTIONS = sorted(manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml"))
BUILD = ["cargo", "build", "--release", "--workspace"]
EXAMPLE = ["cargo", "run", "--quiet", "--release", "--package", "fargaze", "--example"]


@dataclass(frozen=True)
class Measurement:
    """One table of docs/performance.md."""

    name: str
    command: list[str]
    # Its source: the head of the table appears there verbatim.
    source: Path
    # The entries of the first column, in any order.
    rows: tuple[str, ...]
    # It runs the release bootstraps, which must be built before.
    of_bootstraps: bool = False
    # Columns that are not measured in every row.
    sparse: tuple[str, ...] = ()


def bench(name: str, part: str, rows: tuple[str, ...], of_bootstraps: bool = True, sparse: tuple[str, ...] = ()) -> Measurement:
    command = ["cargo", "run", "--quiet", "--release", "--package", "bench", "--", part]
    return Measurement(name, command, ROOT / "tests" / "bench" / "src" / f"{part}.rs", rows, of_bootstraps, sparse)


def example(name: str, file: str, rows: tuple[str, ...]) -> Measurement:
    return Measurement(name, [*EXAMPLE, file], ROOT / "shared/domain/examples" / f"{file}.rs", rows)


MEASUREMENTS = [
    bench("collect-metrics", "collect", (
        "the first run: 97 points of each metric",
        "a run that continues: 8 points, and the snapshot before",
        "the same, 5 % of the services with gaps",
        "5 points a metric, no snapshot before",
        "the first run, inventory listed again",
    ), sparse=("peak MiB of a new process",)),
    bench("collect-logs", "logs", (
        "audit of 1,000 services, all revisions new",
        "the next report, which describes the rest",
        "audit of 1,000 services, all revisions known",
        "start of 20 queries over 500 log groups",
        "reading their answers",
    ), sparse=("s between the first and the last paced call", "the quota's floor, s")),
    bench("collect-pods", "pods", ("warm", "first event of a process")),
    example("judging", "judge", ("nothing", "all that is not OK is new")),
    example("report", "render", ("1000 ECS clusters × 10 services, 20 EKS clusters × 200 pods",)),
    bench("start", "start", tuple(FUNCTIONS)),
    bench("throttle", "throttle", (
        "SDK, standard retry, 5 attempts",
        "SDK, adaptive retry, 5 attempts",
        "own token bucket, then standard retry",
    ), of_bootstraps=False),
]


def measured(measurement: Measurement) -> str:
    """Runs the command, and returns the content of its block: the table, and where and when it was measured."""
    run = subprocess.run(measurement.command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(run.stdout, flush=True)
    if run.returncode != 0:
        raise BadFigures(f"{' '.join(measurement.command)} ended with {run.returncode}: is something over its limit?")
    printed = blocks(run.stdout)
    if list(printed) != [measurement.name]:
        raise BadFigures(f"{' '.join(measurement.command)} printed the blocks {list(printed)}")
    content = printed[measurement.name]
    check_form(measurement, content)
    return f"{content}\n{where_and_when()}\n"


def check_form(measurement: Measurement, content: str) -> None:
    """Raises if a table does not have the head that its source prints, or these rows."""
    head = content.splitlines()[0]
    if head not in measurement.source.read_text():
        raise BadFigures(f"{measurement.name}: {measurement.source.relative_to(ROOT)} prints no table with the head {head}")
    rows = table(content)
    names = [next(iter(row.values())) for row in rows]
    if sorted(names) != sorted(measurement.rows):
        raise BadFigures(f"{measurement.name}: the rows are {names} instead of {list(measurement.rows)}")
    for row in rows:
        for column, cell in list(row.items())[1:]:
            if not (cell == "-" and column in measurement.sparse) and not any(character.isdigit() for character in cell):
                raise BadFigures(f"{measurement.name}: no figure in the column {column} of {row}")


def where_and_when() -> str:
    today = date.today()
    rustc = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[1]
    load = os.getloadavg()[0]
    return (
        f"Measured on {today.day} {today:%B %Y}: {os.cpu_count()} cores of {processor()}, load average {load:.1f} "
        f"afterwards, rustc {rustc}."
    )


def processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    models = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    return f"{models[0]} ({platform.machine()})" if models else platform.machine()
