"""`make delete STACK=fargaze`: deletes a stack from your AWS account, with everything it stored.

CloudFormation deletes no bucket that is not empty, and the versions that lifecycle rules have not removed yet count,
too. So first nothing starts any more, then the buckets are emptied, then the stack is deleted. Without a terminal there
is no prompt, so CONFIRM must be the stack's name. Region and profile are those with which `make deploy` deploys.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import botocore.exceptions

import deployment
import samconfig

# Lambda releases the network interfaces of functions in a VPC after about 20 minutes, sometimes 40
# (AWS Lambda Developer Guide, "Understanding Hyperplane Elastic Network Interfaces"), and
# CloudFormation waits for it.
DEADLINE_SECONDS = 60 * 60

IS_OURS = {"Run", "EnableInsights", "Bucket"}
# Fields that GetSchedule returns and UpdateSchedule does not accept, or that change.
ANSWERED_ONLY = {"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata", "State"}
# AWS's error codes for a resource that an earlier, interrupted deletion has deleted already.
MISSING = {"ResourceNotFoundException", "StateMachineDoesNotExist", "StateMachineDeleting"}


def main(
    arguments: list[str], connect: Callable, confirmed: str, ask: Callable[[str], str] | None, root: Path = deployment.ROOT
) -> int:
    """`connect` takes profile and Region and returns a client factory, `confirmed` is the value of CONFIRM, `ask` is
    None without a terminal.
    """
    if len(arguments) not in (1, 2):
        print("usage: delete.py STACK [CONFIG_ENV]", file=sys.stderr)
        return 2
    stack, environment = arguments[0], (arguments[1:] or ["default"])[0]
    try:
        client = connect(*where(root / "samconfig.toml", environment))
        cloudformation = client("cloudformation")
        region, account = cloudformation.meta.region_name, client("sts").get_caller_identity()["Account"]
        if deployment.stack_status(cloudformation, stack) is None:
            print(f"There is no stack {stack} of account {account} in {region}.", file=sys.stderr)
            return 1
        # By its resources, not its outputs: a stack whose creation failed has none, and still must
        # be deleted.
        resources = deployment.resources(cloudformation, stack)
        if not IS_OURS <= resources.keys():
            print(f"The stack {stack} of account {account} in {region} is not one of fargaze; nothing was deleted.", file=sys.stderr)
            return 1
        print(what_goes(stack, account, region))
        if refusal := refused(stack, confirmed, ask):
            print(f"{refusal} Nothing was deleted.", file=sys.stderr)
            return 1
        stop_what_starts(client, resources)
        stop_what_runs(client, resources)
        delete(client, stack)
    except samconfig.Unusable as unusable:
        print(f"{unusable} Nothing was deleted.", file=sys.stderr)
        return 1
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, deployment.DeploymentError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. AWS continues what was begun; `make delete STACK={stack}` continues.", file=sys.stderr)
        return 130
    print(f"{stack} is deleted.")
    return 0


def where(config: Path, environment: str) -> tuple[str | None, str | None]:
    """Profile and Region of `sam deploy`; the environment's where the file has none, or where there is no file."""
    if not config.exists() and environment == "default":
        return None, None
    found = samconfig.parameters(samconfig.read(config, environment), "deploy")
    return found.get("profile"), found.get("region")


def connect(profile: str | None, region: str | None) -> Callable:
    # SAM knows AWS_DEFAULT_REGION and the profile's Region, like boto3. AWS_REGION comes after
    # those, so that nothing is deleted in a Region other than the one of the deployment.
    session = boto3.Session(profile_name=profile, region_name=region)
    return boto3.Session(profile_name=profile, region_name=session.region_name or os.environ.get("AWS_REGION")).client


def what_goes(stack: str, account: str, region: str) -> str:
    return (
        f"This deletes the stack {stack} of account {account} in {region}, and all it holds:\n"
        "- the bucket with fargaze.yaml, the reports and every snapshot;\n"
        "- the table with the state of the alarms and the change log. Without the change log nothing can roll back what\n"
        "  fargaze changed in your clusters. To do so, start the state machine with {\"kind\":\"rollback\"} first, and wait for its mail.\n"
        "What fargaze set in your clusters stays as it is."
    )


def refused(stack: str, confirmed: str, ask: Callable[[str], str] | None) -> str | None:
    """Why it must not be deleted, or None."""
    if confirmed:
        return None if confirmed == stack else f"CONFIRM is {confirmed}, the stack is {stack}."
    if ask is None:
        return (
            "There is no terminal for a prompt. To delete it anyway, pass its name: "
            f"make delete STACK={stack} CONFIRM={stack}."
        )
    return None if ask(f"Type {stack} to continue: ").strip() == stack else "That is not its name."


def stop_what_starts(client: Callable, resources: dict[str, dict]) -> None:
    """The schedules, and the mapping by which Lambda reads the queue of cluster events."""
    scheduler, functions = client("scheduler"), client("lambda")
    for name in of_type(resources, "AWS::Scheduler::Schedule"):
        unless_missing(lambda: disable(scheduler, name))
    for mapping in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        unless_missing(lambda: functions.update_event_source_mapping(UUID=mapping, Enabled=False))
    print("Nothing starts any more: schedules and the queue's mapping are disabled.")


def disable(scheduler, name: str) -> None:
    schedule = scheduler.get_schedule(Name=name)
    # An update replaces the whole schedule, so all fields are repeated.
    said = {key: value for key, value in schedule.items() if key not in ANSWERED_ONLY}
    scheduler.update_schedule(**said, State="DISABLED")


def stop_what_runs(client: Callable, resources: dict[str, dict]) -> None:
    step_functions = client("stepfunctions")
    for machine in of_type(resources, "AWS::StepFunctions::StateMachine"):
        pages = unless_missing(lambda: [*step_functions.get_paginator("list_executions").paginate(
            stateMachineArn=machine, statusFilter="RUNNING"
        )])
        running = [run["executionArn"] for page in pages or [] for run in page["executions"]]
        for run in running:
            unless_missing(lambda: step_functions.stop_execution(executionArn=run, cause="make delete"))
        if running:
            print(f"Stopped {len(running)} runs.")


def unless_missing(call: Callable):
    """The response of the call; None if the resource is already deleted."""
    try:
        return call()
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        return None


def delete(client: Callable, stack: str) -> None:
    cloudformation, s3 = client("cloudformation"), client("s3")
    # By its id, because a deleted stack can no longer be found by its name.
    stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    print("Deleting the stack takes a few minutes; with VpcSubnetIds 20 to 40, until Lambda has given its network interfaces back.")
    for is_last in (False, True):
        for bucket in of_type(deployment.resources(cloudformation, stack_id), "AWS::S3::Bucket"):
            count = deployment.empty(s3, bucket)
            print(f"Emptied {bucket}: {count} versions of objects.")
        cloudformation.delete_stack(StackName=stack_id)
        try:
            deployment.await_stack(cloudformation, stack_id, "DELETE_COMPLETE", DEADLINE_SECONDS, note=print)
            return
        except deployment.DeploymentError:
            # A running function may have written one more object; without the functions, nothing
            # does.
            if is_last or not of_type(deployment.resources(cloudformation, stack_id), "AWS::S3::Bucket"):
                raise
            print("The bucket was not empty after all; once more.")


def of_type(resources: dict[str, dict], kind: str) -> list[str]:
    """Physical ids of those that still exist."""
    return [
        resource["PhysicalResourceId"]
        for resource in resources.values()
        if resource["ResourceType"] == kind and resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


if __name__ == "__main__":
    sys.exit(main(
        sys.argv[1:], connect, os.environ.get("CONFIRM", ""), input if sys.stdin.isatty() else None
    ))
