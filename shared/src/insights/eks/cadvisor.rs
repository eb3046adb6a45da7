//! Whether cAdvisor is asked on the nodes of a cluster.

use std::str::FromStr;

use crate::cluster::BadName;

/// How cAdvisor is read. It is not, unless the user says so: the right to it lets its holder run commands in every pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cadvisor {
    /// It is not asked.
    #[default]
    None,
    /// Through the API server, by the right `nodes/proxy`.
    Proxy,
}

impl FromStr for Cadvisor {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "none" => Ok(Self::None),
            "proxy" => Ok(Self::Proxy),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "way to cAdvisor",
                expected: "proxy, which needs the right nodes/proxy, or none",
            }),
        }
    }
}
