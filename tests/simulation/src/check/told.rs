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
        let mut expected = Vec::new();
        for notice in due.iter().map(|id| self.notices.get(id)) {
            match notice {
                Some(notice) => expected.push(mail::told(&notice.key, &notice.news)),
                None => return self.fail("a notice is to be told that was never written"),
            }
        }
        expected.sort();
        let told = mail::read(body);
        if told != expected {
            return self.fail(format!("#{id} told {told:?}\nand should have {expected:?}\n{body}"));
        }
        for notice in &due {
            self.count_copy(id, notice);
        }
        if let Some(view) = self.views.get_mut(&id) {
            view.published.extend(due);
        }
    }

    /// A second copy is right only if whoever told it first was not told that all went well.
    fn count_copy(&mut self, id: usize, notice: &str) {
        let Some(found) = self.notices.get_mut(notice) else { return };
        let before = std::mem::take(&mut found.published);
        found.published = before.iter().copied().chain([id]).collect();
        if before.is_empty() {
            return;
        }
        self.copies += 1;
        let well = |id: &usize| self.views.get(id).is_some_and(|view| view.over && !view.failed);
        if self.alone && before.iter().any(well) {
            self.fail(format!(
                "{notice} came again from #{id}, though it was told and marked by #{before:?}"
            ));
        }
    }
}
