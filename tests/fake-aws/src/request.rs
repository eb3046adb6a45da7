//! One call as it arrived: the HTTP message, and the caller according to its signature's credential
//! scope.

use hyper::HeaderMap;
use hyper::body::Bytes;

use crate::wire::form;

/// A whole request, body included.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Still percent-encoded.
    pub(crate) path: String,
    /// Decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The account that the access key belongs to.
    pub(crate) account: String,
    pub(crate) region: String,
    /// The signing name of the service; empty when the request is not signed.
    pub(crate) signing_name: String,
    /// The `app/NAME` token of the SDK's user agent.
    pub(crate) app: String,
}

impl Request {
    /// Reads the caller from the headers; `home` is the account and Region of calls that do not
    /// say.
    pub(crate) fn new(head: &hyper::http::request::Parts, body: Bytes, home: (&str, &str)) -> Self {
        let scope = Scope::of(&head.headers);
        let account = scope.as_ref().and_then(|scope| account_of_key(&scope.key));
        Self {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: form::parse(head.uri.query().unwrap_or_default()),
            account: account.unwrap_or(home.0).to_owned(),
            region: scope.as_ref().map_or(home.1, |scope| &scope.region).to_owned(),
            signing_name: scope.as_ref().map(|scope| scope.service.clone()).unwrap_or_default(),
            app: app_name(&head.headers),
            headers: head.headers.clone(),
            body,
        }
    }

    /// The header's value, or "".
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of the query parameter, if present.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The credential scope of Signature Version 4: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
/// The signature itself is not checked.
struct Scope {
    key: String,
    region: String,
    service: String,
}

impl Scope {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(hyper::header::AUTHORIZATION)?.to_str().ok()?;
        let (_, rest) = value.split_once("Credential=")?;
        let mut parts = rest.split([',', ' ']).next()?.split('/');
        let key = parts.next()?.to_owned();
        let _date = parts.next()?;
        Some(Self { key, region: parts.next()?.to_owned(), service: parts.next()?.to_owned() })
    }
}

/// The access key id that [`crate::sts`] issues for a role in `account`.
pub(crate) fn key_of_account(account: &str, serial: u64) -> String {
    format!("ASIA{account}{serial:04X}")
}

/// The account in an access key id made by [`key_of_account`].
pub(crate) fn account_of_key(key: &str) -> Option<&str> {
    let account = key.strip_prefix("ASIA")?.get(..12)?;
    account.bytes().all(|byte| byte.is_ascii_digit()).then_some(account)
}

fn app_name(headers: &HeaderMap) -> String {
    ["x-amz-user-agent", "user-agent"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .flat_map(|value| value.split_ascii_whitespace())
        .find_map(|token| token.strip_prefix("app/"))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_key_names_its_account() {
        let key = key_of_account("210987654321", 7);
        assert_eq!(key, "ASIA2109876543210007");
        assert_eq!(account_of_key(&key), Some("210987654321"));
        assert_eq!(account_of_key("ASIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(account_of_key("AKIAIOSFODNN7EXAMPLE"), None);
    }
}
