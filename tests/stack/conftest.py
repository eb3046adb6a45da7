"""One local AWS with one deployed stack for all tests of a module; it is always taken down."""

from __future__ import annotations

import sys
from pathlib import Path

import estate
import pytest
from local_aws import LocalAws
from mailbox import Mailbox
from stack import Stack

# The template tests' pattern matcher is compared with the local AWS's own.
sys.path.append(str(Path(__file__).resolve().parents[1] / "template"))


@pytest.fixture(scope="module")
def aws():
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="module")
def stack(aws):
    stack = Stack(aws)
    assert stack.deploy()
    estate.create(aws)
    return stack


@pytest.fixture(scope="module")
def mailbox(stack):
    with Mailbox(stack.aws, stack.outputs["TopicArn"]) as mailbox:
        yield mailbox
