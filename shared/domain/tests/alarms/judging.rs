//! Rules side by side: what one alarm silences, deleted subjects, and missing parts of a snapshot.

use fargaze::alarms::NoticeKind::{Began, Blind, Deleted, Ended, SeenAgain};
use fargaze::evidence::inventory::UndescribedService;
use fargaze::model::fault::Fault;
use fargaze::model::metric::MetricQuery;
use fargaze::model::operation::Operation;
use fargaze::model::run::Part;

use crate::estate::{Estate, service, state};
use crate::scene::{fault, rules};

const UNLESS: &str = "
rules:
  - name: service-hot
    what: memory-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
    unless: [nothing-running, gateway-hot]
  - name: nothing-running
    what: nothing-running
    threshold: 0
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
  - name: gateway-hot
    scope: cluster
    what:
      namespace: Own
      metric: Latency
      dimensions: { Gateway: \"{cluster}\" }
      unit: milliseconds
    threshold: 80
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
";

fn is(query: &MetricQuery, name: &str) -> bool {
    query.metric.name == name
}

#[test]
fn an_alarm_of_the_cluster_hides_its_services_and_no_others() {
    let mut estate = Estate::new(rules(UNLESS));
    estate.clusters.insert("search".to_owned(), vec!["index".to_owned()]);
    estate.values = Box::new(|query, minute| {
        let gateway_of_shop = query.metric.dimensions.get("Gateway") == Some("shop") && minute <= 22;
        let hot = gateway_of_shop || !is(query, "Latency");
        Some(if hot && minute > 0 { 95.0 } else { 20.0 })
    });
    estate.run(5);
    let expected =
        [(Began, "gateway-hot", "shop".to_owned()), (Began, "service-hot", "search/index".to_owned())];
    let mut sent = estate.sent();
    sent.sort();
    assert_eq!(sent, expected);
    (10..25).step_by(5).for_each(|now| _ = estate.run(now));
    assert_eq!(estate.notified.len(), 2);
    estate.run(30);
    assert_eq!(
        estate.sent()[2..],
        [(Ended, "gateway-hot", "shop".to_owned()), (Began, "service-hot", "shop/web".to_owned())]
    );
    let late = estate.notified[3].late().unwrap().to_string();
    assert_eq!(late, "an alarm of rule gateway-hot");
}

#[test]
fn a_rule_that_is_silenced_by_a_later_one_of_the_file_is_silenced() {
    let mut estate = Estate::new(rules(UNLESS));
    estate.values =
        Box::new(|query, minute| (!is(query, "Latency")).then_some(if minute > 0 { 95.0 } else { 20.0 }));
    estate.states = vec![state(2, 0)];
    estate.run(5);
    assert_eq!(estate.sent(), [(Began, "nothing-running", "shop/web".to_owned())]);
}

#[test]
fn the_alarm_of_a_deleted_service_ends_with_a_word_and_is_forgotten() {
    let mut estate = Estate::new(rules("{}"));
    estate.values = Box::new(|_, _| Some(99.0));
    estate.run(5);
    assert_eq!(estate.notified.len(), 2);
    estate.clusters.insert("shop".to_owned(), vec!["api".to_owned()]);
    estate.values = Box::new(|_, _| Some(20.0));
    assert_eq!(estate.run(10), 2);
    assert!(
        estate.notified[2..]
            .iter()
            .all(|notice| notice.kind() == Deleted && notice.subject == service("shop", "web"))
    );
    assert!(estate.remembered.values().all(fargaze::alarms::AlarmRecord::is_over));
    assert_eq!(estate.run(15), 0);
}

#[test]
fn a_service_that_could_not_be_listed_is_not_deleted() {
    let mut estate = Estate::new(rules("{}"));
    estate.values = Box::new(|_, _| Some(99.0));
    estate.run(5);
    estate.clusters.clear();
    estate.faults = vec![Fault::malformed(Operation::EcsListClusters, "", "cut")];
    assert_eq!(estate.run(10), 0);
    assert_eq!(estate.notified.len(), 2);
}

#[test]
fn metrics_that_cannot_be_read_blind_every_rule_of_the_service() {
    let mut estate = Estate::new(rules("{}"));
    estate.run(0);
    estate.unread = Some(fault());
    (5..25).step_by(5).for_each(|now| _ = estate.run(now));
    let mut blind: Vec<_> = estate.sent();
    blind.sort();
    // Whether the service runs is unknown, too: ECS is queried about it only if it is silent.
    let expected =
        |kind| ["cpu-high", "memory-high", "nothing-running"].map(|rule| (kind, rule, "shop/web".to_owned()));
    assert_eq!(blind, expected(Blind));
    estate.unread = None;
    estate.run(25);
    let mut seen = estate.sent()[3..].to_vec();
    seen.sort();
    assert_eq!(seen, expected(SeenAgain));
}

#[test]
fn a_service_that_ecs_did_not_describe_is_blind_and_not_fine() {
    let mut estate = Estate::new(rules("{}"));
    // In the same cluster; its metrics show that it runs.
    estate.clusters.insert("shop".to_owned(), vec!["api".to_owned(), "web".to_owned()]);
    estate.values =
        Box::new(|query, _| (query.metric.dimensions.get("ServiceName") == Some("api")).then_some(30.0));
    estate.states = vec![state(1, 0)];
    estate.run(0);
    let fault = Fault::malformed(Operation::EcsDescribeServices, "shop", "cut");
    let (cluster, service) = ("shop".parse().unwrap(), "web".parse().unwrap());
    estate.faults = vec![fault.clone()];
    (estate.states, estate.undescribed) =
        (Vec::new(), vec![UndescribedService { cluster, service, fault, is_alive: false }]);
    (5..25).step_by(5).for_each(|now| _ = estate.run(now));
    let nothing_running = |kind| (kind, "nothing-running", "shop/web".to_owned());
    assert_eq!(estate.sent(), [nothing_running(Began), nothing_running(Blind)]);
}

#[test]
fn an_alarm_hides_a_weaker_one_of_the_same_service() {
    let rules = rules(
        "
rules:
  - &hot
    name: hot
    what: memory-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    unless: boiling
  - <<: *hot
    name: boiling
    threshold: 95 %
    unless: []
",
    );
    let mut estate = Estate::new(rules);
    let course = [(0, 20.0), (5, 85.0), (10, 99.0), (20, 85.0), (30, 20.0)];
    estate.values = Box::new(move |_, minute| {
        course.iter().rev().find(|(from, _)| minute > *from).map(|(_, value)| *value).or(Some(20.0))
    });
    for now in (0..60).step_by(5) {
        estate.run(now);
    }
    let sent: Vec<_> = estate.notified.iter().map(|notice| (notice.rule.as_str(), notice.kind())).collect();
    // `hot` began before `unless` silenced it; its end is notified, as for every notified alarm.
    assert_eq!(sent, [("hot", Began), ("boiling", Began), ("boiling", Ended), ("hot", Ended)]);
    // Straight from cold to boiling and back: the weaker one is never notified.
    let course = [(0, 20.0), (5, 99.0), (20, 20.0)];
    let mut sudden = Estate::new(estate.rules.clone());
    sudden.values = Box::new(move |_, minute| {
        course.iter().rev().find(|(from, _)| minute > *from).map(|(_, value)| *value).or(Some(20.0))
    });
    for now in (0..60).step_by(5) {
        sudden.run(now);
    }
    assert!(sudden.notified.iter().all(|notice| notice.rule == "boiling"), "{:?}", sudden.sent());
    assert_eq!(sudden.notified.len(), 2);
}

#[test]
fn one_custom_metric_serves_several_subjects_and_a_catalogue_rule() {
    let yaml = "
rules:
  - name: queue
    what: { namespace: AWS/SQS, metric: Depth, dimensions: { QueueName: orders }, unit: count }
    threshold: 10
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
  - name: own-memory
    what:
      namespace: AWS/ECS
      metric: MemoryUtilization
      dimensions: { ClusterName: \"{cluster}\", ServiceName: \"{service}\" }
      unit: percent
    threshold: 10
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
  - name: memory
    what: memory-percent
    threshold: 10
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    datapoints-to-alarm: 1
";
    let mut estate = Estate::new(rules(yaml));
    estate.clusters.insert("shop".to_owned(), vec!["api".to_owned(), "web".to_owned()]);
    estate.run(5);
    let mut sent = estate.sent();
    sent.sort();
    let both = |rule| ["shop/api", "shop/web"].map(|subject| (Began, rule, subject.to_owned()));
    assert_eq!(sent, [both("memory"), both("own-memory"), both("queue")].concat());
}

#[test]
fn parts_leave_each_others_alarms_alone() {
    let mut estate = Estate::new(rules("{}"));
    estate.values = Box::new(|_, _| Some(99.0));
    estate.run(5);
    estate.clusters.clear();
    let parts = [0, 1].map(|index| Part { index, count: 2 });
    let shop = "shop".parse().unwrap();
    let (own, other) = if parts[0].holds(&shop) { (parts[0], parts[1]) } else { (parts[1], parts[0]) };
    estate.part = other;
    assert_eq!(estate.run(10), 0);
    estate.part = own;
    assert_eq!(estate.run(15), 2, "the part that the cluster belongs to knows that it was deleted");
}
