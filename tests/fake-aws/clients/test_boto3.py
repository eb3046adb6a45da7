"""boto3 against the fake AWS as a program: an independent client understands its responses and its refusals."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fake_aws import BINARY, FakeAws


@pytest.fixture(scope="module")
def aws() -> Iterator[FakeAws]:
    with FakeAws("--clusters", "3", "--services", "2") as server:
        yield server


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """Status and code of the error of a call."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_ecs(aws: FakeAws) -> None:
    ecs, cluster = aws.client("ecs"), aws.offer["ecsCluster"]
    arns = ecs.list_clusters()["clusterArns"]
    assert len(arns) == 3 and any(arn.endswith(f"/{cluster}") for arn in arns)
    services = ecs.describe_services(cluster=cluster, services=ecs.list_services(cluster=cluster)["serviceArns"])
    assert len(services["services"]) == 2 and not services["failures"]
    tasks = ecs.list_tasks(cluster=cluster)["taskArns"]
    assert {task["clusterArn"] for task in ecs.describe_tasks(cluster=cluster, tasks=tasks)["tasks"]} <= set(arns)
    settings = [{"name": "containerInsights", "value": "enhanced"}]
    assert ecs.update_cluster(cluster=cluster, settings=settings)["cluster"]["settings"] == settings
    described = ecs.describe_clusters(clusters=[cluster], include=["SETTINGS"])["clusters"][0]
    assert described["settings"] == settings

    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.list_services(cluster="nope")
    wrong = [{"name": "containerInsights", "value": "on"}]
    assert refusal(ecs.update_cluster, cluster=cluster, settings=wrong) == (400, "InvalidParameterException")
    assert refusal(ecs.delete_cluster, cluster=cluster) == (400, "UnknownOperationException")


def test_eks(aws: FakeAws) -> None:
    eks, cluster = aws.client("eks"), aws.offer["eksCluster"]
    assert eks.list_clusters()["clusters"] == [cluster]
    described = eks.describe_cluster(name=cluster)["cluster"]
    assert described["status"] == "ACTIVE" and described["endpoint"].startswith("https://")
    assert eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"] == [aws.offer["fargateProfile"]]
    addon = eks.create_addon(clusterName=cluster, addonName="metrics-server")["addon"]
    assert addon["status"] == "CREATING"
    logging = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    update = eks.update_cluster_config(name=cluster, logging=logging)["update"]
    assert eks.describe_update(name=cluster, updateId=update["id"])["update"]["status"] == "InProgress"

    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name="nope")
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.create_addon(clusterName=cluster, addonName="metrics-server")
    assert refusal(eks.describe_addon_versions) == (404, "UnknownOperationException")
    assert refusal(eks.delete_cluster, name=cluster) == (404, "UnknownOperationException")


def test_cloudwatch(aws: FakeAws) -> None:
    cloudwatch, now = aws.client("cloudwatch"), datetime.fromisoformat(aws.offer["now"])
    dimensions = [{"Name": "ClusterName", "Value": aws.offer["ecsCluster"]}]
    metrics = cloudwatch.list_metrics(Namespace="ECS/ContainerInsights", Dimensions=dimensions)["Metrics"]
    query = {"Id": "m1", "MetricStat": {"Metric": metrics[0], "Period": 60, "Stat": "Average"}}
    window = {"StartTime": now - timedelta(hours=1), "EndTime": now}
    result = cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"][0]
    assert result["StatusCode"] == "Complete" and len(result["Values"]) == len(result["Timestamps"]) > 0
    statistics = cloudwatch.get_metric_statistics(Period=300, Statistics=["Maximum"], **metrics[0], **window)
    assert statistics["Datapoints"] and all(isinstance(point["Maximum"], float) for point in statistics["Datapoints"])

    ask = cloudwatch.get_metric_data
    assert refusal(ask, MetricDataQueries=[query], MaxDatapoints=100_801, **window) == (400, "ValidationError")
    assert refusal(ask, MetricDataQueries=[query] * 2, **window) == (400, "ValidationError")
    backwards = {"StartTime": now, "EndTime": now - timedelta(hours=1)}
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException):
        cloudwatch.get_metric_statistics(Period=300, Statistics=["Maximum"], **metrics[0], **backwards)
    assert refusal(cloudwatch.describe_alarms) == (400, "UnknownOperationException")


def test_sns(aws: FakeAws) -> None:
    sns, topic = aws.client("sns"), aws.offer["topicArn"]
    kinds = {"kinds": {"DataType": "String.Array", "StringValue": '["alarms", "digest"]'}}
    assert sns.publish(TopicArn=topic, Message="m", Subject="x" * 99, MessageAttributes=kinds)["MessageId"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic

    for wrong in ({"Subject": "x" * 100}, {"Subject": "caf\u00e9"}, {"MessageStructure": "json"}):
        with pytest.raises(sns.exceptions.InvalidParameterException):
            sns.publish(TopicArn=topic, Message="m", **wrong)
    kinds["kinds"]["StringValue"] = "alarms, digest"
    with pytest.raises(sns.exceptions.InvalidParameterValueException):
        sns.publish(TopicArn=topic, Message="m", MessageAttributes=kinds)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn=f"{topic}-nope", Message="m")
    assert refusal(sns.create_topic, Name="new") == (400, "InvalidAction")


def test_sqs(aws: FakeAws) -> None:
    sqs, queue = aws.client("sqs"), aws.offer["queueUrl"]
    assert sqs.get_queue_url(QueueName=queue.rsplit("/", 1)[1])["QueueUrl"] == queue
    sent = sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=900)
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"m").hexdigest()

    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.send_message(QueueUrl=f"{queue}-nope", MessageBody="m")
    assert caught.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="m", DelaySeconds=901) == (400, "InvalidParameterValue")


def test_sts_leads_to_another_account(aws: FakeAws) -> None:
    sts, role = aws.client("sts"), {"RoleArn": aws.offer["roleArn"], "RoleSessionName": "boto3"}
    assert sts.get_caller_identity()["Account"] == aws.offer["account"]
    keys = sts.assume_role(**role, ExternalId=aws.offer["externalId"])["Credentials"]
    member = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    account = role["RoleArn"].split(":")[4]
    assert aws.client("sts", **member).get_caller_identity()["Account"] == account
    assert [arn.split(":")[4] for arn in aws.client("ecs", **member).list_clusters()["clusterArns"]] == [account]

    assert refusal(sts.assume_role, **role) == (403, "AccessDenied")
    assert refusal(sts.assume_role, **role, ExternalId="wrong") == (403, "AccessDenied")
    code = refusal(sts.assume_role, **role, ExternalId=aws.offer["externalId"], DurationSeconds=43_201)
    assert code == (400, "ValidationError")


def test_s3(aws: FakeAws) -> None:
    s3, bucket = aws.client("s3"), {"Bucket": aws.offer["bucket"]}
    assert s3.head_bucket(**bucket)["BucketRegion"] == aws.offer["region"]
    for key in ("a.txt", "logs/1", "logs/2"):
        s3.put_object(**bucket, Key=key, Body=key.encode(), ContentType="text/plain", Metadata={"run": key})
    found = s3.get_object(**bucket, Key="logs/1")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"logs/1", "text/plain", {"run": "logs/1"})
    assert s3.head_object(**bucket, Key="logs/2")["Metadata"] == {"run": "logs/2"}
    listed = s3.list_objects_v2(**bucket, Delimiter="/")
    assert [found["Key"] for found in listed["Contents"]] == ["a.txt"]
    assert listed["CommonPrefixes"] == [{"Prefix": "logs/"}] and listed["KeyCount"] == 2
    pages = s3.get_paginator("list_objects_v2").paginate(**bucket, PaginationConfig={"PageSize": 1})
    assert [found["Key"] for page in pages for found in page["Contents"]] == ["a.txt", "logs/1", "logs/2"]

    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(**bucket, Key="nope")
    assert refusal(s3.head_bucket, Bucket="nope") == (404, "404")
    assert refusal(s3.put_object, **bucket, Key="a.txt", Body=b"", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(s3.get_object_tagging, **bucket, Key="a.txt") == (501, "NotImplemented")


def test_dynamodb(aws: FakeAws) -> None:
    dynamodb, table = aws.client("dynamodb"), {"TableName": aws.offer["table"]}
    key = {"pk": {"S": "alarm"}, "sk": {"S": "1"}}
    once = {"Item": {**key, "n": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    dynamodb.put_item(**table, **once)
    change = {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    dynamodb.update_item(**table, Key=key, **change)
    assert dynamodb.get_item(**table, Key=key)["Item"]["n"] == {"N": "2"}
    values = {":pk": {"S": "alarm"}}
    found = dynamodb.query(**table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values)
    assert (found["Count"], found["Items"][0]["sk"]) == (1, {"S": "1"})

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(**table, **once)
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName="nope", Key=key)
    assert refusal(dynamodb.get_item, **table, Key={"pk": {"S": "alarm"}}) == (400, "ValidationException")
    assert refusal(dynamodb.scan, **table) == (400, "UnknownOperationException")


def test_says_at_its_start_what_a_client_needs() -> None:
    with subprocess.Popen([BINARY, "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        first, export = program.stdout.readline(), program.stdout.readline()
        program.stdin.close()
        program.wait(30)
    assert all(name in first for name in ("eksCluster", "roleArn", "externalId", "queueUrl"))
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:" in export


PROGRAM = """
import time
from fake_aws import FakeAws
with FakeAws("--clusters", "1") as aws:
    print(aws.offer["endpoint"], flush=True)
    time.sleep(600)
"""


def test_ends_with_whoever_started_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True,
    ) as program:
        endpoint = program.stdout.readline().strip()
        program.kill()
        program.wait(30)
    # It sees the end of its input when the last writer is closed, and then closes its socket.
    deadline = datetime.now() + timedelta(seconds=30)
    while datetime.now() < deadline:
        try:
            urllib.request.urlopen(endpoint, timeout=30).close()
        except urllib.error.HTTPError:
            continue
        except (urllib.error.URLError, ConnectionError):
            return
    pytest.fail("it still serves")
