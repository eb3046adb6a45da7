//! The section as it is read, and what is told of a wrong one.

use super::super::{read_eks, tests::problems};
use super::*;
use crate::insights::ExistingClusters;
use crate::insights::eks::{Cadvisor, EksAspect, EksWished};

const FULL: &str = "
eks:
  dry-run: true
  existing: change
  max-changes: 5
  max-percent: 10
  cadvisor: proxy
  wishes:
    - accounts: ['012345678901']
      regions: [eu-*, us-east-1]
      clusters: [prod-*]
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
      cadvisor: none
    - clusters: [lab]
      control-plane-logs: leave
      aws-logging: leave
";

fn wished(config: &EksConfig, account: &str, region: &str, cluster: &str) -> EksWished {
    config.wished(&account.parse().unwrap(), &region.parse().unwrap(), &cluster.parse().unwrap())
}

#[test]
fn the_whole_section_is_read() {
    let config = read_eks(FULL).unwrap();
    assert!(config.dry_run);
    assert_eq!(config.limits, BlastRadius { max_changes: 5, max_percent: 10 });
    let prod = wished(&config, "012345678901", "eu-west-1", "prod-a");
    assert_eq!((prod.existing, prod.source.as_str()), (ExistingClusters::Report, "fargaze.yaml:9"));
    assert_eq!(
        EksAspect::ALL.map(|aspect| prod.wishes.text(aspect))[..2],
        ["report".to_owned(), "install".to_owned()]
    );
    assert_eq!(prod.wishes.text(EksAspect::ControlPlaneLogs), "at least api, controllerManager");
    let AwsLoggingWish::Write(data) = prod.wishes.aws_logging else { panic!("{prod:?}") };
    assert_eq!(data["output.conf"], "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n");
    assert_eq!((data["flb_log_cw"].as_str(), data.len()), ("true", 2));
    let cadvisor = |cluster: &str| {
        config.cadvisor(
            &"012345678901".parse().unwrap(),
            &"eu-west-1".parse().unwrap(),
            &cluster.parse().unwrap(),
        )
    };
    assert_eq!((cadvisor("prod-a"), cadvisor("lab")), (Cadvisor::None, Cadvisor::Proxy));
    let lab = wished(&config, "999999999999", "us-west-2", "lab");
    assert_eq!(lab.existing, ExistingClusters::Change);
    let texts = EksAspect::ALL.map(|aspect| lab.placed(aspect));
    assert_eq!(texts[0], "install (built-in)", "what an entry leaves out is as built in");
    assert_eq!(texts[2..], ["leave (fargaze.yaml:23)", "leave (fargaze.yaml:23)"]);
}

#[test]
fn without_the_section_the_built_in_wishes_hold() {
    for yaml in ["{}", "eks:", "eks: {}", "eks: {wishes: []}"] {
        assert_eq!(read_eks(yaml).unwrap(), EksConfig::default(), "{yaml}");
    }
}

#[test]
fn all_problems_are_told_at_once_with_place_and_cure() {
    let yaml = "
eks:
  existing: leave
  max-changes: 0
  wishes:
    - clusters: []
      control-plane-logs: [apis, audit]
      metrics-server: instal
      cloudwatch-observability: on
      aws-logging: reports
    - regions: [Ireland]
      control-plane-logs: all
      aws-logging:
        filters.conf: x
        flb_log_cw: yes
    - control-plane-logs: []
      metrics_server: leave
      aws-logging: {outputs.conf: x}
";
    let found = problems(yaml);
    for part in [
        "fargaze.yaml:3: eks: existing: `leave` is no way with existing clusters: report or change",
        "fargaze.yaml:4: eks: max-changes: `0` is no whole number from 1 to 1000",
        "fargaze.yaml:6: eks-wish: clusters: the list is empty; leave the key out",
        "fargaze.yaml:7: eks-wish: control-plane-logs: `apis` is no type of control-plane log: api, audit, authenticator, \
         controllerManager or scheduler; did you mean `api`?",
        "fargaze.yaml:8: eks-wish: metrics-server: `instal` is none of install, report, leave; did you mean `install`?",
        "fargaze.yaml:9: eks-wish: cloudwatch-observability: `on` is none of install, report, leave",
        "fargaze.yaml:10: eks-wish: aws-logging: `reports` is none of report, leave; did you mean `report`?",
        "fargaze.yaml:11: eks-wish: regions: `Ireland` is no Region",
        "fargaze.yaml:12: eks-wish: control-plane-logs: `all` is none of report, leave",
        "fargaze.yaml:14: eks-wish: aws-logging: output.conf is missing",
        "fargaze.yaml:14: eks-wish: aws-logging: filters.conf, line 1: `x` is in no section; write it below [FILTER]",
        "fargaze.yaml:15: eks-wish: aws-logging: flb_log_cw: `yes` is none of true, false",
        "fargaze.yaml:16: eks-wish: control-plane-logs: the list is empty",
        "fargaze.yaml:17: eks-wish: unknown key `metrics_server`",
        "fargaze.yaml:18: aws-logging: unknown key `outputs.conf`",
        "fargaze.yaml:18: eks-wish: aws-logging: output.conf: there is no [OUTPUT] section; add one",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(part)), "{part} is not in:\n{found:#?}");
    }
    assert_eq!(found.len(), 17, "{found:#?}");
}

/// Issue 13, point 8: what fargaze is asked to write is checked as strictly as what others wrote.
#[test]
fn a_config_map_that_fluent_bit_would_not_read_is_not_written() {
    let problems = |line: &str| {
        let output = "[OUTPUT]\n              Name es\n              Match *";
        let yaml = format!(
            "\neks:\n  wishes:\n    - aws-logging:\n        output.conf: |\n          {output}\n{line}\n"
        );
        problems(&yaml)
    };
    for (line, what) in [
        ("            Host a", "`Host a` is indented by 2 spaces, and line 2 by 4 spaces"),
        ("              Host\ta", "a tab separates `Host` from its value"),
        ("              Host", "`Host` has no value"),
        ("            # a note", "`# a note` is indented by 2 spaces, and line 2 by 4 spaces"),
        ("            [OUTPUT]", "`[OUTPUT]` is indented, so it is no head of a section"),
    ] {
        let found = problems(line);
        let is_found = found.iter().any(|problem| problem.contains(&format!("output.conf, line 4: {what}")));
        assert!(is_found, "{what} is not in: {found:#?}");
    }
}
