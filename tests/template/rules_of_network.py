"""What template.yaml must hold of functions that reach private API servers of EKS clusters."""

from __future__ import annotations

from rules import CONNECTS, rule
from template import Template, actions

# The two that talk to Kubernetes.
IN_VPC = {"CollectPods", "EnableInsights"}


@rule
def what_asks_kubernetes_runs_in_the_vpc_if_there_is_one_and_nothing_else_does(template: Template) -> None:
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
    # Lambda refuses to make a function in a VPC whose role cannot connect it yet.
    policy = template.resources["ConnectToVpc"]
    assert policy["Condition"] == "IsInVpc"
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert set(actions(statement)) == CONNECTS
    attached = {"Fn::If": ["IsInVpc", {"Ref": "ConnectToVpc"}, {"Ref": "AWS::NoValue"}]}
    roles = template.of_type("AWS::IAM::Role").items()
    able = {name for name, role in roles if attached in role.get("ManagedPolicyArns", [])}
    assert able == {template.role_of(name) for name in IN_VPC}
    # Attached from the policy's side, a role may be there before it.
    assert "Roles" not in policy["Properties"]
