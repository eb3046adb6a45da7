//! The sections as they are read, and the problems of invalid ones.

use super::super::{read_eks, read_policies, tests::problems};
use super::*;
use crate::evidence::eks::Cadvisor;
use crate::model::insights::InsightsLevel;
use crate::model::run::{Part, Target};
use crate::model::subject::Subject;
use crate::reconcile::{Desired, SubjectPolicy};

const FULL: &str = "
limits:
  dry-run: true
  existing: change
  max-changes: 5
  max-percent: 10
policies:
  - match:
      accounts: ['012345678901']
      regions: [eu-*, us-east-1]
      clusters: [prod-*]
    container-insights: at-least-enhanced
    control-plane-logs: [api, controllerManager]
    metrics-server: report
    cloudwatch-observability: install
    aws-logging:
      output.conf: |
        [OUTPUT]
            Name cloudwatch_logs
            Match *
      flb_log_cw: true
    existing: report
  - match: {clusters: [lab]}
    container-insights: {exactly: disabled}
    control-plane-logs: leave
    aws-logging: leave
  - match: {clusters: ['*'], platforms: [ecs]}
    container-insights:
      exactly: enabled
  - match: {regions: [eu-*]}
    account-default: at-least-enhanced
eks:
  - clusters: [prod-*]
    cadvisor: none
  - cadvisor: proxy
";

fn target(account: &str, region: &str, platform: Platform) -> Target {
    let (account, region) = (account.parse().unwrap(), region.parse().unwrap());
    Target { platform, account, region, part: Part::WHOLE, role: None }
}

fn of(account: &str, region: &str, platform: Platform, cluster: &str) -> SubjectPolicy {
    let subject = Subject::Cluster(cluster.parse().unwrap());
    read_policies(FULL).unwrap().of(&target(account, region, platform), &subject, false)
}

#[test]
fn the_whole_file_is_read() {
    let policies = read_policies(FULL).unwrap();
    let limits = Limits { dry_run: true, existing: Existing::Change, max_changes: 5, max_percent: 10 };
    assert_eq!(policies.limits, limits);
    for (account, region, cluster, text, existing) in [
        ("012345678901", "eu-west-1", "prod-a", "at-least-enhanced (fargaze.yaml:8)", Existing::Report),
        ("999999999999", "eu-west-1", "lab", "exactly: disabled (fargaze.yaml:23)", Existing::Change),
        ("012345678901", "us-west-2", "prod-a", "exactly: enabled (fargaze.yaml:27)", Existing::Change),
    ] {
        let policy = of(account, region, Platform::Ecs, cluster).of(Aspect::ContainerInsights);
        assert_eq!((policy.to_string().as_str(), policy.existing), (text, existing));
    }
    let prod = of("012345678901", "eu-west-1", Platform::Eks, "prod-a");
    let text = |aspect| prod.of(aspect).desired.to_string();
    assert_eq!([Aspect::MetricsServer, Aspect::CloudwatchObservability].map(text), ["report", "install"]);
    assert_eq!(text(Aspect::ControlPlaneLogs), "at least api, controllerManager");
    let Desired::ConfigMap(data) = prod.of(Aspect::AwsLogging).desired else { panic!() };
    assert_eq!(data["output.conf"], "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n");
    assert_eq!((data["flb_log_cw"].as_str(), data.len()), ("true", 2));
    let lab = of("999999999999", "us-west-2", Platform::Eks, "lab");
    assert!(lab.of(Aspect::MetricsServer).is_built_in(), "aspects not named are built in");
    assert_eq!(lab.of(Aspect::AwsLogging).to_string(), "leave (fargaze.yaml:23)");
    let account = policies.of(&target("999999999999", "eu-west-1", Platform::Ecs), &Subject::Account, false);
    let default = account.of(Aspect::AccountDefault);
    assert_eq!(default.desired, Desired::AtLeast(InsightsLevel::Enhanced));
    let reads = read_eks(FULL).unwrap();
    let eks = target("012345678901", "eu-west-1", Platform::Eks);
    let cadvisor = |name: &str| reads.cadvisor(&eks, &name.parse().unwrap());
    assert_eq!(["prod-a", "lab"].map(cadvisor), [Cadvisor::None, Cadvisor::Proxy]);
}

#[test]
fn without_the_sections_the_built_in_policies_apply() {
    for yaml in ["{}", "policies:", "policies: []", "limits: {}\neks: []"] {
        assert_eq!(read_policies(yaml).unwrap(), Policies::default(), "{yaml}");
        assert_eq!(read_eks(yaml).unwrap(), crate::evidence::eks::EksReads::default(), "{yaml}");
    }
}

#[test]
fn all_problems_are_reported_at_once_with_place_and_remedy() {
    let yaml = "
limits:
  dry-run: perhaps
  existing: leave
  max-changes: 0
  max-percent: 200
policies:
  - match:
      accounts: ['123']
      regions: [Ireland, 'EU-*']
      clusters: []
    account-default: disabled
    container-insights: always
  - match:
      clusters: [a/b, '']
    container-insights: {at-most: enabled}
    control-plane-logs: [apis, audit]
    metrics-server: instal
    cloudwatch-observability: on
    aws-logging: reports
    existing: raise
  - control-plane-logs: all
    aws-logging:
      filters.conf: x
      flb_log_cw: yes
  - control-plane-logs: []
    metrics_server: leave
    aws-logging: {outputs.conf: x}
eks:
  - clusters: []
    cadvisor: proxi
";
    let found = problems(yaml);
    for part in [
        "fargaze.yaml:3: limits: dry-run: `perhaps` is neither true nor false",
        "fargaze.yaml:4: limits: existing: `leave` is not a valid setting for existing clusters: expected report or change",
        "fargaze.yaml:5: limits: max-changes: `0` is not a whole number from 1 to 1000",
        "fargaze.yaml:6: limits: max-percent: `200` is not a whole number from 1 to 100",
        "fargaze.yaml:9: match: accounts: `123` is not a valid account id",
        "fargaze.yaml:10: match: regions: `Ireland` is not a valid Region",
        "fargaze.yaml:10: match: regions: `EU-*` is not a valid Region pattern",
        "fargaze.yaml:11: match: clusters: the list is empty; leave the key out",
        "fargaze.yaml:12: policy: account-default: applies to an account and Region, but the policy matches clusters",
        "fargaze.yaml:12: policy: account-default: `disabled` is not one of leave, at-least-enabled, at-least-enhanced",
        "fargaze.yaml:13: policy: container-insights: `always` is not a valid policy for Container Insights: expected leave, off-is-fine",
        "fargaze.yaml:15: match: clusters: `a/b` is not a valid cluster name pattern",
        "fargaze.yaml:15: match: clusters: `` is not a valid cluster name pattern",
        "fargaze.yaml:16: policy: container-insights: `at-most: enabled` is not a valid policy",
        "fargaze.yaml:17: policy: control-plane-logs: `apis` is not a valid type of control-plane log: expected api, audit, authenticator, \
         controllerManager or scheduler; did you mean `api`?",
        "fargaze.yaml:18: policy: metrics-server: `instal` is not one of install, report, leave; did you mean `install`?",
        "fargaze.yaml:19: policy: cloudwatch-observability: `on` is not one of install, report, leave",
        "fargaze.yaml:20: policy: aws-logging: `reports` is not one of report, leave; did you mean `report`?",
        "fargaze.yaml:21: policy: existing: `raise` is not a valid setting for existing clusters",
        "fargaze.yaml:22: policy: control-plane-logs: `all` is not one of report, leave",
        "fargaze.yaml:24: policy: aws-logging: output.conf is missing",
        "fargaze.yaml:24: policy: aws-logging: filters.conf, line 1: `x` is not in a section; move it below [FILTER]",
        "fargaze.yaml:25: policy: aws-logging: flb_log_cw: `yes` is not one of true, false",
        "fargaze.yaml:26: policy: control-plane-logs: the list is empty",
        "fargaze.yaml:27: policy: unknown key `metrics_server`",
        "fargaze.yaml:28: aws-logging: unknown key `outputs.conf`",
        "fargaze.yaml:28: policy: aws-logging: output.conf: there is no [OUTPUT] section; add one",
        "fargaze.yaml:30: eks: clusters: the list is empty",
        "fargaze.yaml:31: eks: cadvisor: `proxi` is not a valid cAdvisor mode",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(part)), "{part} is not in:\n{found:#?}");
    }
    assert_eq!(found.len(), 30, "{found:#?}");
}

#[test]
fn problems_of_all_sections_are_reported_together() {
    let found = problems("targets: []\nlimits:\n  max-changes: many\n");
    assert_eq!(found.len(), 2, "{found:?}");
}

/// Issue 13, point 8: what fargaze writes is checked as strictly as what others wrote.
#[test]
fn a_config_map_that_fluent_bit_would_not_read_is_rejected() {
    let problems = |line: &str| {
        let output = "[OUTPUT]\n              Name es\n              Match *";
        problems(&format!(
            "\npolicies:\n  - aws-logging:\n      output.conf: |\n          {output}\n{line}\n"
        ))
    };
    for (line, what) in [
        ("            Host a", "`Host a` is indented by 2 spaces, but line 2 by 4 spaces"),
        ("              Host\ta", "a tab separates `Host` from its value"),
        ("              Host", "`Host` has no value"),
        ("            # a note", "`# a note` is indented by 2 spaces, but line 2 by 4 spaces"),
        ("            [OUTPUT]", "`[OUTPUT]` is indented, so it is not a section header"),
    ] {
        let found = problems(line);
        let is_found = found.iter().any(|problem| problem.contains(&format!("output.conf, line 4: {what}")));
        assert!(is_found, "{what} is not in: {found:#?}");
    }
}

#[test]
fn retention_is_of_log_groups_and_of_nothing_else() {
    let yaml = "
policies:
  - match: {log-groups: [/ecs/*], accounts: ['012345678901']}
    log-retention: {exactly: 30d}
  - match: {clusters: ['*']}
    container-insights: leave
  - log-retention: 7d
";
    let policies = read_policies(yaml).unwrap();
    let of = |account: &str, name: &str| {
        let target = target(account, "eu-west-1", Platform::Ecs);
        policies.of(&target, &Subject::LogGroup(name.to_owned()), false).of(Aspect::LogRetention).to_string()
    };
    assert_eq!(of("012345678901", "/ecs/web"), "exactly: 30d (fargaze.yaml:3)");
    assert_eq!(of("012345678901", "/eks/web"), "7d (fargaze.yaml:7)");
    assert_eq!(of("999999999999", "/ecs/web"), "7d (fargaze.yaml:7)");
    assert!(policies.set_log_retention(&target("999999999999", "eu-west-1", Platform::Ecs)));
    let of_one = read_policies(yaml.split("  - log-retention").next().unwrap()).unwrap();
    assert!(!of_one.set_log_retention(&target("999999999999", "eu-west-1", Platform::Ecs)));
    assert!(of_one.set_log_retention(&target("012345678901", "eu-west-1", Platform::Ecs)));
}

#[test]
fn wrong_retentions_are_reported_with_place_and_remedy() {
    let found = problems(
        "
policies:
  - log-retention: 30
  - log-retention: 31d
  - log-retention: {exactly: 9999d}
  - log-retention: {at-most: 30d}
  - log-retention: report
  - match: {clusters: [shop]}
    log-retention: 30d
  - match: {log-groups: []}
    log-retention: 30d
  - match: {log-groups: ['a b', /ecs/*]}
    container-insights: at-least-enabled
",
    );
    for part in [
        "fargaze.yaml:3: policy: log-retention: `30` is not a number of days: expected days such as 30d, {exactly: 30d}, or leave; did you mean `30d`?",
        "fargaze.yaml:4: policy: log-retention: CloudWatch Logs has no retention of 31 days; the next longer one is 60d. It has 1, 3, 5",
        "fargaze.yaml:5: policy: log-retention: CloudWatch Logs has no retention of 9999 days. It has 1, 3, 5",
        "fargaze.yaml:6: policy: log-retention: expected days such as 30d",
        "fargaze.yaml:7: policy: log-retention: `report` is not a number of days",
        "fargaze.yaml:9: policy: log-retention: applies to log groups, which belong to no cluster or platform",
        "fargaze.yaml:10: match: log-groups: the list is empty",
        "fargaze.yaml:12: match: log-groups: `a b` is not a valid pattern of log groups",
        "fargaze.yaml:13: policy: container-insights: the policy matches log groups, and only log-retention applies",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(part)), "{part} is not in:\n{found:#?}");
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}
