//! Starts the saved queries of a target, before anything else of the run.

use std::collections::BTreeSet;
use std::time::Duration;

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::logs::query::{
    Budget, Fate, KnownLogs, LogSettings, QueryRun, Started, StartedQueries, dollars_scanned, month_of,
    plan_queries,
};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, Target};
use fargaze::rules::QueryPlaces;
use fargaze::rules::pattern::NamePattern;
use fargaze_aws::{Clock, Ecs, Logs, config_for};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::known::{self, Known};
use crate::{Handler, Share};

/// How long starting may take: the collector waits for it.
const PATIENCE: Duration = Duration::from_secs(25);
/// Queries that are started at once.
const AT_ONCE: usize = 8;
/// Time between two attempts while the account runs as many queries as it may.
const AGAIN: Duration = Duration::from_secs(2);

impl Handler {
    /// Starts the queries of a run. A query that does not start never keeps the others from it.
    pub(crate) async fn start(
        &self,
        task: &TargetTask,
        target: &Target,
        settings: &LogSettings,
        Share { has_groups, others }: Share,
        deadline: Instant,
    ) -> Result<StartedQueries, Failure> {
        let until = deadline.min(Instant::now() + PATIENCE);
        let rules = self.store.rules(&task.run).await?;
        let is_here = |places: &QueryPlaces| match places {
            QueryPlaces::Services(_) => target.platform == Platform::Ecs,
            QueryPlaces::Workloads(_) => target.platform == Platform::Eks,
            QueryPlaces::Groups(_) => has_groups,
        };
        let mut here = settings.queries_of(task.run.kind).filter(|query| is_here(&query.places)).peekable();
        let now = Clock::new(&self.home).now();
        let mut started = StartedQueries { at: Some(now), ..StartedQueries::default() };
        if here.peek().is_none() {
            return Ok(started);
        }
        let places: Vec<&QueryPlaces> = here.map(|query| &query.places).collect();
        let sdk = config_for(&self.home, target).await?;
        let logs = Self::logs(task, &sdk).querying_beside(others);
        let known = Known::read(&self.store, target).await;
        let mut definitions = known::definitions(&self.store, target).await;
        let covered = known
            .running
            .iter()
            .filter(|running| places.iter().any(|places| places.covers(&running.subject)));
        let wanted: BTreeSet<&String> = covered.map(|running| &running.revision).collect();
        if target.platform == Platform::Ecs {
            let ecs = Ecs::new(&sdk);
            let half = until - PATIENCE / 2;
            let faults = known::describe(&self.store, &ecs, target, &wanted, &mut definitions, half).await?;
            started.faults.extend(faults);
        }
        let destinations = known.destinations(target, &definitions, &[]);
        let patterns = patterns(&places, &destinations);
        let groups = match logs.groups_matching(&patterns, until).await {
            Ok(groups) => groups,
            Err(fault) => {
                started.faults.push(fault);
                return Ok(started);
            }
        };
        let evaluated = known::evaluated(&self.store, target).await;
        let known = KnownLogs { destinations: &destinations, groups: &groups, evaluated: &evaluated };
        let planned = plan_queries(settings, &rules, &task.run, target.platform, has_groups, known);
        started.left_out = planned.left_out;
        let logs = &logs;
        let starts = planned.queries.into_iter().map(|query| async move {
            let fate = self.start_one(task, logs, settings, &query, until).await;
            Started { query, fate }
        });
        started.queries = stream::iter(starts.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        Ok(started)
    }

    /// Reserves what a query is expected to cost, and starts it.
    pub(crate) async fn start_one(
        &self,
        task: &TargetTask,
        logs: &Logs,
        settings: &LogSettings,
        query: &QueryRun,
        until: Instant,
    ) -> Fate {
        let now = task.run.time;
        if Instant::now() >= until {
            return Fate::Failed(too_late(query));
        }
        let dollars = dollars_scanned(query.estimated_bytes);
        if let Some(limit) = settings.dollars_a_month {
            match self.memory.spend(&month_of(now), dollars, now).await {
                Ok(sum) => {
                    let budget = Budget { dollars: limit, spent: (sum - dollars).max(0.0) };
                    if budget.refuses(dollars) {
                        return match self.memory.spend(&month_of(now), -dollars, now).await {
                            Ok(_) => Fate::Refused(budget),
                            Err(fault) => Fate::Failed(fault),
                        };
                    }
                }
                // What may be spent is not known.
                Err(fault) => return Fate::Failed(fault),
            }
        }
        loop {
            match logs.start_query(query).await {
                Ok(id) => return Fate::Running(id),
                Err(fault) if fault.kind == FaultKind::Throttled && Instant::now() + AGAIN < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(fault) => {
                    self.give_back(settings, task, dollars).await;
                    return Fate::Failed(fault);
                }
            }
        }
    }

    /// Gives back what was reserved for a query that did not run. If that fails, the budget is a
    /// little smaller than it should be.
    async fn give_back(&self, settings: &LogSettings, task: &TargetTask, dollars: f64) {
        if settings.dollars_a_month.is_none() || dollars == 0.0 {
            return;
        }
        let now = task.run.time;
        if let Err(fault) = self.memory.spend(&month_of(now), -dollars, now).await {
            tracing::warn!(%fault, "the reserved cost of a query could not be given back");
        }
    }
}

/// A query for whose start there was no time left.
fn too_late(query: &QueryRun) -> Fault {
    Fault {
        operation: Operation::LogsStartQuery,
        subject: query.name.clone(),
        kind: FaultKind::Transient,
        code: "late".to_owned(),
        message: format!(
            "it could not be started within {} s; fewer queries or log groups are faster",
            PATIENCE.as_secs()
        ),
    }
}

/// The names of the log groups that queries may use.
fn patterns(places: &[&QueryPlaces], destinations: &fargaze::logs::query::Destinations) -> Vec<NamePattern> {
    let mut patterns = Vec::new();
    for places in places {
        match places {
            QueryPlaces::Groups(groups) => patterns.extend(groups.iter().cloned()),
            places => patterns.extend(destinations.groups_covered(places).map(NamePattern::new)),
        }
    }
    patterns
}

/// Why a query has no answer, if it never started.
pub(crate) fn not_started(query: &QueryRun, fate: &Fate) -> Option<Fault> {
    match fate {
        Fate::Running(_) => None,
        Fate::Failed(fault) => Some(fault.clone()),
        Fate::Refused(budget) => Some(Fault {
            operation: Operation::LogsStartQuery,
            subject: query.name.clone(),
            kind: FaultKind::Denied,
            code: "budget".to_owned(),
            message: format!(
                "the budget of ${:.2} a month does not allow it: ${:.2} are spent, and it may cost ${:.2}",
                budget.dollars,
                budget.spent,
                dollars_scanned(query.estimated_bytes)
            ),
        }),
    }
}
