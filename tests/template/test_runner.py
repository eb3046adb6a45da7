"""`make test`'s last line counts the results of each runner, including skipped tests."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter

import pytest
from template import ROOT

SPEC = importlib.util.spec_from_file_location("make_test", ROOT / "tests" / "run.py")
RUNNER = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = RUNNER
SPEC.loader.exec_module(RUNNER)

A_SKIPPED_TEST = """
import pytest

@pytest.mark.skipif(True, reason="Chromium is not installed")
def test_page(): ...

def test_other(): ...
"""


@pytest.mark.parametrize(("pattern", "line", "counts"), [
    (RUNNER.NEXTEST, "     Summary [   1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped", (11, 1, 3)),
    (RUNNER.NEXTEST, "     Summary [   1.2s] 2/12 tests run: 1 passed, 1 timed out, 0 skipped", (1, 1, 0)),
    (RUNNER.CARGO_TEST, "test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 7 filtered out; ...", (3, 0, 2)),
    (RUNNER.PYTEST, "\x1b[33m==== 2 failed, 30 passed, 1 skipped, 1 error in 12.30s ====\x1b[0m", (30, 3, 1)),
    (RUNNER.PYTEST, "a test wrote: 5 passed, 5 skipped", (0, 0, 0)),
])
def test_words_of_each_runner(pattern: str, line: str, counts: tuple[int, int, int]) -> None:
    found = RUNNER.counted(RUNNER.Gate("some", [], counted=pattern), line)
    assert (found["passed"], found["failed"], found["skipped"]) == counts


def test_skipped_test_stands_in_the_last_line(tmp_path, capsys) -> None:
    """Issue 14, point 11: where Chromium is missing, its test was silently absent."""
    (tmp_path / "test_page.py").write_text(A_SKIPPED_TEST)
    command = [sys.executable, "-m", "pytest", "-ra", "-c", str(ROOT / "tests" / "pytest.ini"), str(tmp_path)]
    code, counts = RUNNER.run(RUNNER.Gate("pages", command, counted=RUNNER.PYTEST))
    assert code == 0
    assert RUNNER.last_line(counts) == "1 passed, 0 failed, 1 skipped"
    # And the reason is above it.
    assert "Chromium is not installed" in capsys.readouterr().out


def test_nothing_is_zero() -> None:
    assert RUNNER.last_line(Counter()) == "0 passed, 0 failed, 0 skipped"
