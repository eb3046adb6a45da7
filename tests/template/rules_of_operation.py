"""What template.yaml must hold so that it can be operated: who is told when fargaze itself does not work, and limits of others."""

from __future__ import annotations

import re

from intrinsics import Values
from rules import rule
from template import Template

TOPIC = {"Fn::If": ["HasOperatorsTopic", {"Ref": "OperatorsTopicArn"}, {"Ref": "Topic"}]}

IS_RUN = [{"Name": "StateMachineArn", "Value": {"Ref": "Run"}}]


@rule
def each_way_to_fail_has_its_alarm(template: Template) -> None:
    """Issue 14, point 5: runs that fail, hang or are stopped, and whatever ends as a dead letter."""
    watched = [
        (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"])
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
    ]
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
        assert ("AWS/States", metric, IS_RUN) in watched, metric
    for queue in dead_letter_queues(template):
        named = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
        assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", named) in watched, queue
    # Without it a run that hangs lasts for a year; no sweep lasts for a day.
    assert 4 * 3600 < template.state_machine["TimeoutSeconds"] <= 86400


@rule
def alarms_go_to_the_operators_if_there_are_any(template: Template) -> None:
    """Issue 14, point 5: the stack's alarms on itself may have a topic of their own."""
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
    """Issue 14, point 5: the scheduler gives up after its retries, and nobody would know why."""
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
