"""The state machine of template.yaml, as it is, with stand-ins for the functions: routing,
retries and the reporting of failures. test_stack.py tests the real functions.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import stand_ins
from local_aws import LocalAws
from stack import Execution, Stack

# A target's name determines its result, whether it is on EKS, and whether logs are queried for it.
# Each function records its input, because the state machine drops its output.
PLAN_RUN = '''
def answer(event):
    request = event["request"]
    names = request["targets"] or [f"n{number}" for number in range(request["many"])]
    targets = [
        {"number": number, "platform": "eks" if name.startswith("eks") else "ecs", "name": name, "queries": "queries" in name}
        for number, name in enumerate(names)
    ]
    return {"run": "run-1", "kind": request["kind"], "plan": "runs/run-1/plan.json", "targets": targets}
'''
COLLECT_METRICS = '''
def answer(event):
    note(event)
    if event["name"] == "denied":
        raise Failed("Denied", "ecs:ListClusters: no")
    if event["name"].startswith("verbose"):
        raise Failed("Denied", "ecs:ListClusters: no" * 1500)
    return {"snapshot": {"key": "of collect-metrics"}}
'''
COLLECT_PODS = '''
def answer(event):
    note(event)
    if event["name"].startswith("eks-denied"):
        raise Failed("Denied", "eks:ListClusters: no")
    return {"snapshot": {"key": "of collect-pods"}}
'''
EVALUATE_ALARMS = '''
def answer(event):
    note(event)
    return {"outcome": {"key": "of evaluate-alarms"}, "began": 2 if "began" in event["name"] else 0}
'''
ENABLE_INSIGHTS = '''
def answer(event):
    note(event)
    name, cursor = event["name"], event.get("cursor")
    passes = 1 if cursor is None else 1 + int(cursor["after"])
    if name == "denied" or (name == "denied-later" and passes == 3):
        raise Failed("Denied", "ecs:ListClusters: no")
    more = passes < {"three-passes": 3, "denied-later": 3, "endless": 1000}.get(name, 1)
    done = {"outcome": {"key": f"after {passes} passes"}}
    if name == "without-cursor":
        return done
    return {**done, "cursor": {"after": str(passes), "findings": {"key": "findings"}} if more else None}
'''
COLLECT_LOGS = '''
def answer(event):
    note(event)
    if f"no-{event.get('do', 'logs')}" in event["name"]:
        raise Failed("Denied", "logs:DescribeLogGroups: no")
    return {"logs": {"key": "of collect-logs"}}
'''
# Returns its input, so that the output of the execution contains it.
FORWARD_SUMMARY = '''
def answer(event):
    note(event)
    if event.get("failed", {}).get("name") == "verbose-unkept":
        raise Failed("Denied", "s3:PutObject: no")
    return event
'''
# One file for all: a short line is written atomically.
NOTE = '''
def note(event):
    with open("{file}", "a") as out:
        out.write(json.dumps(["{name}", event]) + "\\n")

'''
ANSWERS = {
    "PlanRun": PLAN_RUN,
    "CollectMetrics": COLLECT_METRICS,
    "CollectPods": COLLECT_PODS,
    "CollectLogs": COLLECT_LOGS,
    "EvaluateAlarms": EVALUATE_ALARMS,
    # In no run.
    "KeepEvents": "",
    "EnableInsights": ENABLE_INSIGHTS,
    "ForwardSummary": FORWARD_SUMMARY,
}


class Machine:
    def __init__(self, stack: Stack, notes: Path) -> None:
        self.stack = stack
        self.notes = notes

    def run(self, kind: str, *targets: str, many: int = 0) -> dict[str, str]:
        """The end of each target as ForwardSummary received it."""
        self.notes.write_text("")
        run: Execution = self.stack.run({"kind": kind, "targets": targets, "many": many})
        assert run.status == "SUCCEEDED", f"{run}\n{self.stack.aws.tail()}"
        assert run.output["plan"] == "runs/run-1/plan.json" and run.output.keys() == {"plan", "ended"}
        names = targets or [f"n{number}" for number in range(many)]
        assert [end["target"] for end in run.output["ended"]] == list(range(len(names)))
        return {names[end["target"]]: end["ended"] for end in run.output["ended"]}

    def calls(self) -> list[tuple[str, dict]]:
        return [tuple(json.loads(line)) for line in self.notes.read_text().splitlines()]

    def steps(self, name: str) -> list[str]:
        """The functions that processed a target, or what one was to do that has several steps."""
        return [event.get("do", function) for function, event in self.calls() if event.get("name") == name]

    def kept(self) -> dict[str, dict]:
        """The stored failures by target."""
        return {event["failed"]["name"]: event["failed"] for _, event in self.calls() if "failed" in event}


@pytest.fixture(scope="module")
def machine(aws: LocalAws, tmp_path_factory) -> Machine:
    stack, folder = Stack(aws), tmp_path_factory.mktemp("stand-ins")
    notes = folder / "notes"

    def archive(name: str, answer: str) -> Path:
        return stand_ins.archive(folder, name, NOTE.format(file=notes, name=name) + answer)

    stack.deploy_archives({name: archive(name, answer) for name, answer in ANSWERS.items()})
    return Machine(stack, notes)


@pytest.mark.parametrize(("kind", "of_ecs", "of_eks"), [
    ("alarms", ["CollectMetrics", "EvaluateAlarms"], ["CollectPods", "EvaluateAlarms"]),
    ("report", ["CollectMetrics", "CollectLogs"], ["CollectPods", "CollectLogs"]),
    ("sweep", ["EnableInsights"], ["EnableInsights"]),
    ("rollback", ["EnableInsights"], ["EnableInsights"]),
])
def test_kind_and_platform_decide_which_functions_process_a_target(
    machine: Machine, kind: str, of_ecs: list[str], of_eks: list[str]
) -> None:
    assert machine.run(kind, "one", "eks-one", "two") == {"one": "done", "eks-one": "done", "two": "done"}
    assert [machine.steps(name) for name in ("one", "eks-one", "two")] == [of_ecs, of_eks, of_ecs]


def test_every_function_receives_the_location_of_the_plan_and_a_number(machine: Machine) -> None:
    """Issue 14, points 1 and 6: nothing else travels, so no role and no external id."""
    for kind in ("alarms", "report", "sweep"):
        machine.run(kind, "one-queries-began", "eks-one")
        for function, event in machine.calls():
            if function == "ForwardSummary":
                assert event.keys() == {"plan", "ended"}
            else:
                assert event.keys() <= {"kind", "plan", "target", "platform", "name", "queries", "do", "pass"}, function
                assert event["plan"] == "runs/run-1/plan.json" and event["target"] in (0, 1)


OF_PLATFORM = [("", "CollectMetrics"), ("eks-", "CollectPods")]


@pytest.mark.parametrize(("platform", "collects"), OF_PLATFORM)
@pytest.mark.parametrize(("kind", "then"), [("alarms", "EvaluateAlarms"), ("report", "CollectLogs")])
def test_queries_are_started_before_and_read_after_the_collector_where_there_are_some(
    machine: Machine, platform: str, collects: str, kind: str, then: str
) -> None:
    targets = [f"{platform}queries", f"{platform}one"]
    assert machine.run(kind, *targets) == dict.fromkeys(targets, "done")
    assert machine.steps(targets[0]) == ["start-queries", collects, "read-queries", then]
    assert machine.steps(targets[1]) == [collects, then]


@pytest.mark.parametrize("kind", ["sweep", "rollback"])
def test_no_logs_are_queried_for_settings(machine: Machine, kind: str) -> None:
    assert machine.run(kind, "queries") == {"queries": "done"}
    assert machine.steps("queries") == ["EnableInsights"]


@pytest.mark.parametrize(("kind", "then"), [("alarms", "EvaluateAlarms"), ("report", "CollectLogs")])
@pytest.mark.parametrize("fails", ["no-start-queries", "no-read-queries", "no-start-queries-no-read-queries"])
def test_target_whose_queries_fail_is_processed_all_the_same(machine: Machine, kind: str, then: str, fails: str) -> None:
    assert machine.run(kind, fails, "queries") == {fails: "done", "queries": "done"}
    for name in (fails, "queries"):
        # Denied is not tried again.
        assert machine.steps(name) == ["start-queries", "CollectMetrics", "read-queries", then], name
    assert machine.kept() == {}


@pytest.mark.parametrize(("platform", "collects"), OF_PLATFORM)
def test_logs_of_alarms_are_found_only_if_some_began(machine: Machine, platform: str, collects: str) -> None:
    targets = [f"{platform}began", f"{platform}quiet"]
    assert machine.run("alarms", *targets) == dict.fromkeys(targets, "done")
    assert machine.steps(targets[0]) == [collects, "EvaluateAlarms", "logs-of-alarms"]
    assert machine.steps(targets[1]) == [collects, "EvaluateAlarms"]


def test_target_whose_alarms_have_no_logs_is_done(machine: Machine) -> None:
    names = ["began-no-logs-of-alarms", "queries-began-no-logs-of-alarms"]
    assert machine.run("alarms", *names) == dict.fromkeys(names, "done")
    assert machine.steps(names[0]) == ["CollectMetrics", "EvaluateAlarms", "logs-of-alarms"]
    assert machine.steps(names[1]) == ["start-queries", "CollectMetrics", "read-queries", "EvaluateAlarms", "logs-of-alarms"]
    assert machine.kept() == {}


def test_target_that_fails_has_its_queries_not_read(machine: Machine) -> None:
    """They end by themselves; there is nothing to evaluate them with."""
    assert machine.run("alarms", "eks-denied-queries", "verbose-queries") == {
        "eks-denied-queries": "failed", "verbose-queries": "failed",
    }
    assert machine.steps("verbose-queries") == ["start-queries", "CollectMetrics"]
    assert machine.kept().keys() == {"eks-denied-queries", "verbose-queries"}


def test_target_whose_logs_cannot_be_read_is_done(machine: Machine) -> None:
    assert machine.run("report", "no-logs", "one") == {"no-logs": "done", "one": "done"}
    assert machine.steps("no-logs") == ["CollectMetrics", "CollectLogs"]
    assert machine.kept() == {}


def test_target_of_eks_that_fails_is_reported(machine: Machine) -> None:
    assert machine.run("alarms", "eks-denied", "one") == {"eks-denied": "failed", "one": "done"}
    assert machine.kept()["eks-denied"]["failure"]["Error"] == "Denied"


@pytest.mark.parametrize("kind", ["sweep", "rollback"])
def test_unfinished_target_is_continued_until_it_is_finished(machine: Machine, kind: str) -> None:
    targets = {"three-passes": 3, "one-pass": 1, "without-cursor": 1}
    assert machine.run(kind, *targets) == dict.fromkeys(targets, "done")
    assert {name: len(machine.steps(name)) for name in targets} == targets
    assert machine.kept() == {}


@pytest.mark.parametrize("kind", ["alarms", "report", "sweep", "rollback"])
def test_target_that_fails_is_reported_and_stops_no_other(machine: Machine, kind: str) -> None:
    assert machine.run(kind, "denied", "one-pass") == {"denied": "failed", "one-pass": "done"}
    [failed] = machine.kept().values()
    assert (failed["target"], failed["plan"]) == (0, "runs/run-1/plan.json")
    assert failed["failure"]["Error"] == "Denied"
    assert json.loads(failed["failure"]["Cause"])["errorMessage"].endswith(": no")


def test_target_that_fails_later_reports_what_was_done_before(machine: Machine) -> None:
    assert machine.run("sweep", "denied-later") == {"denied-later": "failed"}
    [failed] = machine.kept().values()
    assert failed["failure"]["Error"] == "Denied"
    assert failed["cursor"] == {"after": "2", "findings": {"key": "findings"}}


def test_target_that_never_ends_is_stopped_and_reported(machine: Machine) -> None:
    assert machine.run("sweep", "endless", "one-pass") == {"endless": "failed", "one-pass": "done"}
    failed = machine.kept()["endless"]
    assert failed["failure"]["Error"] == "Unfinished"
    assert "100 passes" in failed["failure"]["Cause"]
    assert failed["cursor"]["after"] == "100"


@pytest.mark.parametrize("kind", ["alarms", "report"])
def test_many_long_failures_pass_between_the_states(machine: Machine, kind: str) -> None:
    """Issue 14, point 1: fifteen causes of 30,000 characters; only their existence travels."""
    names = [f"verbose-{number}" for number in range(15)]
    assert machine.run(kind, *names) == dict.fromkeys(names, "failed")
    assert sum(len(failed["failure"]["Cause"]) for failed in machine.kept().values()) > 262_144


def test_target_whose_failure_cannot_be_stored_is_reported_as_failed(machine: Machine) -> None:
    assert machine.run("alarms", "verbose-unkept", "one") == {"verbose-unkept": "failed", "one": "done"}


def test_many_targets_pass_between_the_states(machine: Machine) -> None:
    """Issue 14, point 1: three hundred targets, which with their roles used to be too many."""
    assert set(machine.run("report", many=300).values()) == {"done"}
