"""The whole system from the real template.yaml, deployed on a local AWS that enforces IAM. The tests run in this order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import botocore.exceptions
import deployment
import duckdb
import estate
import pytest
from local_aws import ACCOUNT, REGION
from patterns import matches
from stack import CODE_BUCKET, EVENTS, LOCAL_GRANTS, recorded_event, run_and_mail, wait_until
from template import Template, actions

CREATED = "enable-insights.create-cluster.ok.json"
EXCLUDED = "AWSBatch-nightly-5c1e"
TEMPLATE = Template.of_project()
PATTERN = TEMPLATE.properties("ClusterChanged")["EventPattern"]
EVENTBRIDGE_EVENTS = [
    path.name
    for path in sorted(EVENTS.glob("enable-insights.*.json"))
    if not path.name.endswith(".bad.json") and "detail-type" in json.loads(path.read_text())
]


def test_second_deployment_changes_nothing(stack) -> None:
    assert stack.deploy() is False
    assert stack.deploy() is False


def test_every_function_runs_with_its_own_role(stack) -> None:
    resources = stack.resources()
    roles = {}
    for name in deployment.function_binaries():
        function = stack.aws.client("lambda").get_function_configuration(FunctionName=resources[name])
        roles[name] = function["Role"].rsplit("/", 1)[-1]
        assert roles[name] == resources[f"{name}Role"]
    assert len(set(roles.values())) == len(roles) >= 7


@pytest.mark.parametrize("name", EVENTBRIDGE_EVENTS)
def test_deployed_rule_agrees_with_our_matcher(stack, name: str) -> None:
    event = json.loads((EVENTS / name).read_text())
    assert stack.rule_matches(event) == matches(PATTERN, event)


def test_event_turns_insights_on_and_lowers_nothing(stack) -> None:
    before = estate.insights(stack.aws)
    for cluster in estate.ESTATE:
        stack.send(json.dumps(recorded_event(CREATED, cluster.name)))
    stack.wait_until_queue_is_empty()
    assert estate.insights(stack.aws) == {**before, "shop": "enabled"}
    assert before["shop"] == before[EXCLUDED] == "disabled" and before["search"] == "enhanced"
    assert dead_letters(stack) == []


def test_alarms_are_notified(stack, mailbox) -> None:
    run, mail = run_and_mail(stack, mailbox, {"kind": "alarms"})
    assert run.status == "SUCCEEDED" and run.output["published"] is True, run
    assert estate.HOT in mail.body and "orders" in mail.body and "memory" in mail.body.lower()
    # What ministack stores of a service leads to its target group, and the metrics to its load balancer.
    words = " ".join(mail.body.split())
    assert "Target group query of load balancer edge: 31 of 240 requests were answered with 5XX" in words, mail.body
    assert "Rule unhealthy-hosts." in words, mail.body
    assert "5 clusters" in " ".join(mail.body.split())
    assert mail.is_sendable


def test_report_is_mailed(stack, mailbox) -> None:
    run, mail = run_and_mail(stack, mailbox, {"kind": "report"})
    assert run.status == "SUCCEEDED" and run.output["published"] is True, run
    assert "5 clusters" in " ".join(mail.body.split())
    assert mail.is_sendable


def test_snapshots_are_read_by_duckdb(stack, tmp_path) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    stack.run({"kind": "alarms"})
    for item in s3.list_objects_v2(Bucket=bucket, Prefix="snapshots/")["Contents"]:
        path = tmp_path / item["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, item["Key"], str(path))
    rows = duckdb.sql(
        f"select metric, dimensions, start, values from read_json('{tmp_path}/snapshots/**/*.ndjson.gz', union_by_name=true) "
        "where kind = 'series' and len(values) > 0"
    ).fetchall()
    assert {row[0] for row in rows} >= {"CPUUtilization", "MemoryUtilization"}


def test_sweep_reports_and_changes_nothing_unasked(stack) -> None:
    stack.aws.client("ecs").create_cluster(
        clusterName="forgotten", settings=[{"name": "containerInsights", "value": "disabled"}]
    )
    before = estate.insights(stack.aws)
    run = stack.run({"kind": "sweep"})
    assert run.status == "SUCCEEDED", run
    assert estate.insights(stack.aws) == before and before["forgotten"] == "disabled"


def test_target_that_cannot_be_read_is_reported(stack, mailbox) -> None:
    with stack.denied("CollectMetricsRole", "ecs:*"):
        run, mail = run_and_mail(stack, mailbox, {"kind": "report"})
    assert run.status == "SUCCEEDED", run
    assert "denied" in mail.body.lower()
    assert "eu-west-1" in mail.body


def test_unknown_kind_fails_with_a_sentence(stack) -> None:
    run = stack.run({"kind": "alarm"})
    assert run.status == "FAILED"
    sentence = json.loads(run.cause)["errorMessage"]
    assert "alarm" in sentence and " " in sentence.strip()
    assert "alarms" in sentence, "it should say which kinds there are"


def test_unreadable_message_is_kept_as_a_dead_letter(stack) -> None:
    queue = stack.outputs["ClusterEventsUrl"]
    sqs = stack.aws.client("sqs")
    # Five deliveries twelve minutes apart are right on AWS and too slow for a test.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        stack.send("{this is no event")
        stack.send(json.dumps(recorded_event(CREATED, "orders")))
        kept = wait_until(lambda: dead_letters(stack), 90, "the message was not kept")
        assert kept == ["{this is no event"]
        stack.wait_until_queue_is_empty()
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "720"})


@pytest.mark.parametrize("role", LOCAL_GRANTS)
def test_local_grant_hides_nothing_that_a_role_lacks(role: str) -> None:
    assert set(LOCAL_GRANTS[role]) <= {
        action for statement in TEMPLATE.role_statements(role) for action in actions(statement)
    }


SHOP_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
TURN_ON = {"cluster": EXCLUDED, "settings": [{"name": "containerInsights", "value": "enabled"}]}
ACCOUNT_DEFAULT = {"name": "containerInsights", "value": "enabled"}
FORBIDDEN = {
    "PlanRunRole": [
        ("ecs", "list_clusters", {}),
        ("ecs", "update_cluster_settings", TURN_ON),
        ("ecs", "put_account_setting_default", ACCOUNT_DEFAULT),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "fargaze.yaml", "Body": b""}),
        ("s3", "get_object", {"Bucket": "$Bucket", "Key": "snapshots/x"}),
    ],
    "CollectMetricsRole": [
        ("ecs", "update_cluster_settings", TURN_ON),
        ("ecs", "put_account_setting_default", ACCOUNT_DEFAULT),
        ("ecs", "delete_cluster", {"cluster": EXCLUDED}),
        ("sns", "publish", {"TopicArn": "$Topic", "Message": "x"}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "fargaze.yaml", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "$Bucket", "Key": "snapshots/x"}),
    ],
    "CollectPodsRole": [
        ("ecs", "list_clusters", {}),
        ("eks", "create_cluster", {"name": "another", "roleArn": "arn:aws:iam::123456789012:role/eks", "resourcesVpcConfig": {}}),
        ("eks", "delete_cluster", {"name": "another"}),
        ("eks", "create_addon", {"clusterName": "another", "addonName": "metrics-server"}),
        ("sns", "publish", {"TopicArn": "$Topic", "Message": "x"}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "fargaze.yaml", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "$Bucket", "Key": "snapshots/x"}),
    ],
    "CollectLogsRole": [
        ("ecs", "list_clusters", {}),
        ("ecs", "update_cluster_settings", TURN_ON),
        ("eks", "list_clusters", {}),
        ("logs", "put_retention_policy", {"logGroupName": "x", "retentionInDays": 1}),
        ("logs", "put_log_events",
         {"logGroupName": "x", "logStreamName": "x", "logEvents": [{"timestamp": 0, "message": "x"}]}),
        ("logs", "create_log_group", {"logGroupName": "x"}),
        ("logs", "delete_log_group", {"logGroupName": "x"}),
        ("logs", "delete_log_stream", {"logGroupName": "x", "logStreamName": "x"}),
        ("logs", "put_subscription_filter",
         {"logGroupName": "x", "filterName": "x", "filterPattern": "", "destinationArn": "arn:aws:lambda:eu-west-1:123456789012:function:x"}),
        ("sns", "publish", {"TopicArn": "$Topic", "Message": "x"}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "snapshots/x", "Body": b""}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "fargaze.yaml", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "$Bucket", "Key": "logs/x"}),
        # Of UpdateItem, the local AWS does not know the condition; rules_of_storage.py checks it.
        ("dynamodb", "put_item", {"TableName": "$Table", "Item": {"pk": {"S": "x"}, "sk": {"S": "x"}}}),
        ("dynamodb", "query",
         {"TableName": "$Table", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "x"}}}),
    ],
    "EvaluateAlarmsRole": [
        ("ecs", "list_clusters", {}),
        ("ecs", "update_cluster_settings", TURN_ON),
        ("ecs", "put_account_setting_default", ACCOUNT_DEFAULT),
        ("sns", "publish", {"TopicArn": "$Topic", "Message": "x"}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "snapshots/x", "Body": b""}),
        ("dynamodb", "delete_item", {"TableName": "$Table", "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}}}),
    ],
    "ForwardSummaryRole": [
        ("ecs", "list_clusters", {}),
        ("ecs", "update_cluster_settings", TURN_ON),
        ("ecs", "put_account_setting_default", ACCOUNT_DEFAULT),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "outcomes/x", "Body": b""}),
        ("sns", "subscribe", {"TopicArn": "$Topic", "Protocol": "email", "Endpoint": "a@example.org"}),
    ],
    "EnableInsightsRole": [
        ("ecs", "delete_cluster", {"cluster": EXCLUDED}),
        ("ecs", "create_cluster", {"clusterName": "another"}),
        ("ecs", "update_cluster", TURN_ON),
        ("ecs", "put_cluster_capacity_providers",
         {"cluster": EXCLUDED, "capacityProviders": [], "defaultCapacityProviderStrategy": []}),
        ("ecs", "put_account_setting", ACCOUNT_DEFAULT),
        ("ecs", "delete_account_setting", {"name": "containerInsights"}),
        ("ecs", "create_service", {"cluster": "shop", "serviceName": "another", "taskDefinition": "web"}),
        ("ecs", "update_service", {"cluster": "shop", "service": "web", "desiredCount": 0}),
        ("ecs", "delete_service", {"cluster": "shop", "service": "web"}),
        ("ecs", "run_task", {"cluster": "shop", "taskDefinition": "web"}),
        ("ecs", "tag_resource", {"resourceArn": SHOP_ARN, "tags": [{"key": "fargaze", "value": "hands-off"}]}),
        ("sns", "publish", {"TopicArn": "$Topic", "Message": "x"}),
        ("sqs", "send_message", {"QueueUrl": "$DeadLetters", "MessageBody": "x"}),
        ("eks", "create_cluster", {"name": "another", "roleArn": "arn:aws:iam::123456789012:role/eks", "resourcesVpcConfig": {}}),
        ("eks", "delete_cluster", {"name": "another"}),
        ("s3", "get_object", {"Bucket": "$Bucket", "Key": "snapshots/x"}),
        ("s3", "put_object", {"Bucket": "$Bucket", "Key": "fargaze.yaml", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "$Bucket", "Key": "clusters/x"}),
        ("dynamodb", "delete_item", {"TableName": "$Table", "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}}}),
        ("dynamodb", "update_item", {"TableName": "$Table", "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}}}),
    ],
}
REFUSALS = [
    pytest.param(role, service, call, arguments, id=f"{role}-{service}-{call}-{number}")
    for role, calls in FORBIDDEN.items()
    for number, (service, call, arguments) in enumerate(calls)
]


@pytest.mark.parametrize(("role", "service", "call", "arguments"), REFUSALS)
def test_role_is_refused_what_its_function_must_not_do(stack, role, service, call, arguments) -> None:
    resources = stack.resources()
    filled = {
        name: resources[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in arguments.items()
    }
    with stack.acting_as(role) as client, pytest.raises(botocore.exceptions.ClientError) as refusal:
        getattr(client(service), call)(**filled)
    assert "Denied" in refusal.value.response["Error"]["Code"] or "Authorization" in refusal.value.response["Error"]["Code"]


def test_enable_insights_is_allowed_what_the_others_are_refused(stack) -> None:
    before = estate.insights(stack.aws)[EXCLUDED]
    with stack.acting_as("EnableInsightsRole") as client:
        ecs = client("ecs")
        assert ecs.update_cluster_settings(**TURN_ON)["cluster"]["clusterName"] == EXCLUDED
        ecs.update_cluster_settings(cluster=EXCLUDED, settings=[{"name": "containerInsights", "value": before}])
        assert ecs.list_account_settings(name="containerInsights", effectiveSettings=True)["settings"]
        ecs.put_account_setting_default(**ACCOUNT_DEFAULT)
        [task, *_] = ecs.list_tasks(cluster="shop")["taskArns"]
        assert ecs.describe_tasks(cluster="shop", tasks=[task])["tasks"]


def test_collect_logs_reads_logs_and_its_file_and_counts_what_queries_cost(stack) -> None:
    resources, file = stack.resources(), {"Bucket": stack.outputs["BucketName"], "Key": "fargaze.yaml"}
    group = {"logGroupName": resources["CollectLogsLog"]}
    stack.aws.client("s3").put_object(**file, Body=b"built-in-rules: keep\n")
    with stack.acting_as("CollectLogsRole") as client:
        assert client("s3").get_object(**file)["Body"].read()
        logs = client("logs")
        stream = logs.filter_log_events(**group)["events"][0]["logStreamName"]
        assert logs.get_log_events(**group, logStreamName=stream)["events"]
        query = logs.start_query(**group, queryString="fields @message", startTime=0, endTime=1)["queryId"]
        assert logs.get_query_results(queryId=query)["status"] == "Complete"
        assert logs.stop_query(queryId=query)["success"] is True
        client("dynamodb").update_item(
            TableName=resources["Table"], Key={"pk": {"S": "SPENT"}, "sk": {"S": "a test"}},
            UpdateExpression="ADD dollars :more", ExpressionAttributeValues={":more": {"N": "1"}},
        )
    stack.aws.client("s3").delete_object(**file)


def test_topic_is_closed_to_plain_http(stack) -> None:
    message = {"TopicArn": stack.outputs["TopicArn"], "Message": "a test of the topic's policy"}
    with stack.acting_as("ForwardSummaryRole") as client:
        client("sns").publish(**message)
        over_http = client("sns")
        # The header of a load balancer for a request over plain HTTP; the local AWS trusts it.
        over_http.meta.events.register(
            "before-send.sns", lambda request, **_: request.headers.__setitem__("X-Forwarded-Proto", "http")
        )
        with pytest.raises(botocore.exceptions.ClientError, match="(?i)denied|authoriz"):
            over_http.publish(**message)


def test_deleting_leaves_nothing(stack, tmp_path) -> None:
    aws, resources = stack.aws, stack.resources()
    stack.take_back_local_grant()
    # The command of `make delete`, in a folder without a samconfig.toml, which could lead to an AWS
    # account.
    program = f"import delete, pathlib; exit(delete.main(['{stack.name}'], delete.connect, '{stack.name}', None, pathlib.Path('{tmp_path}')))"
    deleted = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, env={**os.environ, **aws.environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    left = {
        "functions": [function["FunctionName"] for function in aws.client("lambda").list_functions()["Functions"]],
        "queues": aws.client("sqs").list_queues().get("QueueUrls", []),
        "topics": aws.client("sns").list_topics()["Topics"],
        "tables": aws.client("dynamodb").list_tables()["TableNames"],
        "buckets": [
            bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"] if bucket["Name"] != CODE_BUCKET
        ],
        "roles": [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]],
        "policies": aws.client("iam").list_policies(Scope="Local")["Policies"],
        "log groups": [group["logGroupName"] for group in aws.client("logs").describe_log_groups()["logGroups"]],
        "alarms": aws.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "rules": aws.client("events").list_rules()["Rules"],
        "schedules": aws.client("scheduler").list_schedules()["Schedules"],
        "state machines": aws.client("stepfunctions").list_state_machines()["stateMachines"],
        "subscriptions": aws.client("sns").list_subscriptions()["Subscriptions"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}
    # A key cannot be deleted at once; the test can only check that its deletion is scheduled.
    key = aws.client("kms").describe_key(KeyId=resources["TopicKey"])["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"


def dead_letters(stack) -> list[str]:
    answer = stack.aws.client("sqs").receive_message(
        QueueUrl=stack.outputs["DeadLettersUrl"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in answer.get("Messages", [])]
