"""Requirements on template.yaml for operation: alarms on fargaze itself, and the limits of accounts and organizations."""

from __future__ import annotations

import re

from intrinsics import NO_VALUE, Values
from rules import rule
from template import Template

TOPIC = {"Fn::If": ["HasOperatorsTopic", {"Ref": "OperatorsTopicArn"}, {"Ref": "Topic"}]}

# AlarmsSchedule -> seconds between two runs.
SCHEDULES = {
    "rate(1 minute)": 60,
    "rate(5 minutes)": 300,
    "rate(15 minutes)": 900,
    "rate(60 minutes)": 3600,
    "rate(99 minutes)": 5940,
    "rate(1 hour)": 3600,
    "rate(2 hours)": 7200,
    "rate(12 hours)": 43200,
}

IS_RUN = [{"Name": "StateMachineArn", "Value": {"Ref": "Run"}}]


@rule
def each_way_to_fail_has_its_alarm(template: Template) -> None:
    """Issue 14, point 5: runs that fail, hang or are stopped, and all dead letters."""
    watched = [
        (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"])
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
    ]
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
        assert ("AWS/States", metric, IS_RUN) in watched, metric
    for queue in dead_letter_queues(template):
        named = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
        assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", named) in watched, queue
    # Without it a hanging run lasts for a year; no sweep takes a day.
    assert 4 * 3600 < template.state_machine["TimeoutSeconds"] <= 86400


@rule
def alarms_go_to_the_operators_if_there_are_any(template: Template) -> None:
    """Issue 14, point 5: the stack's alarms on itself may have a separate topic."""
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == [TOPIC], name
        assert alarm.get("OKActions", [TOPIC]) == [TOPIC], name
    [alarm, *_] = template.of_type("AWS::CloudWatch::Alarm").values()
    arn = "arn:aws:sns:eu-west-1:123456789012:operators"
    assert re.search(template.parameters["OperatorsTopicArn"]["AllowedPattern"], arn)
    assert Values(template, OperatorsTopicArn=arn).of(alarm["AlarmActions"]) == [arn]
    assert Values(template).of(alarm["AlarmActions"]) == [{"Ref": "Topic"}]


@rule
def a_start_that_fails_is_kept(template: Template) -> None:
    """Issue 14, point 5: the scheduler gives up after its retries without any trace."""
    schedules = template.transformed.of_type("AWS::Scheduler::Schedule")
    assert len(schedules) == 3
    for name, schedule in schedules.items():
        target = schedule["Target"]
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}, name
        role, _ = target["RoleArn"]["Fn::GetAtt"]
        assert {(statement["Action"], str(statement["Resource"])) for statement in template.role_statements(role)} == {
            ("sqs:SendMessage", str(target["DeadLetterConfig"]["Arn"])),
            ("states:StartExecution", str({"Fn::Sub": (
                "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-run"
            )})),
        }, name


@rule
def the_heartbeat_is_missed_after_some_intervals(template: Template) -> None:
    """Issue 14, point 3: NoHeartbeat waits as long as the schedule requires, and CloudWatch accepts it."""
    pattern = template.parameters["AlarmsSchedule"]["AllowedPattern"]
    for schedule, interval in SCHEDULES.items():
        assert re.search(pattern, schedule), schedule
        period, periods = watched_for(template, AlarmsSchedule=schedule)
        # Two runs may fail, and a schedule by the minute does not wait for hours.
        assert 3 * interval <= period * periods <= max(6 * interval, 3 * 3600), schedule
    for hours in (1, 72, 168):
        schedule = "cron(0/15 8-18 ? * MON-FRI *)"
        assert re.search(pattern, schedule)
        assert watched_for(template, AlarmsSchedule=schedule, HeartbeatHours=hours) == (3600, hours)
    for unknown in ("rate(5 days)", "rate(100 minutes)", "rate(13 hours)", "rate(0 minutes)", "cron(x)", "at(2026-11-22)"):
        assert not re.search(pattern, unknown), unknown


@rule
def subnets_and_security_groups_go_together(template: Template) -> None:
    """Issue 14, point 7: with only one of them Lambda refuses the functions, halfway through the deployment."""
    subnets, groups = {"VpcSubnetIds": "subnet-1,subnet-2"}, {"VpcSecurityGroupIds": "sg-1"}
    for empty in ([""], []):
        def refusals(**parameters: str) -> list[str]:
            values = Values(template, **parameters)
            values.empty_list = empty
            return values.refusals()

        assert refusals() == [] and refusals(**subnets, **groups) == []
        assert refusals(**subnets) == ["VpcSubnetIds needs VpcSecurityGroupIds."]
        assert refusals(**groups) == ["VpcSecurityGroupIds needs VpcSubnetIds."]


@rule
def every_role_can_be_bounded_and_has_its_path(template: Template) -> None:
    """Issue 14, point 7: some organizations allow no role without a boundary, or outside a path."""
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    bounded = Values(template, PermissionsBoundaryArn=boundary, RolePath="/teams/platform/")
    plain = Values(template)
    transformed = template.transformed
    for name, role in transformed.of_type("AWS::IAM::Role").items():
        assert bounded.of(role["PermissionsBoundary"]) == boundary, name
        assert plain.of(role["PermissionsBoundary"]) == NO_VALUE, name
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        for name, made in transformed.of_type(kind).items():
            assert bounded.of(made["Path"]) == "/teams/platform/" and plain.of(made["Path"]) == "/", name


@rule
def the_maps_are_as_wide_as_a_parameter_says(template: Template) -> None:
    """Issue 14, point 8: a new account may run ten functions concurrently."""
    substituted = template.properties("Run")["DefinitionSubstitutions"]
    for name, parameter in (("EachTarget", "TargetsAtOnce"), ("EachTargetsInsights", "SweepTargetsAtOnce")):
        assert template.state_machine["States"][name]["MaxConcurrency"] == f"${{{parameter}}}", name
        assert substituted[parameter] == {"Ref": parameter}, name
        assert template.parameters[parameter]["Type"] == "Number" and template.parameters[parameter]["MinValue"] == 1


# ---------------------------------------------------------------- helpers


def dead_letter_queues(template: Template) -> set[str]:
    arns = [
        *(queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in template.of_type("AWS::SQS::Queue").values()
          if "RedrivePolicy" in queue),
        *(target["DeadLetterConfig"]["Arn"] for events in template.of_type("AWS::Events::Rule").values()
          for target in events["Targets"]),
        *(schedule["Target"]["DeadLetterConfig"]["Arn"]
          for schedule in template.transformed.of_type("AWS::Scheduler::Schedule").values()),
    ]
    return {arn["Fn::GetAtt"][0] for arn in arns}


def watched_for(template: Template, **parameters) -> tuple[int, int]:
    """NoHeartbeat's period in seconds, and the number of periods; both within CloudWatch's limits (PutMetricAlarm)."""
    alarm = template.properties("NoHeartbeat")
    values = Values(template, **parameters)
    period, periods = int(values.of(alarm["Period"])), int(values.of(alarm["EvaluationPeriods"]))
    assert period % 60 == 0 and period * periods <= (86400 if period < 3600 else 7 * 86400), parameters
    return period, periods
