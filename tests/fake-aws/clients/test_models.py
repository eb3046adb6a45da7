"""The models of the fake AWS match the pinned botocore."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TRIM = Path(__file__).resolve().parents[1] / "model" / "trim.py"


def test_models_are_as_trim_writes_them() -> None:
    spec = importlib.util.spec_from_file_location("trim", TRIM)
    trim = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trim)
    fresh = trim.trimmed()
    assert sorted(fresh) == sorted(TRIM.parent.glob("*.json"))
    old = [file.name for file, text in fresh.items() if file.read_text() != text]
    assert not old, f"{old} are not as `python {TRIM.name}` writes them"
