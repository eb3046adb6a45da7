//! What people were told, held against what they had to be.

use std::collections::BTreeSet;

use fake_aws::FakeAws;
use serde_json::Value;

use super::Checker;
use crate::mail;

impl Checker {
    /// A message that SNS took.
    pub(super) fn published(&mut self, aws: &FakeAws, id: usize) {
        let mails = aws.published();
        for published in &mails[self.mails..] {
            let subject = published.subject.clone().unwrap_or_default();
            self.tell(|| format!("      #{id} MAIL {subject}"));
            // What an email holds; `sqs` and others get JSON.
            let forms: Value = serde_json::from_str(&published.message).unwrap();
            self.published_one(id, forms["default"].as_str().unwrap());
        }
        self.mails = mails.len();
    }

    fn published_one(&mut self, id: usize, body: &str) {
        let view = &self.views[&id];
        let due: BTreeSet<String> = view.outcome.intersection(&view.waiting).cloned().collect();
        let (mut told, mut expected) = (BTreeSet::new(), Vec::new());
        let mut found = mail::read(body);
        let mut left_out = mail::left_out(body);
        // What is not doubtful first: two notices may read the same.
        let (doubtful, sure): (Vec<String>, Vec<String>) =
            due.into_iter().partition(|notice| view.doubtful.contains(notice));
        for (notice, must) in
            sure.into_iter().map(|id| (id, true)).chain(doubtful.into_iter().map(|id| (id, false)))
        {
            let Some(written) = self.notices.get(&notice) else {
                return self.fail("a notice is to be told that was never written");
            };
            let words = mail::told(&written.key, &written.news);
            match found.iter().position(|found| *found == words) {
                Some(place) => {
                    found.remove(place);
                    told.insert(notice);
                }
                None if must && left_out > 0 => {
                    left_out -= 1;
                    told.insert(notice);
                }
                None if must => expected.push(words),
                None => {}
            }
        }
        if !found.is_empty() || !expected.is_empty() {
            return self.fail(format!("#{id} told {found:?}\nand did not tell {expected:?}\n{body}"));
        }
        for notice in &told {
            self.count_copy(id, notice);
        }
        if let Some(view) = self.views.get_mut(&id) {
            view.published.extend(told);
        }
    }

    /// A second copy is right only if whoever told it first was not told that all went well, or could not mark it.
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
            self.fail(format!(
                "{notice} came again from #{id}, though it was told and marked by #{before:?}"
            ));
        }
    }
}
