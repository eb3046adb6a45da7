//! Commands for people to look further, never executed.

use crate::kubernetes::owner::NO_OBJECTS;
use crate::message::is_hidden;
use crate::rule::Workload;
use crate::shell::quoted;

/// Longest command that is told.
const MOST: usize = 300;

/// Kinds whose name another kind has as well, which `kubectl` would take it for.
const AMBIGUOUS: [(&str, &str); 2] =
    [("service", "service.serving.knative.dev"), ("configuration", "configuration.serving.knative.dev")];

/// What shows the events and pods of a workload. None if Kubernetes has no object of it, or if a name is none that Kubernetes
/// gives, so that it could be taken for an option, or could not be shown as it is.
pub(super) fn describe(Workload { namespace, kind, name }: &Workload) -> Option<String> {
    if NO_OBJECTS.contains(&kind.as_str()) {
        return None;
    }
    let kind = kind.to_lowercase();
    let kind =
        AMBIGUOUS.iter().find(|(short, _)| *short == kind).map_or(kind, |(_, full)| (*full).to_owned());
    let words = [namespace.as_str(), kind.as_str(), name.as_str()];
    if words.into_iter().any(is_odd) {
        return None;
    }
    let [namespace, kind, name] = words.map(quoted);
    let command = format!("kubectl --namespace {namespace} describe {kind} {name}");
    (command.len() <= MOST).then_some(command)
}

/// Whether a word could be taken for an option, or could not be shown as it is.
pub(super) fn is_odd(word: &str) -> bool {
    word.is_empty() || word.starts_with('-') || word.contains(|c: char| is_hidden(c) || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(namespace: &str, kind: &str, name: &str) -> Workload {
        Workload { namespace: namespace.to_owned(), kind: kind.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn a_command_is_ready_for_a_shell() {
        for ((namespace, kind, name), command) in [
            (("shop", "Deployment", "web"), Some("kubectl --namespace shop describe deployment web")),
            (
                ("shop", "Deployment", "a;b'c"),
                Some(r"kubectl --namespace shop describe deployment 'a;b'\''c'"),
            ),
            (("$(x)", "Job", "web"), Some("kubectl --namespace '$(x)' describe job web")),
            (
                ("shop", "Service", "hello"),
                Some("kubectl --namespace shop describe service.serving.knative.dev hello"),
            ),
            (("shop", "Spark", "import"), None),
            (("shop", "Deployment", "-rf"), None),
            (("shop", "Deployment", "a\nb"), None),
            (("shop", "Deployment", ""), None),
        ] {
            assert_eq!(describe(&workload(namespace, kind, name)).as_deref(), command);
        }
    }
}
