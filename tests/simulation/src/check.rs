//! The checker: it receives every call that took effect and compares it with the model at that
//! instant.

mod notified;
mod plan;
mod pods;

use std::collections::{BTreeMap, BTreeSet};

use fake_aws::FakeAws;

use crate::clock::Minute;
use crate::coverage::Coverage;
use crate::eks::Eks;
use crate::eks::agree::Taken;
use crate::eks::history::Histories;
use crate::item::{self, Item};
use crate::model::{self, Alarm, News, Observation};
use crate::player::Function;
use crate::rule::{Rule, What};
use crate::snapshot::Snapshot;
use crate::truth::Truth;
use crate::wire::Call;
pub(crate) use pods::is_of_eks;

pub(crate) const BUCKET: &str = "bucket";
pub(crate) const TABLE: &str = "table";

/// Calls of one operation by one invocation: three listings of a hundred pages each, with all
/// attempts.
const MOST_CALLS: usize = 1000;

/// A notification that was written at some time.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) key: String,
    pub(crate) news: News,
    /// Time of the run that found it.
    pub(crate) now: Minute,
    /// Order in which notices were written.
    pub(crate) number: usize,
    /// Invocations that published it.
    pub(crate) published: Vec<usize>,
}

/// What an invocation has read and done.
#[derive(Debug)]
struct View {
    function: Function,
    /// Version of the user's file that its run reads.
    version: String,
    snapshot: Option<Snapshot>,
    /// The true state when the snapshot was written, if the snapshot is of EKS.
    taken: Option<Taken>,
    /// The alarms as its query returned them.
    before: BTreeMap<String, Alarm>,
    plan: Option<BTreeMap<String, (Rule, Observation)>>,
    /// Alarms that it wrote.
    written: BTreeSet<String>,
    /// Ids in the outcomes that it read, and those in the one that it wrote.
    outcome: BTreeSet<String>,
    /// Ids that were pending when it read them.
    waiting: BTreeSet<String>,
    /// Those of them that one read of their alarm found and another did not, because a concurrent
    /// run published them.
    doubtful: BTreeSet<String>,
    /// What the newest read of each alarm found.
    reads: BTreeMap<String, BTreeSet<String>>,
    published: BTreeSet<String>,
    /// Alarms that it could not mark: its newest call about them did not succeed.
    unmarked: BTreeSet<String>,
    /// Calls of each operation.
    calls: BTreeMap<String, usize>,
    /// Whether it ended without a success response.
    failed: bool,
    over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// Rules by the version of the user's file.
    pub(crate) rules: BTreeMap<String, Vec<Rule>>,
    pub(crate) truth: Truth,
    pub(crate) eks: Eks,
    /// The true state when snapshots of EKS were written, by their keys.
    taken: BTreeMap<String, pods::Written>,
    pub(crate) histories: Histories,
    /// Time of the world.
    pub(crate) clock: Minute,
    /// Whether at most one execution is in progress.
    pub(crate) alone: bool,
    pub(crate) alarms: BTreeMap<String, Alarm>,
    /// Ids of pending notices, in the order of the alarm's news.
    ids: BTreeMap<String, Vec<String>>,
    pub(crate) notices: BTreeMap<String, Notice>,
    /// Alarms that were evaluated, and the time of the newest run that did so.
    pub(crate) planned: BTreeMap<String, Minute>,
    /// The call that finds a cluster deleted, and the cluster, if one is deleted during the run.
    pub(crate) leaving: Option<(&'static str, String)>,
    /// A listing that is endless at the moment.
    pub(crate) endless: Option<&'static str>,
    /// Alarms that ended without a notification because their data never returned, and the number
    /// of notices at that time.
    pub(crate) faded: BTreeSet<(String, usize)>,
    pub(crate) coverage: BTreeMap<String, Coverage>,
    views: BTreeMap<usize, View>,
    mails: usize,
    pub(crate) failure: Option<String>,
    pub(crate) story: Option<Vec<String>>,
    /// Second copies of notices.
    pub(crate) copies: usize,
    /// Calls of the functions.
    pub(crate) calls: usize,
}

impl Checker {
    pub(crate) fn log(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("{:>4}  {}", self.clock, line()));
        }
    }

    pub(crate) fn fail(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.log(|| format!("WRONG: {why}"));
        self.failure.get_or_insert(format!("at minute {}: {why}", self.clock));
    }

    /// A new invocation.
    pub(crate) fn begins(&mut self, id: usize, function: Function, version: &str) {
        let (outcome, waiting, published) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (doubtful, reads) = (BTreeSet::new(), BTreeMap::new());
        let before = BTreeMap::new();
        let view = View {
            function,
            version: version.to_owned(),
            snapshot: None,
            taken: None,
            before,
            plan: None,
            written: BTreeSet::new(),
            outcome,
            waiting,
            doubtful,
            reads,
            published,
            unmarked: BTreeSet::new(),
            calls: BTreeMap::new(),
            failed: false,
            over: false,
        };
        self.views.insert(id, view);
        // Nothing refers to invocations that ended long ago.
        while self.views.len() > 400 {
            self.views.pop_first();
        }
    }

    /// A call that was made; `answer` is the successful response that the caller received, if any.
    pub(crate) fn observe(&mut self, aws: &FakeAws, id: usize, call: &Call, answer: Option<&[u8]>) {
        self.calls += 1;
        let ok = if answer.is_some() { "" } else { " (no success)" };
        self.log(|| format!("      #{id} {} {}{ok}", call.operation, call.key));
        let Some(view) = self.views.get_mut(&id) else { return };
        let calls = view.calls.entry(call.operation.clone()).or_default();
        *calls += 1;
        if *calls > MOST_CALLS {
            let (calls, operation) = (*calls, &call.operation);
            return self.fail(format!("#{id} called {operation} {calls} times"));
        }
        let folder = call.key.split(['/', '#']).next().unwrap_or_default();
        if folder == "ALARMS" && !view.published.is_empty() {
            let key = call.key.split_once('|').map_or("", |(_, key)| key).to_owned();
            match answer {
                Some(_) => view.unmarked.remove(&key),
                None => view.unmarked.insert(key),
            };
        }
        match (call.operation.as_str(), folder, answer) {
            ("s3:GetObject", "snapshots", Some(bytes)) => {
                view.snapshot = Snapshot::read(bytes);
                view.taken = self.taken.get(&call.key).map(|written| written.taken.clone());
            }
            // Even if the response was lost: others will read the object.
            ("s3:PutObject", "snapshots", _) if view.function == Function::CollectPods => {
                self.pods_written(aws, id, &call.key);
            }
            ("s3:PutObject", "snapshots", Some(_)) => {
                let asked = self.endless.filter(|operation| view.calls.contains_key(*operation));
                self.snapshot_written(aws, &call.key, asked);
            }
            ("s3:GetObject", "outcomes", Some(bytes)) => view.outcome.extend(item::outcome_ids(bytes)),
            ("s3:PutObject", "outcomes", Some(_)) => {
                let written = aws.object(BUCKET, &call.key).unwrap_or_default();
                view.outcome = item::outcome_ids(&written).into_iter().collect();
            }
            ("dynamodb:Query", "ALARMS", Some(_)) => view.before = self.alarms.clone(),
            ("dynamodb:GetItem", "ALARMS", Some(_)) if view.published.is_empty() => {
                let key = call.key.split_once('|').map_or("", |(_, key)| key);
                let found: BTreeSet<String> = self.ids.get(key).into_iter().flatten().cloned().collect();
                if let Some(before) = view.reads.insert(key.to_owned(), found.clone()) {
                    view.doubtful.extend(before.symmetric_difference(&found).cloned());
                }
                view.waiting.extend(found);
            }
            ("dynamodb:PutItem", "ALARMS", _) => {
                let key = call.key.split_once('|').map_or("", |(_, key)| key);
                self.item_written(aws, id, key);
            }
            ("sns:Publish", ..) => self.published(aws, id),
            _ => {}
        }
    }

    /// Checks a snapshot. `endless` is the listing without an end that its run requested, if any.
    fn snapshot_written(&mut self, aws: &FakeAws, key: &str, endless: Option<&'static str>) {
        let Some(snapshot) = aws.object(BUCKET, key).and_then(|bytes| Snapshot::read(&bytes)) else {
            return self.fail(format!("{key} cannot be read"));
        };
        if endless.is_some_and(|operation| !snapshot.has_fault_of(operation)) {
            return self.fail(format!("{key} does not say that {endless:?} has no end"));
        }
        if let Some(missed) = snapshot.missed() {
            return self.fail(format!("{key} reports deleted resources as a fault: {missed}"));
        }
        let rules = self.rules.get(&snapshot.version).map(Vec::as_slice).unwrap_or_default();
        let judges_tasks = rules.iter().any(|rule| rule.what == What::NothingRunning);
        if let Err(why) = self.truth.agrees(&snapshot, self.clock, judges_tasks) {
            self.fail(format!("{key} is wrong: {why}"));
        }
    }

    fn item_written(&mut self, aws: &FakeAws, id: usize, key: &str) {
        let items = aws.items(TABLE);
        let Some(item) = items.iter().find(|item| item["sk"]["S"] == key) else { return };
        let Item { alarm, ids, whys } = match item::read(item) {
            Ok(read) => read,
            Err(why) => return self.fail(format!("the item of {key} cannot be read: {why}")),
        };
        if self.alarms.get(key) == Some(&alarm) && self.ids.get(key) == Some(&ids) {
            return;
        }
        self.log(|| format!("      #{id} {key} is now {alarm:?}"));
        let function = self.views[&id].function;
        let checked = match function {
            Function::EvaluateAlarms => self.judged(id, key, &alarm, &ids, &whys),
            _ => self.marked(id, key, &alarm, &ids),
        };
        if let Err(why) = checked {
            let before = self.alarms.get(key);
            self.fail(format!("{function:?} #{id} wrote {key}: {why}\nbefore {before:?}\nafter  {alarm:?}"));
        }
        self.alarms.insert(key.to_owned(), alarm);
        self.ids.insert(key.to_owned(), ids);
        self.views.entry(id).and_modify(|view| _ = view.written.insert(key.to_owned()));
    }

    /// The evaluator must write what the model computes from the same input.
    fn judged(
        &mut self,
        id: usize,
        key: &str,
        alarm: &Alarm,
        ids: &[String],
        whys: &[Option<String>],
    ) -> Result<(), String> {
        self.plan(id)?;
        let view = &self.views[&id];
        let (plan, snapshot) = view.plan.as_ref().zip(view.snapshot.as_ref()).ok_or("it saw nothing")?;
        let before = self.alarms.get(key).cloned();
        let before = before.as_ref();
        let known = self.ids.get(key).map_or(0, Vec::len);
        let expected = match plan.get(key) {
            Some((rule, observation)) => model::after(rule, before, observation),
            None => before.and_then(|before| model::deleted(before, snapshot.window.1)),
        };
        if expected.as_ref() != Some(alarm) {
            let observation = plan.get(key);
            return Err(format!("the model {expected:?}\nsaw    {observation:?}"));
        }
        if let Some((rule, observation)) = plan.get(key).cloned() {
            for (news, why) in alarm.pending.iter().zip(whys).skip(known) {
                self.explained(id, &rule, key, *news, why.as_deref())?;
            }
            self.cover(key, &rule, &observation);
        }
        if before.is_some_and(|before| before.notified) && !alarm.notified && ids.len() == known {
            self.faded.insert((key.to_owned(), self.notices.len()));
        }
        let now = self.views[&id].snapshot.as_ref().map_or(0, |snapshot| snapshot.now);
        for (news, id) in alarm.pending.iter().zip(ids).skip(known) {
            self.found(key, *news, id, now)?;
        }
        Ok(())
    }

    /// A new notice.
    fn found(&mut self, key: &str, news: News, id: &str, now: Minute) -> Result<(), String> {
        let number = self.notices.len();
        let notice = Notice { key: key.to_owned(), news, now, number, published: Vec::new() };
        match self.notices.insert(id.to_owned(), notice) {
            None => Ok(()),
            Some(other) => Err(format!("the id {id} was that of {other:?}")),
        }
    }

    /// Notices removed from the pending list must have been published by the same invocation.
    fn marked(&self, id: usize, key: &str, alarm: &Alarm, ids: &[String]) -> Result<(), String> {
        let before = self.alarms.get(key).ok_or("it was not there")?;
        let left: Vec<(News, &String)> =
            before.pending.iter().copied().zip(self.ids.get(key).into_iter().flatten()).collect();
        let (removed, left): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, id)| !ids.contains(id));
        if let Some((news, _)) = removed.iter().find(|(_, id_of)| !self.views[&id].published.contains(*id_of))
        {
            return Err(format!("{news:?} is marked as notified and was not"));
        }
        let pending = left.into_iter().map(|(news, _)| news).collect();
        if *alarm == (Alarm { pending, ..before.clone() }) {
            Ok(())
        } else {
            Err("more than a mark".to_owned())
        }
    }

    /// The end of an invocation.
    pub(crate) fn ends(&mut self, id: usize, well: bool) {
        let Some(view) = self.views.get_mut(&id) else { return };
        (view.over, view.failed) = (true, !well);
        if !well {
            return;
        }
        let checked = match view.function {
            Function::EvaluateAlarms => self.evaluated(id),
            Function::ForwardSummary => self.forwarded(id),
            Function::PlanRun | Function::CollectMetrics | Function::CollectPods => Ok(()),
        };
        if let Err(why) = checked {
            self.fail(format!("#{id} ended well, but {why}"));
        }
    }

    fn evaluated(&mut self, id: usize) -> Result<(), String> {
        self.plan(id)?;
        let view = &self.views[&id];
        let (plan, snapshot) = view.plan.clone().zip(view.snapshot.clone()).ok_or("saw nothing")?;
        for (key, (rule, observation)) in &plan {
            self.cover(key, rule, observation);
            let newest = self.planned.entry(key.clone()).or_insert(observation.now);
            *newest = observation.now.max(*newest);
        }
        if !self.alone {
            return Ok(());
        }
        // Alarms that it wrote have been compared with the model already.
        let written = &self.views[&id].written;
        for (key, (rule, observation)) in plan.iter().filter(|(key, _)| !written.contains(*key)) {
            if let Some(alarm) = model::changed(rule, self.alarms.get(key), observation) {
                return Err(format!(
                    "{key} should be {alarm:?}\nand is {:?}\nsaw {observation:?}",
                    self.alarms.get(key)
                ));
            }
        }
        let subject = |key: &str| key.split_once('#').map_or("", |(_, name)| name).to_owned();
        let here = |key: &&String| is_of_eks(key) == snapshot.is_eks && snapshot.holds(&subject(key));
        let lost = |(key, alarm): &(&String, &Alarm)| {
            here(key)
                && !plan.contains_key(*key)
                && snapshot.knows(&subject(key))
                && model::deleted(alarm, snapshot.window.1).is_some()
        };
        if let Some((key, alarm)) = self.alarms.iter().find(lost) {
            return Err(format!("{key} is still active, though no rule evaluates it: {alarm:?}"));
        }
        let view = &self.views[&id];
        let forgotten = |(key, ids): &(&String, &Vec<String>)| {
            here(key) && ids.iter().any(|id| !view.outcome.contains(id))
        };
        match self.ids.iter().find(forgotten) {
            Some((key, ids)) => Err(format!("of {ids:?} of {key} something is not in its outcome")),
            None => Ok(()),
        }
    }
}
