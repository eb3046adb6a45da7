"""EKS on the local AWS: its clusters are records without an API server, so that nothing more than "cannot be read" can be seen
of them. What is read of clusters that answer is the matter of the function tests, against a Kubernetes API server over TLS.
"""

from __future__ import annotations

import json

import pytest
from mailbox import Mailbox
from stack import Stack

CLUSTER = "billing"


@pytest.fixture(scope="module")
def billing(stack: Stack) -> dict:
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = stack.aws.client("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    network = {"subnetIds": ["subnet-0a", "subnet-0b"]}
    created = stack.aws.client("eks").create_cluster(name=CLUSTER, roleArn=role, resourcesVpcConfig=network)
    return created["cluster"]


def test_cluster_that_cannot_be_read_is_told(stack: Stack, mailbox: Mailbox, billing: dict) -> None:
    run = stack.run({"kind": "alarms"})
    assert run.status == "SUCCEEDED", run
    mail = mailbox.wait_for(1)[-1]
    assert "CANNOT SEE EKS in" in mail.body and CLUSTER in mail.body, mail.body


def test_report_says_what_is_amiss(stack: Stack, billing: dict) -> None:
    assert stack.run({"kind": "report"}).status == "SUCCEEDED"
    bucket = stack.aws.client("s3")
    report = json.loads(bucket.get_object(Bucket=stack.outputs["BucketName"], Key="reports/latest.json")["Body"].read())
    [cluster] = [cluster for cluster in report["eks"] if cluster["cluster"] == CLUSTER]
    assert cluster["status"] == "ACTIVE"
    assert cluster["findings"] and all(finding["problem"] for finding in cluster["findings"]), cluster


def test_sweep_looks_at_clusters_of_eks(stack: Stack, billing: dict) -> None:
    run = stack.run({"kind": "sweep"})
    assert run.status == "SUCCEEDED", run
    # Nobody wished anything of clusters that were there before.
    assert stack.aws.client("eks").list_addons(clusterName=CLUSTER)["addons"] == []
