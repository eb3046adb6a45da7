//! The paragraphs of a sweep's message, the most urgent first.

use super::{Findings, Kind, Placed, cost_of, expiring, names, subjects};
use crate::model::fault::Fault;
use crate::model::insights::WHY_SILENT;
use crate::model::run::{Platform, RunKind, Target};
use crate::model::subject::Subject;
use crate::notify::coverage::in_words;
use crate::notify::words::{about_dollars, count, hang, list, thousands, wrap};
use crate::reconcile::{Cost, CostEstimate, CostNote, Finding, FindingResult, TARIFF, Transition};
use crate::text::message::harmless;

/// Why a change waits: fargaze.yaml limits how much one run may change.
const LIMIT_REACHED: &str = "One run changes no more than max-changes and max-percent allow.";

/// The consequence if no event arrives for a new cluster.
const NO_TRAIL: &str = "The sweep found these new clusters itself. EventBridge receives calls to ECS and EKS only through a CloudTrail trail \
     that logs management events; without one, new clusters wait for the next sweep.";

/// Most clusters that one paragraph names.
const NAMED: usize = 20;

/// Most clusters of a paragraph whose commands are printed.
const COMMANDED: usize = 3;

/// The properties that the findings of one paragraph share.
type Alike<'a> =
    (Option<String>, &'static str, Option<&'a Transition>, Option<&'a str>, &'a str, Option<CostNote>);

impl<'a> Findings<'a> {
    /// All paragraphs, each made of whole lines.
    pub(super) fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = Vec::new();
        if self.dry_run {
            paragraphs.push("DRY RUN: nothing was changed, because fargaze.yaml says dry-run.\n".to_owned());
        }
        paragraphs.extend(self.with_faults("FAILED", |result| match result {
            FindingResult::Failed(fault) => Some(fault),
            _ => None,
        }));
        paragraphs.extend(self.conflicts());
        let would = if self.kind == RunKind::Rollback { "WOULD ROLL BACK" } else { "WOULD SET" };
        let waits = if self.dry_run { "WOULD WAIT FOR THE NEXT RUN:" } else { "WAITS FOR THE NEXT RUN:" };
        for (head, result) in [
            ("UPDATE OVERDUE", FindingResult::Overdue),
            ("SET", FindingResult::Set),
            ("ROLLED BACK", FindingResult::RolledBack),
            ("SKIPPED", FindingResult::Skipped),
            ("WILL BE SET FROM THE NEXT SWEEP ON:", FindingResult::Announced),
            (waits, FindingResult::Waiting),
            (would, FindingResult::WouldSet),
            ("IN PROGRESS", FindingResult::InProgress),
            ("NOT YET CREATED", FindingResult::NotYet),
            ("BLOCKED (missing prerequisite):", FindingResult::Blocked),
            ("OUT OF POLICY (report only):", FindingResult::Reported),
        ] {
            paragraphs.extend(self.alike(head, &result));
        }
        paragraphs.extend(self.with_faults("COULD NOT BE READ:", |result| match result {
            FindingResult::Unknown(fault) => Some(fault),
            _ => None,
        }));
        paragraphs.extend(self.silent());
        paragraphs.extend(self.unannounced());
        paragraphs.extend(self.account_defaults());
        paragraphs.extend(Some(self.sums()).filter(|sums| !sums.is_empty()));
        paragraphs.extend(self.costs());
        paragraphs
    }

    /// Findings with one result; those that are alike share a paragraph, with the most expensive
    /// clusters first.
    fn alike(&self, head: &str, result: &FindingResult) -> Vec<String> {
        let found = self.with(|other| other == result);
        let groups = grouped(found.into_iter(), alike);
        let paragraphs = groups.into_iter().map(|((place, title, change, now, reason, note), mut group)| {
            group.sort_by(|a, b| {
                dollars(b).total_cmp(&dollars(a)).then_with(|| a.finding.subject.cmp(&b.finding.subject))
            });
            let place = place.unwrap_or_else(|| places(&group));
            let what = match (change, now) {
                (Some(change), _) => format!(": {},", harmless(&change.to_string())),
                (None, Some(now)) => format!(" ({})", harmless(now)),
                (None, None) => String::new(),
            };
            let title = if title.is_empty() { String::new() } else { format!(" {title}") };
            let mut text = listed(&format!("{head}{title}{what} in {place}"), &group);
            text.push_str(&wrap(&format!("Why: {}.", harmless(reason)), 2));
            if *result == FindingResult::Waiting {
                text.push_str(&wrap(LIMIT_REACHED, 2));
            }
            text.extend(note.map(|cost| wrap(&format!("Cost: {cost}."), 2)));
            text + &remedies(&group)
        });
        paragraphs.collect()
    }

    fn with_faults(&self, head: &str, fault: impl Fn(&'a FindingResult) -> Option<&'a Fault>) -> Vec<String> {
        let found = self.found.iter().filter_map(|found| Some((*found, fault(&found.finding.result)?)));
        let groups = grouped(found, |(found, fault)| {
            (place(found.target), title(found.finding), &fault.operation, &fault.code)
        });
        let paragraphs = groups.into_iter().map(|((place, title, ..), group)| {
            let found: Vec<Placed<'_>> = group.iter().map(|(found, _)| *found).collect();
            let why = group.first().map(|(_, fault)| why_failed(fault)).unwrap_or_default();
            let title = if title.is_empty() { String::new() } else { format!(" {title}") };
            let names = names(&found, NAMED);
            let names = if names.is_empty() { names } else { format!(": {names}") };
            hang(&format!("{head}{title} in {place}{names}.")) + &wrap(&why, 2) + &remedies(&found)
        });
        paragraphs.collect()
    }

    /// Conflicts, with the callers that reverted; those that are alike share a paragraph.
    fn conflicts(&self) -> Vec<String> {
        let conflicts = self.found.iter().filter_map(|found| match &found.finding.result {
            FindingResult::Conflict(by) => Some((*found, by)),
            _ => None,
        });
        let groups = grouped(conflicts, |(found, by)| {
            let Finding { now, reason, .. } = found.finding;
            (place(found.target), title(found.finding), now.as_deref(), reason.as_str(), *by)
        });
        let paragraphs = groups.into_iter().map(|((place, title, now, reason, by), group)| {
            let found: Vec<Placed<'_>> = group.iter().map(|(found, _)| *found).collect();
            let now = now.map(|now| format!(" ({})", harmless(now))).unwrap_or_default();
            let of = names(&found, NAMED);
            let of = if of.is_empty() { of } else { format!(" of {of}") };
            hang(&format!("CONFLICT over {title}{of}{now} in {place}."))
                + &wrap(&format!("Why: {}.", harmless(reason)), 2)
                + &wrap(&format!("Reverted by {}.", people(by)), 2)
        });
        paragraphs.collect()
    }

    fn silent(&self) -> Option<String> {
        let silent = self.that(|finding| finding.silent);
        (!silent.is_empty()).then(|| by_place("ON, BUT NO METRICS ARRIVE:", &silent) + &wrap(WHY_SILENT, 2))
    }

    fn unannounced(&self) -> Option<String> {
        let unannounced = self.that(|finding| finding.unannounced);
        let head = "EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event arrived for";
        (!unannounced.is_empty()).then(|| by_place(head, &unannounced) + &wrap(NO_TRAIL, 2))
    }

    /// The account defaults that no other paragraph covers.
    fn account_defaults(&self) -> Vec<String> {
        let plain = self.that(|finding| finding.subject == Subject::Account && finding.result.is_plain());
        let groups =
            grouped(plain.into_iter(), |found| (found.finding.now.as_deref(), found.finding.reason.as_str()));
        let lines = groups.into_iter().map(|((now, reason), group)| {
            let now = now.unwrap_or("not known");
            hang(&format!(
                "The account default of Container Insights is {now} in {}: {}.",
                places(&group),
                harmless(reason)
            ))
        });
        lines.collect()
    }

    /// How many clusters comply, and how many are left alone, with reasons.
    fn sums(&self) -> String {
        let mut text = String::new();
        for kind in self.kinds() {
            let of =
                |found: &&Placed<'_>| Kind::of(found) == kind && found.finding.subject != Subject::Account;
            let here: Vec<Placed<'_>> = self.found.iter().filter(of).copied().collect();
            if here.is_empty() {
                continue;
            }
            if self.kind == RunKind::Rollback {
                let rest: Vec<_> = here.into_iter().filter(|found| found.finding.result.is_plain()).collect();
                if subjects(&rest) > 0 {
                    let rest = count(subjects(&rest), &kind.noun());
                    text.push_str(&format!("Nothing to roll back: {rest}.\n"));
                }
                continue;
            }
            text.push_str(&wrap(&format!("{}.", self.compliance(kind)), 0));
            // Some aspects of an EKS cluster are always left alone, because no policy covers them.
            let left = here.into_iter().filter(|found| {
                found.finding.result.is_plain()
                    && found.finding.result != FindingResult::Compliant
                    && (found.finding.aspect.is_none() || kind != Kind::Clusters(Platform::Eks))
            });
            for (reason, group) in grouped(left, |found| found.finding.reason.as_str()) {
                text.push_str(&wrap(&format!("{} left alone: {}.", subjects(&group), harmless(reason)), 2));
            }
        }
        text
    }

    fn costs(&self) -> Option<String> {
        let sums = [
            (FindingResult::Set, "Cost of the changes:"),
            (FindingResult::WouldSet, "Cost of the planned changes:"),
            (FindingResult::Waiting, "Cost of the waiting changes:"),
            (FindingResult::Reported, "Cost if the reported clusters were changed:"),
        ];
        let lines: String = sums
            .iter()
            .filter_map(|(result, what)| {
                let cost = cost_of(&self.with(|other| other == result))?;
                Some(wrap(&format!("{what} {}.", cost_words(cost, "custom ")), 0))
            })
            .collect();
        let tariff = format!(
            "At the prices of {} ({}: ${:.2} per metric and month, ${:.2} at level enhanced).",
            TARIFF.date, TARIFF.region, TARIFF.enabled, TARIFF.enhanced
        );
        (!lines.is_empty()).then(|| lines + &wrap(&tariff, 0))
    }
}

/// The properties that findings of one paragraph share. Account defaults share one whatever their
/// place.
fn alike<'a>(found: &Placed<'a>) -> Alike<'a> {
    let Finding { subject, change, now, reason, cost, .. } = found.finding;
    let place = (*subject != Subject::Account).then(|| place(found.target));
    let note = cost.and_then(|cost| match cost {
        Cost::Note(note) => Some(note),
        Cost::Metrics(_) => None,
    });
    (place, title(found.finding), change.as_ref(), now.as_deref(), reason.as_str(), note)
}

fn title(finding: &Finding) -> &'static str {
    finding.aspect.map_or("", crate::reconcile::Aspect::title)
}

fn dollars(found: &Placed<'_>) -> f64 {
    found.finding.cost.and_then(Cost::estimate).map_or(0.0, |cost| cost.dollars_a_month)
}

/// The heading with the clusters: each on a line with its cost if there is an estimate.
fn listed(head: &str, group: &[Placed<'_>]) -> String {
    if subjects(group) == 0 {
        return hang(&format!("{head}."));
    }
    if let Some(lines) = expiring::lines(group, NAMED) {
        return hang(&format!("{head}:")) + &wrap("Events that this deletes:", 2) + &lines;
    }
    if cost_of(group).is_none() {
        return hang(&format!("{head}: {}.", names(group, NAMED)));
    }
    let mut text = hang(&format!("{head}:"));
    let (named, more) = group.split_at(group.len().min(NAMED));
    for found in named {
        let cost = found.finding.cost.and_then(Cost::estimate);
        let cost = cost.map(|cost| format!(": {}", cost_words(cost, ""))).unwrap_or_default();
        text.push_str(&wrap(&format!("{}{cost}", found.finding.subject), 2));
    }
    if let Some(cost) = cost_of(more) {
        text.push_str(&wrap(&format!("and {} more: {}", more.len(), cost_words(cost, "")), 2));
    }
    text
}

/// Who reverted a change, by ARN or name; five at most.
fn people(by: &[String]) -> String {
    let by: Vec<String> = by.iter().map(|by| harmless(by)).collect();
    list(by.iter().map(String::as_str), 5)
}

/// A fault and what to do about it, without its subject, which the heading names.
fn why_failed(fault: &Fault) -> String {
    let unnamed = Fault { subject: String::new(), ..fault.clone() };
    format!("{} ({}).", in_words(&unnamed), fault.advice())
}

/// Clusters after a heading, place by place.
fn by_place(head: &str, found: &[Placed<'_>]) -> String {
    let groups = grouped(found.iter().copied(), |found| place(found.target));
    let places: Vec<String> =
        groups.iter().map(|(place, group)| format!("{} in {place}", names(group, NAMED))).collect();
    wrap(&format!("{head} {}.", places.join("; ")), 0)
}

/// The target without its part: the clusters of all parts belong together.
fn place(target: &Target) -> String {
    format!("{} ({})", target.region, target.account)
}

/// All places of the findings, each once.
fn places(found: &[Placed<'_>]) -> String {
    let mut places: Vec<String> = found.iter().map(|found| place(found.target)).collect();
    places.dedup();
    list(places.iter().map(String::as_str), 5)
}

/// What to do, with the commands for the first clusters, never wrapped, so that they can be copied.
/// Words in capitals are placeholders that the reader replaces.
fn remedies(found: &[Placed<'_>]) -> String {
    let commands: Vec<String> = found.iter().filter_map(Placed::commands).collect();
    let shown = commands.iter().take(COMMANDED).flat_map(|commands| commands.lines());
    let shown: Vec<String> = shown.map(harmless).collect();
    let lines: String = shown.iter().flat_map(|line| ["    ", line, "\n"]).collect();
    let what = found.iter().find_map(Placed::purpose).map(|what| wrap(&format!("To do: {what}:"), 2));
    let more = match commands.len().saturating_sub(COMMANDED) {
        0 => String::new(),
        more => format!("    (and the same for {more} more)\n"),
    };
    what.unwrap_or_default() + &lines + &more
}

/// `about 112 metrics, $33.60 a month`
fn cost_words(CostEstimate { metrics, dollars_a_month }: CostEstimate, kind: &str) -> String {
    let s = if metrics == 1 { "" } else { "s" };
    if dollars_a_month > -0.005 {
        let dollars = about_dollars(dollars_a_month.max(0.0));
        format!("about {} {kind}metric{s}, {dollars} a month", thousands(metrics))
    } else {
        format!("saves about {} a month", about_dollars(-dollars_a_month))
    }
}

/// Groups items with equal keys, in the order in which the keys first appear.
fn grouped<T, K: PartialEq>(items: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for item in items {
        let key = key(&item);
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}
