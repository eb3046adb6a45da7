"""Requirements on template.yaml for stored and published data: encrypted, private, TLS only, and with limited
retention."""

from __future__ import annotations

import re

from rules import rule
from template import ROOT, Template, actions


@rule
def everything_is_encrypted(template: Template) -> None:
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue, name
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms"), name
    for name, topic in template.of_type("AWS::SNS::Topic").items():
        key = topic["KmsMasterKeyId"]["Ref"]
        # A customer-managed key: with AWS's key for SNS no alarm can publish.
        assert template.resources[key]["Type"] == "AWS::KMS::Key", name
    for name, key in template.of_type("AWS::KMS::Key").items():
        assert key["EnableKeyRotation"] is True, name
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        # DynamoDB encrypts by default; it must not use a key that does not exist.
        assert table.get("SSESpecification", {}).get("SSEEnabled", True) is True, name


@rule
def nothing_is_taken_without_tls(template: Template) -> None:
    protected = {
        target["Ref"]
        for kind, targets in (
            ("AWS::S3::BucketPolicy", lambda policy: [policy["Bucket"]]),
            ("AWS::SQS::QueuePolicy", lambda policy: policy["Queues"]),
            ("AWS::SNS::TopicPolicy", lambda policy: policy["Topics"]),
        )
        for policy in template.of_type(kind).values()
        if any(refuses_plain_http(statement) for statement in policy["PolicyDocument"]["Statement"])
        for target in targets(policy)
    }
    wanted = [*template.of_type("AWS::S3::Bucket"), *template.of_type("AWS::SQS::Queue"),
              *template.of_type("AWS::SNS::Topic")]
    assert protected == set(wanted)


@rule
def the_bucket_is_private_versioned_and_tidied(template: Template) -> None:
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled", name
        blocked = bucket["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4 and all(value is True for value in blocked.values()), name
        rules = [entry for entry in bucket["LifecycleConfiguration"]["Rules"] if entry["Status"] == "Enabled"]
        assert {entry["Prefix"]: entry["ExpirationInDays"] for entry in rules if "ExpirationInDays" in entry} == {
            "snapshots/": 90,
            "runs/": 14,
            "outcomes/": 14,
            "logs/": 14,
            "reports/": 90,
        }
        # Not those of fargaze.yaml: an old version may be the last good one.
        replaced = {entry.get("Prefix") for entry in rules if "NoncurrentVersionExpiration" in entry}
        assert replaced == {
            "runs/", "snapshots/", "outcomes/", "logs/", "reports/", "inventory/", "clusters/"
        }, name
        assert any("AbortIncompleteMultipartUpload" in entry for entry in rules), name


@rule
def the_table_costs_by_use_forgets_and_can_be_restored(template: Template) -> None:
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
            ("pk", "HASH"),
            ("sk", "RANGE"),
        ], name


@rule
def collect_logs_counts_in_one_partition_of_the_table(template: Template) -> None:
    # The alarms are in others. The local AWS does not know the condition key, so no stack test
    # sees it refuse.
    [counts] = [
        statement for statement in template.role_statements("CollectLogsRole")
        if any(action.startswith("dynamodb:") for action in actions(statement))
    ]
    assert actions(counts) == ["dynamodb:UpdateItem"]
    code = (ROOT / "shared" / "aws" / "src" / "spending.rs").read_text()
    partition = re.search(r'^const PARTITION: &str = "(\w+)";$', code, re.MULTILINE)[1]
    assert counts["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [partition]}}


# ---------------------------------------------------------------- helpers


def refuses_plain_http(statement: dict) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )
