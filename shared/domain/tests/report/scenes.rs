//! Estates for the goldens.

use std::collections::BTreeMap;

use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{Blindness, BrokenTarget, MissingMetric, RulePlace, RuleProblem, RuleRecord, Unseen};
use fargaze::logs::query::{
    Budget, Histogram, Library, LogLine, QueryFound, QueryResult, ResultTable, Unqueryable,
};
use fargaze::logs::{
    AskedQueries, AuditedGroup, FindingKind, FindingPlace, LogFinding, LogGroup, LogsRead, TargetLogs,
    TargetQueries, Volume,
};
use fargaze::model::fault::FaultKind;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{Dimensions, Metric, Statistic};
use fargaze::model::subject::Subject;
use fargaze::outcome::CoverageChange;
use fargaze::reconcile::ChangeLog;
use fargaze::rules::Mute;
use fargaze::sources::usage::Usage;
use jiff::SignedDuration;

use crate::estate::{
    Cluster, Estate, at, change_log, cluster, fault, in_alarm, incidents, known, revert, run, service, target,
};

fn usage() -> Usage {
    Usage { since: at("2026-11-21T05:02:00Z"), runs: 289, metrics: 4_032, calls: 1_310 }
}

fn calm() -> Vec<Cluster> {
    use InsightsLevel::{Disabled, Enabled};
    vec![
        cluster(
            "orders",
            Disabled,
            vec![service("api", 4, (31.0, 52.0)), service("worker", 2, (12.0, 33.0))],
        ),
        cluster(
            "shop",
            Enabled,
            vec![
                service("cart", 3, (18.0, 41.0)),
                service("search", 6, (44.0, 58.0)),
                service("web", 8, (27.0, 47.0)),
            ],
        ),
    ]
}

/// Nothing needs attention.
pub(crate) fn quiet() -> Estate {
    Estate {
        targets: vec![("eu-west-1".to_owned(), Ok(calm()))],
        usage: Some(usage()),
        account_default: Some(InsightsLevel::Enabled),
        ..Estate::default()
    }
}

/// One of everything that needs attention.
pub(crate) fn busy() -> Estate {
    use InsightsLevel::{Disabled, Enabled, Enhanced};
    let mut clusters = calm();
    clusters[1].services[0].load = Some((24.0, 71.0));
    clusters[1].services[2].load = Some((62.0, 74.0));
    let mut payments = service("checkout", 3, (35.0, 40.0));
    (payments.tasks, payments.load) = (Some((0, 3, 1)), None);
    let mut billing = service("billing", 2, (15.0, 66.0));
    (billing.tasks, billing.rollout, billing.failed) = (Some((1, 2, 1)), "IN_PROGRESS", 14);
    clusters.push(cluster(
        "payments",
        Enhanced,
        vec![payments, billing, service("fraud-check", 2, (5.0, 22.0))],
    ));
    let mut silent = cluster("till", Enabled, vec![service("printer", 1, (3.0, 18.0))]);
    silent.reports = false;
    clusters.push(silent);
    let mut lab = cluster("lab", Disabled, vec![service("notebook", 1, (71.0, 35.0))]);
    lab.tags = BTreeMap::from([("fargaze".to_owned(), "hands-off".to_owned())]);
    clusters.push(lab);
    let mut muted = in_alarm("payments", "billing", "deployment-failing", 1);
    muted.memory.muted = Some(Mute::Maintenance);
    let mut blind = in_alarm("till", "printer", "memory-high", 0);
    blind.memory.state = AlarmState::Ok;
    blind.memory.blind = Some(Blindness {
        since: run().time - SignedDuration::from_mins(40),
        because: Unseen::CouldNotAsk,
        notified: false,
        before_alarm: false,
    });
    let broken = BrokenTarget {
        name: target("eu-north-1").to_string(),
        since: run().time - SignedDuration::from_mins(95),
        notified: true,
    };
    Estate {
        incidents: incidents(""),
        known: Some(known(48)),
        targets: vec![("eu-west-1".to_owned(), Ok(clusters))],
        logs: vec![(target("eu-west-1"), conflicts())],
        alarms: vec![(
            target("eu-west-1"),
            vec![
                in_alarm("payments", "checkout", "nothing-running", 3),
                in_alarm("shop", "web", "memory-high", 1),
                muted,
                blind,
            ],
        )],
        changes: vec![CoverageChange::Back(broken)],
        target_logs: vec![(target("eu-west-1"), Ok(logs()))],
        target_queries: vec![(target("eu-west-1"), Ok(queries()))],
        usage: Some(usage()),
        account_default: Some(Enabled),
        ..Estate::default()
    }
}

/// A saved query that was answered, one that a budget refused, and one without a log group.
fn queries() -> TargetQueries {
    let end = at("2026-11-22T05:00:00Z");
    let ago = |minutes| end - SignedDuration::from_mins(minutes);
    let start = ago(60);
    let counts = [0.0, 0.0, 2.0, 1.0, 0.0, 3.0, 0.0, 0.0, 5.0, 31.0, 14.0, 1.0];
    let line = |minutes, text: &str| LogLine {
        at: Some(ago(minutes)),
        group: "/ecs/shop".to_owned(),
        text: text.to_owned(),
    };
    let result = |name: &str, text: &str, found| QueryResult {
        name: name.to_owned(),
        text: text.to_owned(),
        groups: ["/ecs/shop".to_owned(), "/ecs/search".to_owned()].into(),
        start,
        end,
        estimated_bytes: 9 << 30,
        bytes_scanned: 0,
        found,
        unattributed: 0,
        faults: Vec::new(),
    };
    let rows = [["/ecs/shop", "54"], ["/ecs/search", "3"]];
    let answered = QueryFound::Answered {
        matched: 57,
        table: Some(ResultTable {
            columns: vec!["log group".to_owned(), "count".to_owned()],
            rows: rows.iter().map(|row| row.map(ToOwned::to_owned).to_vec()).collect(),
            more: 0,
        }),
        histogram: Some(Histogram { start, bin_seconds: 300, counts: counts.to_vec() }),
        lines: vec![
            line(8, "ERROR checkout: card [masked] declined by the bank"),
            line(9, "ERROR checkout: time-out after 3,000 ms"),
        ],
    };
    let errors = result("errors", Library::Errors.text(), answered);
    let refused = QueryFound::Refused(Budget { dollars: 20.0, spent: 19.99 });
    TargetQueries::Asked(AskedQueries {
        results: vec![
            QueryResult { bytes_scanned: 3 << 30, ..errors },
            result("slow", Library::SlowRequests.text(), refused),
        ],
        left_out: vec![
            ("audit".to_owned(), Unqueryable::Missing("/aws/eks/payments/cluster".to_owned())),
            ("audit".to_owned(), Unqueryable::Nothing),
        ],
        spent: Some(19.99),
        ..AskedQueries::default()
    })
}

/// Containers and log groups with some of each kind of mistake.
fn logs() -> TargetLogs {
    let service = |name: &str| Subject::Service("shop".parse().unwrap(), name.parse().unwrap());
    let finding = |kind, name: &str, container: &str, detail: &str, remedy: &str| LogFinding {
        kind,
        place: FindingPlace::Container { subject: service(name), container: container.to_owned() },
        detail: detail.to_owned(),
        remedy: remedy.to_owned(),
    };
    let of_group = |kind, name: &str, detail: &str, remedy: &str| LogFinding {
        kind,
        place: FindingPlace::Group(name.to_owned()),
        detail: detail.to_owned(),
        remedy: remedy.to_owned(),
    };
    let group = |name: &str, days, stored: u64, bytes| AuditedGroup {
        group: LogGroup {
            name: name.to_owned(),
            class: "STANDARD".to_owned(),
            retention_days: days,
            stored_bytes: Some(stored << 30),
            has_kms_key: false,
            created_at: None,
        },
        volume: bytes,
        writers: Vec::new(),
    };
    let volume = |bytes: u64, before: u64| {
        Some(Volume {
            bytes: bytes << 20,
            events: bytes * 4_000,
            bytes_a_week_ago: before << 20,
            newest: None,
        })
    };
    let driver = "\"logConfiguration\": {\n  \"logDriver\": \"awslogs\",\n  \"options\": {\n    \"awslogs-group\": \"/ecs/NAME\"\n  }\n}";
    let retention =
        "aws logs put-retention-policy --region eu-west-1 --log-group-name /ecs/shop --retention-in-days 30";
    TargetLogs::Read(LogsRead {
        sizes: Vec::new(),
        containers: 31,
        revisions: 14,
        revisions_left: 0,
        findings: vec![
            finding(FindingKind::NoDriver, "cart", "envoy", "", driver),
            finding(FindingKind::NoDriver, "search", "envoy", "", driver),
            finding(
                FindingKind::GroupNotFound,
                "web",
                "app",
                "/ecs/web",
                "aws logs create-log-group --region eu-west-1 --log-group-name /ecs/web",
            ),
            of_group(
                FindingKind::NeverExpires,
                "/ecs/shop",
                "412 GB stored, about $12.36 a month",
                retention,
            ),
            finding(
                FindingKind::ModeNotSet,
                "web",
                "app",
                "the account's default is non-blocking",
                "\"mode\": \"non-blocking\"",
            ),
        ],
        groups: vec![
            group("/ecs/shop", None, 412, volume(6_000, 2_000)),
            group("/ecs/payments", Some(30), 9, volume(300, 310)),
            group("/aws/ecs/containerinsights/shop/performance", Some(7), 1, None),
        ],
        metrics: 6,
        faults: Vec::new(),
    })
}

/// `shop` was set recently, and `orders` is reverted each time.
fn conflicts() -> ChangeLog {
    let new = "the cluster is new; its policy is at-least-enabled (built-in)";
    let mut log = change_log(&[("orders", 300, new), ("orders", 200, new), ("shop", 5, new)]);
    let of_orders = log.get_mut(&Subject::Cluster("orders".parse().unwrap())).unwrap();
    of_orders.put_revert(revert("orders", "arn:aws:sts::123456789012:assumed-role/terraform/ci"));
    log
}

/// Services run without CloudWatch data; alarms without data; rules that cannot fire.
pub(crate) fn silent() -> Estate {
    let mut clusters = calm();
    clusters[0].services[0].load = None;
    clusters[1].services[2].silent_hours = 4;
    let mut blind = in_alarm("shop", "web", "memory-high", 0);
    blind.memory.state = AlarmState::Ok;
    blind.memory.notified = AlarmState::Ok;
    let since = run().time - SignedDuration::from_mins(240);
    blind.memory.blind =
        Some(Blindness { since, because: Unseen::NoData, notified: true, before_alarm: false });
    let dimensions = Dimensions::new([("Queue".to_owned(), "jobs".to_owned())]);
    let metric = Metric { namespace: "Shop".into(), name: "Agee".into(), dimensions };
    let missing = MissingMetric {
        metrics: vec![metric],
        statistic: Statistic::Percentile("p99".to_owned()),
        subjects: 3,
    };
    let places = vec![RulePlace::of(&target("eu-west-1"))];
    let record = |rule: &str, hours, problem| RuleRecord {
        rule: rule.to_owned(),
        definition: String::new(),
        since: run().time - SignedDuration::from_hours(hours),
        notify_after_seconds: Some(86_400),
        notified: hours > 24,
        problem,
    };
    let no_data = RuleProblem::NoData { missing, places };
    Estate {
        targets: vec![("eu-west-1".to_owned(), Ok(clusters))],
        alarms: vec![(target("eu-west-1"), vec![blind])],
        rules: vec![
            record("jobs-old", 5, no_data.clone()),
            RuleRecord { notify_after_seconds: None, ..record("errors", 30, no_data.clone()) },
            // Missing for only an hour, as is normal for it: not listed.
            RuleRecord { notify_after_seconds: None, ..record("retries", 1, no_data) },
            record("odd", 48, RuleProblem::AppliesToNothing { needs: None }),
            record("busy", 2, RuleProblem::AppliesToNothing { needs: Some(InsightsLevel::Enhanced) }),
        ],
        usage: Some(usage()),
        ..Estate::default()
    }
}

/// Three targets: one healthy, one denied, one throttled.
pub(crate) fn three_targets() -> Estate {
    let mut throttled = calm();
    throttled[0].services[1].fault = Some(fault(FaultKind::Throttled, "cloudwatch:GetMetricData", "orders"));
    throttled[0].services[0].fault = Some(fault(FaultKind::Transient, "cloudwatch:GetMetricData", "orders"));
    throttled[1].services[0].tasks = None;
    throttled[1].reports = false;
    let denied = fault(FaultKind::Denied, "ecs:ListClusters", "");
    let lost = BrokenTarget { name: target("us-east-1").to_string(), since: run().time, notified: true };
    Estate {
        targets: vec![
            ("eu-west-1".to_owned(), Ok(calm())),
            ("us-east-1".to_owned(), Err(denied.clone())),
            ("ap-southeast-2".to_owned(), Ok(throttled)),
        ],
        changes: vec![CoverageChange::Lost(lost, denied)],
        ..Estate::default()
    }
}

/// Clusters and services exist, and nothing is known about them.
pub(crate) fn no_data() -> Estate {
    let mut clusters = calm();
    for service in clusters.iter_mut().flat_map(|cluster| &mut cluster.services) {
        (service.load, service.tasks) = (None, None);
    }
    Estate { targets: vec![("eu-west-1".to_owned(), Ok(clusters))], ..Estate::default() }
}

/// No target could be read.
pub(crate) fn nothing_seen() -> Estate {
    let denied = || Err(fault(FaultKind::Denied, "sts:AssumeRole", "fargaze-reader"));
    Estate {
        targets: vec![("eu-west-1".to_owned(), denied()), ("us-east-1".to_owned(), denied())],
        ..Estate::default()
    }
}

/// This many clusters in two Regions.
pub(crate) fn many(clusters: u32) -> Estate {
    let make = |i: u32| {
        let services = ["api", "web", "worker"].into_iter().zip(1..);
        let services = services.map(|(name, n)| {
            let load = (f64::from(i * 7 * n % 60), 20.0 + f64::from((i * 11 + n * 5) % 50));
            service(name, 1 + (i + n) % 5, load)
        });
        let level = InsightsLevel::ALL[usize::try_from(i % 3).unwrap()];
        cluster(&format!("team-{i:03}"), level, services.collect())
    };
    let of = |region: u32| Ok((0..clusters).filter(|i| i % 2 == region).map(make).collect());
    let targets = vec![("eu-west-1".to_owned(), of(0)), ("us-east-1".to_owned(), of(1))];
    Estate { targets, usage: Some(usage()), ..Estate::default() }
}
