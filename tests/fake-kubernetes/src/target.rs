//! The meaning of a path.

use percent_encoding::percent_decode_str;

use crate::rights::Attributes;

/// A parsed path of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) name: String,
    /// `proxy`, `log`.
    pub(crate) subresource: String,
    /// The part after a proxy, with its slash.
    pub(crate) rest: String,
    pub(crate) query: Vec<(String, String)>,
}

impl Target {
    /// `None` for a path that is not a resource's.
    pub(crate) fn read(path: &str, query: &str) -> Option<Self> {
        let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts[..] {
            ["api", version, ref rest @ ..] => ("", version, rest),
            ["apis", group, version, ref rest @ ..] => (group, version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (&resource, rest) = rest.split_first()?;
        let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        let after = rest.get(2..).unwrap_or_default();
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: resource.to_owned(),
            name: part(0),
            subresource: part(1),
            rest: if after.is_empty() { String::new() } else { format!("/{}", after.join("/")) },
            query: read_query(query),
        })
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The action for RBAC.
    pub(crate) fn attributes(&self, method: &http::Method) -> Attributes {
        let is_watch = self.parameter("watch").is_some_and(|watch| watch != "false" && watch != "0");
        let verb = match *method {
            http::Method::GET if self.name.is_empty() && is_watch => "watch",
            http::Method::GET if self.name.is_empty() => "list",
            http::Method::GET => "get",
            http::Method::POST => "create",
            http::Method::PUT => "update",
            http::Method::PATCH => "patch",
            _ if self.name.is_empty() => "deletecollection",
            _ => "delete",
        };
        let resource = if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        };
        // `/api/v1/namespaces/NAME` is a namespace, not a resource in one.
        let namespace =
            if self.resource == "namespaces" { self.name.clone() } else { self.namespace.clone() };
        Attributes {
            verb: verb.to_owned(),
            group: self.group.clone(),
            resource,
            namespace,
            name: self.name.clone(),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn read_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(&value.replace('+', " "))))
        .collect()
}
