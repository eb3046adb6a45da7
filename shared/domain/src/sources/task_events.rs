//! Events of tasks as a source: what died, crashed, was interrupted or could not be placed, counted
//! for each period.

use jiff::Timestamp;

use crate::deaths::{Class, IncidentGroup, Known};
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::window::Window;
use crate::rules::{AlarmRule, TaskFigure};

impl TaskFigure {
    /// Whether the group counts for a rule of this figure.
    fn counts(self, rule: &AlarmRule, group: &IncidentGroup) -> bool {
        let class = group.class;
        match self {
            Self::Deaths if rule.classes.is_empty() => group.deaths && class.is_failure(true),
            Self::Deaths => (group.deaths || class == Class::Spot) && rule.classes.contains(&class),
            Self::CrashLoops => group.deaths,
            Self::SpotInterruptions => class == Class::Spot,
            Self::PlacementFailures => class.is_placement(),
        }
    }

    fn minutes(self, group: &IncidentGroup) -> &std::collections::BTreeMap<i64, u32> {
        if self == Self::CrashLoops { &group.crashes } else { &group.by_minute }
    }
}

/// The counts of a subject for each period of the window from when events are known; there is no
/// data for the time before. Nothing happened is a value: 0.
pub fn reading(
    figure: TaskFigure,
    rule: &AlarmRule,
    groups: &[IncidentGroup],
    known: &Known,
    window: &Window,
) -> Reading {
    let period = rule.period.seconds();
    let count = |start: Timestamp| -> u32 {
        let start = start.as_second();
        let of_group = |group: &IncidentGroup| {
            let minutes = figure.minutes(group).range(start..start + period);
            minutes.fold(0_u32, |sum, (_, count)| sum.saturating_add(*count))
        };
        groups.iter().filter(|group| figure.counts(rule, group)).map(of_group).sum()
    };
    let starts = window.in_periods(rule.period).period_starts();
    // The period in which events began to arrive counts.
    let starts = starts.filter(|start| *start + rule.period.length() > known.from);
    let points = starts.map(|timestamp| Datapoint { timestamp, value: f64::from(count(timestamp)) });
    let series = MetricSeries::new(points.collect());
    match &known.fault {
        // Some batches could not be read, so the counts may be too low.
        Some(fault) => Reading::Partial(series, fault.clone()),
        None => Reading::Complete(series),
    }
}
