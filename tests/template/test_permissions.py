"""Each function's role allows the calls that the function makes, and no others.

The calls are not a manual list: the function tests record every call that a function really made on the fake AWS, and
these tests compare the roles with that.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from rules import CONNECTS
from template import ROOT, Template, actions, function_folders, pascal_case

RECORD = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "recorded-calls.json"
DOCUMENT = ROOT / "docs" / "permissions.md"
TEMPLATE = Template.of_project()

# Calls whose permission has another name.
IAM_NAMES = {"s3:ListObjectsV2": "s3:ListBucket"}

# Allowed although no function calls it by that name, and why.
NOT_CALLED = {
    "s3:ListBucket": "forward-summary and the collectors list; with it S3 answers 404, not 403, for an object that is not there",
    "s3:GetObjectVersion": "S3's name for GetObject when a version is requested",
    "sqs:ReceiveMessage": "Lambda reads the queue with the function's role",
    "sqs:DeleteMessage": "Lambda reads the queue with the function's role",
    "sqs:GetQueueAttributes": "Lambda reads the queue with the function's role",
    "kms:GenerateDataKey": "SNS encrypts with the publisher's permissions",
    "kms:Decrypt": "SNS encrypts with the publisher's permissions",
    **dict.fromkeys(CONNECTS, "Lambda connects the function with a VPC with the function's role"),
    "logs:CreateLogStream": "Lambda writes the log with the function's role",
    "logs:PutLogEvents": "Lambda writes the log with the function's role",
    "xray:PutTraceSegments": "Lambda writes traces with the function's role",
    "xray:PutTelemetryRecords": "Lambda writes traces with the function's role",
}


def recorded() -> dict[str, set[str]]:
    if not RECORD.exists():
        pytest.fail(f"{RECORD} is missing; `cargo nextest run -p function-tests` makes it", pytrace=False)
    record = json.loads(RECORD.read_text())
    return {function: {IAM_NAMES.get(call, call) for call in calls} for function, calls in record.items()}


def allowed(folder: str) -> set[str]:
    statements = TEMPLATE.role_statements(TEMPLATE.role_of(pascal_case(folder)))
    return {action for statement in statements if statement["Effect"] == "Allow" for action in actions(statement)}


def test_calls_of_every_function_were_recorded() -> None:
    assert recorded().keys() == set(function_folders())
    assert all(recorded().values())


@pytest.mark.parametrize("folder", function_folders())
def test_every_call_is_allowed(folder: str) -> None:
    assert recorded()[folder] - allowed(folder) == set(), f"{pascal_case(folder)}Role lacks these"


@pytest.mark.parametrize("folder", function_folders())
def test_nothing_else_is_allowed(folder: str) -> None:
    assert allowed(folder) - recorded()[folder] - NOT_CALLED.keys() == set(), f"{folder} never called these"


def test_every_exception_is_needed() -> None:
    everything = set().union(*(allowed(folder) for folder in function_folders()))
    assert NOT_CALLED.keys() <= everything
    assert all(NOT_CALLED.values())


def documented() -> dict[str, set[str]]:
    """The actions that the document's table lists for each function."""
    found: dict[str, set[str]] = {}
    function = ""
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3:
            function = cells[0] or function
            found.setdefault(function, set()).update(re.findall(r"`([a-z0-9]+:[A-Z][A-Za-z]+)`", cells[1]))
    return found


@pytest.mark.parametrize("folder", function_folders())
def test_document_lists_what_a_role_may_do(folder: str) -> None:
    # It says for all of them together that they write logs and traces, and why they list the
    # bucket.
    granted_at_once = {"s3:ListBucket", *(action for action in NOT_CALLED if action.startswith(("logs:", "xray:")))}
    assert documented()[pascal_case(folder)] == allowed(folder) - granted_at_once
