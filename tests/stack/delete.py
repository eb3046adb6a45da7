"""`make delete STACK=fargaze`: takes a stack out of your AWS account, with everything it stored.

CloudFormation deletes no bucket that holds anything, and the versions that lifecycle rules have not removed yet count too.
So the buckets are emptied first.
"""

from __future__ import annotations

import sys

import boto3
import botocore.exceptions

import deployment


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: delete.py STACK", file=sys.stderr)
        return 2
    stack = sys.argv[1]
    try:
        cloudformation = boto3.client("cloudformation")
        region = cloudformation.meta.region_name
        if deployment.stack_status(cloudformation, stack) is None:
            print(f"There is no stack {stack} in {region}.", file=sys.stderr)
            return 1
        # By its resources, not its outputs: a stack whose creation failed has none, and wants deleting all the same.
        if not {"Run", "EnableInsights", "Bucket"} <= deployment.resources(cloudformation, stack).keys():
            print(f"The stack {stack} in {region} is not one of fargaze; nothing was deleted.", file=sys.stderr)
            return 1
        account = boto3.client("sts").get_caller_identity()["Account"]
        print(f"This deletes the stack {stack} of account {account} in {region}, and everything in its bucket.")
        if sys.stdin.isatty() and input(f"Type {stack} to go on: ").strip() != stack:
            print("Nothing was deleted.")
            return 1
        deployment.delete(cloudformation, boto3.client("s3"), stack)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, deployment.DeploymentError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{stack} is gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
