//! Reads an earlier snapshot alongside the new plan, and keeps the values that each query may need
//! again.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Known, Reach};
use crate::evidence::inventory::EarlierChecks;
use crate::evidence::snapshot::{BadSnapshot, StoredHead, StoredSeries, StoredSeriesReader, head};
use crate::model::metric::MetricQuery;
use crate::model::window::Window;

/// What an earlier snapshot holds of the queries of a plan.
#[derive(Debug)]
pub(super) struct Previous {
    /// Time of its run.
    pub(super) time: Timestamp,
    /// The window of its run.
    pub(super) window: Window,
    /// In the order of the plan; `None` where the snapshot holds too little.
    pub(super) known: Vec<Option<Known>>,
    /// Values of all queries; NaN marks a gap.
    pub(super) values: Vec<f64>,
    /// Its service checks.
    pub(super) checks: EarlierChecks,
}

/// Reads the snapshot query by query. Snapshot and plan have the same order, so the next line
/// nearly always answers the next query. `reaches` holds the time range of each query.
pub(super) fn read(
    snapshot: &[u8],
    judged: bool,
    queries: &[MetricQuery],
    reaches: &[Reach],
) -> Result<Previous, BadSnapshot> {
    let mut lines = StoredSeriesReader::new(snapshot)?;
    let (time, window) = (lines.begin().run.time, lines.begin().run.window);
    let (mut known, mut values) = (vec![None; queries.len()], Vec::new());
    let mut places = Places { queries, next: 0, all: None };
    while let Some((head, series)) = lines.next_series(places.expected())? {
        let Some(place) = places.of(head) else { continue };
        known[place] = reaches[place].known(&series, &window, judged, &mut values);
    }
    Ok(Previous { time, window, known, values, checks: lines.into_checks() })
}

/// Finds queries by the heads of their lines.
struct Places<'a> {
    queries: &'a [MetricQuery],
    /// Index of the expected query.
    next: usize,
    /// All queries, built once an unexpected line shows that the plan has changed.
    all: Option<HashMap<Vec<u8>, usize>>,
}

impl Places<'_> {
    fn expected(&self) -> Option<&MetricQuery> {
        self.queries.get(self.next)
    }

    fn of(&mut self, head_of_line: StoredHead<'_>) -> Option<usize> {
        let StoredHead::Other(text) = head_of_line else {
            self.next += 1;
            return Some(self.next - 1);
        };
        let all = self.all.get_or_insert_with(|| {
            let named = |(place, query)| {
                let mut text = Vec::new();
                head(query, &mut text);
                (text, place)
            };
            self.queries.iter().enumerate().map(named).collect()
        });
        let place = *all.get(text)?;
        self.next = place + 1;
        Some(place)
    }
}

impl Reach {
    /// What can be reused of a stored series; `None` if it was not answered completely, or ends
    /// before the look-back.
    fn known(
        &self,
        series: &StoredSeries<'_>,
        earlier: &Window,
        judged: bool,
        values: &mut Vec<f64>,
    ) -> Option<Known> {
        let period = self.period.seconds();
        let end = self.period.start_of(earlier.end).min(self.end);
        let on_grid = series.start.is_none_or(|start| start % period == 0);
        if !series.is_complete || !on_grid || end < self.lookback {
            return None;
        }
        let covered = series.from.unwrap_or_else(|| self.period.start_of(earlier.start));
        let at = |start: i64| {
            let place = start.checked_sub(series.start?)?;
            let place = usize::try_from(place / period).ok().filter(|_| place >= 0)?;
            series.values.get(place).copied().filter(|value| !value.is_nan())
        };
        let periods = |from: i64| (0..).map(move |n| from + n * period).take_while(move |start| *start < end);
        let first_gap = |from: i64| periods(from).find(|start| at(*start).is_none()).unwrap_or(end);
        let first = covered.max(self.oldest);
        let older_gap = first_gap(first);
        let gap = if older_gap < self.lookback { first_gap(covered.max(self.lookback)) } else { older_gap };
        let unjudged = if judged { end } else { (covered + self.range).max(self.lookback) };
        let evaluate_from = unjudged.min(gap);
        let begin = values.len();
        values.extend(periods(first).map(|start| at(start).unwrap_or(f64::NAN)));
        let place = |place: usize| u32::try_from(place).ok();
        Some(Known {
            evaluate_from,
            gap,
            older_gap,
            first,
            end,
            values: (place(begin)?, place(values.len())?),
        })
    }
}
