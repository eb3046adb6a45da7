//! What tests set up: EKS clusters with their equipment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

/// An EKS cluster.
#[derive(Clone, Debug)]
pub struct EksClusterSpec {
    /// Its name.
    pub name: String,
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// URL of the API server; `None` while the cluster is being created.
    pub endpoint: Option<String>,
    /// Base64 of the PEM of its certificate authority.
    pub certificate_authority: Option<String>,
    /// Whether its endpoint is public.
    pub public_endpoint: bool,
    /// CIDR blocks that the public endpoint admits.
    pub public_access_cidrs: Vec<String>,
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    pub authentication_mode: String,
    /// Types of control-plane logs that are on.
    pub logs: BTreeSet<String>,
    /// Its Fargate profiles.
    pub profiles: Vec<ProfileSpec>,
    /// Its managed node groups.
    pub node_groups: Vec<String>,
    /// Its add-ons by name.
    pub addons: BTreeMap<String, AddonSpec>,
    /// Principals with an access entry, each with its Kubernetes groups.
    pub access_entries: BTreeMap<String, Vec<String>>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Updates by id.
    pub updates: BTreeMap<String, UpdateSpec>,
    /// Answers to changes by their `clientRequestToken`: a repeated call changes nothing and
    /// receives the same response.
    pub(super) answered: BTreeMap<String, Value>,
}

/// A Fargate profile.
#[derive(Clone, Debug)]
pub struct ProfileSpec {
    /// Its name.
    pub name: String,
    /// Namespaces that it selects.
    pub namespaces: Vec<String>,
    /// `ACTIVE` and so on.
    pub status: String,
}

/// An add-on.
#[derive(Clone, Debug)]
pub struct AddonSpec {
    /// `ACTIVE` and so on.
    pub status: String,
    /// Its version.
    pub version: String,
    /// Code and message of its health issues.
    pub issues: Vec<(String, String)>,
}

/// A change of a cluster that EKS is making.
#[derive(Clone, Debug)]
pub struct UpdateSpec {
    /// `InProgress`, `Successful`, `Failed` or `Cancelled`.
    pub status: String,
    /// Log types that are on after it has succeeded.
    pub logs: BTreeSet<String>,
    /// Why it failed.
    pub errors: Vec<(String, String)>,
}

impl EksClusterSpec {
    /// An ACTIVE cluster with a public endpoint, access entries, and nothing set up.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: "ACTIVE".to_owned(),
            endpoint: None,
            certificate_authority: None,
            public_endpoint: true,
            public_access_cidrs: vec!["0.0.0.0/0".to_owned()],
            authentication_mode: "API".to_owned(),
            logs: BTreeSet::new(),
            profiles: Vec::new(),
            node_groups: Vec::new(),
            addons: BTreeMap::new(),
            access_entries: BTreeMap::new(),
            tags: BTreeMap::new(),
            created_at: Timestamp::UNIX_EPOCH,
            updates: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    /// Sets the address of its API server.
    #[must_use]
    pub fn at(mut self, endpoint: &str, certificate_authority: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self.certificate_authority = Some(certificate_authority.to_owned());
        self
    }

    /// Adds a Fargate profile.
    #[must_use]
    pub fn profile(mut self, name: &str, namespaces: &[&str]) -> Self {
        let namespaces = namespaces.iter().map(ToString::to_string).collect();
        self.profiles.push(ProfileSpec { name: name.to_owned(), namespaces, status: "ACTIVE".to_owned() });
        self
    }

    /// Adds an ACTIVE add-on.
    #[must_use]
    pub fn addon(mut self, name: &str, version: &str) -> Self {
        let addon =
            AddonSpec { status: "ACTIVE".to_owned(), version: version.to_owned(), issues: Vec::new() };
        self.addons.insert(name.to_owned(), addon);
        self
    }

    /// Adds a managed node group.
    #[must_use]
    pub fn node_group(mut self, name: &str) -> Self {
        self.node_groups.push(name.to_owned());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Turns a type of control-plane logs on.
    #[must_use]
    pub fn log(mut self, log: &str) -> Self {
        self.logs.insert(log.to_owned());
        self
    }

    /// Sets its status and creation time.
    #[must_use]
    pub fn since(mut self, status: &str, created_at: Timestamp) -> Self {
        (self.status, self.created_at) = (status.to_owned(), created_at);
        self
    }

    /// Completes all pending add-ons successfully.
    pub fn finish_addons(&mut self) {
        for addon in self.addons.values_mut().filter(|addon| addon.status == "CREATING") {
            "ACTIVE".clone_into(&mut addon.status);
        }
    }

    /// Completes all updates successfully and applies their changes.
    pub fn finish_updates(&mut self) {
        for update in self.updates.values_mut().filter(|update| update.status == "InProgress") {
            "Successful".clone_into(&mut update.status);
            self.logs = update.logs.clone();
        }
        "ACTIVE".clone_into(&mut self.status);
    }
}
