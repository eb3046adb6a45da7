//! Metric series with a resolution of one minute. Statistics of any period are exact, because each
//! minute keeps its sum, minimum, maximum and count, or all its samples.

use jiff::Timestamp;

use super::seeded::Wave;

/// What identifies a series. Dimensions are sorted, because their order has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// Namespace.
    pub namespace: String,
    /// Metric name.
    pub name: String,
    /// Dimension names and values, sorted.
    pub dimensions: Vec<(String, String)>,
}

/// A CloudWatch statistic set of one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticSet {
    /// Sum of the samples.
    pub sum: f64,
    /// Smallest sample.
    pub minimum: f64,
    /// Largest sample.
    pub maximum: f64,
    /// Number of samples.
    pub count: f64,
}

/// The minutes of one metric.
#[derive(Clone, Debug)]
pub struct Series {
    /// Minutes since the epoch.
    first: i64,
    minutes: Minutes,
}

#[derive(Clone, Debug)]
enum Minutes {
    /// One sample a minute; NaN for no sample.
    Values(Vec<f64>),
    /// All samples of each minute.
    Samples(Vec<Vec<f64>>),
    /// Statistic sets; they have no percentiles.
    Sets(Vec<Option<StatisticSet>>),
    /// Computed on demand: this many minutes.
    Wave(Wave, usize),
}

/// The minute that holds this epoch second.
pub(crate) fn minute_of(seconds: i64) -> i64 {
    seconds.div_euclid(60)
}

impl SeriesKey {
    /// Sorts the dimensions.
    pub fn new(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Self {
        let dimensions = dimensions.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self::sorted(namespace.to_owned(), name.to_owned(), dimensions.collect())
    }

    pub(crate) fn sorted(namespace: String, name: String, mut dimensions: Vec<(String, String)>) -> Self {
        dimensions.sort();
        Self { namespace, name, dimensions }
    }

    /// The unit of the metric when ECS publishes it, for the metrics that fargaze reads.
    pub(crate) fn unit(&self) -> &'static str {
        match (self.namespace.as_str(), self.name.as_str()) {
            ("AWS/ECS", _) => "Percent",
            (_, "MemoryUtilized" | "MemoryReserved") => "Megabytes",
            (_, "RunningTaskCount" | "DesiredTaskCount" | "PendingTaskCount") => "Count",
            _ => "None",
        }
    }
}

impl Series {
    /// One value a minute from `start`; NaN is a missing minute.
    pub fn of_values(start: Timestamp, values: &[f64]) -> Self {
        Self { first: minute_of(start.as_second()), minutes: Minutes::Values(values.to_vec()) }
    }

    /// All samples of each minute from `start`.
    pub fn of_samples(start: Timestamp, minutes: &[Vec<f64>]) -> Self {
        Self { first: minute_of(start.as_second()), minutes: Minutes::Samples(minutes.to_vec()) }
    }

    /// A statistic set a minute from `start`.
    pub fn of_sets(start: Timestamp, minutes: &[Option<StatisticSet>]) -> Self {
        Self { first: minute_of(start.as_second()), minutes: Minutes::Sets(minutes.to_vec()) }
    }

    pub(super) fn of_wave(first: i64, minutes: usize, wave: Wave) -> Self {
        Self { first, minutes: Minutes::Wave(wave, minutes) }
    }

    /// Folds the minutes from `from` up to and without `until`.
    pub(crate) fn fold(&self, from: i64, until: i64) -> Fold<'_> {
        let place = |minute: i64| (minute - self.first).clamp(0, self.len() as i64) as usize;
        Fold { series: self, from: place(from), until: place(until) }
    }

    /// Whether any of the minutes has a sample.
    pub(crate) fn has_any(&self, from: i64, until: i64) -> bool {
        let fold = self.fold(from, until);
        (fold.from..fold.until).any(|at| self.set(at).is_some())
    }

    fn len(&self) -> usize {
        match &self.minutes {
            Minutes::Values(values) => values.len(),
            Minutes::Samples(minutes) => minutes.len(),
            Minutes::Sets(sets) => sets.len(),
            Minutes::Wave(_, minutes) => *minutes,
        }
    }

    fn set(&self, at: usize) -> Option<StatisticSet> {
        match &self.minutes {
            Minutes::Values(values) => StatisticSet::of(&values[at..=at]),
            Minutes::Samples(minutes) => StatisticSet::of(&minutes[at]),
            Minutes::Sets(sets) => sets[at],
            Minutes::Wave(wave, _) => StatisticSet::of(&[wave.at(self.first + at as i64)]),
        }
    }

    /// The samples of a minute; `None` if only the statistic set is known and its samples may
    /// differ.
    fn raw(&self, at: usize, into: &mut Vec<f64>) -> Option<()> {
        if let Minutes::Samples(minutes) = &self.minutes {
            into.extend(minutes[at].iter().filter(|value| !value.is_nan()));
        } else if let Some(set) = self.set(at) {
            // Like CloudWatch: percentiles of a statistic set only when all its samples are equal.
            // Any difference counts, however small.
            if set.minimum < set.maximum {
                return None;
            }
            into.extend(std::iter::repeat_n(set.minimum, set.count as usize));
        }
        Some(())
    }
}

impl StatisticSet {
    fn of(samples: &[f64]) -> Option<Self> {
        let mut samples = samples.iter().copied().filter(|value| !value.is_nan());
        let first = samples.next()?;
        let one = Self { sum: first, minimum: first, maximum: first, count: 1.0 };
        Some(samples.fold(one, |set, value| Self {
            sum: set.sum + value,
            minimum: set.minimum.min(value),
            maximum: set.maximum.max(value),
            count: set.count + 1.0,
        }))
    }

    fn and(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
            count: self.count + other.count,
        }
    }
}

/// Some minutes of a series, to be aggregated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold<'a> {
    series: &'a Series,
    from: usize,
    until: usize,
}

impl Fold<'_> {
    /// The statistic set over all minutes.
    pub(crate) fn set(&self) -> Option<StatisticSet> {
        (self.from..self.until).filter_map(|at| self.series.set(at)).reduce(StatisticSet::and)
    }

    /// The percentile by linear interpolation between the two nearest ranks.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let mut samples = Vec::new();
        for at in self.from..self.until {
            self.series.raw(at, &mut samples)?;
        }
        samples.sort_by(f64::total_cmp);
        let rank = percent / 100.0 * (samples.len().checked_sub(1)? as f64);
        let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
        let (low, high) = (*samples.get(below)?, *samples.get(above)?);
        Some(low + (high - low) * rank.fract())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-9)
    }

    #[test]
    fn folds_any_minutes() {
        let start = Timestamp::from_second(600).unwrap();
        let series = Series::of_samples(start, &[vec![1.0, 2.0], vec![], vec![6.0]]);
        let set = series.fold(10, 13).set().unwrap();
        assert_eq!(set, StatisticSet { sum: 9.0, minimum: 1.0, maximum: 6.0, count: 3.0 });
        assert_eq!(series.fold(11, 12).set(), None);
        assert_eq!(series.fold(0, 10).set(), None);
        assert_eq!(series.fold(13, 99).set(), None);
        assert!(series.has_any(0, 11) && !series.has_any(11, 12));
        assert!(close(series.fold(0, 99).percentile(50.0), 2.0));
        assert!(close(series.fold(0, 99).percentile(75.0), 4.0));
    }

    #[test]
    fn percentiles_need_the_samples() {
        let start = Timestamp::from_second(0).unwrap();
        let set = |low, high| Some(StatisticSet { sum: low + high, minimum: low, maximum: high, count: 2.0 });
        let series = Series::of_sets(start, &[set(1.0, 2.0), set(3.0, 3.0)]);
        assert_eq!(series.fold(0, 2).percentile(90.0), None);
        assert!(close(series.fold(1, 2).percentile(90.0), 3.0));
        let values = Series::of_values(start, &[1.0, f64::NAN, 3.0]);
        assert!(close(values.fold(0, 3).percentile(50.0), 2.0));
        assert_eq!(values.fold(1, 2).percentile(50.0), None);
    }
}
