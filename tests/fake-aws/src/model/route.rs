//! Finds the operation of a request to a service with REST routes.

use serde::Deserialize;

use super::Model;
use crate::request::Request;
use crate::wire::form;

/// What a request must have to match an operation.
#[derive(Debug, Deserialize)]
pub(super) struct Route {
    method: String,
    /// `/clusters/{name}/addons`; a last segment `{Key+}` matches the rest of the path, slashes
    /// included.
    path: String,
    /// Parameters that distinguish it from others with the same path, each with its value if that
    /// matters.
    #[serde(default)]
    query: Vec<String>,
    /// Headers that distinguish it.
    #[serde(default)]
    headers: Vec<String>,
}

impl Model {
    /// The operation of the most specific route that matches the request.
    pub(crate) fn routed(&self, request: &Request) -> Option<&str> {
        self.routes
            .iter()
            .filter(|(_, route)| route.fits(request))
            .max_by_key(|(_, route)| route.narrowness())
            .map(|(operation, _)| operation.as_str())
    }

    /// The values of the path segments of an operation, by their names in the route.
    pub(super) fn pieces(&self, operation: &str, request: &Request) -> Vec<(&str, String)> {
        self.routes.get(operation).and_then(|route| pieces(&route.path, &request.path)).unwrap_or_default()
    }
}

impl Route {
    fn fits(&self, request: &Request) -> bool {
        let parameter = |part: &String| match part.split_once('=') {
            Some((name, value)) => request.parameter(name) == Some(value),
            None => request.parameter(part).is_some(),
        };
        self.method == request.method
            && pieces(&self.path, &request.path).is_some()
            && self.query.iter().all(parameter)
            && self.headers.iter().all(|name| !request.header(name).is_empty())
    }

    /// More conditions and more literal segments are more specific.
    fn narrowness(&self) -> (usize, usize) {
        let spelt = self.path.split('/').filter(|piece| !piece.starts_with('{')).count();
        (spelt, self.query.len() + self.headers.len())
    }
}

/// The decoded values of the segments in braces; `None` if the path does not match the template.
fn pieces<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let mut found = Vec::new();
    let mut rest = Some(path.strip_prefix('/')?);
    for piece in template.trim_start_matches('/').split('/') {
        let left = rest?;
        if let Some(name) = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix("+}")) {
            found.push((name, left));
            rest = None;
            continue;
        }
        let (value, after) = left.split_once('/').map_or((left, None), |(value, after)| (value, Some(after)));
        match piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}')) {
            Some(name) => found.push((name, value)),
            None if piece == value => {}
            None => return None,
        }
        rest = after;
    }
    // A trailing slash is not a segment.
    let whole = rest.is_none_or(str::is_empty) && found.iter().all(|(_, value)| !value.is_empty());
    whole.then(|| found.into_iter().map(|(name, value)| (name, form::decode(value, false))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_templates() {
        for (template, path, expected) in [
            ("/clusters", "/clusters", Some(vec![])),
            ("/clusters", "/clusters/", Some(vec![])),
            ("/clusters", "/addons", None),
            ("/clusters/{name}", "/clusters", None),
            ("/clusters/{name}", "/clusters/", None),
            ("/clusters/{name}", "/addons/supported-versions", None),
            ("/clusters/{name}", "/clusters/shop", Some(vec![("name", "shop")])),
            ("/clusters/{name}", "/clusters/shop/addons", None),
            (
                "/c/{name}/a/{arn}",
                "/c/x/a/arn%3Aaws%3Ax%2Fy",
                Some(vec![("name", "x"), ("arn", "arn:aws:x/y")]),
            ),
            ("/{Bucket}/{Key+}", "/data", None),
            ("/{Bucket}/{Key+}", "/data/", None),
            ("/{Bucket}/{Key+}", "/data/a/b%20c", Some(vec![("Bucket", "data"), ("Key", "a/b c")])),
            ("/{Bucket}/{Key+}", "/data/a/", Some(vec![("Bucket", "data"), ("Key", "a/")])),
            ("/{Bucket}", "/data/", Some(vec![("Bucket", "data")])),
            ("/{Bucket}", "/data/a", None),
            ("/", "/", Some(vec![])),
            ("/", "/data", None),
        ] {
            let found = pieces(template, path);
            let found: Option<Vec<(&str, &str)>> = found
                .as_ref()
                .map(|found| found.iter().map(|(name, value)| (*name, value.as_str())).collect());
            assert_eq!(found, expected, "{template} {path}");
        }
    }
}
