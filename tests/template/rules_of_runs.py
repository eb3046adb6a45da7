"""Requirements on the state machine of template.yaml: rules like those of rules.py."""

from __future__ import annotations

import json

from rules import rule
from template import Template

# The maximum duration of one target of a sweep or rollback, without retries.
MAX_HOURS = 4

# Steps of collect-logs, without which a target is processed all the same.
STEPS_OF_LOGS = {"StartQueries", "ReadQueries", "CollectLogs", "LogsOfAlarms"}


@rule
def each_kind_of_run_has_its_schedule(template: Template) -> None:
    schedules = template.properties("Run")["Events"].values()
    inputs = [json.loads(schedule["Properties"]["Input"]) for schedule in schedules]
    # A rollback only happens on request.
    assert sorted(entry["kind"] for entry in inputs) == ["alarms", "report", "sweep"]
    for schedule, entry in zip(schedules, inputs):
        properties = schedule["Properties"]
        # The time of the schedule, not of the start: a repeated start reads the same window.
        assert entry["time"] == "<aws.scheduler.scheduled-time>", entry["kind"]
        assert properties.get("State", "ENABLED") == "ENABLED", entry["kind"]
        assert properties["RetryPolicy"]["MaximumRetryAttempts"] > 0, entry["kind"]
        assert properties["ScheduleExpressionTimezone"] == {"Ref": "TimeZone"}, entry["kind"]
        # SAM's default name is the same in every stack, so a second stack could not be deployed.
        assert properties["OmitName"] is True, entry["kind"]


@rule
def settings_and_metrics_are_looked_at_apart(template: Template) -> None:
    which_kind = states(template)["WhichKind"]
    assert {choice["StringEquals"]: choice["Next"] for choice in which_kind["Choices"]} == {
        "sweep": "EachTargetsInsights",
        "rollback": "EachTargetsInsights",
    }
    assert all(choice["Variable"] == "$.kind" for choice in which_kind["Choices"])
    assert which_kind["Default"] == "EachTarget"
    assert states(template)["PlanRun"]["Next"] == "WhichKind"
    for name, each in maps(template).items():
        # In place of the items: both in one state could be too long.
        assert each["Next"] == "ForwardSummary" and each["ItemsPath"] == each["ResultPath"] == "$.targets", name


@rule
def every_state_has_a_name_of_its_own(template: Template) -> None:
    # Step Functions requires this of the whole machine, including the states and labels of its
    # maps.
    names = [*states(template), *(name for each in maps(template).values() for name in processor(each)["States"])]
    labels = [each["Label"] for each in maps(template).values()]
    assert len(set(names)) == len(names), names
    assert len(set(labels)) == len(labels), labels


@rule
def a_target_that_fails_is_reported_and_stops_no_other(template: Template) -> None:
    for each in maps(template).values():
        assert each["ToleratedFailurePercentage"] == 100
        inner = processor(each)["States"]
        for name, state in inner.items():
            if state["Type"] == "Task" and name in STEPS_OF_LOGS:
                # The summary says that its result is missing; the target itself is read all the same.
                assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": state["Next"]}]
            elif state["Type"] == "Task" and not keeps_failure(state):
                assert len(state["Catch"]) == 1, name
                caught = state["Catch"][0]
                assert caught["ErrorEquals"] == ["States.ALL"] and caught["ResultPath"] == "$.failure", name
                keeps = inner[caught["Next"]]
                assert keeps_failure(keeps), name
                # A failure to store it is reported, too.
                [unkept] = keeps["Catch"]
                assert unkept == {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": keeps["Next"]}, name
                assert inner[keeps["Next"]] == ends("failed"), name


@rule
def what_travels_is_references_and_small_fixed_answers(template: Template) -> None:
    """Issue 14, points 1 and 6: a state accepts 262,144 bytes, and whoever may read executions sees them all."""
    for name, each in maps(template).items():
        assert set(each["ItemSelector"].values()) <= {
            "$.plan", "$.kind", "$$.Map.Item.Value.number", "$$.Map.Item.Value.platform", "$$.Map.Item.Value.name",
            "$$.Map.Item.Value.queries", 1,
        }, name
        inner = processor(each)["States"]
        assert [state for state in inner.values() if state.get("End") or state["Type"] == "Succeed"] in (
            [ends("failed"), ends("done")], [ends("done"), ends("failed")]
        ), name
        # Only a sweep's cursor is used from a response; it is a name and a key.
        for task, state in inner.items():
            if state["Type"] == "Task" and task == "EvaluateAlarms":
                # A number.
                assert state["ResultSelector"] == {"began.$": "$.Payload.began"}
            elif state["Type"] == "Task" and task != "EnableInsights":
                assert state["ResultPath"] is None, task
    assert states(template)["ForwardSummary"]["Parameters"]["Payload"] == {"plan.$": "$.plan", "ended.$": "$.targets"}


@rule
def logs_are_read_only_where_there_is_something_to_read(template: Template) -> None:
    inner = processor(maps(template)["EachTarget"])["States"]
    conditions = {
        "StartQueries": {"Variable": "$.queries", "BooleanEquals": True},
        "ReadQueries": {"Variable": "$.queries", "BooleanEquals": True},
        "CollectLogs": {"Variable": "$.kind", "StringEquals": "alarms"},
        "LogsOfAlarms": {"Variable": "$.evaluated.began", "NumericGreaterThan": 0},
    }
    for step, condition in conditions.items():
        [before] = [state for state in inner.values() if step in next_states(state)]
        [choice] = before["Choices"]
        # An alarms run audits nothing; each other step is taken if its condition holds.
        taken, other = (choice["Next"], before["Default"])[:: -1 if step == "CollectLogs" else 1]
        assert taken == step != other and choice == {**condition, "Next": choice["Next"]}, step
    # The function tells its steps apart by this word; without it, it audits.
    given = {step: inner[step]["Parameters"].get("Payload", {}).get("do") for step in STEPS_OF_LOGS - {"CollectLogs"}}
    assert given == {"StartQueries": "start-queries", "ReadQueries": "read-queries", "LogsOfAlarms": "logs-of-alarms"}
    assert inner["CollectLogs"]["Parameters"]["Payload.$"] == "$"
    assert {inner[step]["Parameters"]["FunctionName"] for step in STEPS_OF_LOGS} == {"${CollectLogs}"}


@rule
def what_passes_by_itself_is_tried_again(template: Template) -> None:
    tasks = {
        name: state
        for scope in (states(template), *(processor(each)["States"] for each in maps(template).values()))
        for name, state in scope.items()
        if state["Type"] == "Task"
    }
    of_functions = {name for name, task in tasks.items() if not keeps_failure(task)}
    # KeepEvents is in no run.
    assert of_functions == set(template.functions) - {"KeepEvents"} | STEPS_OF_LOGS
    for name, task in tasks.items():
        # How long a full account is waited for: test_throttling.py.
        [full, retry] = task["Retry"]
        assert full["ErrorEquals"] == ["Lambda.TooManyRequestsException"] and full["JitterStrategy"] == "FULL", name
        assert {"Throttled", "Transient"} <= set(retry["ErrorEquals"]), name
        assert not {"Denied", "NotFound", "Invalid", "Misconfigured", "States.ALL"} & set(retry["ErrorEquals"]), name
        assert retry["MaxAttempts"] == 3 and retry["BackoffRate"] > 1 and retry["JitterStrategy"] == "FULL", name


@rule
def a_target_ends_before_the_child_that_it_runs_in(template: Template) -> None:
    # An EXPRESS execution is ended after five minutes, and then no Catch says why. A minute is left
    # for retries.
    each = maps(template)
    assert processor(each["EachTarget"])["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    steps = processor(each["EachTarget"])["States"]
    timeouts = {name: function["Timeout"] for name, function in template.functions.items()}
    timeouts |= {name: steps[name]["TimeoutSeconds"] for name in STEPS_OF_LOGS}
    for path in (["CollectMetrics", "EvaluateAlarms"], ["CollectMetrics", "CollectLogs"]):
        assert sum(timeouts[name] for name in path) <= 240, path
        # With queries. ReadQueries waits only while the collector would have needed less than a minute.
        assert sum(timeouts[name] for name in [*path, "StartQueries"]) <= 280, path
    assert timeouts["StartQueries"] + 60 + timeouts["ReadQueries"] + timeouts["EvaluateAlarms"] + timeouts["LogsOfAlarms"] <= 300
    assert processor(each["EachTargetsInsights"])["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }


@rule
def a_target_continues_where_it_stopped_but_not_for_ever(template: Template) -> None:
    each = maps(template)["EachTargetsInsights"]
    inner = processor(each)["States"]
    [more] = inner["IsMoreLeft"]["Choices"]
    cursor = "$.answer.Payload.cursor"
    assert more["And"] == [{"Variable": cursor, "IsPresent": True}, {"Variable": cursor, "IsNull": False}]
    assert inner[more["Next"]]["Parameters"] == {
        "plan.$": "$.plan",
        "target.$": "$.target",
        "name.$": "$.name",
        "cursor.$": cursor,
        "pass.$": "States.MathAdd($.pass, 1)",
    }
    # Every loop passes the counter, and the counter has a limit.
    assert each["ItemSelector"]["pass"] == 1
    [limit] = inner[inner[more["Next"]]["Next"]]["Choices"]
    assert limit["Variable"] == "$.pass"
    assert limit["NumericLessThanEquals"] * template.functions["EnableInsights"]["Timeout"] <= MAX_HOURS * 3600
    assert has_no_way_around({name: state for name, state in inner.items() if name != more["Next"]})


@rule
def nothing_else_goes_around(template: Template) -> None:
    assert has_no_way_around(states(template))
    assert has_no_way_around(processor(maps(template)["EachTarget"])["States"])


@rule
def the_log_of_runs_holds_no_data(template: Template) -> None:
    logging = template.properties("Run")["Logging"]
    assert logging["Level"] == "ERROR" and logging["IncludeExecutionData"] is False
    assert template.properties("Run")["Tracing"]["Enabled"] is True


# ---------------------------------------------------------------- helpers


def states(template: Template) -> dict[str, dict]:
    return template.state_machine["States"]


def maps(template: Template) -> dict[str, dict]:
    return {name: state for name, state in states(template).items() if state["Type"] == "Map"}


def keeps_failure(state: dict) -> bool:
    """Whether the state passes a failed target to ForwardSummary, which stores the reason."""
    given = state.get("Parameters", {})
    return given.get("FunctionName") == "${ForwardSummary}" and given["Payload"] == {"failed.$": "$"}


def ends(how: str) -> dict:
    return {"Type": "Pass", "Parameters": {"target.$": "$.target", "ended": how}, "End": True}


def processor(each: dict) -> dict:
    return each["ItemProcessor"]


def has_no_way_around(scope: dict[str, dict]) -> bool:
    """Whether none of these states is reachable from itself."""
    left = dict(scope)
    while left:
        ends = [name for name, state in left.items() if not next_states(state) & left.keys()]
        if not ends:
            return False
        for name in ends:
            del left[name]
    return True


def next_states(state: dict) -> set[str]:
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way[key] for way in ways for key in ("Next", "Default") if key in way}
