"""Issue 14, point 8: in a new account, where ten functions run concurrently, no target of a run is lost because of the
others.

The state machine's own retries are played against this limit: all call at once, ten run, the rest are throttled and
call again when their retry is due. The random waits are the same in each run of the tests.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator

import pytest
from template import Template

MACHINE = Template.of_project().state_machine["States"]
CHILD = MACHINE["EachTarget"]["ItemProcessor"]["States"]
SWEEP = MACHINE["EachTargetsInsights"]["ItemProcessor"]["States"]

# AWS's limit of concurrent functions in a new account, and the life of an EXPRESS execution (Lambda
# and Step Functions Developer Guides, "Quotas").
LIMIT = 10
EXPRESS_SECONDS = 300


def waits(retry: dict, dice: random.Random) -> Iterator[float]:
    """Seconds before each further attempt, with full jitter (Step Functions Developer Guide, "Handling errors")."""
    for attempt in range(retry["MaxAttempts"]):
        longest = retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt
        yield dice.uniform(0, min(longest, retry["MaxDelaySeconds"]))


def ends(retry: dict, targets: int, at_once: int, seconds: float, dice: random.Random) -> list[float | None]:
    """How many seconds after its start each target's call ended; None if it gave up."""
    waiting, found = targets, []
    running = 0
    moments: list[tuple] = []

    def start(now: float) -> None:
        nonlocal waiting
        waiting -= 1
        heapq.heappush(moments, (now, dice.random(), now, waits(retry, dice), False))

    for _ in range(min(at_once, targets)):
        start(0)
    while moments:
        now, _, began, left, runs = heapq.heappop(moments)
        if not runs and running < LIMIT:
            running += 1
            heapq.heappush(moments, (now + seconds, dice.random(), began, left, True))
            continue
        if not runs and (wait := next(left, None)) is not None:
            heapq.heappush(moments, (now + wait, dice.random(), began, left, False))
            continue
        running -= runs
        found.append(now - began if runs else None)
        if waiting:
            start(now)
    return found


# Seconds that a call takes: a collector queries CloudWatch or pods, an evaluation takes less than
# one.
@pytest.mark.parametrize(("task", "seconds"), [("CollectMetrics", 10), ("CollectPods", 10), ("EvaluateAlarms", 1)])
def test_hundred_targets_pass_through_ten_functions(task: str, seconds: float) -> None:
    retry = CHILD[task]["Retry"][0]
    for seed in range(20):
        found = ends(retry, targets=100, at_once=40, seconds=seconds, dice=random.Random(seed))
        assert len(found) == 100
        assert all(end is not None and end < EXPRESS_SECONDS for end in found), seed


@pytest.mark.parametrize("then", ["EvaluateAlarms", "CollectLogs"])
@pytest.mark.parametrize("collect", ["CollectMetrics", "CollectPods"])
def test_a_target_gives_up_before_its_express_child_is_ended(collect: str, then: str) -> None:
    """An ended child cannot say why; one that gave up can, after reporting it. In the worst case each call of its path
    is throttled until its last attempt, and the collector works for twenty seconds in between."""
    worst = []
    for seed in range(2_000):
        dice = random.Random(seed)
        path = [collect, then, "KeepFailure"]
        worst.append(20 + sum(sum(waits(CHILD[task]["Retry"][0], dice)) for task in path))
    assert sorted(worst)[1_900] < EXPRESS_SECONDS, "in nineteen of twenty"
    # And they are patient.
    assert sum(worst) / len(worst) > 180


@pytest.mark.parametrize("task", [MACHINE["PlanRun"], MACHINE["ForwardSummary"], SWEEP["EnableInsights"]])
def test_what_may_last_waits_for_minutes(task: dict) -> None:
    # Sweeps occupy functions for two minutes at a time.
    for seed in range(20):
        found = ends(task["Retry"][0], targets=40, at_once=40, seconds=120, dice=random.Random(seed))
        assert None not in found, seed


def test_three_attempts_would_lose_half_of_them() -> None:
    """So this test would fail with the earlier retries."""
    before = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 3, "MaxDelaySeconds": 60}
    found = ends(before, targets=100, at_once=40, seconds=10, dice=random.Random(1))
    assert found.count(None) > 50
