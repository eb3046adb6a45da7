//! Events of pods that are not well, from the API server.

use std::collections::HashMap;
use std::time::Duration;

use fargaze::evidence::pods::{PodState, SetupProblem};
use fargaze::kubernetes::event::{KILLS, PodEvent, WARNINGS};
use fargaze::model::run::{Run, RunKind};
use fargaze_kubernetes::{Cause, Client, ClientError};

use crate::reading::Notes;

/// How long the events may take: they explain alarms, and no alarm waits for them for longer.
const LONGEST: Duration = Duration::from_secs(15);

/// Adds what the events of the last hour say to the pods that are not well. What could not be read
/// becomes a finding: the pods are known all the same, so it is no fault of the cluster.
pub(crate) async fn add(client: &Client, run: &Run, pods: &mut [PodState], notes: &mut Notes) {
    let problem = match tokio::time::timeout(LONGEST, ask(client, run, pods)).await {
        Ok(Ok(())) => return,
        // A missing permission has a finding of its own, with its remedy.
        Ok(Err(error)) if matches!(error.cause, Cause::Forbidden(_)) => return notes.refused.push(error),
        Ok(Err(error)) => error.cause.to_string(),
        Err(_) => format!("no end of the list after {} s", LONGEST.as_secs()),
    };
    tracing::warn!(%problem, "the events of pods could not be read");
    let problem = format!("The events of its pods could not be read, so causes may be missing: {problem}.");
    notes.state.findings.push(SetupProblem { problem, remedy: String::new() });
}

async fn ask(client: &Client, run: &Run, pods: &mut [PodState]) -> Result<(), ClientError> {
    if !pods.iter().any(|pod| pod.may_have_warnings(run.time)) {
        // So that a missing permission is found while all is well.
        if run.kind == RunKind::Report {
            client.get(&format!("{WARNINGS}&limit=1")).await?;
        }
        return Ok(());
    }
    let warnings = of(client, WARNINGS, pods, |pod| pod.may_have_warnings(run.time)).await?;
    for (pod, events) in warnings {
        pods[pod].warned(events, run.time);
    }
    if pods.iter().any(|pod| pod.may_be_killed(run.time)) {
        let kills = of(client, KILLS, pods, |pod| pod.may_be_killed(run.time)).await?;
        for (pod, events) in kills {
            pods[pod].killed(events);
        }
    }
    Ok(())
}

/// The events in a list about certain pods, by the index of the pod. Only these are kept of each
/// page.
async fn of(
    client: &Client,
    list: &str,
    pods: &[PodState],
    is_meant: impl Fn(&PodState) -> bool,
) -> Result<HashMap<usize, Vec<PodEvent>>, ClientError> {
    let meant = pods.iter().enumerate().filter(|(_, pod)| is_meant(pod));
    let meant: HashMap<(&str, &str), (usize, &str)> = meant
        .map(|(at, pod)| ((pod.workload.namespace.as_str(), pod.pod.as_str()), (at, pod.uid.as_str())))
        .collect();
    let mut found = HashMap::<usize, Vec<PodEvent>>::new();
    let on_page = |events: Vec<PodEvent>| {
        for event in events {
            let pod = meant.get(&(event.namespace.as_str(), event.name.as_str()));
            // A pod that was recreated under the same name is another one.
            if let Some((at, _)) = pod.filter(|(_, uid)| event.uid.is_empty() || event.uid == *uid) {
                found.entry(*at).or_default().push(event);
            }
        }
    };
    client.list(list, on_page).await?;
    Ok(found)
}
