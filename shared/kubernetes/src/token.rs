//! The bearer token for an EKS cluster: a presigned STS request, in base64url.
//!
//! `pkg/token/token.go` of kubernetes-sigs/aws-iam-authenticator defines what the server accepts.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use fargaze::model::cluster::Region;
use http::HeaderValue;

/// How long a token is used: the server accepts it until 15 minutes after `X-Amz-Date`; the AWS CLI
/// also uses 14.
const LIFETIME: Duration = Duration::from_mins(14);

/// The longest token that the server accepts, in bytes.
const LONGEST: usize = 4096;

/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Why no token could be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The provider returned no credentials.
    #[error("no credentials to sign with: {0}")]
    Credentials(String),
    /// The credentials have expired, so STS would reject the signature.
    #[error("the credentials to sign with have expired")]
    Expired,
    /// The Region is invalid, so there is no STS host to sign for.
    #[error("{0:?} is not an AWS Region")]
    Region(String),
    /// The request could not be signed.
    #[error("the STS request cannot be signed; a cluster name may contain only letters, digits, - and _")]
    Unsignable,
    /// The session token is too long, and so is the bearer token.
    #[error(
        "the token has {0} bytes, and the server accepts 4096: the session token of the role is too long; give the \
         session fewer tags or a shorter policy"
    )]
    TooLong(usize),
}

/// A bearer token with its expiry. Its `Debug` output does not contain the token.
#[derive(Clone)]
pub struct BearerToken {
    header: HeaderValue,
    expires_at: SystemTime,
}

impl BearerToken {
    /// Signs `GetCallerIdentity` for one cluster, identified by name (not ARN).
    pub fn sign(
        cluster: &str,
        region: &str,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Self, TokenError> {
        let end = credentials.expiry().unwrap_or(now + LIFETIME);
        if end <= now {
            return Err(TokenError::Expired);
        }
        let url = presigned(cluster, &sts_host(region)?, region, credentials, now)?;
        let token = format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url));
        if token.len() > LONGEST {
            return Err(TokenError::TooLong(token.len()));
        }
        let mut header =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TokenError::Unsignable)?;
        header.set_sensitive(true);
        Ok(Self { header, expires_at: end.min(now + LIFETIME) })
    }

    /// When to sign another one: after 14 minutes, or when the role's session ends.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub fn header(&self) -> &HeaderValue {
        &self.header
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The regional host of STS.
fn sts_host(region: &str) -> Result<String, TokenError> {
    let known: Region = region.parse().map_err(|_| TokenError::Region(region.to_owned()))?;
    Ok(format!("sts.{region}.{}", known.partition().dns_suffix()))
}

fn presigned(
    cluster: &str,
    host: &str,
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<String, TokenError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    // The authenticator ignores it; the AWS CLI uses 60.
    settings.expires_in = Some(Duration::from_secs(60));
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|_| TokenError::Unsignable)?
        .into();
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let headers = [("host", host), (CLUSTER_HEADER, cluster)].into_iter();
    let request = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(b""))
        .map_err(|_| TokenError::Unsignable)?;
    let (instructions, _) = sign(request, &parameters).map_err(|_| TokenError::Unsignable)?.into_parts();
    // The authenticator rejects any parameter beyond the nine, so the signature is applied to
    // nothing but the URI.
    let mut request = http::Request::get(&url).body(()).map_err(|_| TokenError::Unsignable)?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde::Deserialize;

    use super::*;

    /// Tokens of the AWS CLI, generated by `testdata/eks_tokens.py`.
    const GOLDEN: &str = include_str!("testdata/eks_tokens.json");

    #[derive(Deserialize)]
    struct Golden {
        cluster: String,
        region: String,
        now: Timestamp,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        token: String,
    }

    fn credentials(session_token: Option<String>, expiry: Option<SystemTime>) -> Credentials {
        Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPx", session_token, expiry, "test")
    }

    fn now() -> SystemTime {
        "2026-11-22T10:05:00Z".parse::<Timestamp>().unwrap().into()
    }

    fn text(token: &BearerToken) -> String {
        token.header().to_str().unwrap().to_owned()
    }

    /// The URL's parts in a fixed order, because the CLI puts the session token before the
    /// signature.
    fn sorted(token: &str) -> Vec<String> {
        let url = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        let mut parts: Vec<String> =
            String::from_utf8(url).unwrap().split(['?', '&']).map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    }

    #[test]
    fn tokens_match_those_of_the_aws_cli() {
        let golden: Vec<Golden> = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(golden.len(), 8);
        for one in golden {
            let keys = Credentials::new(
                one.access_key_id,
                one.secret_access_key,
                one.session_token.clone(),
                None,
                "test",
            );
            let token = BearerToken::sign(&one.cluster, &one.region, &keys, one.now.into()).unwrap();
            let token = text(&token).strip_prefix("Bearer ").unwrap().to_owned();
            if one.session_token.is_none() {
                assert_eq!(token, one.token, "{}", one.region);
            }
            assert_eq!(sorted(&token), sorted(&one.token), "{}", one.region);
        }
    }

    #[test]
    fn a_token_ends_after_14_minutes_or_with_the_session_of_the_role() {
        let minutes = |minutes| now() + Duration::from_mins(minutes);
        for (session_ends, token_ends) in [(None, 14), (Some(60), 14), (Some(5), 5)] {
            let keys = credentials(None, session_ends.map(minutes));
            let token = BearerToken::sign("shop", "us-east-1", &keys, now()).unwrap();
            assert_eq!(token.expires_at(), minutes(token_ends));
        }
        let ended = credentials(None, Some(now()));
        assert_eq!(BearerToken::sign("shop", "us-east-1", &ended, now()).unwrap_err(), TokenError::Expired);
    }

    #[test]
    fn a_session_token_that_makes_the_token_too_long_is_an_error() {
        let sign = |length| {
            let keys = credentials(Some("a".repeat(length)), None);
            BearerToken::sign("shop", "us-east-1", &keys, now())
        };
        assert!(text(&sign(2_500).unwrap()).len() <= "Bearer ".len() + LONGEST);
        let error = sign(2_700).unwrap_err();
        assert!(matches!(error, TokenError::TooLong(length) if length > LONGEST), "{error}");
        assert!(
            error.to_string().contains("the server accepts 4096: the session token of the role"),
            "{error}"
        );
    }

    #[test]
    fn each_partition_has_its_host() {
        for (region, host) in [
            ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("cn-northwest-1", "sts.cn-northwest-1.amazonaws.com.cn"),
            ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"),
            ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(sts_host(region).unwrap(), host);
        }
        for none in ["", "us-east-1.evil.example/", "US"] {
            assert_eq!(sts_host(none), Err(TokenError::Region(none.to_owned())));
        }
    }

    #[test]
    fn an_invalid_cluster_name_is_an_error() {
        let signed = BearerToken::sign("shop\n", "us-east-1", &credentials(None, None), now());
        assert_eq!(signed.unwrap_err(), TokenError::Unsignable);
    }

    #[test]
    fn no_part_of_a_token_is_printed() {
        let token = BearerToken::sign("shop", "us-east-1", &credentials(None, None), now()).unwrap();
        let printed = format!("{token:?} {:?}", token.header());
        assert!(!printed.contains("k8s-aws-v1") && !printed.contains(&text(&token)[30..60]), "{printed}");
    }
}
