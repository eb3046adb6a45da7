//! What a rule is judged on, and the words that users have for it.

use std::str::FromStr;

use super::KubernetesMeasure;
use crate::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS, CatalogueMetric, DimensionSet};
use crate::cluster::{BadName, ClusterName};
use crate::derive::Formula;
use crate::insights::InsightsLevel;
use crate::metric::{Dimensions, Metric, Unit};
use crate::rule::Scope;
use crate::run::Platform;
use crate::subject::{Subject, Workload};

/// What is judged: one metric, a value derived from two, or what ECS itself says.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// A metric of the catalogue.
    Metric(&'static CatalogueMetric),
    /// A value computed from two metrics with the same dimensions.
    Derived {
        /// How it is computed.
        formula: Formula,
        /// Left side of the formula.
        first: &'static CatalogueMetric,
        /// Right side of the formula.
        second: &'static CatalogueMetric,
        /// Unit of the result.
        unit: Unit,
        /// What the result is called in a summary.
        label: &'static str,
    },
    /// Tasks that should run while not a single one does, by `DescribeServices`. Such a service publishes no metrics,
    /// so no metric can tell.
    NothingRunning,
    /// What is sampled of workloads on EKS.
    Kubernetes(KubernetesMeasure),
    /// Any metric of CloudWatch.
    Custom(CustomMetric),
}

/// A metric that the user spells out. Nothing is known of it but what the user says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomMetric {
    /// CloudWatch namespace such as `AWS/SQS`.
    pub namespace: String,
    /// Name, upper and lower case told apart.
    pub name: String,
    /// Exact set of dimensions. Values may hold `{cluster}`, `{service}`, `{task-family}`, `{namespace}` and
    /// `{workload}`.
    pub dimensions: Vec<(String, String)>,
    /// Unit of its values, to read the threshold and to write the summary; CloudWatch is not asked by it.
    pub unit: Unit,
}

/// Namespaces of CloudWatch whose metrics are about clusters of EKS (Amazon EKS User Guide, "Monitor cluster data with Amazon
/// CloudWatch"; CloudWatch User Guide, "Amazon EKS and Kubernetes Container Insights metrics").
pub const EKS_NAMESPACES: [&str; 2] = ["AWS/EKS", "ContainerInsights"];

/// The short words for `what:` that need no namespace.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().chain(KubernetesMeasure::ALL.into_iter().map(KubernetesMeasure::word))
}

fn kubernetes(text: &str) -> Option<KubernetesMeasure> {
    KubernetesMeasure::ALL.into_iter().find(|measure| measure.word() == text)
}

/// Those that are about services of ECS.
const WORDS: [&str; 7] = [
    "memory-percent",
    "cpu-percent",
    "memory-percent-of-reservation",
    "cpu-percent-of-reservation",
    "ephemeral-storage-percent",
    "running-below-desired",
    "nothing-running",
];

impl Measure {
    /// Unit of its values.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Metric(metric) => metric.unit,
            Self::Derived { unit, .. } => *unit,
            Self::NothingRunning => Unit::Count,
            Self::Kubernetes(measure) => measure.unit(),
            Self::Custom(custom) => custom.unit,
        }
    }

    /// What it is called in a summary, such as `memory` in "memory 93.1 %".
    pub fn label(&self) -> &str {
        match self {
            Self::Metric(metric) if metric.namespace == AWS_ECS && metric.name == "MemoryUtilization" => {
                "memory"
            }
            Self::Metric(metric) if metric.namespace == AWS_ECS && metric.name == "CPUUtilization" => "CPU",
            Self::Metric(metric) => metric.name,
            Self::Derived { label, .. } => label,
            Self::NothingRunning => "tasks missing",
            Self::Kubernetes(measure) => measure.label(),
            Self::Custom(custom) => &custom.name,
        }
    }

    /// Whether it has data in every minute in which a task of the service runs (Amazon ECS Developer Guide, "Amazon ECS
    /// CloudWatch metrics").
    pub fn is_always_published(&self) -> bool {
        matches!(self, Self::Metric(metric) if metric.namespace == AWS_ECS
            && ["CPUUtilization", "MemoryUtilization"].contains(&metric.name))
    }

    /// Metrics of the catalogue that it is made of.
    pub fn metrics(&self) -> impl Iterator<Item = &'static CatalogueMetric> + use<> {
        let (first, second) = match *self {
            Self::Metric(metric) => (Some(metric), None),
            Self::Derived { first, second, .. } => (Some(first), Some(second)),
            Self::NothingRunning | Self::Kubernetes(_) | Self::Custom(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Least setting of Container Insights with which a cluster publishes what is needed.
    pub fn needs(&self) -> InsightsLevel {
        match self {
            Self::Custom(custom) => custom.needs(),
            _ => self.metrics().map(|metric| metric.needs).max().unwrap_or_default(),
        }
    }

    /// Whether it exists for that scope.
    pub fn supports(&self, scope: Scope) -> bool {
        let set = match scope {
            Scope::Cluster => Some(DimensionSet::Cluster),
            Scope::Service => Some(DimensionSet::Service),
            Scope::TaskFamily => Some(DimensionSet::Family),
            Scope::Workload => None,
        };
        match self {
            Self::NothingRunning => scope == Scope::Service,
            Self::Kubernetes(measure) => scope == measure.scope(),
            Self::Custom(custom) => custom.placeholders().all(|name| scope.fills(name)),
            Self::Metric(_) | Self::Derived { .. } => {
                set.is_some_and(|set| self.metrics().all(|metric| metric.dimension_sets.contains(&set)))
            }
        }
    }

    /// Whether it is about clusters of ECS or of EKS.
    pub fn platform(&self) -> Platform {
        match self {
            Self::Kubernetes(_) => Platform::Eks,
            Self::Custom(custom) if EKS_NAMESPACES.contains(&custom.namespace.as_str()) => Platform::Eks,
            Self::Metric(_) | Self::Derived { .. } | Self::NothingRunning | Self::Custom(_) => Platform::Ecs,
        }
    }

    /// The metrics that it is made of for this subject: none, one, or the two of a derived value.
    pub fn of(&self, subject: &Subject) -> Vec<Metric> {
        match self {
            Self::Custom(custom) => vec![custom.of(subject)],
            Self::Kubernetes(measure) => vec![measure.of(subject)],
            _ => self.metrics().filter_map(|metric| metric.of(subject)).collect(),
        }
    }
}

impl Scope {
    /// Whether subjects of this scope have a name for the placeholder.
    pub fn fills(self, placeholder: &str) -> bool {
        match placeholder {
            "cluster" => true,
            "service" => self == Self::Service,
            "task-family" => self == Self::TaskFamily,
            "namespace" | "workload" => self == Self::Workload,
            _ => false,
        }
    }
}

impl CustomMetric {
    /// Names between braces in the values of the dimensions.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let parts = self.dimensions.iter().flat_map(|(_, value)| value.split('{').skip(1));
        parts.map(|part| part.split_once('}').map_or(part, |(name, _)| name))
    }

    /// The metric of one subject.
    pub fn of(&self, subject: &Subject) -> Metric {
        let cluster = subject.cluster().map_or("", ClusterName::as_str);
        let fill = |value: &str| {
            let value = value.replace("{cluster}", cluster);
            match subject {
                Subject::Account | Subject::Cluster(_) => value,
                Subject::Service(_, service) => value.replace("{service}", service.as_str()),
                Subject::TaskFamily(_, family) => value.replace("{task-family}", family),
                Subject::Workload(_, Workload { namespace, name, .. }) => {
                    value.replace("{namespace}", namespace).replace("{workload}", name)
                }
            }
        };
        let dimensions = self.dimensions.iter().map(|(name, value)| (name.clone(), fill(value)));
        Metric {
            namespace: self.namespace.clone().into(),
            name: self.name.clone().into(),
            dimensions: Dimensions::new(dimensions),
        }
    }

    fn needs(&self) -> InsightsLevel {
        let known = catalogue::find(&self.namespace, &self.name).map(|metric| metric.needs);
        let of_namespace = match self.namespace.as_str() {
            CONTAINER_INSIGHTS => InsightsLevel::Enabled,
            _ => InsightsLevel::Disabled,
        };
        known.unwrap_or(of_namespace)
    }
}

impl FromStr for Measure {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            text: text.to_owned(),
            what: "measure",
            expected: "a word such as memory-percent, cpu-percent, memory-percent-of-reservation, cpu-percent-of-reservation, \
                       ephemeral-storage-percent, running-below-desired, nothing-running, or a namespace and a metric \
                       of the catalogue such as `ECS/ContainerInsights CpuUtilized`",
        };
        let metric = |namespace, name| catalogue::find(namespace, name).ok_or_else(bad);
        let derived = |formula, first, second, unit, label| {
            let (first, second) = (metric(CONTAINER_INSIGHTS, first)?, metric(CONTAINER_INSIGHTS, second)?);
            Ok(Self::Derived { formula, first, second, unit, label })
        };
        let percent = |first, second, label| derived(Formula::PercentOf, first, second, Unit::Percent, label);
        match text {
            "memory-percent" => Ok(Self::Metric(metric(AWS_ECS, "MemoryUtilization")?)),
            "cpu-percent" => Ok(Self::Metric(metric(AWS_ECS, "CPUUtilization")?)),
            "memory-percent-of-reservation" => percent("MemoryUtilized", "MemoryReserved", "memory"),
            "cpu-percent-of-reservation" => percent("CpuUtilized", "CpuReserved", "CPU"),
            "ephemeral-storage-percent" => {
                percent("EphemeralStorageUtilized", "EphemeralStorageReserved", "ephemeral storage")
            }
            "running-below-desired" => {
                let (desired, running) = ("DesiredTaskCount", "RunningTaskCount");
                derived(Formula::Minus, desired, running, Unit::Count, "tasks missing")
            }
            "nothing-running" => Ok(Self::NothingRunning),
            _ if let Some(measure) = kubernetes(text) => Ok(Self::Kubernetes(measure)),
            _ => {
                let (namespace, name) = text.split_once(' ').ok_or_else(bad)?;
                Ok(Self::Metric(metric(namespace, name.trim())?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_measure_and_nonsense_is_none() {
        for word in words() {
            let measure = word.parse::<Measure>().unwrap();
            let scopes = [Scope::Service, Scope::Workload, Scope::Cluster];
            assert!(scopes.into_iter().any(|scope| measure.supports(scope)), "{word}");
        }
        assert!("ECS/ContainerInsights CpuUtilized".parse::<Measure>().unwrap().supports(Scope::Cluster));
        for text in ["memory", "AWS/ECS memoryutilization", "AWS/EC2 CPUUtilization", ""] {
            assert!(text.parse::<Measure>().is_err(), "{text}");
        }
    }

    #[test]
    fn t1_an_amount_is_no_percentage() {
        assert_eq!("memory-percent-of-reservation".parse::<Measure>().unwrap().unit(), Unit::Percent);
        assert_eq!(
            "ECS/ContainerInsights MemoryUtilized".parse::<Measure>().unwrap().unit(),
            Unit::Megabytes
        );
    }

    #[test]
    fn needs_follow_the_catalogue() {
        let needs = |text: &str| text.parse::<Measure>().unwrap().needs();
        assert_eq!(needs("cpu-percent"), InsightsLevel::Disabled);
        assert_eq!(needs("running-below-desired"), InsightsLevel::Enabled);
        assert_eq!(needs("ECS/ContainerInsights TaskCpuUtilization"), InsightsLevel::Enhanced);
        for (namespace, name, level) in [
            ("AWS/SQS", "ApproximateAgeOfOldestMessage", InsightsLevel::Disabled),
            ("ECS/ContainerInsights", "TaskCpuUtilization", InsightsLevel::Enhanced),
            ("ECS/ContainerInsights", "BrandNew", InsightsLevel::Enabled),
        ] {
            let custom = CustomMetric {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions: Vec::new(),
                unit: Unit::Count,
            };
            assert_eq!(Measure::Custom(custom).needs(), level, "{name}");
        }
    }

    #[test]
    fn families_are_judged_by_metrics_that_are_published_per_family() {
        let of_family = |text: &str| text.parse::<Measure>().unwrap().supports(Scope::TaskFamily);
        assert!(of_family("memory-percent-of-reservation"));
        assert!(!of_family("memory-percent") && !of_family("nothing-running"));
    }

    #[test]
    fn placeholders_are_filled_with_the_subject() {
        let custom = CustomMetric {
            namespace: "Shop".to_owned(),
            name: "Orders".to_owned(),
            dimensions: vec![
                ("Service".to_owned(), "{service}".to_owned()),
                ("Where".to_owned(), "{cluster}/x".to_owned()),
            ],
            unit: Unit::Count,
        };
        assert_eq!(custom.placeholders().collect::<Vec<_>>(), ["service", "cluster"]);
        let subject = Subject::Service("shop".parse().unwrap(), "web".parse().unwrap());
        assert_eq!(custom.of(&subject).to_string(), "Shop Orders {Service=web, Where=shop/x}");
        let measure = Measure::Custom(custom);
        assert!(measure.supports(Scope::Service) && !measure.supports(Scope::Cluster));
    }
}
