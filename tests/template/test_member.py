"""Issue 14, point 6: member.template.yaml gives other accounts' roles the permissions that the functions use, and no
other caller."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rules_of_operation  # noqa: F401 one of its rules holds here, too
from intrinsics import Values
from rules import CHANGES, RULES
from template import MEMBER_TEMPLATE, ROOT, Template, actions, as_list

HOME = Template.of_project()
MEMBER = Template.of_member()

# Who assumes a role: functions of the home stack, by the names of their roles.
TRUSTED = {
    "Reader": ["CollectMetrics", "CollectPods", "EnableInsights"],
    "LogReader": ["CollectLogs"],
    "Changer": ["EnableInsights"],
}
# GetMetricStatistics is for manual queries, which only apply to the home account.
AT_HOME_ONLY = {"cloudwatch:GetMetricStatistics"}
# Lambda writes the function's own log with them.
OF_OWN_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
GIVEN = {"HomeAccount": "123456789012", "ExternalId": "a-text"}

SHARED = [
    "nothing_is_allowed_by_wildcard_action",
    "only_actions_without_resource_are_allowed_on_all",
    "no_policy_of_aws_is_attached",
    "no_arn_names_a_partition",
]


@pytest.mark.parametrize("name", SHARED)
def test_rule_of_the_home_stack_holds(name: str) -> None:
    RULES[name](MEMBER)


def test_cfn_lint_finds_nothing() -> None:
    lint = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(MEMBER_TEMPLATE)], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def is_plain(member: Template) -> None:
    # The default role of service-managed stack sets cannot run a transform.
    assert "Transform" not in member.document


def reader_reads_what_the_functions_read(member: Template) -> None:
    wanted = elsewhere("CollectMetrics") | elsewhere("CollectPods") | elsewhere("EnableInsights")
    assert allowed(member, "Reader") == wanted - CHANGES


def changer_has_the_permissions_of_the_one_function_that_changes(member: Template) -> None:
    assert allowed(member, "Changer") == elsewhere("EnableInsights")
    assert CHANGES < allowed(member, "Changer")


def log_reader_reads_what_the_function_reads(member: Template) -> None:
    assert allowed(member, "LogReader") == elsewhere("CollectLogs")


def rights_are_on_what_they_are_on_at_home(member: Template) -> None:
    at_home = {
        action: resources
        for function in ("CollectMetrics", "CollectPods", "CollectLogs", "EnableInsights")
        for action, resources in held(HOME, HOME.role_of(function)).items()
    }
    for role in ("Reader", "LogReader", "Changer"):
        for action, (resources, condition) in held(member, role).items():
            wanted, wanted_condition = at_home[action]
            assert wanted <= resources and condition == wanted_condition, f"{role}: {action}"
            # Only of the same service, and only with one that IAM supports for the action.
            assert ("*" in resources) == ("*" in wanted), f"{role}: {action}"


def only_functions_of_the_home_stack_with_the_external_id_are_trusted(member: Template) -> None:
    assert member.of_type("AWS::IAM::Role").keys() == TRUSTED.keys()
    for role, functions in TRUSTED.items():
        [statement] = member.properties(role)["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole" and statement["Effect"] == "Allow", role
        assert statement["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${HomeAccount}:root"}}, role
        assert statement["Condition"] == {
            "StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}},
            "ArnLike": {"aws:PrincipalArn": [
                {"Fn::Sub": (
                    "arn:${AWS::Partition}:iam::${HomeAccount}:role${HomeRolePath}${HomeStack}-" + function + "Role-*"
                )}
                for function in functions
            ]},
        }, role


def names_of_home_roles_are_not_cut_off(member: Template) -> None:
    # STACK-EnableInsightsRole- and twelve or thirteen characters must fit into 64.
    pattern = member.parameters["HomeStack"]["AllowedPattern"]
    longest = max(length for length in range(1, 65) if re.search(pattern, "a" * length))
    functions = {function for functions in TRUSTED.values() for function in functions}
    assert max(len(f"-{function}Role-") for function in functions) + 13 + longest <= 64


def roles_have_the_names_that_the_home_stack_expects(member: Template) -> None:
    prefix = member.parameters["RolePrefix"]["Default"]
    names = {role: member.properties(role)["RoleName"]["Fn::Sub"].replace("${RolePrefix}", prefix) for role in TRUSTED}
    assert names == {"Reader": "fargaze-reader", "LogReader": "fargaze-log-reader", "Changer": "fargaze-changer"}
    assert HOME.parameters["TargetRoleName"]["Default"] == names["Reader"]
    assert HOME.parameters["TargetChangerRoleName"]["Default"] == names["Changer"]
    assert HOME.parameters["TargetLogReaderRoleName"]["Default"] == names["LogReader"]
    for parameter in ("TargetRoleName", "TargetChangerRoleName", "TargetLogReaderRoleName"):
        pattern = HOME.parameters[parameter]["AllowedPattern"]
        assert re.search(pattern, "teams/platform/fargaze-reader")
        assert not re.search(pattern, "/fargaze-reader") and not re.search(pattern, "teams/*")


def roles_are_created_once_and_only_on_request(member: Template) -> None:
    def made(region: str, **parameters: str) -> set[str]:
        values = Values(member, **GIVEN, **parameters)
        values.parameters["AWS::Region"] = region
        return {name for name in TRUSTED if values.of({"Condition": member.resources[name]["Condition"]})}

    assert made("eu-west-1") == {"Reader"}
    assert made("eu-west-1", Change="true") == {"Reader", "Changer"}
    everything = {"ReadLogs": "true", "Change": "true"}
    assert made("eu-west-1", RolesRegion="eu-west-1", **everything) == set(TRUSTED)
    assert made("us-east-1", RolesRegion="eu-west-1", **everything) == set()
    # A stack without any resource is refused.
    assert [name for name, resource in member.resources.items() if "Condition" not in resource] == ["Nothing"]
    for output, role in (("ReaderArn", "Reader"), ("LogReaderArn", "LogReader"), ("ChangerArn", "Changer")):
        assert member.document["Outputs"][output]["Condition"] == member.resources[role]["Condition"], output


def the_external_id_is_required_and_not_shown(member: Template) -> None:
    parameter = member.parameters["ExternalId"]
    assert parameter["NoEcho"] is True and "Default" not in parameter and parameter["MinLength"] == 2
    assert "Default" not in member.parameters["HomeAccount"]
    assert "ExternalId" not in str(member.document["Outputs"])


def every_role_can_be_bounded(member: Template) -> None:
    RULES["every_role_can_be_bounded_and_has_its_path"](member)


# ---------------------------------------------------------------- each rule with a fault that it
# detects


def transform(member: Template) -> None:
    member.document["Transform"] = "AWS::Serverless-2016-10-31"


def reader_that_changes(member: Template) -> None:
    member.role_statements("Reader")[0]["Action"].append("ecs:UpdateClusterSettings")


def reader_that_cannot_see(member: Template) -> None:
    member.role_statements("Reader")[0]["Action"].remove("eks:ListClusters")


def changer_that_deletes(member: Template) -> None:
    member.role_statements("Changer")[3]["Action"].append("ecs:DeleteCluster")


def log_reader_that_cannot_query(member: Template) -> None:
    [queries] = [statement for statement in member.role_statements("LogReader") if "logs:StartQuery" in statement["Action"]]
    queries["Action"].remove("logs:StartQuery")


def log_reader_that_deletes(member: Template) -> None:
    member.role_statements("LogReader")[0]["Action"].append("logs:DeleteLogGroup")


def changer_of_everything(member: Template) -> None:
    member.role_statements("Changer")[3]["Resource"] = "*"


def whole_account(member: Template) -> None:
    del member.properties("Reader")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["ArnLike"]


def without_external_id(member: Template) -> None:
    del member.properties("Changer")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]


def long_stack(member: Template) -> None:
    member.parameters["HomeStack"]["AllowedPattern"] = "^[A-Za-z][A-Za-z0-9-]{0,40}$"


def another_name(member: Template) -> None:
    member.properties("Changer")["RoleName"] = {"Fn::Sub": "${RolePrefix}-writer"}


def in_every_region(member: Template) -> None:
    member.document["Conditions"]["MakesRoles"] = {"Fn::Equals": ["a", "a"]}


def shown(member: Template) -> None:
    del member.parameters["ExternalId"]["NoEcho"]


def unbounded(member: Template) -> None:
    del member.properties("LogReader")["PermissionsBoundary"]


FAULTS: list[tuple[Callable[[Template], None], Callable[[Template], None]]] = [
    (is_plain, transform),
    (reader_reads_what_the_functions_read, reader_that_changes),
    (reader_reads_what_the_functions_read, reader_that_cannot_see),
    (changer_has_the_permissions_of_the_one_function_that_changes, changer_that_deletes),
    (log_reader_reads_what_the_function_reads, log_reader_that_deletes),
    (log_reader_reads_what_the_function_reads, log_reader_that_cannot_query),
    (rights_are_on_what_they_are_on_at_home, changer_of_everything),
    (only_functions_of_the_home_stack_with_the_external_id_are_trusted, whole_account),
    (only_functions_of_the_home_stack_with_the_external_id_are_trusted, without_external_id),
    (names_of_home_roles_are_not_cut_off, long_stack),
    (roles_have_the_names_that_the_home_stack_expects, another_name),
    (roles_are_created_once_and_only_on_request, in_every_region),
    (the_external_id_is_required_and_not_shown, shown),
    (every_role_can_be_bounded, unbounded),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _ in FAULTS), ids=lambda rule: rule.__name__)
def test_member_template_holds(rule: Callable[[Template], None]) -> None:
    rule(MEMBER)


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=lambda function: function.__name__)
def test_rule_notices(rule: Callable[[Template], None], fault: Callable[[Template], None]) -> None:
    broken = MEMBER.copy()
    fault(broken)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        rule(broken)


# ---------------------------------------------------------------- helpers


def elsewhere(function: str) -> set[str]:
    """The permissions of a function's role for other accounts, too: not its bucket, table, queue and log."""
    services = ("ecs:", "eks:", "cloudwatch:", "logs:")
    return {action for action in held(HOME, HOME.role_of(function)) if action.startswith(services)} - AT_HOME_ONLY - OF_OWN_LOG


def allowed(template: Template, role: str) -> set[str]:
    return set(held(template, role))


def held(template: Template, role: str) -> dict[str, tuple[set[str], dict | None]]:
    """Action -> resources on which the role has it, and the condition."""
    return {
        action: (
            {resource["Fn::Sub"] if isinstance(resource, dict) and "Fn::Sub" in resource else str(resource)
             for resource in as_list(statement["Resource"])},
            statement.get("Condition"),
        )
        for statement in template.role_statements(role)
        if statement["Effect"] == "Allow"
        for action in actions(statement)
    }
