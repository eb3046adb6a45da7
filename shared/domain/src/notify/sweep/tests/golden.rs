//! Whole messages, committed so that a person can read them. `FARGAZE_WRITE_DOCS=1` rewrites them.

use std::path::Path;

use super::*;
use crate::reconcile::{Expiring, Remedy};

/// Compares a message with the file of that name, or writes it.
fn golden(name: &str, message: &Message) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/sweep");
    let path = folder.join(format!("{name}.txt"));
    let severity = message.attributes["severity"].value();
    let text = format!("Subject: {}\nSeverity: {severity}\n\n{}", message.subject, message.body);
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name}: write it with FARGAZE_WRITE_DOCS=1 and read it:\n{text}");
}

fn findings(message: &Message) -> Vec<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    json["findings"].as_array().unwrap().clone()
}

#[test]
fn changes_exclusions_a_conflict_and_a_denial() {
    let by = vec!["arn:aws:sts::123456789012:assumed-role/terraform/ci (UpdateClusterSettings)".to_owned()];
    let reason = "fargaze set it 2 times for the policy at-least-enabled, and each time it was reverted; fargaze \
                  will not retry until the policy changes";
    let enhanced = "the cluster is new; its policy is at-least-enhanced (fargaze.yaml:4)";
    let conflict = finding("orders", Disabled, FindingResult::Conflict(by), reason);
    let found = [
        off("cart", Enabled, FindingResult::Set, NEW, 1),
        off("shop", Enabled, FindingResult::Set, NEW, 12),
        off("search", Enhanced, FindingResult::Set, enhanced, 2),
        finding("AWSBatch-nightly", Disabled, FindingResult::Left, BATCH),
        Finding::new(cluster("lab"), None, FindingResult::Left, TAG),
        Finding { news: true, ..conflict },
        off("payments", Enabled, FindingResult::Failed(denied()), NEW, 3),
        default(Some(Disabled), FindingResult::Left, BATCH),
    ];
    let message = message(RunKind::Sweep, [ecs(compliant(34).chain(found).collect())]);
    assert_eq!(message.attributes["cluster"].value(), r#"["cart","orders","payments","search","shop"]"#);
    let found = findings(&message);
    let clusters: Vec<_> = found.iter().filter_map(|found| found["subject"]["cluster"].as_str()).collect();
    assert_eq!(clusters, ["cart", "shop", "search", "orders", "payments"]);
    assert!(found.iter().all(|found| found["region"] == "eu-west-1" && found["platform"] == "ecs"));
    golden("changes", &message);
}

#[test]
fn a_dry_run_with_its_cost() {
    let found = [
        off("cart", Enabled, FindingResult::WouldSet, NEW, 1),
        off("shop", Enabled, FindingResult::WouldSet, NEW, 40),
        off("till", Enabled, FindingResult::Waiting, NEW, 2),
        off("old", Enabled, FindingResult::Reported, BEFORE, 4),
        Finding {
            change: Some(moved(Disabled, Enabled)),
            ..default(Some(Disabled), FindingResult::WouldSet, "it is below its policy")
        },
    ];
    golden("dry-run", &message(RunKind::Sweep, [dry(ecs(compliant(3).chain(found).collect()))]));
}

#[test]
fn a_rollback_with_one_skipped() {
    let back = |name| Finding {
        change: Some(moved(Enabled, Disabled)),
        ..finding(name, Enabled, FindingResult::RolledBack, "it was disabled before fargaze")
    };
    let reason = "fargaze set it to enabled, but it is now enhanced";
    let found = vec![
        back("shop"),
        back("cart"),
        finding("search", Enhanced, FindingResult::Skipped, reason),
        Finding::new(cluster("lab"), None, FindingResult::Left, "there is nothing to roll back"),
    ];
    golden("rollback", &message(RunKind::Rollback, [ecs(found)]));
}

#[test]
fn silence_and_missing_events_have_one_paragraph_each() {
    let set =
        |name| Finding { unannounced: true, news: true, ..off(name, Enabled, FindingResult::Set, NEW, 1) };
    let silent = compliant(2).map(|found| Finding { silent: true, ..found });
    let outcomes = [
        ecs_in("eu-west-1", vec![set("one")]),
        ecs_in("us-east-1", std::iter::once(set("two")).chain(silent).collect()),
    ];
    golden("silence", &message(RunKind::Sweep, outcomes));
}

#[test]
fn eks_with_a_late_cluster_a_conflict_and_a_denial() {
    let refused = Fault { operation: Operation::EksCreateAddon, subject: "billing".to_owned(), ..denied() };
    let by = vec!["arn:aws:sts::123456789012:assumed-role/ci/run (UpdateClusterConfig)".to_owned()];
    let reason = "fargaze set it 2 times for the policy at least api, and each time it was reverted; fargaze will not \
                  retry until the policy changes";
    let conflict = eks("orders", Aspect::ControlPlaneLogs, FindingResult::Conflict(by), reason);
    let late =
        Finding::new(cluster("late"), None, FindingResult::Overdue, "it is still CREATING after an hour");
    let found = vec![
        addon("payments", FindingResult::Set),
        logs("payments", FindingResult::Set),
        addon("shop", FindingResult::Set),
        addon("till", FindingResult::Set),
        addon("billing", FindingResult::Failed(refused)),
        Finding { news: true, ..conflict },
        Finding { news: true, ..late },
        eks(
            "quiet",
            Aspect::MetricsServer,
            FindingResult::Compliant,
            "v0.8.0 is installed; its policy is install",
        ),
    ];
    let message = message(RunKind::Sweep, [of_eks(found)]);
    let found = findings(&message);
    assert_eq!((found.len(), &found[0]["aspect"]), (7, &"metrics-server".into()));
    golden("eks-changes", &message);
}

/// Report-only findings follow their policy, and the heading must not say otherwise. Each cluster
/// has its own commands, one line each, however long.
#[test]
fn eks_with_what_a_person_can_do() {
    let selector = "the cluster is new; its policy is install (built-in); its pods would stay Pending";
    let unlabelled = |name| Finding {
        remedy: Some(Remedy::Label),
        news: true,
        ..eks(name, Aspect::AwsLogging, FindingResult::Reported, "it lacks the label")
    };
    let refused = Fault {
        operation: Operation::kubernetes("GET", "/api/v1/namespaces/aws-observability"),
        code: "Unauthorized".to_owned(),
        message: "401 Unauthorized".to_owned(),
        ..denied()
    };
    let found = vec![
        addon("payments", FindingResult::WouldSet),
        addon("shop", FindingResult::Waiting),
        Finding {
            cost: Some(Cost::Note(CostNote::FreeButPods)),
            remedy: Some(Remedy::FargateProfile { role: None }),
            ..eks("lab", Aspect::MetricsServer, FindingResult::Blocked, selector)
        },
        Finding::new(cluster("new"), None, FindingResult::NotYet, "it is still CREATING"),
        unlabelled("one"),
        unlabelled("two"),
        unlabelled("three"),
        Finding { unannounced: true, ..unlabelled("four") },
        eks("locked", Aspect::AwsLogging, FindingResult::Unknown(refused), "it could not be read"),
    ];
    let message = message(RunKind::Sweep, [dry(of_eks(found))]);
    let context = "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/one";
    let found = findings(&message);
    let one = found.iter().find(|found| found["subject"]["cluster"] == "one").unwrap();
    assert!(one["commands"].as_str().unwrap().contains(context), "{one}");
    golden("eks-to-do", &message);
}

#[test]
fn retention_of_log_groups_that_is_announced_set_and_reported() {
    let group = |name: &str, result, reason: &str| {
        let subject = Subject::LogGroup(name.to_owned());
        let change = Transition::new(&Value::Retention(None), &Value::Retention(Some(30)));
        Finding { change: Some(change), ..Finding::new(subject, Some(Aspect::LogRetention), result, reason) }
    };
    let loses = |name: &str, gigabytes: u64, oldest: &str| {
        let reason = "the first sweep after 2026-11-23 02:30 UTC sets it, and then events older than 30 days are deleted for \
                      good within 72 hours, which no rollback undoes; to keep them, write log-retention: leave for it, or \
                      export them before; its policy is exactly: 30d (fargaze.yaml:7)";
        let expiring = Expiring { bytes: Some(gigabytes << 30), oldest: Some(oldest.parse().unwrap()) };
        Finding { expiring: Some(expiring), news: true, ..group(name, FindingResult::Announced, reason) }
    };
    let complies =
        |name: &str| Finding { change: None, ..group(name, FindingResult::Compliant, "it has 30 days") };
    let found = [
        group("/ecs/new", FindingResult::Set, "the log group is new; its policy is 30d (fargaze.yaml:9)"),
        loses("/ecs/web", 12, "2025-04-01T00:00:00Z"),
        loses("/aws/containerinsights/shop/performance", 370, "2023-01-15T00:00:00Z"),
        complies("/ecs/api"),
        complies("/ecs/jobs"),
        Finding {
            change: None,
            now: Some("no expiry".to_owned()),
            news: true,
            ..group(
                "/ecs/old",
                FindingResult::Reported,
                "the log group existed before fargaze or is older than 30 days, and 30d sets only new ones; to set it \
                 too, which deletes older events for good, write log-retention: {exactly: 30d}; its policy is 30d (fargaze.yaml:9)",
            )
        },
    ];
    golden("log-retention", &message(RunKind::Sweep, [ecs(compliant(3).chain(found).collect())]));
}
