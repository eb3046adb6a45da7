//! Permissions in the model of RBAC: verbs on resources of API groups, cluster-wide or in one
//! namespace.

/// One rule of a Role or `ClusterRole`.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) group: String,
    pub(crate) resources: Vec<String>,
    pub(crate) verbs: Vec<String>,
    /// Namespace in which it is bound; `None` if cluster-wide.
    pub(crate) namespace: Option<String>,
    /// `resourceNames`; all if empty.
    pub(crate) names: Vec<String>,
}

/// The permissions of an identity.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    all: bool,
    pub(crate) rules: Vec<Rule>,
}

/// A requested action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With its subresource, as in `nodes/proxy`.
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Rights {
    /// Everything.
    pub fn all() -> Self {
        Self { all: true, rules: Vec::new() }
    }

    /// Nothing: the group of the access entry is not bound.
    pub fn none() -> Self {
        Self::default()
    }

    /// Permissions to read everything in a cluster, without `nodes/proxy`: see
    /// [`Rights::with_node_proxy`]. This is more than fargaze needs; [`Rights::of_manifests`] reads
    /// its manifests.
    pub fn collector() -> Self {
        Self::none()
            .with("", &["nodes", "pods", "namespaces"], &["get", "list"])
            .with("", &["events"], &["list"])
            .with("apps", &["deployments", "replicasets", "statefulsets", "daemonsets"], &["get", "list"])
            .with("batch", &["jobs", "cronjobs"], &["get", "list"])
            .with("metrics.k8s.io", &["nodes", "pods"], &["get", "list"])
            .with_named("aws-observability", "configmaps", "aws-logging", &["get"])
    }

    /// Adds the permission for cAdvisor. It lets its holder run commands in every pod, so the
    /// collector only has it on request.
    #[must_use]
    pub fn with_node_proxy(self) -> Self {
        self.with("", &["nodes/proxy"], &["get"])
    }

    /// Adds a cluster-wide rule.
    #[must_use]
    pub fn with(mut self, group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let (resources, verbs) = (owned(resources), owned(verbs));
        self.rules.push(Rule {
            group: group.to_owned(),
            resources,
            verbs,
            namespace: None,
            names: Vec::new(),
        });
        self
    }

    /// Adds a rule for the core group in one namespace.
    #[must_use]
    pub fn with_in(mut self, namespace: &str, resources: &[&str], verbs: &[&str]) -> Self {
        self = self.with("", resources, verbs);
        self.rules.iter_mut().last().unwrap().namespace = Some(namespace.to_owned());
        self
    }

    /// Adds a rule for one object of the core group in one namespace.
    #[must_use]
    pub fn with_named(mut self, namespace: &str, resource: &str, name: &str, verbs: &[&str]) -> Self {
        self.rules.push(Rule {
            group: String::new(),
            resources: vec![resource.to_owned()],
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            namespace: Some(namespace.to_owned()),
            names: vec![name.to_owned()],
        });
        self
    }

    /// Adds the rules of others, as of another group of the same caller.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.all |= other.all;
        self.rules.extend(other.rules);
        self
    }

    /// Removes a resource of a group from all rules.
    #[must_use]
    pub fn without(mut self, group: &str, resource: &str) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.group == group) {
            rule.resources.retain(|known| known != resource);
        }
        self
    }

    /// Whether the action is allowed. Actions that every caller may do (discovery, self reviews)
    /// are not checked here.
    pub(crate) fn allow(&self, asked: &Attributes) -> bool {
        self.all
            || self.rules.iter().any(|rule| {
                rule.group == asked.group
                    && rule.resources.contains(&asked.resource)
                    && rule.verbs.contains(&asked.verb)
                    && rule.namespace.as_ref().is_none_or(|namespace| *namespace == asked.namespace)
                    && (rule.names.is_empty() || rule.names.contains(&asked.name))
            })
    }
}

impl Attributes {
    /// The real server's message for a missing permission.
    pub(crate) fn refusal(&self, username: &str) -> String {
        let Self { verb, group, resource, namespace, name } = self;
        let kind = resource.split('/').next().unwrap_or_default();
        let kind = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let named = if name.is_empty() { String::new() } else { format!(" {name:?}") };
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {namespace:?}")
        };
        format!(
            "{kind}{named} is forbidden: User {username:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
        )
    }
}
