//! The deaths of tasks behind an alarm: class, reason, exit code, how many since when, and the command
//! to go on with.

use serde_json::{Value, json};

use super::super::words::{clock, count, list};
use crate::alarms::Notice;
use crate::deaths::DeathSummary;
use crate::model::run::Target;
use crate::model::subject::Subject;
use crate::text::message::harmless;
use crate::text::shell::{is_odd, quoted};

/// Characters of a reason that a message shows.
const LONGEST: usize = 300;
/// Characters of a digest: `sha256:` and twelve digits, as container tools show it. The JSON has all.
const SHOWN_DIGEST: usize = 19;
/// Hidden alarms that are named.
const MOST_HIDDEN: usize = 5;

/// What died and why; and which alarms are part of this one.
pub(super) fn sentences(notice: &Notice) -> Vec<String> {
    let mut sentences = Vec::new();
    for (place, one) in notice.deaths().iter().enumerate() {
        sentences.push(what(one));
        sentences.extend(newest(one));
        sentences.extend(reason(one));
        // The advice on the most frequent class comes first; the rule's own message follows.
        if place == 0 || one.advice != notice.deaths()[0].advice {
            sentences.push(one.advice.clone());
        }
    }
    if !notice.hidden().is_empty() {
        let hidden: Vec<String> = notice.hidden().iter().map(|rule| harmless(rule)).collect();
        let names = list(hidden.iter().map(String::as_str), MOST_HIDDEN);
        sentences.push(format!("Part of this, and not notified on their own: {names}."));
    }
    sentences
}

/// `5 tasks died since 10:01 UTC: out of memory (OOM).`
fn what(one: &DeathSummary) -> String {
    let DeathSummary { class, deaths, count: n, since, .. } = one;
    let n = usize::try_from(*n).unwrap_or(usize::MAX);
    let what = if *deaths { format!("{} died", count(n, "task")) } else { count(n, "event") };
    let since = if n == 1 { format!("at {}", clock(*since)) } else { format!("since {}", clock(*since)) };
    format!("{what} {since}: {} ({class}).", class.label())
}

/// The newest task, the deployment and the image.
fn newest(one: &DeathSummary) -> Option<String> {
    let task = one.task.as_deref()?;
    let mut parts = vec![format!("task {}", harmless(task))];
    if let Some(container) = &one.container {
        parts.push(format!("container {}", harmless(container)));
    }
    if let Some(code) = one.exit_code {
        parts.push(format!("exit code {code}"));
    }
    parts.extend(one.definition.as_deref().map(harmless));
    parts.extend(one.deployment.as_deref().map(|id| format!("deployment {}", harmless(id))));
    let image = one.image.as_deref().map(harmless);
    let digest = one.digest.as_deref().map(harmless);
    let digest = digest.map(|digest| digest.chars().take(SHOWN_DIGEST).collect::<String>());
    let image = match (digest, image) {
        (Some(digest), Some(image)) => Some(format!("image {image} ({digest})")),
        (Some(digest), None) => Some(format!("image {digest}")),
        (None, image) => image.map(|image| format!("image {image}")),
    };
    parts.extend(image);
    Some(format!("The newest: {}.", parts.join(", ")))
}

fn reason(one: &DeathSummary) -> Option<String> {
    let reason = harmless(one.reason.as_deref()?);
    let reason = reason.trim().trim_end_matches('.');
    Some(match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("Reason: {}...", &reason[..end]),
        None => format!("Reason: {reason}."),
    })
}

/// The command that shows the newest task that died. ECS keeps it for about an hour.
pub(super) fn inspect(target: &Target, notice: &Notice) -> Option<String> {
    let Subject::Service(cluster, _) = &notice.subject else { return None };
    let task = notice.deaths().iter().find_map(|one| one.task.as_deref()).filter(|task| !is_odd(task))?;
    Some(format!(
        "aws ecs describe-tasks --region {} --cluster {cluster} --tasks {}",
        target.region,
        quoted(task)
    ))
}

/// The deaths as JSON.
pub(super) fn json(one: &DeathSummary) -> Value {
    json!({
        "class": one.class, "label": one.class.label(), "count": one.count, "since": one.since,
        "newest": one.newest, "reason": one.reason.as_deref().map(harmless), "advice": one.advice,
        "task": one.task.as_deref().map(harmless), "definition": one.definition.as_deref().map(harmless),
        "deployment": one.deployment.as_deref().map(harmless),
        "container": one.container.as_deref().map(harmless), "exit_code": one.exit_code,
        "image": one.image.as_deref().map(harmless), "digest": one.digest.as_deref().map(harmless),
    })
}
