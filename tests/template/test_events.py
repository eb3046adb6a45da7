"""events/: each file's name states its result, and the rule of template.yaml agrees."""

from __future__ import annotations

import json
import re

import pytest
from patterns import matches
from template import ROOT, Template, function_folders

NAME = re.compile(r"(?P<function>[a-z-]+)\.(?P<case>[a-z0-9-]+)\.(?P<outcome>ok|ignored|bad)\.json")
FILES = sorted((ROOT / "events").glob("*.json"))
TEMPLATE = Template.of_project()
PATTERN = TEMPLATE.properties("ClusterChanged")["EventPattern"]


def events_of_rule(outcome: str) -> list:
    """EventBridge events that the rule would deliver: enable-insights also gets other inputs, from a sweep."""
    files = []
    for path in FILES:
        name = NAME.fullmatch(path.name)
        if name and name["function"] == "enable-insights" and name["outcome"] == outcome:
            if "detail-type" in json.loads(path.read_text()):
                files.append(pytest.param(path, id=path.name))
    return files


def test_there_are_events_for_what_is_called_from_outside() -> None:
    # The others receive the output of an earlier function.
    named = {NAME.fullmatch(path.name)["function"] for path in FILES}
    assert {"enable-insights", "plan-run"} <= named <= set(function_folders())


@pytest.mark.parametrize("path", [path for path in (ROOT / "events").iterdir()], ids=lambda path: path.name)
def test_file_name_states_the_result(path) -> None:
    assert NAME.fullmatch(path.name), "<function>.<case>.<ok|ignored|bad>.json"


@pytest.mark.parametrize("path", events_of_rule("ok"))
def test_rule_takes_what_is_acted_on(path) -> None:
    assert matches(PATTERN, json.loads(path.read_text()))


@pytest.mark.parametrize("path", events_of_rule("ignored"))
def test_rule_leaves_what_is_ignored(path) -> None:
    assert not matches(PATTERN, json.loads(path.read_text()))


KEPT = [path for path in FILES if path.name.startswith("keep-events.")]
RULES_OF_KEPT = ["TaskStopped", "SpotTaskWarned", "DeploymentChanged", "ServiceTroubled", "TasksRetired", "PodRetired"]


def rules_that_take(event: dict) -> list[str]:
    patterns = {name: TEMPLATE.properties(name)["EventPattern"] for name in RULES_OF_KEPT}
    return [name for name, pattern in patterns.items() if matches(pattern, event)]


@pytest.mark.parametrize("path", [path for path in KEPT if path.name.endswith(".ok.json")], ids=lambda path: path.name)
def test_one_rule_takes_what_is_kept(path) -> None:
    # Two rules for one event would deliver it twice.
    assert len(rules_that_take(json.loads(path.read_text()))) == 1


def test_rules_leave_what_is_not_kept() -> None:
    ignored = [path for path in KEPT if path.name.endswith(".ignored.json") and "old-arn" not in path.name]
    assert len(ignored) >= 2
    for path in ignored:
        assert rules_that_take(json.loads(path.read_text())) == [], path.name


def test_every_rule_takes_some_event() -> None:
    taken = {rule for path in KEPT for rule in rules_that_take(json.loads(path.read_text()))}
    assert taken == set(RULES_OF_KEPT)


def test_there_are_accepted_and_ignored_events() -> None:
    assert events_of_rule("ok") and events_of_rule("ignored")


@pytest.mark.parametrize("path", events_of_rule("ok"))
def test_record_agrees_with_its_envelope(path) -> None:
    event = json.loads(path.read_text())
    record = event["detail"]
    assert (record["awsRegion"], record["recipientAccountId"]) == (event["region"], event["account"])
    assert record["userIdentity"]["accountId"] == event["account"]
    assert record["eventTime"] <= event["time"]
    cluster = record["responseElements"].get("cluster", {})
    service = event["source"].removeprefix("aws.")
    # EKS names it differently, and an older form of its record only has the name.
    arn = cluster.get("clusterArn") or cluster.get("arn")
    if arn:
        assert arn.startswith(f"arn:aws:{service}:{event['region']}:{event['account']}:cluster/")


def test_own_change_is_known_by_the_role_and_by_nothing_else() -> None:
    issuer = {}
    for whose in ("own", "off"):
        event = json.loads((ROOT / "events" / f"enable-insights.update-cluster-settings-{whose}.ok.json").read_text())
        assert event["detail"]["eventName"] == "UpdateClusterSettings"
        issuer[whose] = event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"]
    # As CloudFormation names a role without a name in the template.
    named = re.compile(rf"arn:aws:iam::\d{{12}}:role/fargaze-{TEMPLATE.role_of('EnableInsights')}-[0-9A-Z]+")
    assert named.fullmatch(issuer["own"]) and not named.fullmatch(issuer["off"])


def test_matcher_knows_what_it_does_not_know() -> None:
    with pytest.raises(NotImplementedError):
        matches({"source": [{"prefix": "aws."}]}, {"source": "aws.ecs"})
    assert not matches({"detail": {"errorCode": [{"exists": True}]}}, {"detail": {}})
    assert matches({"resources": ["a"]}, {"resources": ["b", "a"]})
