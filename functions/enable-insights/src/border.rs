//! The border to one platform: what the engine reads and changes there.

use std::collections::BTreeSet;

use fargaze::logs::LogGroup;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Cost, Observed, SubjectLog, Value};
use fargaze_aws::Listed;
use tokio::time::Instant;

use crate::logging::Api;

/// The observed state of a subject, and its Kubernetes API if that was used.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) observed: Observed,
    pub(crate) api: Option<Api>,
}

impl Seen {
    pub(crate) fn new(observed: Observed) -> Self {
        Self { observed, api: None }
    }
}

/// The result of looking up a subject.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Box<Seen>),
    /// No subject of that name exists.
    Missing,
    /// It could not be described, which [`Border::describe_ahead`] has reported.
    NotDescribed,
}

/// Faults of describing many clusters in advance.
#[derive(Debug, Default)]
pub(crate) struct DescribedAhead {
    /// Clusters that could not be described, and those that no longer exist.
    pub(crate) undescribed: Vec<Fault>,
    /// Other faults.
    pub(crate) faults: Vec<Fault>,
}

/// A change to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) aspect: Aspect,
    pub(crate) from: &'a Value,
    pub(crate) to: &'a Value,
    /// The same for each attempt, so that a repeated call makes no second change.
    pub(crate) token: &'a str,
}

impl Call<'_> {
    /// Only a bug requests it.
    pub(crate) fn impossible(&self) -> Fault {
        let what = format!("there is no way to set {} to {}", self.aspect, self.to);
        Fault::bug(Operation::FargazeReconcile, self.subject.to_string(), what)
    }
}

/// A change that the service accepted.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Request id, as in CloudTrail.
    pub(crate) request_id: Option<String>,
    pub(crate) work: Work,
}

/// The progress of a change.
#[derive(Debug)]
pub(crate) enum Work {
    /// The change was made and read back.
    Done,
    /// The service is processing it.
    InProgress {
        /// Id of the update to follow, if any.
        update_id: Option<String>,
        /// Version of a new add-on, chosen by EKS.
        version: Option<String>,
    },
    /// It could not be read back, or reads back differently: the next check finds out the result.
    Unread(Fault),
}

impl Applied {
    pub(crate) fn done(request_id: Option<String>) -> Self {
        Self { request_id, work: Work::Done }
    }
}

/// One of the platforms.
pub(crate) trait Border {
    /// Lists the names of all clusters.
    async fn list(&self) -> Result<Listed<ClusterName>, Fault>;

    /// Lists the log groups of the account and Region, which are checked with its ECS clusters.
    async fn log_groups(&self, deadline: Instant) -> Result<Vec<LogGroup>, Fault>;

    /// Describes in advance the clusters that [`Self::find`] will be called for, where that is
    /// cheaper for many at once.
    async fn describe_ahead(&mut self, clusters: &[ClusterName]) -> DescribedAhead;

    /// Looks up a subject.
    async fn find(&self, subject: &Subject) -> Result<Lookup, Fault>;

    /// Reads what else these aspects of the subject need: each may need its own calls, and
    /// permissions that not every target grants.
    async fn ask(&self, seen: &mut Seen, log: &SubjectLog, aspects: &BTreeSet<Aspect>);

    /// Makes a change, and reads it back if the service has made it when it responds.
    async fn apply(&self, call: &Call<'_>, seen: &Seen) -> Result<Applied, Fault>;

    /// Estimates the cost of a change, if it can be expressed as an amount. A failed estimate is
    /// left out: no decision depends on it.
    async fn estimate(&self, seen: &Seen, from: &Value, to: &Value) -> Option<Cost>;

    /// Whether Container Insights is on and tasks are running, but no metrics arrive; false if that
    /// is unknown.
    fn is_silent(&self, seen: &Seen) -> bool;
}
