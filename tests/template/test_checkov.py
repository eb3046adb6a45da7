"""Issue 14, point 9: checkov, a policy linter, on CloudFormation's input. Each accepted finding has a reason here.

It runs without calling its makers' service, so it needs no network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rules_of_network import IN_VPC
from template import ROOT, Template

CHECKOV = Path(sys.executable).parents[1] / "checkov" / "bin" / "checkov"
TEMPLATES = {"template": Template.of_project().transformed, "member": Template.of_member()}

FUNCTIONS = {"PlanRun", "CollectMetrics", "CollectPods", "CollectLogs", "EvaluateAlarms", "ForwardSummary", "EnableInsights", "KeepEvents"}

# Check -> affected resources, and why they stay as they are.
LEFT: dict[str, tuple[set[str], str]] = {
    "CKV_AWS_18": ({"Bucket"}, "access logs need another bucket; CloudTrail data events do the same where they are wanted"),
    "CKV_AWS_27": (
        {"ClusterEvents", "TaskEvents", "DeadLetters"},
        "they are encrypted: by SqsManagedSseEnabled, which the check does not know. A customer key would cost $1 a month and hold "
        "nothing but names of clusters, services, tasks and images, and why they stopped",
    ),
    "CKV_AWS_111": (
        {"ConnectToVpc"},
        "EC2 knows no resources for most of what Lambda calls to connect a function with a VPC; the code is denied all of these actions",
    ),
    "CKV_AWS_115": (FUNCTIONS, "a new account may run ten functions at once, and a reservation would make the deployment fail"),
    "CKV_AWS_116": (
        FUNCTIONS,
        "a dead-letter queue is for asynchronous calls: these are called by the state machine, which retries and catches, and by "
        "a queue that has one",
    ),
    "CKV_AWS_117": (
        FUNCTIONS - IN_VPC,
        "they call AWS only; in a VPC they would need endpoints or a NAT gateway, at $32 a month and more",
    ),
    "CKV_AWS_119": ({"Table"}, "DynamoDB encrypts it with a key of AWS's; it holds names of clusters and states of alarms"),
    "CKV_AWS_158": (
        {f"{function}Log" for function in FUNCTIONS} | {"RunLog"},
        "CloudWatch Logs encrypts them with a key of AWS's; they hold no secret",
    ),
    "CKV_AWS_173": (FUNCTIONS, "no variable holds a secret, which a rule of rules.py holds; Lambda encrypts them with a key of AWS's"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, set[str]]:
    """Check -> resources that fail it."""
    return failed_checks(tmp_path_factory.mktemp("templates"), TEMPLATES)


def failed_checks(folder: Path, templates: dict[str, Template]) -> dict[str, set[str]]:
    files = []
    for name, template in templates.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(template.document))
        files += ["--file", str(path)]
    command = [str(CHECKOV), *files, "--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    report = json.loads(checked.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] >= sum(len(template.resources) for template in templates.values())
    failed: dict[str, set[str]] = {}
    for check in report["results"]["failed_checks"]:
        failed.setdefault(check["check_id"], set()).add(check["resource"].rsplit(".", 1)[-1])
    return failed


def test_nothing_is_found_that_has_no_reason(found) -> None:
    without_reason = {check: found[check] - LEFT.get(check, (set(), ""))[0] for check in found}
    assert {check: resources for check, resources in without_reason.items() if resources} == {}


def test_each_reason_is_needed(found) -> None:
    assert {check: resources - found.get(check, set()) for check, (resources, _) in LEFT.items()} == dict.fromkeys(LEFT, set())
    assert all(reason for _, reason in LEFT.values())


def test_it_would_find_something(tmp_path) -> None:
    broken = TEMPLATES["template"].copy()
    broken.properties("Bucket")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False
    assert "Bucket" in failed_checks(tmp_path, {"broken": broken})["CKV_AWS_54"]
