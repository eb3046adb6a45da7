//! Permissions as users grant them: the YAML for `kubectl apply`.

use serde_json::Value;

use crate::rights::{Rights, Rule};

impl Rights {
    /// The permissions of a group in these manifests: the rules of all Roles and `ClusterRoles`
    /// bound to it.
    pub fn of_manifests(yaml: &str, group: &str) -> Self {
        let documents = yaml.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap());
        let documents: Vec<Value> = documents.collect();
        let is_binding =
            |document: &&Value| kind(document).ends_with("RoleBinding") && binds(document, group);
        let mut rights = Self::none();
        for binding in documents.iter().filter(is_binding) {
            let role = documents.iter().find(|document| is_role_of(document, binding));
            let role = role.expect("a binding has its role in the same file");
            // A ClusterRole bound by a RoleBinding applies in the namespace of the binding.
            let namespace = binding["metadata"]["namespace"].as_str();
            let rules = role["rules"].as_array().unwrap().iter();
            rights.rules.extend(rules.flat_map(|rule| read(rule, namespace)));
        }
        rights
    }

    /// All these permissions except one, for each of them: its name, and the rest.
    pub fn each_taken_away(&self) -> Vec<(String, Self)> {
        let single: Vec<Rule> = self.rules.iter().flat_map(Rule::singles).collect();
        let without = |taken: usize| {
            let rest = single.iter().enumerate().filter(|(at, _)| *at != taken);
            let mut left = Self::none();
            left.rules.extend(rest.map(|(_, rule)| rule.clone()));
            left
        };
        (0..single.len()).map(|taken| (single[taken].words(), without(taken))).collect()
    }
}

impl Rule {
    /// One for each verb on each resource.
    fn singles(&self) -> Vec<Self> {
        let pairs =
            self.resources.iter().flat_map(|resource| self.verbs.iter().map(move |verb| (resource, verb)));
        let single = |(resource, verb): (&String, &String)| Self {
            resources: vec![resource.clone()],
            verbs: vec![verb.clone()],
            ..self.clone()
        };
        pairs.map(single).collect()
    }

    /// `list deployments.apps`, `get configmaps aws-logging`
    fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let what = format!("{} {}{group}", self.verbs.join(","), self.resources.join(","));
        [what].into_iter().chain(self.names.clone()).collect::<Vec<_>>().join(" ")
    }
}

fn kind(document: &Value) -> &str {
    document["kind"].as_str().unwrap_or_default()
}

fn binds(binding: &Value, group: &str) -> bool {
    let mut subjects = binding["subjects"].as_array().unwrap().iter();
    subjects.any(|subject| subject["kind"] == "Group" && subject["name"] == group)
}

fn is_role_of(document: &Value, binding: &Value) -> bool {
    let of = &binding["roleRef"];
    let is_here = kind(document) == "ClusterRole"
        || document["metadata"]["namespace"] == binding["metadata"]["namespace"];
    of["kind"] == document["kind"] && of["name"] == document["metadata"]["name"] && is_here
}

fn read(rule: &Value, namespace: Option<&str>) -> Vec<Rule> {
    let words = |field: &str| {
        let words = rule[field].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of_group = |group| Rule {
        group,
        resources: words("resources"),
        verbs: words("verbs"),
        namespace: namespace.map(ToOwned::to_owned),
        names: words("resourceNames"),
    };
    words("apiGroups").into_iter().map(of_group).collect()
}
