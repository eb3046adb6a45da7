"""Deploys template.yaml with CloudFormation as `sam deploy` does, and deletes a stack.

The template is used as it is. As in `sam package`, two things are rewritten: each function's CodeUri and the state
machine's DefinitionUri become their S3 locations. That is done on YAML's own tree of nodes, so that CloudFormation's
tags (!Ref, !Sub, ...) pass through unchanged.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import botocore.exceptions
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"

DEADLINE_SECONDS = 300


class DeploymentError(RuntimeError):
    """CloudFormation failed; the message has its reasons."""


def function_binaries(template: Path = TEMPLATE) -> dict[str, str]:
    """Logical id of each function -> the binary that is its bootstrap."""
    found = {}
    for logical_id, resource in entries(entry(yaml.compose(template.read_text()), "Resources")):
        if entry(resource, "Type").value == "AWS::Serverless::Function":
            build = entry(entry(resource, "Metadata"), "BuildProperties")
            found[logical_id.value] = entry(build, "Binary").value
    return found


def package(code: dict[str, Path], s3, bucket: str, template: Path = TEMPLATE) -> str:
    """Uploads each function's zip and the state machine, and returns the template with their locations."""
    document = yaml.compose(template.read_text())
    resources = entry(document, "Resources")
    for logical_id, archive in code.items():
        properties = entry(entry(resources, logical_id), "Properties")
        uri = upload(archive.read_bytes(), "zip", s3, bucket)
        properties.value.insert(0, (text("CodeUri"), text(uri)))
    for _, resource in entries(resources):
        if entry(resource, "Type").value == "AWS::Serverless::StateMachine":
            path = entry(entry(resource, "Properties"), "DefinitionUri")
            path.value = upload(definition(template.parent / path.value).encode(), "json", s3, bucket)
    return yaml.serialize(document, width=1 << 16)


def upload(content: bytes, suffix: str, s3, bucket: str) -> str:
    """Its location. The key is the hash of the content, so deploying the same code is a deployment without changes."""
    key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


class Definition(yaml.SafeLoader):
    """Reads a state machine and marks the unquoted placeholders: they become numbers."""


Definition.add_implicit_resolver("!placeholder", re.compile(r"\$\{\w+\}$"), ["$"])
Definition.add_constructor("!placeholder", lambda loader, node: f"\0{node.value}\0")


def definition(path: Path) -> str:
    """A state machine as JSON, the only format that the local AWS reads; AWS itself accepts the YAML.

    Both substitute the values of the template's DefinitionSubstitutions before they parse the text.
    """
    found = json.dumps(yaml.load(path.read_text(), Definition), indent=1)
    return re.sub(r'"\\u0000(\$\{\w+\})\\u0000"', r"\1", found)


def template_url(location: str, region: str) -> str:
    """Where CloudFormation finds an uploaded template, which may be longer than one in the request."""
    return location.replace("s3://", f"https://s3.{region}.amazonaws.com/")


def deploy(cloudformation, stack: str, url: str, parameters: dict[str, str] | None = None) -> bool:
    """Creates or updates the stack with a change set, as `sam deploy` does. False: there was nothing to change."""
    exists = stack_status(cloudformation, stack) is not None
    kind = "UPDATE" if exists else "CREATE"
    change_set = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"deploy-{time.time_ns()}",
        ChangeSetType=kind,
        TemplateURL=url,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
    )["Id"]
    made = await_change_set(cloudformation, change_set)
    if made["Status"] == "FAILED":
        reason = made.get("StatusReason", "")
        cloudformation.delete_change_set(ChangeSetName=change_set)
        if "didn't contain changes" in reason or "No updates are to be performed" in reason:
            return False
        raise DeploymentError(f"the change set of {stack} failed: {reason}")
    cloudformation.execute_change_set(ChangeSetName=change_set)
    await_stack(cloudformation, stack, f"{kind}_COMPLETE")
    return True


def outputs(cloudformation, stack: str) -> dict[str, str]:
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def resources(cloudformation, stack: str) -> dict[str, dict]:
    """Logical id -> what CloudFormation knows of each resource."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {resource["LogicalResourceId"]: resource for page in pages for resource in page["StackResourceSummaries"]}


def empty(s3, bucket: str) -> int:
    """Deletes every version and delete marker. Returns their number."""
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if versions:
            keys = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            for error in answer.get("Errors", []):
                raise DeploymentError(f"could not delete {error['Key']} in {bucket}: {error['Code']}")
            count += len(keys)
    return count


def stack_status(cloudformation, stack: str) -> str | None:
    """The stack's status, or None if there is no such stack."""
    try:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    # A change set that was never executed leaves an empty stack.
    return None if status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else status


def await_change_set(cloudformation, change_set: str) -> dict:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        described = cloudformation.describe_change_set(ChangeSetName=change_set)
        if described["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return described
        time.sleep(0.2)
    raise DeploymentError(f"the change set {change_set} was not ready within {DEADLINE_SECONDS} s")


def await_stack(cloudformation, stack: str, wanted: str, seconds: float = DEADLINE_SECONDS, note=lambda text: None) -> None:
    """Waits for the wanted status. `note` gets a line once a minute: what CloudFormation is still working on."""
    start = time.monotonic()
    status, noted, pause = None, start, 0.2
    while time.monotonic() < start + seconds:
        try:
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except botocore.exceptions.ClientError as error:
            if wanted == "DELETE_COMPLETE" and "does not exist" in str(error):
                return
            raise
        if status == wanted:
            return
        if status.endswith("_FAILED") or "ROLLBACK" in status:
            raise DeploymentError(f"{stack} is {status}:\n{reasons(cloudformation, stack)}")
        if time.monotonic() >= noted + 60:
            noted = time.monotonic()
            busy = [name for name, resource in resources(cloudformation, stack).items()
                    if resource["ResourceStatus"].endswith("_IN_PROGRESS")]
            note(f"{(noted - start) / 60:.0f} min: {status}, working on {', '.join(busy) or 'nothing that it names'}")
        time.sleep(pause)
        # A local AWS finishes in a second; the real one is polled less often.
        pause = min(pause * 1.2, 10)
    raise DeploymentError(f"{stack} was not {wanted} within {seconds:.0f} s, it is {status}")


def reasons(cloudformation, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)


def text(value: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)


def entries(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value


def entry(node: yaml.MappingNode, name: str) -> yaml.Node:
    for key, value in node.value:
        if key.value == name:
            return value
    raise KeyError(name)
