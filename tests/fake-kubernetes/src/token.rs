//! The check of a bearer token, as in aws-iam-authenticator (`pkg/token/token.go`), and the check
//! by STS behind it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;

use crate::identity::Identity;
use crate::sigv4::Presigned;

/// The parameters that the authenticator allows, in lower case.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The identity of the token; otherwise the authenticator's own log message.
pub(crate) fn check<'a>(
    token: &str,
    cluster: &str,
    identities: &'a [Identity],
    now: Timestamp,
) -> Result<&'a Identity, String> {
    if let Some(known) = identities.iter().find(|identity| identity.static_token.as_deref() == Some(token)) {
        return Ok(known);
    }
    if token.len() > 4096 {
        return Err("token is too large".to_owned());
    }
    let encoded = token.strip_prefix("k8s-aws-v1.").ok_or("token is missing expected prefix")?;
    let url = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|error| error.to_string())?;
    let url = String::from_utf8(url).map_err(|error| error.to_string())?;
    let rest = url.strip_prefix("https://").ok_or("unexpected scheme")?;
    let (host, query) = rest.split_once("/?").ok_or("unexpected path in pre-signed URL")?;
    let parameters: Vec<(&str, &str)> =
        query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let claim = Claim::read(host, parameters)?;
    claim.check(cluster, identities, now)
}

/// A presigned request with only allowed parts.
struct Claim<'a> {
    host: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Claim<'a> {
    fn read(host: &'a str, parameters: Vec<(&'a str, &'a str)>) -> Result<Self, String> {
        let mut seen = Vec::new();
        for (name, _) in &parameters {
            let lower = name.to_ascii_lowercase();
            if !PARAMETERS.contains(&lower.as_str()) {
                return Err(format!("non-whitelisted query parameter {name:?}"));
            }
            if seen.contains(&lower) {
                return Err(format!("query parameter with multiple values not supported: {name:?}"));
            }
            seen.push(lower);
        }
        Ok(Self { host, parameters })
    }

    fn raw(&self, name: &str) -> &'a str {
        let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    fn value(&self, name: &str) -> String {
        percent_decode_str(self.raw(name)).decode_utf8_lossy().into_owned()
    }

    fn check<'i>(
        &self,
        cluster: &str,
        identities: &'i [Identity],
        now: Timestamp,
    ) -> Result<&'i Identity, String> {
        if self.raw("action") != "GetCallerIdentity" {
            return Err("unexpected action parameter in pre-signed URL".to_owned());
        }
        let signed = self.value("x-amz-signedheaders");
        if !signed.split(';').any(|name| name.eq_ignore_ascii_case("x-k8s-aws-id")) {
            return Err("client did not sign the x-k8s-aws-id header in the pre-signed URL".to_owned());
        }
        let expires: i64 = self.raw("x-amz-expires").parse().map_err(|_| "invalid X-Amz-Expires")?;
        if !(0..=900).contains(&expires) {
            return Err("invalid X-Amz-Expires".to_owned());
        }
        let date = self.raw("x-amz-date");
        let signed_at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| "error parsing X-Amz-Date parameter")?
            .timestamp();
        if now.duration_since(signed_at) > SignedDuration::from_mins(15) {
            return Err("X-Amz-Date parameter is expired".to_owned());
        }
        self.signer(cluster, identities, date, signed_at, now)
    }

    /// The answer of STS: the signer, with the cluster's name in the header.
    fn signer<'i>(
        &self,
        cluster: &str,
        identities: &'i [Identity],
        date: &str,
        signed_at: Timestamp,
        now: Timestamp,
    ) -> Result<&'i Identity, String> {
        let credential = self.value("x-amz-credential");
        let scope: Vec<&str> = credential.split('/').collect();
        let [key, day, region, "sts", "aws4_request"] = scope[..] else {
            return Err("credential scope".to_owned());
        };
        // The authenticator has a list of the partition's hosts; the Region of the scope determines
        // which one is required.
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        if self.host != format!("sts.{region}.{suffix}") {
            return Err(format!("unexpected hostname {:?} in pre-signed URL", self.host));
        }
        if !date.starts_with(day) || signed_at.duration_since(now) > SignedDuration::from_mins(5) {
            return Err("SignatureDoesNotMatch: signature not yet current".to_owned());
        }
        // The cluster's name is only in the signature, so without the key it is only known to have
        // been signed.
        if let Some(identity) = identities.iter().find(|identity| identity.any_signer) {
            return Ok(identity);
        }
        let identity = identities
            .iter()
            .find(|identity| identity.access_key_id == key)
            .ok_or("InvalidClientTokenId: the security token included in the request is invalid")?;
        if identity.session_token.clone().unwrap_or_default() != self.value("x-amz-security-token") {
            return Err("InvalidClientTokenId: session token".to_owned());
        }
        if identity.session_ended {
            return Err("ExpiredToken: the security token included in the request is expired".to_owned());
        }
        let unsigned = |name: &str| !name.eq_ignore_ascii_case("x-amz-signature");
        let presigned = Presigned {
            host: self.host,
            parameters: self.parameters.iter().filter(|(name, _)| unsigned(name)).copied().collect(),
            headers: vec![("x-k8s-aws-id", cluster)],
            date,
            region,
        };
        if presigned.signature(&identity.secret_access_key) != self.raw("x-amz-signature") {
            return Err("SignatureDoesNotMatch".to_owned());
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Tokens made by the AWS CLI.
    const GOLDEN: &str = include_str!("../../../shared/kubernetes/src/testdata/eks_tokens.json");

    const CLUSTER: &str = "shop_1-prod";

    fn now() -> Timestamp {
        "2026-11-22T07:58:55Z".parse().unwrap()
    }

    fn golden(session: bool) -> (String, Identity) {
        let golden: Value = serde_json::from_str(GOLDEN).unwrap();
        let one = &golden[usize::from(session)];
        let text = |name: &str| one[name].as_str().map(str::to_owned);
        let identity = Identity {
            access_key_id: text("access_key_id").unwrap(),
            secret_access_key: text("secret_access_key").unwrap(),
            session_token: text("session_token"),
            ..Identity::collector()
        };
        (text("token").unwrap(), identity)
    }

    fn url(token: &str) -> String {
        let url = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        String::from_utf8(url).unwrap()
    }

    fn token(url: &str) -> String {
        format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url))
    }

    fn refused(token: &str, identity: &Identity) -> String {
        check(token, CLUSTER, std::slice::from_ref(identity), now()).unwrap_err()
    }

    #[test]
    fn a_token_of_the_aws_cli_is_taken_for_15_minutes() {
        for session in [false, true] {
            let (token, identity) = golden(session);
            let at = |minutes| {
                let at = now() + SignedDuration::from_mins(minutes);
                check(&token, CLUSTER, std::slice::from_ref(&identity), at)
                    .map(|known| known.username.clone())
            };
            assert_eq!(at(0).unwrap(), identity.username);
            assert!(at(15).is_ok());
            assert_eq!(at(16).unwrap_err(), "X-Amz-Date parameter is expired");
            assert!(at(-6).unwrap_err().contains("not yet current"));
        }
    }

    #[test]
    fn whatever_differs_is_refused() {
        let (whole, identity) = golden(true);
        let url = url(&whole);
        let changed = |from: &str, to: &str| {
            assert!(url.contains(from), "{from}");
            refused(&token(&url.replacen(from, to, 1)), &identity)
        };
        for (from, to, why) in [
            ("https", "http", "unexpected scheme"),
            (".com/?", ".com/x/?", "unexpected hostname"),
            ("sts.us-east-1", "sts.eu-west-1", "unexpected hostname"),
            ("sts.us-east-1.amazonaws.com", "sts.us-east-1.evil.example", "unexpected hostname"),
            ("Action=GetCallerIdentity", "Action=GetSessionToken", "unexpected action"),
            ("&Version", "&x-id=GetCallerIdentity&Version", "non-whitelisted query parameter"),
            ("&Version", "&X-Amz-Expires=60&Version", "multiple values"),
            ("host%3Bx-k8s-aws-id", "host", "did not sign the x-k8s-aws-id header"),
            ("X-Amz-Expires=60", "X-Amz-Expires=901", "invalid X-Amz-Expires"),
            ("X-Amz-Expires=60", "X-Amz-Expires=61", "SignatureDoesNotMatch"),
            ("X-Amz-Date=20261122T0758", "X-Amz-Date=20261122T0757", "SignatureDoesNotMatch"),
            ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF", "InvalidClientTokenId"),
            ("X-Amz-Security-Token=I", "X-Amz-Security-Token=J", "InvalidClientTokenId"),
            ("X-Amz-Signature=", "X-Amz-Signature=0", "SignatureDoesNotMatch"),
        ] {
            let error = changed(from, to);
            assert!(error.contains(why), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn any_signer_is_accepted_on_request_but_not_any_signed_content() {
        let (whole, _) = golden(true);
        let identities = [Identity::admin("static"), Identity::any_signer(crate::Rights::none())];
        let taken = |url: &str, minutes| {
            let at = now() + SignedDuration::from_mins(minutes);
            check(&token(url), CLUSTER, &identities, at).map(|known| known.any_signer)
        };
        let url = url(&whole);
        let changed = |from: &str, to: &str| {
            assert!(url.contains(from), "{from}");
            taken(&url.replacen(from, to, 1), 0)
        };
        assert_eq!(taken(&url, 0), Ok(true));
        assert_eq!(changed("AKIAIOSFODNN7EXAMPLE", "AKIAOFSOMEBODYELSEXX"), Ok(true));
        assert_eq!(taken(&url, 16).unwrap_err(), "X-Amz-Date parameter is expired");
        assert!(taken(&url, -6).unwrap_err().contains("not yet current"));
        for (from, to, why) in [
            ("https", "http", "unexpected scheme"),
            ("//sts.", "//evil.", "unexpected hostname"),
            ("GetCallerIdentity", "AssumeRole", "unexpected action"),
            ("&Version", "&x-id=GetCallerIdentity&Version", "non-whitelisted query parameter"),
            ("host%3Bx-k8s-aws-id", "host", "did not sign the x-k8s-aws-id header"),
            ("X-Amz-Expires=60", "X-Amz-Expires=901", "invalid X-Amz-Expires"),
        ] {
            let error = changed(from, to).unwrap_err();
            assert!(error.contains(why), "{from} -> {to}: {error}");
        }
        // Only on request.
        assert!(
            check(&whole, CLUSTER, &identities[..1], now()).unwrap_err().contains("InvalidClientTokenId")
        );
    }

    #[test]
    fn the_outer_form_counts() {
        let (whole, identity) = golden(true);
        for (bad, why) in [
            (whole.replacen("k8s-aws-v1.", "k8s-aws-v2.", 1), "missing expected prefix"),
            (format!("{whole}="), "padding"),
            (format!("k8s-aws-v1.{}", "a".repeat(4_086)), "too large"),
            (String::new(), "missing expected prefix"),
        ] {
            let error = refused(&bad, &identity);
            assert!(error.to_lowercase().contains(why), "{error}");
        }
    }

    #[test]
    fn a_token_is_for_one_cluster_and_lives_as_long_as_its_session() {
        let (whole, mut identity) = golden(true);
        let other = check(&whole, "other", std::slice::from_ref(&identity), now());
        assert_eq!(other.unwrap_err(), "SignatureDoesNotMatch");
        identity.session_ended = true;
        assert!(refused(&whole, &identity).starts_with("ExpiredToken"));
    }
}
