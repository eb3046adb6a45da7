//! Heartbeat metrics for CloudWatch: that a run finished, and how many confirmed subscriptions its
//! topic has.
//!
//! A mail cannot report that it does not arrive. So each run logs a line in `CloudWatch`'s embedded
//! metric format (Amazon `CloudWatch` User Guide, "Specification: Embedded metric format"), and
//! alarms of the stack watch the metrics.
//!
//! The line must reach `CloudWatch` whatever the stack's `LogLevel`. Lambda drops lines below that
//! level, and treats a line without a valid `level` or without an RFC 3339 `timestamp` as INFO (AWS
//! Lambda Developer Guide, "Log-level filtering"). So the line has both, and its level is the
//! lowest that passes.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::run::{Run, RunKind};

/// Namespace of fargaze's own metrics.
pub const NAMESPACE: &str = "fargaze";

/// The heartbeat of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// Name of the stack: the dimension of both metrics.
    pub stack: &'a str,
    /// The run that finished.
    pub run: &'a Run,
    /// Confirmed subscriptions of the topic; `None` if they could not be counted.
    pub listeners: Option<u64>,
    /// Lowest level that the function logs, as Lambda names it: a line of this level passes.
    pub log_level: &'a str,
}

impl Heartbeat<'_> {
    /// The log line: the metrics `Heartbeat` (1) for an alarms run and, if known,
    /// `ConfirmedSubscriptions`, both counts. Reports and sweeps have no heartbeat: it could hide
    /// for hours that alarms are not evaluated.
    pub fn line(&self, now: Timestamp) -> String {
        let heartbeat = (self.run.kind == RunKind::Alarms).then_some(("Heartbeat", 1));
        let listeners = self.listeners.map(|listeners| ("ConfirmedSubscriptions", listeners));
        let values: Vec<(&str, u64)> = heartbeat.into_iter().chain(listeners).collect();
        let metrics: Vec<Value> =
            values.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
        let mut line = json!({
            "timestamp": now,
            "level": self.log_level,
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}],
            },
            "Stack": self.stack,
            "kind": self.run.kind,
            "run": self.run.id,
        });
        for (name, value) in values {
            line[name] = Value::from(value);
        }
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    /// Lambda's levels, the lowest first (AWS Lambda Developer Guide, "Log-level filtering").
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

    /// Whether Lambda sends a line to `CloudWatch`, according to that page.
    fn passes(line: &Value, least: &str) -> bool {
        let rank = |level: &str| LEVELS.iter().position(|known| *known == level);
        let dated = line["timestamp"].as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok());
        let level = line["level"].as_str().filter(|level| dated && rank(level).is_some());
        rank(level.unwrap_or("INFO")) >= rank(least)
    }

    fn line(kind: RunKind, listeners: Option<u64>, log_level: &str) -> Value {
        let time: Timestamp = "2026-11-22T10:05:00Z".parse().unwrap();
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(60));
        let run = Run::new(kind, time, delay, lookback, None);
        let line = Heartbeat { stack: "fargaze", run: &run, listeners, log_level }.line(time);
        assert_eq!(line.lines().count(), 1);
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn each_listed_metric_has_a_value_and_a_dimension() {
        for (kind, listeners, names) in [
            (RunKind::Alarms, Some(0), &["Heartbeat", "ConfirmedSubscriptions"][..]),
            (RunKind::Alarms, None, &["Heartbeat"][..]),
            (RunKind::Report, Some(2), &["ConfirmedSubscriptions"][..]),
            (RunKind::Sweep, None, &[][..]),
        ] {
            let line = line(kind, listeners, "INFO");
            let sent = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!((&sent["Namespace"], &sent["Dimensions"]), (&json!("fargaze"), &json!([["Stack"]])));
            let metrics = sent["Metrics"].as_array().unwrap();
            assert_eq!(
                metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect::<Vec<_>>(),
                names
            );
            assert!(metrics.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_u64()), "{line}");
            assert_eq!(line["Stack"], "fargaze");
        }
        assert_eq!(line(RunKind::Alarms, Some(0), "INFO")["ConfirmedSubscriptions"], 0);
        assert_eq!(line(RunKind::Alarms, None, "INFO")["_aws"]["Timestamp"], 1_795_341_900_000_i64);
    }

    /// Issue 14, point 3: at `LogLevel` WARN the heartbeat was dropped, and `NoHeartbeat` fired for
    /// ever.
    #[test]
    fn the_line_passes_lambdas_filter_at_every_log_level() {
        for level in LEVELS {
            let mut line = line(RunKind::Alarms, Some(1), level);
            assert!(passes(&line, level), "{level}: {line}");
            // Without a timestamp it counts as INFO, whatever its level.
            line.as_object_mut().unwrap().remove("timestamp");
            assert_eq!(passes(&line, level), ["TRACE", "DEBUG", "INFO"].contains(&level), "{level}: {line}");
        }
    }

    /// Issue 14, point 3: a daily report must not hide that alarms are not evaluated.
    #[test]
    fn only_an_alarms_run_has_a_heartbeat() {
        let kinds = [RunKind::Alarms, RunKind::Report, RunKind::Sweep, RunKind::Rollback];
        let beats = kinds.map(|kind| line(kind, Some(1), "INFO")["Heartbeat"].as_u64());
        assert_eq!(beats, [Some(1), None, None, None]);
    }
}
