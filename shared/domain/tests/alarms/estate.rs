//! A small estate, collected into a snapshot and evaluated from it run by run, as the functions do
//! it.

use std::collections::BTreeMap;

use fargaze::alarms::{AlarmKey, AlarmRecord, Judging, Notice, NoticeKind};
use fargaze::evidence::coverage::CoverageTally;
use fargaze::evidence::inventory::{EcsEntry, Inventory, ServiceState, ServiceTrend, UndescribedService};
use fargaze::evidence::snapshot::{SnapshotLine, SnapshotReader, SnapshotWriter};
use fargaze::model::fault::Fault;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{MetricQuery, Period};
use fargaze::model::run::{Part, Run, RunKind, Target};
use fargaze::model::series::Reading;
use fargaze::model::status::ServiceStatus;
use fargaze::model::subject::Subject;
use fargaze::rules::AlarmRule;
use fargaze::sources::plan::QueryPlan;
use jiff::SignedDuration;

use crate::scene::{at, series};

/// The value CloudWatch returns for a query at a minute.
pub(crate) type Values = Box<dyn Fn(&MetricQuery, i64) -> Option<f64>>;

/// Clusters with services, what CloudWatch and ECS report about them, and the stored alarms.
pub(crate) struct Estate {
    pub(crate) rules: Vec<AlarmRule>,
    pub(crate) part: Part,
    pub(crate) clusters: BTreeMap<String, Vec<String>>,
    pub(crate) values: Values,
    pub(crate) states: Vec<ServiceState>,
    /// Services that `DescribeServices` did not return.
    pub(crate) undescribed: Vec<UndescribedService>,
    /// Faults that belong to no single metric.
    pub(crate) faults: Vec<Fault>,
    /// Every query fails with this fault.
    pub(crate) unread: Option<Fault>,
    pub(crate) remembered: BTreeMap<AlarmKey, AlarmRecord>,
    pub(crate) notified: Vec<Notice>,
}

impl Estate {
    /// One cluster `shop` with one service `web`, healthy and without Container Insights.
    pub(crate) fn new(rules: Vec<AlarmRule>) -> Self {
        Self {
            rules,
            part: Part::WHOLE,
            clusters: BTreeMap::from([("shop".to_owned(), vec!["web".to_owned()])]),
            values: Box::new(|_, _| Some(30.0)),
            states: Vec::new(),
            undescribed: Vec::new(),
            faults: Vec::new(),
            unread: None,
            remembered: BTreeMap::new(),
            notified: Vec::new(),
        }
    }

    fn inventory(&self) -> Inventory {
        let entry = |services: &Vec<String>| EcsEntry {
            insights: InsightsLevel::Disabled,
            services: services.iter().map(|name| name.parse().unwrap()).collect(),
            ..EcsEntry::default()
        };
        let clusters =
            self.clusters.iter().map(|(name, services)| (name.parse().unwrap(), entry(services).into()));
        Inventory {
            read_at: at(0),
            clusters: clusters.collect(),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        }
    }

    fn snapshot(&self, now: i64) -> Vec<u8> {
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(22));
        let run = Run::new(RunKind::Alarms, at(now), delay, lookback, None);
        let target = Target {
            platform: fargaze::model::run::Platform::Ecs,
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: self.part,
            role: None,
        };
        let (inventory, mut tally) = (self.inventory(), CoverageTally::default());
        let mut writer = SnapshotWriter::begin(Vec::new(), &run, &target, at(0)).unwrap();
        inventory.clusters.iter().for_each(|(name, entry)| writer.cluster(name, entry).unwrap());
        for query in QueryPlan::for_alarms(&self.rules, &inventory).queries {
            assert_eq!(query.period, Period::MINUTE);
            let points = || series(&run.window, |minute| (self.values)(&query, minute));
            let reading = self.unread.clone().map_or_else(|| Reading::Complete(points()), Reading::Unread);
            tally.add(&query, &reading);
            writer.series(&query, &reading).unwrap();
        }
        self.states.iter().for_each(|state| writer.service(state).unwrap());
        self.undescribed.iter().for_each(|service| writer.undescribed(service).unwrap());
        writer.end(&tally.finish(&inventory, self.faults.clone())).unwrap()
    }

    /// One run; pending notifications are sent. Returns the number of writes.
    pub(crate) fn run(&mut self, now: i64) -> usize {
        let snapshot = self.snapshot(now);
        let mut lines = SnapshotReader::new(&snapshot[..]).map(Result::unwrap);
        let Some(SnapshotLine::Run(begin)) = lines.next() else { panic!("the run comes first") };
        let before = self.remembered.clone();
        let mut judging = Judging::begin(*begin, &self.rules, before.values());
        let judged = loop {
            match lines.next().unwrap() {
                SnapshotLine::End(coverage) => break judging.end(coverage),
                line => judging.add(line),
            }
        };
        for change in &judged.changes {
            let newest = before.get(&change.record.key);
            assert_eq!(change.again(&judged.begin, newest).as_ref(), Some(&change.record));
        }
        let records = judged.changes.into_iter().map(|change| change.record).chain(judged.ended);
        let mut writes = 0;
        for mut record in records {
            self.notified.append(&mut record.pending);
            record.version += 1;
            self.remembered.insert(record.key.clone(), record);
            writes += 1;
        }
        writes
    }

    /// The notifications sent so far: kind, rule and subject.
    pub(crate) fn sent(&self) -> Vec<(NoticeKind, &str, String)> {
        self.notified
            .iter()
            .map(|notice| (notice.kind(), notice.rule.as_str(), notice.subject.to_string()))
            .collect()
    }
}

pub(crate) fn service(cluster: &str, service: &str) -> Subject {
    Subject::Service(cluster.parse().unwrap(), service.parse().unwrap())
}

/// The state of `shop/web` in ECS; the service was created long ago.
pub(crate) fn state(desired: u32, running: u32) -> ServiceState {
    ServiceState {
        cluster: "shop".parse().unwrap(),
        service: "web".parse().unwrap(),
        status: ServiceStatus::Active,
        desired,
        running,
        pending: 0,
        created_at: Some(at(-10_000)),
        deployment: None,
        events: Vec::new(),
        task_definitions: Vec::new(),
        setup: fargaze::evidence::inventory::ServiceSetup::default(),
        trend: ServiceTrend::default(),
    }
}
