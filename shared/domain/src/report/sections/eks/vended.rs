//! Metrics that AWS itself publishes about a cluster: its control plane, or Container Insights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::metric::{MetricQuery, Statistic};
use crate::model::series::Reading;
use crate::model::window::Window;
use crate::report::measured::figures::{highest, mean, points, tenth};
use crate::text::Text;

/// Most metrics that a report keeps for a cluster.
const MOST: usize = 100;

/// The values of one metric over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VendedMetric {
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its dimensions except the cluster's name: `Namespace=shop`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Text>,
    /// Sum over the window, for counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// Mean of the window; absent for counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Highest value of the window; for counters the highest sum of one period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

/// The metrics of one cluster so far, by namespace, name and dimensions.
#[derive(Debug, Default)]
pub(crate) struct Vended(BTreeMap<(Text, Text, Vec<Text>), VendedMetric>);

impl Vended {
    /// Takes the part of a reading that is within the report's window: the query may cover a longer
    /// one.
    pub(crate) fn take(&mut self, query: &MetricQuery, reading: &Reading, window: &Window) {
        let MetricQuery { metric, statistic, .. } = query;
        let mut points = points(reading).to_vec();
        points.retain(|point| (window.start..window.end).contains(&point.timestamp));
        let (average, maximum) = (mean(&points), highest(&points));
        if maximum.is_none() {
            return;
        }
        let others = metric.dimensions.iter().filter(|(name, _)| *name != "ClusterName");
        let dimensions: Vec<Text> =
            others.map(|(name, value)| Text::new(&format!("{name}={value}"))).collect();
        let (namespace, name) = (Text::new(&metric.namespace), Text::new(&metric.name));
        let seen = self.0.entry((namespace, name, dimensions)).or_default();
        match statistic {
            Statistic::Maximum => seen.maximum = maximum,
            Statistic::Sum => {
                let values = points.iter().map(|point| point.value).filter(|value| value.is_finite());
                (seen.total, seen.maximum) = (Some(tenth(values.sum())), maximum);
            }
            _ => seen.average = average,
        }
    }

    /// The first metrics, and the number of the others.
    pub(crate) fn finish(self) -> (Vec<VendedMetric>, usize) {
        let left_out = self.0.len().saturating_sub(MOST);
        let named = self.0.into_iter().take(MOST).map(|((namespace, name, dimensions), metric)| {
            VendedMetric { namespace, name, dimensions, ..metric }
        });
        (named.collect(), left_out)
    }
}
