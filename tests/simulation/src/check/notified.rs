//! Compares the published notifications with the expected ones.

use std::collections::BTreeSet;

use fake_aws::FakeAws;
use serde_json::Value;

use super::{Checker, Notice};
use crate::mail;
use crate::model::Kind;

impl Checker {
    /// A message that SNS accepted.
    pub(super) fn published(&mut self, aws: &FakeAws, id: usize) {
        let mails = aws.published();
        for published in &mails[self.mails..] {
            let subject = published.subject.clone().unwrap_or_default();
            self.log(|| format!("      #{id} MAIL {subject}"));
            // What an email holds; `sqs` and others get JSON.
            let forms: Value = serde_json::from_str(&published.message).unwrap();
            self.published_one(id, forms["default"].as_str().unwrap());
        }
        self.mails = mails.len();
    }

    fn published_one(&mut self, id: usize, body: &str) {
        let view = &self.views[&id];
        let due: BTreeSet<String> = view.outcome.intersection(&view.waiting).cloned().collect();
        let (mut notified, mut expected) = (BTreeSet::new(), Vec::new());
        let mut found = mail::read(body);
        let mut left_out = mail::left_out(body);
        // The certain ones first: two notices may have the same text.
        let (doubtful, sure): (Vec<String>, Vec<String>) =
            due.into_iter().partition(|notice| view.doubtful.contains(notice));
        for (notice, must) in
            sure.into_iter().map(|id| (id, true)).chain(doubtful.into_iter().map(|id| (id, false)))
        {
            let Some(written) = self.notices.get(&notice) else {
                return self.fail("a notice is pending that was never written");
            };
            let words = mail::notified(&written.key, &written.news);
            match found.iter().position(|found| *found == words) {
                Some(place) => {
                    found.remove(place);
                    notified.insert(notice);
                }
                None if must && left_out > 0 => {
                    left_out -= 1;
                    notified.insert(notice);
                }
                None if must => expected.push(words),
                None => {}
            }
        }
        if !found.is_empty() || !expected.is_empty() {
            return self.fail(format!("#{id} published {found:?}\nbut not {expected:?}\n{body}"));
        }
        for notice in &notified {
            self.count_copy(id, notice);
        }
        if let Some(view) = self.views.get_mut(&id) {
            view.published.extend(notified);
        }
    }

    /// A second copy is allowed only if the first publisher got no success response or could not
    /// mark it.
    fn count_copy(&mut self, id: usize, notice: &str) {
        let Some(found) = self.notices.get_mut(notice) else { return };
        let before = std::mem::take(&mut found.published);
        found.published = before.iter().copied().chain([id]).collect();
        if before.is_empty() {
            return;
        }
        self.copies += 1;
        let key = found.key.clone();
        let well = |id: &usize| {
            let view = self.views.get(id);
            view.is_some_and(|view| view.over && !view.failed && !view.unmarked.contains(&key))
        };
        if self.alone && before.iter().any(well) {
            self.fail(format!("{notice} came again from #{id}, though #{before:?} published and marked it"));
        }
    }

    /// A summary that succeeded must have published and marked all its notices.
    pub(super) fn forwarded(&self, id: usize) -> Result<(), String> {
        let view = &self.views[&id];
        if let Some(id) = view
            .outcome
            .intersection(&view.waiting)
            .find(|id| !view.published.contains(*id) && !view.doubtful.contains(*id))
        {
            return Err(format!("did not publish {id}"));
        }
        // A mark that fails does not fail the function: it would publish again.
        let marked = self.ids.iter().filter(|(key, _)| !view.unmarked.contains(*key));
        let pending: BTreeSet<&String> = marked.flat_map(|(_, ids)| ids).collect();
        match view.published.iter().find(|id| pending.contains(id)) {
            Some(id) => Err(format!("did not mark {id}")),
            None => Ok(()),
        }
    }

    /// A notice that was never published by the end.
    pub(crate) fn pending(&self) -> Option<String> {
        let never = self.notices.iter().find(|(_, notice)| notice.published.is_empty());
        let left = self.ids.iter().find(|(_, ids)| !ids.is_empty());
        never
            .map(|(id, notice)| format!("{id} was never published: {notice:?}"))
            .or_else(|| left.map(|(key, ids)| format!("{key} is still pending: {ids:?}")))
    }

    /// Notices of an alarm in the order in which they were found.
    pub(crate) fn news_of(&self, key: &str) -> Vec<&Notice> {
        let mut notices: Vec<&Notice> = self.notices.values().filter(|notice| notice.key == key).collect();
        notices.sort_by_key(|notice| notice.number);
        notices
    }

    /// Whether anything of that kind was found.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.notices.values().filter(|notice| notice.news.kind == kind).count()
    }
}
