//! Amazon ECS: what a service runs on, and what is in front of it.

use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, Deployment, LaunchType, LoadBalancer, Service, TaskSet,
};
use fargaze::evidence::inventory::ServiceSetup;
use fargaze::model::compute::{Capacity, Compute, ProviderShare};
use fargaze::model::load_balancer::{Balancer, LoadBalancing, Route, TargetGroup};

/// How a service is set up.
pub(super) fn setup(service: &Service) -> ServiceSetup {
    ServiceSetup { compute: compute(service), load_balancing: load_balancing(service) }
}

/// Of the newest deployment or task set; a controller leaves the members that it does not use
/// empty.
fn compute(service: &Service) -> Compute {
    let deployment = primary(service.deployments(), Deployment::status);
    let task_set = primary(service.task_sets(), TaskSet::status);
    let strategy = [
        deployment.map(Deployment::capacity_provider_strategy),
        task_set.map(TaskSet::capacity_provider_strategy),
        Some(service.capacity_provider_strategy()),
    ];
    let strategy = strategy.into_iter().flatten().find(|strategy| !strategy.is_empty()).unwrap_or_default();
    let strategy: Vec<ProviderShare> = strategy.iter().map(share).collect();
    let launch_type = deployment.and_then(Deployment::launch_type);
    let launch_type = launch_type.or_else(|| task_set?.launch_type()).or(service.launch_type());
    // A launch type beside a strategy is that of an older deployment.
    let launch_type = launch_type.filter(|_| strategy.is_empty()).map(LaunchType::as_str);
    let version = deployment.and_then(Deployment::platform_version);
    let version = version.or_else(|| task_set?.platform_version()).or(service.platform_version());
    let family = deployment.and_then(Deployment::platform_family);
    let family = family.or_else(|| task_set?.platform_family()).or(service.platform_family());
    Compute {
        capacity: Capacity::of(launch_type, &strategy),
        strategy,
        platform_version: version.map(ToOwned::to_owned),
        platform_family: family.map(ToOwned::to_owned),
    }
}

fn primary<T>(revisions: &[T], status: fn(&T) -> Option<&str>) -> Option<&T> {
    revisions.iter().find(|one| status(one) == Some("PRIMARY"))
}

fn share(item: &CapacityProviderStrategyItem) -> ProviderShare {
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    ProviderShare {
        provider: item.capacity_provider().to_owned(),
        base: count(item.base()),
        weight: count(item.weight()),
    }
}

fn load_balancing(service: &Service) -> LoadBalancing {
    let named = service.load_balancers().iter();
    let mut routes: Vec<Route> = named.clone().filter_map(route).collect();
    if let Some(route) = route_of_task_sets(service) {
        // `CodeDeploy` does not change what the service was created with.
        routes = vec![route];
    }
    let classic = named.filter_map(LoadBalancer::load_balancer_name);
    let lattice = service.deployments().iter().flat_map(Deployment::vpc_lattice_configurations);
    let mut lattice: Vec<String> =
        lattice.filter_map(|one| Some(lattice_id(one.target_group_arn())?.to_owned())).collect();
    lattice.sort_unstable();
    lattice.dedup();
    LoadBalancing { routes, classic: classic.map(ToOwned::to_owned).collect(), lattice }
}

fn route(balancer: &LoadBalancer) -> Option<Route> {
    let advanced = balancer.advanced_configuration();
    let rules = advanced.map(|advanced| [advanced.production_listener_rule(), advanced.test_listener_rule()]);
    let of_rule = rules.into_iter().flatten().flatten().find_map(Balancer::of_listener);
    let group = |arn: &str| Some(TargetGroup { balancer: of_rule.clone(), ..TargetGroup::of_arn(arn)? });
    let alternate = advanced.and_then(|advanced| group(advanced.alternate_target_group_arn()?));
    let is_tested = advanced.is_some_and(|advanced| advanced.test_listener_rule().is_some());
    Some(Route { group: group(balancer.target_group_arn()?)?, alternate, is_tested })
}

/// The target groups of a service whose deployments `CodeDeploy` makes: that of the primary task set,
/// and that of another one.
fn route_of_task_sets(service: &Service) -> Option<Route> {
    let group = |task_set: &TaskSet| {
        task_set.load_balancers().iter().find_map(|one| TargetGroup::of_arn(one.target_group_arn()?))
    };
    let group_of_primary = group(primary(service.task_sets(), TaskSet::status)?)?;
    let alternate = service.task_sets().iter().filter_map(group).find(|group| *group != group_of_primary);
    // CodeDeploy may have a test listener, which ECS does not name.
    Some(Route { group: group_of_primary, is_tested: alternate.is_some(), alternate })
}

/// `tg-...` of the ARN of a target group of VPC Lattice.
fn lattice_id(arn: &str) -> Option<&str> {
    arn.split_once(":targetgroup/").map(|(_, id)| id)
}
