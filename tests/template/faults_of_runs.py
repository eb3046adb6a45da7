"""Faults that rules_of_runs.py must detect; test_rules.py puts each into a copy of the template."""

from __future__ import annotations

from template import Template


def no_sweep(template: Template) -> None:
    del template.properties("Run")["Events"]["Sweep"]


def time_of_the_start(template: Template) -> None:
    template.properties("Run")["Events"]["Alarms"]["Properties"]["Input"] = '{"kind":"alarms"}'


def same_name_in_every_stack(template: Template) -> None:
    del template.properties("Run")["Events"]["Alarms"]["Properties"]["OmitName"]


def run_states(template: Template) -> dict:
    return template.state_machine["States"]


def child(template: Template, each: str) -> dict:
    return run_states(template)[each]["ItemProcessor"]["States"]


def restore_by_schedule(template: Template) -> None:
    template.properties("Run")["Events"]["Sweep"]["Properties"]["Input"] = (
        '{"kind":"rollback","time":"<aws.scheduler.scheduled-time>"}'
    )


def restore_among_metrics(template: Template) -> None:
    del run_states(template)["WhichKind"]["Choices"][1]


def same_state_twice(template: Template) -> None:
    states = child(template, "EachTargetsInsights")
    states["TargetDone"] = states.pop("InsightsDone")


def same_label_twice(template: Template) -> None:
    run_states(template)["EachTargetsInsights"]["Label"] = "targets"


def uncaught(template: Template) -> None:
    del child(template, "EachTarget")["CollectMetrics"]["Catch"][0]["ResultPath"]


def uncaught_sweep(template: Template) -> None:
    del child(template, "EachTargetsInsights")["EnableInsights"]["Catch"]


def unkept(template: Template) -> None:
    child(template, "EachTarget")["KeepFailure"]["Parameters"]["FunctionName"] = "${PlanRun}"


def lost_with_its_failure(template: Template) -> None:
    del child(template, "EachTargetsInsights")["KeepInsightsFailure"]["Catch"]


def lost_with_its_queries(template: Template) -> None:
    child(template, "EachTarget")["StartQueries"]["Catch"][0]["Next"] = "KeepFailure"


def alarms_lost_with_their_logs(template: Template) -> None:
    del child(template, "EachTarget")["LogsOfAlarms"]["Catch"]


def queries_without_a_plan(template: Template) -> None:
    child(template, "EachTarget")["HasQueries"]["Default"] = "StartQueries"


def logs_of_every_alarm(template: Template) -> None:
    child(template, "EachTarget")["HaveAlarmsBegun"]["Choices"][0]["NumericGreaterThan"] = -1


def another_step(template: Template) -> None:
    child(template, "EachTarget")["ReadQueries"]["Parameters"]["Payload"]["do"] = "start-queries"


def whole_verdict_travels(template: Template) -> None:
    del child(template, "EachTarget")["EvaluateAlarms"]["ResultSelector"]


def slow_logs_of_alarms(template: Template) -> None:
    child(template, "EachTarget")["LogsOfAlarms"]["TimeoutSeconds"] = 120


def whole_run_travels(template: Template) -> None:
    run_states(template)["EachTarget"]["ItemSelector"]["run.$"] = "$.run"


def answer_travels(template: Template) -> None:
    del child(template, "EachTarget")["CollectPods"]["ResultPath"]


def both_lists_in_one_state(template: Template) -> None:
    run_states(template)["EachTarget"]["ResultPath"] = "$.outcomes"


def one_for_all(template: Template) -> None:
    run_states(template)["EachTarget"]["ToleratedFailurePercentage"] = 0


def slow_target(template: Template) -> None:
    template.properties("CollectMetrics")["Timeout"] = 300


def short_sweep(template: Template) -> None:
    run_states(template)["EachTargetsInsights"]["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "EXPRESS"


def retry_everything(template: Template) -> None:
    child(template, "EachTargetsInsights")["EnableInsights"]["Retry"][1]["ErrorEquals"].append("States.ALL")


def always_from_the_start(template: Template) -> None:
    del child(template, "EachTargetsInsights")["NextPass"]["Parameters"]["cursor.$"]


def never_counted(template: Template) -> None:
    child(template, "EachTargetsInsights")["NextPass"]["Parameters"]["pass.$"] = "$.pass"


def past_the_count(template: Template) -> None:
    child(template, "EachTargetsInsights")["IsMoreLeft"]["Default"] = "EnableInsights"


def for_days(template: Template) -> None:
    child(template, "EachTargetsInsights")["MayContinue"]["Choices"][0]["NumericLessThanEquals"] = 1000


def for_ever(template: Template) -> None:
    run_states(template)["ForwardSummary"]["Next"] = "PlanRun"


def chatty_log(template: Template) -> None:
    template.properties("Run")["Logging"]["IncludeExecutionData"] = True


FAULTS = [
    (no_sweep, "each_kind_of_run_has_its_schedule"),
    (time_of_the_start, "each_kind_of_run_has_its_schedule"),
    (same_name_in_every_stack, "each_kind_of_run_has_its_schedule"),
    (restore_by_schedule, "each_kind_of_run_has_its_schedule"),
    (restore_among_metrics, "settings_and_metrics_are_looked_at_apart"),
    (same_state_twice, "every_state_has_a_name_of_its_own"),
    (same_label_twice, "every_state_has_a_name_of_its_own"),
    (uncaught, "a_target_that_fails_is_reported_and_stops_no_other"),
    (uncaught_sweep, "a_target_that_fails_is_reported_and_stops_no_other"),
    (unkept, "a_target_that_fails_is_reported_and_stops_no_other"),
    (lost_with_its_failure, "a_target_that_fails_is_reported_and_stops_no_other"),
    (lost_with_its_queries, "a_target_that_fails_is_reported_and_stops_no_other"),
    (alarms_lost_with_their_logs, "a_target_that_fails_is_reported_and_stops_no_other"),
    (queries_without_a_plan, "logs_are_read_only_where_there_is_something_to_read"),
    (logs_of_every_alarm, "logs_are_read_only_where_there_is_something_to_read"),
    (another_step, "logs_are_read_only_where_there_is_something_to_read"),
    (whole_verdict_travels, "what_travels_is_references_and_small_fixed_answers"),
    (slow_logs_of_alarms, "a_target_ends_before_the_child_that_it_runs_in"),
    (whole_run_travels, "what_travels_is_references_and_small_fixed_answers"),
    (answer_travels, "what_travels_is_references_and_small_fixed_answers"),
    (both_lists_in_one_state, "settings_and_metrics_are_looked_at_apart"),
    (one_for_all, "a_target_that_fails_is_reported_and_stops_no_other"),
    (retry_everything, "what_passes_by_itself_is_tried_again"),
    (slow_target, "a_target_ends_before_the_child_that_it_runs_in"),
    (short_sweep, "a_target_ends_before_the_child_that_it_runs_in"),
    (always_from_the_start, "a_target_continues_where_it_stopped_but_not_for_ever"),
    (never_counted, "a_target_continues_where_it_stopped_but_not_for_ever"),
    (past_the_count, "a_target_continues_where_it_stopped_but_not_for_ever"),
    (for_days, "a_target_continues_where_it_stopped_but_not_for_ever"),
    (for_ever, "nothing_else_goes_around"),
    (chatty_log, "the_log_of_runs_holds_no_data"),
]
