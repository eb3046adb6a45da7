"""Logs through the deployed state machine: an error burst, rules on it, and the mails of the alarms. The local AWS answers
Logs Insights as far as local_insights.py says. The tests run in this order."""

from __future__ import annotations

import datetime
import re

import pytest
from local_aws import ACCOUNT, REGION
from stack import Stack, run_and_mail

GROUP = "/shop/checkout"
SHARED = "/shop/all"
FILE = """
logs:
  excerpts: lines
  queries:
    - {name: errors, PLACES, library: errors, run-with: [alarms, report]}
rules:
  - name: error-burst
    what: {log-query: errors}
    period: 60
    threshold: 20
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    treat-missing-data: notBreaching
built-in-rules: none
"""
OF_GROUP = FILE.replace("PLACES", f"groups: [{GROUP}]")
OF_SERVICES = FILE.replace("PLACES", "services: [shop/checkout, shop/basket]")
SECRET = "AKIAIOSFODNN7EXAMPLE"
# Seconds before the end of the last minute.
BURST = range(50, 10, -1)
QUIET = [(600, "ERROR one of before"), (540, "GET / 200"), (480, "ERROR another one")]


@pytest.fixture(scope="module")
def end(stack: Stack) -> datetime.datetime:
    """The end of the minute with the burst."""
    end = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    burst = [(second, f"ERROR payment {second} declined with key {SECRET}") for second in BURST]
    for group in (GROUP, SHARED):
        stack.aws.client("logs").create_log_group(logGroupName=group)
    write(stack, GROUP, "web/1", end, [*QUIET, *burst, (5, "all is well")])
    # Two services write to one group, and only one of them fails.
    for service, lines in (("checkout", burst), ("basket", QUIET)):
        runs(stack, service)
        write(stack, SHARED, f"{service}/app/0a1b2c3d4e5f", end, lines)
    return end


def test_burst_is_an_alarm_with_its_count_its_lines_and_a_link(stack, mailbox, end) -> None:
    put_file(stack, OF_GROUP)
    _, mail = run_and_mail(stack, mailbox, alarms(end))
    assert mail.subject == f"ALARM log group {GROUP}: errors 40 in {REGION}"
    assert f"It was 40 at {end - datetime.timedelta(minutes=1):%H:%M} UTC; the rule fires on values over 20." in mail.body
    lines = re.search(r"  Newest lines:\n((?:    .*\n)+)", mail.body)[1].splitlines()
    assert [line.split("UTC ")[1] for line in lines] == [
        f"ERROR payment {second} declined with key [masked]" for second in (13, 12, 11)
    ]
    link = re.search(r"  Logs:\n  (\S+)\n", mail.body)[1]
    assert link.startswith(f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logsV2:logs-insights")
    assert f"source~(~'{GROUP.replace('/', '*2f')})" in link and "filter*20*40message*20like" in link
    sentence, marks = re.search(r"\nLOG QUERIES\n  (errors: [^;]*;[^.]*\.\d kB scanned\.)\n    (\S+)\n", mail.body).groups()
    assert sentence.startswith("errors: 42 events in 1 log group in")
    # The two errors of before, and the burst in the last minutes.
    assert marks.endswith("█") and marks.count("▁") == 2 and set(marks) == set("·▁█")
    assert mail.is_sendable


def test_secret_of_a_line_is_stored_nowhere(stack) -> None:
    stored = contents(stack, "logs/")
    assert {key.split(".")[-2] for key in stored} == {"started", "queries", "alarms"}
    assert any("[masked]" in text for text in stored.values())
    assert not any(SECRET in text for text in [*stored.values(), *log(stack)])


def test_alarm_ends_when_the_burst_is_over(stack, mailbox, end) -> None:
    _, mail = run_and_mail(stack, mailbox, alarms(end, 3))
    assert mail.subject == f"OK log group {GROUP}: error-burst ended"
    # Nothing began, so no lines were looked for.
    assert "ERROR" not in mail.body
    stored = contents(stack, f"logs/{run_id(end, 3)}/")
    assert {key.split(".")[-2] for key in stored} == {"started", "queries"}


def test_report_has_the_result_of_the_query(stack, mailbox, end) -> None:
    # It covers whole five minutes.
    _, mail = run_and_mail(stack, mailbox, {**alarms(end, 5), "kind": "report"})
    text = " ".join(mail.body.split())
    assert "errors: 42 events in 1 log group" in text and f"{GROUP} | 42" in text


def test_services_that_share_a_group_are_told_apart(stack, mailbox, end) -> None:
    """The report has learned which service writes where."""
    put_file(stack, OF_SERVICES)
    _, mail = run_and_mail(stack, mailbox, alarms(end, 4))
    assert mail.subject == f"ALARM shop/checkout: errors 40 in {REGION}"
    began = mail.body.split("\nENDED\n")[0]
    assert re.findall(r"UTC (ERROR .*)", began) == [f"ERROR payment {second} declined with key [masked]" for second in (13, 12, 11)]
    assert "basket" not in mail.body and "errors: 42 events in 1 log group" in mail.body


def test_query_that_cannot_be_started_is_reported_and_stops_nothing(stack, mailbox, end) -> None:
    with stack.denied("CollectLogsRole", "logs:StartQuery"):
        _, mail = run_and_mail(stack, mailbox, alarms(end, 6))
    assert mail.subject == f"CANNOT READ {REGION} ({ACCOUNT}): AccessDeniedException"
    assert "logs:StartQuery of errors" in mail.body and "Checked 5 of 5 clusters with 10 services." in mail.body


def test_collector_of_logs_that_fails_is_no_recovery_and_stops_nothing(stack, mailbox, end) -> None:
    """Neither of its steps leaves a result, so rules on logs cannot be evaluated."""
    with stack.denied("CollectLogsRole", "s3:*"):
        run = stack.run(alarms(end, 7))
    assert run.status == "SUCCEEDED" and run.output["published"] is False, run
    outcomes = contents(stack, f"outcomes/{run_id(end, 7)}/")
    assert any("ReadQueries ended without a result" in outcome for outcome in outcomes.values())
    _, mail = run_and_mail(stack, mailbox, alarms(end, 8))
    assert mail.subject == f"CAN READ {REGION} ({ACCOUNT}) again"


def runs(stack: Stack, service: str) -> None:
    """Creates a service that logs to the shared group."""
    ecs = stack.aws.client("ecs")
    options = {"awslogs-group": SHARED, "awslogs-region": REGION, "awslogs-stream-prefix": service}
    task = ecs.register_task_definition(
        family=service, cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[
            {"name": "app", "image": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}}
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(cluster="shop", serviceName=service, taskDefinition=task, desiredCount=1, launchType="FARGATE")


def write(stack: Stack, group: str, stream: str, end: datetime.datetime, lines: list[tuple[int, str]]) -> None:
    """Writes lines, each so many seconds before the end."""
    logs = stack.aws.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
        {"timestamp": int((end.timestamp() - before) * 1000), "message": line} for before, line in lines
    ])


def alarms(end: datetime.datetime, minutes: int = 0) -> dict[str, str]:
    """A run that evaluates everything until so many minutes after the burst; what is younger than two minutes waits."""
    return {"kind": "alarms", "time": f"{end + datetime.timedelta(minutes=2 + minutes):%Y-%m-%dT%H:%M:%SZ}"}


def run_id(end: datetime.datetime, minutes: int) -> str:
    return f"alarms-{re.sub('[-:]', '', alarms(end, minutes)['time'])}"


def contents(stack: Stack, prefix: str) -> dict[str, str]:
    """The objects under this prefix, by key."""
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode() for item in listed}


def log(stack: Stack) -> list[str]:
    """What the functions have written into their own logs."""
    logs, resources = stack.aws.client("logs"), stack.resources()
    groups = [resources[name] for name in resources if name.endswith("Log")]
    return [
        event["message"] for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group) for event in page["events"]
    ]


def put_file(stack: Stack, text: str) -> None:
    stack.aws.client("s3").put_object(Bucket=stack.outputs["BucketName"], Key="fargaze.yaml", Body=text.lstrip().encode())
