//! The file as a whole: what is read, what is built in, and which problems are reported.

use super::*;
use crate::rules::Condition;

fn read(yaml: &str) -> Result<Config, BadConfig> {
    Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
}

pub(super) fn problems(yaml: &str) -> Vec<String> {
    read(yaml).unwrap_err().0
}

const RULE: &str = "
rules:
  - name: busy
    what: ECS/ContainerInsights CpuUtilized
    threshold: 0.8 vCPU
    comparison: GreaterThanOrEqualToThreshold
    evaluation-periods: 5
    datapoints-to-alarm: 5
";

#[test]
fn without_a_file_the_home_account_is_watched_by_the_default_rules() {
    let config = read("{}").unwrap();
    assert_eq!(config.targets.iter().map(|target| target.platform).collect::<Vec<_>>(), Platform::ALL);
    let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "nothing-running",
            "deployment-failed",
            "placement-failures",
            "task-crash-loop",
            "tasks-cannot-start",
            "task-out-of-memory",
            "tasks-unhealthy",
            "spot-interruptions",
            "tasks-failing",
            "tasks-missing",
            "http-5xx",
            "unhealthy-hosts",
            "vcpu-quota",
            "spot-vcpu-quota",
            "memory-high",
            "cpu-high",
            "pod-memory-high",
            "pod-cpu-high",
            "restarts-grow",
            "crash-loop",
            "unstartable",
            "oom-killed",
            "pod-pending",
            "replicas-missing",
            "completed-pods",
            "metrics-server-down",
            "logging-disabled",
            "daemonset-on-fargate",
        ]
    );
    // 30 periods plus the 2 extra ones of CloudWatch's evaluation range.
    assert_eq!(config.lookback(SignedDuration::from_mins(20)), SignedDuration::from_mins(20 + 10 + 32));
}

#[test]
fn t18_no_built_in_rule_fires_at_low_values() {
    for rule in read_rules(DEFAULT_YAML).unwrap() {
        let Condition { comparison, threshold, .. } = rule.condition;
        assert!(
            !comparison.breaches(0.0, threshold) && comparison.breaches(1000.0, threshold),
            "{}",
            rule.name
        );
    }
}

#[test]
fn the_built_in_rules_only_use_free_metrics() {
    for rule in read_rules(DEFAULT_YAML).unwrap() {
        assert_eq!(rule.measure.needs(), crate::model::insights::InsightsLevel::Disabled, "{}", rule.name);
        let mut metrics = rule.sources().flat_map(crate::rules::Source::metrics);
        assert!(metrics.all(|metric| metric.namespace == crate::model::catalogue::AWS_ECS), "{}", rule.name);
    }
}

#[test]
fn t2_a_rule_in_vcpu_is_read_as_cpu_units() {
    assert_eq!(read(RULE).unwrap().rules.last().unwrap().condition.threshold, 819.2);
}

fn names(yaml: &str) -> Vec<String> {
    read(yaml).unwrap().rules.into_iter().map(|rule| rule.name).collect()
}

#[test]
fn own_rules_are_added_to_the_built_in_ones() {
    let built_in = names("{}");
    assert_eq!(names(RULE), [built_in.clone(), vec!["busy".to_owned()]].concat());
    assert_eq!(names(&format!("{RULE}built-in-rules: keep\n")), names(RULE));
    assert_eq!(names(&format!("{RULE}built-in-rules: none\n")), ["busy"]);
    assert_eq!(names("built-in-rules: none"), [""; 0]);
    assert_eq!(read_rules(RULE).unwrap(), read(RULE).unwrap().rules);
    assert_eq!(read_rules("built-in-rules: none").unwrap(), []);
}

#[test]
fn a_rule_of_the_same_name_replaces_a_built_in_one_and_one_can_be_turned_off() {
    let replaced = read(&RULE.replace("name: busy", "name: cpu-high")).unwrap().rules;
    let cpu: Vec<_> = replaced.iter().filter(|rule| rule.name == "cpu-high").collect();
    assert_eq!((cpu.len(), cpu[0].condition.threshold, replaced.len()), (1, 819.2, names("{}").len()));
    let without = names("rules: [{name: cpu-high, enabled: false}]");
    assert!(!without.contains(&"cpu-high".to_owned()) && without.len() == names("{}").len() - 1);
    // A user's rule too, whatever other keys it has.
    assert_eq!(names(&format!("{RULE}    enabled: false\n")), names("{}"));
    assert_eq!(names(&format!("{RULE}    enabled: true\n")), names(RULE));
}

/// `crash-loop` silences `restarts-grow` and others, and may silence a user's rule too.
#[test]
fn a_rule_that_is_turned_off_silences_nothing() {
    let rules = read("rules: [{name: crash-loop, enabled: false}]").unwrap().rules;
    let pending = rules.iter().find(|rule| rule.name == "pod-pending").unwrap();
    assert_eq!(pending.unless, ["unstartable"]);
    let by_built_in = format!("{RULE}    unless: nothing-running\n");
    assert_eq!(read(&by_built_in).unwrap().rules.last().unwrap().unless, ["nothing-running"]);
    for more in ["built-in-rules: none\n", "  - {name: nothing-running, enabled: false}\n"] {
        assert_eq!(problems(&format!("{by_built_in}{more}")).len(), 1, "{more}");
    }
    let misspelt = problems("rules: [{name: cpu-hihg, enabled: false}]");
    assert!(misspelt[0].contains("did you mean `cpu-high`?"), "{misspelt:?}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let found = problems(&RULE.replace("threshold:", "treshold:"));
    assert!(found[0].starts_with("fargaze.yaml:5: ") && found[0].contains("treshold"), "{found:?}");
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let yaml = "
targets:
  - account: '999999999999'
    regions: [Ireland]
rules:
  - name: a
    what: memory
    threshold: 80
    comparison: GreaterThanThreshold
    evaluation-periods: 0
    datapoints-to-alarm: 3
  - name: a
    what: nothing-running
    scope: cluster
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    datapoints-to-alarm: 3
";
    let found = problems(yaml).join("\n");
    for part in [
        "fargaze.yaml:3: target: roles: is missing",
        "`Ireland` is not a valid Region",
        "fargaze.yaml:7: rule `a`: what: `memory` is not a measure: did you mean `memory-percent`?",
        "evaluation-periods: 0 is not between",
        "fargaze.yaml:13: rule `a`: what: `nothing-running` is not published per cluster",
        "fargaze.yaml:15: rule `a`: threshold: `80 %`",
        "evaluation-periods: 3, but nothing-running is read once per run",
        "names must be unique",
    ] {
        assert!(found.contains(part), "{part} is not in:\n{found}");
    }
}

#[test]
fn an_empty_file_means_the_built_in_configuration() {
    for yaml in ["", "# only a comment\n", "---\n", "{}", "rules:\ntargets: ~\n"] {
        assert_eq!(read(yaml).unwrap().rules, read_rules(DEFAULT_YAML).unwrap(), "{yaml}");
    }
    for yaml in ["hello", "[]", "- rules", "42"] {
        assert!(problems(yaml)[0].starts_with("fargaze.yaml:1: "), "{yaml}");
    }
}

#[test]
fn a_problem_of_an_aliased_value_has_the_line_of_the_alias() {
    let yaml = "
rules:
  - &one
    name: one
    what: cpu-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: &many 61
  - <<: *one
    name: two
  - <<: *one
    name: three
    evaluation-periods: *many
";
    let found = problems(yaml);
    let lines: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').nth(1)).collect();
    assert_eq!(lines, ["8", "9", "13"], "{found:#?}");
}

#[test]
fn only_problems_of_its_own_section_stop_a_reader() {
    let yaml = "rules:\n  - name: a\nlimits:\n  existing: leave\n";
    let of = |found: Vec<String>, section: &str| found.iter().all(|problem| problem.contains(section));
    assert!(of(read_rules(yaml).unwrap_err().0, "rule `a`"));
    assert!(of(read_policies(yaml).unwrap_err().0, "limits"));
    assert!(read_rules("limits:\n  existing: leave\n").is_ok());
}

proptest::proptest! {
    /// Whatever the file contains, reading it ends, and problems have lines within the file.
    #[test]
    fn any_file_is_read_or_its_problems_are_reported(lines in proptest::collection::vec(strange_line(), 0..12)) {
        let yaml = lines.join("\n");
        for problem in read(&yaml).err().map(|error| error.0).unwrap_or_default() {
            let line = problem.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
            proptest::prop_assert!(line.is_some_and(|line| line <= yaml.lines().count() + 1), "{}", problem);
        }
    }
}

fn strange_line() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let keys =
        "(name|what|threshold|unless|maintenance|cron|tags|clusters|period|evaluation-periods|[a-z-]{1,9})";
    let values = "(80 %|cpu-percent|\\[\\]|\\{\\}|\\[a, b\\]|\\{a: b\\}|~|\"|0 2 \\* \\* \\*|[ -~]{0,9}|é)";
    prop_oneof![
        Just("rules:".to_owned()),
        Just("  - name: a".to_owned()),
        (0usize..4, keys, values)
            .prop_map(|(indent, key, value)| { format!("{}{key}: {value}", "  ".repeat(indent)) }),
    ]
}

#[test]
fn a_target_in_another_account_has_a_role_and_each_region_has_its_parts() {
    let yaml = "
targets:
  - account: '999999999999'
    regions: [eu-west-1, us-east-1]
    roles: {read: 'arn:aws:iam::999999999999:role/fargaze-reader'}
    external-id: secret
    parts: 2
";
    let targets = read(yaml).unwrap().targets;
    assert_eq!(targets.len(), 2 * 2 * Platform::ALL.len());
    assert_eq!(read(&format!("{yaml}    platforms: [eks]\n")).unwrap().targets.len(), 4);
    assert!(problems(&format!("{yaml}    platforms: []\n"))[0].contains("both"));
    assert_eq!(targets[0].role.as_ref().unwrap().external_id.as_deref(), Some("secret"));
    assert!(!problems(&yaml.replace("iam::999999999999", "iam::111111111111")).is_empty());
}

/// Issue 14, point 6: reading and changing use two roles.
#[test]
fn a_target_has_a_role_for_reading_and_optionally_one_for_changing() {
    let yaml = |roles: &str| {
        format!(
            "targets:\n  - account: '999999999999'\n    regions: [eu-west-1]\n    external-id: x\n    roles: {roles}\n"
        )
    };
    let arn = |name: &str| format!("arn:aws:iam::999999999999:role/{name}");
    let both = format!("{{read: '{}', change: '{}'}}", arn("reader"), arn("changer"));
    let target = read(&yaml(&both)).unwrap().targets.remove(0);
    let role_of = |target: &Target| target.role.clone().unwrap().arn;
    assert_eq!((role_of(&target), role_of(&target.clone().for_changes())), (arn("reader"), arn("changer")));
    assert_eq!(target.for_changes().role.unwrap().external_id.as_deref(), Some("x"));
    let one = read(&yaml(&format!("{{read: '{}'}}", arn("reader")))).unwrap().targets.remove(0);
    assert_eq!(role_of(&one.for_changes()), arn("reader"));
    for (roles, place) in [
        (format!("{{change: '{}'}}", arn("changer")), "fargaze.yaml:5: target: roles: read: is missing"),
        (
            "{read: none, change: nothing}".to_owned(),
            "fargaze.yaml:5: target: roles: change: `nothing` is not of the form arn:",
        ),
        ("{reads: x}".to_owned(), "`reads`"),
    ] {
        let found = problems(&yaml(&roles)).join("\n");
        assert!(found.contains(place), "{found}");
    }
}
