"""The bugs kept as patches, which show that tests can fail, still apply to the code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from template import ROOT

PATCHES = sorted([*ROOT.glob("tests/simulation/bugs/*.patch"), *ROOT.glob("shared/domain/tests/bugs/*.patch")])


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_bug_can_be_put_into_the_code(patch: Path) -> None:
    tried = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr


def test_there_are_enough_of_them() -> None:
    assert len(PATCHES) >= 6
