//! The wall clock, for moments when something actually happens. Runs have their own logical time.

use std::time::UNIX_EPOCH;

use aws_config::SdkConfig;
use aws_smithy_async::time::SharedTimeSource;
use jiff::Timestamp;

/// The clock that the SDK uses for signing, so that tests control it.
#[derive(Debug)]
pub struct Clock(SharedTimeSource);

impl Clock {
    /// Takes the clock from an SDK configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self(config.time_source().unwrap_or_default())
    }

    /// The current time, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let since = self.0.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}
