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


@pytest.mark.parametrize(("name", "parameters", "period", "periods"), [
    ("by-minute", {"AlarmsSchedule": "rate(1 minute)"}, 360, 1),
    ("by-fives", {"AlarmsSchedule": "rate(5 minutes)"}, 360, 5),
    ("by-hours", {"AlarmsSchedule": "rate(2 hours)"}, 10800, 2),
    ("by-hour", {"AlarmsSchedule": "rate(1 hour)"}, 10800, 1),
    ("by-cron", {"AlarmsSchedule": "cron(0/15 8-18 ? * MON-FRI *)", "HeartbeatHours": "63"}, 3600, 63),
])
def test_heartbeat_is_waited_for_as_long_as_the_schedule_says(aws, code, name, parameters, period, periods) -> None:
    """Issue 14, point 3."""
    alarm = alarms(deployed(aws, code, name, **parameters))["NoHeartbeat"]
    assert (alarm["Period"], int(alarm["EvaluationPeriods"])) == (period, periods)


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
