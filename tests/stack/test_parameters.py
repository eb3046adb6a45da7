"""The effect of parameters on the stack, and which values the local AWS refuses because of template.yaml. Stand-ins are
enough for the functions."""

from __future__ import annotations

import json

import deployment
import pytest
import stand_ins
from local_aws import ACCOUNT, REGION, LocalAws
from stack import Stack

FUNCTIONS = deployment.function_binaries()
BOUNDARY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("stand-ins")
    return {name: stand_ins.archive(folder, name, "def answer(event):\n    return event\n") for name in FUNCTIONS}


def deployed(aws: LocalAws, code: dict, name: str, **parameters: str) -> Stack:
    stack = Stack(aws, name)
    stack.deploy_archives(code, parameters)
    return stack


def alarms(stack: Stack) -> dict[str, dict]:
    """Logical id -> the alarm in CloudWatch."""
    found = {alarm["AlarmName"]: alarm for alarm in stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    return {logical_id: found[name] for logical_id, name in stack.resources().items() if name in found}


@pytest.mark.parametrize("given, lacking", [
    ("VpcSubnetIds", "VpcSecurityGroupIds"),
    ("VpcSecurityGroupIds", "VpcSubnetIds"),
])
def test_half_of_a_vpc_is_refused(aws, code, given: str, lacking: str) -> None:
    """Issue 14, point 7."""
    with pytest.raises(Exception, match=f"{given} needs {lacking}"):
        deployed(aws, code, "half-a-vpc", **{given: "half-1"})
    assert deployment.stack_status(aws.client("cloudformation"), "half-a-vpc") is None


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


def test_organisation_bounds_roles_and_operators_get_the_alarms(aws, code) -> None:
    """Issue 14, points 5, 7 and 8."""
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(BOUNDARY))["Policy"]["Arn"]
    operators = aws.client("sns").create_topic(Name="operators")["TopicArn"]
    stack = deployed(
        aws, code, "bounded", PermissionsBoundaryArn=boundary, RolePath="/teams/platform/", OperatorsTopicArn=operators,
        TargetsAtOnce="7", SweepTargetsAtOnce="3",
    )
    roles = [aws.client("iam").get_role(RoleName=name)["Role"] for logical_id, name in stack.resources().items()
             if logical_id.endswith("Role")]
    assert len(roles) == 10
    # ministack ignores the boundary; rules_of_operation.py checks that the template gives it to
    # each role.
    for role in roles:
        assert role["Path"] == "/teams/platform/", role["RoleName"]
    found = alarms(stack)
    assert found and all(alarm["AlarmActions"] == [operators] for alarm in found.values())
    machine = aws.client("stepfunctions").describe_state_machine(stateMachineArn=stack.outputs["RunArn"])
    definition = json.loads(machine["definition"])
    assert definition["States"]["EachTarget"]["MaxConcurrency"] == 7
    assert definition["States"]["EachTargetsInsights"]["MaxConcurrency"] == 3


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
