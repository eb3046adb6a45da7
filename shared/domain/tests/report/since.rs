//! What a report lists as changed since the previous report, and what it does not.

use fargaze::model::fault::FaultKind;
use fargaze::report::{DifferenceKind, Report};

use crate::estate::{Estate, fault, run};
use crate::{eks_scenes, scenes};

fn said(before: &Estate, now: &Estate) -> Vec<(DifferenceKind, String)> {
    let before = before.report(&run(), None);
    let now = now.report(&run(), Some(&before));
    let differences = now.since.unwrap().differences;
    differences.into_iter().map(|difference| (difference.kind, difference.subject.to_string())).collect()
}

#[test]
fn the_same_estate_has_no_differences() {
    assert_eq!(said(&scenes::busy(), &scenes::busy()), []);
}

#[test]
fn alarms_that_began_or_ended_are_listed_most_severe_first() {
    use DifferenceKind::{
        AlarmBegan, AlarmEnded, Insights, MissingCluster, NewCluster, Started, Stopped, UsageUp,
    };
    let there = said(&scenes::quiet(), &scenes::busy());
    let kinds: Vec<DifferenceKind> = there.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [AlarmBegan, AlarmBegan, AlarmBegan, UsageUp, UsageUp, UsageUp, NewCluster, NewCluster, NewCluster],
        "{there:?}"
    );
    let back = said(&scenes::busy(), &scenes::quiet());
    assert_eq!(back.iter().filter(|(kind, _)| *kind == AlarmEnded).count(), 3);
    assert_eq!(back.iter().filter(|(kind, _)| *kind == MissingCluster).count(), 3);
    let mut stopped = scenes::quiet();
    if let Ok(clusters) = &mut stopped.targets[0].1 {
        clusters[0].services[0].tasks = Some((0, 4, 0));
        clusters[1].insights = fargaze::model::insights::InsightsLevel::Enhanced;
    }
    let shop = (Insights, "shop".to_owned());
    assert_eq!(said(&scenes::quiet(), &stopped), [(Stopped, "orders/api".to_owned()), shop.clone()]);
    assert_eq!(said(&stopped, &scenes::quiet()), [(Started, "orders/api".to_owned()), shop]);
}

#[test]
fn what_cannot_be_read_is_not_deleted_and_what_could_not_be_read_is_not_new() {
    let mut denied = scenes::three_targets();
    denied.targets[0].1 = Err(fault(FaultKind::Denied, "ecs:ListClusters", ""));
    assert_eq!(said(&scenes::three_targets(), &denied), []);
    assert_eq!(said(&denied, &scenes::three_targets()), []);
    // A target that is no longer planned is deleted with its clusters.
    let mut fewer = scenes::three_targets();
    drop(fewer.targets.remove(0));
    assert_eq!(said(&scenes::three_targets(), &fewer).len(), 2);
}

#[test]
fn clusters_and_workloads_of_eks_come_and_go() {
    use DifferenceKind::{
        AlarmBegan, AlarmEnded, MissingCluster, MissingWorkload, NewCluster, NewWorkload, Started, Stopped,
    };
    let there = said(&eks_scenes::quiet(), &eks_scenes::busy());
    let kinds: Vec<DifferenceKind> = there.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [AlarmBegan, AlarmBegan, NewCluster, NewCluster, NewWorkload, MissingWorkload],
        "{there:?}"
    );
    let back = said(&eks_scenes::busy(), &eks_scenes::quiet());
    let kinds: Vec<DifferenceKind> = back.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [AlarmEnded, AlarmEnded, MissingCluster, MissingCluster, NewWorkload, MissingWorkload],
        "{back:?}"
    );
    let mut down = eks_scenes::quiet();
    if let Ok(clusters) = &mut down.eks[0].1 {
        clusters[0].workloads[3].replicas = Some((0, 3));
    }
    let cart = "shop shop/deployment/cart".to_owned();
    assert_eq!(said(&eks_scenes::quiet(), &down), [(Stopped, cart.clone())]);
    assert_eq!(said(&down, &eks_scenes::quiet()), [(Started, cart)]);
}

#[test]
fn workloads_of_a_cluster_without_access_are_neither_deleted_nor_new() {
    let mut unread = eks_scenes::unreadable();
    if let Ok(clusters) = &mut unread.eks[0].1 {
        clusters[0].workloads.clear();
    }
    let mut read = eks_scenes::quiet();
    (read.targets, read.account_default) = (Vec::new(), None);
    assert_eq!(said(&read, &unread), []);
    assert_eq!(said(&unread, &read), []);
    // A completely denied target hides its own clusters, but not the ECS clusters with the same
    // names.
    let mut denied = eks_scenes::quiet();
    denied.eks[0].1 = Err(fault(FaultKind::Denied, "eks:ListClusters", ""));
    assert_eq!(said(&eks_scenes::quiet(), &denied), []);
    assert_eq!(said(&denied, &eks_scenes::quiet()), []);
    if let Ok(clusters) = &mut denied.targets[0].1 {
        clusters.pop();
    }
    assert_eq!(said(&eks_scenes::quiet(), &denied), [(DifferenceKind::MissingCluster, "shop".to_owned())]);
}

#[test]
fn a_report_of_another_form_is_ignored() {
    let report = serde_json::to_value(scenes::quiet().report(&run(), None)).unwrap();
    assert_eq!(Report::read(report.to_string().as_bytes()).unwrap().format, 1);
    let mut newer = report.clone();
    newer["format"] = 2.into();
    assert!(Report::read(newer.to_string().as_bytes()).is_none());
    assert!(Report::read(b"{}").is_none() && Report::read(b"").is_none());
}
