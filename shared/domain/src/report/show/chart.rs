//! SVG charts. The axis always starts at 0 % and ends at 100 %, or further for higher values, so
//! that two charts can be compared by eye.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::report::measured::figures::{History, percent};
use crate::report::model::ReportWindow;

/// Room above the axis, for half a label.
const TOP: f64 = 8.0;

/// The drawing area.
struct Frame {
    /// Room for the labels of the axis.
    left: f64,
    width: f64,
    height: f64,
    slots: usize,
    top_value: f64,
}

impl Frame {
    fn of((left, width, height): (f64, f64, f64), series: &[&[Option<f64>]]) -> Self {
        let highest = series.iter().flat_map(|values| values.iter().flatten()).copied().fold(0.0, f64::max);
        let top_value = if highest <= 100.0 { 100.0 } else { (highest / 50.0).ceil() * 50.0 };
        let slots = series.iter().map(|values| values.len()).max().unwrap_or(0);
        Self { left, width, height, slots, top_value }
    }

    /// The middle of a slot.
    #[expect(clippy::cast_precision_loss, reason = "there are some two dozen slots")]
    fn x(&self, slot: usize) -> f64 {
        self.left + (self.width - self.left) * (slot as f64 + 0.5) / self.slots.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        TOP + self.height * (1.0 - value / self.top_value)
    }

    /// The line through the values, with gaps where there is no data.
    fn line(&self, values: &[Option<f64>]) -> String {
        let mut path = String::new();
        for run in runs(values) {
            for (i, (slot, value)) in run.iter().enumerate() {
                let command = if i == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{command}{:.0} {:.1}", self.x(*slot), self.y(*value)));
            }
            if run.len() == 1 {
                // A path of a single point would be invisible.
                path.push_str("h.1");
            }
        }
        path
    }

    /// The area between the lower and the higher values.
    fn area(&self, lower: &[Option<f64>], higher: &[Option<f64>]) -> String {
        let both: Vec<Option<(f64, f64)>> =
            lower.iter().zip(higher).map(|(lower, higher)| lower.zip(*higher)).collect();
        let mut path = String::new();
        for run in runs(&both).into_iter().filter(|run| run.len() > 1) {
            let there = run.iter().map(|(slot, (_, higher))| (*slot, *higher));
            let back = run.iter().rev().map(|(slot, (lower, _))| (*slot, *lower));
            for (i, (slot, value)) in there.chain(back).enumerate() {
                let command = if i == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{command}{:.0} {:.1}", self.x(slot), self.y(value)));
            }
            path.push('Z');
        }
        path
    }

    /// Lines at the bottom, in the middle and at the top, each with its value.
    fn axis(&self) -> Markup {
        let values = [0.0, self.top_value / 2.0, self.top_value];
        html! {
            @for value in values {
                path class="grid" d=(format!("M{:.0} {:.1}H{:.0}", self.left, self.y(value), self.width)) {}
                text x=(format!("{:.0}", self.left - 5.0)) y=(format!("{:.1}", self.y(value) + 4.0)) text-anchor="end" {
                    (format!("{value:.0}")) @if value > 0.0 && (value - self.top_value).abs() < 0.1 { "\u{a0}%" }
                }
            }
        }
    }
}

/// Runs of consecutive slots that have values.
fn runs<T: Copy>(values: &[Option<T>]) -> Vec<Vec<(usize, T)>> {
    let mut runs: Vec<Vec<(usize, T)>> = vec![Vec::new()];
    for (slot, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                if let Some(run) = runs.last_mut() {
                    run.push((slot, *value));
                }
            }
            None if runs.last().is_some_and(|run| !run.is_empty()) => runs.push(Vec::new()),
            None => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// One percentage over time: the mean as a line, and the area from the mean to the maximum.
pub(crate) fn small(title: &str, class: &str, mean: &[Option<f64>], maximum: &[Option<f64>]) -> Markup {
    let frame = Frame::of((38.0, 190.0, 62.0), &[mean, maximum]);
    html! {
        svg class=(class) viewBox="0 0 190 76" role="img" {
            title { (title) }
            (frame.axis())
            path class="h" d=(frame.area(mean, maximum)) {}
            path class="l" d=(frame.line(mean)) {}
        }
    }
}

/// CPU and memory of all services, or of all workloads, over time, in percent of `of`.
pub(crate) fn fleet(what: &str, of: &str, history: &History, window: &ReportWindow) -> Markup {
    let History { slot_seconds, cpu, memory, .. } = history;
    let frame = Frame::of((64.0, 620.0, 150.0), &[cpu, memory]);
    let range = |values: &[Option<f64>]| {
        let known = || values.iter().flatten().copied();
        let (low, high) = (known().reduce(f64::min), known().reduce(f64::max));
        format!("{} to {}", percent(low), percent(high))
    };
    let title = format!(
        "Mean of all {what} over time, in steps of {} h: memory {}, CPU {}.",
        (*slot_seconds + 1800) / 3600,
        range(memory),
        range(cpu)
    );
    let quarters = (0..=4).map(|quarter| {
        let seconds = window.end.as_second() - window.start.as_second();
        let at =
            Timestamp::from_second(window.start.as_second() + seconds * quarter / 4).unwrap_or(window.end);
        let long = seconds > 2 * 86_400;
        let label = at.strftime(if long { "%-d %b" } else { "%H:%M" }).to_string();
        let anchor = match quarter {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        #[expect(clippy::cast_precision_loss, reason = "it is 0 to 4")]
        let x = frame.left + (frame.width - frame.left) * quarter as f64 / 4.0;
        (x, label, anchor)
    });
    html! {
        figure class="fleet" {
            figcaption {
                "Mean of all " (what) ": " span class="key memory" { "memory" } " and " span class="key cpu" { "CPU" }
                ", in percent of " (of)
            }
            svg viewBox="0 0 620 188" role="img" {
                title { (title) }
                (frame.axis())
                @for (x, label, anchor) in quarters {
                    text x=(format!("{x:.0}")) y="183" text-anchor=(anchor) { (label) }
                }
                path class="l memory" d=(frame.line(memory)) {}
                path class="l cpu" d=(frame.line(cpu)) {}
            }
        }
    }
}

/// Counts over time as bars, with the highest count and the times of the first and last bar.
#[expect(clippy::cast_precision_loss, reason = "there are some dozens of bars")]
pub(crate) fn bars(title: &str, start: Timestamp, bin_seconds: i64, counts: &[f64]) -> Markup {
    const WIDTH: f64 = 620.0;
    const HEIGHT: f64 = 60.0;
    let highest = counts.iter().copied().fold(0.0, f64::max).max(1.0);
    let each = WIDTH / counts.len().max(1) as f64;
    let mut path = String::new();
    for (slot, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        let (x, height) = (slot as f64 * each, (count / highest * HEIGHT).max(1.0));
        path.push_str(&format!(
            "M{x:.1} {:.1}h{:.1}V{HEIGHT:.0}H{x:.1}Z",
            HEIGHT - height,
            (each - 1.0).max(1.0)
        ));
    }
    let bins = i64::try_from(counts.len()).unwrap_or(0);
    let end = Timestamp::from_second(start.as_second() + bins * bin_seconds).unwrap_or(start);
    let is_long = bins * bin_seconds > 2 * 86_400;
    let label = |at: Timestamp| at.strftime(if is_long { "%-d %b" } else { "%H:%M" }).to_string();
    html! {
        svg class="fleet" viewBox="0 0 620 80" role="img" {
            title { (title) ", at most " (format!("{highest:.0}")) " in a bar" }
            path class="grid" d=(format!("M0 {HEIGHT:.0}H{WIDTH:.0}")) {}
            path class="bars" d=(path) {}
            text x="0" y="75" { (label(start)) }
            text x="620" y="75" text-anchor="end" { (label(end)) }
            text x="310" y="75" text-anchor="middle" { "at most " (format!("{highest:.0}")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_break_the_line_and_a_single_point_is_visible() {
        let values = [Some(0.0), Some(100.0), None, Some(50.0), None];
        let frame = Frame::of((34.0, 134.0, 100.0), &[&values]);
        assert_eq!(frame.line(&values), "M44 108.0L64 8.0M104 58.0h.1");
        assert_eq!(frame.line(&[None, None]), "");
    }

    #[test]
    fn the_axis_ends_above_values_over_a_hundred() {
        for (highest, top) in [(0.0, 100.0), (100.0, 100.0), (100.1, 150.0), (270.0, 300.0)] {
            assert_eq!(Frame::of((0.0, 100.0, 50.0), &[&[Some(highest)]]).top_value, top);
        }
    }

    #[test]
    fn the_area_lies_between_mean_and_highest() {
        let frame = Frame::of((34.0, 74.0, 100.0), &[&[Some(1.0), Some(1.0)]]);
        let area = frame.area(&[Some(10.0), Some(20.0)], &[Some(50.0), Some(60.0)]);
        assert_eq!(area, "M44 58.0L64 48.0L64 88.0L44 98.0Z");
    }
}
