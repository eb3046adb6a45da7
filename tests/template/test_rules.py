"""template.yaml satisfies every rule, and every rule detects its fault."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import faults_of_operation
import faults_of_runs
import rules_of_network  # noqa: F401 its rules are added to RULES
import rules_of_operation  # noqa: F401 so are these
import rules_of_runs  # noqa: F401 and these
import rules_of_storage  # noqa: F401 and these
from rules import RULES
from template import ROOT, TEMPLATE, Template, actions

PROJECT = Template.of_project()


@pytest.mark.parametrize("name", RULES)
def test_template_holds(name: str) -> None:
    RULES[name](PROJECT)


def test_cfn_lint_finds_nothing() -> None:
    lint = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(TEMPLATE)], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def statement(template: Template, role: str, sid: str) -> dict:
    return next(entry for entry in template.role_statements(role) if entry.get("Sid") == sid)


def set_in(template: Template, logical_id: str, **properties) -> None:
    template.properties(logical_id).update(properties)


def drop_function(template: Template) -> None:
    del template.resources["PlanRun"]


def plain_runtime(template: Template) -> None:
    template.document["Globals"]["Function"]["Runtime"] = "provided.al2"


def timeout_too_long(template: Template) -> None:
    set_in(template, "CollectMetrics", Timeout=901)


def shared_log_group(template: Template) -> None:
    set_in(template, "PlanRun", LoggingConfig={"LogGroup": {"Ref": "CollectMetricsLog"}})


def log_forever(template: Template) -> None:
    del template.properties("PlanRunLog")["RetentionInDays"]


def reserve(template: Template) -> None:
    set_in(template, "EnableInsights", ReservedConcurrentExecutions=5)


def secret(template: Template) -> None:
    template.properties("ForwardSummary")["Environment"]["Variables"]["FARGAZE_SLACK_TOKEN"] = {"Ref": "Email"}


def fixed_value(template: Template) -> None:
    template.properties("PlanRun")["Environment"]["Variables"]["FARGAZE_BUCKET"] = "my-bucket"


def required_parameter(template: Template) -> None:
    del template.parameters["Email"]["Default"]


def shared_role(template: Template) -> None:
    set_in(template, "PlanRun", Role={"Fn::GetAtt": ["CollectMetricsRole", "Arn"]})


def open_trust(template: Template) -> None:
    template.properties("PlanRunRole")["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


def policy_of_aws(template: Template) -> None:
    set_in(template, "PlanRunRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"])


def wildcard_action(template: Template) -> None:
    statement(template, "PlanRunRole", "RememberLastGoodConfiguration")["Action"] = "s3:Get*"


def everywhere(template: Template) -> None:
    statement(template, "EnableInsightsRole", "ReadAndChangeClusterSettings")["Resource"] = "*"


def reader_that_writes(template: Template) -> None:
    actions_of = statement(template, "CollectMetricsRole", "DescribeClusters")
    actions_of["Action"] = [*actions(actions_of), "ecs:UpdateClusterSettings"]


def reader_that_sets_the_account_default(template: Template) -> None:
    statement(template, "ForwardSummaryRole", "ReadOutcomes")["Action"] = ["s3:GetObject", "ecs:PutAccountSettingDefault"]


def cluster_deleter(template: Template) -> None:
    statement(template, "EnableInsightsRole", "ReadAndChangeClusterSettings")["Action"].append("ecs:DeleteCluster")


def any_account_setting(template: Template) -> None:
    del statement(template, "EnableInsightsRole", "ChangeAccountDefaultOfContainerInsights")["Condition"]


def tasks_of_any_account(template: Template) -> None:
    statement(template, "EnableInsightsRole", "ListTasks")["Condition"] = {"ArnLike": {"ecs:cluster": "*"}}


def log_reader_that_changes_alarms(template: Template) -> None:
    del statement(template, "CollectLogsRole", "CountWhatQueriesCost")["Condition"]


def log_reader_that_reads_the_table(template: Template) -> None:
    statement(template, "CollectLogsRole", "ReadQueries")["Action"].append("dynamodb:Scan")


def second_publisher(template: Template) -> None:
    statement(template, "EvaluateAlarmsRole", "RememberAlarms")["Action"].append("sns:Publish")


def any_role_elsewhere(template: Template) -> None:
    statement(template, "CollectMetricsRole", "ReadOtherAccounts")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:iam::*:role/*"
    }


def reader_that_changes_elsewhere(template: Template) -> None:
    statement(template, "CollectPodsRole", "ReadOtherAccounts")["Resource"] = [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/${TargetChangerRoleName}"}
    ]


def one_partition(template: Template) -> None:
    template.properties("Run")["DefinitionSubstitutions"]["Invoke"] = "arn:aws:states:::lambda:invoke"


def impatient_queue(template: Template) -> None:
    set_in(template, "ClusterEvents", VisibilityTimeout=120)


def whole_batches(template: Template) -> None:
    del template.properties("EnableInsights")["Events"]["ClusterEvents"]["Properties"]["FunctionResponseTypes"]


def no_dead_letters(template: Template) -> None:
    del template.properties("ClusterEvents")["RedrivePolicy"]


def no_dead_letters_of_rule(template: Template) -> None:
    del template.properties("ClusterChanged")["Targets"][0]["DeadLetterConfig"]


def no_retries_of_rule(template: Template) -> None:
    del template.properties("ClusterChanged")["Targets"][0]["RetryPolicy"]


def rule_shut_out(template: Template) -> None:
    template.properties("ClusterEventsPolicy")["PolicyDocument"]["Statement"].pop(0)


def alarm_of_any_account(template: Template) -> None:
    del template.properties("TopicPolicy")["PolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]


def role_of_another_caller(template: Template) -> None:
    variables = template.properties("EnableInsights")["Environment"]["Variables"]
    variables["FARGAZE_ROLE_ARN"] = {"Fn::GetAtt": ["CollectMetricsRole", "Arn"]}


def new_clusters_only(template: Template) -> None:
    template.properties("ClusterChanged")["EventPattern"]["detail"]["eventName"].remove("UpdateClusterSettings")


def failed_calls_too(template: Template) -> None:
    del template.properties("ClusterChanged")["EventPattern"]["detail"]["errorCode"]


def other_services_too(template: Template) -> None:
    template.properties("ClusterChanged")["EventPattern"]["detail"]["eventSource"].append("redshift.amazonaws.com")


def plain_queue(template: Template) -> None:
    del template.properties("DeadLetters")["SqsManagedSseEnabled"]


def key_of_aws(template: Template) -> None:
    set_in(template, "Topic", KmsMasterKeyId="alias/aws/sns")


def key_for_ever(template: Template) -> None:
    set_in(template, "TopicKey", EnableKeyRotation=False)


def plain_http_to_bucket(template: Template) -> None:
    del template.resources["BucketPolicy"]


def plain_http_to_queue(template: Template) -> None:
    template.properties("ClusterEventsPolicy")["PolicyDocument"]["Statement"].pop()


def no_versions(template: Template) -> None:
    del template.properties("Bucket")["VersioningConfiguration"]


def public_bucket(template: Template) -> None:
    template.properties("Bucket")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False


def table_by_the_hour(template: Template) -> None:
    set_in(template, "Table", BillingMode="PROVISIONED")


def table_without_end(template: Template) -> None:
    del template.properties("Table")["TimeToLiveSpecification"]


def outside_only(template: Template) -> None:
    del template.properties("EnableInsights")["VpcConfig"]


def always_inside(template: Template) -> None:
    set_in(template, "CollectPods", VpcConfig={"SubnetIds": {"Ref": "VpcSubnetIds"}})


def cannot_connect(template: Template) -> None:
    template.properties("EnableInsightsRole")["ManagedPolicyArns"].pop()


def made_too_early(template: Template) -> None:
    set_in(template, "ConnectToVpc", Roles=[{"Ref": "CollectPodsRole"}])


FAULTS: list[tuple[Callable[[Template], None], str]] = [
    (drop_function, "every_folder_is_a_function_and_every_function_a_folder"),
    (plain_runtime, "functions_are_built_and_run_as_bootstraps"),
    (timeout_too_long, "every_function_says_its_timeout_and_memory"),
    (shared_log_group, "every_function_has_a_log_group_of_its_own_that_forgets"),
    (log_forever, "every_function_has_a_log_group_of_its_own_that_forgets"),
    (reserve, "no_function_reserves_concurrency"),
    (secret, "no_variable_holds_a_secret_or_anything_fixed"),
    (fixed_value, "no_variable_holds_a_secret_or_anything_fixed"),
    (required_parameter, "no_parameter_is_required"),
    (shared_role, "every_function_has_a_role_of_its_own"),
    (open_trust, "roles_are_taken_on_by_one_service_only"),
    (policy_of_aws, "no_policy_of_aws_is_attached"),
    (wildcard_action, "nothing_is_allowed_by_wildcard_action"),
    (everywhere, "only_actions_without_resource_are_allowed_on_all"),
    (any_account_setting, "only_actions_without_resource_are_allowed_on_all"),
    (tasks_of_any_account, "only_actions_without_resource_are_allowed_on_all"),
    (reader_that_writes, "only_enable_insights_changes_clusters_and_nothing_but_settings"),
    (reader_that_sets_the_account_default, "only_enable_insights_changes_clusters_and_nothing_but_settings"),
    (cluster_deleter, "only_enable_insights_changes_clusters_and_nothing_but_settings"),
    (second_publisher, "only_forward_summary_publishes"),
    (any_role_elsewhere, "other_accounts_are_reached_by_the_named_roles_only"),
    (reader_that_changes_elsewhere, "other_accounts_are_reached_by_the_named_roles_only"),
    (one_partition, "no_arn_names_a_partition"),
    (impatient_queue, "the_queue_waits_six_times_the_function"),
    (whole_batches, "a_bad_message_does_not_take_its_batch_along"),
    (no_dead_letters, "what_cannot_be_worked_on_is_kept"),
    (no_dead_letters_of_rule, "what_cannot_be_delivered_is_kept"),
    (no_retries_of_rule, "what_cannot_be_delivered_is_kept"),
    (rule_shut_out, "what_cannot_be_delivered_is_kept"),
    (alarm_of_any_account, "services_are_allowed_only_on_behalf_of_this_account"),
    (role_of_another_caller, "enable_insights_knows_its_own_changes"),
    (new_clusters_only, "the_rule_takes_calls_of_ecs_that_succeeded"),
    (failed_calls_too, "the_rule_takes_calls_of_ecs_that_succeeded"),
    (other_services_too, "the_rule_takes_calls_of_ecs_that_succeeded"),
    (plain_queue, "everything_is_encrypted"),
    (key_of_aws, "everything_is_encrypted"),
    (key_for_ever, "everything_is_encrypted"),
    (plain_http_to_bucket, "nothing_is_taken_without_tls"),
    (plain_http_to_queue, "nothing_is_taken_without_tls"),
    (no_versions, "the_bucket_is_private_versioned_and_tidied"),
    (public_bucket, "the_bucket_is_private_versioned_and_tidied"),
    (table_by_the_hour, "the_table_costs_by_use_forgets_and_can_be_restored"),
    (table_without_end, "the_table_costs_by_use_forgets_and_can_be_restored"),
    (log_reader_that_changes_alarms, "collect_logs_counts_in_one_partition_of_the_table"),
    (log_reader_that_reads_the_table, "collect_logs_counts_in_one_partition_of_the_table"),
    (outside_only, "functions_that_call_kubernetes_run_in_the_vpc_if_there_is_one_and_no_others_do"),
    (always_inside, "functions_that_call_kubernetes_run_in_the_vpc_if_there_is_one_and_no_others_do"),
    (cannot_connect, "what_runs_in_the_vpc_may_connect_before_it_is_made"),
    (made_too_early, "what_runs_in_the_vpc_may_connect_before_it_is_made"),
    *faults_of_runs.FAULTS,
    *faults_of_operation.FAULTS,
]


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_rule_notices(fault: Callable[[Template], None], name: str) -> None:
    broken = PROJECT.copy()
    fault(broken)
    with pytest.raises((AssertionError, KeyError, ValueError, TypeError)):
        RULES[name](broken)


def test_every_rule_has_a_fault() -> None:
    assert {name for _, name in FAULTS} == RULES.keys()
