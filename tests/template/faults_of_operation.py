"""Faults that rules_of_operation.py and rules_of_network.py must detect; test_rules.py puts each into a copy of the
template."""

from __future__ import annotations

from template import Template


def stopped_runs_raise_no_alarm(template: Template) -> None:
    del template.resources["RunAborted"]


def dead_letters_raise_no_alarm(template: Template) -> None:
    template.properties("DeadLettersWaiting")["Dimensions"][0]["Value"] = {"Fn::GetAtt": ["ClusterEvents", "QueueName"]}


def a_run_for_a_year(template: Template) -> None:
    del template.state_machine["TimeoutSeconds"]


def operators_left_out(template: Template) -> None:
    template.properties("RunFailed")["AlarmActions"] = [{"Ref": "Topic"}]


def start_forgotten(template: Template) -> None:
    del template.properties("Run")["Events"]["Report"]["Properties"]["DeadLetterConfig"]


def start_cannot_be_kept(template: Template) -> None:
    template.properties("ScheduleRole")["Policies"][0]["PolicyDocument"]["Statement"].pop()


def two_hours_whatever_the_schedule(template: Template) -> None:
    template.properties("NoHeartbeat").update(Period=3600, EvaluationPeriods=2)


def more_than_cloudwatch_takes(template: Template) -> None:
    template.parameters["AlarmsSchedule"]["AllowedPattern"] = r"^(rate|cron)\(.+\)$"


def subnets_alone(template: Template) -> None:
    del template.document["Rules"]["SubnetsNeedSecurityGroups"]


def role_without_boundary(template: Template) -> None:
    del template.properties("ScheduleRole")["PermissionsBoundary"]


def policy_without_path(template: Template) -> None:
    del template.properties("ConnectToVpc")["Path"]


def forty_at_once(template: Template) -> None:
    template.state_machine["States"]["EachTarget"]["MaxConcurrency"] = 40


def code_may_make_interfaces(template: Template) -> None:
    template.properties("ConnectToVpc")["PolicyDocument"]["Statement"].pop()


FAULTS = [
    (stopped_runs_raise_no_alarm, "each_way_to_fail_has_its_alarm"),
    (dead_letters_raise_no_alarm, "each_way_to_fail_has_its_alarm"),
    (a_run_for_a_year, "each_way_to_fail_has_its_alarm"),
    (operators_left_out, "alarms_go_to_the_operators_if_there_are_any"),
    (start_forgotten, "a_start_that_fails_is_kept"),
    (start_cannot_be_kept, "a_start_that_fails_is_kept"),
    (two_hours_whatever_the_schedule, "the_heartbeat_is_missed_after_some_intervals"),
    (more_than_cloudwatch_takes, "the_heartbeat_is_missed_after_some_intervals"),
    (subnets_alone, "subnets_and_security_groups_go_together"),
    (role_without_boundary, "every_role_can_be_bounded_and_has_its_path"),
    (policy_without_path, "every_role_can_be_bounded_and_has_its_path"),
    (forty_at_once, "the_maps_are_as_wide_as_a_parameter_says"),
    (code_may_make_interfaces, "code_in_the_vpc_cannot_use_what_lambda_needs"),
]
