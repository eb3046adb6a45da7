//! The parameters of a cluster that `CreateCluster` and `UpdateCluster` set.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateCluster.html>

use serde_json::Value;

use super::clusters::insights_setting;
use super::invalid;
use crate::estate::ClusterSpec;
use crate::wire::Refusal;

/// The current values; what a request omits stays unchanged.
pub(super) struct Changes<'a> {
    level: Option<&'a str>,
    configuration: Option<&'a Value>,
    namespace: Option<&'a str>,
}

impl<'a> Changes<'a> {
    /// The requested changes, if they are valid.
    pub(super) fn of(input: &'a Value) -> Result<Self, Refusal> {
        let configuration = input.get("configuration").filter(|value| !value.is_null());
        if let Some(configuration) = configuration {
            check(configuration)?;
        }
        let namespace = input["serviceConnectDefaults"]["namespace"].as_str();
        if namespace.is_some_and(|name| !is_namespace(name)) {
            return Err(invalid("Invalid namespace name."));
        }
        Ok(Self { level: insights_setting(input)?, configuration, namespace })
    }

    /// Applies them; `place` is the Region and account of the cluster.
    pub(super) fn make(&self, cluster: &mut ClusterSpec, place: &str) {
        if let Some(level) = self.level {
            level.clone_into(&mut cluster.insights);
        }
        if let Some(configuration) = self.configuration {
            cluster.configuration = configuration.clone();
        }
        match self.namespace {
            None => {}
            // An empty name removes the default.
            Some("") => cluster.namespace = None,
            Some(arn) if arn.starts_with("arn:") => cluster.namespace = Some(arn.to_owned()),
            Some(name) => {
                cluster.namespace = Some(format!("arn:aws:servicediscovery:{place}:namespace/ns-{name}"));
            }
        }
    }
}

/// Logging of ECS Exec: only OVERRIDE has its own configuration, and requires it.
fn check(configuration: &Value) -> Result<(), Refusal> {
    let exec = &configuration["executeCommandConfiguration"];
    if exec.is_null() {
        return Ok(());
    }
    let overrides = exec["logging"] == "OVERRIDE";
    if overrides == exec["logConfiguration"].is_null() {
        return Err(invalid("logConfiguration is required with OVERRIDE logging, and only with it."));
    }
    let logs = &exec["logConfiguration"];
    for (encrypted, name) in
        [("cloudWatchEncryptionEnabled", "cloudWatchLogGroupName"), ("s3EncryptionEnabled", "s3BucketName")]
    {
        if logs[encrypted] == true && logs[name].as_str().is_none_or(str::is_empty) {
            return Err(invalid(format!("{name} is required with {encrypted}.")));
        }
    }
    Ok(())
}

fn is_namespace(name: &str) -> bool {
    name.starts_with("arn:") || (name.len() <= 1_024 && !name.contains(['<', '>', '"', '/']))
}
