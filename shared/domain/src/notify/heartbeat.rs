//! Signs of life for CloudWatch: that a run came to its end, and whether anybody hears what it tells.
//!
//! The mail cannot say that it does not arrive. So each run leaves a line in the log in `CloudWatch`'s embedded metric format
//! (Amazon `CloudWatch` User Guide, "Specification: Embedded metric format"), and alarms of the stack watch the metrics.
//!
//! The line must reach `CloudWatch` whatever the stack's `LogLevel`. Lambda drops lines below it, and takes a line without a
//! valid `level` or without an RFC 3339 `timestamp` for one of level INFO (AWS Lambda Developer Guide, "Log-level
//! filtering"). So it has both, and its level is the least one that passes.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::run::{Run, RunKind};

/// Namespace of fargaze's own metrics.
pub const NAMESPACE: &str = "fargaze";

/// One run's signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// Name of the stack: the dimension of both metrics.
    pub stack: &'a str,
    /// The run that came to its end.
    pub run: &'a Run,
    /// Confirmed subscriptions of the topic; none if they could not be counted.
    pub listeners: Option<u64>,
    /// Least level of the function's log, as Lambda names it: a line of this level passes.
    pub log_level: &'a str,
}

impl Heartbeat<'_> {
    /// The line for the log: the metrics `Heartbeat` (1) of an alarms run and, if it is known, `ConfirmedSubscriptions`,
    /// both counts. A report or sweep has no heartbeat: it would hide for hours that alarms are not judged.
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

    /// Lambda's levels, the least first (AWS Lambda Developer Guide, "Log-level filtering").
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

    /// Whether Lambda sends a line to `CloudWatch`, as that page says.
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
    fn each_metric_that_is_named_has_its_value_and_its_dimension() {
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

    /// Issue 14, point 3: at `LogLevel` WARN the heartbeat was dropped, and `NoHeartbeat` fired for ever.
    #[test]
    fn the_line_passes_lambdas_filter_at_every_log_level() {
        for level in LEVELS {
            let mut line = line(RunKind::Alarms, Some(1), level);
            assert!(passes(&line, level), "{level}: {line}");
            // Without its date it is INFO, whatever it says.
            line.as_object_mut().unwrap().remove("timestamp");
            assert_eq!(passes(&line, level), ["TRACE", "DEBUG", "INFO"].contains(&level), "{level}: {line}");
        }
    }

    /// Issue 14, point 3: a daily report must not stand for the alarms that nobody judges.
    #[test]
    fn only_an_alarms_run_has_a_heartbeat() {
        let kinds = [RunKind::Alarms, RunKind::Report, RunKind::Sweep, RunKind::Rollback];
        let beats = kinds.map(|kind| line(kind, Some(1), "INFO")["Heartbeat"].as_u64());
        assert_eq!(beats, [Some(1), None, None, None]);
    }
}
