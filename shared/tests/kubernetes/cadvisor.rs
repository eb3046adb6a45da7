//! Counters of pods from pages of cAdvisor, one recorded and others as different runtimes print them.

use fargaze::kubernetes::cadvisor::{Counter, Page, Parts, read};
use fargaze::pods::PodCounters;
use jiff::Timestamp;
use proptest::prelude::*;

use super::text;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn page(text: &str) -> Page {
    read(text.as_bytes(), at(0))
}

/// Counters of the pod `shop/web-1` on a page of these rows, each `family{labels} value [time]`; its names are added.
fn web(rows: &[&str]) -> PodCounters {
    let named = |row: &&str| row.replacen('{', "{namespace=\"shop\",pod=\"web-1\",", 1);
    let text: Vec<String> = rows.iter().map(named).collect();
    let mut pods = page(&(text.join("\n") + "\n")).pods;
    pods.remove(&("shop".to_owned(), "web-1".to_owned())).unwrap_or_default()
}

/// One kind of a pod's counters.
type OfPod = fn(&PodCounters) -> &Parts;

fn parts(of: &Parts) -> Vec<(&str, f64)> {
    of.iter().map(|(part, counter)| (part.as_str(), counter.value)).collect()
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
fn devices_are_added_up_by_container_as_of_the_newest_line() {
    let counters = web(&[
        "container_fs_reads_bytes_total{container=\"app\",device=\"/dev/a\"} 100 1800000001000",
        "container_fs_reads_bytes_total{container=\"app\",device=\"/dev/b\"} 1.5e3 1800000003000",
        "container_fs_reads_bytes_total{device=\"/dev/a\",container=\"log\"} 7",
    ]);
    assert_eq!(counters.disk_read["app"], Counter { value: 1600.0, at: at(3) });
    // A line without a time is of the time when the page was read.
    assert_eq!(counters.disk_read["log"], Counter { value: 7.0, at: at(0) });
}

#[test]
fn what_no_counter_can_be_is_left_out_and_a_line_that_cannot_be_read_is_told() {
    let family = "container_cpu_usage_seconds_total{container=\"app\",pod=\"web-1\",namespace=\"shop\"}";
    for value in ["NaN", "+Inf", "-Inf", "-1"] {
        let page = page(&format!("{family} {value}\n"));
        assert!(page.pods.is_empty() && page.report.samples == 1, "{value}");
    }
    let page = page(&format!("{family} much\n{family} 2\n"));
    assert_eq!((page.report.skipped, page.pods.len()), (1, 1));
    // Two huge numbers together are none, and a snapshot can hold no infinity.
    let huge = |device: &str| {
        format!("container_fs_reads_bytes_total{{container=\"app\",device=\"{device}\"}} 1.7e308")
    };
    assert!(web(&[&huge("a"), &huge("b")]).disk_read.is_empty());
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
    (families, containers, labels, prop::bool::ANY, values, times).prop_map(
        |(family, container, label, image, value, time)| {
            let labels = format!("cpu=\"{label}\",device=\"{label}\",interface=\"{label}\"");
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
