//! The tables in `docs/policies.md`: generated from the code and compared with the file.

mod eks;
mod log_retention;

use std::collections::BTreeMap;

use fargaze::config::Config;
use fargaze::evidence::eks::EksReads;
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Action, Aspect, Case, Change, ChangeState, ClusterSize, Desired, Existing, Observed, Origin, Policies,
    Queried, Revert, Step, SubjectLog, TARIFF, Value, decide, estimate,
};
use jiff::{SignedDuration, Timestamp};

use super::common::{cluster_name, policies};
use Desired::{Any, Exactly, Leave};
use InsightsLevel::{Disabled, Enabled, Enhanced};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md");

const AT_LEAST_ENABLED: Desired = Desired::AtLeast(Enabled);
const AT_LEAST_ENHANCED: Desired = Desired::AtLeast(Enhanced);

/// A cluster with its past, and a description for readers.
struct Row {
    described: &'static str,
    desired: Desired,
    level: InsightsLevel,
    origin: Origin,
    existing: Existing,
    log: SubjectLog,
}

fn new(desired: Desired, level: InsightsLevel) -> Row {
    Row {
        described: "new",
        desired,
        level,
        origin: Origin::New,
        existing: Existing::Report,
        log: SubjectLog::default(),
    }
}

fn existing(desired: Desired, level: InsightsLevel, existing: Existing) -> Row {
    let described = match existing {
        Existing::Report => "there before, `existing: report`",
        Existing::Change => "there before, `existing: change`",
    };
    Row { described, origin: Origin::Existing, existing, ..new(desired, level) }
}

/// An existing cluster that fargaze has set to `enabled` this many times under the policy
/// `at-least-enabled`.
fn past(described: &'static str, desired: Desired, states: &[ChangeState]) -> Row {
    let at = |hour| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
    let (subject, aspect) = (Subject::Cluster(cluster_name()), Aspect::ContainerInsights);
    let mut log = SubjectLog::default();
    for (hour, state) in (1_i64..).zip(states) {
        log.put(Change {
            subject: subject.clone(),
            aspect,
            number: u32::try_from(hour).unwrap(),
            made: at(hour),
            cause: format!("event-{hour}"),
            from: Value::Level(Disabled),
            to: Value::Level(Enabled),
            policy: AT_LEAST_ENABLED.to_string(),
            reason: String::new(),
            request_id: None,
            state: *state,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            rolled_back_by: None,
        });
    }
    log.put_revert(Revert {
        subject,
        aspect,
        time: at(100),
        event_id: "foreign".to_owned(),
        by: "terraform".to_owned(),
        call: "UpdateCluster".to_owned(),
        to: Some(Value::Level(Disabled)),
    });
    Row { described, log, ..existing(desired, Disabled, Existing::Report) }
}

fn rows() -> Vec<Row> {
    use ChangeState::{Abandoned, Done, RolledBack};
    use Existing::{Change, Report};
    vec![
        new(Leave, Disabled),
        new(Any, Disabled),
        new(AT_LEAST_ENABLED, Disabled),
        new(AT_LEAST_ENABLED, Enhanced),
        new(AT_LEAST_ENHANCED, Enabled),
        new(Exactly(Enabled), Enhanced),
        new(Exactly(Disabled), Enabled),
        existing(AT_LEAST_ENABLED, Enabled, Report),
        existing(AT_LEAST_ENABLED, Disabled, Report),
        existing(AT_LEAST_ENABLED, Disabled, Change),
        existing(Exactly(Enabled), Enhanced, Report),
        existing(Exactly(Enabled), Enhanced, Change),
        Row { described: "tagged `fargaze` = `hands-off`", ..existing(AT_LEAST_ENABLED, Disabled, Change) },
        Row { described: "being deleted", ..existing(AT_LEAST_ENABLED, Disabled, Change) },
        Row { described: "being created", ..new(AT_LEAST_ENABLED, Disabled) },
        Row {
            described: "there before, gets capacity providers",
            ..existing(AT_LEAST_ENABLED, Disabled, Change)
        },
        past("set once, reverted by terraform", AT_LEAST_ENABLED, &[Done]),
        past("set twice, reverted by terraform each time", AT_LEAST_ENABLED, &[Done, Done]),
        past("the same, and then the policy changed", AT_LEAST_ENHANCED, &[Done, Done]),
        past("set, then rolled back", AT_LEAST_ENABLED, &[RolledBack]),
        past("the same, and then the policy changed", AT_LEAST_ENHANCED, &[RolledBack]),
        past("a change was begun and never made", AT_LEAST_ENABLED, &[Abandoned]),
    ]
}

fn decided(row: &Row) -> Step {
    let mut cluster = ObservedCluster {
        name: cluster_name(),
        status: "ACTIVE".to_owned(),
        level: row.level,
        tags: BTreeMap::new(),
        running_tasks: 1,
        active_services: 1,
    };
    if row.described.starts_with("tagged") {
        cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    }
    match row.described {
        "being deleted" => "DEPROVISIONING".clone_into(&mut cluster.status),
        "being created" => {
            "PROVISIONING".clone_into(&mut cluster.status);
            (cluster.running_tasks, cluster.active_services) = (0, 0);
        }
        "there before, gets capacity providers" => "PROVISIONING".clone_into(&mut cluster.status),
        _ => {}
    }
    let policy = &policies([(Aspect::ContainerInsights, row.desired.clone())], row.existing);
    let (observed, now) = (&Observed::of_ecs(cluster), Timestamp::UNIX_EPOCH);
    let mut steps =
        decide(&Case { policy, observed, origin: row.origin, log: &row.log, announced: None, now });
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

/// The action, in a word or two.
fn words(action: &Action) -> String {
    match action {
        Action::Set { from, to } => format!("**set: {from} -> {to}**"),
        Action::Announce { from, to } => {
            format!("**announced, and set by a sweep 20 hours later: {from} -> {to}**")
        }
        Action::Comply => "nothing".to_owned(),
        Action::Report => "reported, and left".to_owned(),
        Action::Blocked => "reported, and checked again".to_owned(),
        Action::Leave => "left alone".to_owned(),
        Action::Conflict { .. } => "reported as a conflict, and left".to_owned(),
        Action::Waiting => "checked again soon".to_owned(),
        Action::NotYet => "back to the queue, and new for the next sweep".to_owned(),
        Action::Overdue => "reported".to_owned(),
        Action::Unknown(_) => "reported as not known".to_owned(),
    }
}

fn decisions() -> String {
    let mut table = "| policy | level | cluster | what is done | why |\n|---|---|---|---|---|\n".to_owned();
    for row in rows() {
        let Step { action, reason, .. } = decided(&row);
        let Row { described, desired, level, .. } = &row;
        table.push_str(&format!(
            "| `{desired}` | `{level}` | {described} | {} | {reason} |\n",
            words(&action)
        ));
    }
    table
}

fn account_default() -> String {
    let mut table = "| `account-default` | it is | what is done |\n|---|---|---|\n".to_owned();
    for (desired, level) in [
        (Leave, Disabled),
        (AT_LEAST_ENABLED, Disabled),
        (AT_LEAST_ENABLED, Enhanced),
        (AT_LEAST_ENHANCED, Enabled),
    ] {
        let policy = &policies([(Aspect::AccountDefault, desired.clone())], Existing::Report);
        let (observed, log) = (&Observed::account(Queried::Known(level)), &SubjectLog::default());
        let (origin, now) = (Origin::Existing, Timestamp::UNIX_EPOCH);
        let steps = decide(&Case { policy, observed, origin, log, announced: None, now });
        table.push_str(&format!("| `{desired}` | `{level}` | {} |\n", words(&steps[0].action)));
    }
    table
}

fn cost() -> String {
    let mut table = "| services | tasks | containers | `enabled` | a month | `enhanced` | a month |\n\
                     |---|---|---|---|---|---|---|\n"
        .to_owned();
    for (services, tasks, containers) in [(0, 0, 0), (1, 2, 2), (10, 20, 40), (100, 300, 600)] {
        let size = ClusterSize { services, task_families: services, tasks, containers };
        let (enabled, enhanced) = (estimate(Disabled, Enabled, &size), estimate(Disabled, Enhanced, &size));
        table.push_str(&format!(
            "| {services} | {tasks} | {containers} | {} metrics | ${:.2} | {} metrics | ${:.2} |\n",
            enabled.metrics, enabled.dollars_a_month, enhanced.metrics, enhanced.dollars_a_month
        ));
    }
    table.push_str(&format!(
        "\nTariff of {}, {}: ${:.2} a metric and month, and ${:.2} for every metric of a cluster that is `enhanced`.\n",
        TARIFF.date, TARIFF.region, TARIFF.enabled, TARIFF.enhanced
    ));
    table
}

/// The text with new content between the markers of a section.
fn with_section(text: &str, name: &str, content: &str) -> String {
    let begin = format!("<!-- made by a test: {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{FILE} has no mark {begin}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{FILE} has no end of {name}"));
    format!("{before}{begin}{content}<!-- end -->{after}")
}

#[test]
fn the_tables_of_the_document_are_what_the_code_does() {
    let written = std::fs::read_to_string(FILE).unwrap();
    let sections = [
        ("decisions", decisions()),
        ("account default", account_default()),
        ("cost", cost()),
        ("EKS decisions", eks::decisions()),
        ("log retention", log_retention::decisions()),
    ];
    let made =
        sections.iter().fold(written.clone(), |text, (name, content)| with_section(&text, name, content));
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(FILE, &made).unwrap();
        return;
    }
    assert!(made == written, "docs/policies.md is out of date: run this test with FARGAZE_WRITE_DOCS=1");
}

#[test]
fn the_files_in_the_documents_are_read_without_a_problem() {
    for document in ["policies.md", "configuration.md"] {
        let path = format!("{}/../../docs/{document}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let files: Vec<&str> =
            text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        // Other blocks are for kubectl.
        let files: Vec<&str> = files.into_iter().filter(|yaml| !yaml.starts_with("apiVersion:")).collect();
        assert!(!files.is_empty(), "{document}");
        for yaml in files {
            let config = Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap());
            let config = config.unwrap_or_else(|error| panic!("{document}: {error}"));
            let says = (config.policies, config.eks);
            assert_ne!(says, (Policies::default(), EksReads::default()), "{document}");
        }
    }
}
