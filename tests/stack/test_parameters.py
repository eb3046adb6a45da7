"""What parameters make of the stack. Stand-ins are enough for the functions."""

from __future__ import annotations

import deployment
import pytest
import stand_ins
from local_aws import ACCOUNT, REGION, LocalAws
from stack import Stack

FUNCTIONS = deployment.function_binaries()


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("stand-ins")
    return {name: stand_ins.archive(folder, name, "def answer(event):\n    return event\n") for name in FUNCTIONS}


def deployed(aws: LocalAws, code: dict, name: str, **parameters: str) -> Stack:
    stack = Stack(aws, name)
    stack.deploy_archives(code, parameters)
    return stack


def alarms(stack: Stack) -> dict[str, dict]:
    """Logical id -> the alarm as CloudWatch has it."""
    found = {alarm["AlarmName"]: alarm for alarm in stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    return {logical_id: found[name] for logical_id, name in stack.resources().items() if name in found}


def test_operators_get_the_alarms(aws, code) -> None:
    """Issue 14, point 5."""
    operators = aws.client("sns").create_topic(Name="operators")["TopicArn"]
    found = alarms(deployed(aws, code, "operated", OperatorsTopicArn=operators))
    assert found and all(alarm["AlarmActions"] == [operators] for alarm in found.values())


def test_schedules_keep_the_starts_that_fail(aws, code) -> None:
    """Issue 14, point 5."""
    stack = deployed(aws, code, "schedules")
    resources, scheduler = stack.resources(), aws.client("scheduler")
    queue = aws.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["DeadLettersUrl"], AttributeNames=["QueueArn"])
    for logical_id in ("RunAlarms", "RunReport", "RunSweep"):
        target = scheduler.get_schedule(Name=resources[logical_id])["Target"]
        assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"], logical_id
        assert target["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{resources['ScheduleRole']}", logical_id
        assert target["Arn"] == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:schedules-run", logical_id
