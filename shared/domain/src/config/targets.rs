//! The section `targets`: where to look.

use serde::Deserialize;

use super::read::{At, Problems};
use crate::model::cluster::{AccountId, Region};
use crate::model::run::{Part, Platform, Target, TargetRole};

/// Shares that a target may be split into.
const MAX_PARTS: u32 = 64;
/// Targets of one run. Their numbers and names travel between states of Step Functions, which takes 262,144 bytes; a test
/// of the plan holds that so many fit.
pub const MAX_TARGETS: usize = 2_500;

/// An account with the Regions in which to look.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "target", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawTarget {
    /// Account, quoted because leading zeros count.
    #[cfg_attr(test, schemars(required))]
    account: Option<At<AccountId>>,
    /// Regions such as eu-west-1.
    #[cfg_attr(test, schemars(required, length(min = 1)))]
    regions: Option<At<Vec<At<Region>>>>,
    /// Roles to assume in an account that is not the stack's own.
    roles: Option<At<RawRoles>>,
    /// External id that the roles ask for.
    external_id: Option<At<String>>,
    /// Whether clusters of ECS, of EKS or of both are watched. Default: both.
    #[cfg_attr(test, schemars(length(min = 1)))]
    platforms: Option<At<Vec<At<Platform>>>>,
    /// Work on so many shares of the clusters at once. Default: 1.
    #[cfg_attr(test, schemars(range(min = 1, max = 64)))]
    parts: Option<At<u32>>,
}

/// Roles to assume in another account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "roles", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawRoles {
    /// ARN of the role by which clusters, metrics and pods are read.
    #[cfg_attr(test, schemars(required))]
    read: Option<At<String>>,
    /// ARN of the role by which settings are changed. Default: the one to read.
    change: Option<At<String>>,
}

impl RawRoles {
    fn of(at: Option<&At<Self>>) -> Option<&Self> {
        at.and_then(|at| at.value.as_ref())
    }
}

/// All targets of the file. `home` is the account that needs no role.
pub(super) fn check_targets(
    targets: &At<Vec<At<RawTarget>>>,
    home: &AccountId,
    problems: &Problems,
) -> Vec<Target> {
    let targets_line = targets.line;
    let Some(entries) = &targets.value else { return Vec::new() };
    if entries.is_empty() {
        problems.add(targets.line, "targets", "the list is empty; name a target or leave the key out");
    }
    let entries = entries.iter().filter_map(|entry| entry.value.as_ref().map(|raw| (entry.line, raw)));
    let targets: Vec<Target> =
        entries.flat_map(|(line, raw)| check_target(line, raw, home, problems)).collect();
    if targets.len() > MAX_TARGETS {
        let why = format!(
            "these are {} in all, each account in each of its Regions, platforms and parts; one stack looks at {MAX_TARGETS} at \
             most: ask for fewer parts, or divide the accounts between two stacks",
            targets.len()
        );
        problems.add(targets_line, "targets", why);
    }
    targets
}

/// The targets of one entry: each of its Regions in each of its parts.
fn check_target(line: u64, raw: &RawTarget, home: &AccountId, problems: &Problems) -> Vec<Target> {
    let tell = |line: u64, key: &str, why: String| problems.add(line, &format!("target: {key}"), why);
    let roles = RawRoles::of(raw.roles.as_ref());
    match (&raw.account, &raw.roles) {
        (None, _) => tell(line, "account", "is missing".to_owned()),
        (Some(At { value: Some(account), .. }), None) if account != home => {
            tell(line, "roles", format!("is missing; account {account} is not the home account {home}"));
        }
        (_, Some(At { line, value: Some(RawRoles { read: None, .. }) })) => {
            tell(*line, "roles: read", "is missing; it is the role by which clusters are read".to_owned());
        }
        _ => {}
    }
    if let (Some(At { value: Some(account), .. }), Some(RawRoles { read, change })) = (&raw.account, roles) {
        for (key, role) in [("read", read), ("change", change)] {
            let Some(At { line, value: Some(arn) }) = role else { continue };
            if !is_role_arn(arn, account) {
                let why = format!("`{arn}` is no arn:PARTITION:iam::{account}:role/NAME");
                tell(*line, &format!("roles: {key}"), why);
            }
        }
    }
    match &raw.regions {
        None => tell(line, "regions", "is missing".to_owned()),
        Some(At { line, value: Some(regions) }) if regions.is_empty() => {
            tell(*line, "regions", "the list is empty; name at least one Region".to_owned());
        }
        Some(_) => {}
    }
    let parts = match &raw.parts {
        None => 1,
        Some(At { value: None, .. }) => return Vec::new(),
        Some(At { line, value: Some(parts) }) if *parts == 0 || *parts > MAX_PARTS => {
            tell(*line, "parts", format!("{parts} is not between 1 and {MAX_PARTS}"));
            return Vec::new();
        }
        Some(At { value: Some(parts), .. }) => *parts,
    };
    let platforms = check_platforms(raw.platforms.as_ref(), &tell);
    if let (Some(external_id), None) = (&raw.external_id, &raw.roles) {
        tell(external_id.line, "external-id", "means nothing without roles".to_owned());
    }
    let Some(account) = raw.account.as_ref().and_then(|at| at.value.as_ref()) else { return Vec::new() };
    let given = raw.regions.as_ref().and_then(|at| at.value.as_ref());
    let regions: Vec<&Region> = given.into_iter().flatten().filter_map(|at| at.value.as_ref()).collect();
    let external_id = raw.external_id.as_ref().and_then(|at| at.value.clone());
    let arn = |role: Option<&At<String>>| role.and_then(|at| at.value.clone());
    let role = roles.and_then(|RawRoles { read, change }| {
        let change = arn(change.as_ref());
        Some(TargetRole { arn: arn(read.as_ref())?, external_id, change })
    });
    let parts = (0..parts).map(|index| Part { index, count: parts });
    let places = parts.flat_map(|part| regions.iter().map(move |&region| (part, region)));
    places
        .flat_map(|place| platforms.iter().map(move |&platform| (place, platform)))
        .map(|((part, region), platform)| Target {
            platform,
            account: account.clone(),
            region: region.clone(),
            part,
            role: role.clone(),
        })
        .collect()
}

/// The platforms of an entry, each once.
fn check_platforms(at: Option<&At<Vec<At<Platform>>>>, tell: &dyn Fn(u64, &str, String)) -> Vec<Platform> {
    let Some(at) = at else { return Platform::ALL.to_vec() };
    let given: Vec<Platform> = at.value.iter().flatten().filter_map(|platform| platform.value).collect();
    if at.value.as_ref().is_some_and(Vec::is_empty) {
        tell(at.line, "platforms", "the list is empty; leave the key out to mean both".to_owned());
    }
    Platform::ALL.into_iter().filter(|platform| given.contains(platform)).collect()
}

fn is_role_arn(arn: &str, account: &AccountId) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(fields[..], ["arn", partition, "iam", "", owner, role]
        if partition.starts_with("aws") && owner == account.as_str() && role.starts_with("role/") && role.len() > 5)
}

#[cfg(test)]
mod tests {
    use super::MAX_TARGETS;
    use crate::config::Config;

    /// Issue 14, point 1.
    #[test]
    fn more_targets_than_a_run_can_hand_on_are_refused_with_their_number() {
        let read = |regions: usize| {
            let names: Vec<String> = (1..=regions).map(|number| format!("eu-west-{number}")).collect();
            let yaml = format!(
                "targets: [{{account: \"123456789012\", regions: [{}], parts: 64}}]\n",
                names.join(", ")
            );
            Config::read(&yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
        };
        assert_eq!(read(19).unwrap().targets.len(), 19 * 64 * 2);
        let refused = read(20).unwrap_err().to_string();
        assert!(refused.contains("fargaze.yaml:1: targets: these are 2560 in all"), "{refused}");
        assert!(refused.contains(&format!("{MAX_TARGETS} at most")), "{refused}");
    }
}
