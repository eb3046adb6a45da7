//! A week of a normal estate: deployments every hour, autoscaling, scheduled tasks, Spot, and a task
//! now and then that fails once. Nobody is notified of a death.

use std::collections::BTreeMap;

use fargaze::alarms::{AlarmRecord, Judging};
use fargaze::config::DEFAULT_YAML;
use fargaze::deaths::{
    Act, Archive, ContainerOfTask, Died, Incident, IncidentKind, Known, Of, Origin, Said, cause_of, group,
};
use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::inventory::{EcsEntry, Reporting};
use fargaze::evidence::snapshot::{SnapshotBegin, SnapshotLine};
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use fargaze::rules::AlarmRule;
use jiff::SignedDuration;

use crate::scene::at;

const WEEK: i64 = 7 * 24 * 60;
const SERVICES: i64 = 10;

fn service(number: i64) -> Of {
    Of::Service("shop".parse().unwrap(), format!("web-{number}").parse().unwrap())
}

fn stopped(of: Of, minute: i64, task: i64, code: &str, reason: &str, exit: i32) -> Incident {
    let died = Died {
        task: format!("{minute}-{task}"),
        version: 6,
        definition: "web:7".to_owned(),
        code: Some(code.to_owned()),
        reason: Some(reason.to_owned()),
        started_at: Some(at(minute) - SignedDuration::from_hours(1)),
        stopping_at: Some(at(minute)),
        ended_at: Some(at(minute)),
        containers: vec![ContainerOfTask {
            name: "app".to_owned(),
            exit_code: Some(exit),
            ..ContainerOfTask::default()
        }],
        ..Died::default()
    };
    Incident { of, at: at(minute), kind: IncidentKind::Stopped(died) }
}

/// Everything that happens in a week.
fn week() -> Vec<Incident> {
    const SCHEDULER: &str = "ServiceSchedulerInitiated";
    let mut all = Vec::new();
    for minute in 0..WEEK {
        let number = minute % SERVICES;
        if minute % 60 < SERVICES {
            // An hourly deployment of every service replaces two tasks.
            let of = service(minute % 60);
            let id = format!("ecs-svc/{minute}");
            for (after, event) in [(0, "SERVICE_DEPLOYMENT_IN_PROGRESS"), (4, "SERVICE_DEPLOYMENT_COMPLETED")]
            {
                let (event, id) = (event.to_owned(), id.clone());
                let kind = IncidentKind::Deployment { event, id, reason: None };
                all.push(Incident { of: of.clone(), at: at(minute + after), kind });
            }
            for task in 0..2 {
                let reason = format!("Scaling activity initiated by (deployment ecs-svc/{})", minute - 60);
                all.push(stopped(of.clone(), minute + 3, task, SCHEDULER, &reason, 143));
            }
        }
        if minute % 25 == 0 {
            // Autoscaling.
            let reason = "Scaling activity initiated by (deployment ecs-svc/1)";
            all.push(stopped(service(number), minute, 7, SCHEDULER, reason, 143));
        }
        if minute % 5 == 0 {
            // A scheduled task that ends, one of which fails.
            let of = Of::Family("shop".parse().unwrap(), "nightly".to_owned());
            let exit = i32::from(minute % 60 == 0);
            all.push(stopped(
                of,
                minute,
                8,
                "EssentialContainerExited",
                "Essential container in task exited",
                exit,
            ));
        }
        if minute % 240 == 17 {
            // A health check that fails once.
            let reason = "Task failed ELB health checks in (target-group x)";
            all.push(stopped(service(number), minute, 9, SCHEDULER, reason, 143));
        }
        if minute % 180 == 90 {
            all.push(stopped(
                service(number),
                minute,
                10,
                "SpotInterruption",
                "Your Spot Task was interrupted.",
                137,
            ));
        }
        if minute % 720 == 400 {
            // No capacity for a minute.
            let (event, reason) =
                ("SERVICE_TASK_PLACEMENT_FAILURE".to_owned(), Some("RESOURCE:FARGATE".to_owned()));
            all.push(Incident {
                of: service(number),
                at: at(minute),
                kind: IncidentKind::Service { event, reason },
            });
        }
        if minute % 1440 == 700 {
            // The program of a task crashes once after an hour.
            let reason = "Essential container in task exited";
            all.push(stopped(service(number), minute, 11, "EssentialContainerExited", reason, 1));
        }
    }
    all
}

fn target() -> Target {
    Target {
        platform: Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    }
}

/// The notifications of a week of runs every five minutes about these incidents.
fn notified(incidents: &[Incident]) -> Vec<String> {
    let rules: Vec<AlarmRule> = fargaze::config::read_rules(DEFAULT_YAML).unwrap();
    let rules: Vec<AlarmRule> =
        rules.into_iter().filter(|rule| rule.measure.task_figure().is_some()).collect();
    let mut stored = BTreeMap::<String, AlarmRecord>::new();
    let mut sent = Vec::new();
    let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(30));
    for now in (5..WEEK).step_by(5) {
        let run = Run::new(RunKind::Alarms, at(now), delay, lookback, None)
            .with_range(SignedDuration::from_mins(32));
        let mut archive = Archive::default();
        let in_window = |incident: &&Incident| incident.at >= run.window.start && incident.at <= at(now);
        archive.extend(incidents.iter().filter(in_window).cloned());
        let begin = SnapshotBegin {
            run: run.clone(),
            target: target(),
            inventory_read_at: at(now),
            samples: Vec::new(),
        };
        let before: Vec<AlarmRecord> = stored.values().cloned().collect();
        let mut judging = Judging::begin(begin, &rules, &before);
        let services = (0..SERVICES).map(|number| format!("web-{number}").parse().unwrap()).collect();
        let ecs = EcsEntry { reports_insights: Reporting::Silent, services, ..EcsEntry::default() };
        judging.add(SnapshotLine::Cluster("shop".parse().unwrap(), ecs.into()));
        judging.add(SnapshotLine::Events(Known { origin: Origin::Events, from: at(-WEEK), fault: None }));
        for one in group(&archive, run.window.start..jiff::Timestamp::MAX, |_| None) {
            judging.add(SnapshotLine::Incidents(Box::new(one)));
        }
        let judged = judging.end(Coverage::default());
        for changed in judged.changes {
            let mut record = changed.record;
            sent.extend(
                record.pending.drain(..).map(|notice| format!("{now}: {} {}", notice.rule, notice.subject)),
            );
            record.version += 1;
            stored.insert(record.key.to_string(), record);
        }
    }
    sent
}

#[test]
fn a_normal_week_notifies_nobody_of_a_death() {
    assert_eq!(notified(&week()), [""; 0]);
}

/// The same week with one service that breaks is not silent.
#[test]
fn a_service_that_breaks_in_it_is_notified_once() {
    let mut incidents = week();
    for minute in [3000, 3004, 3009, 3015] {
        let reason = "CannotPullContainerError: failed to resolve ref shop:1: not found";
        incidents.push(stopped(service(3), minute, 20, "TaskFailedToStart", reason, 0));
    }
    let sent = notified(&incidents);
    assert_eq!(
        sent.iter().filter(|line| line.contains("tasks-cannot-start shop/web-3")).count(),
        2,
        "{sent:?}"
    );
    assert_eq!(sent.len(), 2, "it began and it ended: {sent:?}");
}

/// 2,190 messages of service events in the proportions that 22 services had in production.
#[test]
fn the_service_events_of_a_normal_week_call_for_nothing() {
    let act = |text: &str| cause_of(Said::Service(text)).act;
    for (count, text) in [
        (1602, "(service web) has reached a steady state."),
        (111, "(service web) registered 1 targets in (target-group x)"),
        (136, "(service web) deregistered 1 targets in (target-group x)"),
        (103, "(service web) has begun draining connections on 1 tasks."),
        (63, "(service web) has started 1 tasks: (task 1)."),
        (97, "(service web) has stopped 1 running tasks: (task 1)."),
        (1, "(service web) stopped 1 pending tasks."),
        (10, "(service web) (deployment ecs-svc/1) deployment completed."),
        (3, "(service web) is AZ balanced with 2 tasks in eu-west-1a."),
    ] {
        assert!((0..count).all(|_| act(text) == Act::No), "{text}");
    }
    for text in [
        "(service web) has started 1 tasks: (task 1). Amazon ECS replaced 1 tasks due to an unhealthy status.",
        "(service web) (task 1) (port 80) is unhealthy in (target-group x) due to (reason Request timed out)",
    ] {
        assert_eq!(act(text), Act::IfRepeated, "most heal by themselves: {text}");
    }
}
