"""Why tasks died, through the deployed stack: recorded events, KeepEvents, and the message. The local AWS runs no tasks, so
the events are what ECS would have sent. The tests run in this order."""

from __future__ import annotations

import datetime
import json
import re

import pytest
import yaml
from local_aws import REGION
from stack import Stack, run_and_mail, task_event, wait_until
from template import ROOT

DEFAULTS = ROOT / "shared/domain/src/config/default.yaml"
MEASURES = {"nothing-running", "deployment-failed", "task-deaths", "crash-looping-tasks", "spot-interruptions", "placement-failures"}
SERVICES = ["image", "memory", "health", "spot", "deploys", "scales"]


@pytest.fixture(scope="module")
def now(stack: Stack) -> datetime.datetime:
    """The time of a run at which the services of a cluster of its own are not new, and only they are judged."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) + datetime.timedelta(minutes=15)
    ecs = stack.aws.client("ecs")
    ecs.create_cluster(clusterName="deaths")
    task = ecs.register_task_definition(
        family="deaths", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[{"name": "web", "image": "web"}],
    )["taskDefinition"]["taskDefinitionArn"]
    for service in SERVICES:
        ecs.create_service(cluster="deaths", serviceName=service, taskDefinition=task, desiredCount=2, launchType="FARGATE")
    for arn in ecs.list_tasks(cluster="deaths", serviceName="image")["taskArns"]:
        ecs.stop_task(cluster="deaths", task=arn)
    rules = [rule for rule in yaml.safe_load(DEFAULTS.read_text())["rules"] if rule["what"] in MEASURES]
    known = {rule["name"] for rule in rules}
    for rule in rules:
        rule["clusters"] = ["deaths"]
        rule["unless"] = [name for name in rule.get("unless", []) if name in known] if isinstance(rule.get("unless"), list) else (
            rule.get("unless", [])
        )
    file = yaml.safe_dump({"built-in-rules": "none", "rules": rules})
    stack.aws.client("s3").put_object(Bucket=stack.outputs["BucketName"], Key="fargaze.yaml", Body=file.encode())
    return now


def keep(stack: Stack, events: list[tuple[str, dict]]) -> None:
    """Sends each event as the rule of this name does."""
    for rule, event in events:
        assert stack.rule_matches(event, rule), (rule, event)
        stack.send(json.dumps(event), "TaskEventsUrl")
    stack.wait_until_queue_is_empty(queue="TaskEventsUrl")


def alarms(now: datetime.datetime, minutes: int = 0) -> dict[str, str]:
    return {"kind": "alarms", "time": f"{now + datetime.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"}


def entries(body: str) -> dict[str, str]:
    """The alarms that began, on one line each, by their service."""
    began = body.split("\n\nChecked ")[0]
    found = re.split(r"(?m)^(?=(?:CRITICAL|WARNING|INFO) )", began)
    entries = {}
    for entry in filter(lambda entry: re.match(r"CRITICAL|WARNING|INFO", entry), found):
        text = " ".join(entry.split())
        name = text.split(" ")[1].rstrip(":")
        assert name not in entries, f"two entries for {name}: {body}"
        entries[name] = text
    return entries


def test_what_is_intended_is_silent(stack, now) -> None:
    def before(minutes: int) -> datetime.datetime:
        return now - datetime.timedelta(minutes=minutes)

    replaced = task_event("task-scaled-in", "deaths/deploys", 2, before(8))
    # By the deployment before the one that began.
    replaced["detail"]["stoppedReason"] = "Scaling activity initiated by (deployment ecs-svc/1111111111111111111)"
    keep(stack, [
        ("SpotTaskWarned", task_event("spot-warning", "deaths/spot", 1, before(9))),
        ("TaskStopped", task_event("spot-interruption", "deaths/spot", 1, before(7))),
        ("DeploymentChanged", task_event("deployment-in-progress", "deaths/deploys", 0, before(9))),
        ("TaskStopped", replaced),
        ("TaskStopped", task_event("task-scaled-in", "deaths/scales", 3, before(8))),
    ])
    # Its service runs nothing, and nobody is to be told yet.
    stack.aws.client("ecs").update_service(cluster="deaths", service="image", desiredCount=0)
    run = stack.run(alarms(now))
    assert run.status == "SUCCEEDED" and run.output["published"] is False, run
    stack.aws.client("ecs").update_service(cluster="deaths", service="image", desiredCount=2)
    for arn in stack.aws.client("ecs").list_tasks(cluster="deaths", serviceName="image")["taskArns"]:
        stack.aws.client("ecs").stop_task(cluster="deaths", task=arn)


def test_three_broken_services_are_three_entries_of_one_mail(stack, mailbox, now) -> None:
    def after(seconds: int) -> datetime.datetime:
        return now + datetime.timedelta(seconds=seconds)

    events = [("TaskStopped", task_event("task-image-not-found", "deaths/image", 10 + n, after(30 * n))) for n in range(5)]
    events += [("TaskStopped", task_event("task-out-of-memory", "deaths/memory", 20, after(60)))]
    events += [("TaskStopped", task_event("task-unhealthy", "deaths/health", 30 + n, after(60 * n))) for n in range(3)]
    keep(stack, [event for event in events for _ in range(2)][::-1])
    _, mail = run_and_mail(stack, mailbox, alarms(now, 5))
    found = entries(mail.body)
    assert set(found) == {"deaths/image", "deaths/memory", "deaths/health"}, mail.body
    image, memory, health = (found[f"deaths/{name}"] for name in ("image", "memory", "health"))
    assert image.startswith("CRITICAL deaths/image: 2 tasks missing No tasks running; 2 desired. 5 tasks died since")
    assert "image not found (PULL_NOTFOUND)." in image and "Reason: CannotPullContainerError" in image
    assert "Part of this, and not notified on their own: tasks-cannot-start." in image
    assert memory.startswith("WARNING deaths/memory: 1 task died")
    for words in ("out of memory (OOM).", "container web, exit code 137", "deployment ecs-svc/7120934857203948571",
                  f"Inspect: aws ecs describe-tasks --region {REGION} --cluster deaths --tasks {20:032x}"):
        assert words in memory, memory
    assert "3 tasks died since" in health and "failed the load balancer's health check (HEALTH_ELB)." in health
    assert "Part of this" not in memory + health
    assert mail.is_sendable


def test_report_lists_them(stack, mailbox, now) -> None:
    _, mail = run_and_mail(stack, mailbox, {**alarms(now, 10), "kind": "report"})
    text = " ".join(mail.body.split())
    assert "STOPPED tasks" in text
    assert "deaths/image: 5 tasks, image not found (PULL_NOTFOUND)" in text
    assert re.search(r"Other tasks that stopped: .*1 replaced by a deployment", text), text


def test_event_that_cannot_be_read_delays_no_other(stack) -> None:
    """The dead-letter queue takes it after five deliveries, which the rules of the template hold."""
    before = stored(stack)
    bad = (ROOT / "events/keep-events.bad-time.bad.json").read_text()
    good = task_event("task-out-of-memory", "deaths/memory", 99, datetime.datetime.now(datetime.timezone.utc))
    for body in (bad, json.dumps(good), bad):
        stack.send(body, "TaskEventsUrl")
    wait_until(lambda: stored(stack) == before + 1, 30, "the good event was not stored")
    counts = stack.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["TaskEventsUrl"], AttributeNames=["ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    assert int(counts["ApproximateNumberOfMessagesNotVisible"]) == 2, "the bad ones wait for their next delivery"


def stored(stack: Stack) -> int:
    """Batches of events in the table."""
    items = stack.aws.client("dynamodb").scan(TableName=stack.outputs["TableName"])["Items"]
    return sum(item["pk"]["S"].startswith("EVENTS#") and "incidents" in item for item in items)
