//! The statistics of a period.

use crate::estate::Fold;

/// A statistic that the fake can compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    Percentile(f64),
}

impl Statistic {
    /// `Average`, `p99.5`, ...; trimmed means and similar statistics are not implemented.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => {
                let percent: f64 = text.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))?
            }
        })
    }

    /// The statistic over some minutes; `None` without samples.
    pub(super) fn of(self, minutes: Fold<'_>) -> Option<f64> {
        if let Self::Percentile(percent) = self {
            return minutes.percentile(percent);
        }
        let set = minutes.set()?;
        Some(match self {
            Self::SampleCount => set.count,
            Self::Average => set.sum / set.count,
            Self::Sum => set.sum,
            Self::Minimum => set.minimum,
            Self::Maximum | Self::Percentile(_) => set.maximum,
        })
    }
}
