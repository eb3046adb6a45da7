//! Finds the logs of the alarms that began, between the verdict and the message: a link, and if the
//! user's file allows it, the lines that say why.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::alarms::{Notice, NoticeKind};
use fargaze::evidence::eks::{EksReads, PodLogs};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::logs::TaskLogging;
use fargaze::logs::excerpt::{
    AlarmLogs, LAST_LINES, LINES, LINK_LIMIT, LogSearch, LogsOfAlarms, Wanted, wanted,
};
use fargaze::logs::query::{
    Destinations, Excerpts, Fate, LogLine, LogSettings, Purpose, QueryRun, Started, estimated_scan, log_lines,
};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, Target};
use fargaze::model::subject::Subject;
use fargaze::outcome::Outcome;
use fargaze::rules::AlarmRule;
use fargaze_aws::{Ecs, Logs, StoppedTask, config_for, missing_object};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::known::{self, Definitions, Known};
use crate::seen::Seen;
use crate::{Handler, answers, cluster_api};

/// How long finding the lines may take: people wait for the message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Alarms whose lines are found at once.
const AT_ONCE: usize = 4;
/// Alarms that get lines; a message shows as many in full.
const MOST: usize = 20;

/// Everything needed to find the lines of an alarm.
struct Finder<'a> {
    handler: &'a Handler,
    task: &'a TargetTask,
    target: &'a Target,
    sdk: &'a SdkConfig,
    logs: &'a Logs,
    settings: &'a LogSettings,
    reads: &'a EksReads,
    destinations: &'a Destinations,
    definitions: &'a Definitions,
    until: Instant,
}

impl Handler {
    /// The logs of the alarms of a target that began. `target` has the role that reads logs; without
    /// one there are no logs.
    pub(crate) async fn logs_of_alarms(
        &self,
        task: &TargetTask,
        target: Option<&Target>,
    ) -> Result<LogsOfAlarms, Failure> {
        let until = Instant::now() + PATIENCE;
        let key = task.target.outcome_key(&task.run);
        let outcome: Outcome = self.store.get_json(&key).await?.ok_or_else(|| missing_object(&key))?;
        let began = outcome.notices().iter().filter(|notice| notice.kind() == NoticeKind::Began);
        let began: Vec<&Notice> = began.take(MOST).collect();
        let (Some(target), false) = (target, began.is_empty()) else { return Ok(LogsOfAlarms::new()) };
        let rules = self.store.rules(&task.run).await?;
        let settings = self.store.log_settings(&task.run).await?;
        let reads = self.store.eks_reads(&task.run).await?;
        let seen = Seen::read(&self.store, &task.target.snapshot_key(&task.run)).await?;
        let known = Known::read(&self.store, target).await.updated(&seen);
        let mut definitions = known::definitions(&self.store, target).await;
        let sdk = config_for(&self.home, target).await?;
        if target.platform == Platform::Ecs {
            let of_began = known
                .running
                .iter()
                .filter(|running| began.iter().any(|notice| notice.subject == running.subject));
            let wanted = of_began.map(|running| &running.revision).collect();
            let half = until - PATIENCE / 2;
            let described =
                known::describe(&self.store, &Ecs::new(&sdk), target, &wanted, &mut definitions, half)
                    .await?;
            for fault in described {
                tracing::warn!(%fault, "a task definition could not be described; its log group is not known");
            }
        }
        let destinations = known.destinations(target, &definitions, &seen.pods);
        let logs = Self::logs(task, &sdk);
        let finder = Finder {
            handler: self,
            task,
            target,
            sdk: &sdk,
            logs: &logs,
            settings: &settings,
            reads: &reads,
            destinations: &destinations,
            definitions: &definitions,
            until,
        };
        let found = began.iter().filter_map(|notice| {
            let rule = rules.iter().find(|rule| rule.name == notice.rule)?;
            Some(finder.of_alarm(notice, rule))
        });
        let found: Vec<_> = stream::iter(found.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        Ok(found.into_iter().collect())
    }
}

/// Lines, and whose they are.
type Lines = (Vec<LogLine>, String);

impl Finder<'_> {
    async fn of_alarm(&self, notice: &Notice, rule: &AlarmRule) -> (String, AlarmLogs) {
        let query = match &rule.measure {
            fargaze::rules::Measure::Log(log) => self.settings.query(&log.query),
            _ => None,
        };
        let (from, to) = notice
            .evaluation()
            .map_or((notice.at, notice.at), |evaluation| (evaluation.begin(), evaluation.until));
        let search = LogSearch::of_alarm(&notice.subject, query, self.destinations, (from, to), LINK_LIMIT);
        let search = search.map(LogSearch::widened);
        let mut logs = AlarmLogs { search, lines: Vec::new(), of: String::new(), fault: None };
        if self.settings.excerpts == Excerpts::Lines {
            let lines = timeout_at(self.until, self.lines(notice, rule, (from, to)));
            match lines.await.unwrap_or_else(|_| Err(late(&notice.subject))) {
                Ok((lines, of)) => (logs.lines, logs.of) = (lines, of),
                Err(fault) => logs.fault = Some(fault),
            }
        }
        (notice.id.clone(), logs)
    }

    async fn lines(
        &self,
        notice: &Notice,
        rule: &AlarmRule,
        window: (jiff::Timestamp, jiff::Timestamp),
    ) -> Result<Lines, Fault> {
        match wanted(rule) {
            Wanted::Link => Ok((Vec::new(), String::new())),
            Wanted::Matching => self.matching(notice, rule, window).await,
            Wanted::StoppedTask => self.stopped_task(&notice.subject).await,
            Wanted::Pod { previous } => self.pod(notice, previous).await,
        }
    }

    /// The newest lines that the rule's query selects, in the groups of the subject.
    async fn matching(
        &self,
        notice: &Notice,
        rule: &AlarmRule,
        (start, end): (jiff::Timestamp, jiff::Timestamp),
    ) -> Result<Lines, Fault> {
        let fargaze::rules::Measure::Log(log) = &rule.measure else { return Ok((Vec::new(), String::new())) };
        let saved = self.settings.query(&log.query);
        let of_subject = LogSearch::of_alarm(&notice.subject, saved, self.destinations, (start, end), LINES);
        let Some(LogSearch { groups, query: text, .. }) = of_subject else {
            return Ok((Vec::new(), String::new()));
        };
        let mut estimated_bytes = 0_u64;
        if self.settings.dollars_a_month.is_some() {
            for name in &groups {
                let group = self.logs.group(name).await?;
                let window = end.duration_since(start);
                let bytes = group.map(|group| estimated_scan(&group, window, self.task.run.time));
                estimated_bytes = estimated_bytes.saturating_add(bytes.unwrap_or_default());
            }
        }
        let query = QueryRun {
            name: log.query.clone(),
            purpose: Purpose::Lines,
            text,
            groups,
            start,
            end,
            limit: 100,
            estimated_bytes,
        };
        let fate = self.handler.start_one(self.task, self.logs, self.settings, &query, self.until).await;
        let started = vec![Started { query, fate }];
        // Ends in time to stop the query.
        let until = self.until - Duration::from_secs(1);
        let ended = answers::poll(self.logs, started, until).await;
        self.handler.spend(self.task, self.settings, &ended).await?;
        let mut lines = Vec::new();
        for (_, answer, fate) in ended {
            match (answer, fate) {
                (Ok(answer), _) => lines.extend(log_lines(&answer, &self.settings.masks)),
                (Err(fault), Fate::Running(_) | Fate::Refused(_) | Fate::Failed(_)) => return Err(fault),
            }
        }
        // Newest first, as asked; read from top to bottom they are in order.
        lines.reverse();
        Ok((lines, String::new()))
    }

    /// The last lines of the service's task that stopped last.
    async fn stopped_task(&self, subject: &Subject) -> Result<Lines, Fault> {
        let Subject::Service(cluster, service) = subject else { return Ok((Vec::new(), String::new())) };
        let ecs = Ecs::new(self.sdk);
        let Some(task) = ecs.newest_stopped_task(cluster, service).await? else {
            return Ok((Vec::new(), String::new()));
        };
        let missing = [task.definition.clone()];
        let described = if self.definitions.contains_key(&task.definition) {
            BTreeMap::new()
        } else {
            ecs.task_definitions(&missing, self.until).await
        };
        let logging = match described.into_values().next() {
            Some(described) => Some(described?),
            None => self.definitions.get(&task.definition).cloned(),
        };
        let found = logging.as_ref().and_then(|logging| stream_of(&task, logging));
        let Some((container, group, stream)) = found else {
            return Ok((Vec::new(), String::new()));
        };
        let answer = self.logs.last_events(&group, &stream, LAST_LINES).await?;
        let exit = container.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
        let of = format!("task {} ({}{exit})", task.id, container.name);
        Ok((log_lines(&answer, &self.settings.masks), of))
    }

    /// The last lines of the pod that the notice names.
    async fn pod(&self, notice: &Notice, previous: bool) -> Result<Lines, Fault> {
        let (Subject::Workload(cluster, workload), Some(pod)) = (&notice.subject, notice.pod()) else {
            return Ok((Vec::new(), String::new()));
        };
        if self.reads.pod_logs(self.target, cluster) != PodLogs::Read {
            return Ok((Vec::new(), String::new()));
        }
        let client = self.handler.cluster_api(self.sdk, self.target, cluster, self.until).await?;
        let text = cluster_api::last_lines(&client, &workload.namespace, pod, previous).await?;
        let masks = &self.settings.masks;
        let line = |text: &str| LogLine { at: None, group: String::new(), text: masks.mask(text) };
        let instance = if previous { ", before its restart" } else { "" };
        let container = pod.container.as_deref().map(|name| format!(" ({name}{instance})"));
        let of = format!("pod {}{}", pod.name, container.unwrap_or_default());
        Ok((text.lines().map(line).collect(), of))
    }
}

/// The log stream of the container that ended the task: one that failed, else an essential one.
fn stream_of<'t>(
    task: &'t StoppedTask,
    logging: &TaskLogging,
) -> Option<(&'t fargaze_aws::StoppedContainer, String, String)> {
    let of = |container: &'t fargaze_aws::StoppedContainer| {
        let logging = logging.containers.iter().find(|logging| logging.name == container.name)?;
        let (group, source) = (logging.group()?, logging.stream_source()?);
        let separator = if source.ends_with("-firelens") { '-' } else { '/' };
        let rank = (container.exit_code.is_none_or(|code| code == 0), !logging.essential);
        Some((rank, container, group.name.to_owned(), format!("{source}{separator}{}", task.id)))
    };
    let containers = task.containers.iter().filter_map(of);
    containers.min_by_key(|(rank, ..)| *rank).map(|(_, container, group, stream)| (container, group, stream))
}

fn late(subject: &Subject) -> Fault {
    Fault {
        operation: Operation::FargazeRun,
        subject: subject.to_string(),
        kind: FaultKind::Transient,
        code: "late lines".to_owned(),
        message: format!("its log lines were not found within {} s", PATIENCE.as_secs()),
    }
}
