"""Container Insights according to the policies of fargaze.yaml: the real functions on a local AWS that enforces IAM.
The tests run in this order, and each continues from the state that the previous one left.
"""

from __future__ import annotations

import datetime
import json

import estate
import pytest
from local_aws import ACCOUNT, REGION
from mailbox import Mail
from stack import Stack, recorded_event, run_and_mail

CREATED = "enable-insights.create-cluster.ok.json"
TURNED_OFF = "enable-insights.update-cluster-settings-off.ok.json"
OWN = "enable-insights.update-cluster-settings-own.ok.json"
# Who turned it off in that event.
SOMEBODY = "terraform"
BATCH = "AWSBatch-nightly-5c1e"

DRY_RUN = """
limits:
  dry-run: true
  existing: change
  max-percent: 100
"""
CHANGE = """
limits:
  existing: change
  max-percent: 100
"""
WITH_ACCOUNT_DEFAULT = CHANGE + "policies:\n  - account-default: at-least-enabled\n"
ONE_AT_A_TIME = CHANGE + "  max-changes: 1\n"
ANY_NUMBER = CHANGE + "  max-changes: 1000\n"
SHOP_ENHANCED = CHANGE + """
policies:
  - match: {clusters: [shop]}
    container-insights: at-least-enhanced
"""


@pytest.fixture(scope="module", autouse=True)
def clusters(stack: Stack) -> None:
    """Beside the estate's: one that is off, and one that is off and shall be left alone."""
    create(stack, "forgotten")
    create(stack, "by-hand", tags=[{"key": "fargaze", "value": "hands-off"}])
    # As on AWS until someone sets it; the local AWS has it enabled.
    set_account_default(stack, "disabled")


def test_dry_run_reports_what_it_would_do_and_cost_and_does_nothing(stack, mailbox) -> None:
    configure(stack, DRY_RUN)
    before = estate.insights(stack.aws)
    _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert mail.is_sendable
    assert says(mail, "dry", "shop", "forgotten", "$")
    assert estate.insights(stack.aws) == before
    assert change_log(stack) == []


def test_sweep_raises_what_is_off_and_touches_nothing_else(stack, mailbox) -> None:
    configure(stack, CHANGE)
    before = estate.insights(stack.aws)
    _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert mail.is_sendable
    assert says(mail, "shop", "forgotten", "$")
    assert estate.insights(stack.aws) == {**before, "shop": "enabled", "forgotten": "enabled"}
    assert before["search"] == "enhanced" and before[BATCH] == before["by-hand"] == "disabled"
    changes = change_log(stack)
    assert {(change["subject"], change["from"], change["to"], change["state"]) for change in changes} == {
        ("forgotten", "disabled", "enabled", "done"),
        ("shop", "disabled", "enabled", "done"),
    }
    assert all(change["reason"] and change["request_id"] and change["policy"] for change in changes)


def test_sweep_of_what_complies_changes_nothing(stack) -> None:
    before, changes = estate.insights(stack.aws), change_log(stack)
    assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    assert estate.insights(stack.aws) == before
    assert change_log(stack) == changes


def test_account_default_is_raised_and_notified(stack, mailbox) -> None:
    configure(stack, WITH_ACCOUNT_DEFAULT)
    _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert says(mail, "account default")
    assert account_default(stack) == "enabled"
    [change] = [change for change in change_log(stack) if change["subject"] == "account"]
    assert (change["from"], change["to"], change["state"]) == ("disabled", "enabled", "done")


def test_rollback_since_later_undoes_nothing(stack) -> None:
    before = estate.insights(stack.aws)
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    run = stack.run({"kind": "rollback", "since": later.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert run.status == "SUCCEEDED", run
    assert estate.insights(stack.aws) == before and account_default(stack) == "enabled"


def test_rollback_undoes_what_is_unchanged_since(stack, mailbox) -> None:
    set_insights(stack, "forgotten", "enhanced")
    before = estate.insights(stack.aws)
    _, mail = run_and_mail(stack, mailbox, {"kind": "rollback"})
    assert mail.is_sendable
    assert says(mail, "shop", "forgotten")
    assert estate.insights(stack.aws) == {**before, "shop": "disabled"}
    assert before["shop"] == "enabled" and before["forgotten"] == "enhanced"
    assert account_default(stack) == "disabled"
    assert {change["subject"]: change["state"] for change in change_log(stack)} == {
        "account": "rolled-back",
        "forgotten": "done",
        "shop": "rolled-back",
    }


def test_what_was_rolled_back_stays_so_until_the_policy_changes(stack) -> None:
    configure(stack, CHANGE)
    assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    assert estate.insights(stack.aws)["shop"] == "disabled"
    configure(stack, SHOP_ENHANCED)
    assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    assert estate.insights(stack.aws)["shop"] == "enhanced"


def test_one_run_changes_no_more_than_it_may(stack, mailbox) -> None:
    configure(stack, ONE_AT_A_TIME)
    new = [create(stack, f"new-{number}") for number in range(3)]
    _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    levels = estate.insights(stack.aws)
    assert sorted(levels[name] for name in new) == ["disabled", "disabled", "enabled"]
    assert says(mail, *new)
    # They are new, and no event reported them.
    assert says(mail, "cloudtrail")
    configure(stack, CHANGE)
    assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    levels = estate.insights(stack.aws)
    assert [levels[name] for name in new] == ["enabled"] * 3


def test_own_change_is_not_answered_and_that_of_others_is(stack) -> None:
    create(stack, "quiet")
    changes = change_log(stack)
    own = json.dumps(recorded_event(OWN, "quiet"))
    issuer = recorded_event(OWN)["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"]
    deliver(stack, own.replace(issuer, role_arn(stack, "EnableInsightsRole")))
    assert estate.insights(stack.aws)["quiet"] == "disabled"
    assert change_log(stack) == changes
    deliver(stack, json.dumps(recorded_event(TURNED_OFF, "quiet")))
    assert estate.insights(stack.aws)["quiet"] == "enabled"


def test_what_is_turned_off_twice_is_left_and_notified(stack, mailbox) -> None:
    create(stack, "contested")
    deliver(stack, json.dumps(recorded_event(CREATED, "contested")))
    assert estate.insights(stack.aws)["contested"] == "enabled"
    off = [json.dumps(recorded_event(TURNED_OFF, "contested", occasion)) for occasion in ("first", "second")]
    set_insights(stack, "contested", "disabled")
    # EventBridge may deliver an event more than once.
    deliver(stack, off[0], off[0])
    assert estate.insights(stack.aws)["contested"] == "enabled"
    set_insights(stack, "contested", "disabled")
    deliver(stack, off[1])
    assert estate.insights(stack.aws)["contested"] == "disabled"
    _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert estate.insights(stack.aws)["contested"] == "disabled"
    assert says(mail, "contested", SOMEBODY)
    assert len([change for change in change_log(stack) if change["subject"] == "contested"]) == 2


def test_change_that_is_refused_is_notified_and_made_later(stack, mailbox) -> None:
    create(stack, "locked")
    with stack.denied("EnableInsightsRole", "ecs:UpdateClusterSettings"):
        _, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert estate.insights(stack.aws)["locked"] == "disabled"
    assert says(mail, "locked", "denied")
    assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    assert estate.insights(stack.aws)["locked"] == "enabled"
    changes = [change for change in change_log(stack) if change["subject"] == "locked"]
    assert [change["state"] for change in changes if change["state"] != "abandoned"] == ["done"]


def test_sweep_that_needs_longer_than_the_function_continues(stack, mailbox) -> None:
    """More changes than the function has seconds for, at one a second after the first 20."""
    configure(stack, ANY_NUMBER)
    many = [create(stack, f"many-{number:02}") for number in range(32)]
    functions, name = stack.aws.client("lambda"), stack.physical_id("EnableInsights")
    seconds = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=8)
    try:
        run, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=seconds)
    assert not any("failure" in end for end in ends(stack, run)), stack.aws.tail()
    assert calls_of_children(stack, run) > 1
    levels = estate.insights(stack.aws)
    assert {cluster: levels[cluster] for cluster in many} == dict.fromkeys(many, "enabled")
    assert sorted(change["subject"] for change in change_log(stack) if change["subject"] in many) == many
    assert says(mail, many[0])


def test_no_change_is_left_half_written(stack) -> None:
    assert {change["state"] for change in change_log(stack)} <= {"done", "rolled-back", "abandoned"}


def test_wrong_file_is_notified_with_its_line_and_changes_nothing(stack, mailbox) -> None:
    before = estate.insights(stack.aws)
    configure(stack, "limits:\n  existing: perhaps\n")
    run, mail = run_and_mail(stack, mailbox, {"kind": "sweep"})
    assert run.status == "SUCCEEDED", run
    assert mail.body.startswith("fargaze.yaml HAS 1 problem; the last good version")
    assert says(mail, "fargaze.yaml:2")
    assert estate.insights(stack.aws) == before


def configure(stack: Stack, text: str) -> None:
    """Makes this the user's file."""
    stack.aws.client("s3").put_object(
        Bucket=stack.outputs["BucketName"], Key="fargaze.yaml", Body=text.lstrip().encode()
    )


def create(stack: Stack, name: str, **more) -> str:
    """A cluster without Container Insights, and without an event."""
    settings = [{"name": "containerInsights", "value": "disabled"}]
    stack.aws.client("ecs").create_cluster(clusterName=name, settings=settings, **more)
    return name


def set_insights(stack: Stack, cluster: str, level: str) -> None:
    """As someone in the account does."""
    settings = [{"name": "containerInsights", "value": level}]
    stack.aws.client("ecs").update_cluster_settings(cluster=cluster, settings=settings)


def set_account_default(stack: Stack, level: str) -> None:
    stack.aws.client("ecs").put_account_setting_default(name="containerInsights", value=level)


def account_default(stack: Stack) -> str:
    [setting] = stack.aws.client("ecs").list_account_settings(name="containerInsights", effectiveSettings=True)["settings"]
    return setting["value"]


def role_arn(stack: Stack, role: str) -> str:
    return stack.aws.client("iam").get_role(RoleName=stack.physical_id(role))["Role"]["Arn"]


def deliver(stack: Stack, *events: str) -> None:
    """Sends events to the queue and waits until they are processed."""
    for event in events:
        stack.send(event)
    stack.wait_until_queue_is_empty()


def change_log(stack: Stack) -> list[dict[str, str]]:
    """The recorded changes, in the order of their keys, each with its fields as text."""
    pages = stack.aws.client("dynamodb").get_paginator("query").paginate(
        TableName=stack.outputs["TableName"],
        KeyConditionExpression="pk = :target",
        ExpressionAttributeValues={":target": {"S": f"CHANGES#{ACCOUNT}#{REGION}"}},
    )
    items = [
        {name: next(iter(value.values())) for name, value in item.items()} for page in pages for item in page["Items"]
    ]
    # The other items say who reverted a change.
    return [{**item, **json.loads(item["change"])} | words(item) for item in items if "change" in item]


def words(item: dict[str, str]) -> dict[str, str]:
    """The part of the table for people: in the change itself it is JSON."""
    return {name: item[name] for name in ("subject", "from", "to", "state")}


def says(mail: Mail, *words: str) -> bool:
    """Whether the mail contains all the words; if not, the failed assertion shows the mail."""
    text = " ".join(f"{mail.subject}\n{mail.body}".lower().split())
    missing = [word for word in words if word.lower() not in text]
    assert not missing, f"not in the mail: {missing}\n{mail.subject}\n{mail.body}"
    return True


def children(stack: Stack, run) -> list[str]:
    """The executions that the run's map started."""
    step_functions = stack.aws.client("stepfunctions")
    [map_run] = step_functions.list_map_runs(executionArn=run.arn)["mapRuns"]
    return [child["executionArn"] for child in step_functions.list_executions(mapRunArn=map_run["mapRunArn"])["executions"]]


def ends(stack: Stack, run) -> list[dict]:
    """The end of each target of the run."""
    step_functions = stack.aws.client("stepfunctions")
    return [json.loads(step_functions.describe_execution(executionArn=child)["output"]) for child in children(stack, run)]


def calls_of_children(stack: Stack, run) -> int:
    """How often the run's children called a function."""
    step_functions = stack.aws.client("stepfunctions")
    histories = [step_functions.get_execution_history(executionArn=child)["events"] for child in children(stack, run)]
    return sum(event["type"] == "TaskScheduled" for history in histories for event in history)
