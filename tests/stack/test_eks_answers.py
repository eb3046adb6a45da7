"""An EKS cluster that answers (eks.py), through the deployed stack: from an event to the setup, from a schedule to mail
and report, compared with kubectl. The tests run in this order, and each continues from the state that the previous
one left.

The estate of fake-kubernetes has healthy pods, and three unhealthy ones in the namespace `odd`: `crashes` and `killed`
ran out of memory seven minutes before the server was started, and `waits` has been pending since a minute before that.
"""

from __future__ import annotations

import datetime
import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import eks
import jsonschema
import pytest
from deployment import ROOT
from fake_kubernetes import FakeKubernetes
from kubectl import Kubectl, rows
from local_aws import ACCOUNT, REGION
from mailbox import Mail, Mailbox
from stack import Stack, recorded_event, run_and_mail

CLUSTER = "platform"
CREATED = "enable-insights.eks-create-cluster.ok.json"
# In addition to the three, and metrics-server.
WELL = 20
METRICS_SERVER = "kube-system/metrics-server-6c8b54d8b7-x2k4p"
LOGGING = """
policies:
  - aws-logging:
      output.conf: |
        [OUTPUT]
            Name cloudwatch_logs
            Match *
            region eu-west-1
            log_group_name /eks/platform
"""


@pytest.fixture(scope="module")
def kubernetes(stack: Stack) -> Iterator[FakeKubernetes]:
    with eks.answering(stack, CLUSTER, "--pods", str(WELL)) as kubernetes:
        yield kubernetes


@pytest.fixture(scope="module")
def killed_at(kubernetes: FakeKubernetes) -> datetime.datetime:
    """When the containers of `crashes` and `killed` ended."""
    pod = json.loads(kubernetes.get("/api/v1/namespaces/odd/pods/killed"))
    ended = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"]
    return datetime.datetime.fromisoformat(ended)


def test_new_cluster_gets_metrics_server(stack: Stack, kubernetes: FakeKubernetes) -> None:
    event = recorded_event(CREATED, CLUSTER)
    assert stack.rule_matches(event)
    deliver(stack, event)
    assert stack.aws.client("eks").list_addons(clusterName=CLUSTER)["addons"] == ["metrics-server"]
    assert set(change_log(stack)) == {"platform/metrics-server"}


def test_logging_is_set_up_by_a_policy(stack: Stack, kubernetes: FakeKubernetes) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    s3.put_object(Bucket=bucket, Key="fargaze.yaml", Body=LOGGING.lstrip().encode())
    try:
        deliver(stack, recorded_event(CREATED, CLUSTER, "with a policy"))
    finally:
        s3.delete_object(Bucket=bucket, Key="fargaze.yaml")
    written = json.loads(kubernetes.get("/api/v1/namespaces/aws-observability/configmaps/aws-logging"))
    assert "log_group_name /eks/platform" in written["data"]["output.conf"]
    namespace = json.loads(kubernetes.get("/api/v1/namespaces/aws-observability"))
    assert namespace["metadata"]["labels"]["aws-observability"] == "enabled"
    assert change_log(stack)["platform/aws-logging"] == "done"


def test_killed_containers_are_notified(stack, mailbox, killed_at) -> None:
    # In the five minutes before the first sample.
    mail = alarms(stack, mailbox, killed_at, 3)
    at = killed_at.strftime("%H:%M UTC")
    assert says(mail, "platform odd/pod/killed: 1 container out of memory", f"OOMKilled (exit code 137) at {at}")
    assert says(mail, "platform odd/pod/crashes: 1 container out of memory")
    assert not says(mail, "crash-looping"), "one sample is no loop"


def test_crash_loop_is_notified_with_the_second_sample(stack, mailbox, killed_at) -> None:
    mail = alarms(stack, mailbox, killed_at, 8)
    assert says(mail, "CRITICAL platform odd/pod/crashes: 1 pod crash-looping")
    assert says(mail, "waits: CrashLoopBackOff, last ended with OOMKilled (exit code 137)")
    assert not says(mail, "odd/pod/waits"), "it waits for less than ten minutes"


def test_pending_pod_is_notified_after_ten_minutes(stack, mailbox, killed_at) -> None:
    mail = alarms(stack, mailbox, killed_at, 13)
    assert says(mail, "CRITICAL platform odd/pod/waits: pending for 14.2 min")
    assert says(mail, "Unschedulable (Pod provisioning timed out (will retry))")


def test_alarm_that_stays_active_is_notified_once(stack, mailbox, killed_at) -> None:
    before = len(mailbox)
    run = stack.run({"kind": "alarms", "time": utc(killed_at, 18)})
    assert run.status == "SUCCEEDED", run
    # The ECS services are no longer new by then and have notifications of their own.
    mails = mailbox.wait_for(before + run.output["published"])[before:]
    assert not any(says(mail, "odd/pod/") for mail in mails), mails


@pytest.fixture(scope="module")
def report(stack: Stack, mailbox: Mailbox, killed_at: datetime.datetime) -> dict:
    _, mail = run_and_mail(stack, mailbox, {"kind": "report", "time": utc(killed_at, 20)})
    assert says(mail, f"8 with {WELL + 4} pods", "1 pod crash-looping", "1 pod pending")
    assert says(mail, "platform: ACTIVE, Kubernetes 1.33", "Metrics API answers (v1beta1)")
    report = json.loads(read(stack, "reports/latest.json"))
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    [cluster] = report["eks"]
    return cluster


def test_report_has_the_cluster_and_its_pods(report: dict) -> None:
    assert (report["cluster"], report["status"], report["fargate_nodes"]) == (CLUSTER, "ACTIVE", WELL + 3)
    assert [addon["name"] for addon in report["addons"]] == ["metrics-server"]
    assert [profile["name"] for profile in report["profiles"]] == [eks.PROFILE]
    assert not report.get("unread") and not report.get("findings"), report
    worst = {pod["pod"]: pod for pod in report["pods"][:3]}
    assert worst["crashes"]["restarts"] == 12 and worst["crashes"]["waiting"] == ["app: CrashLoopBackOff"]
    assert worst["killed"]["last_end"]["reason"] == "OOMKilled" and worst["killed"]["restarts"] == 3
    assert worst["waits"]["phase"] == "Pending" and worst["waits"]["pending"]["reason"] == "Unschedulable"


def test_report_shows_what_kubectl_shows(stack: Stack, kubernetes: FakeKubernetes, report: dict, tmp_path: Path) -> None:
    kubectl = Kubectl(kubernetes, tmp_path)
    ours = {row[0]: row for row in pods_of_page(stack)}
    listed = [f"{row[0]}/{row[1]}" for row in rows(kubectl("get", "pods", "-A"))]
    assert sorted(ours) == sorted(listed) and len(listed) == len(report["pods"]) + report["pods_left_out"]

    top = {f"{row[0]}/{row[1]}": (row[2], row[3]) for row in rows(kubectl("top", "pods", "-A"))}
    assert len(top) == WELL + 1
    shown = {pod: (row[3], row[6]) for pod, row in ours.items()}
    assert {pod: words for pod, words in shown.items() if words[0].endswith("m")} == top
    assert {pod: words[0] for pod, words in shown.items() if pod not in top} == {
        METRICS_SERVER: "no data yet", "odd/crashes": "no data yet", "odd/waits": "not running",
    }

    # Requests and limits with their percents, of CPU and then of memory, for each pod with a node.
    described = dict(pods_of_nodes(kubectl("describe", "nodes")))
    assert {pod: (row[4], row[5], row[7], row[8]) for pod, row in ours.items() if pod != "odd/waits"} == described

    columns = "custom-columns=NS:.metadata.namespace,N:.metadata.name,P:.status.phase,R:.status.containerStatuses[*].restartCount"
    listed = {}
    for namespace, name, phase, restarts in rows(kubectl("get", "pods", "-A", "-o", columns)):
        listed[f"{namespace}/{name}"] = (phase, sum(int(count) for count in restarts.split(",") if count != "<none>"))
    assert {f"{pod['namespace']}/{pod['pod']}": (pod["phase"], pod["restarts"]) for pod in report["pods"]} == listed
    assert {pod: int(row[2]) for pod, row in ours.items()} == {pod: restarts for pod, (_, restarts) in listed.items()}


def test_permissions_of_the_function_apply_behind_the_stand_in(stack, mailbox, killed_at, report) -> None:
    with stack.denied("CollectPodsRole", "eks:DescribeCluster"):
        # Over an hour after the clusters were listed.
        _, mail = run_and_mail(stack, mailbox, {"kind": "report", "time": utc(killed_at, 90)})
    assert says(mail, "eks:DescribeCluster", "AccessDeniedException"), mail.body


def test_no_token_is_kept(stack: Stack, kubernetes: FakeKubernetes, report: dict) -> None:
    bucket = stack.outputs["BucketName"]
    pages = stack.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    kept = {item["Key"]: read(stack, item["Key"]) for page in pages for item in page["Contents"]}
    assert sum(b"crashes" in content for content in kept.values()) > 5, sorted(kept)
    kept["log"] = stack.aws.log.read_bytes()
    # The beginning of a token, of the URL in it, and of its signature.
    for secret in (b"k8s-aws-v1.", b"aHR0cHM6Ly9zdHMu", b"X-Amz-Signature", kubernetes.token.encode()):
        assert [key for key, content in kept.items() if secret in content] == [], secret


def test_no_token_is_logged_at_trace(stack: Stack, kubernetes: FakeKubernetes, killed_at, report: dict) -> None:
    """Issue 14, point 3: TRACE of the signing crates contained the token, part by part."""
    # As Lambda sets it for LogLevel TRACE; the local AWS does not.
    stack.put_environment("CollectPods", AWS_LAMBDA_LOG_LEVEL="TRACE", AWS_LAMBDA_LOG_FORMAT="JSON")
    before = len(log(stack))
    assert stack.run({"kind": "alarms", "time": utc(killed_at, 95)}).status == "SUCCEEDED"
    lines = log(stack)[before:]
    assert any('"level":"DEBUG"' in line for line in lines), lines
    for secret in ("k8s-aws-v1.", "aHR0cHM6Ly9zdHMu", "X-Amz-Signature", "X-Amz-Credential", kubernetes.token):
        assert [line for line in lines if secret.lower() in line.lower()] == [], secret


def log(stack: Stack) -> list[str]:
    pages = stack.aws.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName=stack.resources()["CollectPodsLog"]
    )
    return [line for page in pages for event in page["events"] for line in event["message"].splitlines()]


def deliver(stack: Stack, event: dict) -> None:
    """Sends the event to the queue and waits until it is processed. Messages that the function delays for itself stay longer."""
    stack.send(json.dumps(event))
    stack.wait_until_queue_is_empty()


def change_log(stack: Stack) -> dict[str, str]:
    """Changed clusters and aspects -> state of the change."""
    answer = stack.aws.client("dynamodb").query(
        TableName=stack.outputs["TableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"CHANGES#{ACCOUNT}#{REGION}#EKS"}},
        ConsistentRead=True,
    )
    return {f'{item["subject"]["S"]}/{item["aspect"]["S"]}': item["state"]["S"] for item in answer["Items"]}


def alarms(stack: Stack, mailbox: Mailbox, killed_at: datetime.datetime, minute: int) -> Mail:
    return run_and_mail(stack, mailbox, {"kind": "alarms", "time": utc(killed_at, minute)})[1]


def utc(killed_at: datetime.datetime, minute: int) -> str:
    return (killed_at + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def says(mail: Mail, *words: str) -> bool:
    """Whether the mail contains all the texts, wherever its lines are broken."""
    text = " ".join(mail.body.split())
    return all(word in text for word in words)


def read(stack: Stack, key: str) -> bytes:
    body = stack.aws.client("s3").get_object(Bucket=stack.outputs["BucketName"], Key=key)["Body"].read()
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def pods_of_page(stack: Stack) -> list[list[str]]:
    """Cells of the pods table on the newest report's page."""
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="reports/dt=")["Contents"]]
    page = read(stack, max(key for key in keys if key.endswith(".html"))).decode()
    table = page.split(f"<caption>Pods of {CLUSTER}</caption>")[1].split("</table>")[0].split("<tbody>")[1]
    return [[html.unescape(cell) for cell in re.split(r"<t[dh][^>]*>", row)[1:]] for row in table.split("<tr>")[1:]]


def pods_of_nodes(described: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What `kubectl describe nodes` says about each pod."""
    share = r"(\S+ \(\d+%\)) +"
    for found in re.finditer(rf"^  (\S+) +(\S+) +{share * 4}\S+$", described, re.MULTILINE):
        namespace, name, *shares = found.groups()
        yield f"{namespace}/{name}", tuple(shares)
