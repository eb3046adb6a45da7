#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "estimates of small numbers"
)]
mod docs;
mod pods;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::incident::ContainerOfTask;
use super::*;
use crate::text::message::harmless;

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn now() -> Timestamp {
    "2026-12-01T10:00:00Z".parse().unwrap()
}

/// The facts of a line of the table.
fn stop(facts: &str, reason: &str) -> TaskStop {
    let mut stop = TaskStop {
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        of_service: true,
        stopping_at: Some(now()),
        ended_at: Some(now() + SignedDuration::from_secs(3)),
        ..TaskStop::default()
    };
    let (facts, container) = facts.split_once("container=").unwrap_or((facts, ""));
    for fact in facts.split(' ').filter(|fact| !fact.is_empty()) {
        let (name, value) = fact.split_once('=').unwrap();
        match name {
            "code" => stop.code = Some(value.to_owned()),
            "primary" => stop.primary = Some(value.to_owned()),
            "stop" => {
                stop.ended_at = Some(now() + SignedDuration::from_secs(value.parse().unwrap()));
            }
            "exit" => {
                let name = format!("container-{}", stop.containers.len());
                let exit_code = Some(value.parse().unwrap());
                stop.containers.push(ContainerEnd { name, exit_code, reason: None });
            }
            _ => panic!("{fact}"),
        }
    }
    if !container.is_empty() {
        stop.containers[0].reason = Some(container.to_owned());
    }
    stop
}

#[test]
fn every_text_of_the_corpus_has_its_class() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in lines(include_str!("stopped.tsv")) {
        let [number, class, facts, text] = line[..] else { panic!("{line:?}") };
        let found = cause_of(Said::Task(&stop(facts, text))).class;
        if found.code() != class {
            wrong.push(format!("{number}: {found} instead of {class}: {facts} {text}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 120);
}

#[test]
fn every_service_event_has_its_class_and_says_whether_to_act() {
    let mut wrong = Vec::new();
    for line in lines(include_str!("service_events.tsv")) {
        let [act, class, text] = line[..] else { panic!("{line:?}") };
        let found = cause_of(Said::Service(text));
        let is_right = format!("{:?}", found.act) == act && (class == "-" || found.class.code() == class);
        if !is_right {
            wrong.push(format!("{found:?} instead of {act} {class}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fargate cuts long texts, and a container's reason says the same as the task's.
#[test]
fn a_cut_text_and_a_containers_reason_have_the_class_of_the_whole() {
    for line in lines(include_str!("stopped.tsv")) {
        let [_, class, facts, text] = line[..] else { panic!("{line:?}") };
        if !facts.is_empty() || text.len() < 250 {
            continue;
        }
        let cut: String = text.chars().take(text.chars().count() - 12).collect();
        assert_eq!(cause_of(Said::Task(&stop("", &format!("{cut}...")))).class.code(), class, "{text}");
        let containers = vec![ContainerEnd { reason: Some(text.to_owned()), ..ContainerEnd::default() }];
        let stop = TaskStop { code: Some("TaskFailedToStart".to_owned()), containers, ..stop("", "") };
        assert_eq!(cause_of(Said::Task(&stop)).class.code(), class, "{text}");
    }
}

#[test]
fn the_rows_are_in_the_order_of_the_classes() {
    for (index, row) in CLASSES.iter().enumerate() {
        assert_eq!(row.class as usize, index, "{}", row.code);
        assert_eq!(serde_json::to_string(&row.class).unwrap(), format!("{:?}", row.code));
        assert_eq!(row.code.parse::<Class>().unwrap(), row.class);
        assert!(row.advice.ends_with('.') && !row.label.ends_with('.'), "{}", row.code);
    }
}

/// Each row of the table is the first match of some text: otherwise another hides it.
#[test]
fn no_row_is_hidden_by_another() {
    for rows in [causes::CONTAINER_OR_TASK, causes::SERVICE_EVENTS] {
        for (index, row) in rows.iter().enumerate() {
            let text = row.parts.join(" ");
            let first = rows.iter().position(|row| row.parts.iter().all(|part| text.contains(part)));
            assert_eq!(first, Some(index), "{:?}", row.parts);
        }
    }
}

fn died(task: &str, version: u64) -> Died {
    Died {
        task: task.to_owned(),
        version,
        definition: "web:7".to_owned(),
        code: Some("EssentialContainerExited".to_owned()),
        reason: Some("Essential container in task exited".to_owned()),
        containers: vec![ContainerOfTask {
            name: "web".to_owned(),
            exit_code: Some(1),
            ..ContainerOfTask::default()
        }],
        started_at: Some(now() - SignedDuration::from_secs(20)),
        stopping_at: Some(now()),
        ended_at: Some(now()),
        deployment: Some("ecs-svc/1".to_owned()),
    }
}

fn web() -> Of {
    Of::Service("shop".parse().unwrap(), "web".parse().unwrap())
}

fn at(minutes: i64, kind: IncidentKind) -> Incident {
    Incident { of: web(), at: now() + SignedDuration::from_mins(minutes), kind }
}

#[test]
fn a_warning_and_the_end_of_its_task_are_one_interruption() {
    let mut archive = Archive::default();
    let spot = Died { code: Some("SpotInterruption".to_owned()), ..died("1", 6) };
    archive.extend([
        at(0, IncidentKind::SpotWarning { task: "1".to_owned() }),
        at(2, IncidentKind::Stopped(spot)),
        at(3, IncidentKind::SpotWarning { task: "2".to_owned() }),
    ]);
    let groups = group(&archive, now()..Timestamp::MAX, |_| None);
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].class, groups[0].deaths, groups[0].count()), (Class::Spot, false, 2));
}

#[test]
fn crashes_at_the_start_are_counted_apart() {
    let long = Died { started_at: Some(now() - SignedDuration::from_hours(5)), ..died("2", 6) };
    let mut archive = Archive::default();
    archive.extend([at(0, IncidentKind::Stopped(died("1", 6))), at(0, IncidentKind::Stopped(long))]);
    let groups = group(&archive, now()..Timestamp::MAX, |_| None);
    assert_eq!((groups[0].count(), groups[0].crashes.values().sum::<u32>()), (2, 1));
    assert_eq!(groups[0].culprit().unwrap().name, "web");
}

#[test]
fn the_newest_announced_deployment_tells_a_deployment_from_scaling_in() {
    let scaled = |task: &str, deployment: u8| {
        let reason = format!("Scaling activity initiated by (deployment ecs-svc/{deployment})");
        let code = Some("ServiceSchedulerInitiated".to_owned());
        IncidentKind::Stopped(Died { code, reason: Some(reason), ..died(task, 6) })
    };
    let began = IncidentKind::Deployment {
        event: "SERVICE_DEPLOYMENT_IN_PROGRESS".to_owned(),
        id: "ecs-svc/2".to_owned(),
        reason: None,
    };
    let mut archive = Archive::default();
    archive.extend([at(0, began), at(1, scaled("1", 1)), at(2, scaled("2", 2))]);
    let classes: Vec<Class> =
        group(&archive, now()..Timestamp::MAX, |_| None).iter().map(|group| group.class).collect();
    assert_eq!(classes, [Class::ScaleIn, Class::Deploy]);
    let classes: Vec<Class> = group(&archive, now()..Timestamp::MAX, |_| Some("ecs-svc/3".to_owned()))
        .iter()
        .map(|group| group.class)
        .collect();
    assert_eq!(classes, [Class::Deploy], "what ECS says now comes before events");
}

/// The events of a deployment: two tasks start, two stop, each with several versions.
fn deployment(number: u8) -> Vec<Incident> {
    let id = format!("ecs-svc/{number}");
    let begun =
        |event: &str| IncidentKind::Deployment { event: event.to_owned(), id: id.clone(), reason: None };
    let minutes = i64::from(number) * 3;
    let mut incidents = vec![
        at(minutes, begun("SERVICE_DEPLOYMENT_IN_PROGRESS")),
        at(minutes + 2, begun("SERVICE_DEPLOYMENT_COMPLETED")),
    ];
    for task in 0..2 {
        for version in [5, 6] {
            let task = format!("{number}-{task}");
            incidents.push(at(minutes + 1, IncidentKind::Stopped(died(&task, version))));
        }
    }
    incidents
}

#[test]
fn a_batch_survives_being_packed_and_a_damaged_one_adds_nothing() {
    let mut incidents = deployment(1);
    let retirement =
        |one: Option<&str>| IncidentKind::Retirement { one: one.map(ToOwned::to_owned), due: now() };
    incidents.extend([
        at(0, retirement(None)),
        at(0, retirement(Some("1"))),
        at(0, IncidentKind::SpotWarning { task: "1".to_owned() }),
        at(0, IncidentKind::Service { event: "X".to_owned(), reason: None }),
    ]);
    let bytes = Archive::pack(&incidents).unwrap();
    let mut archive = Archive::default();
    archive.unpack(&bytes).unwrap();
    let mut expected = Archive::default();
    expected.extend(incidents);
    assert_eq!(archive, expected);
    let mut damaged = Archive::default();
    assert!(damaged.unpack(&bytes[..bytes.len() - 9]).is_err());
    assert!(damaged.unpack(b"{}").is_err() && damaged.is_empty());
}

proptest! {
    /// Any order of the events of 200 deployments, each up to three times, gives the same archive.
    #[test]
    fn order_and_repetition_do_not_matter(seed in any::<u64>(), repeats in prop::collection::vec(1usize..=3, 1200)) {
        let events: Vec<Incident> = (0..200).flat_map(deployment).collect();
        let mut expected = Archive::default();
        expected.extend(events.clone());
        let mut many: Vec<Incident> =
            events.iter().zip(repeats).flat_map(|(event, times)| vec![event.clone(); times]).collect();
        let mut state = seed | 1;
        for index in (1..many.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            many.swap(index, (state >> 33) as usize % (index + 1));
        }
        let mut archive = Archive::default();
        archive.extend(many);
        prop_assert_eq!(archive.len(), 200 * 4);
        prop_assert_eq!(&archive, &expected);
        prop_assert_eq!(group(&archive, now()..Timestamp::MAX, |_| None), group(&expected, now()..Timestamp::MAX, |_| None));
    }

    /// No text, however odd, stops the classification, and none is called out of memory by its exit code.
    #[test]
    fn any_text_has_a_class(text in "\\PC{0,200}", code in prop::option::of(-300..300i32)) {
        let containers = vec![ContainerEnd { name: "web".to_owned(), exit_code: code, reason: Some(text.clone()) }];
        let stop = TaskStop { reason: Some(text.clone()), containers, ..TaskStop::default() };
        let cause = cause_of(Said::Task(&stop));
        let says_memory = text.to_lowercase().contains("outofmemoryerror") || text.to_lowercase().contains("container status");
        prop_assert!(cause.class != Class::Oom || says_memory);
        cause_of(Said::Service(&text));
        prop_assert!(!harmless(&text).contains('\n'));
    }
}

/// All classes are used, so that docs/causes.md promises nothing.
#[test]
fn every_class_has_a_text() {
    let mut seen = BTreeMap::new();
    for line in lines(include_str!("stopped.tsv")).chain(lines(include_str!("service_events.tsv"))) {
        *seen.entry(line[1]).or_insert(0) += 1;
    }
    for row in CLASSES {
        assert!(seen.contains_key(row.code), "{}", row.code);
    }
}
