//! The section `targets`: where to look.

use serde::Deserialize;

use super::parse;
use crate::cluster::{AccountId, Region};
use crate::run::{Part, Target, TargetRole};

/// Shares that a target may be split into.
const MAX_PARTS: u32 = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawTarget {
    account: String,
    regions: Vec<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
    #[serde(default = "one")]
    parts: u32,
}

fn one() -> u32 {
    1
}

/// The targets of one entry: each of its Regions in each of its parts.
pub(super) fn check_target(raw: RawTarget, home: &AccountId) -> Result<Vec<Target>, Vec<String>> {
    let mut problems = Vec::new();
    let account = parse::<AccountId>("account", &raw.account, &mut problems);
    if raw.regions.is_empty() {
        problems.push("regions: the list is empty; name at least one Region".to_owned());
    }
    if raw.parts == 0 || raw.parts > MAX_PARTS {
        problems.push(format!("parts: {} is not between 1 and {MAX_PARTS}", raw.parts));
    }
    if raw.external_id.is_some() && raw.role_arn.is_none() {
        problems.push("external-id: means nothing without role-arn".to_owned());
    }
    if let (Some(account), None) = (account.as_ref().filter(|&account| account != home), &raw.role_arn) {
        problems.push(format!("role-arn: missing; account {account} is not the home account {home}"));
    }
    if let (Some(account), Some(arn)) = (&account, &raw.role_arn)
        && !is_role_arn(arn, account)
    {
        problems.push(format!("role-arn: `{arn}` is no arn:PARTITION:iam::{account}:role/NAME"));
    }
    let regions: Vec<Region> =
        raw.regions.iter().filter_map(|region| parse::<Region>("regions", region, &mut problems)).collect();
    let Some(account) = account.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let role = raw.role_arn.map(|arn| TargetRole { arn, external_id: raw.external_id });
    let parts = (0..raw.parts).map(|index| Part { index, count: raw.parts });
    Ok(parts
        .flat_map(|part| regions.iter().map(move |region| (part, region)))
        .map(|(part, region)| Target {
            account: account.clone(),
            region: region.clone(),
            part,
            role: role.clone(),
        })
        .collect())
}

fn is_role_arn(arn: &str, account: &AccountId) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(fields[..], ["arn", partition, "iam", "", owner, role]
        if partition.starts_with("aws") && owner == account.as_str() && role.starts_with("role/") && role.len() > 5)
}
