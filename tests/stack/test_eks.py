"""EKS on the plain local AWS: its clusters are records without an API server, so only "cannot be read" can be tested.
test_eks_answers.py has a cluster that answers.
"""

from __future__ import annotations

import json

import eks
import pytest
from mailbox import Mailbox
from stack import Stack

CLUSTER = "billing"


@pytest.fixture(scope="module")
def billing(stack: Stack) -> None:
    eks.create_cluster(stack.aws, CLUSTER)


def test_cluster_that_cannot_be_read_is_reported(stack: Stack, mailbox: Mailbox, billing: None) -> None:
    run = stack.run({"kind": "alarms"})
    assert run.status == "SUCCEEDED", run
    mail = mailbox.wait_for(1)[-1]
    assert "CANNOT READ EKS in" in mail.body and CLUSTER in mail.body, mail.body


def test_report_says_what_is_amiss(stack: Stack, billing: None) -> None:
    assert stack.run({"kind": "report"}).status == "SUCCEEDED"
    bucket = stack.aws.client("s3")
    report = json.loads(bucket.get_object(Bucket=stack.outputs["BucketName"], Key="reports/latest.json")["Body"].read())
    [cluster] = [cluster for cluster in report["eks"] if cluster["cluster"] == CLUSTER]
    assert cluster["status"] == "ACTIVE"
    assert cluster["findings"] and all(finding["problem"] for finding in cluster["findings"]), cluster


def test_sweep_checks_clusters_of_eks(stack: Stack, billing: None) -> None:
    run = stack.run({"kind": "sweep"})
    assert run.status == "SUCCEEDED", run
    # No policy changes existing clusters.
    assert stack.aws.client("eks").list_addons(clusterName=CLUSTER)["addons"] == []
