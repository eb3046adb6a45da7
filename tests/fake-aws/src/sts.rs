//! AWS STS. <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use jiff::{SignedDuration, Timestamp};

use crate::request::{Request, key_of_account};
use crate::service::{Service, Target};
use crate::wire::xml::{element, output};
use crate::wire::{Outcome, Refusal};
use crate::world::World;

/// `now` is the time of the fake's clients, see [`crate::FakeAws::sdk_config`].
pub(crate) fn call(request: &Request, target: &Target, world: &mut World, now: Timestamp) -> Outcome {
    let inner = match target.operation.as_str() {
        "AssumeRole" => assume_role(request, target, world, now)?,
        "GetCallerIdentity" => format!(
            "{}{}{}",
            element("UserId", "AROAFAKE:fake"),
            element("Account", &request.account),
            element("Arn", &format!("arn:aws:sts::{}:assumed-role/fake/fake", request.account)),
        ),
        _ => return Err(target.unknown()),
    };
    let id = format!("00000000-0000-4000-8000-{:012x}", world.next_serial());
    Ok(output(Service::Sts.namespace(), &target.operation, &inner, &id))
}

fn assume_role(
    request: &Request,
    target: &Target,
    world: &mut World,
    now: Timestamp,
) -> Result<String, Refusal> {
    let arn = target.parameter("RoleArn").unwrap_or_default();
    let session = target.parameter("RoleSessionName").unwrap_or_default();
    let legal = (2..=64).contains(&session.len())
        && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if !legal {
        return Err(Refusal::bad("ValidationError", "RoleSessionName is not valid."));
    }
    let seconds: i64 = match target.parameter("DurationSeconds") {
        None => 3_600,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (900..=43_200).contains(seconds))
            .ok_or_else(|| Refusal::bad("ValidationError", "DurationSeconds is not valid."))?,
    };
    // An unknown role and a wrong external id give the same error, so that neither can be probed.
    let allowed = world
        .roles
        .get(arn)
        .is_some_and(|wanted| wanted.is_none() || wanted.as_deref() == target.parameter("ExternalId"));
    let account = arn.split(':').nth(4).filter(|account| account.len() == 12);
    let Some(account) = account.filter(|_| allowed) else {
        return Err(Service::Sts.denied(&format!("sts:AssumeRole on resource: {arn}"), &request.account));
    };
    // Clients compare this with their own clock, regardless of the estates' clocks.
    let expiration = now + SignedDuration::from_secs(seconds);
    let serial = world.next_serial();
    let role = arn.rsplit('/').next().unwrap_or_default();
    Ok(format!(
        "<Credentials>{}{}{}{}</Credentials><AssumedRoleUser>{}{}</AssumedRoleUser>",
        element("AccessKeyId", &key_of_account(account, serial)),
        element("SecretAccessKey", "fake-secret-access-key"),
        element("SessionToken", &format!("fake-session-token-{serial}")),
        element("Expiration", &format!("{expiration:.0}")),
        element("AssumedRoleId", &format!("AROAFAKE:{session}")),
        element("Arn", &format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")),
    ))
}
