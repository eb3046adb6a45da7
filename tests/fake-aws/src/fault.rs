//! The fault plan: which calls fail, and how.

use std::time::Duration;

use crate::endless::Endless;

/// What happens to a call that matches a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The service's own throttling error.
    Throttle,
    /// An error with this HTTP status, code and message, in the protocol's own format.
    Error(u16, String, String),
    /// The connection is closed without a response; the operation is not carried out.
    Cut,
    /// The operation is carried out, then the connection is closed without a response.
    LoseAnswer,
    /// The call takes this much longer.
    Delay(Duration),
    /// The nth page, counted from 0, of an endless listing.
    Page(Endless, usize),
}

/// One line of the fault plan. By default it throttles the first call of its operation, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    operation: String,
    account: Option<String>,
    region: Option<String>,
    nth: usize,
    times: usize,
    effect: Effect,
    seen: usize,
}

impl Fault {
    /// Matches calls of an operation such as `cloudwatch:GetMetricData`.
    pub fn on(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            account: None,
            region: None,
            nth: 1,
            times: 1,
            effect: Effect::Throttle,
            seen: 0,
        }
    }

    /// Only calls into this account.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Only calls into this Region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Starts at the nth matching call, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.nth = nth;
        self
    }

    /// Affects this many consecutive calls.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// The service's own throttling error.
    #[must_use]
    pub fn throttle(mut self) -> Self {
        self.effect = Effect::Throttle;
        self
    }

    /// An error in the protocol's own format.
    #[must_use]
    pub fn error(mut self, status: u16, code: &str, message: &str) -> Self {
        self.effect = Effect::Error(status, code.to_owned(), message.to_owned());
        self
    }

    /// The connection is closed without a response.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.effect = Effect::Cut;
        self
    }

    /// The operation is carried out, but its response is lost.
    #[must_use]
    pub fn lose_answer(mut self) -> Self {
        self.effect = Effect::LoseAnswer;
        self
    }

    /// The call takes this much longer.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.effect = Effect::Delay(delay);
        self
    }

    /// An endless listing, in place of the real one.
    #[must_use]
    pub fn endless(mut self, endless: Endless) -> Self {
        self.effect = Effect::Page(endless, 0);
        self
    }

    /// Whether it has not been used up.
    pub fn is_left(&self) -> bool {
        self.seen + 1 < self.nth + self.times
    }

    fn meets(&mut self, operation: &str, account: &str, region: &str) -> bool {
        let matches = self.operation == operation
            && self.account.as_deref().is_none_or(|wanted| wanted == account)
            && self.region.as_deref().is_none_or(|wanted| wanted == region);
        if !matches || !self.is_left() {
            return false;
        }
        self.seen += 1;
        self.seen >= self.nth
    }
}

impl Fault {
    fn next_effect(&self) -> Effect {
        match self.effect.clone() {
            Effect::Page(endless, _) => Effect::Page(endless, self.seen - self.nth),
            effect => effect,
        }
    }
}

/// The effects of all faults that match this call. Every matching fault counts it, whether or not
/// it is due.
pub(crate) fn meet(plan: &mut [Fault], operation: &str, account: &str, region: &str) -> Vec<Effect> {
    plan.iter_mut()
        .filter_map(|fault| fault.meets(operation, account, region).then(|| fault.next_effect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nth_and_times() {
        let mut plan = [Fault::on("ecs:ListClusters").nth(2).times(2).cut()];
        let met: Vec<usize> = (0..5).map(|_| meet(&mut plan, "ecs:ListClusters", "1", "r").len()).collect();
        assert_eq!(met, [0, 1, 1, 0, 0]);
        assert!(!plan[0].is_left());
    }

    #[test]
    fn other_accounts_and_regions_do_not_count() {
        let mut plan = [Fault::on("ecs:ListClusters").account("1").region("r")];
        assert!(meet(&mut plan, "ecs:ListClusters", "2", "r").is_empty());
        assert!(meet(&mut plan, "ecs:ListClusters", "1", "s").is_empty());
        assert!(meet(&mut plan, "ecs:ListServices", "1", "r").is_empty());
        assert!(plan[0].is_left());
        assert_eq!(meet(&mut plan, "ecs:ListClusters", "1", "r"), [Effect::Throttle]);
    }
}
