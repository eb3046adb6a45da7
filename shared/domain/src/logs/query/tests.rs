//! Tests of the pieces together: text -> plan -> answer -> readings and results.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::text::{Split, commands, counted, histogram, selection};
use super::*;
use crate::config::Config;
use crate::logs::{ContainerLogging, LogDriver, LogGroup, Masks, Running, TaskLogging};
use crate::model::fault::Fault;
use crate::model::operation::Operation;
use crate::model::run::{Platform, Run, RunKind};
use crate::model::subject::Subject;

#[test]
fn commands_end_at_a_bar_and_nowhere_else() {
    for (text, expected) in [
        ("fields @message | limit 5", vec!["fields @message", "limit 5"]),
        (r"filter @message like /a|b/ | limit 5", vec![r"filter @message like /a|b/", "limit 5"]),
        (r"filter @message like / a|b / | limit 5", vec![r"filter @message like / a|b /", "limit 5"]),
        (r#"filter x = "a|b" or y = 'c|d' | limit 5"#, vec![r#"filter x = "a|b" or y = 'c|d'"#, "limit 5"]),
        (r"filter x =~ /a\/|b/ | limit 5", vec![r"filter x =~ /a\/|b/", "limit 5"]),
        (
            r"parse @message /(?<a>x|y)/ | stats count(*)",
            vec![r"parse @message /(?<a>x|y)/", "stats count(*)"],
        ),
        ("fields `a|b` | sort `a|b`", vec!["fields `a|b`", "sort `a|b`"]),
        ("fields a / b as c | sort c", vec!["fields a / b as c", "sort c"]),
        ("# a | comment\nfields x | limit 1", vec!["# a | comment\nfields x", "limit 1"]),
        ("| fields x |", vec!["fields x"]),
        ("", vec![]),
    ] {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn the_selection_ends_with_the_first_command_that_does_more() {
    for (text, expected) in [
        ("filter x | stats count(*) by bin(5m)", "filter x"),
        ("fields a | FILTER b | parse c /d/ | sort e | limit 2", "fields a | FILTER b | parse c /d/"),
        ("stats count(*)", ""),
        ("# why\nfilter x | limit 2", "# why\nfilter x"),
    ] {
        assert_eq!(selection(text).join(" | "), expected, "{text}");
    }
    assert!(selects("filter x") && selects("fields a | filterIndex b = 1") && !selects("fields a | limit 5"));
}

#[test]
fn bins_and_log_groups_of_stats_are_recognized() {
    for (text, bin, by_log) in [
        ("stats count(*) by @log, bin(5m)", Some(300), true),
        ("filter x | stats pct(d, 99) as p99 by bin( 1h ),@log | sort p99", Some(3600), true),
        ("stats count(*) by bin(30 s)", Some(30), false),
        ("stats count(*) by @logStream", None, false),
        ("stats count(*) by bin(500ms)", None, false),
        ("filter bin(5m) = 3", None, false),
        ("stats count(*) by bin(2min), `@log`", Some(120), false),
    ] {
        assert_eq!((bin_of(text), is_by_log(text)), (bin, by_log), "{text}");
    }
    assert_eq!(
        text::additive("stats count(*) as n, sum(strlen(@message)) as `bytes`, max(x) as m by y"),
        ["n", "bytes"]
    );
    assert_eq!(text::additive("stats count(*) by bin(5m)"), ["count(*)"]);
}

/// S89 and S90: the seed's search for 404, and a histogram of it.
#[test]
fn the_library_is_anchored_and_can_be_counted() {
    assert!(Library::Http404.text().contains("filter status = 404"), "the status, not any 404");
    for library in Library::ALL {
        let text = library.text();
        assert!(selects(text), "{}: it would count everything", library.key());
        let all = commands(text);
        assert!(all.len() > 1 && all.iter().any(|command| command.starts_with("stats")), "{text}");
        let counted = counted(text, 300, Split::Group);
        assert!(counted.ends_with("| stats count(*) as count by @log, bin(300s)"), "{counted}");
        assert!(histogram(text, 60).ends_with("| stats count(*) as count by bin(60s)"));
        assert!(lines_query(text, 3).ends_with("| sort @timestamp desc\n| limit 3"));
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn run(kind: RunKind) -> Run {
    let range = SignedDuration::from_mins(15);
    Run::new(
        kind,
        at("2026-12-01T10:05:00Z"),
        SignedDuration::from_secs(120),
        SignedDuration::from_mins(30),
        None,
    )
    .with_range(range)
}

fn group(name: &str) -> LogGroup {
    LogGroup {
        name: name.to_owned(),
        class: "STANDARD".to_owned(),
        retention_days: Some(10),
        stored_bytes: Some(10 << 30),
        has_kms_key: false,
        created_at: Some(at("2026-01-01T00:00:00Z")),
    }
}

fn groups(names: &[&str]) -> BTreeMap<String, LogGroup> {
    names.iter().map(|name| ((*name).to_owned(), group(name))).collect()
}

fn service(name: &str) -> Subject {
    Subject::Service("shop".parse().unwrap(), name.parse().unwrap())
}

/// Services of the cluster `shop`, each with the group and the prefix that it logs to.
fn destinations(services: &[(&str, &str, &str)]) -> Destinations {
    let (mut running, mut definitions) = (Vec::new(), BTreeMap::new());
    for (name, group, prefix) in services {
        let options =
            [("awslogs-group", *group), ("awslogs-region", "eu-west-1"), ("awslogs-stream-prefix", *prefix)];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let driver = Some(LogDriver::new("awslogs", options, []));
        let container = ContainerLogging {
            name: "app".to_owned(),
            essential: true,
            driver,
            ..ContainerLogging::default()
        };
        definitions.insert(
            (*name).to_owned(),
            TaskLogging { on_fargate: true, size: None, containers: vec![container] },
        );
        running.push(Running { subject: service(name), revision: (*name).to_owned(), runs_since: None });
    }
    Destinations::of_tasks(&running, &definitions, &"eu-west-1".parse().unwrap())
}

fn config(yaml: &str) -> Config {
    Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
        .unwrap_or_else(|error| panic!("{error}"))
}

const RULE: &str = "
built-in-rules: none
rules:
  - name: error-burst
    what: {log-query: errors}
    threshold: 5
    comparison: GreaterThanThreshold
    evaluation-periods: 1
logs:
  queries:
    - {name: errors, services: [shop/*], library: errors, run-with: [alarms, report]}
";

static NOTHING: EvaluatedLogs = EvaluatedLogs(BTreeMap::new());

fn known<'a>(destinations: &'a Destinations, groups: &'a BTreeMap<String, LogGroup>) -> KnownLogs<'a> {
    KnownLogs { destinations, groups, evaluated: &NOTHING }
}

fn planned(yaml: &str, kind: RunKind, destinations: &Destinations, existing: &[&str]) -> RunsOfQueries {
    let config = config(yaml);
    plan_queries(
        &config.logs,
        &config.rules,
        &run(kind),
        Platform::Ecs,
        true,
        known(destinations, &groups(existing)),
    )
}

fn row(fields: &[(&str, &str)]) -> QueryRow {
    QueryRow(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn a_query_has_at_most_fifty_groups_and_misses_none() {
    let names: Vec<String> = (0..120).map(|number| format!("s{number}")).collect();
    let services: Vec<(String, String)> =
        names.iter().map(|name| (name.clone(), format!("/ecs/{name}"))).collect();
    let of: Vec<(&str, &str, &str)> =
        services.iter().map(|(name, group)| (name.as_str(), group.as_str(), "p")).collect();
    let existing: Vec<&str> = of.iter().map(|(_, group, _)| *group).skip(1).collect();
    let runs = planned(RULE, RunKind::Report, &destinations(&of), &existing);
    let sizes: Vec<usize> = runs.queries.iter().map(|query| query.groups.len()).collect();
    assert_eq!(sizes, [50, 50, 19]);
    assert_eq!(runs.left_out, [("errors".to_owned(), Unqueryable::Missing("/ecs/s0".to_owned()))]);
    // 10 GB over ten days; an hour of it in each of 119 groups.
    let bytes: u64 = runs.queries.iter().map(|query| query.estimated_bytes).sum();
    assert_eq!(bytes / 119, (10 << 30) / 240);
    assert_eq!(runs.queries[0].end.duration_since(runs.queries[0].start), SignedDuration::from_hours(1));
}

#[test]
fn classes_are_queried_apart_and_delivery_not_at_all() {
    let config = config("logs: {queries: [{name: q, groups: ['/ecs/*'], library: errors}]}");
    let mut groups = groups(&["/ecs/a", "/ecs/b", "/ecs/c", "/other"]);
    groups.get_mut("/ecs/b").unwrap().class = "INFREQUENT_ACCESS".to_owned();
    groups.get_mut("/ecs/c").unwrap().class = "DELIVERY".to_owned();
    let (run, nobody) = (run(RunKind::Report), Destinations::default());
    let runs = plan_queries(&config.logs, &[], &run, Platform::Eks, true, known(&nobody, &groups));
    let of: Vec<&Vec<String>> = runs.queries.iter().map(|query| &query.groups).collect();
    assert_eq!(of, [&vec!["/ecs/b".to_owned()], &vec!["/ecs/a".to_owned()]]);
    assert_eq!(runs.left_out, [("q".to_owned(), Unqueryable::Class("/ecs/c".to_owned()))]);
    let not_here = plan_queries(&config.logs, &[], &run, Platform::Ecs, false, known(&nobody, &groups));
    assert_eq!(not_here, RunsOfQueries::default());
}

/// The query of a rule covers the whole window of the run, in the rule's periods.
#[test]
fn a_rule_is_counted_by_period_over_the_window_of_the_run() {
    let destinations = destinations(&[("web", "/ecs/web", "web")]);
    let runs = planned(RULE, RunKind::Alarms, &destinations, &["/ecs/web"]);
    let [query] = &runs.queries[..] else { panic!("{runs:?}") };
    assert!(query.text.ends_with("| stats count(*) as count by @log, bin(300s)"), "{}", query.text);
    assert_eq!((query.start, query.end), (at("2026-12-01T09:30:00Z"), at("2026-12-01T10:00:00Z")));
    let answer = Answer {
        rows: vec![row(&[
            ("@log", "123456789012:/ecs/web"),
            ("bin(300s)", "2026-12-01 09:50:00.000"),
            ("count", "7"),
        ])],
        bytes_scanned: 1 << 20,
        matched: 7,
    };
    let places = &config(RULE).logs.queries[0].places;
    let mut readings = LogReadings::default();
    readings.add(query, &Ok(answer), places, &destinations);
    let reading = readings.of("error-burst", &service("web")).unwrap();
    let values: Vec<f64> = reading.series().unwrap().points().iter().map(|point| point.value).collect();
    assert_eq!(values, [0.0, 0.0, 0.0, 0.0, 7.0, 0.0], "a period without an event counts zero");
    assert_eq!(readings.of("error-burst", &service("api")), None);
}

#[test]
fn services_that_share_a_group_are_told_apart_by_their_streams() {
    let destinations = destinations(&[("web", "/ecs/shop", "web"), ("api", "/ecs/shop", "api")]);
    let runs = planned(RULE, RunKind::Alarms, &destinations, &["/ecs/shop"]);
    let query = &runs.queries[0];
    assert!(query.text.contains("parse @logStream"), "{}", query.text);
    let of = |source: &str, count: &str| {
        row(&[
            ("@log", "123456789012:/ecs/shop"),
            ("logsource", source),
            ("bin(300s)", "2026-12-01 09:55:00.000"),
            ("count", count),
        ])
    };
    let rows = vec![of("web/app", "3"), of("api/app", "4"), of("someone/else", "5")];
    let mut readings = LogReadings::default();
    let places = &config(RULE).logs.queries[0].places;
    readings.add(query, &Ok(Answer { rows, ..Answer::default() }), places, &destinations);
    let last = |name| readings.of("error-burst", &service(name)).unwrap().series().unwrap().max();
    assert_eq!((last("web"), last("api")), (Some(3.0), Some(4.0)));
    assert_eq!(readings.unattributed["errors"], 1, "and the third is counted");
}

/// A part without an answer leaves its services unread, and the others are evaluated.
#[test]
fn a_failed_or_cut_part_is_unread_and_never_zero() {
    let destinations = destinations(&[("web", "/ecs/web", "web"), ("api", "/ecs/api", "api")]);
    let runs = planned(RULE, RunKind::Alarms, &destinations, &["/ecs/web", "/ecs/api"]);
    let mut query = runs.queries[0].clone();
    let places = &config(RULE).logs.queries[0].places;
    let fault = Fault::malformed(Operation::LogsGetQueryResults, "", "Timeout");
    let (mut api, mut web) = (query.clone(), query.clone());
    (api.groups, web.groups) = (vec!["/ecs/api".to_owned()], vec!["/ecs/web".to_owned()]);
    let mut readings = LogReadings::default();
    readings.add(&api, &Err(fault.clone()), places, &destinations);
    readings.add(&web, &Ok(Answer::default()), places, &destinations);
    assert_eq!(readings.of("error-burst", &service("api")).unwrap().fault(), Some(&fault));
    assert_eq!(readings.of("error-burst", &service("web")).unwrap().series().unwrap().max(), Some(0.0));
    // An answer with as many rows as it may have was cut.
    query.limit = 1;
    let some = row(&[("@log", "1:/ecs/web"), ("bin(300s)", "2026-12-01 09:55:00.000"), ("count", "1")]);
    let mut cut = LogReadings::default();
    cut.add(&query, &Ok(Answer { rows: vec![some], ..Answer::default() }), places, &destinations);
    assert!(cut.of("error-burst", &service("web")).unwrap().fault().unwrap().message.contains("was cut"));
}

fn result(yaml: &str, rows: Vec<QueryRow>) -> QueryResult {
    let destinations = destinations(&[("web", "/ecs/web", "web")]);
    let query = planned(yaml, RunKind::Report, &destinations, &["/ecs/web"]).queries.remove(0);
    let matched = u64::try_from(rows.len()).unwrap();
    let answer = Answer { rows, bytes_scanned: 1 << 30, matched };
    merge(&[(query, Ok(answer), Fate::Running("1".to_owned()))], &Masks::default()).remove(0)
}

#[test]
fn counts_over_time_become_a_histogram_and_a_table_of_totals() {
    let of = |group: &str, bin: &str, count: &str| {
        let (log, bin) = (format!("123456789012:{group}"), format!("2026-12-01 {bin}:00.000"));
        row(&[("@log", &log), ("bin(5m)", &bin), ("count", count)])
    };
    let rows = vec![of("/ecs/web", "09:50", "2"), of("/ecs/api", "09:55", "9"), of("/ecs/web", "09:55", "1")];
    let QueryFound::Answered { table, histogram, .. } = result(RULE, rows).found else { panic!() };
    let table = table.unwrap();
    assert_eq!(table.columns, ["log group", "count"]);
    assert_eq!(table.rows, [["/ecs/api", "9"], ["/ecs/web", "3"]]);
    let histogram = histogram.unwrap();
    assert_eq!((histogram.counts.len(), histogram.counts[10], histogram.counts[11]), (12, 2.0, 10.0));
}

#[test]
fn other_rows_are_shown_as_they_are_with_secrets_masked() {
    let yaml = "logs: {queries: [{name: q, services: [shop/*], text: 'fields @message | stats count(*) as n by path | sort n'}]}";
    let rows = (0..60).map(|n| row(&[("path", &format!("/a?token=s3cr3t{n}")), ("n", "1")])).collect();
    let QueryFound::Answered { table, histogram, .. } = result(yaml, rows).found else { panic!() };
    let table = table.unwrap();
    assert_eq!(
        (table.columns, table.rows.len(), table.more),
        (vec!["path".to_owned(), "n".to_owned()], 50, 10)
    );
    assert_eq!(table.rows[0][0], "/a?token=[masked]");
    assert_eq!(histogram, None);
}

#[test]
fn a_budget_refuses_what_would_exceed_it() {
    assert!(!Budget { dollars: 20.0, spent: 19.0 }.refuses(1.0));
    assert!(Budget { dollars: 20.0, spent: 19.0 }.refuses(1.01));
    assert!(Budget { dollars: 0.0, spent: 0.0 }.refuses(0.01));
    assert!((dollars_scanned(200 << 30) - 1.0).abs() < 1e-9);
    assert_eq!(month_of(at("2026-12-31T23:59:59Z")), "2026-12");
}

proptest! {
    /// Whatever a query says, taking it apart and putting it together ends, and keeps its selection.
    #[test]
    fn any_text_can_be_taken_apart(text in "\\PC{0,200}") {
        let parts = selection(&text).join("\n| ");
        prop_assert!(counted(&text, 60, Split::Stream).starts_with(&parts));
        bin_of(&text);
        is_by_log(&text);
        text::additive(&text);
    }

    /// Counts of a histogram add up to those of the rows, however they are spread.
    #[test]
    fn a_histogram_loses_no_event(minutes in prop::collection::vec((0i64..60, 1u32..50), 0..40)) {
        let start = at("2026-12-01T09:00:00Z");
        let rows: Vec<QueryRow> = minutes
            .iter()
            .map(|(minute, count)| {
                let bin = start + SignedDuration::from_mins(minute / 5 * 5);
                let bin = bin.strftime("%Y-%m-%d %H:%M:%S.000").to_string();
                row(&[("@log", "1:/ecs/web"), ("bin(5m)", &bin), ("count", &count.to_string())])
            })
            .collect();
        let total: f64 = minutes.iter().map(|(_, count)| f64::from(*count)).sum();
        let QueryFound::Answered { histogram, .. } = result(RULE, rows).found else { panic!() };
        prop_assert!((histogram.unwrap().counts.iter().sum::<f64>() - total).abs() < 1e-9);
    }
}
