//! Counters of pods from cAdvisor pages: one recorded, and others as different runtimes print them.

use fargaze::evidence::pods::{PodCounters, PodRates};
use fargaze::kubernetes::cadvisor::{Counter, Page, Parts, read};
use jiff::Timestamp;
use proptest::prelude::*;

use super::text;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn page(text: &str) -> Page {
    read(text.as_bytes(), at(0))
}

/// Counters of the pod `shop/web-1` on a page of these rows, each `family{labels} value [time]`;
/// the labels with its names are added.
fn web(rows: &[&str]) -> PodCounters {
    let named = |row: &&str| row.replacen('{', "{namespace=\"shop\",pod=\"web-1\",", 1);
    let text: Vec<String> = rows.iter().map(named).collect();
    let mut pods = page(&(text.join("\n") + "\n")).pods;
    pods.remove(&("shop".to_owned(), "web-1".to_owned())).unwrap_or_default()
}

/// One kind of counter of a pod.
type OfPod = fn(&PodCounters) -> &Parts;

/// One kind of rate of a pod.
type OfRates = fn(&PodRates) -> Option<f64>;

/// The total of each part over all its series.
fn parts(of: &Parts) -> Vec<(&str, f64)> {
    of.iter().map(|(part, series)| (part.as_str(), series.values().map(|one| one.value).sum())).collect()
}

#[test]
fn a_page_of_a_fargate_node_has_one_pod_with_its_two_containers() {
    let page = page(&text("proxy_cadvisor.body"));
    assert_eq!((page.report.samples, page.report.skipped), (133, 0));
    let [((namespace, pod), counters)] = page.pods.iter().collect::<Vec<_>>()[..] else { panic!("{page:?}") };
    assert_eq!((namespace.as_str(), pod.as_str()), ("default", "nginx-demo-fargate-91e91f9c37-b70a1"));
    let names = ["datadog-agent", "nginx-demo-ctr"];
    for of in [&counters.cpu_seconds, &counters.cfs_periods, &counters.cfs_throttled, &counters.disk_read] {
        assert_eq!(of.keys().map(String::as_str).collect::<Vec<_>>(), names);
    }
    // The pause container's interfaces without the loopback.
    assert_eq!(counters.network_received.keys().collect::<Vec<_>>(), ["eth0"]);
    assert_eq!(counters.network_sent.keys().collect::<Vec<_>>(), ["eth0"]);
}

#[test]
fn a_page_of_a_node_without_pods_has_none() {
    let page = page(&text("cadvisor_1.36_code_families.txt"));
    assert!(page.pods.is_empty() && page.report.samples > 100, "{:?}", page.report);
}

#[test]
fn containers_count_and_the_pod_as_a_whole_only_without_them() {
    let rows = |family: &str, extra: &str| {
        [
            format!("{family}{{container=\"\",image=\"\"{extra}}} 100"),
            format!("{family}{{container=\"POD\",image=\"pause\"{extra}}} 7"),
            format!("{family}{{container=\"\",image=\"pause\"{extra}}} 7"),
            format!("{family}{{container=\"app\",image=\"app\"{extra}}} 40"),
            format!("{family}{{container=\"log\",image=\"log\"{extra}}} 50"),
        ]
    };
    let cases: [(&str, OfPod, &str); 5] = [
        ("container_cpu_usage_seconds_total", |of| &of.cpu_seconds, ",cpu=\"total\""),
        ("container_cpu_cfs_periods_total", |of| &of.cfs_periods, ""),
        ("container_cpu_cfs_throttled_periods_total", |of| &of.cfs_throttled, ""),
        ("container_fs_reads_bytes_total", |of| &of.disk_read, ",device=\"/dev/a\""),
        ("container_fs_writes_bytes_total", |of| &of.disk_written, ",device=\"/dev/a\""),
    ];
    for (family, of, extra) in cases {
        let rows = rows(family, extra);
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(parts(of(&web(&rows))), [("app", 40.0), ("log", 50.0)], "{family}");
        assert_eq!(parts(of(&web(&rows[..3]))), [("", 100.0)], "{family}");
        assert_eq!(parts(of(&web(&rows[1..3]))), [], "{family}");
    }
}

#[test]
fn single_cpus_are_added_up_only_without_their_total() {
    let cpu = |label: &str, value: u32| {
        format!("container_cpu_usage_seconds_total{{container=\"app\"{label}}} {value}")
    };
    let (zero, one) = (cpu(",cpu=\"cpu00\"", 3), cpu(",cpu=\"cpu01\"", 4));
    for total in [cpu(",cpu=\"total\"", 8), cpu("", 8)] {
        assert_eq!(parts(&web(&[&zero, &total, &one]).cpu_seconds), [("app", 8.0)]);
    }
    assert_eq!(parts(&web(&[&zero, &one]).cpu_seconds), [("app", 7.0)]);
}

#[test]
fn the_network_is_that_of_the_pod_and_else_of_the_pause_container() {
    let received = |container: &str, interface: &str, value: u32| {
        let family = "container_network_receive_bytes_total";
        format!("{family}{{container=\"{container}\",interface=\"{interface}\"}} {value}")
    };
    let pause = [received("POD", "eth0", 10), received("POD", "lo", 99)];
    let pod = [received("", "eth0", 20), received("", "eth1", 5), received("", "lo", 99)];
    let app = received("app", "eth0", 1000);
    let all: Vec<&str> = pause.iter().chain(&pod).chain([&app]).map(String::as_str).collect();
    assert_eq!(parts(&web(&all).network_received), [("eth0", 20.0), ("eth1", 5.0)]);
    assert_eq!(parts(&web(&all[..2]).network_received), [("eth0", 10.0)]);
    assert_eq!(parts(&web(&[&app]).network_received), []);
}

#[test]
fn devices_are_series_of_their_own_with_their_own_times() {
    let counters = web(&[
        "container_fs_reads_bytes_total{container=\"app\",device=\"/dev/a\"} 100 1800000001000",
        "container_fs_reads_bytes_total{container=\"app\",device=\"/dev/b\"} 1.5e3 1800000003000",
        "container_fs_reads_bytes_total{device=\"/dev/a\",container=\"log\"} 7",
    ]);
    let of = |container: &str| {
        let mut series: Vec<Counter> = counters.disk_read[container].values().copied().collect();
        series.sort_by_key(|one| one.at);
        series
    };
    assert_eq!(of("app"), [Counter { value: 100.0, at: at(1) }, Counter { value: 1500.0, at: at(3) }]);
    // A line without a timestamp has the time when the page was read.
    assert_eq!(of("log"), [Counter { value: 7.0, at: at(0) }]);
}

#[test]
fn impossible_counter_values_are_skipped_and_an_unreadable_line_is_reported() {
    let family = "container_cpu_usage_seconds_total{container=\"app\",pod=\"web-1\",namespace=\"shop\"}";
    for value in ["NaN", "+Inf", "-Inf", "-1"] {
        let page = page(&format!("{family} {value}\n"));
        assert!(page.pods.is_empty() && page.report.samples == 1, "{value}");
    }
    let page = page(&format!("{family} much\n{family} 2\n"));
    assert_eq!((page.report.skipped, page.pods.len()), (1, 1));
}

/// Issue 13, point 7: the pod used 0.1 core and 10,000 bytes a second while the old cgroup
/// vanished.
#[test]
fn a_container_whose_old_cgroup_vanishes_is_rated_by_its_new_one() {
    let read = |name: &str| page(&text(name)).pods.into_values().next().unwrap();
    let (before, after) = (read("cadvisor_stale_cgroup_before.txt"), read("cadvisor_stale_cgroup_after.txt"));
    assert_eq!(before.cpu_seconds["prometheus"].len(), 2, "both cgroups are kept");
    let rates = after.rates_since(&before);
    let is = |rate: Option<f64>, right: f64| rate.is_some_and(|rate| (rate - right).abs() < right * 1e-6);
    assert!(is(rates.cpu_nanocores, 1e8) && is(rates.disk_read, 10_000.0), "{rates:?}");
    assert!(rates.throttled_percent().is_some_and(|percent| (percent - 100.0).abs() < 1e-9), "{rates:?}");
}

/// A series with these labels in addition to the names of the pod and container `app`.
fn series(family: &str, more: &str, value: f64, second: i64) -> String {
    let time = (1_800_000_000 + second) * 1000;
    format!("{family}{{container=\"app\",pod=\"p\",namespace=\"n\",{more}}} {value} {time}")
}

/// Issue 13, point 7: each series on both pages is rated; one that appeared or vanished adds
/// nothing, and one that fell restarted.
#[test]
fn series_are_rated_one_by_one_whichever_label_distinguishes_them() {
    let families: [(&str, &str, OfRates); 5] = [
        ("container_cpu_usage_seconds_total", "cpu=\"total\"", |of| of.cpu_nanocores.map(|cpu| cpu / 1e9)),
        ("container_fs_reads_bytes_total", "device=\"/dev/a\"", |of| of.disk_read),
        ("container_fs_writes_bytes_total", "device=\"/dev/a\"", |of| of.disk_written),
        ("container_network_receive_bytes_total", "interface=\"eth0\"", |of| of.network_received),
        ("container_network_transmit_bytes_total", "interface=\"eth0\"", |of| of.network_sent),
    ];
    for (family, same, rate) in families {
        for apart in ["id", "name", "image", "device", "interface", "slot"] {
            let row = |which: &str, value, second| {
                let own = if same.starts_with(apart) { String::new() } else { format!("{same},") };
                let row = series(family, &format!("{own}{apart}=\"{which}\""), value, second);
                // The network belongs to the pod.
                if family.contains("network") {
                    row.replace("container=\"app\"", "container=\"\"")
                } else {
                    row
                }
            };
            // An image without a container is the pause container's.
            let rated = |before: &[String], now: &[String]| rate(&of_p(now).rates_since(&of_p(before)));
            let before = [row("vanished", 900_000.0, 0), row("stays", 600.0, 0), row("fell", 500.0, 0)];
            let now = [row("stays", 900.0, 300), row("fell", 150.0, 300), row("new", 800_000.0, 300)];
            assert_eq!(rated(&before, &now), Some(1.5), "{family} by {apart}");
            assert_eq!(rated(&before[..1], &now[2..]), None, "{family} by {apart}: nothing to rate with");
            let twice = [row("stays", 600.0, 0), row("stays", 700.0, 100)];
            assert_eq!(rated(&twice, &now[..1]), Some(1.0), "{family} by {apart}: the newest of a series");
        }
    }
}

/// Issue 13, point 7: the throttling of a container is counted over all its cgroups that are on
/// both pages.
#[test]
fn throttling_is_paired_within_a_cgroup() {
    let rows = |of: &[(&str, f64, f64)], second| -> Vec<String> {
        let row = |(id, periods, throttled): &(&str, f64, f64)| {
            let id = format!("id=\"{id}\"");
            [
                series("container_cpu_cfs_periods_total", &id, *periods, second),
                series("container_cpu_cfs_throttled_periods_total", &id, *throttled, second),
            ]
        };
        of.iter().flat_map(row).collect()
    };
    let before = of_p(&rows(&[("old", 9000.0, 9000.0), ("new", 100.0, 10.0), ("stays", 0.0, 0.0)], 0));
    let now = of_p(&rows(&[("new", 400.0, 40.0), ("stays", 100.0, 70.0), ("third", 5000.0, 5000.0)], 300));
    let throttled = now.rates_since(&before).throttled.unwrap();
    assert_eq!((throttled.container.as_str(), throttled.percent), ("app", 25.0), "100 of 400 periods");
}

/// Issue 13, point 7: a pod's data in a snapshot stays small.
#[test]
fn a_series_is_kept_in_few_bytes_however_long_its_labels_are() {
    let page = page(&text("proxy_cadvisor.body"));
    let counters = page.pods.values().next().unwrap();
    let all = [
        &counters.cpu_seconds,
        &counters.cfs_periods,
        &counters.cfs_throttled,
        &counters.network_received,
        &counters.network_sent,
        &counters.disk_read,
        &counters.disk_written,
    ];
    let series: usize =
        all.iter().flat_map(|parts| parts.values()).map(std::collections::BTreeMap::len).sum();
    let bytes = serde_json::to_string(counters).unwrap().len();
    assert!(series >= 12 && bytes < series * 100, "{bytes} bytes for {series} series");
}

fn a_line() -> impl Strategy<Value = String> {
    let families = prop::sample::select(vec![
        "container_cpu_usage_seconds_total",
        "container_cpu_cfs_periods_total",
        "container_cpu_cfs_throttled_periods_total",
        "container_network_receive_bytes_total",
        "container_network_transmit_bytes_total",
        "container_fs_reads_bytes_total",
        "container_fs_writes_bytes_total",
    ]);
    let containers = prop::sample::select(vec!["", "POD", "app", "log"]);
    let values =
        prop_oneof![(0.0..1e12f64).prop_map(|value| value.to_string()), "(0|-1|NaN|[+]Inf|1e308|1e-320)"];
    let labels = prop::sample::select(vec!["", "total", "cpu00", "cpu01", "eth0", "lo", "/dev/a"]);
    let times = prop_oneof![
        Just(String::new()),
        (0i64..400_000).prop_map(|ms| format!(" {}", 1_800_000_000_000 + ms))
    ];
    (families, containers, labels, prop::bool::ANY, values, times, prop::sample::select(vec!["", "/old", "/new"])).prop_map(
        |(family, container, label, image, value, time, id)| {
            let labels = format!("id=\"{id}\",cpu=\"{label}\",device=\"{label}\",interface=\"{label}\"");
            let image = if image { "x" } else { "" };
            format!("{family}{{pod=\"p\",namespace=\"n\",container=\"{container}\",image=\"{image}\",{labels}}} {value}{time}")
        },
    )
}

fn of_p(lines: &[String]) -> PodCounters {
    page(&lines.join("\n")).pods.into_values().next().unwrap_or_default()
}

proptest! {
    #[test]
    fn rates_are_never_negative_or_endless(
        before in prop::collection::vec(a_line(), 0..40),
        now in prop::collection::vec(a_line(), 0..40),
    ) {
        let rates = of_p(&now).rates_since(&of_p(&before));
        let all = [rates.cpu_nanocores, rates.throttled_percent(), rates.network_received, rates.network_sent, rates.disk_read, rates.disk_written];
        for rate in all.into_iter().flatten() {
            prop_assert!(rate.is_finite() && rate >= 0.0, "{rates:?}");
        }
        prop_assert!(rates.throttled_percent().is_none_or(|percent| percent <= 100.0));
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        (lines, shuffled) in prop::collection::vec(a_line(), 0..40)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        prop_assert_eq!(page(&lines.join("\n")).pods, page(&shuffled.join("\n")).pods);
    }

    #[test]
    fn what_is_read_can_be_stored_and_read_back(lines in prop::collection::vec(a_line(), 0..40)) {
        let text = serde_json::to_string(&of_p(&lines)).unwrap();
        prop_assert!(serde_json::from_str::<PodCounters>(&text).is_ok(), "{}", text);
    }
}
