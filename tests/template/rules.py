"""Requirements on template.yaml that no linter knows. Each rule is one function; test_rules.py shows that each can
fail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from template import Template, actions, as_list, function_folders, if_so, pascal_case

RULES: dict[str, Callable[[Template], None]] = {}

# The actions that Lambda needs to connect a function to a VPC.
CONNECTS = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}

# IAM knows no resource for these, so "*" is the only possible value.
ACTIONS_WITHOUT_RESOURCE = {
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListAccountSettings",
    "ecs:DescribeTaskDefinition",
    "eks:ListClusters",
    "cloudwatch:ListMetrics",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    *CONNECTS,
    # The eight actions that Step Functions needs for log delivery.
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    # A query of Logs Insights is identified by its id alone.
    "logs:GetQueryResults",
    "logs:StopQuery",
}

# These can be restricted in another way.
CONDITIONS = {
    "ecs:PutAccountSettingDefault": {"StringEquals": {"ecs:account-setting": "containerInsights"}},
    "ecs:ListTasks": {
        "ArnLike": {"ecs:cluster": {"Fn::Sub": "arn:${AWS::Partition}:ecs:*:${AWS::AccountId}:cluster/*"}}
    },
}

# Actions that change anything outside the stack.
CHANGES = {
    "ecs:UpdateClusterSettings",
    "ecs:PutAccountSettingDefault",
    "eks:UpdateClusterConfig",
    "eks:CreateAddon",
    "eks:DeleteAddon",
    "logs:PutRetentionPolicy",
    "logs:DeleteRetentionPolicy",
}

TRUSTED_SERVICES = {"lambda.amazonaws.com", "states.amazonaws.com", "scheduler.amazonaws.com"}


def rule(check: Callable[[Template], None]) -> Callable[[Template], None]:
    RULES[check.__name__] = check
    return check


# ---------------------------------------------------------------- functions


@rule
def every_folder_is_a_function_and_every_function_a_folder(template: Template) -> None:
    assert {template.folder(function): function for function in template.functions} == {
        folder: pascal_case(folder) for folder in function_folders()
    }


@rule
def functions_are_built_and_run_as_bootstraps(template: Template) -> None:
    for name, function in template.functions.items():
        assert template.resources[name]["Metadata"]["BuildMethod"] == "rust-cargolambda", name
        assert function["Runtime"] == "provided.al2023", name
        assert function["Handler"] == "bootstrap", name
        assert function["Architectures"] == [{"Ref": "Architecture"}], name
        assert function["Tracing"] == "Active", name


@rule
def every_function_says_its_timeout_and_memory(template: Template) -> None:
    for name, function in template.functions.items():
        assert 1 <= function["Timeout"] <= 900, name
        assert 128 <= function["MemorySize"] <= 10240, name


@rule
def every_function_has_a_log_group_of_its_own_that_forgets(template: Template) -> None:
    groups = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()]
    assert len(set(groups)) == len(template.functions)
    for group in template.of_type("AWS::Logs::LogGroup"):
        assert template.properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}, group
    assert set(groups) <= template.of_type("AWS::Logs::LogGroup").keys()
    for name, function in template.functions.items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name


@rule
def no_function_reserves_concurrency(template: Template) -> None:
    # A new account may run ten functions concurrently; a reservation would make the deployment
    # fail.
    for name, function in template.functions.items():
        assert "ReservedConcurrentExecutions" not in function, name
        assert "ProvisionedConcurrencyConfig" not in function, name


@rule
def no_variable_holds_a_secret_or_anything_fixed(template: Template) -> None:
    for name, function in template.functions.items():
        for variable, value in function["Environment"]["Variables"].items():
            assert re.fullmatch(r"FARGAZE_[A-Z_]+", variable), f"{name}: {variable}"
            assert not re.search(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|API_KEY", variable), f"{name}: {variable}"
            assert isinstance(value, dict) and value.keys() <= {"Ref", "Fn::GetAtt"}, (
                f"{name}: {variable} is written into the template; make it a parameter"
            )


@rule
def no_parameter_is_required(template: Template) -> None:
    for name, parameter in template.parameters.items():
        assert "Default" in parameter, name
        assert parameter["Description"], name


# ---------------------------------------------------------------- permissions


@rule
def every_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [template.role_of(function) for function in template.functions]
    assert len(set(roles)) == len(roles)


@rule
def roles_are_taken_on_by_one_service_only(template: Template) -> None:
    for name, role in template.transformed.of_type("AWS::IAM::Role").items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            services = as_list(statement["Principal"]["Service"])
            assert statement["Principal"].keys() == {"Service"} and len(services) == 1, name
            assert services[0] in TRUSTED_SERVICES, name


@rule
def no_policy_of_aws_is_attached(template: Template) -> None:
    # AWS changes them, and they allow more than is called.
    for name, role in template.transformed.of_type("AWS::IAM::Role").items():
        for attached in role.get("ManagedPolicyArns", []):
            assert if_so(attached)["Ref"] in template.resources, f"{name}: {attached}"


@rule
def nothing_is_allowed_by_wildcard_action(template: Template) -> None:
    for name, statement in all_statements(template):
        assert "NotAction" not in statement and "NotResource" not in statement, name
        if statement["Effect"] == "Allow" and (name, statement["Sid"]) != ("TopicKey", "AccountDecides"):
            for action in actions(statement):
                assert "*" not in action, f"{name}: {action}"


@rule
def only_actions_without_resource_are_allowed_on_all(template: Template) -> None:
    for role in template.transformed.of_type("AWS::IAM::Role"):
        for statement in template.transformed.role_statements(role):
            if statement["Effect"] == "Allow" and "*" in as_list(statement["Resource"]):
                for action in set(actions(statement)) - ACTIONS_WITHOUT_RESOURCE:
                    assert statement.get("Condition") == CONDITIONS[action], f"{role}: {statement['Sid']}"


@rule
def only_enable_insights_changes_clusters_and_nothing_but_settings(template: Template) -> None:
    able = {
        (role, action)
        for role in template.transformed.of_type("AWS::IAM::Role")
        for statement in template.transformed.role_statements(role)
        for action in actions(statement)
        if action in CHANGES or action.startswith(("ecs:", "eks:")) and not re.match(r"e[ck]s:(List|Describe)", action)
    }
    assert able == {(template.role_of("EnableInsights"), action) for action in CHANGES}


@rule
def only_forward_summary_publishes(template: Template) -> None:
    able = {
        role
        for role in template.transformed.of_type("AWS::IAM::Role")
        for statement in template.transformed.role_statements(role)
        if "sns:Publish" in actions(statement)
    }
    assert able == {template.role_of("ForwardSummary")}


@rule
def other_accounts_are_reached_by_the_named_roles_only(template: Template) -> None:
    """Issue 14, point 6: a reading function cannot assume the role of a changing one."""
    reader, changer, log_reader = (
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::*:role/${{{name}}}"}
        for name in ("TargetRoleName", "TargetChangerRoleName", "TargetLogReaderRoleName")
    )
    assert {
        role: as_list(statement["Resource"])
        for role in template.of_type("AWS::IAM::Role")
        for statement in template.role_statements(role)
        if "sts:AssumeRole" in actions(statement)
    } == {
        template.role_of("CollectMetrics"): [reader],
        template.role_of("CollectPods"): [reader],
        template.role_of("CollectLogs"): [log_reader],
        template.role_of("EnableInsights"): [reader, changer],
    }


@rule
def no_arn_names_a_partition(template: Template) -> None:
    # Otherwise the template could not be deployed in China or GovCloud.
    assert not re.search(r"arn:aws(-[a-z-]+)?:", json.dumps(template.document))


# ---------------------------------------------------------------- cluster events


@rule
def enable_insights_knows_its_own_changes(template: Template) -> None:
    # By its role in CloudTrail's record; without this, it would react to itself.
    variables = template.functions["EnableInsights"]["Environment"]["Variables"]
    assert variables["FARGAZE_ROLE_ARN"] == {"Fn::GetAtt": [template.role_of("EnableInsights"), "Arn"]}
    assert variables["FARGAZE_REGION"] == {"Ref": "AWS::Region"}
    assert variables["FARGAZE_ACCOUNT"] == {"Ref": "AWS::AccountId"}


@rule
def the_queue_waits_six_times_the_function(template: Template) -> None:
    for function, queue, _ in consumed_queues(template):
        timeout = template.functions[function]["Timeout"]
        assert template.properties(queue)["VisibilityTimeout"] >= 6 * timeout, f"{queue} of {function}"


@rule
def a_bad_message_does_not_take_its_batch_along(template: Template) -> None:
    for _, queue, event in consumed_queues(template):
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"], queue


@rule
def what_cannot_be_worked_on_is_kept(template: Template) -> None:
    for _, queue, _ in consumed_queues(template):
        redrive = template.properties(queue)["RedrivePolicy"]
        dead_letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert 3 <= redrive["maxReceiveCount"] <= 10, queue
        assert template.resources[dead_letters]["Type"] == "AWS::SQS::Queue"
        assert template.properties(dead_letters)["MessageRetentionPeriod"] == 14 * 24 * 3600, dead_letters


@rule
def what_cannot_be_delivered_is_kept(template: Template) -> None:
    for name, rule_properties in template.of_type("AWS::Events::Rule").items():
        for target in rule_properties["Targets"]:
            assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0, name
            dead_letters = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            for queue in (target["Arn"]["Fn::GetAtt"][0], dead_letters):
                assert events_may_send(template, queue, name), f"{name} may not send to {queue}"


@rule
def services_are_allowed_only_on_behalf_of_this_account(template: Template) -> None:
    # Otherwise any rule or alarm could use the queue, topic or key: the confused deputy.
    for name, statement in resource_policy_statements(template):
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
            named = {key for condition in statement["Condition"].values() for key in condition}
            assert named & {"aws:SourceArn", "aws:SourceAccount"}, f"{name}: {statement['Sid']}"


@rule
def the_rule_takes_calls_of_ecs_that_succeeded(template: Template) -> None:
    pattern = template.properties("ClusterChanged")["EventPattern"]
    assert pattern["detail"]["eventSource"] == ["ecs.amazonaws.com", "eks.amazonaws.com"]
    # The list of these calls is in shared/domain/src/events/calls.rs, and compared there.
    assert {"CreateCluster", "UpdateCluster", "UpdateClusterSettings"} <= set(pattern["detail"]["eventName"])
    assert pattern["detail"]["errorCode"] == [{"exists": False}]
    assert template.properties("ClusterChanged")["State"] == "ENABLED"


# ---------------------------------------------------------------- helpers


def consumed_queues(template: Template) -> list[tuple[str, str, dict]]:
    """(function, queue, event source) of every queue that a function reads."""
    found = [
        (name, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"])
        for name, function in template.functions.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert found, "no function reads a queue"
    return found


def resource_policy_statements(template: Template) -> list[tuple[str, dict]]:
    policies = [
        (name, policy["PolicyDocument"])
        for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        for name, policy in template.of_type(kind).items()
    ]
    policies += [(name, key["KeyPolicy"]) for name, key in template.of_type("AWS::KMS::Key").items()]
    return [(name, statement) for name, document in policies for statement in document["Statement"]]


def all_statements(template: Template) -> list[tuple[str, dict]]:
    of_roles = [
        (role, {"Sid": "", **statement})
        for role in template.transformed.of_type("AWS::IAM::Role")
        for statement in template.transformed.role_statements(role)
    ]
    return of_roles + resource_policy_statements(template)


def events_may_send(template: Template, queue: str, rule_name: str) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
        and statement["Condition"].keys() == {"ArnEquals"}
        and {"Fn::GetAtt": [rule_name, "Arn"]} in as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        for policy in template.of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    )
