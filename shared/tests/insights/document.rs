//! The tables in `docs/insights.md`: made from the code, and compared with the file.

use fargaze::config::Config;
use fargaze::insights::eks::EksConfig;
use fargaze::insights::{
    AccountDefaultWish, Acquaintance, Action, Change, ChangeState, ClusterLedger, ClusterSize, Decision,
    ExistingClusters, History, InsightsConfig, InsightsLevel, LedgerSubject, ObservedCluster, PutBack,
    TARIFF, Wish, Wished, decide, decide_account_default, estimate,
};
use jiff::{SignedDuration, Timestamp};

use InsightsLevel::{Disabled, Enabled, Enhanced};
use Wish::{AtLeastEnabled, AtLeastEnhanced, Exactly, HandsOff, OffIsFine};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/insights.md");

/// A cluster with its past, and how a person would tell it.
struct Case {
    told: &'static str,
    wish: Wish,
    level: InsightsLevel,
    acquaintance: Acquaintance,
    existing: ExistingClusters,
    ledger: ClusterLedger,
}

fn new(wish: Wish, level: InsightsLevel) -> Case {
    Case {
        told: "new",
        wish,
        level,
        acquaintance: Acquaintance::New,
        existing: ExistingClusters::Report,
        ledger: ClusterLedger::default(),
    }
}

fn existing(wish: Wish, level: InsightsLevel, existing: ExistingClusters) -> Case {
    let told = match existing {
        ExistingClusters::Report => "there before, `existing: report`",
        ExistingClusters::Change => "there before, `existing: change`",
    };
    Case { told, acquaintance: Acquaintance::Existing, existing, ..new(wish, level) }
}

/// An existing cluster that we set to `enabled` for the wish `at-least-enabled`, so many times.
fn past(told: &'static str, wish: Wish, states: &[ChangeState]) -> Case {
    let at = |hour| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
    let change = |(hour, state): (i64, &ChangeState)| Change {
        subject: LedgerSubject::Cluster("shop".parse().unwrap()),
        number: u32::try_from(hour).unwrap(),
        time: at(hour),
        made: at(hour),
        cause: format!("event-{hour}"),
        from: Disabled,
        to: Enabled,
        wish: AtLeastEnabled.to_string(),
        reason: String::new(),
        request_id: None,
        state: *state,
    };
    let by = "terraform".to_owned();
    let put_back = PutBack { time: at(100), event_id: "foreign".to_owned(), by, level: Disabled };
    let ledger = (1_i64..).zip(states).map(change).fold(ClusterLedger::default(), |mut ledger, change| {
        ledger.put(change);
        ledger
    });
    let ledger = ClusterLedger { put_back: vec![put_back], ..ledger };
    Case { told, ledger, ..existing(wish, Disabled, ExistingClusters::Report) }
}

fn cases() -> Vec<Case> {
    use ChangeState::{Abandoned, Done, Restored};
    use ExistingClusters::{Change, Report};
    vec![
        new(HandsOff, Disabled),
        new(OffIsFine, Disabled),
        new(AtLeastEnabled, Disabled),
        new(AtLeastEnabled, Enhanced),
        new(AtLeastEnhanced, Enabled),
        new(Exactly(Enabled), Enhanced),
        new(Exactly(Disabled), Enabled),
        existing(AtLeastEnabled, Enabled, Report),
        existing(AtLeastEnabled, Disabled, Report),
        existing(AtLeastEnabled, Disabled, Change),
        existing(Exactly(Enabled), Enhanced, Report),
        existing(Exactly(Enabled), Enhanced, Change),
        Case { told: "tagged `fargaze` = `hands-off`", ..existing(AtLeastEnabled, Disabled, Change) },
        Case { told: "being deleted", ..existing(AtLeastEnabled, Disabled, Change) },
        Case { told: "being made", ..new(AtLeastEnabled, Disabled) },
        Case { told: "there before, gets capacity providers", ..existing(AtLeastEnabled, Disabled, Change) },
        past("set once, put back by terraform", AtLeastEnabled, &[Done]),
        past("set twice, put back by terraform each time", AtLeastEnabled, &[Done, Done]),
        past("the same, and then the wish changed", AtLeastEnhanced, &[Done, Done]),
        past("set, then put back by a restore", AtLeastEnabled, &[Restored]),
        past("the same, and then the wish changed", AtLeastEnhanced, &[Restored]),
        past("a change was begun and never made", AtLeastEnabled, &[Abandoned]),
    ]
}

fn decided(case: &Case) -> Decision {
    let mut observed = ObservedCluster {
        name: "shop".parse().unwrap(),
        status: "ACTIVE".to_owned(),
        level: case.level,
        tags: std::collections::BTreeMap::new(),
        running_tasks: 1,
        active_services: 1,
    };
    if case.told.starts_with("tagged") {
        observed.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    }
    match case.told {
        "being deleted" => "DEPROVISIONING".clone_into(&mut observed.status),
        "being made" => {
            "PROVISIONING".clone_into(&mut observed.status);
            (observed.running_tasks, observed.active_services) = (0, 0);
        }
        "there before, gets capacity providers" => "PROVISIONING".clone_into(&mut observed.status),
        _ => {}
    }
    let wished = Wished { wish: case.wish, existing: case.existing, source: "fargaze.yaml:9".to_owned() };
    decide(&wished, &observed, &History { acquaintance: case.acquaintance, ledger: &case.ledger })
}

/// What is done, in a word or two.
fn words(action: &Action) -> String {
    match action {
        Action::Set(to) => format!("**set to `{to}`**"),
        Action::Right => "nothing".to_owned(),
        Action::Report => "told, and left".to_owned(),
        Action::Leave => "left alone".to_owned(),
        Action::NotYet => "back to the queue, and new for the next sweep".to_owned(),
        Action::Fight { .. } => "told as a fight, and left".to_owned(),
    }
}

fn decisions() -> String {
    let mut table = "| wish | level | cluster | what is done | why |\n|---|---|---|---|---|\n".to_owned();
    for case in cases() {
        let Decision { action, reason } = decided(&case);
        let Case { told, wish, level, .. } = &case;
        table.push_str(&format!("| `{wish}` | `{level}` | {told} | {} | {reason} |\n", words(&action)));
    }
    table
}

fn account_default() -> String {
    let mut table = "| `account-default` | it is | what is done |\n|---|---|---|\n".to_owned();
    for (wish, level) in [
        (AccountDefaultWish::Leave, Disabled),
        (AccountDefaultWish::AtLeast(Enabled), Disabled),
        (AccountDefaultWish::AtLeast(Enabled), Enhanced),
        (AccountDefaultWish::AtLeast(Enhanced), Enabled),
    ] {
        let Decision { action, .. } = decide_account_default(wish, level, &ClusterLedger::default());
        table.push_str(&format!("| `{wish}` | `{level}` | {} |\n", words(&action)));
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

/// The text with another content between the marks of a section.
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
        ("EKS decisions", super::eks::table::decisions()),
    ];
    let made =
        sections.iter().fold(written.clone(), |text, (name, content)| with_section(&text, name, content));
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(FILE, &made).unwrap();
        return;
    }
    assert!(made == written, "docs/insights.md is out of date: run this test with FARGAZE_WRITE_DOCS=1");
}

#[test]
fn the_files_in_the_documents_are_read_without_a_problem() {
    for document in ["insights.md", "configuration.md"] {
        let path = format!("{}/../docs/{document}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let files: Vec<&str> =
            text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        // Others are for kubectl.
        let files: Vec<&str> = files.into_iter().filter(|yaml| !yaml.starts_with("apiVersion:")).collect();
        assert!(!files.is_empty(), "{document}");
        for yaml in files {
            let config = Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap());
            let config = config.unwrap_or_else(|error| panic!("{document}: {error}"));
            let says = (config.insights, config.eks);
            assert_ne!(says, (InsightsConfig::default(), EksConfig::default()), "{document}");
        }
    }
}
