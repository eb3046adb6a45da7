//! Why tasks stopped: from kept events, and where there are none, from what ECS still knows of the
//! services in trouble.

use std::ops::Range;

use fargaze::deaths::{Archive, IncidentGroup, Known, Origin, group};
use fargaze::evidence::inventory::ServiceState;
use fargaze::model::fault::Fault;
use fargaze::model::run::{Run, RunKind, Target};
use fargaze_aws::{Ecs, Memory, StoredIncidents};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

/// Services whose stopped tasks are described, where no events are kept.
const MOST: usize = 50;
/// How many of them at once.
const AT_ONCE: usize = 4;
/// How long ECS knows a stopped task (Amazon ECS API, `DescribeTasks`: "at least an hour").
const ECS_KNOWS: SignedDuration = SignedDuration::from_hours(1);

/// What is known of the stopped tasks of a target.
#[derive(Debug)]
pub(crate) struct Stopped {
    archive: Archive,
    known: Known,
}

impl Stopped {
    /// Reads the events of the run's window. A batch that cannot be read is a fault.
    pub(crate) async fn of_events(memory: &Memory, target: &Target, run: &Run) -> Result<Self, Fault> {
        let stored = memory.incidents(target, run.window.start).await?;
        let StoredIncidents { archive: stored, since, unreadable, cut_at } = stored;
        // Each part of a target has the incidents of its own clusters.
        let mut archive = Archive::default();
        archive.extend(stored.into_incidents().filter(|incident| target.part.holds(incident.of.cluster())));
        let since = since.map(|since| cut_at.map_or(since, |cut| since.max(cut)));
        let (origin, from) = match since {
            Some(since) => (Origin::Events, since.max(run.window.start)),
            None => (Origin::StoppedTasks, (run.time - ECS_KNOWS).max(run.window.start)),
        };
        let known = Known { origin, from, fault: unreadable.into_iter().next() };
        Ok(Self { archive, known })
    }

    /// Services that events name as being in trouble, so that ECS is asked about their state.
    pub(crate) fn troubled(&self, run: &Run) -> Vec<IncidentGroup> {
        let mut groups = group(&self.archive, time_of(run), |_| None);
        groups.retain(|group| group.trouble);
        groups
    }

    /// Adds what ECS still knows, where events do not cover the window: the stopped tasks of services
    /// that miss tasks or whose deployment fails.
    pub(crate) async fn complete(&mut self, ecs: &Ecs, run: &Run, states: &[ServiceState]) {
        if self.known.origin == Origin::Events && self.known.from <= run.window.start {
            return;
        }
        let troubled = states.iter().filter(|state| is_in_trouble(state, run)).take(MOST);
        let calls = troubled.map(|state| ecs.stopped_tasks(&state.cluster, &state.service));
        let calls: Vec<_> = calls.collect();
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
        for answer in answers {
            match answer {
                Ok(incidents) => self.archive.extend(incidents),
                Err(fault) => {
                    tracing::warn!(%fault, "the stopped tasks of a service could not be described");
                    if self.known.origin == Origin::StoppedTasks {
                        self.known.fault.get_or_insert(fault);
                    }
                }
            }
        }
    }

    /// The incidents as a snapshot stores them.
    pub(crate) fn finish(self, run: &Run) -> (Known, Vec<IncidentGroup>) {
        let groups = group(&self.archive, time_of(run), |_| None);
        (self.known, groups)
    }
}

/// Which incidents a run covers. Reports follow one another without overlap; alarms show what is
/// newest.
fn time_of(run: &Run) -> Range<Timestamp> {
    let end = if run.kind == RunKind::Report { run.window.end } else { Timestamp::MAX };
    run.window.start..end
}

fn is_in_trouble(state: &ServiceState, run: &Run) -> bool {
    let fails = state
        .deployment
        .as_ref()
        .is_some_and(|deployment| deployment.failed_tasks > 0 || deployment.has_failed(run.time));
    !state.is_missing() && (state.tasks_missing() > 0 || fails)
}
