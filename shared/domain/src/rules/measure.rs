//! Measures that rules are evaluated on, and their words in the user's file.

use super::QuotaFigure;
use std::str::FromStr;

use super::log_query::LogMeasure;
use super::source::{BalancerFigure, Sampled, ServiceFigure, Source, TaskFigure};
use super::table::{Gap, MEASURES, MeasureRow};
use crate::model::catalogue::{self, CONTAINER_INSIGHTS, CatalogueMetric, DimensionSet};
use crate::model::cluster::{BadName, ClusterName};
use crate::model::insights::InsightsLevel;
use crate::model::metric::{Dimensions, Metric, Unit};
use crate::model::run::Platform;
use crate::model::subject::{Subject, Workload};
use crate::rules::Scope;

/// A measure.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// A row of the table, by its word.
    Named(&'static MeasureRow),
    /// A metric of the catalogue, by namespace and name.
    Metric(&'static CatalogueMetric),
    /// Any metric of CloudWatch.
    Custom(CustomMetric),
    /// What a saved query of logs finds.
    Log(LogMeasure),
}

/// A metric that the user specifies in full. fargaze knows only what the user specifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomMetric {
    /// CloudWatch namespace such as `AWS/SQS`.
    pub namespace: String,
    /// Name, case-sensitive.
    pub name: String,
    /// Exact set of dimensions. Values may contain `{cluster}`, `{service}`, `{task-family}`,
    /// `{namespace}` and `{workload}`.
    pub dimensions: Vec<(String, String)>,
    /// Unit of its values, to parse the threshold and to write summaries; it is not part of
    /// CloudWatch queries.
    pub unit: Unit,
}

/// CloudWatch namespaces with metrics of EKS clusters (Amazon EKS User Guide, "Monitor cluster data
/// with Amazon CloudWatch"; CloudWatch User Guide, "Amazon EKS and Kubernetes Container Insights
/// metrics").
pub const EKS_NAMESPACES: [&str; 2] = ["AWS/EKS", "ContainerInsights"];

/// The words for `what:` that need no namespace.
pub fn words() -> impl Iterator<Item = &'static str> {
    MEASURES.iter().map(|row| row.word)
}

/// The words of the measures whose periods have a number of requests.
pub fn measures_with_samples() -> impl Iterator<Item = &'static str> {
    let measures = MEASURES.iter().map(|row| (row.word, Measure::Named(row).balancer_figure()));
    measures.filter(|(_, figure)| figure.is_some_and(BalancerFigure::has_samples)).map(|(word, _)| word)
}

/// The words of the measures that exist for a scope.
pub fn words_of(scope: Scope) -> impl Iterator<Item = &'static str> {
    MEASURES.iter().filter(move |row| Measure::Named(row).supports(scope)).map(|row| row.word)
}

impl Measure {
    /// Unit of its values.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Named(row) => row.unit,
            Self::Metric(metric) => metric.unit,
            Self::Custom(custom) => custom.unit,
            Self::Log(log) => log.unit,
        }
    }

    /// Its label in summaries, such as `memory` in "memory 93.1 %".
    pub fn label(&self) -> &str {
        match self {
            Self::Named(row) => row.label,
            Self::Metric(metric) => metric.name,
            Self::Custom(custom) => &custom.name,
            Self::Log(log) => &log.query,
        }
    }

    /// Its sources: the first that can answer for a subject is used.
    pub fn sources(&self) -> impl Iterator<Item = Source> + use<> {
        let (rows, one): (&'static [Source], _) = match *self {
            Self::Named(row) => (row.sources, None),
            Self::Metric(metric) => (&[], Some(Source::Metric(metric))),
            Self::Custom(_) => (&[], Some(Source::Custom)),
            Self::Log(_) => (&[], Some(Source::LogsInsights)),
        };
        rows.iter().copied().chain(one)
    }

    /// Whether it has data for every minute in which a task of the service runs.
    pub fn is_always_published(&self) -> bool {
        matches!(self, Self::Named(MeasureRow { gap: Gap::NoTask, .. }))
    }

    /// How it is sampled once per run, if it is.
    pub fn sampled(&self) -> Option<Sampled> {
        match self {
            Self::Named(row) => row.sampled(),
            Self::Metric(_) | Self::Custom(_) | Self::Log(_) => None,
        }
    }

    /// Whether it is computed from two metrics by fargaze, not by CloudWatch.
    pub fn is_derived(&self) -> bool {
        self.sources().any(|source| matches!(source, Source::Derived { .. }))
    }

    /// The figure that is requested from ECS for it, if any.
    pub fn service_figure(&self) -> Option<ServiceFigure> {
        self.sources().find_map(|source| match source {
            Source::EcsApi(figure) => Some(figure),
            _ => None,
        })
    }

    /// What is counted of the events of tasks for it, if anything.
    pub fn task_figure(&self) -> Option<TaskFigure> {
        self.sources().find_map(|source| match source {
            Source::TaskEvents(figure) => Some(figure),
            _ => None,
        })
    }

    /// The figure of load balancers that it is, if it is one.
    pub fn balancer_figure(&self) -> Option<BalancerFigure> {
        self.sources().find_map(|source| match source {
            Source::LoadBalancer(figure) => Some(figure),
            _ => None,
        })
    }

    /// The quota whose use it is, if it is one.
    pub fn quota_figure(&self) -> Option<QuotaFigure> {
        self.sources().find_map(|source| match source {
            Source::Quota(figure) => Some(figure),
            _ => None,
        })
    }

    /// Whether there are no values for the time before the run, so that a rule can evaluate only
    /// one period.
    pub fn is_of_one_instant(&self) -> bool {
        self.sources().all(|source| matches!(source, Source::EcsApi(figure) if !figure.lasts()))
    }

    /// The metrics of the catalogue that it consists of.
    pub fn metrics(&self) -> impl Iterator<Item = &'static CatalogueMetric> + use<> {
        self.sources().flat_map(Source::metrics)
    }

    /// Lowest Container Insights level at which one of its sources can answer.
    pub fn needs(&self) -> InsightsLevel {
        match self {
            Self::Custom(custom) => custom.needs(),
            _ => self.sources().map(Source::needs).min().unwrap_or_default(),
        }
    }

    /// Whether it exists for this scope.
    pub fn supports(&self, scope: Scope) -> bool {
        match self {
            Self::Named(row) => row.scopes.contains(&scope),
            Self::Custom(custom) => custom.placeholders().all(|name| scope.fills(name)),
            Self::Log(log) => log.places.scope() == scope,
            Self::Metric(metric) => scope.dimensions().is_some_and(|set| metric.is_published_per(set)),
        }
    }

    /// Whether it is a measure of ECS or of EKS.
    pub fn platform(&self) -> Platform {
        let is_eks = match self {
            Self::Named(row) => row.sampled().is_some(),
            Self::Metric(_) | Self::Log(_) => false,
            Self::Custom(custom) => EKS_NAMESPACES.contains(&custom.namespace.as_str()),
        };
        if is_eks { Platform::Eks } else { Platform::Ecs }
    }

    /// Its metrics in a snapshot: none, one, or the two of a derived value.
    pub fn of(&self, subject: &Subject) -> Vec<Metric> {
        match (self, self.sampled()) {
            (Self::Custom(custom), _) => vec![custom.of(subject)],
            (_, Some(sampled)) => vec![sampled.of(subject)],
            _ => self.metrics().filter_map(|metric| metric.of(subject)).collect(),
        }
    }
}

impl Scope {
    /// Dimensions of the metrics of its subjects, for tasks and containers those of services; `None` for workloads and log groups, for which ECS
    /// has no metrics.
    pub(crate) fn dimensions(self) -> Option<DimensionSet> {
        match self {
            Self::Cluster => Some(DimensionSet::Cluster),
            Self::Service => Some(DimensionSet::Service),
            Self::TaskFamily => Some(DimensionSet::Family),
            Self::Task => Some(DimensionSet::ServiceTask),
            Self::Container => Some(DimensionSet::ServiceContainer),
            Self::Account | Self::Workload | Self::LogGroup => None,
        }
    }

    /// Whether subjects of this scope have a value for the placeholder.
    pub fn fills(self, placeholder: &str) -> bool {
        match placeholder {
            "cluster" => !matches!(self, Self::Account | Self::LogGroup),
            "service" => self == Self::Service,
            "task-family" => self == Self::TaskFamily,
            "task" => self == Self::Task,
            "container" => self == Self::Container,
            "namespace" | "workload" => self == Self::Workload,
            _ => false,
        }
    }
}

impl CustomMetric {
    /// Names in braces in the dimension values.
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
                Subject::Account | Subject::Cluster(_) | Subject::LogGroup(_) => value,
                Subject::Service(_, service) => value.replace("{service}", service.as_str()),
                Subject::TaskFamily(_, family) => value.replace("{task-family}", family),
                Subject::Task(_, _, id) => value.replace("{task}", id),
                Subject::Container(_, _, name) => value.replace("{container}", name),
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
        if let Some(row) = MEASURES.iter().find(|row| row.word == text) {
            return Ok(Self::Named(row));
        }
        let metric =
            text.split_once(' ').and_then(|(namespace, name)| catalogue::find(namespace, name.trim()));
        // A metric that is the only source of a table row becomes that row.
        let row = |metric| MEASURES.iter().find(|row| *row.sources == [Source::Metric(metric)]);
        metric.map(|metric| row(metric).map_or(Self::Metric(metric), Self::Named)).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "measure",
            expected: "a word from the table in docs/rules.md such as memory-percent, or a namespace and a metric of the \
                       catalogue such as `ECS/ContainerInsights CpuUtilized`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_measure_and_nonsense_is_rejected() {
        for word in words() {
            let measure = word.parse::<Measure>().unwrap();
            let scopes = [Scope::Service, Scope::Workload, Scope::Cluster, Scope::Account];
            assert!(scopes.into_iter().any(|scope| measure.supports(scope)), "{word}");
        }
        assert!("ECS/ContainerInsights CpuUtilized".parse::<Measure>().unwrap().supports(Scope::Cluster));
        for text in ["memory", "AWS/ECS memoryutilization", "AWS/EC2 CPUUtilization", ""] {
            assert!(text.parse::<Measure>().is_err(), "{text}");
        }
    }

    #[test]
    fn t1_an_amount_is_not_a_percentage() {
        assert_eq!("memory-percent-of-reservation".parse::<Measure>().unwrap().unit(), Unit::Percent);
        assert_eq!(
            "ECS/ContainerInsights MemoryUtilized".parse::<Measure>().unwrap().unit(),
            Unit::Megabytes
        );
    }

    #[test]
    fn the_metric_of_a_measure_is_parsed_as_that_measure() {
        assert_eq!("AWS/ECS CPUUtilization".parse::<Measure>(), "cpu-percent".parse());
        assert!("AWS/ECS MemoryUtilization".parse::<Measure>().unwrap().is_always_published());
        assert!(!"AWS/ECS EBSFilesystemUtilization".parse::<Measure>().unwrap().is_always_published());
    }

    #[test]
    fn needs_follow_the_catalogue() {
        let needs = |text: &str| text.parse::<Measure>().unwrap().needs();
        assert_eq!(needs("cpu-percent"), InsightsLevel::Disabled);
        assert_eq!(needs("cpu-percent-of-reservation"), InsightsLevel::Enabled);
        assert_eq!(needs("running-below-desired"), InsightsLevel::Disabled, "ECS reports it, too");
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
    fn families_support_metrics_that_are_published_per_family() {
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
