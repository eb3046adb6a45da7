//! Reads the answers of the queries that the run has started.

use std::time::Duration;

use fargaze::evidence::coverage::counted;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::logs::AskedQueries;
use fargaze::logs::query::{
    Answer, Destinations, Fate, LogReadings, LogSettings, QueryRun, Started, StartedQueries, Unqueryable,
    dollars_scanned, merge, month_of,
};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{RunKind, Target};
use fargaze::rules::{AlarmRule, Measure, Scope};
use fargaze_aws::{Clock, Logs, Polled, config_for};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::known::{self, Known};
use crate::seen::Seen;
use crate::start::not_started;
use crate::{Handler, Share};

/// How long the answers may take, from when the queries were started. The collector runs meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// Part of the function's time that is reserved for what follows.
const REST: Duration = Duration::from_secs(8);
/// How long they are asked for at least: each is polled once.
const LEAST: Duration = Duration::from_secs(10);
/// Time between two rounds of polls.
const ROUND: Duration = Duration::from_secs(1);

/// Queries that are asked for, or stopped, at once.
const AT_ONCE: usize = 8;
/// How long stopping one may take.
const STOP: Duration = Duration::from_secs(2);

/// A query with its answer, or why it has none.
pub(crate) type Ended = (QueryRun, Result<Answer, Fault>, Fate);

impl Handler {
    /// Waits for the answers, stops the queries that are late, and reports both.
    pub(crate) async fn answers(
        &self,
        task: &TargetTask,
        target: &Target,
        settings: &LogSettings,
        share: Share,
        deadline: Instant,
    ) -> Result<AskedQueries, Failure> {
        let key = task.target.started_queries_key(&task.run);
        let Some(StartedQueries { at, queries, left_out, mut faults }) = self.store.get_json(&key).await?
        else {
            return Ok(AskedQueries { faults: counted([never_started()]), ..AskedQueries::default() });
        };
        let now = Clock::new(&self.home).now();
        let ran = at.map_or(Duration::ZERO, |at| now.duration_since(at).unsigned_abs());
        let until = (deadline - REST).min(Instant::now() + PATIENCE.saturating_sub(ran).max(LEAST));
        let rules = self.store.rules(&task.run).await?;
        let seen = Seen::read(&self.store, &task.target.snapshot_key(&task.run)).await?;
        let known = Known::read(&self.store, target).await;
        let newer = known.updated(&seen);
        newer.write(&self.store, target, &known).await?;
        let definitions = known::definitions(&self.store, target).await;
        let destinations = newer.destinations(target, &definitions, &seen.pods);
        let sdk = config_for(&self.home, target).await?;
        let logs = Self::logs(task, &sdk).querying_beside(share.others);
        let ended = poll(&logs, queries, until).await;
        let spent = self.spend(task, settings, &ended).await.map_err(|fault| faults.push(fault)).ok();
        if task.run.kind == RunKind::Alarms {
            faults.extend(left_out.iter().filter(|(name, _)| is_of_rule(&rules, name)).map(unqueried));
        }
        let mut asked = asked(settings, &destinations, ended, left_out, faults, spent.flatten());
        // Their alarms end: no log group matches any more.
        for rule in rules.iter().filter(|rule| rule.scope == Scope::LogGroup) {
            if of_nothing(rule, &asked) {
                asked.readings.rules.entry(rule.name.clone()).or_default();
            }
        }
        Ok(asked)
    }

    /// Counts what the queries have scanned, and takes back what was reserved for them. Returns the
    /// sum of the month.
    pub(crate) async fn spend(
        &self,
        task: &TargetTask,
        settings: &LogSettings,
        ended: &[Ended],
    ) -> Result<Option<f64>, Fault> {
        let ran = || ended.iter().filter(|(.., fate)| matches!(fate, Fate::Running(_)));
        if ran().next().is_none() {
            return Ok(None);
        }
        let reserved: f64 = match settings.dollars_a_month {
            Some(_) => ran().map(|(query, ..)| dollars_scanned(query.estimated_bytes)).sum(),
            None => 0.0,
        };
        // What a query scanned that was stopped is not known: its estimate stands.
        let scanned: f64 = ran()
            .map(|(query, answer, _)| match answer {
                Ok(answer) => dollars_scanned(answer.bytes_scanned),
                Err(_) => dollars_scanned(query.estimated_bytes),
            })
            .sum();
        let now = task.run.time;
        self.memory.spend(&month_of(now), scanned - reserved, now).await.map(Some)
    }
}

/// Whether a rule is about groups' or subjects' events that this query selects.
fn is_of_rule(rules: &[AlarmRule], query: &str) -> bool {
    rules.iter().any(|rule| matches!(&rule.measure, Measure::Log(log) if log.query == query))
}

/// Why a rule on logs is not evaluated, or not on everything.
fn unqueried((query, why): &(String, Unqueryable)) -> Fault {
    let message = match why {
        Unqueryable::Nothing => {
            "there is no log group to look into: none matches, or none is known yet for what the query names"
                .to_owned()
        }
        Unqueryable::Missing(group) => format!("the log group {group} does not exist"),
        Unqueryable::Class(group) => format!("Logs Insights does not query groups of the class of {group}"),
    };
    Fault {
        operation: Operation::LogsStartQuery,
        subject: query.clone(),
        // Everything else of the target is read.
        kind: FaultKind::Transient,
        code: "no log group".to_owned(),
        message,
    }
}

/// Whether the query of a rule had no log group to look into.
fn of_nothing(rule: &AlarmRule, asked: &AskedQueries) -> bool {
    let Measure::Log(log) = &rule.measure else { return false };
    asked.left_out.iter().any(|(name, why)| *name == log.query && *why == Unqueryable::Nothing)
}

/// What a target's queries found.
fn asked(
    settings: &LogSettings,
    destinations: &Destinations,
    mut ended: Vec<Ended>,
    left_out: Vec<(String, Unqueryable)>,
    faults: Vec<Fault>,
    spent: Option<f64>,
) -> AskedQueries {
    // In the order of the file, whichever ended first.
    let place = |query: &QueryRun| settings.queries.iter().position(|saved| saved.name == query.name);
    ended.sort_by(|(one, ..), (other, ..)| (place(one), &one.groups).cmp(&(place(other), &other.groups)));
    let mut readings = LogReadings::default();
    for (query, answer, _) in &ended {
        if let Some(saved) = settings.query(&query.name) {
            readings.add(query, answer, &saved.places, destinations);
        }
    }
    let failed = ended.iter().filter_map(|(_, answer, _)| answer.as_ref().err().cloned());
    let all: Vec<Fault> = faults.into_iter().chain(failed).collect();
    let mut results = merge(&ended, &settings.masks);
    for result in &mut results {
        result.unattributed = readings.unattributed.get(&result.name).copied().unwrap_or_default();
    }
    AskedQueries { results, left_out, readings, spent, faults: counted(all) }
}

/// Polls until every query has ended or time is up; then the rest is stopped.
pub(crate) async fn poll(logs: &Logs, queries: Vec<Started>, until: Instant) -> Vec<Ended> {
    let mut ended: Vec<Ended> = Vec::new();
    let mut waiting: Vec<(QueryRun, String)> = Vec::new();
    for Started { query, fate } in queries {
        match (&fate, not_started(&query, &fate)) {
            (Fate::Running(id), _) => waiting.push((query, id.clone())),
            (_, Some(fault)) => ended.push((query, Err(fault), fate)),
            (_, None) => {}
        }
    }
    while !waiting.is_empty() && Instant::now() < until {
        let round = Instant::now() + ROUND;
        let polls = waiting.into_iter().map(|(query, id)| async move {
            let answer = timeout_at(until, logs.answer(&query, &id)).await;
            (query, id, answer.unwrap_or(Ok(Polled::Running)))
        });
        let polled: Vec<_> = stream::iter(polls.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        waiting = Vec::new();
        for (query, id, answer) in polled {
            // A throttled poll is tried again.
            match answer {
                Ok(Polled::Done(answer)) => ended.push((query, Ok(answer), Fate::Running(id))),
                Ok(Polled::Running) => waiting.push((query, id)),
                Err(fault) if fault.kind == FaultKind::Throttled => waiting.push((query, id)),
                Err(fault) => ended.push((query, Err(fault), Fate::Running(id))),
            }
        }
        if !waiting.is_empty() {
            sleep_until(round.min(until)).await;
        }
    }
    let stops = waiting.into_iter().map(|(query, id)| async move {
        if let Ok(Err(fault)) = timeout(STOP, logs.stop_query(&query, &id)).await {
            tracing::warn!(%fault, "a late query could not be stopped; it ends by itself after an hour");
        }
        let fault = late(&query);
        (query, Err(fault), Fate::Running(id))
    });
    let stopped: Vec<Ended> = stream::iter(stops.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
    ended.extend(stopped);
    ended
}

fn late(query: &QueryRun) -> Fault {
    Fault {
        operation: Operation::LogsGetQueryResults,
        subject: query.name.clone(),
        kind: FaultKind::Transient,
        code: "late".to_owned(),
        message: format!(
            "the query had not ended after {} s and was stopped; a shorter window or fewer log groups are faster",
            PATIENCE.as_secs()
        ),
    }
}

fn never_started() -> Fault {
    Fault {
        operation: Operation::FargazeRun,
        subject: "logs".to_owned(),
        kind: FaultKind::Transient,
        code: "lost".to_owned(),
        message: "StartQueries ended without a result; its log shows why".to_owned(),
    }
}
