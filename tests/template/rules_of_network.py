"""Requirements on template.yaml for functions that reach private API servers of EKS clusters."""

from __future__ import annotations

from fnmatch import fnmatchcase

from rules import CONNECTS, rule
from template import Template, actions

# Those that talk to Kubernetes; CollectLogs reads the logs of pods.
IN_VPC = {"CollectPods", "CollectLogs", "EnableInsights"}


@rule
def functions_that_call_kubernetes_run_in_the_vpc_if_there_is_one_and_no_others_do(template: Template) -> None:
    configured = {name: function["VpcConfig"] for name, function in template.functions.items() if "VpcConfig" in function}
    assert configured.keys() == IN_VPC
    for name, config in configured.items():
        condition, inside, outside = config["Fn::If"]
        assert condition == "IsInVpc" and outside == {"Ref": "AWS::NoValue"}, name
        assert inside == {
            "SubnetIds": {"Ref": "VpcSubnetIds"},
            "SecurityGroupIds": {"Ref": "VpcSecurityGroupIds"},
        }, name


@rule
def what_runs_in_the_vpc_may_connect_before_it_is_made(template: Template) -> None:
    # Lambda refuses to create a function in a VPC whose role cannot connect it yet.
    policy = template.resources["ConnectToVpc"]
    assert policy["Condition"] == "IsInVpc"
    statement = policy["Properties"]["PolicyDocument"]["Statement"][0]
    assert statement["Effect"] == "Allow" and set(actions(statement)) == CONNECTS
    attached = {"Fn::If": ["IsInVpc", {"Ref": "ConnectToVpc"}, {"Ref": "AWS::NoValue"}]}
    roles = template.of_type("AWS::IAM::Role").items()
    able = {name for name, role in roles if attached in role.get("ManagedPolicyArns", [])}
    assert able == {template.role_of(name) for name in IN_VPC}
    # Attached from the policy's side, a role may exist before it.
    assert "Roles" not in policy["Properties"]


@rule
def code_in_the_vpc_cannot_use_what_lambda_needs(template: Template) -> None:
    """Issue 14, point 9: Lambda connects a function with the function's own permissions, so they are denied to its
    code."""
    [_, refusal] = template.properties("ConnectToVpc")["PolicyDocument"]["Statement"]
    assert refusal["Effect"] == "Deny" and refusal["Resource"] == "*"
    assert all(any(fnmatchcase(action, pattern) for pattern in actions(refusal)) for action in CONNECTS)
    # The key is present only in calls of a function's code, not in those that Lambda makes for it.
    assert refusal["Condition"] == {
        "ArnLike": {
            "lambda:SourceFunctionArn": {"Fn::Sub": "arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:*"}
        }
    }
