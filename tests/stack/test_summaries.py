"""The results of a digest and of a report: each protocol in its form, the subscriptions, and the report's objects. The
tests run in this order.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import estate
import jsonschema
import pytest
from deployment import ROOT
from mailbox import Mailbox
from stack import Stack, wait_until

sys.path.append(str(Path(__file__).resolve().parents[1] / "screenshots"))
import shoot  # noqa: E402

PARTS = {"kind", "run", "severity", "account", "region", "cluster"}


@pytest.fixture(scope="module")
def queue(stack: Stack) -> str:
    """A queue that is subscribed to the topic."""
    sqs = stack.aws.client("sqs")
    url = sqs.create_queue(QueueName="notices")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": stack.outputs["TopicArn"]}},
        }],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    stack.aws.client("sns").subscribe(TopicArn=stack.outputs["TopicArn"], Protocol="sqs", Endpoint=arn)
    return url


def test_topic_without_subscription_is_logged(stack) -> None:
    run = stack.run({"kind": "alarms"})
    assert run.status == "SUCCEEDED" and run.output["listeners"] == 0, run
    [heartbeat] = heartbeats(stack)
    assert heartbeat["ConfirmedSubscriptions"] == 0 and heartbeat["Heartbeat"] == 1
    assert any("no confirmed subscription" in line for line in log(stack))


def test_heartbeat_passes_the_filter_of_a_log_level(stack) -> None:
    """Issue 14, point 3: the field by which Lambda filters is in the line, and is as high as the function's level."""
    # As Lambda sets it for LogLevel ERROR; the local AWS sets nothing and filters nothing.
    stack.put_environment("ForwardSummary", AWS_LAMBDA_LOG_LEVEL="ERROR")
    try:
        assert stack.run({"kind": "alarms"}).status == "SUCCEEDED"
        assert stack.run({"kind": "sweep"}).status == "SUCCEEDED"
    finally:
        stack.put_environment("ForwardSummary", AWS_LAMBDA_LOG_LEVEL="INFO")
    first, alarms, sweep = heartbeats(stack)
    assert [first["level"], alarms["level"], sweep["level"]] == ["INFO", "ERROR", "ERROR"]
    assert all(datetime.datetime.fromisoformat(heartbeat["timestamp"]) for heartbeat in (first, alarms, sweep))
    assert "Heartbeat" in alarms and "Heartbeat" not in sweep


def test_alarms_watch_the_metrics_that_are_sent(stack) -> None:
    heartbeat, *_ = heartbeats(stack)
    [sent] = heartbeat["_aws"]["CloudWatchMetrics"]
    assert sent["Dimensions"] == [["Stack"]]
    metrics = {metric["Name"] for metric in sent["Metrics"]}
    alarms = stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    own = [alarm for alarm in alarms if alarm["Namespace"] == sent["Namespace"]]
    assert {alarm["MetricName"] for alarm in own} == metrics == {"Heartbeat", "ConfirmedSubscriptions"}
    assert all(alarm["Dimensions"] == [{"Name": "Stack", "Value": heartbeat["Stack"]}] for alarm in own)
    of_runs = {alarm["MetricName"]: alarm["Dimensions"] for alarm in alarms if alarm["Namespace"] == "AWS/States"}
    assert of_runs == dict.fromkeys(
        ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"),
        [{"Name": "StateMachineArn", "Value": stack.outputs["RunArn"]}],
    )
    assert all(alarm["AlarmActions"] == [stack.outputs["TopicArn"]] for alarm in alarms)


def test_digest_comes_once_as_text_and_once_as_json(stack, queue) -> None:
    with Mailbox(stack.aws, stack.outputs["TopicArn"]) as mailbox:
        # Later than the first run, when the services are no longer new.
        run = stack.run({"kind": "alarms", "time": estate.later()})
        assert run.status == "SUCCEEDED" and run.output["listeners"] == 2, run
        [mail] = mailbox.wait_for(1)
        [notice] = received(stack, queue)
        quiet = stack.run({"kind": "alarms", "time": estate.later()})
        assert quiet.output["published"] is False, quiet
        report = stack.run({"kind": "report", "time": estate.later()})
        assert report.status == "SUCCEEDED" and report.output["published"] is True, report
        [_, report_mail] = mailbox.wait_for(2)
        [report_notice] = received(stack, queue)
        assert len(mailbox) == 2
    assert mail.is_sendable and report_mail.is_sendable
    with pytest.raises(json.JSONDecodeError):
        json.loads(mail.body)
    digest = json.loads(notice["Message"])
    assert digest["kind"] == "alarms" and digest["subject"] == notice["Subject"] == mail.subject
    assert estate.SILENT in {alarm.get("service") for alarm in digest["alarms"]}
    assert json.loads(report_notice["Message"])["kind"] == "report"
    assert PARTS <= set(notice["MessageAttributes"])
    assert json.loads(notice["MessageAttributes"]["cluster"]["Value"])


def test_report_is_kept_as_a_page_and_as_data_that_its_schema_describes(stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    keys = sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="reports/dt=")["Contents"])
    page, data = next(key for key in keys if key.endswith(".html")), next(key for key in keys if key.endswith(".json"))
    html = s3.get_object(Bucket=bucket, Key=page)
    assert html["ContentType"] == "text/html; charset=utf-8"
    text = html["Body"].read().decode()
    assert estate.HOT in text and "<script" not in text
    report = json.loads(s3.get_object(Bucket=bucket, Key=data)["Body"].read())
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    assert {cluster["cluster"] for cluster in report["clusters"]} == {cluster.name for cluster in estate.ESTATE}


@pytest.mark.skipif(shoot.find_chromium() is None, reason="Chromium is not installed (Debian: apt-get install chromium)")
def test_report_page_opens_in_a_browser_and_makes_no_requests(stack, tmp_path) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    [page] = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="reports/dt=")["Contents"]
              if item["Key"].endswith(".html")]
    (tmp_path / "report.html").write_bytes(s3.get_object(Bucket=bucket, Key=page)["Body"].read())
    with shoot.served(tmp_path) as port:
        # Fails if the page requested anything but itself.
        shoot.shoot(shoot.chromium(), port, "report", 1280, 1600, "light", tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 20_000


def received(stack: Stack, queue: str) -> list[dict]:
    """Everything in the queue, once there is something."""
    sqs = stack.aws.client("sqs")

    def messages() -> list[dict]:
        return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])

    found = wait_until(messages, 30, "nothing came into the queue")
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def log(stack: Stack) -> list[str]:
    logs, group = stack.aws.client("logs"), stack.resources()["ForwardSummaryLog"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [line for page in pages for event in page["events"] for line in event["message"].splitlines()]


def heartbeats(stack: Stack) -> list[dict]:
    """The log lines from which CloudWatch would extract metrics."""
    lines = [line for line in log(stack) if '"_aws"' in line]
    return [json.loads(line) for line in lines]
