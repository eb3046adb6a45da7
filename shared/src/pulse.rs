//! Signs of life for CloudWatch: that a run came to its end, and whether anybody hears what it tells.
//!
//! The mail cannot say that it does not arrive. So each run leaves a line in the log in `CloudWatch`'s embedded metric format
//! (Amazon `CloudWatch` User Guide, "Specification: Embedded metric format"), and alarms of the stack watch the metrics.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::run::Run;

/// Namespace of fargaze's own metrics.
pub const NAMESPACE: &str = "fargaze";

/// One run's signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse<'a> {
    /// Name of the stack: the dimension of both metrics.
    pub stack: &'a str,
    /// The run that came to its end.
    pub run: &'a Run,
    /// Confirmed subscriptions of the topic; none if they could not be counted.
    pub listeners: Option<u64>,
}

impl Pulse<'_> {
    /// The line for the log: metrics `Heartbeat` (1) and, if it is known, `ConfirmedSubscriptions`, both counts.
    pub fn line(&self, now: Timestamp) -> String {
        let mut metrics = vec![json!({"Name": "Heartbeat", "Unit": "Count"})];
        metrics.extend(self.listeners.map(|_| json!({"Name": "ConfirmedSubscriptions", "Unit": "Count"})));
        let mut line = json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}],
            },
            "Stack": self.stack,
            "kind": self.run.kind,
            "run": self.run.id,
            "Heartbeat": 1,
        });
        if let (Some(members), Some(listeners)) = (line.as_object_mut(), self.listeners) {
            members.insert("ConfirmedSubscriptions".to_owned(), Value::from(listeners));
        }
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::run::RunKind;

    fn line(listeners: Option<u64>) -> Value {
        let time: Timestamp = "2026-11-22T10:05:00Z".parse().unwrap();
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(60));
        let run = Run::new(RunKind::Alarms, time, delay, lookback, None);
        let line = Pulse { stack: "fargaze", run: &run, listeners }.line(time);
        assert_eq!(line.lines().count(), 1);
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn each_metric_that_is_named_has_its_value_and_its_dimension() {
        for (listeners, names) in
            [(Some(0), &["Heartbeat", "ConfirmedSubscriptions"][..]), (None, &["Heartbeat"][..])]
        {
            let line = line(listeners);
            let told = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!((&told["Namespace"], &told["Dimensions"]), (&json!("fargaze"), &json!([["Stack"]])));
            let metrics = told["Metrics"].as_array().unwrap();
            assert_eq!(
                metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect::<Vec<_>>(),
                names
            );
            assert!(metrics.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_u64()), "{line}");
            assert_eq!(line["Stack"], "fargaze");
        }
        assert_eq!(line(Some(0))["ConfirmedSubscriptions"], 0);
        assert_eq!(line(None)["_aws"]["Timestamp"], 1_795_341_900_000_i64);
    }
}
