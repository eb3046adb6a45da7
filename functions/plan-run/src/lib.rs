//! `plan-run`: run request -> run and targets.
//!
//! Time enters here, from the schedule; everything after reads it from the run.

mod config;
mod event;

use aws_config::SdkConfig;
use fargaze::aws::Store;
use fargaze::config::{CONFIG_KEY, Config as UserConfig};
use fargaze::failure::Failure;
use fargaze::run::{Part, Run, RunKind, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use config::Config;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    store: Store,
}

/// The run and where it looks: input of the state machine's `Map`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The run.
    pub run: Run,
    /// Its targets.
    pub targets: Vec<Target>,
}

impl Handler {
    /// The function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let store = Store::new(sdk, &config.bucket);
        Self { config, store }
    }

    /// Plans the run that `event` asks for.
    pub async fn handle(&self, event: Value) -> Result<Plan, Failure> {
        let asked = event::read(event)?;
        let (user, version) = self.user_config().await?;
        let lookback = user.lookback(self.config.lookback);
        let run =
            Run::new(asked.kind, asked.time, self.config.delay, lookback, version).with_since(asked.since);
        let targets = match asked.kind {
            RunKind::Alarms | RunKind::Report => user.targets,
            RunKind::Sweep | RunKind::Restore => whole(user.targets),
        };
        tracing::info!(run = run.id, targets = targets.len(), rules = user.rules.len(), "planned");
        Ok(Plan { run, targets })
    }

    /// The user's file with its version, or the built-in rules.
    async fn user_config(&self) -> Result<(UserConfig, Option<String>), Failure> {
        let Config { account, region, bucket, .. } = &self.config;
        let Some(object) = self.store.get(CONFIG_KEY, None).await? else {
            return Ok((UserConfig::built_in(account, region)?, None));
        };
        let user = UserConfig::read(&object.text(CONFIG_KEY)?, account, region)?;
        let version = object.version.ok_or_else(|| {
            Failure::Misconfigured(format!("bucket {bucket} keeps no versions; switch versioning on, so that a run reads one {CONFIG_KEY} from end to end"))
        })?;
        Ok((user, Some(version)))
    }
}

/// The targets without their parts: ECS counts changes of settings for an account and Region as a whole.
fn whole(targets: Vec<Target>) -> Vec<Target> {
    let firsts = targets.into_iter().filter(|target| target.part.index == 0);
    firsts.map(|target| Target { part: Part::WHOLE, ..target }).collect()
}
