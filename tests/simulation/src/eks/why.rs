//! The pods that the words of a notice name.

use std::collections::BTreeMap;

use super::agree::Taken;
use super::figures::Measure;

/// The maximum number of pods named for one reason.
const NAMED: usize = 3;

/// Whether a notice names exactly the pods that count for a measure of a subject, each once.
pub(crate) fn is_right(
    why: Option<&str>,
    measure: Measure,
    subject: &str,
    taken: &Taken,
) -> Result<(), String> {
    let mut named = BTreeMap::<&str, usize>::new();
    let words = why.unwrap_or_default().split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    for word in words.filter(|word| taken.pods.contains(*word)) {
        *named.entry(word).or_default() += 1;
    }
    let counted = taken.counted(measure, subject);
    let all_fit = named.keys().all(|pod| counted.contains(pod));
    let right = match measure {
        Measure::MetricsDown => named.is_empty(),
        // Missing pods are not counted; those that exist and are not ready may explain them.
        Measure::Missing => true,
        measure if measure.is_compared() || measure == Measure::Pending => {
            all_fit && named.len() == usize::from(!counted.is_empty())
        }
        _ => all_fit && (counted.len() > NAMED || named.len() == counted.len()),
    };
    let once = named.values().all(|times| *times == 1);
    (right && once)
        .then_some(())
        .ok_or_else(|| format!("{measure:?} counts {counted:?}, and the notification says {why:?}"))
}
