"""template.yaml deployed on a local AWS, and its operation: send events, start runs, wait."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bootstraps
import deployment
from local_aws import ACCOUNT, REGION, LocalAws, LocalAwsError
from mailbox import Mail, Mailbox

EVENTS = deployment.ROOT / "events"
CODE_BUCKET = "deployment-artifacts"

# Where ministack's IAM differs from AWS's, it refuses the roles of template.yaml, which are right
# for AWS. It checks ecs:DescribeClusters on "*" and ecs:DescribeServices and ecs:DescribeTasks on
# the cluster, where AWS checks the named clusters, services and tasks; eks:DescribeAddon on the
# cluster, where AWS checks the add-on; logs:DescribeLogGroups and logs:StartQuery of several groups
# on "*", where AWS checks the groups; and it does not know the condition keys ecs:cluster and
# ecs:account-setting. So these actions are granted in addition to the template's, each to a role
# that has it there, too (a test checks that). Everything else runs with the template's roles alone.
LOCAL_GRANTS = {
    "CollectMetricsRole": ["ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTasks"],
    "CollectPodsRole": ["eks:DescribeAddon"],
    "CollectLogsRole": ["ecs:DescribeTasks", "ecs:ListTasks", "logs:DescribeLogGroups", "logs:StartQuery"],
    "EnableInsightsRole": [
        "ecs:DescribeClusters", "ecs:DescribeTasks", "ecs:ListTasks", "ecs:PutAccountSettingDefault", "eks:DescribeAddon",
    ],
}
LOCAL_GRANT_NAME = "local-aws-differs"


@dataclass(frozen=True)
class Execution:
    """The end of a run of the state machine."""

    arn: str
    status: str
    output: dict | None
    error: str
    cause: str


class Stack:
    def __init__(self, aws: LocalAws, name: str = "fargaze") -> None:
        self.aws = aws
        self.name = name
        self.outputs: dict[str, str] = {}
        self._last_start = 0

    def deploy(self, note=lambda text: None) -> bool:
        """Builds, uploads and deploys. False: nothing had changed."""
        binaries = deployment.function_binaries()
        archives = bootstraps.build(set(binaries.values()), note)
        return self.deploy_archives({logical_id: archives[binary] for logical_id, binary in binaries.items()})

    def deploy_archives(self, code: dict[str, Path], parameters: dict[str, str] | None = None) -> bool:
        s3 = self.aws.client("s3")
        if CODE_BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        cloudformation = self.aws.client("cloudformation")
        template = deployment.package(code, s3, CODE_BUCKET).encode()
        url = deployment.template_url(deployment.upload(template, "yaml", s3, CODE_BUCKET), REGION)
        changed = deployment.deploy(cloudformation, self.name, url, parameters)
        self.outputs = deployment.outputs(cloudformation, self.name)
        for role, granted in LOCAL_GRANTS.items():
            self.put_policy(role, LOCAL_GRANT_NAME, "Allow", granted)
        return changed

    def take_back_local_grant(self) -> None:
        """Removes the added policies: CloudFormation does not delete a role with a policy that the stack does not know."""
        for role in LOCAL_GRANTS:
            self.aws.client("iam").delete_role_policy(RoleName=self.physical_id(role), PolicyName=LOCAL_GRANT_NAME)

    def put_policy(self, role: str, name: str, effect: str, actions: list[str]) -> None:
        """Gives a role of the stack an additional policy."""
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": actions, "Resource": "*"}],
        }
        self.aws.client("iam").put_role_policy(
            RoleName=self.physical_id(role), PolicyName=name, PolicyDocument=json.dumps(document)
        )

    def put_environment(self, function: str, **variables: str) -> None:
        """Adds to the environment of a function of the stack."""
        functions, name = self.aws.client("lambda"), self.physical_id(function)
        before = functions.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **variables}})

    def invoke(self, function: str, event: dict) -> dict:
        """Calls one function of the stack directly and returns its response."""
        payload = json.dumps(event).encode()
        answer = self.aws.client("lambda").invoke(FunctionName=self.physical_id(function), Payload=payload)
        text = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise LocalAwsError(f"{function} failed: {text}")
        return json.loads(text)

    @contextmanager
    def denied(self, role: str, *actions: str):
        """As if someone had removed these permissions from a role."""
        self.put_policy(role, "denied", "Deny", list(actions))
        try:
            yield
        finally:
            self.aws.client("iam").delete_role_policy(RoleName=self.physical_id(role), PolicyName="denied")

    @contextmanager
    def acting_as(self, role: str):
        """Clients with a function's permissions. Only Lambda may assume the role, so for this long the account may,
        too."""
        iam, name = self.aws.client("iam"), self.physical_id(role)
        described = iam.get_role(RoleName=name)["Role"]
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
        }
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        try:
            session = self.aws.client("sts").assume_role(RoleArn=described["Arn"], RoleSessionName="test")["Credentials"]
            yield lambda service: self.aws.client(
                service,
                aws_access_key_id=session["AccessKeyId"],
                aws_secret_access_key=session["SecretAccessKey"],
                aws_session_token=session["SessionToken"],
            )
        finally:
            document = json.dumps(described["AssumeRolePolicyDocument"])
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)

    def resources(self) -> dict[str, str]:
        """Logical id -> physical id."""
        found = deployment.resources(self.aws.client("cloudformation"), self.name)
        return {logical_id: resource["PhysicalResourceId"] for logical_id, resource in found.items()}

    def physical_id(self, logical_id: str) -> str:
        return self.resources()[logical_id]

    def run(self, request: dict, seconds: float = 120) -> Execution:
        """Starts the state machine, like a schedule, and waits for its end."""
        # A run is named by its second: two in one second would be the same run, tried twice.
        wait_until(lambda: int(time.time()) > self._last_start, 5, "the clock stood still")
        self._last_start = int(time.time())
        step_functions = self.aws.client("stepfunctions")
        arn = step_functions.start_execution(
            stateMachineArn=self.outputs["RunArn"], input=json.dumps(request)
        )["executionArn"]

        def ended() -> Execution | None:
            described = step_functions.describe_execution(executionArn=arn)
            if described["status"] == "RUNNING":
                return None
            output = json.loads(described["output"]) if described["status"] == "SUCCEEDED" else None
            return Execution(arn, described["status"], output, described.get("error", ""), described.get("cause", ""))

        return wait_until(ended, seconds, f"the run {json.dumps(request)} did not end")

    def rule_matches(self, event: dict, rule: str = "ClusterChanged") -> bool:
        """Whether the deployed rule would send this event to its queue."""
        events = self.aws.client("events")
        pattern = events.describe_rule(Name=self.physical_id(rule).rsplit("/", 1)[-1])["EventPattern"]
        return events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    def send(self, body: str, queue: str = "ClusterEventsUrl") -> None:
        """Puts a message into the queue of cluster events, or of events of tasks, as the rules do.

        Only AWS may publish events of source aws.ecs, so the rules themselves cannot be triggered from here.
        """
        self.aws.client("sqs").send_message(QueueUrl=self.outputs[queue], MessageBody=body)

    def wait_until_queue_is_empty(self, seconds: float = 60, queue: str = "ClusterEventsUrl") -> None:
        def empty() -> bool:
            counts = self.aws.client("sqs").get_queue_attributes(
                QueueUrl=self.outputs[queue],
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            return all(int(count) == 0 for count in counts.values())

        wait_until(empty, seconds, f"the queue {queue} did not run empty")


def run_and_mail(stack: Stack, mailbox: Mailbox, request: dict) -> tuple[Execution, Mail]:
    """Runs, and waits for the one resulting mail."""
    before = len(mailbox)
    run = stack.run(request)
    assert run.status == "SUCCEEDED", f"{run}\n{stack.aws.tail()}"
    return run, mailbox.wait_for(before + 1)[before]


def recorded_event(name: str, cluster: str | None = None, occasion: str = "") -> dict:
    """An event of events/ as if it had just happened here: local account and Region, now, and optionally another
    cluster.

    The same cluster on another occasion is another event.
    """
    event = json.loads((EVENTS / name).read_text())
    detail = event["detail"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = [(event["account"], ACCOUNT), (event["region"], REGION), (event["time"], now), (detail["eventTime"], now)]
    answered = (detail.get("responseElements") or {}).get("cluster", {})
    # ECS calls it clusterName, EKS name.
    old_cluster = answered.get("clusterName") or answered.get("name")
    if cluster is not None and old_cluster is not None:
        moved += [
            (f':cluster/{old_cluster}"', f':cluster/{cluster}"'),
            (f'"clusterName": "{old_cluster}"', f'"clusterName": "{cluster}"'),
            (f'"name": "{old_cluster}"', f'"name": "{cluster}"'),
            (f'"cluster": "{old_cluster}"', f'"cluster": "{cluster}"'),
        ]
        # Another cluster, another event: the same id would be treated as a second delivery.
        salt = f"{cluster} {occasion}"
        moved += [(old, str(uuid.uuid5(uuid.UUID(int=0), old + salt))) for old in (event["id"], detail["eventID"])]
    text = json.dumps(event)
    for old, new in moved:
        text = text.replace(old, new)
    return json.loads(text)


def task_event(name: str, service: str, number: int, at: datetime.datetime) -> dict:
    """An event of events/ about a task as if it happened here, at that time; `service` is CLUSTER/SERVICE."""
    event = json.loads((EVENTS / f"keep-events.{name}.ok.json").read_text())
    cluster, service = service.split("/")
    text = json.dumps(event)
    old = event["detail"].get("taskArn", "").rsplit("/", 1)[-1]
    for old, new in [
        (event["account"], ACCOUNT), (event["region"], REGION), ("cluster/shop", f"cluster/{cluster}"),
        ("service/shop/web", f"service/{cluster}/{service}"), ("service:web", f"service:{service}"),
        ("task/shop/", f"task/{cluster}/"), *([(old, f"{number:032x}")] if old else []),
    ]:
        text = text.replace(old, new)
    event = json.loads(text)

    def moment(before: int) -> str:
        return f"{at - datetime.timedelta(seconds=before):%Y-%m-%dT%H:%M:%S}Z"

    event["time"] = moment(0)
    times = {"startedAt": 70, "stoppingAt": 5, "stoppedAt": 0, "executionStoppedAt": 0, "updatedAt": 0, "createdAt": 0}
    event["detail"] |= {key: moment(before) for key, before in times.items() if key in event["detail"]}
    return event


def wait_until(done, seconds: float, otherwise: str):
    """Polls until there is a result, or fails with what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := done():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
        time.sleep(0.2)
