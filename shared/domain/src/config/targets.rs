//! The section `targets`: the accounts and Regions to watch.

use serde::Deserialize;

use super::read::{At, Problems};
use crate::model::cluster::{AccountId, Region};
use crate::model::run::{Part, Platform, Target, TargetRole};

/// The maximum number of parts of a target.
const MAX_PARTS: u32 = 64;
/// The maximum number of targets of one run. Their numbers and names are passed between Step
/// Functions states, which accept 262,144 bytes; a test of the plan checks that this many fit.
pub const MAX_TARGETS: usize = 2_400;

/// An account with the Regions to watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "target", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawTarget {
    /// Account id, quoted because of leading zeros.
    #[cfg_attr(test, schemars(required))]
    account: Option<At<AccountId>>,
    /// Regions such as eu-west-1.
    #[cfg_attr(test, schemars(required, length(min = 1)))]
    regions: Option<At<Vec<At<Region>>>>,
    /// Roles to assume in an account other than the stack's own.
    roles: Option<At<RawRoles>>,
    /// External id that the roles require.
    external_id: Option<At<String>>,
    /// Whether ECS clusters, EKS clusters or both are watched. Default: both.
    #[cfg_attr(test, schemars(length(min = 1)))]
    platforms: Option<At<Vec<At<Platform>>>>,
    /// Number of parts into which the clusters are split, to process them in parallel. Default: 1.
    #[cfg_attr(test, schemars(range(min = 1, max = 64)))]
    parts: Option<At<u32>>,
}

/// Roles to assume in another account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "roles", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawRoles {
    /// ARN of the role for reading clusters, metrics and pods.
    #[cfg_attr(test, schemars(required))]
    read: Option<At<String>>,
    /// ARN of the role for reading log groups and task definitions. Default: none, so logs are not
    /// audited.
    read_logs: Option<At<String>>,
    /// ARN of the role for changing settings. Default: the one for reading.
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
            "{} targets in total (each account in each of its Regions, platforms and parts); one stack supports at most \
             {MAX_TARGETS}: use fewer parts, or split the accounts between two stacks",
            targets.len()
        );
        problems.add(targets_line, "targets", why);
    }
    targets
}

/// The targets of one entry: each of its Regions in each of its parts.
fn check_target(line: u64, raw: &RawTarget, home: &AccountId, problems: &Problems) -> Vec<Target> {
    let report = |line: u64, key: &str, why: String| problems.add(line, &format!("target: {key}"), why);
    let roles = RawRoles::of(raw.roles.as_ref());
    match (&raw.account, &raw.roles) {
        (None, _) => report(line, "account", "is missing".to_owned()),
        (Some(At { value: Some(account), .. }), None) if account != home => {
            report(line, "roles", format!("is missing; account {account} is not the home account {home}"));
        }
        (_, Some(At { line, value: Some(RawRoles { read: None, .. }) })) => {
            report(*line, "roles: read", "is missing; fargaze needs this role to read clusters".to_owned());
        }
        _ => {}
    }
    if let (Some(At { value: Some(account), .. }), Some(RawRoles { read, read_logs, change })) =
        (&raw.account, roles)
    {
        for (key, role) in [("read", read), ("read-logs", read_logs), ("change", change)] {
            let Some(At { line, value: Some(arn) }) = role else { continue };
            if !is_role_arn(arn, account) {
                let why = format!("`{arn}` is not of the form arn:PARTITION:iam::{account}:role/NAME");
                report(*line, &format!("roles: {key}"), why);
            }
        }
    }
    match &raw.regions {
        None => report(line, "regions", "is missing".to_owned()),
        Some(At { line, value: Some(regions) }) if regions.is_empty() => {
            report(*line, "regions", "the list is empty; name at least one Region".to_owned());
        }
        Some(_) => {}
    }
    let parts = match &raw.parts {
        None => 1,
        Some(At { value: None, .. }) => return Vec::new(),
        Some(At { line, value: Some(parts) }) if *parts == 0 || *parts > MAX_PARTS => {
            report(*line, "parts", format!("{parts} is not between 1 and {MAX_PARTS}"));
            return Vec::new();
        }
        Some(At { value: Some(parts), .. }) => *parts,
    };
    let platforms = check_platforms(raw.platforms.as_ref(), &report);
    if let (Some(external_id), None) = (&raw.external_id, &raw.roles) {
        report(external_id.line, "external-id", "is only valid with roles".to_owned());
    }
    let Some(account) = raw.account.as_ref().and_then(|at| at.value.as_ref()) else { return Vec::new() };
    let given = raw.regions.as_ref().and_then(|at| at.value.as_ref());
    let regions: Vec<&Region> = given.into_iter().flatten().filter_map(|at| at.value.as_ref()).collect();
    let external_id = raw.external_id.as_ref().and_then(|at| at.value.clone());
    let arn = |role: Option<&At<String>>| role.and_then(|at| at.value.clone());
    let role = roles.and_then(|RawRoles { read, read_logs, change }| {
        let (change, read_logs) = (arn(change.as_ref()), arn(read_logs.as_ref()));
        Some(TargetRole { arn: arn(read.as_ref())?, external_id, change, read_logs })
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
fn check_platforms(at: Option<&At<Vec<At<Platform>>>>, report: &dyn Fn(u64, &str, String)) -> Vec<Platform> {
    let Some(at) = at else { return Platform::ALL.to_vec() };
    let given: Vec<Platform> = at.value.iter().flatten().filter_map(|platform| platform.value).collect();
    if at.value.as_ref().is_some_and(Vec::is_empty) {
        report(at.line, "platforms", "the list is empty; leave the key out to mean both".to_owned());
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
    fn too_many_targets_are_rejected_with_their_number() {
        let read = |regions: usize| {
            let names: Vec<String> = (1..=regions).map(|number| format!("eu-west-{number}")).collect();
            let yaml = format!(
                "targets: [{{account: \"123456789012\", regions: [{}], parts: 64}}]\n",
                names.join(", ")
            );
            Config::read(&yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
        };
        assert_eq!(read(18).unwrap().targets.len(), 18 * 64 * 2);
        let rejected = read(19).unwrap_err().to_string();
        assert!(rejected.contains("fargaze.yaml:1: targets: 2432 targets in total"), "{rejected}");
        assert!(rejected.contains(&format!("at most {MAX_TARGETS}")), "{rejected}");
    }
}
