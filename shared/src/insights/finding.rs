//! What a sweep or restore found, for its outcome and its message.

use serde::{Deserialize, Serialize};

use super::{CostEstimate, InsightsLevel};
use crate::cluster::ClusterName;
use crate::fault::Fault;

/// What a sweep or restore found about one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InsightsFinding {
    /// The cluster.
    pub cluster: ClusterName,
    /// Level before.
    pub level: InsightsLevel,
    /// What came of it.
    pub result: InsightsResult,
    /// Why, in words that follow the name of the cluster.
    pub reason: String,
    /// What the change costs, if there is or could be one.
    pub cost: Option<CostEstimate>,
    /// It is new, and no event of its creation came.
    pub unannounced: bool,
    /// It is on and runs tasks, and there are no metrics of it.
    pub silent: bool,
    /// It is to be told, and the last sweep did not tell it.
    pub news: bool,
}

/// What came of a cluster's setting, or of the account's default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsightsResult {
    /// As wished.
    Right,
    /// Set to this level, and read back.
    Set(InsightsLevel),
    /// It is a dry run; else it would have been set to this level.
    WouldSet(InsightsLevel),
    /// Not as wished, and left so.
    Reported,
    /// To be set to this level, but this run has changed enough.
    Waiting(InsightsLevel),
    /// Not to be touched, or nothing to restore.
    Left,
    /// ECS has not made it yet: left, and new at the next sweep.
    NotYet,
    /// Another event or run is changing it right now: left to that one.
    UnderWay,
    /// What was set was put back twice; by whom.
    Fight(Vec<String>),
    /// Put back to this level by a restore.
    Restored(InsightsLevel),
    /// Not restored, because somebody changed it since.
    Skipped,
    /// Could not be changed.
    Failed(Fault),
}

impl InsightsResult {
    /// Whether it was left alone for good or for now, without a word to a person.
    pub fn is_left(&self) -> bool {
        matches!(self, Self::Left | Self::NotYet | Self::UnderWay)
    }
}

/// What a sweep or restore found about the account's default in the target's Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDefaultFinding {
    /// Level before; none if it could not be read.
    pub level: Option<InsightsLevel>,
    /// What came of it.
    pub result: InsightsResult,
    /// Why, in words that follow "the account default".
    pub reason: String,
    /// It is to be told, and the last sweep did not tell it.
    pub news: bool,
}

impl InsightsFinding {
    /// Sets `news` by what the last sweep found about the same cluster: whether there is something to tell of which it
    /// did not tell. What was done or has failed is told each time, and is no news of this kind.
    pub fn mark_news(&mut self, last: Option<&Self>) {
        let before = |told: fn(&Self) -> bool| last.is_some_and(told);
        let fight = |finding: &Self| matches!(finding.result, InsightsResult::Fight(_));
        let reported = |finding: &Self| finding.result == InsightsResult::Reported;
        self.news = (fight(self) && !before(fight))
            || (reported(self) && !before(reported))
            || (self.silent && !before(|finding| finding.silent))
            || (self.unannounced && !before(|finding| finding.unannounced));
    }
}

impl AccountDefaultFinding {
    /// Sets `news` by what the last sweep found: whether it is not as wished or could not be read, and was not so before.
    pub fn mark_news(&mut self, last: Option<&Self>) {
        let untold = |result: &InsightsResult| {
            matches!(result, InsightsResult::Reported | InsightsResult::Fight(_) | InsightsResult::Failed(_))
        };
        let is_bad = self.level.is_none() || untold(&self.result);
        let same = |last: &Self| {
            (last.level, std::mem::discriminant(&last.result))
                == (self.level, std::mem::discriminant(&self.result))
        };
        self.news = is_bad && !last.is_some_and(same);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(result: InsightsResult) -> InsightsFinding {
        InsightsFinding {
            cluster: "shop".parse().unwrap(),
            level: InsightsLevel::Disabled,
            result,
            reason: String::new(),
            cost: None,
            unannounced: false,
            silent: false,
            news: false,
        }
    }

    fn is_news(mut now: InsightsFinding, last: Option<&InsightsFinding>) -> bool {
        now.mark_news(last);
        now.news
    }

    #[test]
    fn what_the_last_sweep_told_is_no_news() {
        let fight = finding(InsightsResult::Fight(vec!["ci".to_owned()]));
        let silent = InsightsFinding { silent: true, ..finding(InsightsResult::Right) };
        let unannounced = InsightsFinding { unannounced: true, ..finding(InsightsResult::Right) };
        let told = [finding(InsightsResult::Reported), fight, silent, unannounced];
        for (i, now) in told.iter().enumerate() {
            assert!(is_news(now.clone(), None), "{now:?}");
            for (j, last) in told.iter().enumerate() {
                assert_eq!(is_news(now.clone(), Some(last)), i != j, "{now:?} after {last:?}");
            }
        }
    }

    #[test]
    fn what_is_right_or_was_done_is_no_news_of_this_kind() {
        let to = InsightsLevel::Enabled;
        let results =
            [InsightsResult::Right, InsightsResult::Left, InsightsResult::Skipped, InsightsResult::Set(to)];
        assert!(results.into_iter().all(|result| !is_news(finding(result), None)));
    }

    #[test]
    fn an_account_default_that_is_not_as_wished_is_news_until_it_was_told() {
        let finding =
            |level, result| AccountDefaultFinding { level, result, reason: String::new(), news: false };
        let is_news = |mut now: AccountDefaultFinding, last: Option<&AccountDefaultFinding>| {
            now.mark_news(last);
            now.news
        };
        let unread = finding(None, InsightsResult::Left);
        let fight = finding(Some(InsightsLevel::Disabled), InsightsResult::Fight(Vec::new()));
        let right = finding(Some(InsightsLevel::Enabled), InsightsResult::Right);
        assert!(is_news(unread.clone(), None) && is_news(fight.clone(), Some(&unread)));
        assert!(!is_news(unread.clone(), Some(&unread)) && !is_news(fight.clone(), Some(&fight)));
        assert!(!is_news(right.clone(), Some(&fight)) && is_news(fight, Some(&right)));
    }

    #[test]
    fn findings_are_written_in_plain_words_and_read_back() {
        let found = finding(InsightsResult::WouldSet(InsightsLevel::Enhanced));
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.contains(r#""result":{"would-set":"enhanced"}"#), "{text}");
        assert_eq!(serde_json::from_str::<InsightsFinding>(&text).unwrap(), found);
    }
}
