//! Settings of `plan-run`; docs/configuration.md lists them all.

use fargaze::invocation::settings::{FromSettings, Settings};
use fargaze::model::cluster::{AccountId, Region};
use fargaze::model::run::interval;
use jiff::SignedDuration;

/// Settings of `plan-run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FARGAZE_BUCKET`: the stack's bucket.
    pub bucket: String,
    /// `FARGAZE_ACCOUNT`: the account that needs no role.
    pub account: AccountId,
    /// `AWS_REGION`, which Lambda sets: the Region that is watched if the user's file names none.
    pub region: Region,
    /// `FARGAZE_DELAY_SECONDS`: how long before its time a run's window ends.
    pub delay: SignedDuration,
    /// `FARGAZE_LOOKBACK_MINUTES`: how late data points may arrive and still be evaluated. At least
    /// twice the interval of `FARGAZE_ALARMS_SCHEDULE`, so that one run may fail.
    pub lookback: SignedDuration,
    /// `FARGAZE_REPORT_DAYS`: how many days a report covers.
    pub report_days: u32,
}

impl FromSettings for Config {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let bucket = settings.require("FARGAZE_BUCKET");
        let account = settings.require("FARGAZE_ACCOUNT");
        let region = settings.require("AWS_REGION");
        let delay = settings.require::<u32>("FARGAZE_DELAY_SECONDS");
        let lookback = settings.require::<u32>("FARGAZE_LOOKBACK_MINUTES");
        let schedule = settings.require::<String>("FARGAZE_ALARMS_SCHEDULE");
        let report_days = settings.require::<u32>("FARGAZE_REPORT_DAYS");
        bucket.zip(account).zip(region).zip(delay.zip(lookback)).zip(schedule.zip(report_days)).map(
            |((((bucket, account), region), (delay, lookback)), (schedule, report_days))| Self {
                bucket,
                account,
                region,
                delay: SignedDuration::from_secs(i64::from(delay)),
                lookback: SignedDuration::from_mins(i64::from(lookback))
                    .max(interval(&schedule).map_or(SignedDuration::ZERO, |interval| interval * 2)),
                report_days,
            },
        )
    }
}
