//! The same words in the mail and on the page.

use super::figures::{Answer, Tasks, Traffic, Utilization};
use super::model::{Because, Difference, DifferenceKind, Report};
use crate::cluster::{AccountId, Region};
use crate::metric::Unit;
use crate::run::Platform;

impl Because {
    /// In a few words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NothingRunning => "no task runs",
            Self::NoneAvailable => "no replica is available",
            Self::InAlarm => "in ALARM",
            Self::DeploymentFails => "its deployment fails",
            Self::WithoutMetrics => "runs and has no metrics",
            Self::CrashLooping => "crash-looping",
            Self::CannotStart => "cannot start",
            Self::OutOfMemory => "killed out of memory",
            Self::ShortOfTasks => "fewer tasks than desired",
            Self::ShortOfPods => "fewer replicas than desired",
            Self::Pending => "a pod is pending",
        }
    }
}

impl Difference {
    /// In front of what it is about.
    pub(super) fn words(&self) -> &'static str {
        match (self.kind, self.platform) {
            (DifferenceKind::Stopped, Platform::Eks) => "no replica available any more",
            (DifferenceKind::Started, Platform::Eks) => "replicas available again",
            (kind, _) => kind.words(),
        }
    }
}

impl DifferenceKind {
    fn words(self) -> &'static str {
        match self {
            Self::Stopped => "no task runs any more",
            Self::AlarmBegan => "alarm began",
            Self::AlarmEnded => "alarm ended",
            Self::Started => "tasks run again",
            Self::Fuller => "fuller",
            Self::Emptier => "emptier",
            Self::NewCluster => "new cluster",
            Self::GoneCluster => "cluster gone",
            Self::NewService => "new service",
            Self::GoneService => "service gone",
            Self::NewWorkload => "new workload",
            Self::GoneWorkload => "workload gone",
            Self::Insights => "Container Insights",
        }
    }

    /// So many of them, behind a number: `2 new services`.
    pub(super) fn counted(self, platform: Platform, n: usize) -> String {
        let (one, many) = match self {
            Self::Stopped => ("service stopped", "services stopped"),
            Self::AlarmBegan => ("alarm began", "alarms began"),
            Self::AlarmEnded => ("alarm ended", "alarms ended"),
            Self::Started => ("service runs again", "services run again"),
            Self::Fuller => ("service fuller", "services fuller"),
            Self::Emptier => ("service emptier", "services emptier"),
            Self::NewCluster => ("new cluster", "new clusters"),
            Self::GoneCluster => ("cluster gone", "clusters gone"),
            Self::NewService => ("new service", "new services"),
            Self::GoneService => ("service gone", "services gone"),
            Self::NewWorkload => ("new workload", "new workloads"),
            Self::GoneWorkload => ("workload gone", "workloads gone"),
            Self::Insights => ("level of Container Insights changed", "levels of Container Insights changed"),
        };
        let words = if n == 1 { one } else { many };
        match platform {
            Platform::Ecs => format!("{n} {words}"),
            Platform::Eks => format!("{n} {}", words.replace("service", "workload")),
        }
    }
}

/// How places are told apart: by nothing, by Region, or by Region and account, whichever is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    One,
    Regions,
    Accounts,
}

impl Places {
    /// As this report needs it.
    pub(super) fn of(report: &Report) -> Self {
        let clusters = report.clusters.iter().map(|cluster| (&cluster.account, &cluster.region));
        let problems = report.coverage.problems.iter().map(|problem| (&problem.account, &problem.region));
        let eks = report.eks.iter().map(|cluster| (&cluster.account, &cluster.region));
        let mut places = clusters.chain(eks).chain(problems);
        let Some(first) = places.next() else { return Self::One };
        let mut result = Self::One;
        for (account, region) in places {
            if account != first.0 {
                return Self::Accounts;
            }
            if region != first.1 {
                result = Self::Regions;
            }
        }
        result
    }

    /// `, eu-west-1 (123456789012)` if there is but one place, so that it is told once.
    pub(super) fn only(self, report: &Report) -> String {
        let ecs = report.clusters.first().map(|cluster| (&cluster.account, &cluster.region));
        let eks = report.eks.first().map(|cluster| (&cluster.account, &cluster.region));
        match (self, ecs.or(eks)) {
            (Self::One, Some((account, region))) => format!(", {region} ({account})"),
            _ => String::new(),
        }
    }

    /// ` in eu-west-1`, ` in eu-west-1 (123456789012)` or nothing.
    pub(super) fn behind(self, account: &AccountId, region: &Region) -> String {
        match self {
            Self::One => String::new(),
            Self::Regions => format!(" in {region}"),
            Self::Accounts => format!(" in {region} ({account})"),
        }
    }
}

/// A percentage, or a dash where there is none.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| Unit::Percent.show(value))
}

impl Utilization {
    /// `45.2 %, highest 93.1 % (last 3 hours 60 %, highest 80 %)`, or why there is no figure.
    pub(super) fn sentence(&self) -> String {
        let Some(average) = self.average.or(self.maximum) else { return self.answer.words().to_owned() };
        let of = |average: Option<f64>, maximum: Option<f64>| {
            let highest = maximum.map(|value| format!(", highest {}", Unit::Percent.show(value)));
            format!("{}{}", percent(average), highest.unwrap_or_default())
        };
        let recent = if self.average_3h.or(self.maximum_3h).is_some() {
            of(self.average_3h, self.maximum_3h)
        } else {
            "no data".to_owned()
        };
        let cut = if self.answer == Answer::Partial { "; some of it could not be asked" } else { "" };
        format!("{} (last 3 hours {recent}{cut})", of(Some(average), self.maximum))
    }
}

impl Answer {
    /// Why there is no figure.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Known | Self::Partial | Self::NoData => "no data",
            Self::CouldNotAsk => "could not ask",
            Self::NotAsked => "not asked",
        }
    }
}

impl Tasks {
    /// `3 of 3`, or why it is not known.
    pub(super) fn of_desired(&self) -> String {
        match self.both() {
            Some((running, desired)) => format!("{running} of {desired}"),
            None => self.answer.words().to_owned(),
        }
    }
}

impl Traffic {
    /// `1.2 MB/s in, 340 kB/s out`, or why it is not known.
    pub(super) fn sentence(&self) -> String {
        match (self.received, self.sent) {
            (None, None) => self.answer.words().to_owned(),
            (received, sent) => format!("{} in, {} out", rate(received), rate(sent)),
        }
    }
}

/// Bytes a second in the unit that fits, powers of a thousand as networks are measured.
pub(super) fn rate(bytes: Option<f64>) -> String {
    let Some(bytes) = bytes else { return "-".to_owned() };
    let units = ["B/s", "kB/s", "MB/s", "GB/s"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_the_unit_that_fits() {
        for (bytes, words) in [
            (0.0, "0 B/s"),
            (999.0, "999 B/s"),
            (999.6, "1.0 kB/s"),
            (12_345.0, "12 kB/s"),
            (9_960_000.0, "10 MB/s"),
            (4.2e12, "4200 GB/s"),
        ] {
            assert_eq!(rate(Some(bytes)), words);
        }
        assert_eq!(rate(None), "-");
    }
}
