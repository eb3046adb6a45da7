//! The state of Container Insights for the report: levels, opt-outs, conflicts, and clusters
//! without metrics.

use super::model::{AccountDefault, Posture, PostureChange};
use crate::evidence::inventory::Reporting;
use crate::model::insights::{InsightsLevel, WHY_SILENT};
use crate::model::run::{Platform, Run, Target};
use crate::model::subject::Subject;
use crate::outcome::TargetResult;
use crate::reconcile::{Aspect, Change, ChangeLog, ChangeState, SubjectLog, conflict_over};
use crate::report::model::Report;
use crate::report::sections::clusters::model::ClusterReport;
use crate::text::Text;
use crate::text::words::{count, list, utc, wrap};

/// Most clusters and changes that one line or list names.
const NAMED: usize = 20;

/// The state of a cluster that is on, if it is unknown whether metrics arrive.
pub(crate) const NOT_KNOWN: &str = "on; could not ask whether metrics arrive";

/// The state of Container Insights. Marks the clusters that are silent or in conflict. All parts of
/// an account and Region share one change log.
pub(crate) fn posture(
    run: &Run,
    results: &[TargetResult],
    clusters: &mut [ClusterReport],
    logs: &[(Target, ChangeLog)],
) -> Posture {
    let mut posture = Posture { account_defaults: account_defaults(results), ..Posture::default() };
    for cluster in clusters {
        let known = log_of(logs, cluster);
        cluster.silent = cluster.insights > InsightsLevel::Disabled
            && cluster.reports_insights == Reporting::Silent
            && !cluster.services.is_empty()
            && !known.is_some_and(|known| known.all_changes().any(|change| is_recent(run, change)));
        let conflict =
            known.filter(|_| !cluster.opted_out).and_then(|known| conflict_over(cluster.insights, known));
        cluster.reverted_by = conflict.iter().flatten().map(|by| Text::new(by)).collect();
        // It is a conflict even if no event named the caller.
        if conflict.is_some() && cluster.reverted_by.is_empty() {
            cluster.reverted_by.push("an unknown caller".into());
        }
        match cluster.insights {
            InsightsLevel::Disabled => posture.disabled += 1,
            InsightsLevel::Enabled => posture.enabled += 1,
            InsightsLevel::Enhanced => posture.enhanced += 1,
        }
        posture.opted_out += usize::from(cluster.opted_out);
        posture.silent += usize::from(cluster.silent);
        posture.reporting_not_known += usize::from(cluster.may_be_silent());
        posture.conflicts += usize::from(!cluster.reverted_by.is_empty());
    }
    posture.changes = changes(run, logs);
    posture
}

/// The change log of the cluster.
fn log_of<'a>(logs: &'a [(Target, ChangeLog)], cluster: &ClusterReport) -> Option<&'a SubjectLog> {
    let place = (&cluster.account, &cluster.region);
    let is_here =
        |other: &Target| other.platform == Platform::Ecs && (&other.account, &other.region) == place;
    let (_, log) = logs.iter().find(|(other, _)| is_here(other))?;
    log.get(&Subject::Cluster(cluster.cluster.clone()))
}

/// Whether a change was made since the start of the report's window.
fn is_recent(run: &Run, change: &Change) -> bool {
    change.made >= run.window.start && change.state != ChangeState::Abandoned
}

/// The account default of each Region that was checked.
fn account_defaults(results: &[TargetResult]) -> Vec<AccountDefault> {
    let defaults = results.iter().filter_map(|result| {
        let level = result.outcome()?.account_default()?.known().copied();
        let Target { account, region, .. } = result.target.clone();
        Some(AccountDefault { account, region, level })
    });
    defaults.collect()
}

/// Changes that fargaze made since the start of the report's window, the newest first.
fn changes(run: &Run, logs: &[(Target, ChangeLog)]) -> Vec<PostureChange> {
    let of_insights =
        |change: &Change| matches!(change.aspect, Aspect::ContainerInsights | Aspect::AccountDefault);
    let of_ecs = logs.iter().filter(|(target, _)| target.platform == Platform::Ecs);
    let all = of_ecs.flat_map(|(target, log)| {
        log.values().flat_map(SubjectLog::all_changes).map(move |change| (target, change))
    });
    let recent = all.filter(|(_, change)| of_insights(change) && is_recent(run, change));
    let mut changes: Vec<PostureChange> = recent
        .filter_map(|(Target { account, region, .. }, change)| {
            Some(PostureChange {
                account: account.clone(),
                region: region.clone(),
                cluster: change.subject.cluster().cloned(),
                time: change.made,
                from: change.from.level()?,
                to: change.to.level()?,
                state: change.state.as_str().into(),
                reason: Text::new(&change.reason),
            })
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.time));
    changes
}

/// The paragraph of the mail.
pub(crate) fn paragraph(report: &Report) -> String {
    let mut text = String::from("CONTAINER INSIGHTS\n");
    for level in InsightsLevel::ALL.into_iter().rev() {
        text.push_str(&named(report, &format!("{level} in"), |cluster| cluster.insights == level));
    }
    text.push_str(&named(report, "opted out (tag fargaze = hands-off) in", |cluster| cluster.opted_out));
    let silent = named(report, "on, but no metrics in the last 3 hours, in", |cluster| cluster.silent);
    if !silent.is_empty() {
        text.push_str(&(silent + &wrap(WHY_SILENT, 4)));
    }
    text.push_str(&named(report, &format!("{NOT_KNOWN}, in"), ClusterReport::may_be_silent));
    text.push_str(&conflicts(report));
    for AccountDefault { account, region, level } in &report.posture.account_defaults {
        let level = level.map_or("could not be read", InsightsLevel::as_str);
        text.push_str(&wrap(&format!("account default in {region} ({account}): {level}"), 2));
    }
    text.push_str(&change_lines(&report.posture.changes));
    text
}

/// Clusters after a heading, with their Region if there are several places.
fn named(report: &Report, head: &str, wanted: impl Fn(&ClusterReport) -> bool) -> String {
    let place = |cluster: &ClusterReport| (cluster.account.clone(), cluster.region.clone());
    let first = report.clusters.first().map(place);
    let one_place = report.clusters.iter().all(|cluster| Some(place(cluster)) == first);
    let label = |cluster: &ClusterReport| {
        if one_place {
            cluster.cluster.to_string()
        } else {
            format!("{} in {}", cluster.cluster, cluster.region)
        }
    };
    let names: Vec<String> = report.clusters.iter().filter(|cluster| wanted(cluster)).map(label).collect();
    if names.is_empty() {
        return String::new();
    }
    let listed = list(names.iter().map(String::as_str), NAMED);
    wrap(&format!("{head} {}: {listed}", count(names.len(), "cluster")), 2)
}

/// Clusters that others reverted twice.
fn conflicts(report: &Report) -> String {
    let conflicts: Vec<String> = report
        .clusters
        .iter()
        .filter(|cluster| !cluster.reverted_by.is_empty())
        .map(|cluster| {
            let by = list(cluster.reverted_by.iter().map(Text::as_str), 3);
            format!("{} in {} (by {by})", cluster.cluster, cluster.region)
        })
        .collect();
    if conflicts.is_empty() {
        return String::new();
    }
    let names = list(conflicts.iter().map(String::as_str), NAMED);
    wrap(&format!("reverted twice; fargaze will not retry until the policy changes: {names}"), 2)
}

fn change_lines(changes: &[PostureChange]) -> String {
    let (shown, more) = changes.split_at(changes.len().min(NAMED));
    let mut text: String = shown.iter().map(|change| wrap(&change.sentence(), 2)).collect();
    if !more.is_empty() {
        text.push_str(&format!("  ... and {}.\n", count(more.len(), "earlier change")));
    }
    text
}

impl PostureChange {
    /// What changed, where, when and why.
    pub(crate) fn sentence(&self) -> String {
        let Self { region, cluster, time, from, to, state, reason, .. } = self;
        let what = match cluster {
            Some(name) => format!("{name} in {region}"),
            None => format!("the account default in {region}"),
        };
        let is = |word: ChangeState| state.as_str() == word.as_str();
        let set = if is(ChangeState::Planned) { "started to set (and may have set)" } else { "set" };
        let then = if is(ChangeState::RolledBack) { ", and rolled it back" } else { "" };
        format!("fargaze {set} {what} from {from} to {to} at {}{then}: {reason}.", utc(*time))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::evidence::coverage::Coverage;
    use crate::evidence::inventory::{ClusterEntry, EcsEntry};
    use crate::evidence::snapshot::SnapshotLine;
    use crate::model::insights::OPT_OUT_TAG;
    use crate::model::run::{Part, RunKind};
    use crate::outcome::{Outcome, OutcomeKind};
    use crate::reconcile::{Queried, Revert, Value};
    use crate::report::{ReportBuilder, ReportFacts};

    fn now() -> Timestamp {
        "2026-11-22T07:00:00Z".parse().unwrap()
    }

    fn target(region: &str) -> Target {
        Target {
            platform: crate::model::run::Platform::Ecs,
            account: "123456789012".parse().unwrap(),
            region: region.parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        }
    }

    fn entry(insights: InsightsLevel, reports_insights: bool) -> ClusterEntry {
        let services = vec!["web".parse().unwrap()];
        let reports_insights = Reporting::seen(reports_insights);
        EcsEntry { insights, reports_insights, services, ..EcsEntry::default() }.into()
    }

    /// A cluster, or the account for the name `account`.
    fn subject(name: &str) -> Subject {
        if name == "account" { Subject::Account } else { Subject::Cluster(name.parse().unwrap()) }
    }

    fn change(name: &str, hours_ago: i64, state: ChangeState) -> Change {
        let subject = subject(name);
        let is_account = subject == Subject::Account;
        Change {
            aspect: if is_account { Aspect::AccountDefault } else { Aspect::ContainerInsights },
            subject,
            number: u32::try_from(hours_ago).unwrap(),
            made: now() - SignedDuration::from_hours(hours_ago),
            cause: format!("event-{hours_ago}"),
            from: Value::Level(InsightsLevel::Disabled),
            to: Value::Level(InsightsLevel::Enabled),
            policy: "at-least-enabled".to_owned(),
            reason: "the cluster is new; its policy is at-least-enabled (built-in)".to_owned(),
            request_id: None,
            state,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            rolled_back_by: None,
        }
    }

    fn log(changes: impl IntoIterator<Item = Change>) -> ChangeLog {
        let mut log = ChangeLog::new();
        for change in changes {
            log.entry(change.subject.clone()).or_default().put(change);
        }
        log
    }

    fn written(
        clusters: &[(&Target, &str, ClusterEntry)],
        logs: &[(Target, ChangeLog)],
        results: &[TargetResult],
    ) -> String {
        let run = Run::new(
            RunKind::Report,
            now(),
            SignedDuration::from_mins(2),
            SignedDuration::from_hours(24),
            None,
        );
        let mut builder = ReportBuilder::new(&run);
        for target in [target("eu-west-1"), target("us-east-1")] {
            builder.target(&target);
            for (_, name, entry) in clusters.iter().filter(|(of, ..)| **of == target) {
                builder.add(SnapshotLine::Cluster(name.parse().unwrap(), entry.clone()));
            }
        }
        let facts = ReportFacts {
            results,
            logs,
            alarms: &[],
            rules: &[],
            previous: None,
            changes: &[],
            target_logs: &[],
            target_queries: &[],
            usage: None,
        };
        paragraph(&builder.finish(facts))
    }

    #[test]
    fn the_posture_paragraph() {
        use InsightsLevel::{Disabled, Enabled, Enhanced};
        let (eu, us) = (target("eu-west-1"), target("us-east-1"));
        let mut lab = entry(Disabled, false);
        lab.tags = BTreeMap::from([(OPT_OUT_TAG.0.to_owned(), OPT_OUT_TAG.1.to_owned())]);
        let clusters = [
            (&eu, "cart", entry(Enabled, false)),
            (&eu, "lab", lab),
            (&eu, "orders", entry(Disabled, false)),
            (&eu, "search", entry(Enhanced, true)),
            (&eu, "till", entry(Enabled, false)),
            (&us, "orders", entry(Disabled, false)),
        ];
        let mut eu_log = log([
            change("cart", 1, ChangeState::Done),
            change("orders", 300, ChangeState::Done),
            change("orders", 200, ChangeState::Done),
            change("lab", 300, ChangeState::Done),
            change("lab", 200, ChangeState::Done),
            change("shop", 3, ChangeState::Planned),
            change("account", 2, ChangeState::RolledBack),
        ]);
        let by = "arn:aws:sts::123456789012:assumed-role/terraform/ci".to_owned();
        let revert = Revert {
            subject: subject("orders"),
            aspect: Aspect::ContainerInsights,
            time: now(),
            event_id: "e".to_owned(),
            by,
            call: "UpdateClusterSettings".to_owned(),
            to: Some(Value::Level(Disabled)),
        };
        eu_log.entry(subject("orders")).or_default().put_revert(revert);
        // One change in each Region is not a conflict.
        let us_log = log([change("orders", 100, ChangeState::Done)]);
        // An EKS cluster may have the same name; its changes are in another section.
        let of_eks = Target { platform: Platform::Eks, ..eu.clone() };
        let eks_log = log([change("orders", 4, ChangeState::Done)]);
        let default = Queried::Known(Enabled);
        let outcome = Outcome {
            target: eu.clone(),
            coverage: Coverage::default(),
            kind: OutcomeKind::Report { snapshot: String::new(), account_default: Some(default) },
        };
        let results = [TargetResult { target: eu.clone(), result: Ok(outcome) }];
        let logs = [(of_eks, eks_log), (eu.clone(), eu_log), (us.clone(), us_log)];
        let text = written(&clusters, &logs, &results);
        assert_eq!(
            text,
            "\
CONTAINER INSIGHTS
  enhanced in 1 cluster: search in eu-west-1
  enabled in 2 clusters: cart in eu-west-1, till in eu-west-1
  disabled in 3 clusters: lab in eu-west-1, orders in eu-west-1, orders in
  us-east-1
  opted out (tag fargaze = hands-off) in 1 cluster: lab in eu-west-1
  on, but no metrics in the last 3 hours, in 1 cluster: till in eu-west-1
    Likely cause: a cluster of the same name with Container Insights off was
    deleted less than 7 days before this one was created; ECS then does not
    actually turn it on (ECS API, UpdateClusterSettings). Use another name, or
    recreate the cluster after 7 days.
  reverted twice; fargaze will not retry until the policy changes: orders in
  eu-west-1 (by arn:aws:sts::123456789012:assumed-role/terraform/ci
  (UpdateClusterSettings))
  account default in eu-west-1 (123456789012): enabled
  fargaze set cart in eu-west-1 from disabled to enabled at 2026-11-22 06:00
  UTC: the cluster is new; its policy is at-least-enabled (built-in).
  fargaze set the account default in eu-west-1 from disabled to enabled at
  2026-11-22 05:00 UTC, and rolled it back: the cluster is new; its policy is
  at-least-enabled (built-in).
  fargaze started to set (and may have set) shop in eu-west-1 from disabled to
  enabled at 2026-11-22 04:00 UTC: the cluster is new; its policy is
  at-least-enabled (built-in).
"
        );
    }

    #[test]
    fn a_long_list_of_changes_keeps_the_newest() {
        let many = (1..=22).map(|n| change(&format!("c{n}"), n, ChangeState::Done));
        let text = written(&[], &[(target("eu-west-1"), log(many))], &[]);
        assert!(
            text.starts_with("CONTAINER INSIGHTS\n  fargaze set c1 in eu-west-1 from disabled"),
            "{text}"
        );
        assert!(text.ends_with("  ... and 2 earlier changes.\n"), "{text}");
        let empty = written(
            &[],
            &[(target("eu-west-1"), BTreeMap::from([(subject("a"), SubjectLog::default())]))],
            &[],
        );
        assert_eq!(empty, "CONTAINER INSIGHTS\n");
    }
}
