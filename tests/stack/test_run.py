"""The state machine of template.yaml, as it is, with stand-ins for the functions: what goes where, what is done again, what
is told of failures. What the real functions answer is test_stack.py's matter.
"""

from __future__ import annotations

import json

import pytest
import stand_ins
from local_aws import LocalAws
from stack import Execution, Stack

# A target's name says what becomes of it, and whether it is one of EKS.
PLAN_RUN = '''
def answer(event):
    request = event["request"]
    targets = [{"name": name, "platform": "eks" if name.startswith("eks") else "ecs"} for name in request["targets"]]
    return {"run": {"id": "run-1", "kind": request["kind"]}, "targets": targets}
'''
COLLECT_METRICS = '''
def answer(event):
    if event["target"]["name"] == "denied":
        raise Failed("Denied", "ecs:ListClusters: no")
    return {**event, "outcome": {"key": "of collect-metrics"}}
'''
COLLECT_PODS = '''
def answer(event):
    if event["target"]["name"] == "eks-denied":
        raise Failed("Denied", "eks:ListClusters: no")
    return {**event, "outcome": {"key": "of collect-pods"}}
'''
EVALUATE_ALARMS = '''
def answer(event):
    return {"target": event["target"], "outcome": {"key": "of evaluate-alarms"}}
'''
ENABLE_INSIGHTS = '''
def answer(event):
    name, cursor = event["target"]["name"], event.get("cursor")
    turns = 1 if cursor is None else 1 + int(cursor["after"])
    if name == "denied" or (name == "denied-later" and turns == 3):
        raise Failed("Denied", f"{event['run']['kind']}: no")
    more = turns < {"three-turns": 3, "denied-later": 3, "endless": 1000}.get(name, 1)
    done = {"target": event["target"], "outcome": {"key": f"after {turns} turns of {event['run']['id']}"}}
    if name == "without-cursor":
        return done
    return {**done, "cursor": {"after": str(turns), "findings": {"key": "findings"}} if more else None}
'''
# Answers what it was told, so that the execution's output has it.
FORWARD_SUMMARY = '''
def answer(event):
    return event
'''
ANSWERS = {
    "PlanRun": PLAN_RUN,
    "CollectMetrics": COLLECT_METRICS,
    "CollectPods": COLLECT_PODS,
    "EvaluateAlarms": EVALUATE_ALARMS,
    "EnableInsights": ENABLE_INSIGHTS,
    "ForwardSummary": FORWARD_SUMMARY,
}


@pytest.fixture(scope="module")
def machine(aws: LocalAws, tmp_path_factory) -> Stack:
    stack = Stack(aws)
    folder = tmp_path_factory.mktemp("stand-ins")
    stack.deploy_archives({name: stand_ins.archive(folder, name, answer) for name, answer in ANSWERS.items()})
    return stack


def told(machine: Stack, kind: str, *targets: str) -> dict[str, dict]:
    """What ForwardSummary was told of each target."""
    run: Execution = machine.run({"kind": kind, "targets": list(targets)})
    assert run.status == "SUCCEEDED", f"{run}\n{machine.aws.tail()}"
    assert run.output["run"] == {"id": "run-1", "kind": kind}
    assert [target["name"] for target in run.output["targets"]] == list(targets)
    return {end["target"]["name"]: end for end in run.output["outcomes"]}


@pytest.mark.parametrize(("kind", "key"), [
    ("alarms", "of evaluate-alarms"),
    ("report", "of collect-metrics"),
    ("sweep", "after 1 turns of run-1"),
    ("restore", "after 1 turns of run-1"),
])
def test_kind_decides_which_functions_a_target_goes_through(machine, kind: str, key: str) -> None:
    ends = told(machine, kind, "one", "two")
    assert [end["outcome"] for end in ends.values()] == [{"key": key}] * 2


@pytest.mark.parametrize(("kind", "keys"), [
    ("alarms", ["of evaluate-alarms", "of evaluate-alarms"]),
    ("report", ["of collect-metrics", "of collect-pods"]),
    ("sweep", ["after 1 turns of run-1", "after 1 turns of run-1"]),
])
def test_platform_decides_who_collects(machine, kind: str, keys: list[str]) -> None:
    ends = told(machine, kind, "one", "eks-one")
    assert [ends[name]["outcome"]["key"] for name in ("one", "eks-one")] == keys


def test_target_of_eks_that_fails_is_told(machine) -> None:
    ends = told(machine, "alarms", "eks-denied", "one")
    assert ends["eks-denied"]["failure"]["Error"] == "Denied" and "outcome" in ends["one"]


@pytest.mark.parametrize("kind", ["sweep", "restore"])
def test_unfinished_target_is_gone_on_with_until_it_is_finished(machine, kind: str) -> None:
    ends = told(machine, kind, "three-turns", "one-turn", "without-cursor")
    assert {name: end["outcome"]["key"] for name, end in ends.items()} == {
        "three-turns": "after 3 turns of run-1",
        "one-turn": "after 1 turns of run-1",
        "without-cursor": "after 1 turns of run-1",
    }
    assert not any(end.get("cursor") or "failure" in end for end in ends.values())


@pytest.mark.parametrize("kind", ["alarms", "report", "sweep", "restore"])
def test_target_that_fails_is_told_and_takes_no_other_along(machine, kind: str) -> None:
    ends = told(machine, kind, "denied", "one-turn")
    assert "outcome" not in ends["denied"] and "outcome" in ends["one-turn"]
    assert ends["denied"]["failure"]["Error"] == "Denied"
    assert json.loads(ends["denied"]["failure"]["Cause"])["errorMessage"].endswith(": no")


def test_target_that_fails_later_tells_what_was_done_before(machine) -> None:
    [end] = told(machine, "sweep", "denied-later").values()
    assert end["failure"]["Error"] == "Denied"
    assert end["cursor"] == {"after": "2", "findings": {"key": "findings"}}


def test_target_that_never_ends_is_ended_and_told(machine) -> None:
    ends = told(machine, "sweep", "endless", "one-turn")
    assert ends["endless"]["failure"]["Error"] == "Unfinished"
    assert "100 turns" in ends["endless"]["failure"]["Cause"]
    assert ends["endless"]["cursor"]["after"] == "100"
    assert "outcome" in ends["one-turn"]
