"""template.yaml deployed on a local AWS, and what one does with it: feed events, start runs, wait."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import bootstraps
import deployment
from local_aws import ACCOUNT, REGION, LocalAws

EVENTS = deployment.ROOT / "events"
CODE_BUCKET = "deployment-artifacts"

# ministack asks IAM for ecs:DescribeClusters on "*" and for ecs:DescribeServices on the cluster, where AWS asks for the
# clusters and the services that are named. So the roles of template.yaml, which are right for AWS, are refused here, and
# these two reading actions are granted beside them. Everything else runs on the template's roles alone.
LOCAL_GRANT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ecs:DescribeClusters", "ecs:DescribeServices"], "Resource": "*"}],
}
LOCAL_GRANT_NAME = "local-aws-describes-on-other-resources"
LOCAL_GRANT_ROLES = ["CollectMetricsRole", "EnableInsightsRole"]


@dataclass(frozen=True)
class Execution:
    """How a run of the state machine ended."""

    status: str
    output: dict | None
    error: str
    cause: str


class Stack:
    def __init__(self, aws: LocalAws, name: str = "fargaze") -> None:
        self.aws = aws
        self.name = name
        self.outputs: dict[str, str] = {}
        self._body = ""

    def deploy(self, note=lambda text: None) -> bool:
        """Builds, uploads and deploys. False: nothing had changed."""
        binaries = deployment.function_binaries()
        archives = bootstraps.build(set(binaries.values()), note)
        return self.deploy_archives({logical_id: archives[binary] for logical_id, binary in binaries.items()})

    def deploy_archives(self, code: dict[str, Path]) -> bool:
        s3 = self.aws.client("s3")
        if CODE_BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        cloudformation = self.aws.client("cloudformation")
        changed = deployment.deploy(cloudformation, self.name, deployment.package(code, s3, CODE_BUCKET))
        self.outputs = deployment.outputs(cloudformation, self.name)
        for role in LOCAL_GRANT_ROLES:
            self.aws.client("iam").put_role_policy(
                RoleName=self.physical_id(role), PolicyName=LOCAL_GRANT_NAME, PolicyDocument=json.dumps(LOCAL_GRANT)
            )
        return changed

    def take_back_local_grant(self) -> None:
        """Leaves the stack as CloudFormation made it: a role with a policy that the stack does not know is not deleted."""
        for role in LOCAL_GRANT_ROLES:
            self.aws.client("iam").delete_role_policy(RoleName=self.physical_id(role), PolicyName=LOCAL_GRANT_NAME)

    def resources(self) -> dict[str, str]:
        """Logical id -> physical id."""
        found = deployment.resources(self.aws.client("cloudformation"), self.name)
        return {logical_id: resource["PhysicalResourceId"] for logical_id, resource in found.items()}

    def physical_id(self, logical_id: str) -> str:
        return self.resources()[logical_id]

    def run(self, request: dict, seconds: float = 120) -> Execution:
        """Starts the state machine, as a schedule would, and waits for its end."""
        step_functions = self.aws.client("stepfunctions")
        arn = step_functions.start_execution(
            stateMachineArn=self.outputs["RunArn"], input=json.dumps(request)
        )["executionArn"]

        def ended() -> Execution | None:
            described = step_functions.describe_execution(executionArn=arn)
            if described["status"] == "RUNNING":
                return None
            output = json.loads(described["output"]) if described["status"] == "SUCCEEDED" else None
            return Execution(described["status"], output, described.get("error", ""), described.get("cause", ""))

        return wait_until(ended, seconds, f"the run {json.dumps(request)} did not end")

    def rule_matches(self, event: dict) -> bool:
        """Whether the deployed rule would send this event to the queue."""
        events = self.aws.client("events")
        pattern = events.describe_rule(Name=self.physical_id("ClusterChanged").rsplit("/", 1)[-1])["EventPattern"]
        return events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    def send(self, body: str) -> None:
        """Puts a message into the queue of cluster events, as the rule does.

        Nobody but AWS may publish events of source aws.ecs, so the rule itself cannot be fired from here.
        """
        self.aws.client("sqs").send_message(QueueUrl=self.outputs["ClusterEventsUrl"], MessageBody=body)

    def wait_until_queue_is_empty(self, seconds: float = 60) -> None:
        def empty() -> bool:
            counts = self.aws.client("sqs").get_queue_attributes(
                QueueUrl=self.outputs["ClusterEventsUrl"],
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            return all(int(count) == 0 for count in counts.values())

        wait_until(empty, seconds, "the queue of cluster events did not run empty")


def recorded_event(name: str, cluster: str | None = None) -> dict:
    """An event of events/ as if it had just happened here: local account and Region, now, and if asked another cluster."""
    event = json.loads((EVENTS / name).read_text())
    detail = event["detail"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = [(event["account"], ACCOUNT), (event["region"], REGION), (event["time"], now), (detail["eventTime"], now)]
    old_cluster = (detail.get("responseElements") or {}).get("cluster", {}).get("clusterName")
    if cluster is not None and old_cluster is not None:
        moved += [
            (f':cluster/{old_cluster}"', f':cluster/{cluster}"'),
            (f'"clusterName": "{old_cluster}"', f'"clusterName": "{cluster}"'),
        ]
        # Another cluster, another event: the same id would be taken for a second delivery.
        moved += [(old, str(uuid.uuid5(uuid.UUID(int=0), old + cluster))) for old in (event["id"], detail["eventID"])]
    text = json.dumps(event)
    for old, new in moved:
        text = text.replace(old, new)
    return json.loads(text)


def wait_until(done, seconds: float, otherwise: str):
    """Asks until there is an answer, or says what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := done():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
        time.sleep(0.2)
