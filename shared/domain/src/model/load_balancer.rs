//! Load balancers in front of a service, as ECS names them and as CloudWatch's dimensions do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What distributes requests to a service (Amazon ECS API, `LoadBalancer` and
/// `VpcLatticeConfiguration`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancing {
    /// Target groups of Elastic Load Balancing, in the order in which ECS has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Names of Classic Load Balancers, which Fargate does not support.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classic: Vec<String>,
    /// Target groups of VPC Lattice, by id (`tg-...`). They are not those of Elastic Load Balancing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lattice: Vec<String>,
}

/// One way to a service: a target group, and the one that a blue/green deployment alternates with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The target group.
    pub group: TargetGroup,
    /// The alternate target group; either of the two takes the production traffic, the other one
    /// test traffic or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate: Option<TargetGroup>,
    /// Whether test traffic may reach the group that does not take the production traffic, so that
    /// its errors are nobody's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tested: bool,
}

/// A target group of Elastic Load Balancing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetGroup {
    /// `targetgroup/NAME/ID`, as in the dimension `TargetGroup`.
    pub name: String,
    /// The load balancer that routes to it; `None` if none does, or if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<Balancer>,
    /// The one before it: `CloudWatch` lists its metrics for hours after it was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Balancer>,
}

/// A load balancer, as in the dimension `LoadBalancer`: `app/NAME/ID` or `net/NAME/ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Balancer(String);

/// Kind of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BalancerKind {
    /// Application Load Balancer: HTTP, with requests, status codes and response times.
    Application,
    /// Network Load Balancer: TCP, UDP and TLS, without any of these.
    Network,
    /// Gateway Load Balancer, which is in front of appliances.
    Gateway,
}

impl Balancer {
    /// Reads the value of a dimension `LoadBalancer`, or the end of an ARN of a load balancer;
    /// `None` for a Classic Load Balancer, whose names have no kind.
    pub fn from_dimension(text: &str) -> Option<Self> {
        let known = ["app/", "net/", "gwy/"].iter().any(|kind| text.starts_with(kind));
        (known && text.split('/').count() == 3).then(|| Self(text.to_owned()))
    }

    /// The load balancer that the ARN of a listener or of one of its rules contains:
    /// `...:listener-rule/app/NAME/ID/LISTENER/RULE`, `...:listener/net/NAME/ID/LISTENER`.
    pub fn of_listener(arn: &str) -> Option<Self> {
        let resource = arn.rsplit(':').next()?;
        let path = resource.strip_prefix("listener-rule/").or_else(|| resource.strip_prefix("listener/"))?;
        let mut parts = path.splitn(4, '/');
        let (kind, name, id) = (parts.next()?, parts.next()?, parts.next()?);
        Self::from_dimension(&format!("{kind}/{name}/{id}"))
    }

    /// The value of the dimension `LoadBalancer`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or(&self.0)
    }

    /// Its kind.
    pub fn kind(&self) -> BalancerKind {
        match self.0.split('/').next() {
            Some("net") => BalancerKind::Network,
            Some("gwy") => BalancerKind::Gateway,
            _ => BalancerKind::Application,
        }
    }
}

impl BalancerKind {
    /// CloudWatch namespace of its metrics.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Application => "AWS/ApplicationELB",
            Self::Network => "AWS/NetworkELB",
            Self::Gateway => "AWS/GatewayELB",
        }
    }
}

impl TargetGroup {
    /// Reads the ARN of a target group of Elastic Load Balancing; `None` for one of VPC Lattice,
    /// whose ARN has another service.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let service = parts.nth(2)?;
        let name = parts.nth(2)?;
        let is_group = service == "elasticloadbalancing" && name.starts_with("targetgroup/");
        is_group.then(|| Self { name: name.to_owned(), balancer: None, before: None })
    }

    /// Takes the load balancers that `CloudWatch` lists for it: the newest counts, also if the one
    /// that is known is still listed. Returns whether that changes anything.
    pub fn take_listed(&mut self, listed: &BTreeSet<Balancer>) -> bool {
        let (known, before) = (self.balancer.as_ref(), self.before.as_ref());
        let is_new = |one: &&Balancer| Some(*one) != known && Some(*one) != before;
        let new = listed.iter().find(is_new);
        let is_gone = known.is_none_or(|known| !listed.contains(known));
        let next = new.or_else(|| listed.iter().next().filter(|_| is_gone)).cloned();
        let Some(next) = next else { return false };
        self.before = self.balancer.replace(next);
        true
    }

    /// Its name without its id.
    pub fn short_name(&self) -> &str {
        self.name.split('/').nth(1).unwrap_or(&self.name)
    }
}

impl LoadBalancing {
    /// Whether nothing is in front of the service.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All target groups.
    pub fn groups(&self) -> impl Iterator<Item = &TargetGroup> {
        self.routes.iter().flat_map(|route| std::iter::once(&route.group).chain(&route.alternate))
    }

    /// All target groups, to change.
    pub fn groups_mut(&mut self) -> impl Iterator<Item = &mut TargetGroup> {
        self.routes.iter_mut().flat_map(|route| std::iter::once(&mut route.group).chain(&mut route.alternate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_balancer_that_was_replaced_is_not_kept() {
        let balancer = |name: &str| Balancer::from_dimension(&format!("app/{name}/1")).unwrap();
        let listed = |names: &[&str]| names.iter().map(|name| balancer(name)).collect::<BTreeSet<_>>();
        let mut group = TargetGroup { name: "targetgroup/web/1".to_owned(), balancer: None, before: None };
        let mut seen = Vec::new();
        // The old one is listed for three hours beside the new one; then a third comes.
        for names in [&["m"][..], &["m"], &[], &["m", "a"], &["m", "a"], &["a"], &["a", "z"], &["a", "z"]] {
            group.take_listed(&listed(names));
            seen.push(group.balancer.as_ref().map_or("-", Balancer::name).to_owned());
        }
        assert_eq!(seen, ["m", "m", "m", "a", "a", "a", "z", "z"]);
    }

    const ELB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:";

    #[test]
    fn a_target_group_is_known_by_the_end_of_its_arn() {
        let group = TargetGroup::of_arn(&format!("{ELB}targetgroup/web/73e2d6bc24d8a067")).unwrap();
        assert_eq!((group.name.as_str(), group.short_name()), ("targetgroup/web/73e2d6bc24d8a067", "web"));
        for other in [
            "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-0f9a3d",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1",
            "targetgroup/web/1",
            "",
        ] {
            assert_eq!(TargetGroup::of_arn(other), None, "{other}");
        }
    }

    #[test]
    fn the_arn_of_a_listener_or_rule_names_its_load_balancer() {
        for (arn, balancer, kind) in [
            (
                "listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d0",
                "app/web/50dc6c495c0c9188",
                BalancerKind::Application,
            ),
            (
                "listener/net/edge/50dc6c495c0c9188/f2f7dc8efc522ab2",
                "net/edge/50dc6c495c0c9188",
                BalancerKind::Network,
            ),
        ] {
            let found = Balancer::of_listener(&format!("{ELB}{arn}")).unwrap();
            assert_eq!((found.as_str(), found.kind()), (balancer, kind));
        }
        assert_eq!(Balancer::of_listener(&format!("{ELB}targetgroup/web/1")), None);
        assert_eq!(
            Balancer::of_listener(
                "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-1/listener/l-1/rule/r-1"
            ),
            None
        );
        assert_eq!(Balancer::from_dimension("classic-web"), None);
    }
}
