"""Obstacles to a deployment are refused or reported early."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml
from template import MAX_TEMPLATE_BYTES, ROOT, Template

PROJECT = Template.of_project()


def test_packaged_template_is_within_the_limit_of_an_upload() -> None:
    """sam uploads it to the bucket that samconfig.toml or `--guided` names; a longer one is refused there, too."""
    assert PROJECT.packaged_bytes < MAX_TEMPLATE_BYTES


def lint(template: dict, path: Path) -> subprocess.CompletedProcess:
    path.write_text(json.dumps(template))
    return subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(path)], cwd=ROOT, capture_output=True, text=True
    )


def state_machine_alone() -> dict:
    """The state machine as cfn-lint can read it: in the template, its placeholders filled in."""
    text = (ROOT / PROJECT.properties("Run")["DefinitionUri"]).read_text()
    text = text.replace("${Invoke}", "arn:aws:states:::lambda:invoke")
    for name in PROJECT.properties("Run")["DefinitionSubstitutions"]:
        text = text.replace(f"${{{name}}}", "1")
    assert not re.search(r"\$\{\w+\}", text), "a placeholder that template.yaml does not fill in"
    return yaml.safe_load(text)


def with_definition(definition: dict) -> dict:
    properties = {"DefinitionString": json.dumps(definition), "RoleArn": "arn:aws:iam::123456789012:role/run"}
    return {"Resources": {"Run": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}


def test_cfn_lint_finds_nothing_in_the_state_machine(tmp_path) -> None:
    definition = state_machine_alone()
    found = lint(with_definition(definition), tmp_path / "run.json")
    assert found.returncode == 0, found.stdout + found.stderr
    # And without the fix it would.
    definition["States"]["EachTarget"]["MaxConcurrency"] = "many"
    assert "E3601" in lint(with_definition(definition), tmp_path / "broken.json").stdout
