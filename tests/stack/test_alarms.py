"""An alarm through the deployed state machine, from its beginning to its end, with its item in the table. The tests run
in this order, and each continues from the state that the previous one left.
"""

from __future__ import annotations

import datetime
import json
import re

import pytest
from deployment import ROOT
from local_aws import ACCOUNT, REGION
from stack import Execution, Stack, run_and_mail

PARTITION = f"ALARMS#{ACCOUNT}#{REGION}"
RULE = """
rules:
  - name: jobs-waiting
    what: { namespace: Own/Jobs, metric: Age, dimensions: { Queue: "{cluster}" }, unit: seconds }
    scope: cluster
    clusters: [shop]
    threshold: 300 s
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    remind-every: 5m
    message: Start more workers.
built-in-rules: none
"""
# Minutes from the first run on between which jobs wait for too long.
HOT = range(-9, 7)


@pytest.fixture(scope="module")
def start(stack: Stack) -> datetime.datetime:
    """The time of the first run. The points of the later ones are there already, as CloudWatch allows."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    stack.aws.client("cloudwatch").put_metric_data(Namespace="Own/Jobs", MetricData=[
        {
            "MetricName": "Age",
            "Dimensions": [{"Name": "Queue", "Value": "shop"}],
            "Timestamp": now + datetime.timedelta(minutes=minute),
            "Value": 900 if minute in HOT else 20,
            "Unit": "Seconds",
        }
        for minute in range(-90, 30)
    ])
    put_rules(stack, RULE)
    return now


def test_alarm_is_raised(stack, mailbox, start) -> None:
    _, mail = run_and_mail(stack, mailbox, alarms(start, 0))
    assert mail.subject == f"ALARM shop: Age 15 min in {REGION}"
    assert "3 of the last 3 minutes were over 5 min" in mail.body and "Start more workers." in mail.body
    [item] = items(stack)
    assert item["state"] == "ALARM" and item["since"] == utc(start, HOT.start + 3)


def test_table_holds_what_the_documentation_says(stack) -> None:
    [item] = items(stack)
    documented = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", documentation("What the table holds"), re.MULTILINE)
    assert {name for names in documented for name in re.findall(r"`(\w+)`", names)} == set(item)
    assert (item["pk"], item["sk"]) == (PARTITION, "jobs-waiting#shop")
    assert (item["rule"], json.loads(item["subject"])) == ("jobs-waiting", {"cluster": "shop"})
    memory = json.loads(item["memory"])
    documented = re.search(r"^\| `memory` \| (.*) \|$", documentation("What the table holds"), re.MULTILINE)[1]
    described = {"state", "since", "judged_until", *re.findall(r"`(\w+)`", documented)}
    # Empty sections are omitted.
    assert set(memory) | {"blind", "settled", "outage_seen"} == described
    assert memory["notified"] == "ALARM" and json.loads(item["pending"]) == []
    # Written, and marked as notified.
    assert item["version"] == "2"
    kept = int(item["expires"]) - datetime.datetime.fromisoformat(item["judged_until"]).timestamp()
    assert kept == 400 * 24 * 3600


def test_run_that_finds_nothing_new_writes_and_sends_nothing(stack, mailbox, start) -> None:
    before, mails = items(stack), len(mailbox)
    assert run(stack, start, 2).output["published"] is False
    assert (items(stack), len(mailbox)) == (before, mails)


def test_bad_file_is_reported_first_and_the_last_good_one_stays_in_force(stack, mailbox, start) -> None:
    put_rules(stack, RULE.replace("threshold", "treshold"))
    # The reminder is due, too.
    _, mail = run_and_mail(stack, mailbox, alarms(start, 5))
    problem, rest = mail.body.split("\n\n", 1)
    assert problem.startswith("fargaze.yaml HAS ") and "stays in force" in " ".join(problem.split())
    assert "fargaze.yaml:6: rule `jobs-waiting`: unknown key `treshold`: did you mean `threshold`?" in " ".join(problem.split())
    assert mail.subject.startswith("STILL shop: Age 15 min") and "STILL" in rest
    [item] = items(stack)
    assert json.loads(item["memory"])["notified_at"] == utc(start, 5)


def test_alarm_ends_under_the_last_good_file(stack, mailbox, start) -> None:
    _, mail = run_and_mail(stack, mailbox, alarms(start, 12))
    assert mail.subject == "OK shop: jobs-waiting ended"
    assert mail.body.startswith("fargaze.yaml HAS "), "every mail begins with it"
    [item] = items(stack)
    assert item["state"] == "OK" and item["since"] == utc(start, HOT.stop + 1)
    kept = int(item["expires"]) - datetime.datetime.fromisoformat(item["judged_until"]).timestamp()
    assert kept == 24 * 3600


def test_late_execution_of_an_old_run_reverts_nothing(stack, mailbox, start) -> None:
    before, mails = items(stack), len(mailbox)
    assert run(stack, start, 1).output["published"] is False
    assert (items(stack), len(mailbox)) == (before, mails)


REGIONS = [f"{place}-{number}" for place in ("eu-west", "us-east", "us-west", "ap-southeast", "eu-central") for number in (1, 2)]


def test_many_targets_and_many_mistakes_in_the_file_pass_between_the_states(stack, mailbox, start) -> None:
    """Issue 14, point 1: with ten targets and many invalid rules the execution used to fail."""
    targets = f'targets: [{{account: "{ACCOUNT}", regions: [{", ".join(REGIONS)}], platforms: [ecs]}}]\n'
    put_rules(stack, targets)
    run(stack, start, 14)
    wrong = "".join(f"  - {{name: rule-{n}, what: memory-percent, treshold: 80, evaluation-periods: no}}\n" for n in range(110))
    put_rules(stack, f"{targets}rules:\n{wrong}")
    _, mail = run_and_mail(stack, mailbox, alarms(start, 16))
    assert "rule `rule-0`" in mail.body and "rule `rule-109`" in mail.body
    plans = stack.aws.client("s3").list_objects_v2(Bucket=stack.outputs["BucketName"], Prefix="runs/")["Contents"]
    # The data that no longer travels: once per target it was too long.
    assert max(plan["Size"] for plan in plans) * len(REGIONS) > 262_144


def alarms(start: datetime.datetime, minute: int) -> dict[str, str]:
    return {"kind": "alarms", "time": utc(start, minute)}


def run(stack: Stack, start: datetime.datetime, minute: int) -> Execution:
    execution = stack.run(alarms(start, minute))
    assert execution.status == "SUCCEEDED", f"{execution}\n{stack.aws.tail()}"
    return execution


def utc(start: datetime.datetime, minute: int) -> str:
    return (start + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def put_rules(stack: Stack, text: str) -> None:
    stack.aws.client("s3").put_object(Bucket=stack.outputs["BucketName"], Key="fargaze.yaml", Body=text.lstrip().encode())


def items(stack: Stack) -> list[dict[str, str]]:
    answer = stack.aws.client("dynamodb").query(
        TableName=stack.outputs["TableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": PARTITION}},
        ConsistentRead=True,
    )
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in answer["Items"]]


def documentation(section: str) -> str:
    """A section of docs/delivery.md, without its subsections."""
    text = (ROOT / "docs" / "delivery.md").read_text()
    return re.split(r"\n##+ ", text.split(f"\n## {section}\n", 1)[1], maxsplit=1)[0]
