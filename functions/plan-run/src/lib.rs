//! `plan-run`: run request -> run and targets, stored in the bucket -> the targets' numbers.
//!
//! Time enters here, from the schedule; everything after reads it from the run.

mod config;
mod event;

use aws_config::SdkConfig;
use fargaze::config::longest_range;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Plan, Planned};
use fargaze::logs::query::SavedQuery;
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use fargaze_aws::{Store, UserFile};
use serde_json::Value;

pub use config::Config;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    store: Store,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let store = Store::new(sdk, &config.bucket);
        Self { config, store }
    }

    /// Plans the run that `event` requests.
    pub async fn handle(&self, event: Value) -> Result<Planned, Failure> {
        let request = event::read(event)?;
        let UserFile { config: user, version, bad } =
            self.store.user_file(&self.config.account, &self.config.region).await?;
        match (&bad, &version) {
            (Some(bad), _) => tracing::error!(version = bad.version, "{}", bad.problems.join("; ")),
            (None, Some(version)) => self.store.remember_good(version).await?,
            (None, None) => {}
        }
        let lookback = user.lookback(self.config.lookback);
        let run = Run::new(request.kind, request.time, self.config.delay, lookback, version);
        let run = run.with_since(request.since).with_report_days(self.config.report_days);
        let run = run.with_range(longest_range(&user.rules, Platform::Ecs));
        let run = Run { bad_config: bad, ..run };
        let targets = match request.kind {
            RunKind::Alarms | RunKind::Report => user.targets,
            RunKind::Sweep | RunKind::Rollback => whole(user.targets),
        };
        tracing::info!(run = run.id, targets = targets.len(), rules = user.rules.len(), "planned");
        let queries: Vec<&SavedQuery> = user.logs.queries_of(request.kind).collect();
        let plan = Plan { run, targets, queries: Vec::new() }.with_queries(&queries);
        let key = self.store.put_plan(&plan, &request.execution).await?;
        Ok(plan.answer(key))
    }
}

/// Merges the parts of targets, with the roles for changes: AWS limits changes of settings per
/// account and Region.
fn whole(targets: Vec<Target>) -> Vec<Target> {
    let firsts = targets.into_iter().filter(|target| target.part.index == 0);
    firsts.map(|target| Target { part: Part::WHOLE, ..target }.for_changes()).collect()
}
