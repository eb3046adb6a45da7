//! What `plan-run` leaves in the bucket.

use fake_aws::FakeAws;
use fargaze::invocation::states::Plan;
use fargaze::model::run::{Run, Target};

/// Puts the plan of a run of one target into the bucket; returns its key.
pub(crate) fn put_plan(aws: &FakeAws, bucket: &str, run: &Run, target: Target) -> String {
    let plan = Plan { run: run.clone(), targets: vec![target], queries: Vec::new() };
    let json = serde_json::to_vec(&plan).unwrap();
    let key = plan.key("bench", &json);
    aws.put_object(bucket, &key, json);
    key
}
