"""The tables of the documents are those that commands print, and no page repeats a machine-dependent figure by hand."""

from __future__ import annotations

import math
import re

import pytest
from blocks import BLOCK, MADE, PAGES, PERFORMANCE, README, ROOT, BadFigures, blocks, number, replaced, table
from costs import BLOCKS
from measurements import FUNCTIONS, MEASUREMENTS, check_form
from prices import METRIC_REQUESTED

PAGE = blocks(PERFORMANCE.read_text())
START = next(measurement for measurement in MEASUREMENTS if measurement.name == "start")


def test_every_block_is_made_by_a_command() -> None:
    """Issue 14, point 10: every figure in docs is produced by a command that a test or `make figures` runs."""
    assert sorted(PAGE) == sorted(measurement.name for measurement in MEASUREMENTS)
    assert sorted(blocks(README.read_text())) == sorted(BLOCKS)
    others = {page.name: blocks(page.read_text()) for page in PAGES if page not in (README, PERFORMANCE)}
    assert not any(others.values()), others


@pytest.mark.parametrize("measurement", MEASUREMENTS, ids=lambda measurement: measurement.name)
def test_block_has_the_form_that_is_printed(measurement) -> None:
    check_form(measurement, PAGE[measurement.name])
    assert re.search(r"\n\nMeasured on \d+ \w+ \d{4}: \d+ cores", PAGE[measurement.name])


def test_start_table_has_every_function() -> None:
    """Issue 14, point 10: the start table lacked collect-pods."""
    assert START.rows == tuple(FUNCTIONS)
    for function in FUNCTIONS:
        assert f'"{function}"' in START.source.read_text()


def test_calls_that_the_page_explains_are_those_of_the_tables() -> None:
    text = PERFORMANCE.read_text()
    for row in table(PAGE["collect-pods"]):
        assert number(row["of Kubernetes"]) == 20 * 11
    assert "Calls: eleven a cluster" in text
    requests = math.ceil(6_000 / 500)
    for row in table(PAGE["collect-metrics"]):
        asked_again = "gaps" in row["run"]
        assert number(row["`GetMetricData`"]) == requests + asked_again
        assert (number(row["metrics billed"]), number(row["throttled"])) == (6_000, 0)
        assert number(row["$"]) == pytest.approx(6_000 * METRIC_REQUESTED)


def test_form_is_looked_at() -> None:
    content = PAGE["start"]
    row = next(line for line in content.splitlines() if line.startswith("| collect-pods"))
    for bad in [
        content.replace(f"{row}\n", ""),
        content.replace(f"{row}\n", f"{row}\n{row}\n"),
        content.replace("binary MB", "size"),
        content.replace(row, row + " 1 |"),
        content.replace(row, "| collect-pods | ? | ? | ? | ? |"),
    ]:
        assert bad != content
        with pytest.raises(BadFigures):
            check_form(START, bad)


def test_one_block_is_replaced_and_nothing_else() -> None:
    text = PERFORMANCE.read_text()
    written = replaced(text, "judging", "another\n")
    assert blocks(written) == PAGE | {"judging": "another\n"}
    assert BLOCK.sub("", written) == BLOCK.sub("", text)
    with pytest.raises(BadFigures):
        replaced(text, "no-such", "another\n")


# Machine-dependent figures: CPU time, wall time of a measurement, memory of a process, sizes of
# build results.
BY_HAND = re.compile(
    r"\d[\d,.]*\s*(?:ms|s|seconds)\s+of\s+CPU|CPU time (?:is|was) [\d.]|\d[\d,.]*\s*Mi?B\s+(?:at most|at the peak)|"
    r"page has \d|JSON (?:has )?\d[\d.]* MB|peak was \d",
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_figure_of_a_machine_stands_outside_of_the_tables(page) -> None:
    """Issue 14, point 10: figures of the report differed between two pages."""
    assert BY_HAND.findall(MADE.sub("", page.read_text())) == []


@pytest.mark.parametrize("text", [
    "takes 47 ms of CPU time for mail, page and JSON", "the page has 2.9 MB, the JSON 4.3 MB", "21 MiB at most in the process",
    "for 1,000 pods and nodes 103 MB and 230 ms of CPU", "with pages of 500 the peak was 3 MB higher",
])
def test_such_a_figure_would_be_found(text: str) -> None:
    assert BY_HAND.search(text)


def test_readme_and_help_name_the_target() -> None:
    assert re.search(r"^figures: .*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "make figures" in README.read_text()
