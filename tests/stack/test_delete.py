"""Issue 14, point 4: `make delete` stops new starts before it empties the bucket, waits as long as a VPC takes, asks,
and says what will be lost. test_stack.py deletes a real stack of the local AWS with it; here AWS is scripted.
"""

from __future__ import annotations

from pathlib import Path

import botocore.exceptions
import delete
import deployment
import pytest

RESOURCES = {
    "Run": ("AWS::StepFunctions::StateMachine", "arn:aws:states:eu-west-1:123456789012:stateMachine:fargaze-run"),
    "EnableInsights": ("AWS::Lambda::Function", "fargaze-EnableInsights-1"),
    "Bucket": ("AWS::S3::Bucket", "fargaze-bucket-1"),
    "RunAlarms": ("AWS::Scheduler::Schedule", "fargaze-RunAlarms-1"),
    "RunSweep": ("AWS::Scheduler::Schedule", "fargaze-RunSweep-1"),
    "EnableInsightsClusterEvents": ("AWS::Lambda::EventSourceMapping", "uuid-1"),
}
SCHEDULE = {
    "Arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/x", "State": "ENABLED", "ResponseMetadata": {},
    "GroupName": "default", "ScheduleExpression": "rate(5 minutes)", "FlexibleTimeWindow": {"Mode": "OFF"},
    "ScheduleExpressionTimezone": "Europe/Vienna", "Target": {"Arn": "run", "RoleArn": "role", "Input": "{}"},
}


def refusal(code: str, operation: str) -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Account:
    """One client for all services. It records the calls, and the stack is deleted `minutes` after its deletion began."""

    def __init__(self, minutes: float = 1, clock: Clock | None = None, writes_late: bool = False) -> None:
        self.calls: list[str] = []
        self.updates: list[dict] = []
        self.minutes, self.clock, self.writes_late = minutes, clock, writes_late
        self.objects = 3
        self.deletions: list[float] = []
        self.deleted: set[str] = set()

    def __call__(self, service: str) -> Account:
        return self

    class meta:
        region_name = "eu-west-1"

    def get_caller_identity(self) -> dict:
        return {"Account": "123456789012"}

    @property
    def status(self) -> str:
        if not self.deletions:
            return "UPDATE_COMPLETE"
        if self.clock.now < self.deletions[-1] + 60 * self.minutes:
            return "DELETE_IN_PROGRESS"
        return "DELETE_FAILED" if self.objects else "DELETE_COMPLETE"

    def describe_stacks(self, StackName: str) -> dict:
        return {"Stacks": [{"StackId": "stack-1", "StackStatus": self.status}]}

    def describe_stack_events(self, StackName: str) -> dict:
        return {"StackEvents": [{"LogicalResourceId": "Bucket", "ResourceStatus": "DELETE_FAILED",
                                 "ResourceStatusReason": "The bucket you tried to delete is not empty"}]}

    def get_paginator(self, operation: str):
        return Pages(getattr(self, operation))

    def list_stack_resources(self, StackName: str) -> dict:
        return {"StackResourceSummaries": [
            {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical,
             "ResourceStatus": "DELETE_IN_PROGRESS" if self.deletions else "CREATE_COMPLETE"}
            for name, (kind, physical) in RESOURCES.items()
        ]}

    def list_executions(self, stateMachineArn: str, statusFilter: str) -> dict:
        assert statusFilter == "RUNNING"
        return {"executions": [{"executionArn": "run-1"}, {"executionArn": "run-2"}]}

    def list_object_versions(self, Bucket: str) -> dict:
        return {"Versions": [{"Key": str(key), "VersionId": "1"} for key in range(self.objects)]}

    def get_schedule(self, Name: str) -> dict:
        if Name in self.deleted:
            raise refusal("ResourceNotFoundException", "GetSchedule")
        return {"Name": Name, **SCHEDULE}

    def update_schedule(self, **arguments) -> None:
        self.calls.append(f"disable {arguments['Name']}")
        self.updates.append(arguments)

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:
        self.calls.append(f"disable {UUID}" if not Enabled else f"enable {UUID}")

    def stop_execution(self, executionArn: str, cause: str) -> None:
        self.calls.append(f"stop {executionArn}")

    def delete_objects(self, Bucket: str, Delete: dict) -> dict:
        self.calls.append(f"empty {Bucket}")
        self.objects -= len(Delete["Objects"])
        return {}

    def delete_stack(self, StackName: str) -> None:
        self.calls.append("delete")
        if self.writes_late and not self.deletions:
            self.objects = 1
        self.deletions.append(self.clock.now)


class Pages:
    def __init__(self, operation) -> None:
        self.operation = operation

    def paginate(self, **arguments):
        return [self.operation(**arguments)]


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deployment, "time", clock)
    return clock


def removed(account: Account, confirmed: str = "fargaze", ask=None) -> int:
    return delete.main(["fargaze"], lambda profile, region: account, confirmed, ask, Path("no samconfig.toml here"))


def test_nothing_starts_or_runs_when_the_bucket_is_emptied(clock) -> None:
    account = Account(clock=clock)
    assert removed(account) == 0
    assert account.calls == [
        "disable fargaze-RunAlarms-1", "disable fargaze-RunSweep-1", "disable uuid-1", "stop run-1", "stop run-2",
        "empty fargaze-bucket-1", "delete",
    ]
    # The rest of a schedule is unchanged.
    kept = {key: value for key, value in SCHEDULE.items() if key not in ("Arn", "State", "ResponseMetadata")}
    assert account.updates[0] == {"Name": "fargaze-RunAlarms-1", "State": "DISABLED", **kept}


def test_network_interfaces_are_waited_for_and_it_says_so(clock, capsys) -> None:
    account = Account(minutes=38, clock=clock)
    assert removed(account) == 0
    said = capsys.readouterr().out
    assert "with VpcSubnetIds 20 to 40" in said and "fargaze is deleted." in said
    assert "37 min: DELETE_IN_PROGRESS, working on" in said and "EnableInsights" in said
    assert 30 <= said.count("DELETE_IN_PROGRESS") <= 38, "once a minute"


def test_it_gives_up_some_time(clock, capsys) -> None:
    account = Account(minutes=600, clock=clock)
    assert removed(account) == 1
    assert "was not DELETE_COMPLETE within 3600 s" in capsys.readouterr().err


def test_without_a_terminal_the_name_must_be_given(clock, capsys) -> None:
    account = Account(clock=clock)
    assert removed(account, confirmed="") == 1
    assert "make delete STACK=fargaze CONFIRM=fargaze" in capsys.readouterr().err
    assert removed(account, confirmed="yes") == 1
    assert account.calls == []


def test_a_terminal_is_prompted(clock, capsys) -> None:
    account, asked = Account(clock=clock), []
    assert removed(account, "", lambda text: asked.append(text) or "no") == 1
    assert account.calls == [] and "fargaze" in asked[0]
    assert "Nothing was deleted." in capsys.readouterr().err
    assert removed(account, "", lambda text: "fargaze ") == 0


def test_it_warns_that_the_change_log_is_deleted_and_rollback_with_it(clock, capsys) -> None:
    removed(Account(clock=clock), confirmed="")
    said = capsys.readouterr().out
    assert "change log" in said and "fargaze changed in your clusters" in said and '{"kind":"rollback"}' in said
    assert "account 123456789012 in eu-west-1" in said and "fargaze.yaml" in said


def test_an_object_that_came_late_is_deleted_too(clock) -> None:
    account = Account(clock=clock, writes_late=True)
    assert removed(account) == 0
    assert account.calls[-4:] == ["empty fargaze-bucket-1", "delete", "empty fargaze-bucket-1", "delete"]


def test_deletion_that_stopped_halfway_is_continued(clock) -> None:
    account = Account(clock=clock)
    account.deleted = {"fargaze-RunAlarms-1"}
    assert removed(account) == 0
    assert "disable fargaze-RunSweep-1" in account.calls and "disable fargaze-RunAlarms-1" not in account.calls


def test_a_stranger_is_left_alone(clock, capsys, monkeypatch) -> None:
    monkeypatch.delitem(RESOURCES, "EnableInsights")
    account = Account(clock=clock)
    assert removed(account) == 1
    assert account.calls == [] and "not one of fargaze" in capsys.readouterr().err


SAMCONFIG = """
[default.global.parameters]
profile = "everything"

[default.deploy.parameters]
region = "eu-west-1"
profile = "platform"

[production.global.parameters]
region = "us-east-1"

[bare.deploy.parameters]
resolve_s3 = true
"""


@pytest.mark.parametrize(("arguments", "deploys_to"), [
    ([], ("platform", "eu-west-1")),
    (["default"], ("platform", "eu-west-1")),
    (["production"], (None, "us-east-1")),
    (["bare"], (None, None)),
])
def test_it_deletes_where_make_deploy_deploys_to(clock, tmp_path, arguments: list[str], deploys_to: tuple) -> None:
    (tmp_path / "samconfig.toml").write_text(SAMCONFIG)
    account, asked = Account(clock=clock), []
    assert delete.main(["fargaze", *arguments], lambda *where: asked.append(where) or account, "fargaze", None, tmp_path) == 0
    assert asked == [deploys_to]


@pytest.mark.parametrize(("samconfig", "environment", "said"), [
    (SAMCONFIG, "staging", "has no section [staging."),
    ("[default", "default", "cannot be read"),
    (None, "production", "samconfig.toml is missing"),
])
def test_it_deletes_nothing_where_the_file_does_not_say_where(
    clock, tmp_path, capsys, samconfig: str | None, environment: str, said: str
) -> None:
    if samconfig is not None:
        (tmp_path / "samconfig.toml").write_text(samconfig)
    account = Account(clock=clock)
    assert delete.main(["fargaze", environment], lambda *where: account, "fargaze", None, tmp_path) == 1
    assert account.calls == [] and said in capsys.readouterr().err


PROFILES = """
[default]
region = eu-north-1
[profile platform]
region = eu-central-1
aws_access_key_id = x
aws_secret_access_key = x
"""


@pytest.mark.parametrize(("profile", "region", "environment", "used"), [
    ("platform", "eu-west-1", {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-2"}, "eu-west-1"),
    (None, None, {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-2"}, "us-east-1"),
    ("platform", None, {"AWS_REGION": "us-east-2"}, "eu-central-1"),
    (None, None, {"AWS_PROFILE": "platform"}, "eu-central-1"),
    (None, None, {"AWS_CONFIG_FILE": "/dev/null", "AWS_REGION": "us-east-2"}, "us-east-2"),
])
def test_what_the_file_omits_comes_from_the_environment_as_sam_reads_it(
    tmp_path, monkeypatch, profile: str | None, region: str | None, environment: dict, used: str
) -> None:
    (tmp_path / "config").write_text(PROFILES)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", **environment}.items():
        monkeypatch.setenv(name, value)
    assert delete.connect(profile, region)("cloudformation").meta.region_name == used


def test_a_profile_that_is_not_there_is_said(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    (tmp_path / "samconfig.toml").write_text(SAMCONFIG)
    assert delete.main(["fargaze"], delete.connect, "fargaze", None, tmp_path) == 1
    assert "platform" in capsys.readouterr().err


def test_account_and_region_are_said_before_it_asks(clock, capsys) -> None:
    said = []
    assert removed(Account(clock=clock), "", lambda text: said.append(capsys.readouterr().out) or "no") == 1
    assert "account 123456789012 in eu-west-1" in said[0]
