//! The audit on its own, and the table of its rules in docs/logs.md.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::query::Library;
use super::*;
use crate::model::series::{Datapoint, MetricSeries, Reading};

/// The table between the marks in docs/logs.md.
fn table() -> String {
    let mut table = String::from("| finding | impact | what | why it matters |\n|---|---|---|---|\n");
    for kind in FindingKind::ALL {
        let (key, impact) = (kind.key(), kind.impact().as_str());
        table.push_str(&format!("| `{key}` | {impact} | {} | {} |\n", kind.title(), kind.why()));
    }
    table
}

/// docs/logs.md lists the built-in queries. `FARGAZE_WRITE_DOCS=1` rewrites the table.
#[test]
fn the_document_lists_every_built_in_query() {
    let rows = Library::ALL.iter().map(|library| {
        let text = library.text().replace('\n', " ").replace('|', "\\|");
        format!("| `{}` | {} | `{text}` |\n", library.key(), library.shows())
    });
    let table = format!("| `library` | shows | text |\n|---|---|---|\n{}", rows.collect::<String>());
    is_in_document(["<!-- library -->\n", "<!-- end of library -->"], &table);
}

/// Compares the text between two marks in docs/logs.md. `FARGAZE_WRITE_DOCS=1` rewrites it, one test
/// at a time.
fn is_in_document(marks: [&str; 2], text: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/logs.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let [start, end] = marks.map(|mark| page.find(mark).unwrap());
    let start = start + marks[0].len();
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{text}{}", &page[..start], &page[end..])).unwrap();
    } else {
        assert_eq!(&page[start..end], text, "FARGAZE_WRITE_DOCS=1 cargo test -p fargaze --lib logs");
    }
}

#[test]
fn the_table_of_findings_is_up_to_date() {
    is_in_document(["<!-- findings -->\n", "<!-- end of findings -->"], &table());
}

#[test]
fn rules_are_listed_the_worst_first() {
    assert!(FindingKind::ALL.is_sorted_by_key(|kind| kind.impact()));
    let mut keys: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), FindingKind::ALL.len());
    for kind in FindingKind::ALL {
        let json = serde_json::to_string(kind).unwrap();
        assert_eq!(json, format!("\"{}\"", kind.key()));
        assert!(!kind.why().ends_with('.') && kind.why().len() > 20, "{}", kind.key());
    }
}

/// An option's value is kept only if the audit needs it.
#[test]
fn values_that_may_be_secrets_are_not_kept() {
    let options =
        [("apikey", "a1b2"), ("Header", "Authorization: Bearer x"), ("mode", "blocking"), ("Name", "http")];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let driver = LogDriver::new("awsfirelens", options, ["http_passwd".to_owned()]);
    let json = serde_json::to_string(&driver).unwrap();
    assert!(!json.contains("a1b2") && !json.contains("Bearer"), "{json}");
    assert_eq!((driver.option("mode"), driver.output()), (Some("blocking"), Some("http")));
    assert!(driver.has("apikey") && driver.has("http_passwd") && !driver.has("region"));
    assert_eq!(driver.exposed().collect::<Vec<_>>(), ["apikey"]);
    assert_eq!(serde_json::from_str::<LogDriver>(&json).unwrap(), driver);
    // As the output plugins of Fluent Bit spell them; an empty value exposes nothing.
    for key in ["http_Passwd", "Shared_Key", "Cloud_Auth", "splunk_token", "licenseKey", "private_key"] {
        let driver = |value: &str| LogDriver::new("awsfirelens", [(key.to_owned(), value.to_owned())], []);
        assert_eq!(driver("x").exposed().count(), 1, "{key}");
        assert_eq!(driver("").exposed().count(), 0, "{key}");
    }
}

fn hours(values: &[(i64, f64)], end: Timestamp) -> Reading {
    let point = |(hours, value): &(i64, f64)| Datapoint {
        timestamp: end - SignedDuration::from_hours(*hours),
        value: *value,
    };
    Reading::Complete(MetricSeries::new(values.iter().map(point).collect()))
}

#[test]
fn a_volume_is_a_day_and_the_same_day_a_week_before() {
    let end: Timestamp = "2026-11-22T07:00:00Z".parse().unwrap();
    let bytes = [(1, 5.0), (24, 7.0), (25, 100.0), (7 * 24, 1_000.0), (7 * 24 + 1, 11.0), (8 * 24, 13.0)];
    let events = hours(&[(24, 2.0), (3, 1.0), (1, 0.0)], end);
    let volume = volume_of(&hours(&bytes, end), &events, end).unwrap();
    assert_eq!((volume.bytes, volume.events, volume.bytes_a_week_ago), (12, 3, 24));
    // The third hour from the end has the newest event.
    assert_eq!(volume.newest, Some(end - SignedDuration::from_hours(2)));
    assert_eq!(volume_of(&events, &Reading::Partial(MetricSeries::new(Vec::new()), fault()), end), None);
    let nothing = volume_of(&hours(&[], end), &hours(&[], end), end).unwrap();
    assert_eq!((nothing.bytes, nothing.newest), (0, None));
}

fn fault() -> crate::model::fault::Fault {
    let operation = crate::model::operation::Operation::CloudwatchGetMetricData;
    crate::model::fault::Fault::malformed(operation, "", "cut")
}

prop_compose! {
    fn driver()(
        name in prop::sample::select(vec!["awslogs", "splunk", "awsfirelens", "json-file", ""]),
        options in prop::collection::btree_map(
            prop::sample::select(vec![
                "awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group", "mode",
                "max-buffer-size", "Name", "@type", "log_group_name", "splunk-token", "awslogs-datetime-format",
            ]),
            prop::sample::select(vec![
                "", "true", "eu-west-1", "blocking", "non-blocking", "1g", "99999999999999999999m", "k", "ä",
                "cloudwatch", "s3", "/ecs/a", "\u{202e}x", "'; rm -rf /",
            ]),
            0..6,
        ),
    ) -> LogDriver {
        LogDriver::new(name, options.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())), [])
    }
}

prop_compose! {
    fn container()(
        name in "[a-z\u{202e}' ]{0,4}",
        essential in any::<bool>(),
        memory_mib in prop::option::of(0u32..5_000),
        driver in prop::option::of(driver()),
        router in prop::option::weighted(0.3, prop::sample::select(vec!["fluentbit", "fluentd"])),
    ) -> ContainerLogging {
        let router = router.map(|kind| Router { kind: kind.to_owned(), config_file_type: None });
        ContainerLogging { name, essential, memory_mib, driver, router, ..ContainerLogging::default() }
    }
}

proptest! {
    /// Whatever is registered: no panic, no finding on EC2, and what is known does not depend on
    /// what is not.
    #[test]
    fn any_task_definition_can_be_audited(
        containers in prop::collection::vec(container(), 0..4),
        on_fargate in any::<bool>(),
    ) {
        let region = "eu-west-1".parse().unwrap();
        let logging = TaskLogging { on_fargate, size: None, containers };
        let groups = BTreeMap::new();
        let blind = AuditContext { region: &region, default_mode: None, groups: None };
        let seeing = AuditContext { default_mode: Some(LogMode::NonBlocking), groups: Some(&groups), ..blind };
        let (found, more) = (audit(&logging, &blind), audit(&logging, &seeing));
        prop_assert!(on_fargate || more.is_empty());
        let of_groups = [FindingKind::GroupNotFound, FindingKind::GroupNotCreated];
        let kinds = |found: &[audit::Found<'_>]| -> Vec<FindingKind> {
            found.iter().map(|one| one.kind).filter(|kind| !of_groups.contains(kind)).collect()
        };
        prop_assert_eq!(kinds(&found), kinds(&more));
        let lone = logging.containers.iter().filter(|one| one.driver.is_none() && one.router.is_none());
        let without = more.iter().filter(|one| one.kind == FindingKind::NoDriver).count();
        prop_assert_eq!(without, if on_fargate { lone.count() } else { 0 });
    }
}
