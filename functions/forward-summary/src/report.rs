//! The report: snapshots -> report -> its objects in the bucket -> message.

use fargaze::alarms::AlarmRecord;
use fargaze::evidence::snapshot::SnapshotReader;
use fargaze::invocation::failure::Failure;
use fargaze::logs::{TargetLogs, TargetQueries};
use fargaze::model::cluster::Region;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, Run, RunKind, Target};
use fargaze::outcome::{CoverageChange, Outcome, TargetResult};
use fargaze::reconcile::ChangeLog;
use fargaze::report::{Report, ReportBuilder, ReportFacts, ReportLink, report_html, report_mail};
use fargaze::sources::usage::Usage;
use fargaze::text::console_object_link;
use fargaze::text::message::Message;
use fargaze_aws::{Memory, ReadLog, Store, missing_object};
use jiff::{SignedDuration, Timestamp};

/// How long a report is kept: the bucket's lifecycle rule for `reports/`.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The newest report, which the next one is compared with.
const LATEST: &str = "reports/latest.json";

/// Maximum metrics per `GetMetricData` (Amazon `CloudWatch` API Reference).
const METRICS_PER_CALL: u64 = 500;

/// Everything needed to build a report.
pub(crate) struct Reporter<'a> {
    pub(crate) store: &'a Store,
    pub(crate) memory: &'a Memory,
    pub(crate) bucket: &'a str,
    pub(crate) region: &'a Region,
}

/// A stored report, and its mail.
pub(crate) struct Reported {
    pub(crate) report: Report,
    pub(crate) message: Message,
}

impl Reporter<'_> {
    /// Reads the snapshots of all targets. An unreadable snapshot is a fault of its target.
    pub(crate) async fn read(&self, run: &Run, results: &mut [TargetResult]) -> ReportBuilder {
        let mut builder = ReportBuilder::new(run);
        for result in results {
            if let Err(fault) = self.read_one(result, &mut builder).await {
                result.result = Err(fault);
            }
        }
        builder
    }

    /// Builds the report, and stores it in the bucket.
    pub(crate) async fn report(
        &self,
        run: &Run,
        builder: ReportBuilder,
        results: &[TargetResult],
        queries: &[usize],
        changes: &[CoverageChange],
    ) -> Result<Reported, Failure> {
        let previous = self.previous().await;
        let (logs, alarms) = (self.change_logs(results).await?, self.alarms(results).await?);
        let rules = self.memory.rule_problems().await?;
        let since = previous.as_ref().map_or(run.window.start, |report| report.time);
        // If usage is unknown, the report says so; nothing else depends on it.
        let usage = self.usage(since, run.time).await;
        let usage = usage
            .inspect_err(|fault| tracing::warn!(%fault, "the number of requested metrics is unknown"))
            .ok();
        let target_logs = self.target_logs(run, results).await;
        let target_queries = self.target_queries(run, results, queries).await;
        let facts = ReportFacts {
            target_logs: &target_logs,
            target_queries: &target_queries,
            results,
            logs: &logs,
            alarms: &alarms,
            rules: &rules,
            previous: previous.as_ref(),
            changes,
            usage,
        };
        let report = builder.finish(facts);
        let message = self.put(run, &report).await?;
        Ok(Reported { report, message })
    }

    /// Stores the report for comparison with the next one. It was already sent: if it cannot be
    /// stored, sending it again would not help.
    pub(crate) async fn remember(&self, report: &Report) {
        if let Err(fault) = self.store.put_json(LATEST, report).await {
            tracing::warn!(%fault, "the report cannot be stored for comparison with the next one");
        }
    }

    async fn read_one(&self, result: &TargetResult, builder: &mut ReportBuilder) -> Result<(), Fault> {
        let Some(key) = result.outcome().and_then(Outcome::snapshot) else { return Ok(()) };
        let object = self.store.get(key, None).await?.ok_or_else(|| missing_object(key))?;
        builder.target(&result.target);
        for line in SnapshotReader::new(&object.bytes[..]) {
            builder
                .add(line.map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))?);
        }
        Ok(())
    }

    /// What was read about the logs of each target that could be read.
    async fn target_logs(
        &self,
        run: &Run,
        results: &[TargetResult],
    ) -> Vec<(Target, Result<TargetLogs, Fault>)> {
        let mut found = Vec::new();
        for target in results.iter().filter(|result| result.result.is_ok()).map(|result| &result.target) {
            let key = target.logs_key(run);
            let logs = self.store.get_json::<TargetLogs>(&key).await;
            found.push((target.clone(), logs.and_then(|logs| logs.ok_or_else(lost_logs))));
        }
        found
    }

    /// What saved queries found, in the targets with these numbers.
    async fn target_queries(
        &self,
        run: &Run,
        results: &[TargetResult],
        queries: &[usize],
    ) -> Vec<(Target, Result<TargetQueries, Fault>)> {
        let mut found = Vec::new();
        let of = queries.iter().filter_map(|number| results.get(*number));
        for target in of.filter(|result| result.result.is_ok()).map(|result| &result.target) {
            let asked = self.store.get_json::<TargetQueries>(&target.queries_key(run)).await;
            found.push((target.clone(), asked.and_then(|asked| asked.ok_or_else(lost_queries))));
        }
        found
    }

    /// The previous report. If it is unreadable, this one is built without comparison.
    async fn previous(&self) -> Option<Report> {
        match self.store.get(LATEST, None).await {
            Ok(object) => object.and_then(|object| Report::read(&object.bytes)),
            Err(fault) => {
                tracing::warn!(%fault, "the previous report cannot be read; comparing with none");
                None
            }
        }
    }

    /// What fargaze changed on ECS, once per account and Region. For EKS, the sweep reports it.
    async fn change_logs(&self, results: &[TargetResult]) -> Result<Vec<(Target, ChangeLog)>, Failure> {
        let mut logs = Vec::new();
        for target in places(results).filter(|target| target.platform == Platform::Ecs) {
            let ReadLog { log, unreadable } = self.memory.change_log(target, None).await?;
            warn_of(unreadable.into_values());
            logs.push((target.clone(), log));
        }
        Ok(logs)
    }

    /// All stored alarms, once per account and Region.
    async fn alarms(&self, results: &[TargetResult]) -> Result<Vec<(Target, Vec<AlarmRecord>)>, Failure> {
        let mut alarms = Vec::new();
        for target in places(results) {
            let (records, unreadable) = self.memory.alarms(target).await?;
            warn_of(unreadable);
            alarms.push((target.clone(), records.into_values().collect()));
        }
        Ok(alarms)
    }

    /// What alarms runs and reports requested from CloudWatch since then. Outcomes show when runs
    /// took place; the number of metrics comes from the newest outcome of each target, because
    /// reading all would cost more than the precision is worth.
    async fn usage(&self, since: Timestamp, until: Timestamp) -> Result<Usage, Fault> {
        let mut usage = Usage::none(since);
        for kind in [RunKind::Alarms, RunKind::Report] {
            let prefix = format!("outcomes/{kind}-");
            let after = format!("{prefix}{}~", since.strftime("%Y%m%dT%H%M%SZ"));
            let last = format!("{prefix}{}~", until.strftime("%Y%m%dT%H%M%SZ"));
            let keys = self.store.keys_after(&prefix, &after).await?;
            let keys: Vec<&String> = keys.iter().filter(|key| **key <= last).collect();
            usage.runs += runs(&keys);
            for (newest, count) in newest_of_targets(&keys) {
                let outcome =
                    self.store.get_json::<Outcome>(newest).await?.ok_or_else(|| missing_object(newest))?;
                let mut metrics = outcome.coverage.metrics;
                if kind == RunKind::Report {
                    let logs = newest.replacen("outcomes/", "logs/", 1);
                    let logs = self.store.get_json::<TargetLogs>(&logs).await?;
                    metrics += logs.as_ref().map_or(0, TargetLogs::metrics);
                }
                let metrics = u64::try_from(metrics).unwrap_or(u64::MAX);
                usage.metrics += metrics * count;
                usage.calls += metrics.div_ceil(METRICS_PER_CALL) * count;
            }
        }
        Ok(usage)
    }

    /// Stores the report in the bucket, as a page and as JSON; returns its mail.
    async fn put(&self, run: &Run, report: &Report) -> Result<Message, Fault> {
        let stem = format!("reports/dt={}/{}", run.time.strftime("%Y-%m-%d"), run.id);
        let (page, data) = (format!("{stem}.html"), format!("{stem}.json"));
        let html = report_html(report).into_bytes();
        let json = serde_json::to_vec(report)
            .map_err(|error| Fault::bug(Operation::S3PutObject, &data, error.to_string()))?;
        self.store.put_typed(&page, html, Some("text/html; charset=utf-8")).await?;
        self.store.put_typed(&data, json, Some("application/json")).await?;
        let link = ReportLink {
            url: console_object_link(self.region, self.bucket, &page),
            kept_until: run.time + KEPT,
            bucket: self.bucket.to_owned(),
            key: page,
        };
        Ok(report_mail(report, &link))
    }
}

/// Why it is not known how a target logs: `collect-logs` left nothing.
fn lost_logs() -> Fault {
    Fault {
        operation: Operation::FargazeRun,
        subject: "logs".to_owned(),
        kind: FaultKind::Transient,
        code: "lost".to_owned(),
        message: "CollectLogs ended without a result; its log shows why".to_owned(),
    }
}

/// Why it is not known what saved queries found.
fn lost_queries() -> Fault {
    let message = "ReadQueries ended without a result; its log shows why".to_owned();
    Fault { message, ..lost_logs() }
}

/// Logs faults that the sweep and the alarms run report in their mails, with the cluster or alarm
/// concerned.
fn warn_of(unreadable: impl IntoIterator<Item = Fault>) {
    for fault in unreadable {
        tracing::warn!(%fault, "the report is built without it");
    }
}

/// One target per account and Region: the table does not know parts.
fn places(results: &[TargetResult]) -> impl Iterator<Item = &Target> {
    results.iter().map(|result| &result.target).filter(|target| target.part.index == 0)
}

/// Number of runs with these outcomes. Keys are `outcomes/RUN/TARGET.json`, in order.
fn runs(keys: &[&String]) -> u64 {
    let mut runs: Vec<&str> = keys.iter().filter_map(|key| key.split('/').nth(1)).collect();
    runs.dedup();
    u64::try_from(runs.len()).unwrap_or(u64::MAX)
}

/// The newest outcome of each target, and the number of its outcomes.
fn newest_of_targets<'a>(keys: &[&'a String]) -> Vec<(&'a str, u64)> {
    let mut newest = std::collections::BTreeMap::<&str, (&str, u64)>::new();
    for key in keys {
        if let Some(target) = key.split('/').nth(2) {
            let (last, count) = newest.entry(target).or_default();
            (*last, *count) = (key.as_str(), *count + 1);
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_by_run_and_by_target() {
        let keys: Vec<String> = ["1/a", "1/b", "2/a", "3/a"]
            .iter()
            .map(|place| format!("outcomes/alarms-{place}.json"))
            .collect();
        let keys: Vec<&String> = keys.iter().collect();
        assert_eq!(runs(&keys), 3);
        let newest = newest_of_targets(&keys);
        assert_eq!(newest, [("outcomes/alarms-3/a.json", 3), ("outcomes/alarms-1/b.json", 1)]);
    }
}
