//! How services are set up: learnt whenever a service is described, with the load balancers of its
//! target groups from the metrics that `CloudWatch` has of them.

use std::collections::BTreeMap;

use fargaze::evidence::inventory::{Balancers, CachedInventory};
use fargaze::invocation::states::TargetTask;
use fargaze::model::cluster::{ClusterName, ServiceName};
use fargaze::model::fault::Fault;
use fargaze::model::load_balancer::{Balancer, BalancerKind};
use fargaze::model::run::RunKind;
use fargaze::rules::AlarmRule;
use fargaze_aws::{CloudWatch, DescribedServices, Ecs};

/// The metric that shows which load balancer routes to a target group: it exists for each pair of
/// them that has health checks, also without requests.
const PAIRED: &str = "HealthyHostCount";

/// Reads setups in one run.
#[derive(Debug)]
pub(crate) struct Setups<'a> {
    pub(crate) task: &'a TargetTask,
    pub(crate) ecs: &'a Ecs,
    pub(crate) cloudwatch: &'a CloudWatch,
}

/// What was learnt about setups.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// Whether the inventory has changed.
    pub(crate) has_changed: bool,
    /// What could not be read.
    pub(crate) faults: Vec<Fault>,
}

/// Services by cluster.
type Names = BTreeMap<ClusterName, Vec<ServiceName>>;

impl Setups<'_> {
    /// The services to describe before anything is queried: in a report all of them, else those
    /// that were never described, if a rule depends on how services are set up.
    pub(crate) fn unknown(&self, cached: &CachedInventory, rules: &[AlarmRule]) -> Names {
        if self.task.run.kind == RunKind::Report {
            let clusters = cached.inventory.clusters.iter();
            let services = clusters.map(|(name, entry)| (name.clone(), entry.services().to_vec()));
            services.filter(|(_, services)| !services.is_empty()).collect()
        } else if rules.iter().any(AlarmRule::needs_setup) {
            cached.undescribed()
        } else {
            Names::new()
        }
    }

    /// Describes services and learns from them.
    pub(crate) async fn describe(
        &self,
        cached: &mut CachedInventory,
        names: &Names,
    ) -> (DescribedServices, Learnt) {
        let mut described = self.ecs.describe_services(names).await;
        // A load balancer may have been replaced.
        let is_check = cached.checked_at == self.task.run.time;
        let mut learnt = self.learn(cached, &described, is_check).await;
        described.faults.append(&mut learnt.faults);
        (described, learnt)
    }

    /// Learns from described services. The load balancers of target groups are read if something is
    /// new, or if `is_check`.
    pub(crate) async fn learn(
        &self,
        cached: &mut CachedInventory,
        described: &DescribedServices,
        is_check: bool,
    ) -> Learnt {
        let mut learnt = Learnt { has_changed: cached.learn(&described.found), faults: Vec::new() };
        if (learnt.has_changed || is_check) && cached.target_groups().next().is_some() {
            let (application, network) = tokio::join!(
                self.balancers(BalancerKind::Application),
                self.balancers(BalancerKind::Network)
            );
            for balancers in [application, network] {
                match balancers {
                    Ok(balancers) => learnt.has_changed |= cached.balance(&balancers),
                    Err(fault) => learnt.faults.push(fault),
                }
            }
        }
        learnt
    }

    async fn balancers(&self, kind: BalancerKind) -> Result<Balancers, Fault> {
        let metrics = self.cloudwatch.list_active_metrics(kind.namespace(), PAIRED).await?;
        let mut balancers = Balancers::new();
        for metric in &metrics {
            let dimensions = &metric.dimensions;
            let balancer = dimensions.get("LoadBalancer").and_then(Balancer::from_dimension);
            if let Some((group, balancer)) = dimensions.get("TargetGroup").zip(balancer) {
                balancers.entry(group.to_owned()).or_default().insert(balancer);
            }
        }
        Ok(balancers)
    }
}

/// The services among `names` that have not been described yet.
pub(crate) fn without(names: Names, described: &Names) -> Names {
    let rest = names.into_iter().map(|(cluster, mut services)| {
        if let Some(described) = described.get(&cluster) {
            services.retain(|service| !described.contains(service));
        }
        (cluster, services)
    });
    rest.filter(|(_, services)| !services.is_empty()).collect()
}
