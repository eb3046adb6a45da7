//! A day or a week of points in some two dozen slots of two bytes each: an estate has thousands of
//! these series.

use super::figures::{History, points, tenth};
use crate::model::metric::Statistic;
use crate::model::series::{Datapoint, Reading};
use crate::model::window::Window;

/// Most slots: a small chart cannot show more.
const MOST: usize = 28;
/// Encodes "no data".
const NONE: u16 = u16::MAX;

/// How a window is divided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots {
    window: Window,
    seconds: i64,
    count: usize,
}

/// One value for each slot, in tenths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spark(Box<[u16]>);

/// One percentage over time: its mean and its highest value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    pub(crate) mean: Spark,
    pub(crate) maximum: Spark,
}

/// CPU and memory of one service or workload over time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sparks {
    pub(crate) cpu: Track,
    pub(crate) memory: Track,
}

impl Track {
    /// Takes the reading of one statistic.
    pub(crate) fn take(&mut self, statistic: &Statistic, reading: &Reading, slots: &Slots) {
        if *statistic == Statistic::Maximum {
            self.maximum = slots.maxima(points(reading));
        } else {
            self.mean = slots.means(points(reading));
        }
    }
}

impl Sparks {
    /// As the report stores it.
    pub(crate) fn history(&self, slots: &Slots) -> History {
        History {
            slot_seconds: slots.seconds(),
            cpu: self.cpu.mean.values(),
            cpu_maximum: self.cpu.maximum.values(),
            memory: self.memory.mean.values(),
            memory_maximum: self.memory.maximum.values(),
        }
    }
}

impl Slots {
    /// Slots of equal length over the window: hours for a day, six hours for a week.
    pub(crate) fn of(window: &Window) -> Self {
        let periods = window.len().max(1);
        let fewest = periods.div_ceil(MOST);
        let each = (fewest..=periods).find(|each| periods.is_multiple_of(*each)).unwrap_or(periods);
        // If only long slots divide the window evenly, use shorter ones; the last is then not full.
        let each = if each > 2 * fewest { fewest } else { each };
        let seconds = window.period.seconds() * i64::try_from(each).unwrap_or(1);
        Self { window: *window, seconds, count: periods.div_ceil(each) }
    }

    /// The window that is divided.
    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// Length of a slot, in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Number of slots.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Mean of the points of each slot.
    fn means(&self, points: &[Datapoint]) -> Spark {
        let mut slots = vec![(0.0, 0.0); self.count];
        for (slot, value) in self.by_slot(points) {
            let (sum, count): &mut (f64, f64) = &mut slots[slot];
            *sum += value;
            *count += 1.0;
        }
        Spark(
            slots
                .into_iter()
                .map(|(sum, count)| if count > 0.0 { pack(sum / count) } else { NONE })
                .collect(),
        )
    }

    /// Highest point of each slot.
    fn maxima(&self, points: &[Datapoint]) -> Spark {
        let mut slots = vec![NONE; self.count];
        for (slot, value) in self.by_slot(points) {
            let packed = pack(value);
            slots[slot] = if slots[slot] == NONE { packed } else { slots[slot].max(packed) };
        }
        Spark(slots.into_boxed_slice())
    }

    /// The points of the window with their slots.
    fn by_slot(&self, points: &[Datapoint]) -> impl Iterator<Item = (usize, f64)> {
        let start = self.window.start.as_second();
        points.iter().filter(|point| point.value.is_finite()).filter_map(move |point| {
            let slot = (point.timestamp.as_second() - start).div_euclid(self.seconds);
            let slot = usize::try_from(slot).ok().filter(|slot| *slot < self.count)?;
            Some((slot, point.value))
        })
    }
}

impl Spark {
    /// The values; `None` where there was no data.
    fn values(&self) -> Vec<Option<f64>> {
        self.0.iter().map(|&packed| (packed != NONE).then(|| tenth(f64::from(packed) / 10.0))).collect()
    }

    /// The highest value.
    pub(crate) fn highest(&self) -> Option<f64> {
        self.0.iter().filter(|packed| **packed != NONE).max().map(|&packed| f64::from(packed) / 10.0)
    }

    /// The slots that have a value, with their values.
    pub(crate) fn known(&self) -> impl Iterator<Item = (usize, f64)> {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, packed)| **packed != NONE)
            .map(|(i, &p)| (i, f64::from(p) / 10.0))
    }
}

/// A percentage in tenths, capped at 6,553 %.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn pack(value: f64) -> u16 {
    (value * 10.0).round().clamp(0.0, f64::from(NONE - 1)) as u16
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::model::metric::Period;

    fn window(hours: i64, period: i64) -> Window {
        let end: Timestamp = "2026-11-22T05:00:00Z".parse().unwrap();
        let period = Period::from_seconds(period).unwrap();
        Window::ending(end, SignedDuration::ZERO, period, SignedDuration::from_hours(hours))
    }

    #[test]
    fn a_day_has_slots_of_an_hour_and_a_week_of_six() {
        for (hours, period, count, seconds) in
            [(24, 300, 24, 3600), (168, 3600, 28, 6 * 3600), (1, 300, 12, 300), (29, 3600, 15, 7200)]
        {
            let slots = Slots::of(&window(hours, period));
            assert_eq!((slots.count(), slots.seconds()), (count, seconds), "{hours}");
        }
    }

    #[test]
    fn slots_without_data_stay_empty_and_no_point_is_counted_twice() {
        let window = window(24, 300);
        let slots = Slots::of(&window);
        let points: Vec<Datapoint> = window
            .period_starts()
            .enumerate()
            .filter(|(i, _)| !(12..24).contains(i))
            .map(|(i, timestamp)| Datapoint { timestamp, value: if i == 30 { 99.96 } else { 12.0 } })
            .collect();
        let (means, maxima) = (slots.means(&points).values(), slots.maxima(&points).values());
        assert_eq!(means[..3], [Some(12.0), None, Some(19.3)]);
        assert_eq!(maxima[..3], [Some(12.0), None, Some(100.0)]);
        assert_eq!(slots.means(&points).known().count(), 23);
    }
}
