//! The time of day, where it matters when something really happens. Runs have a time of their own.

use std::time::UNIX_EPOCH;

use aws_config::SdkConfig;
use aws_smithy_async::time::SharedTimeSource;
use jiff::Timestamp;

/// The clock that the SDK signs by, so that a test's time is ours, too.
#[derive(Debug)]
pub struct Clock(SharedTimeSource);

impl Clock {
    /// The clock of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self(config.time_source().unwrap_or_default())
    }

    /// The time of day, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let since = self.0.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}
