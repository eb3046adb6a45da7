//! What the tasks of a service run on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::logs::RunningSize;
use crate::model::compute::{Capacity, Compute, TaskSize};
use crate::text::Text;

/// What the tasks of a service run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunsOn {
    /// The kind of capacity.
    pub capacity: Capacity,
    /// Its capacity providers with base and weight, such as `FARGATE_SPOT base 0 weight 4`; empty if
    /// it has a launch type instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Text>,
    /// Platform version of Fargate; `LATEST` is what ECS says of a service that follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<Text>,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<Text>,
    /// Whether the platform version is older than 1.4.0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old_platform: bool,
    /// Revisions of task definitions that run, with what they ask for; empty if not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskOfRevision>,
}

/// A revision of a task definition that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TaskOfRevision {
    /// `FAMILY:REVISION`.
    pub revision: Text,
    /// What it asks for.
    #[serde(flatten)]
    pub size: TaskSize,
}

impl From<&RunningSize> for TaskOfRevision {
    fn from(running: &RunningSize) -> Self {
        Self { revision: Text::new(&running.revision), size: running.size.clone() }
    }
}

impl RunsOn {
    /// Whether it is Fargate on demand with a current platform.
    pub(crate) fn is_plain(&self) -> bool {
        self.capacity == Capacity::Fargate && !self.old_platform
    }
}

impl From<&Compute> for RunsOn {
    fn from(compute: &Compute) -> Self {
        let providers = compute
            .strategy
            .iter()
            .map(|one| Text::new(&format!("{} base {} weight {}", one.provider, one.base, one.weight)));
        let text = |text: &Option<String>| text.as_deref().map(Text::new);
        Self {
            capacity: compute.capacity,
            providers: providers.collect(),
            platform_version: text(&compute.platform_version),
            platform_family: text(&compute.platform_family),
            old_platform: compute.has_old_platform(),
            tasks: Vec::new(),
        }
    }
}

/// `Fargate`, `Fargate Spot`, `Fargate 1.3.0`, `EC2`, `Fargate, 0.25 vCPU, 512 MiB, ARM64`.
impl fmt::Display for RunsOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.capacity)?;
        if let Some(version) = self.platform_version.as_ref().filter(|_| self.old_platform) {
            write!(f, " {version}")?;
        }
        let is_windows = |family: &Text| family.as_str().to_lowercase().starts_with("windows");
        if self.platform_family.as_ref().is_some_and(is_windows) {
            f.write_str(", Windows")?;
        }
        match self.tasks.last() {
            Some(task) => write!(f, ", {}", task.size),
            None => Ok(()),
        }
    }
}
