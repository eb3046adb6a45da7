//! Policies: what applies to which subjects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Aspect, Desired, Existing, Limits, SubjectKind};
use crate::model::cluster::ClusterName;
use crate::model::run::Target;
use crate::model::subject::Subject;
use crate::rules::pattern::Match;

/// One entry of the section `policies` in `fargaze.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The subjects that it applies to.
    pub matches: Match,
    /// The aspects that it names, with their desired values.
    pub desired: BTreeMap<Aspect, Desired>,
    /// Whether it leaves every matching subject alone, whatever it names.
    pub hands_off: bool,
    /// What to do with clusters that existed before fargaze; `None` uses the setting in the limits.
    pub existing: Option<Existing>,
    /// Its place in the file, such as `fargaze.yaml:12`.
    pub source: String,
}

impl Policy {
    fn desired(&self, aspect: Aspect) -> Option<Desired> {
        if self.hands_off { Some(Desired::Leave) } else { self.desired.get(&aspect).cloned() }
    }
}

/// The sections `limits` and `policies` of `fargaze.yaml`. The default applies without them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Limits on all changes.
    pub limits: Limits,
    /// The user's policies. For each aspect, the first one that matches and names it decides; the
    /// built-in ones come last.
    pub entries: Vec<Policy>,
}

/// The source of a policy that is not in the user's file.
const BUILT_IN: &str = "built-in";

/// The policy in force for one aspect of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectivePolicy {
    /// The desired value.
    pub desired: Desired,
    /// What to do with a cluster that existed before fargaze.
    pub existing: Existing,
    /// `built-in`, or the place in the user's file, such as `fargaze.yaml:12`.
    pub source: String,
}

impl EffectivePolicy {
    /// Whether no policy in the user's file decides it.
    pub fn is_built_in(&self) -> bool {
        self.source == BUILT_IN
    }
}

/// The policy with its source: `at-least-enabled (built-in)`.
impl fmt::Display for EffectivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.desired, self.source)
    }
}

/// The policies in force for all aspects of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPolicy(BTreeMap<Aspect, EffectivePolicy>);

impl SubjectPolicy {
    /// Policies for these aspects; others are left alone.
    pub fn new(policies: impl IntoIterator<Item = (Aspect, EffectivePolicy)>) -> Self {
        Self(policies.into_iter().collect())
    }

    /// The policy in force for an aspect.
    pub fn of(&self, aspect: Aspect) -> EffectivePolicy {
        self.0.get(&aspect).cloned().unwrap_or_else(|| EffectivePolicy {
            desired: Desired::Leave,
            existing: Existing::Report,
            source: BUILT_IN.to_owned(),
        })
    }

    /// The aspects whose values are queried with calls of their own.
    pub fn asked(&self) -> BTreeSet<Aspect> {
        let queried = self.0.iter().filter(|(aspect, policy)| aspect.is_asked(policy));
        queried.map(|(aspect, _)| *aspect).collect()
    }

    /// The aspects of the subject, in the order in which they are reconciled.
    pub fn aspects(&self) -> impl Iterator<Item = Aspect> {
        self.0.keys().copied()
    }
}

/// Whether the name is that of a cluster which AWS Batch creates and deletes for a compute
/// environment: `AWSBatch-NAME-UUID`, formerly `NAME_Batch_UUID` (AWS Batch User Guide, "Compute
/// environments").
fn is_of_batch(cluster: &ClusterName) -> bool {
    let name = cluster.as_str();
    name.starts_with("AWSBatch-") || name.rsplit_once("_Batch_").is_some_and(|(_, end)| is_uuid(end))
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits (RFC 9562).
fn is_uuid(text: &str) -> bool {
    let groups =
        text.split('-').map(|group| (group.len(), group.bytes().all(|byte| byte.is_ascii_hexdigit())));
    groups.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
}

impl Policies {
    /// The policies in force for a subject of a target. `by_batch`: AWS Batch is known to have
    /// created the cluster, whatever its name.
    pub fn of(&self, target: &Target, subject: &Subject, by_batch: bool) -> SubjectPolicy {
        let kind = SubjectKind::of(target.platform, subject);
        let aspects = kind.into_iter().flat_map(Aspect::of);
        SubjectPolicy::new(aspects.map(|aspect| (aspect, self.effective(target, subject, aspect, by_batch))))
    }

    /// Whether any policy may set the retention of log groups in the target's account and Region:
    /// only then are they listed.
    pub fn set_log_retention(&self, target: &Target) -> bool {
        let sets = |policy: &Policy| {
            !policy.hands_off
                && policy.matches.fits_place(&target.account, &target.region)
                && policy.desired.get(&Aspect::LogRetention).is_some_and(|desired| *desired != Desired::Leave)
        };
        self.entries.iter().any(sets)
    }

    fn effective(
        &self,
        target: &Target,
        subject: &Subject,
        aspect: Aspect,
        by_batch: bool,
    ) -> EffectivePolicy {
        let Target { account, region, .. } = target;
        let (cluster, platform) = (subject.cluster(), aspect.kind().platform());
        let fits = |matches: &Match| match subject {
            Subject::LogGroup(name) => matches.fits_log_group(account, region, name),
            _ => matches.fits(account, region, platform, cluster),
        };
        let matching = self.entries.iter().filter(|policy| fits(&policy.matches));
        let mut naming = matching.filter_map(|policy| Some((policy, policy.desired(aspect)?)));
        if let Some((policy, desired)) = naming.next() {
            let existing = policy.existing.unwrap_or(self.limits.existing);
            return EffectivePolicy { desired, existing, source: policy.source.clone() };
        }
        // AWS Batch creates and deletes its ECS clusters itself.
        let is_of_batch =
            aspect.kind() == SubjectKind::EcsCluster && (by_batch || cluster.is_some_and(is_of_batch));
        let desired = if is_of_batch { Desired::Leave } else { aspect.built_in() };
        EffectivePolicy { desired, existing: self.limits.existing, source: BUILT_IN.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::insights::InsightsLevel;
    use crate::model::run::{Part, Platform};
    use crate::rules::pattern::NamePattern;

    fn target(account: &str, region: &str, platform: Platform) -> Target {
        Target {
            platform,
            account: account.parse().unwrap(),
            region: region.parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        }
    }

    fn home(platform: Platform) -> Target {
        target("123456789012", "eu-west-1", platform)
    }

    fn cluster(name: &str) -> Subject {
        Subject::Cluster(name.parse().unwrap())
    }

    fn policy(line: u32, clusters: &[&str], desired: &[(Aspect, Desired)]) -> Policy {
        let clusters = Some(clusters.iter().copied().map(NamePattern::new).collect());
        Policy {
            matches: Match { clusters, ..Match::default() },
            desired: desired.iter().cloned().collect(),
            source: format!("fargaze.yaml:{line}"),
            ..Policy::default()
        }
    }

    const ENABLED: Desired = Desired::AtLeast(InsightsLevel::Enabled);
    const ENHANCED: Desired = Desired::AtLeast(InsightsLevel::Enhanced);

    #[test]
    fn without_policies_cheap_aspects_are_set_and_the_rest_is_reported() {
        let policies = Policies::default();
        let texts = |platform, subject: &Subject| -> Vec<String> {
            let policy = policies.of(&home(platform), subject, false);
            policy.aspects().map(|aspect| format!("{aspect}: {}", policy.of(aspect))).collect()
        };
        assert_eq!(texts(Platform::Ecs, &Subject::Account), ["account-default: leave (built-in)"]);
        assert_eq!(texts(Platform::Ecs, &cluster("a")), ["container-insights: at-least-enabled (built-in)"]);
        assert_eq!(
            texts(Platform::Eks, &cluster("a")),
            [
                "metrics-server: install (built-in)",
                "cloudwatch-observability: report (built-in)",
                "aws-logging: report (built-in)",
                "control-plane-logs: report (built-in)",
            ]
        );
    }

    /// Issue 13, point 4.
    #[test]
    fn clusters_of_aws_batch_are_left_alone_by_name_and_by_creator() {
        let uuid = "6fe563a1-0000-3544-a5c4-ec546712c2ba";
        for (name, by_batch, desired) in [
            (format!("nightly_Batch_{uuid}"), false, Desired::Leave),
            (format!("a_Batch_b_Batch_{uuid}"), false, Desired::Leave),
            (format!("AWSBatch-nightly-{uuid}"), false, Desired::Leave),
            ("nightly".to_owned(), true, Desired::Leave),
            ("nightly".to_owned(), false, ENABLED),
            ("awsbatch-mine".to_owned(), false, ENABLED),
            ("my_Batch_jobs".to_owned(), false, ENABLED),
            (format!("nightly_Batch_{uuid}0"), false, ENABLED),
            (format!("nightly-Batch-{uuid}"), false, ENABLED),
            ("nightly_Batch_6fe563a1-0000-3544-a5c4-ec546712c2bz".to_owned(), false, ENABLED),
        ] {
            let policy = Policies::default().of(&home(Platform::Ecs), &cluster(&name), by_batch);
            assert_eq!(
                policy.of(Aspect::ContainerInsights).desired,
                desired,
                "{name}, by AWS Batch: {by_batch}"
            );
        }
    }

    #[test]
    fn the_first_policy_that_matches_and_names_an_aspect_decides_even_for_batch() {
        let insights = |desired: Desired| (Aspect::ContainerInsights, desired);
        let mut eu = policy(3, &["prod-*", "AWSBatch-paid"], &[insights(ENHANCED)]);
        eu.matches.accounts = Some(vec!["123456789012".parse().unwrap()]);
        eu.matches.regions = Some(vec![NamePattern::new("eu-*")]);
        eu.existing = Some(Existing::Change);
        // It matches, but names another aspect.
        let addons = policy(6, &["*"], &[(Aspect::MetricsServer, Desired::Leave)]);
        let rest =
            policy(9, &["prod-*"], &[insights(Desired::Any), (Aspect::MetricsServer, Desired::Report)]);
        let hands_off = Policy { hands_off: true, ..policy(12, &["lab-*"], &[insights(ENHANCED)]) };
        let policies = Policies { entries: vec![eu, addons, rest, hands_off], ..Policies::default() };
        for (account, region, name, text) in [
            ("123456789012", "eu-west-1", "prod-shop", "at-least-enhanced (fargaze.yaml:3)"),
            ("123456789012", "eu-west-1", "AWSBatch-paid", "at-least-enhanced (fargaze.yaml:3)"),
            ("123456789012", "us-east-1", "prod-shop", "off-is-fine (fargaze.yaml:9)"),
            ("999999999999", "eu-west-1", "prod-shop", "off-is-fine (fargaze.yaml:9)"),
            ("123456789012", "eu-west-1", "shop", "at-least-enabled (built-in)"),
            ("123456789012", "eu-west-1", "lab-1", "leave (fargaze.yaml:12)"),
            ("123456789012", "us-east-1", "AWSBatch-paid", "leave (built-in)"),
        ] {
            let policy = policies.of(&target(account, region, Platform::Ecs), &cluster(name), false);
            let policy = policy.of(Aspect::ContainerInsights);
            assert_eq!(policy.to_string(), text, "{region} {name}");
            assert_eq!(policy.existing == Existing::Change, text.ends_with(":3)"));
        }
        let eks = policies.of(&home(Platform::Eks), &cluster("prod-shop"), false);
        assert_eq!(eks.of(Aspect::MetricsServer).to_string(), "leave (fargaze.yaml:6)");
        assert!(eks.of(Aspect::AwsLogging).is_built_in());
    }

    #[test]
    fn a_policy_applies_to_its_platforms_and_one_with_clusters_to_no_account() {
        let everywhere = |line: u32| Policy { matches: Match::default(), ..policy(line, &[], &[]) };
        let mut of_eks = everywhere(3);
        (of_eks.hands_off, of_eks.matches.platforms) = (true, Some(vec![Platform::Eks]));
        let mut of_clusters = policy(6, &["*"], &[]);
        of_clusters.desired.insert(Aspect::AccountDefault, Desired::Leave);
        let mut default = everywhere(9);
        default.desired.insert(Aspect::AccountDefault, ENHANCED);
        let policies = Policies { entries: vec![of_eks, of_clusters, default], ..Policies::default() };
        let ecs = policies.of(&home(Platform::Ecs), &cluster("a"), false);
        assert!(ecs.of(Aspect::ContainerInsights).is_built_in());
        let eks = policies.of(&home(Platform::Eks), &cluster("a"), false);
        assert_eq!(eks.of(Aspect::MetricsServer).to_string(), "leave (fargaze.yaml:3)");
        let account = policies.of(&home(Platform::Ecs), &Subject::Account, false);
        assert_eq!(account.of(Aspect::AccountDefault).to_string(), "at-least-enhanced (fargaze.yaml:9)");
    }

    #[test]
    fn policies_for_container_insights_round_trip_and_an_error_lists_all_of_them() {
        for text in [
            "leave",
            "off-is-fine",
            "at-least-enabled",
            "at-least-enhanced",
            "exactly: disabled",
            "exactly: enabled",
            "exactly: enhanced",
        ] {
            assert_eq!(text.parse::<Desired>().unwrap().to_string(), text);
            assert!("on".parse::<Desired>().unwrap_err().to_string().contains(text), "{text}");
        }
        assert!("at-least-disabled".parse::<Desired>().is_err());
    }

    #[test]
    fn different_data_is_a_different_policy() {
        let write = |value: &str| {
            Desired::ConfigMap(BTreeMap::from([("output.conf".to_owned(), value.to_owned())])).to_string()
        };
        assert_eq!(write("[OUTPUT]"), write("[OUTPUT]"));
        assert_ne!(write("[OUTPUT]"), write("[OUTPUT] "));
    }
}
