//! Sparklines: the values of an evaluated window in one line of text.
//!
//! Mail is often displayed in a proportional font, so a second line that marks the threshold would
//! not line up. The line itself shows the threshold, in two ways: breaching values are in square
//! brackets, and the four lower block heights are below the threshold, the four upper ones above
//! it. A period without data is a middle dot, which cannot be mistaken for a low value.

use crate::alarms::Evaluation;
use crate::rules::Comparison;

const LOW: [char; 4] = ['▁', '▂', '▃', '▄'];
const HIGH: [char; 4] = ['▅', '▆', '▇', '█'];
const MISSING: char = '·';
/// Most marks in a line. Even with brackets around every other mark they fit.
const MOST: usize = 30;

/// The marks, oldest first, and the number of periods per mark: `▃[▅]·[▇█]`. A mark of several
/// periods shows the worst.
pub(super) fn spark(evaluation: &Evaluation) -> (String, usize) {
    let each = evaluation.values.len().div_ceil(MOST).max(1);
    let worst_of = |values: &[Option<f64>]| {
        values.iter().flatten().copied().reduce(|a, b| evaluation.comparison.worse(a, b))
    };
    // If a mark covers fewer periods than the others, it is the oldest.
    let first = evaluation.values.len() % each;
    let (oldest, rest) = evaluation.values.split_at(first);
    let groups = (!oldest.is_empty()).then_some(oldest).into_iter().chain(rest.chunks(each));
    let values: Vec<Option<f64>> = groups.map(worst_of).collect();
    let scale = Scale::of(evaluation, &values);
    let (mut marks, mut breaching) = (String::new(), false);
    for value in values {
        let breaches = value.is_some_and(|value| evaluation.comparison.breaches(value, evaluation.threshold));
        match (breaching, breaches) {
            (false, true) => marks.push('['),
            (true, false) => marks.push(']'),
            _ => {}
        }
        breaching = breaches;
        marks.push(value.map_or(MISSING, |value| scale.mark(value)));
    }
    marks.push_str(if breaching { "]" } else { "" });
    (marks, each)
}

/// The lowest value, the threshold and the highest value.
struct Scale {
    least: f64,
    threshold: f64,
    greatest: f64,
    /// Whether a value equal to the threshold is drawn like one below it.
    threshold_is_low: bool,
}

impl Scale {
    fn of(evaluation: &Evaluation, values: &[Option<f64>]) -> Self {
        let threshold = evaluation.threshold;
        let values = || values.iter().flatten().copied();
        let least = values().fold(threshold, f64::min);
        // Without negative values, the height is a share of the threshold.
        let least = if least >= 0.0 { 0.0 } else { least };
        let threshold_is_low = matches!(
            evaluation.comparison,
            Comparison::GreaterThanThreshold | Comparison::LessThanOrEqualToThreshold
        );
        Self { least, threshold, greatest: values().fold(threshold, f64::max), threshold_is_low }
    }

    fn mark(&self, value: f64) -> char {
        let is_low = value < self.threshold || (self.threshold_is_low && value <= self.threshold);
        if is_low {
            LOW[quarter(value - self.least, self.threshold - self.least)]
        } else {
            HIGH[quarter(value - self.threshold, self.greatest - self.threshold)]
        }
    }
}

/// The quarter of the whole in which the part ends, from 0 to 3.
fn quarter(part: f64, whole: f64) -> usize {
    let share = part / whole;
    [0.25, 0.5, 0.75].iter().filter(|&&edge| share > edge).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::digest::samples::evaluation;

    fn drawn(comparison: Comparison, threshold: f64, values: &[f64]) -> String {
        let values = values.iter().map(|&value| value.is_finite().then_some(value)).collect();
        spark(&Evaluation { comparison, threshold, values, ..evaluation("web") }).0
    }

    #[test]
    fn breaching_values_are_in_brackets_and_in_the_upper_half() {
        let over = Comparison::GreaterThanThreshold;
        assert_eq!(drawn(over, 80.0, &[10.0, 78.0, 81.0, f64::NAN, 89.0, 93.1]), "▁▄[▅]·[▇█]");
        assert_eq!(drawn(over, 80.0, &[80.0, 80.0]), "▄▄");
        assert_eq!(drawn(Comparison::GreaterThanOrEqualToThreshold, 80.0, &[80.0]), "[▅]");
        assert_eq!(drawn(over, 0.0, &[0.0, 2.0]), "▁[█]");
        assert_eq!(drawn(over, -5.0, &[-6.0, -4.0]), "▁[█]");
        assert_eq!(drawn(over, 80.0, &[f64::NAN, f64::NAN]), "··");
    }

    #[test]
    fn below_a_lower_limit_the_lower_half_breaches() {
        assert_eq!(drawn(Comparison::LessThanThreshold, 2.0, &[4.0, 2.0, 1.0, 0.0]), "█▅[▂▁]");
        assert_eq!(drawn(Comparison::LessThanOrEqualToThreshold, 2.0, &[3.0, 2.0]), "█[▄]");
    }

    #[test]
    fn a_long_window_shows_the_worst_of_each_group_and_always_fits() {
        let mut values = vec![Some(10.0); 61];
        values[60] = Some(95.0);
        let long = Evaluation { values, ..evaluation("web") };
        assert_eq!(spark(&long), (format!("{}[█]", "▁".repeat(20)), 3));
        let values = (0..1_440).map(|i| Some(if i / 48 % 2 == 0 { 95.0 } else { 10.0 })).collect();
        let (marks, each) = spark(&Evaluation { values, ..evaluation("web") });
        assert!(marks.chars().count() <= 2 * MOST && each == 48, "{marks}");
    }
}
