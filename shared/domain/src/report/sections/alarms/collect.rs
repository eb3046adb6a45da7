//! Collects alarms from the records in the table.

use super::model::AlarmLine;
use crate::alarms::AlarmRecord;
use crate::alarms::evaluate::AlarmState;
use crate::model::run::Target;
use crate::model::subject::Subject;
use crate::report::measured::member::Member;
use crate::report::sections::eks::model::WorkloadReport;
use crate::text::Text;

/// Active alarms, then those that cannot be evaluated, each the longest first.
pub(crate) fn alarms(known: &[(Target, Vec<AlarmRecord>)]) -> Vec<AlarmLine> {
    let records =
        known.iter().flat_map(|(target, records)| records.iter().map(move |record| (target, record)));
    let mut lines: Vec<AlarmLine> = records
        .filter_map(|(Target { platform, account, region, .. }, record)| {
            let memory = &record.memory;
            let in_alarm = memory.state == AlarmState::Alarm;
            let since = if in_alarm { memory.since } else { memory.blind?.since };
            Some(AlarmLine {
                platform: *platform,
                account: account.clone(),
                region: region.clone(),
                subject: subject(&record.key.subject),
                rule: Text::new(&record.key.rule),
                in_alarm,
                since,
                blind_since: memory.blind.map(|blind| blind.since),
                blind_because: memory.blind.map(|blind| blind.because),
                silenced_by: memory.muted.as_ref().map(|mute| Text::new(&mute.to_string())),
            })
        })
        .collect();
    lines.sort_by(|a, b| {
        (!a.in_alarm, a.since, &a.region, &a.account, &a.subject, &a.rule).cmp(&(
            !b.in_alarm,
            b.since,
            &b.region,
            &b.account,
            &b.subject,
            &b.rule,
        ))
    });
    // The parts of an account and Region share the same alarms.
    lines.dedup();
    lines
}

/// The subject, named as in the other sections.
fn subject(subject: &Subject) -> Text {
    match subject {
        Subject::Workload(cluster, workload) => WorkloadReport::new(workload).subject(cluster),
        _ => Text::new(&subject.to_string()),
    }
}
