//! What the tasks of a service run on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the tasks of a service run on (Amazon ECS API, `Service`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compute {
    /// The kind of capacity.
    pub capacity: Capacity,
    /// Its capacity providers with their weights; empty if it has a launch type instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategy: Vec<ProviderShare>,
    /// Fargate platform version such as `1.4.0`, of the newest deployment; `None` elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Operating system such as `Linux` or `WINDOWS_SERVER_2022_CORE`, of the newest deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
}

/// The kind of capacity that tasks run on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// Fargate on demand.
    #[default]
    Fargate,
    /// Fargate Spot, alone or beside Fargate on demand.
    FargateSpot,
    /// EC2 instances of the account, in an Auto Scaling group or not.
    Ec2,
    /// ECS Managed Instances.
    ManagedInstances,
    /// Machines outside AWS (ECS Anywhere).
    External,
}

/// What a task definition asks for (Amazon ECS API, `TaskDefinition`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TaskSize {
    /// CPU of the task in units, 1024 for a vCPU; `None` if it has none, as on EC2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_units: Option<u32>,
    /// Memory of the task in MiB; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// `X86_64` or `ARM64`; on Fargate `X86_64` if the definition has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
}

/// A capacity provider in the strategy of a service (Amazon ECS API,
/// `CapacityProviderStrategyItem`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderShare {
    /// Its name, such as `FARGATE_SPOT`.
    pub provider: String,
    /// Tasks that run on it before the weights count.
    pub base: u32,
    /// Its share of the other tasks, relative to the other weights.
    pub weight: u32,
}

/// The first platform version with task metadata 4, ephemeral storage metrics and Exec (Amazon ECS
/// Developer Guide, "Fargate platform versions").
const OLDEST_CURRENT: [u32; 3] = [1, 4, 0];

impl Capacity {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Fargate, Self::FargateSpot, Self::Ec2, Self::ManagedInstances, Self::External];

    /// Whether it is Fargate, on demand or Spot.
    pub fn is_fargate(self) -> bool {
        matches!(self, Self::Fargate | Self::FargateSpot)
    }

    /// Its spelling in the user's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fargate => "fargate",
            Self::FargateSpot => "fargate-spot",
            Self::Ec2 => "ec2",
            Self::ManagedInstances => "managed-instances",
            Self::External => "external",
        }
    }

    /// By the launch type, or else by the capacity providers. A service without both has the default
    /// strategy of its cluster, and counts as Fargate.
    pub fn of(launch_type: Option<&str>, strategy: &[ProviderShare]) -> Self {
        let is = |name: &str| strategy.iter().any(|one| one.provider == name);
        match launch_type {
            Some("FARGATE") => Self::Fargate,
            Some("EXTERNAL") => Self::External,
            Some("MANAGED_INSTANCES") => Self::ManagedInstances,
            None if is("FARGATE_SPOT") => Self::FargateSpot,
            None if strategy.is_empty() || is("FARGATE") => Self::Fargate,
            // A capacity provider of the account's own.
            Some(_) | None => Self::Ec2,
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fargate => "Fargate",
            Self::FargateSpot => "Fargate Spot",
            Self::Ec2 => "EC2",
            Self::ManagedInstances => "Managed Instances",
            Self::External => "external",
        })
    }
}

impl TaskSize {
    /// Reads CPU or memory of a task definition, which ECS also takes with a unit: `256`, `1 vCPU`,
    /// `.5 vcpu`, `512`, `2 GB`. Units of CPU, or MiB.
    pub fn amount(text: &str) -> Option<u32> {
        let text = text.trim().to_lowercase();
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let (number, unit) = (number.parse::<f64>().ok()?, text[number.len()..].trim());
        let value = match unit {
            "" => number,
            "vcpu" | "gb" => number * 1024.0,
            _ => return None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
        (0.0..=f64::from(u32::MAX)).contains(&value).then(|| value.round() as u32)
    }
}

/// `0.25 vCPU, 512 MiB, ARM64`
impl fmt::Display for TaskSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu_units.map(|units| format!("{} vCPU", f64::from(units) / 1024.0));
        let memory = self.memory_mib.map(|mib| match mib % 1024 {
            0 => format!("{} GiB", mib / 1024),
            _ => format!("{mib} MiB"),
        });
        let parts: Vec<String> = [cpu, memory, self.architecture.clone()].into_iter().flatten().collect();
        f.pad(&parts.join(", "))
    }
}

impl Compute {
    /// Whether its platform version is older than 1.4.0. `LATEST` is not.
    pub fn has_old_platform(&self) -> bool {
        let version = self.platform_version.as_deref().filter(|_| self.capacity.is_fargate());
        let numbers =
            version.and_then(|text| text.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok());
        // Windows has versions of its own, which begin with 1.0.0.
        let is_linux =
            self.platform_family.as_deref().is_none_or(|family| family.eq_ignore_ascii_case("linux"));
        is_linux && numbers.is_some_and(|numbers| numbers.as_slice() < &OLDEST_CURRENT[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy(names: &[&str]) -> Vec<ProviderShare> {
        names.iter().map(|name| ProviderShare { provider: (*name).to_owned(), base: 0, weight: 1 }).collect()
    }

    #[test]
    fn s15_the_capacity_is_that_of_the_launch_type_or_of_the_providers() {
        for (launch_type, providers, capacity) in [
            (Some("FARGATE"), &[][..], Capacity::Fargate),
            (Some("EC2"), &[], Capacity::Ec2),
            (Some("EXTERNAL"), &[], Capacity::External),
            (Some("MANAGED_INSTANCES"), &[], Capacity::ManagedInstances),
            (None, &["FARGATE"], Capacity::Fargate),
            (None, &["FARGATE", "FARGATE_SPOT"], Capacity::FargateSpot),
            (None, &["FARGATE_SPOT"], Capacity::FargateSpot),
            (None, &["our-asg"], Capacity::Ec2),
            (None, &[], Capacity::Fargate),
        ] {
            assert_eq!(
                Capacity::of(launch_type, &strategy(providers)),
                capacity,
                "{launch_type:?} {providers:?}"
            );
        }
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, amount) in [
            ("256", Some(256)),
            ("1 vCPU", Some(1024)),
            (".5 vcpu", Some(512)),
            ("2GB", Some(2048)),
            ("0.5 GB", Some(512)),
            ("", None),
            ("much", None),
            ("-1", None),
        ] {
            assert_eq!(TaskSize::amount(text), amount, "{text}");
        }
        let size =
            TaskSize { cpu_units: Some(256), memory_mib: Some(512), architecture: Some("ARM64".to_owned()) };
        assert_eq!(size.to_string(), "0.25 vCPU, 512 MiB, ARM64");
        let size = TaskSize { cpu_units: Some(4096), memory_mib: Some(8192), architecture: None };
        assert_eq!(size.to_string(), "4 vCPU, 8 GiB");
    }

    #[test]
    fn s46_a_platform_before_1_4_is_old() {
        let with = |version: Option<&str>, family: &str, capacity| Compute {
            capacity,
            platform_version: version.map(ToOwned::to_owned),
            platform_family: Some(family.to_owned()),
            ..Compute::default()
        };
        for (version, old) in
            [("1.3.0", true), ("1.0.0", true), ("1.4.0", false), ("1.10.0", false), ("LATEST", false)]
        {
            assert_eq!(with(Some(version), "Linux", Capacity::Fargate).has_old_platform(), old, "{version}");
        }
        assert!(!with(Some("1.0.0"), "WINDOWS_SERVER_2022_CORE", Capacity::Fargate).has_old_platform());
        assert!(!with(Some("1.3.0"), "Linux", Capacity::Ec2).has_old_platform());
        assert!(!with(None, "Linux", Capacity::Fargate).has_old_platform());
    }
}
