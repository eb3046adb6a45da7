//! What a pod did between two samples of its counters, and the rules on it.

use fargaze::evidence::pods::{
    PodCounters, PodRates, PodState, PreviousPods, Sample, Throttled, workload_samples,
};
use fargaze::kubernetes::cadvisor::{Counter, Parts, SeriesId};
use fargaze::kubernetes::pod::Phase;
use fargaze::model::metric::Statistic;
use fargaze::rules::{KubernetesMeasure as M, ReadFrom};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::figures::words;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// One series per part.
fn counted(of: &[(&str, f64, i64)]) -> Parts {
    let series = |value, second| [(SeriesId::of([("id", "/a")]), Counter { value, at: at(second) })].into();
    of.iter().map(|&(part, value, second)| (part.to_owned(), series(value, second))).collect()
}

#[test]
fn rates_are_by_the_lines_own_times_and_of_what_was_there_before() {
    let before = PodCounters {
        cpu_seconds: counted(&[("app", 100.0, 0), ("log", 10.0, 0)]),
        network_received: counted(&[("eth0", 1000.0, 0)]),
        disk_read: counted(&[("", 5000.0, 0)]),
        ..PodCounters::default()
    };
    let now = PodCounters {
        cpu_seconds: counted(&[("app", 250.0, 300), ("log", 13.0, 310), ("new", 999.0, 300)]),
        network_received: counted(&[("eth0", 4000.0, 300)]),
        // PreviousPods from the pod, now from its containers.
        disk_read: counted(&[("app", 6000.0, 300)]),
        ..PodCounters::default()
    };
    let rates = now.rates_since(&before);
    let cpu = (150.0 / 300.0 + 3.0 / 310.0) * 1e9;
    assert!((rates.cpu_nanocores.unwrap() - cpu).abs() < 1e-3, "{rates:?}");
    let network_received = Some(10.0);
    assert_eq!(
        rates,
        PodRates { cpu_nanocores: rates.cpu_nanocores, network_received, ..PodRates::default() }
    );
    // The same page again, and an older one.
    assert_eq!(now.rates_since(&now), PodRates::default());
    assert_eq!(before.rates_since(&now), PodRates::default());
}

#[test]
fn a_counter_that_fell_was_restarted_and_the_others_continue() {
    let before = PodCounters {
        cpu_seconds: counted(&[("app", 50_000.0, 0), ("log", 600.0, 0)]),
        ..PodCounters::default()
    };
    let now = PodCounters {
        cpu_seconds: counted(&[("app", 50_030.0, 300), ("log", 15.0, 300)]),
        ..PodCounters::default()
    };
    // 30 and 15 seconds of CPU in five minutes, not 50,045.
    let nanocores = now.rates_since(&before).cpu_nanocores.unwrap();
    assert!((nanocores - 0.15e9).abs() < 1.0, "{nanocores}");
}

#[test]
fn throttling_is_reported_for_the_worst_container() {
    let counters = |second: i64, counts: &[(&str, f64, f64)]| PodCounters {
        cfs_periods: counted(&counts.iter().map(|of| (of.0, of.1, second)).collect::<Vec<_>>()),
        cfs_throttled: counted(&counts.iter().map(|of| (of.0, of.2, second)).collect::<Vec<_>>()),
        ..PodCounters::default()
    };
    let worst = |before: &[(&str, f64, f64)], now: &[(&str, f64, f64)]| {
        let throttled = counters(300, now).rates_since(&counters(0, before)).throttled;
        throttled.map(|Throttled { container, percent }| (container, percent))
    };
    let before = [("app", 1000.0, 500.0), ("log", 100.0, 0.0)];
    let of = |container: &str, percent| Some((container.to_owned(), percent));
    assert_eq!(worst(&before, &[("app", 3000.0, 1000.0), ("log", 200.0, 60.0)]), of("log", 60.0));
    // Nothing ran, so nothing was throttled.
    assert_eq!(worst(&before, &before), of("app", 0.0));
    // Both counters restarted, although the throttled one is higher than before by now.
    assert_eq!(worst(&[("app", 1000.0, 5.0)], &[("app", 100.0, 25.0)]), of("app", 25.0));
    // Two lines with different times.
    assert_eq!(worst(&[("app", 1000.0, 5.0)], &[("app", 1100.0, 106.0)]), of("app", 100.0));
    assert_eq!(worst(&[], &before), None);
}

/// A pod from a snapshot that was written before there were counters.
fn pod(name: &str, uid: &str) -> PodState {
    serde_json::from_value(serde_json::json!({
        "cluster": "shop",
        "workload": {"namespace": "shop", "kind": "Deployment", "name": "web"},
        "pod": name, "uid": uid, "phase": "Running", "fargate": true,
        "requests": {}, "limits": {}, "ready": true, "restarts": 0,
    }))
    .unwrap()
}

fn written(bytes: f64, second: i64) -> PodCounters {
    PodCounters { disk_written: counted(&[("app", bytes, second)]), ..PodCounters::default() }
}

#[test]
fn a_pod_is_rated_with_itself_in_the_sample_before() {
    let counted = |uid: &str, counters| {
        let mut pod = pod("web-1", uid);
        pod.count(counters);
        pod
    };
    let before = PreviousPods::from_iter([counted("one", written(1000.0, 0)), pod("web-2", "two")]);
    let before = Some(&before);
    let after = |mut pod: PodState, before: Option<&PreviousPods>| {
        pod.rate(before);
        pod.rates
    };
    let rates = after(counted("one", written(4000.0, 300)), before).unwrap();
    assert_eq!(rates.disk_written, Some(10.0));
    // Recreated under its name, not counted before, not counted now, no sample before, the same
    // instant.
    assert_eq!(after(counted("other", written(4000.0, 300)), before), None);
    assert_eq!(after(counted("two", written(4000.0, 300)), before), None);
    assert_eq!(after(pod("web-1", "one"), before), None);
    assert_eq!(after(counted("one", written(4000.0, 300)), None), None);
    assert_eq!(after(counted("one", written(1000.0, 0)), before), None);
}

fn rated(name: &str, rates: PodRates) -> PodState {
    let mut pod = pod(name, name);
    pod.count(PodCounters::default());
    pod.rates = Some(Box::new(rates));
    pod
}

#[test]
fn cadvisor_counters_are_evaluated_where_they_are_read() {
    let throttled = |percent| PodRates {
        throttled: Some(Throttled { container: "app".to_owned(), percent }),
        network_sent: Some(percent * 1000.0),
        ..PodRates::default()
    };
    let (one, two) = (rated("web-1", throttled(10.0)), rated("web-2", throttled(40.0)));
    let mut ended = rated("web-3", throttled(90.0));
    ended.phase = Phase::Succeeded;
    let plain = pod("web-4", "web-4");
    let of = |pods: &[&PodState], cadvisor| -> Vec<Sample> {
        let samples = workload_samples(pods, None, None, at(0), cadvisor);
        samples.into_iter().filter(|(measure, ..)| measure.read_from() == ReadFrom::Cadvisor).collect()
    };
    assert_eq!(of(&[&plain], false), []);
    let silent = of(&[&plain], true);
    assert!(silent.len() == 10 && silent.iter().all(|(_, _, value)| value.is_none()), "{silent:?}");
    let samples = of(&[&one, &two, &ended, &plain], false);
    for (measure, statistic, value) in [
        (M::PodCpuThrottledPercent, Statistic::Maximum, Some(40.0)),
        (M::PodCpuThrottledPercent, Statistic::Average, Some(25.0)),
        (M::PodNetworkSent, Statistic::Maximum, Some(40_000.0)),
        (M::PodDiskRead, Statistic::Maximum, None),
    ] {
        assert!(samples.contains(&(measure, statistic, value)), "{measure:?} in {samples:?}");
    }
}

#[test]
fn the_worst_pod_is_named_with_its_value_and_the_stopped_container() {
    let rates = |percent, bytes| PodRates {
        throttled: Some(Throttled { container: "app".to_owned(), percent }),
        network_received: Some(bytes),
        network_sent: Some(bytes * 2.0),
        disk_read: Some(bytes * 3.0),
        disk_written: Some(bytes * 4.0),
        ..PodRates::default()
    };
    let mut whole = rated("web-3", rates(0.0, 0.0));
    let pods = [rated("web-1", rates(62.54, 10.0)), rated("web-2", rates(20.0, 50.0)), whole.clone()];
    for (measure, sentence) in [
        (
            M::PodCpuThrottledPercent,
            "Highest: pod web-1, container app throttled by its CPU limit in 62.5 % of its periods.",
        ),
        (M::PodNetworkReceived, "Highest: pod web-2, 50 bytes/s received."),
        (M::PodNetworkSent, "Highest: pod web-2, 100 bytes/s sent."),
        (M::PodDiskRead, "Highest: pod web-2, 150 bytes/s read."),
        (M::PodDiskWritten, "Highest: pod web-2, 200 bytes/s written."),
    ] {
        assert_eq!(words(measure, &pods, at(0)).as_deref(), Some(sentence));
    }
    whole.rates = Some(Box::new(PodRates {
        throttled: Some(Throttled { container: String::new(), percent: 5.0 }),
        ..PodRates::default()
    }));
    let sentence = "Highest: pod web-3, throttled by its CPU limit in 5 % of its periods.";
    assert_eq!(words(M::PodCpuThrottledPercent, &[whole], at(0)).as_deref(), Some(sentence));
    assert_eq!(words(M::PodDiskRead, &[pod("web-4", "web-4")], at(0)), None);
}

proptest! {
    /// However often it restarts: the count covers the time since the previous sample or since the
    /// restart, whichever is later.
    #[test]
    fn a_restarted_counter_counts_from_zero(before in 0.0..1e9f64, now in 0.0..1e9f64, seconds in 1i64..100_000) {
        let of = |value, second| PodCounters { disk_written: counted(&[("app", value, second)]), ..PodCounters::default() };
        let rate = of(now, seconds).rates_since(&of(before, 0)).disk_written.unwrap();
        let done = if now < before { now } else { now - before };
        let expected = done / SignedDuration::from_secs(seconds).as_secs_f64();
        prop_assert!((rate - expected).abs() <= expected * 1e-12);
    }
}
