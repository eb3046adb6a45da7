//! From what ECS says to a cause.

use jiff::{SignedDuration, Timestamp};

use super::Class;
use super::causes::{Act, CONTAINER_OR_TASK, Cause, Row, SERVICE_EVENTS, found};

/// What ECS says about an end or a failure.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// A task that stopped or is about to.
    Task(&'a TaskStop),
    /// The message of a service event, with or without `(service NAME)` in front.
    Service(&'a str),
}

/// The facts about the end of a task (Amazon ECS API, `Task`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskStop {
    /// `stopCode`; older events have none.
    pub code: Option<String>,
    /// `stoppedReason`. Whoever calls `StopTask` may write anything into it.
    pub reason: Option<String>,
    /// Its containers.
    pub containers: Vec<ContainerEnd>,
    /// Whether it belongs to a service.
    pub of_service: bool,
    /// Id of the service's newest deployment, such as `ecs-svc/2233445566`, if known.
    pub primary: Option<String>,
    /// When ECS began to stop it.
    pub stopping_at: Option<Timestamp>,
    /// When its containers had ended.
    pub ended_at: Option<Timestamp>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Its name.
    pub name: String,
    /// `exitCode`; none if it never started.
    pub exit_code: Option<i32>,
    /// `reason`.
    pub reason: Option<String>,
}

/// How long a container may take to stop unless its definition says otherwise (Amazon ECS API,
/// `stopTimeout`).
const STOP_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// Reasons of failed placements that are a single word (Amazon ECS Developer Guide, "API failure
/// reasons").
const PLACEMENT_CODES: [&str; 2] = ["agent", "attribute"];

/// SIGKILL and SIGTERM, as a shell reports them. ECS stops the other containers of a task with them
/// once an essential one has ended.
const KILLED: i32 = 137;
const TERMINATED: i32 = 143;

/// The cause. The facts are read in this order, because the later ones also appear where an earlier
/// one is the cause: Spot, a person, maintenance, the scheduler, health checks, the texts of task
/// and containers, exit codes.
pub fn cause_of(said: Said<'_>) -> Cause {
    match said {
        Said::Task(stop) => stop.cause(),
        Said::Service(message) => of_service_event(message),
    }
}

fn of_service_event(message: &str) -> Cause {
    let text = normal(message);
    let row = found(SERVICE_EVENTS, without_groups(&text));
    match row {
        Some(Row { act: Act::ByItsReason, .. }) => {
            let inner = found(CONTAINER_OR_TASK, &text).map(Cause::of);
            let inner = inner.unwrap_or(Cause::unknown());
            Cause { act: Act::Yes, ..inner }
        }
        Some(row) => Cause::of(row),
        None => Cause::unknown(),
    }
}

/// The text without the groups in parentheses that it begins with: service, deployment, task, port.
fn without_groups(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(inner) = rest.strip_prefix('(')
        && let Some(end) = inner.find(')')
    {
        rest = inner[end + 1..].trim_start();
    }
    rest
}

/// Lower case, with plain apostrophes: ECS writes both kinds.
fn normal(text: &str) -> String {
    text.trim().replace('\u{2019}', "'").to_lowercase()
}

impl TaskStop {
    fn cause(&self) -> Cause {
        let code = self.code.as_deref().unwrap_or_default();
        let reason = self.reason.as_deref().map(normal).unwrap_or_default();
        match code {
            "SpotInterruption" | "TerminationNotice" => return Cause::plain(Class::Spot),
            // Whatever the person wrote.
            "UserInitiated" => return Cause::plain(Class::User),
            _ => {}
        }
        if reason.starts_with("scaling activity initiated by") {
            return Cause::plain(self.scaled(&reason));
        }
        if PLACEMENT_CODES.contains(&reason.as_str()) {
            return Cause::plain(Class::Capacity);
        }
        let told = found(CONTAINER_OR_TASK, &reason);
        if let Some(row) = told {
            return Cause::of(row);
        }
        let reasons = self.containers.iter().filter_map(|container| container.reason.as_deref());
        if let Some(row) = reasons.map(normal).find_map(|reason| found(CONTAINER_OR_TASK, &reason)) {
            return Cause::of(row);
        }
        match code {
            "InfrastructureHealth" => Cause::plain(Class::Host),
            "ServiceSchedulerInitiated" if reason.is_empty() => Cause::plain(Class::Deploy),
            // A reason that no row knows: the exit code is that of ECS's own signal.
            "ServiceSchedulerInitiated" => Cause::unknown(),
            _ => self.by_exit_codes(),
        }
    }

    /// DEPLOY if the deployment that the text names has been replaced by a newer one.
    fn scaled(&self, reason: &str) -> Class {
        let named = reason.split("ecs-svc/").nth(1).map(digits);
        let primary = self.primary.as_deref().and_then(|id| id.split("ecs-svc/").nth(1)).map(digits);
        match (named, primary) {
            _ if reason.contains("(taskset") => Class::Deploy,
            (Some(named), Some(primary)) if named == primary => Class::ScaleIn,
            (_, Some(_)) => Class::Deploy,
            // Both are normal, and only the newest deployment tells them apart.
            (_, None) => Class::ScaleIn,
        }
    }

    fn by_exit_codes(&self) -> Cause {
        // Without an exit code no program ran, so it did not end either.
        let Some(code) = self.culprit().and_then(|culprit| culprit.exit_code) else {
            return Cause::unknown();
        };
        Cause::plain(match code {
            0 => Class::ExitOk,
            // The shell could not execute a command, or did not find it.
            126 | 127 => Class::Exec,
            129..=192 => Class::Signal,
            _ => Class::ExitApp,
        })
    }

    /// The container whose end ended the task. ECS does not name it: the other containers were
    /// stopped by ECS, and so end with 137 or 143, which says nothing about memory.
    pub fn culprit(&self) -> Option<&ContainerEnd> {
        let told = |container: &&ContainerEnd| {
            container
                .reason
                .as_deref()
                .map(normal)
                .is_some_and(|reason| found(CONTAINER_OR_TASK, &reason).is_some())
        };
        let ended = || self.containers.iter().filter(|container| container.exit_code.is_some());
        let with = |codes: &'static [i32]| {
            move |container: &&ContainerEnd| container.exit_code.is_some_and(|code| codes.contains(&code))
        };
        let failed = |container: &&ContainerEnd| !with(&[0, KILLED, TERMINATED])(container);
        // A kill at the end of the time to stop is ECS's; an earlier one came first.
        let was_stopped = self
            .stopping_at
            .zip(self.ended_at)
            .is_some_and(|(stopping, ended)| ended.duration_since(stopping) >= STOP_TIMEOUT);
        let killed = || ended().find(with(&[KILLED]));
        let finished = || ended().find(with(&[0]));
        let by_kill = if was_stopped { finished().or_else(killed) } else { killed().or_else(finished) };
        self.containers
            .iter()
            .find(told)
            .or_else(|| ended().find(failed))
            .or(by_kill)
            .or_else(|| ended().next())
            .or_else(|| self.containers.iter().find(|container| container.reason.is_some()))
    }
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}
