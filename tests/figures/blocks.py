"""Tables that commands write into the documents, between `<!-- figures: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(r"<!-- figures: (?P<name>[a-z-]+) -->\n(?P<content>.*?)<!-- end -->\n", re.DOTALL)
# Tables that tests write have other markers: `made by a test`.
MADE = re.compile(r"<!-- (?:figures|made by a test): [^>]+ -->\n.*?<!-- end -->\n", re.DOTALL)


class BadFigures(Exception):
    """A command printed something that the documents have no block for."""


def blocks(text: str) -> dict[str, str]:
    """Name -> content of each block in a page, or in the output of a command."""
    found: dict[str, str] = {}
    for match in BLOCK.finditer(text):
        if match["name"] in found:
            raise BadFigures(f"two blocks `{match['name']}`")
        found[match["name"]] = match["content"]
    return found


def replaced(text: str, name: str, content: str) -> str:
    """The text with new content for one block."""
    if name not in blocks(text):
        raise BadFigures(f"no block `{name}`")
    return BLOCK.sub(
        lambda match: f"<!-- figures: {name} -->\n{content}<!-- end -->\n" if match["name"] == name else match[0], text
    )


def table(content: str) -> list[dict[str, str]]:
    """The rows of the first table in a text, by the names of the columns."""
    lines = [cells(line) for line in content.splitlines() if line.startswith("|")]
    if len(lines) < 3 or not all(set(cell) <= set("-:") for cell in lines[1]):
        raise BadFigures(f"no table in {content[:80]!r}")
    if any(len(row) != len(lines[0]) for row in lines):
        raise BadFigures(f"a row has too many or too few cells in {content[:80]!r}")
    return [dict(zip(lines[0], row, strict=True)) for row in lines[2:]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def number(cell: str) -> float:
    """The first number of a cell: `1,135 (1,100-1,200)` is 1135."""
    return float(re.search(r"[\d,]+(?:\.\d+)?", cell)[0].replace(",", ""))
