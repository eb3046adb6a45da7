//! Warnings about pods that are not well, from the API server's events.

use std::collections::HashMap;

use fargaze::evidence::pods::PodState;
use fargaze::kubernetes::event::{PodEvent, WARNINGS};
use fargaze::model::run::{Run, RunKind};
use fargaze_kubernetes::{Client, ClientError};

/// Adds the warnings of the last hour to the pods that they may explain. An alarms run asks only if
/// there is such a pod; a report always does, so that a missing permission is found while all is
/// well.
pub(crate) async fn add(client: &Client, run: &Run, pods: &mut [PodState]) -> Result<(), ClientError> {
    let unwell = pods.iter_mut().filter(|pod| pod.may_have_warnings(run.time));
    let mut unwell: HashMap<(String, String), &mut PodState> =
        unwell.map(|pod| ((pod.workload.namespace.clone(), pod.pod.clone()), pod)).collect();
    if unwell.is_empty() && run.kind != RunKind::Report {
        return Ok(());
    }
    let of_unwell = |event: PodEvent| {
        let key = (event.namespace.clone(), event.name.clone());
        let pod = unwell.get(&key)?;
        // A pod that was recreated under the same name is another one.
        (event.uid.is_empty() || event.uid == pod.uid).then_some((key, event))
    };
    let (events, _) = client.list_all(WARNINGS, of_unwell).await?;
    let mut by_pod = HashMap::<_, Vec<PodEvent>>::new();
    for (key, event) in events.into_iter().flatten() {
        by_pod.entry(key).or_default().push(event);
    }
    for (key, events) in by_pod {
        if let Some(pod) = unwell.get_mut(&key) {
            pod.warned(events);
        }
    }
    Ok(())
}
