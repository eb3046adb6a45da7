//! Commands that help people investigate; fargaze never runs them.

use crate::alarms::Notice;
use crate::evidence::pods::NamedPod;
use crate::kubernetes::owner::NO_OBJECTS;
use crate::model::cluster::ClusterName;
use crate::model::run::Target;
use crate::model::subject::{Subject, Workload};
use crate::rules::{KUBERNETES, KubernetesMeasure};
use crate::text::commands::AtCluster;
use crate::text::shell::{is_odd, quoted};

/// Longest command that a message shows.
const MOST: usize = 400;

/// Kinds whose short name `kubectl` would resolve to another kind, with their full names.
const AMBIGUOUS: [(&str, &str); 2] =
    [("service", "service.serving.knative.dev"), ("configuration", "configuration.serving.knative.dev")];

/// The command that creates the context used by [`inspect`].
pub(super) fn kubeconfig(target: &Target, notice: &Notice) -> Option<String> {
    Some(at(target, notice.subject.cluster()?).kubeconfig())
}

/// The command that shows more about a workload's alarm: the log of a terminated container, the
/// usage of each container, or the events of the pod. `None` if a name is not a valid Kubernetes
/// name, because it could be taken for an option or could not be shown verbatim.
pub(super) fn inspect(target: &Target, notice: &Notice) -> Option<String> {
    let Subject::Workload(cluster, workload) = &notice.subject else { return None };
    let arguments = match notice.pod() {
        Some(pod) if !is_odd(&pod.name) => of_pod(measure(notice), pod),
        _ => of_workload(workload)?,
    };
    if is_odd(&workload.namespace) {
        return None;
    }
    let namespace = quoted(&workload.namespace);
    let command = at(target, cluster).kubectl(&format!("--namespace {namespace} {arguments}"));
    (command.len() <= MOST).then_some(command)
}

fn at<'a>(target: &'a Target, cluster: &'a ClusterName) -> AtCluster<'a> {
    let Target { account, region, .. } = target;
    AtCluster { account, region, cluster }
}

/// The evaluated measure, if it was sampled from Kubernetes.
fn measure(notice: &Notice) -> Option<KubernetesMeasure> {
    let metric = notice
        .evaluation()?
        .source
        .as_ref()?
        .metrics
        .first()
        .filter(|metric| metric.namespace == KUBERNETES)?;
    KubernetesMeasure::all().find(|measure| metric.name == measure.metric_name())
}

fn of_pod(measure: Option<KubernetesMeasure>, NamedPod { name, container }: &NamedPod) -> String {
    use KubernetesMeasure as M;
    let pod = quoted(name);
    match measure {
        Some(M::CrashLoopingPods | M::PodRestarts | M::OomKilled) => {
            let container = container.as_deref().filter(|name| !is_odd(name));
            let which = container.map_or_else(
                || "--all-containers".to_owned(),
                |name| format!("--container {}", quoted(name)),
            );
            format!("logs {pod} {which} --previous")
        }
        Some(M::PodMemoryPercent | M::PodCpuPercent | M::PodCpuThrottledPercent) => {
            format!("top pod {pod} --containers")
        }
        _ => format!("describe pod {pod}"),
    }
}

/// For a workload without a known pod: its conditions say why it has none. `None` if Kubernetes has
/// no object for it.
fn of_workload(Workload { kind, name, .. }: &Workload) -> Option<String> {
    if NO_OBJECTS.contains(&kind.as_str()) {
        return None;
    }
    let kind = kind.to_lowercase();
    let kind =
        AMBIGUOUS.iter().find(|(short, _)| *short == kind).map_or(kind, |(_, full)| (*full).to_owned());
    let are_odd = is_odd(&kind) || is_odd(name);
    (!are_odd).then(|| format!("describe {} {}", quoted(&kind), quoted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::{MetricSource, NoticeBody};
    use crate::model::metric::Statistic;
    use crate::model::run::{Part, Platform};
    use crate::model::subject::Subject;
    use crate::notify::digest::samples;

    const CONTEXT: &str =
        "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments --namespace ";

    fn target() -> Target {
        Target {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            platform: Platform::Eks,
            part: Part::WHOLE,
            role: None,
        }
    }

    fn notice(measure: KubernetesMeasure, (namespace, kind, name): (&str, &str, &str)) -> Notice {
        let [namespace, kind, name] = [namespace, kind, name].map(ToOwned::to_owned);
        let subject = Subject::Workload("payments".parse().unwrap(), Workload { namespace, kind, name });
        let metrics = vec![measure.of(&subject)];
        let source = Some(MetricSource { metrics, statistic: Statistic::Maximum });
        Notice { subject, ..samples::but(samples::notice("web"), |evaluation| evaluation.source = source) }
    }

    fn naming(named: Option<NamedPod>, mut notice: Notice) -> Notice {
        if let NoticeBody::Began { pod, .. } = &mut notice.body {
            *pod = named;
        }
        notice
    }

    #[test]
    fn a_command_is_ready_for_a_shell() {
        for (workload, command) in [
            (("shop", "Deployment", "web"), Some("shop describe deployment web")),
            (("shop", "Deployment", "a;b'c"), Some(r"shop describe deployment 'a;b'\''c'")),
            (("$(x)", "Job", "web"), Some("'$(x)' describe job web")),
            (("shop", "Service", "hello"), Some("shop describe service.serving.knative.dev hello")),
            (("shop", "Spark", "import"), None),
            (("shop", "Deployment", "-rf"), None),
            (("shop", "Deployment", "a\nb"), None),
            (("shop", "Deployment", ""), None),
            (("-n", "Deployment", "web"), None),
        ] {
            let found = inspect(&target(), &notice(KubernetesMeasure::PodPending, workload));
            assert_eq!(found, command.map(|command| format!("{CONTEXT}{command}")));
        }
        let cluster = Subject::Cluster("payments".parse().unwrap());
        let of_cluster = Notice { subject: cluster, ..samples::notice("web") };
        assert_eq!(inspect(&target(), &of_cluster), None);
        let config = "aws eks update-kubeconfig --region eu-west-1 --name payments";
        assert_eq!(kubeconfig(&target(), &of_cluster).unwrap(), config);
    }

    /// A Deployment shows neither pods nor their events.
    #[test]
    fn the_command_depends_on_the_measure() {
        use KubernetesMeasure as M;
        let web = ("shop", "Deployment", "web");
        for (measure, container, command) in [
            (M::CrashLoopingPods, Some("app"), "logs web-1 --container app --previous"),
            (M::PodRestarts, Some("a;b"), "logs web-1 --container 'a;b' --previous"),
            (M::OomKilled, None, "logs web-1 --all-containers --previous"),
            (M::PodMemoryPercent, None, "top pod web-1 --containers"),
            (M::PodCpuPercent, None, "top pod web-1 --containers"),
            (M::UnstartablePods, None, "describe pod web-1"),
            (M::PodPending, None, "describe pod web-1"),
            (M::AvailableBelowDesired, None, "describe pod web-1"),
        ] {
            let container = container.map(ToOwned::to_owned);
            let pod = Some(NamedPod { name: "web-1".to_owned(), container });
            let found = inspect(&target(), &naming(pod, notice(measure, web)));
            assert_eq!(found, Some(format!("{CONTEXT}shop {command}")));
        }
        // An invalid pod name, and a notice that an older version stored.
        for pod in [Some(NamedPod { name: "-rf".to_owned(), container: None }), None] {
            let found = inspect(&target(), &naming(pod, notice(M::CrashLoopingPods, web)));
            assert_eq!(found, Some(format!("{CONTEXT}shop describe deployment web")));
        }
    }
}
