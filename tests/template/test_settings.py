"""Code, template.yaml and docs/configuration.md say the same about settings."""

from __future__ import annotations

import re

import pytest
from template import ROOT, Template, function_folders, pascal_case, variables_in_code

DOCUMENT = ROOT / "docs" / "configuration.md"
TEMPLATE = Template.of_project()
COLUMNS = ["variable", "functions", "parameter", "default", "meaning"]


def rows() -> list[dict[str, str]]:
    """The rows of the settings table, each cell without its Markdown."""
    lines = iter(DOCUMENT.read_text().splitlines())
    for line in lines:
        if [cell.lower() for cell in cells(line)] == COLUMNS:
            break
    else:
        pytest.fail(f"{DOCUMENT.name} has no table with the columns {' | '.join(COLUMNS)}")
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append(dict(zip(COLUMNS, cells(line), strict=True)))
    return found


def cells(line: str) -> list[str]:
    # A cell may hold an escaped bar.
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|")) if line.startswith("|") else []
    return [part.replace("\\|", "|").replace("`", "").strip() for part in parts]


def documented_variables(function: str) -> set[str]:
    return {
        row["variable"]
        for row in rows()
        if row["variable"].startswith("FARGAZE_")
        and (row["functions"].lower().startswith("all") or function in re.findall(r"[A-Z][A-Za-z]+", row["functions"]))
    }


@pytest.mark.parametrize("folder", function_folders())
def test_function_reads_what_the_template_sets(folder: str) -> None:
    variables = TEMPLATE.functions[pascal_case(folder)]["Environment"]["Variables"].keys()
    assert variables_in_code(folder) == set(variables)


@pytest.mark.parametrize("folder", function_folders())
def test_document_lists_what_the_template_sets(folder: str) -> None:
    variables = TEMPLATE.functions[pascal_case(folder)]["Environment"]["Variables"].keys()
    assert documented_variables(pascal_case(folder)) == set(variables)


@pytest.mark.parametrize("name", TEMPLATE.parameters)
def test_document_states_the_default_of(name: str) -> None:
    documented = [row["default"] for row in rows() if row["parameter"] == name]
    assert documented, f"{DOCUMENT.name} does not mention {name}"
    for default in documented:
        default = "" if default in ("", "-", "–", "—", "none", "empty", '""') else default
        assert default == str(TEMPLATE.parameters[name]["Default"])


def test_document_lists_nothing_else() -> None:
    variables = {
        variable
        for function in TEMPLATE.functions.values()
        for variable in function["Environment"]["Variables"]
    }
    for row in rows():
        assert not row["variable"].startswith("FARGAZE_") or row["variable"] in variables, row["variable"]
        assert not re.fullmatch(r"[A-Z][A-Za-z]+", row["parameter"]) or row["parameter"] in TEMPLATE.parameters, (
            row["parameter"]
        )


@pytest.mark.parametrize("folder", function_folders())
def test_variable_and_its_parameter_are_documented_together(folder: str) -> None:
    function = TEMPLATE.functions[pascal_case(folder)]
    parameter_of = {row["variable"]: row["parameter"] for row in rows()}
    for variable, value in function["Environment"]["Variables"].items():
        if value.get("Ref") in TEMPLATE.parameters:
            assert parameter_of[variable] == value["Ref"], variable
