//! Reads an earlier snapshot next to the new plan, and holds of each question the values that may be needed again.

use std::collections::HashMap;

use super::{Known, Reach, Reaches};
use crate::metric::MetricQuery;
use crate::snapshot::{BadSnapshot, StoredSeries, StoredSeriesReader, head};
use crate::window::Window;

/// What an earlier snapshot holds of the questions of a plan.
#[derive(Debug)]
pub(super) struct Previous {
    /// The window of its run.
    pub(super) window: Window,
    /// In the order of the plan; none where it holds too little.
    pub(super) known: Vec<Option<Known>>,
    /// Values of all questions, not a number where there is none.
    pub(super) values: Vec<f64>,
}

/// Reads it, question by question. Both are in the order in which plans are made, so that the next line is nearly always
/// about the next question.
pub(super) fn read(
    snapshot: &[u8],
    judged: bool,
    queries: &[MetricQuery],
    reaches: &Reaches<'_>,
) -> Result<Previous, BadSnapshot> {
    let mut lines = StoredSeriesReader::new(snapshot)?;
    let window = lines.begin().run.window;
    let (mut known, mut values) = (vec![None; queries.len()], Vec::new());
    let mut places = Places { queries, next: 0, text: Vec::new(), all: None };
    while let Some((head, series)) = lines.next_series()? {
        let Some(place) = places.of(head) else { continue };
        let reach = reaches.of(&queries[place]);
        known[place] = reach.known(&series, &window.in_periods(queries[place].period), judged, &mut values);
    }
    Ok(Previous { window, known, values })
}

/// Finds questions by the heads of their lines.
struct Places<'a> {
    queries: &'a [MetricQuery],
    /// The question that is expected.
    next: usize,
    text: Vec<u8>,
    /// All questions, once one came that was not expected: the plan has changed since.
    all: Option<HashMap<Vec<u8>, usize>>,
}

impl Places<'_> {
    fn of(&mut self, line: &str) -> Option<usize> {
        if let Some(query) = self.queries.get(self.next) {
            head(query, &mut self.text);
            if self.text == line.as_bytes() {
                self.next += 1;
                return Some(self.next - 1);
            }
        }
        let all = self.all.get_or_insert_with(|| {
            let named = |(place, query)| {
                let mut text = Vec::new();
                head(query, &mut text);
                (text, place)
            };
            self.queries.iter().enumerate().map(named).collect()
        });
        let place = *all.get(line.as_bytes())?;
        self.next = place + 1;
        Some(place)
    }
}

impl Reach {
    /// What a stored series is good for; none if it was not answered in full, or ends before what runs look back on.
    fn known(
        &self,
        series: &StoredSeries,
        earlier: &Window,
        judged: bool,
        values: &mut Vec<f64>,
    ) -> Option<Known> {
        let end = earlier.end.as_second().min(self.end);
        let on_grid = series.start.is_none_or(|start| start % self.period == 0);
        if !series.is_complete() || !on_grid || end < self.lookback {
            return None;
        }
        let covered = series.from.unwrap_or_else(|| earlier.start.as_second());
        let at = |start: i64| {
            let place = start.checked_sub(series.start?)?;
            let place = usize::try_from(place / self.period).ok().filter(|_| place >= 0)?;
            series.values.get(place).copied().flatten()
        };
        let periods =
            |from: i64| (0..).map(move |n| from + n * self.period).take_while(move |start| *start < end);
        let gap = periods(covered.max(self.lookback)).find(|start| at(*start).is_none()).unwrap_or(end);
        let unjudged = if judged { end } else { (covered + self.range).max(self.lookback) };
        let judge = unjudged.min(gap);
        let first = covered.max(self.oldest);
        let begin = values.len();
        values.extend(periods(first).map(|start| at(start).unwrap_or(f64::NAN)));
        let place = |place: usize| u32::try_from(place).ok();
        Some(Known { judge, gap, first, end, values: (place(begin)?, place(values.len())?) })
    }
}
