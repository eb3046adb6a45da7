//! Measures of logs: what a saved query of the user's file finds in each period.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::cluster::BadName;
use crate::model::metric::Unit;
use crate::model::subject::{Scope, Subject};
use crate::rules::pattern::NamePattern;

/// The field that fargaze itself counts: the events of a period that the query selects.
pub const COUNT: &str = "count";

/// A measure of a saved query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMeasure {
    /// Name of the query.
    pub query: String,
    /// Field of its result, or [`COUNT`].
    pub field: String,
    /// Unit of the values.
    pub unit: Unit,
    /// Where the query looks.
    pub places: QueryPlaces,
}

/// Where a saved query looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueryPlaces {
    /// In the log groups that these ECS services write to.
    Services(Vec<ServicePattern>),
    /// In the log groups that the pods of these EKS workloads write to.
    Workloads(Vec<WorkloadPattern>),
    /// In these log groups.
    Groups(Vec<NamePattern>),
}

/// `CLUSTER/SERVICE`, each a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePattern {
    /// Of the cluster.
    pub cluster: NamePattern,
    /// Of the service.
    pub service: NamePattern,
}

/// `CLUSTER/NAMESPACE/WORKLOAD`, each a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadPattern {
    /// Of the cluster.
    pub cluster: NamePattern,
    /// Of the namespace.
    pub namespace: NamePattern,
    /// Of the workload's name.
    pub name: NamePattern,
}

impl QueryPlaces {
    /// The kind of subject that rules on the query are evaluated for.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Services(_) => Scope::Service,
            Self::Workloads(_) => Scope::Workload,
            Self::Groups(_) => Scope::LogGroup,
        }
    }

    /// Whether the subject is among them.
    pub fn covers(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Services(patterns), Subject::Service(cluster, service)) => {
                let fits = |pattern: &ServicePattern| {
                    pattern.cluster.matches(cluster.as_str()) && pattern.service.matches(service.as_str())
                };
                patterns.iter().any(fits)
            }
            (Self::Workloads(patterns), Subject::Workload(cluster, workload)) => {
                let fits = |pattern: &WorkloadPattern| {
                    pattern.cluster.matches(cluster.as_str())
                        && pattern.namespace.matches(&workload.namespace)
                        && pattern.name.matches(&workload.name)
                };
                patterns.iter().any(fits)
            }
            (Self::Groups(patterns), Subject::LogGroup(group)) => {
                patterns.iter().any(|pattern| pattern.matches(group))
            }
            _ => false,
        }
    }
}

impl FromStr for ServicePattern {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            text: text.to_owned(),
            what: "pattern of services",
            expected: "CLUSTER/SERVICE such as shop/web or shop/*, of letters, digits, hyphens and underscores, with * for any part",
        };
        let [cluster, service] = parts(text).ok_or_else(bad)?;
        Ok(Self { cluster, service })
    }
}

impl FromStr for WorkloadPattern {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            text: text.to_owned(),
            what: "pattern of workloads",
            expected: "CLUSTER/NAMESPACE/WORKLOAD such as payments/shop/web or payments/*/*, with * for any part",
        };
        let [cluster, namespace, name] = parts(text).ok_or_else(bad)?;
        Ok(Self { cluster, namespace, name })
    }
}

/// The parts between slashes, if there are so many and each may match a name.
fn parts<const N: usize>(text: &str) -> Option<[NamePattern; N]> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-' | '_' | '.');
    let parts: Vec<NamePattern> = text
        .split('/')
        .filter(|part| !part.is_empty() && part.chars().all(fits))
        .map(NamePattern::new)
        .collect();
    // An empty part was left out above, and is not to be forgiven.
    let slashes = text.matches('/').count();
    parts.try_into().ok().filter(|_| slashes + 1 == N)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::subject::Workload;

    #[test]
    fn a_pattern_has_exactly_its_parts() {
        for good in ["shop/web", "shop/*", "*/*", "AWSBatch-*/x_y"] {
            assert!(good.parse::<ServicePattern>().is_ok(), "{good}");
        }
        for bad in ["shop", "shop/", "/web", "shop/web/x", "shop//web", "shop/we b", "", "shop/wéb"] {
            assert!(bad.parse::<ServicePattern>().is_err(), "{bad}");
        }
        assert!("payments/shop/web".parse::<WorkloadPattern>().is_ok());
        for bad in ["payments/shop", "payments/shop/web/x", "payments//web"] {
            assert!(bad.parse::<WorkloadPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_all_parts_match_is_covered() {
        let service =
            |cluster: &str, name: &str| Subject::Service(cluster.parse().unwrap(), name.parse().unwrap());
        let places = QueryPlaces::Services(vec!["shop/*".parse().unwrap(), "lab/web".parse().unwrap()]);
        assert!(places.covers(&service("shop", "web")) && places.covers(&service("lab", "web")));
        assert!(!places.covers(&service("lab", "api")) && !places.covers(&Subject::Account));
        let workload = Workload { namespace: "shop".into(), kind: "Deployment".into(), name: "web".into() };
        let workload = Subject::Workload("payments".parse().unwrap(), workload);
        assert!(QueryPlaces::Workloads(vec!["*/shop/w*".parse().unwrap()]).covers(&workload));
        assert!(!QueryPlaces::Workloads(vec!["*/lab/*".parse().unwrap()]).covers(&workload));
        let groups = QueryPlaces::Groups(vec![NamePattern::new("/aws/eks/*/cluster")]);
        assert!(groups.covers(&Subject::LogGroup("/aws/eks/payments/cluster".to_owned())));
        assert!(!groups.covers(&Subject::LogGroup("/ecs/web".to_owned())));
    }
}
