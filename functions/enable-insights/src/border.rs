//! The border to one platform: what the engine asks and changes there.

use std::collections::BTreeSet;

use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Cost, Observed, SubjectLog, Value};
use fargaze_aws::Listed;

use crate::logging::Api;

/// What there is of a subject, and its Kubernetes API if that was asked.
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

/// What came of looking for a subject.
#[derive(Debug)]
pub(crate) enum Sought {
    Found(Box<Seen>),
    /// There is none of that name.
    Gone,
    /// It could not be described, which [`Border::describe_ahead`] has said.
    NotDescribed,
}

/// What could not be asked about many clusters at once.
#[derive(Debug, Default)]
pub(crate) struct AskedAhead {
    /// Clusters that could not be described, and those that are gone.
    pub(crate) undescribed: Vec<Fault>,
    /// What else could not be asked.
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
    /// Nothing but a mistake of ours asks for it.
    pub(crate) fn impossible(&self) -> Fault {
        let what = format!("there is no way to set {} to {}", self.aspect, self.to);
        Fault::bug(Operation::FargazeReconcile, self.subject.to_string(), what)
    }
}

/// A change that was taken.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Id of the request, as CloudTrail has it.
    pub(crate) request_id: Option<String>,
    pub(crate) work: Work,
}

/// How far a change has come.
#[derive(Debug)]
pub(crate) enum Work {
    /// It was made, and read back.
    Done,
    /// The service works on it.
    InProgress {
        /// Id of the update to follow, if there is one.
        update_id: Option<String>,
        /// Version of a new add-on, which was EKS's choice.
        version: Option<String>,
    },
    /// It could not be read back, or reads back as something else: the next check tells what came of it.
    Unread(Fault),
}

impl Applied {
    pub(crate) fn done(request_id: Option<String>) -> Self {
        Self { request_id, work: Work::Done }
    }
}

/// One of the platforms.
pub(crate) trait Border {
    /// Names of all clusters.
    async fn list(&self) -> Result<Listed<ClusterName>, Fault>;

    /// Asks beforehand about the clusters that [`Self::find`] will be asked for, where that is cheaper for many at once.
    async fn describe_ahead(&mut self, clusters: &[ClusterName]) -> AskedAhead;

    /// Looks for a subject.
    async fn find(&self, subject: &Subject) -> Result<Sought, Fault>;

    /// Asks what more must be known of a subject that was found, for these aspects: each may take calls of its own, and
    /// rights that not every target gives.
    async fn ask(&self, seen: &mut Seen, log: &SubjectLog, aspects: &BTreeSet<Aspect>);

    /// Makes a change, and reads it back where the service has made it when it answers.
    async fn apply(&self, call: &Call<'_>, seen: &Seen) -> Result<Applied, Fault>;

    /// What a change costs, where that is a sum. An estimate that cannot be made is left out: nothing is decided by it.
    async fn estimate(&self, seen: &Seen, from: &Value, to: &Value) -> Option<Cost>;

    /// Whether it is on and runs tasks, and no metrics of it arrive; false where that is not known.
    fn is_silent(&self, seen: &Seen) -> bool;
}
