//! The generated parts of docs/causes.md.

use std::fmt::Write as _;
use std::path::Path;

use super::*;

/// Asserts that a marked block of docs/causes.md is this text. `FARGAZE_WRITE_DOCS=1` writes it.
fn block_is(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/causes.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(&format!("<!-- {name}: ")).unwrap();
    let (marker, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}<!-- {name}: {marker}\n{text}<!-- end -->{after}");
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(page == expected, "docs/causes.md is not up to date: {name}");
    }
}

#[test]
fn the_page_lists_every_class_every_text_and_the_costs() {
    let mut classes = "| class | what happened | counts | what to do |\n|---|---|---|---|\n".to_owned();
    for row in CLASSES {
        let counts = match (row.class.is_failure(true), row.class.is_failure(false)) {
            (true, true) => "yes",
            (true, false) => "only for services",
            _ => "no",
        };
        let ClassRow { code, label, advice, .. } = row;
        writeln!(classes, "| `{code}` | {label} | {counts} | {advice} |").unwrap();
    }
    block_is("classes", &classes);
    let mut texts = "| parts of the text | class | more exact advice |\n|---|---|---|\n".to_owned();
    for row in causes::CONTAINER_OR_TASK {
        let parts: Vec<String> = row.parts.iter().map(|part| format!("`{part}`")).collect();
        let advice = row.advice.unwrap_or_default();
        writeln!(texts, "| {} | `{}` | {advice} |", parts.join(" "), row.class.code()).unwrap();
    }
    block_is("texts", &texts);
    block_is("costs", &costs());
}

/// Bytes of an event in a batch, as the fixtures of `events/` are, with ids of their own.
fn bytes_per_event(batch: usize) -> f64 {
    let incident = |number: usize| {
        let task =
            format!("{:032x}", (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let digest = format!("sha256:{:064x}", (number as u128 / 40 + 7).wrapping_mul(0xff51_afd7_ed55_8ccd));
        let mut stopped = died(&task, 6);
        stopped.deployment = Some(format!("ecs-svc/{}", 7_000_000_000_000_000_000_u64 + (number / 4) as u64));
        stopped.containers[0].digest = Some(digest);
        stopped.containers[0].image =
            Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2".to_owned());
        let at = now() + SignedDuration::from_millis(number as i64 * 61);
        stopped.stopping_at = Some(at - SignedDuration::from_millis(31_007));
        stopped.started_at = Some(at - SignedDuration::from_secs(number as i64 * 977));
        stopped.ended_at = Some(at);
        Incident { of: web(), at, kind: IncidentKind::Stopped(stopped) }
    };
    let incidents: Vec<Incident> = (0..batch).map(incident).collect();
    Archive::pack(&incidents).unwrap().len() as f64 / batch as f64
}

/// Dollars of a day with so many events, spread evenly, by the batches that Lambda makes of them.
struct Day {
    invocations: f64,
    common: f64,
    item_per_event: f64,
    item_per_batch: f64,
    object_per_batch: f64,
}

impl Day {
    fn of(events: f64) -> Self {
        // Lambda polls a queue with five connections, each of which fills its own batch for at
        // most a minute (AWS Lambda Developer Guide, "Understanding polling and batching
        // behavior for Amazon SQS").
        let invocations = (5.0 * 1440.0_f64).min(events);
        let batch = events / invocations;
        let requests = events + 2.0 * (events / 10.0).max(invocations);
        // Measured: reading and packing take under 20 microseconds an event; the call 30 ms.
        let seconds = invocations * 0.05 + events * 20e-6;
        let common = requests * 0.40e-6 + invocations * 0.20e-6 + seconds * 0.25 * 13.3334e-6;
        let bytes = bytes_per_event(batch.round().max(1.0) as usize);
        let units = (bytes * batch / 1024.0).ceil();
        Self {
            invocations,
            common,
            item_per_event: events * 0.625e-6,
            item_per_batch: invocations * units * 0.625e-6,
            object_per_batch: invocations * 5.0e-6,
        }
    }
}

fn costs() -> String {
    let mut text = "| events a day | calls of KeepEvents | queue and function | in all, with one item for each event | with one object for each batch | **with one item for each batch, as it is** |\n|---|---|---|---|---|---|\n".to_owned();
    for events in [1_000.0, 10_000.0, 100_000.0, 1_000_000.0] {
        let day = Day::of(events);
        let total = |store: f64| format!("${:.4}", day.common + store);
        writeln!(
            text,
            "| {} | {} | ${:.4} | {} | {} | **{}** |",
            crate::text::words::thousands(events as u64),
            crate::text::words::thousands(day.invocations as u64),
            day.common,
            total(day.item_per_event),
            total(day.object_per_batch),
            total(day.item_per_batch),
        )
        .unwrap();
    }
    text + "\nIn dollars a day. An event takes about "
        + &format!("{:.0} bytes in a batch of 100.\n", bytes_per_event(100))
}

#[test]
fn a_million_events_cost_under_two_dollars_and_twenty_thousand_calls() {
    let day = Day::of(1e6);
    assert!(day.common + day.item_per_batch < 2.0, "{}", day.common + day.item_per_batch);
    assert!(day.invocations < 20_000.0);
    for events in [1e4, 1e6] {
        let day = Day::of(events);
        assert!(day.item_per_batch <= day.item_per_event && day.item_per_batch <= day.object_per_batch);
    }
}
