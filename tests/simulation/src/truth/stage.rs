//! The life of a service: its desired and running tasks from some minute on.

use super::{CALM, FIRST, Life};
use crate::chance::Chance;
use crate::clock::Minute;

/// A service from some minute on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stage {
    pub(super) from: Minute,
    pub(super) exists: bool,
    pub(super) desired: i64,
    pub(super) running: i64,
    pub(super) pending: i64,
    /// The start of the deployment in progress, if any.
    pub(super) deployed: Option<Minute>,
    pub(super) disrupted: Option<Disruption>,
}

/// Why tasks do not stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Disruption {
    /// They start, live long enough for one point every third minute, and fail.
    Loops,
    /// They run at every other run; in between one is starting.
    Alternates,
}

pub(super) fn stage(stages: &[Stage], minute: Minute) -> Option<&Stage> {
    stages.iter().rev().find(|stage| stage.from <= minute)
}

impl Stage {
    /// Running and starting tasks.
    pub(super) fn tasks(&self, minute: Minute, every: Minute) -> (i64, i64) {
        let between = minute.div_euclid(every) % 2 == 0;
        match self.disrupted {
            Some(Disruption::Alternates) if between => (0, 1),
            _ => (self.running, self.pending),
        }
    }

    /// Whether a task lived long enough in this minute.
    pub(super) fn has_point(&self, minute: Minute, every: Minute) -> bool {
        self.tasks(minute, every).0 > 0 || self.disrupted == Some(Disruption::Loops) && minute % 3 == 0
    }

    /// Whether ECS must be queried about the service, because no desired task runs.
    pub(super) fn is_out(&self) -> bool {
        self.exists && self.desired > 0 && self.running == 0
    }
}

/// The life of a service: mostly it runs.
pub(super) fn stages(life: &Life, chance: &mut Chance) -> Vec<Stage> {
    let there = Stage {
        from: FIRST,
        exists: true,
        desired: 2,
        running: 2,
        pending: 0,
        deployed: None,
        disrupted: None,
    };
    let absent = Stage { exists: false, desired: 0, running: 0, ..there };
    let mut stages = vec![if chance.percent(10) { absent } else { there }];
    let mut froms: Vec<Minute> =
        (0..chance.between(0, life.stages)).map(|_| chance.between(CALM, life.minutes)).collect();
    froms.sort_unstable();
    for from in froms {
        let stage = match chance.between(1, 10) {
            1..=3 => Stage {
                from,
                desired: chance.between(1, 2),
                running: 0,
                pending: chance.between(0, 1),
                ..there
            },
            4 => Stage { from, desired: 0, running: 0, ..there },
            5..=6 => Stage { from, deployed: Some(from), running: chance.between(0, 2), ..there },
            7 => Stage { from, ..absent },
            8 if chance.percent(life.failing) => {
                Stage { from, running: 0, disrupted: Some(Disruption::Loops), ..there }
            }
            9 if chance.percent(life.failing) => {
                Stage { from, disrupted: Some(Disruption::Alternates), ..there }
            }
            _ => Stage { from, ..there },
        };
        stages.push(stage);
    }
    stages
}
