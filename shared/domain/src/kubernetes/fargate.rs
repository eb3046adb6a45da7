//! Fargate sizes (Amazon EKS User Guide, "Fargate Pod configuration": CPU and memory).

use std::fmt;
use std::str::FromStr;

use super::quantity::Quantity;
use super::resources::Resources;

/// Provisioned and billed size of a Fargate pod: the annotation `CapacityProvisioned`, not the
/// capacity of its node, which is often larger.
///
/// AWS writes `GB` for GiB: its smallest size of 0.5 GB is 512 MiB in the API (Amazon ECS Developer
/// Guide, "Task size").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provisioned {
    /// Cores.
    pub cpu: Quantity,
    /// Bytes.
    pub memory: Quantity,
}

/// Text that is not a valid size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a Fargate size: expected cores and memory such as \"0.25vCPU 0.5GB\"")]
pub struct BadProvisioned {
    /// The text that was read.
    pub text: String,
}

impl FromStr for Provisioned {
    type Err = BadProvisioned;

    fn from_str(text: &str) -> Result<Self, BadProvisioned> {
        let read = |unit: &str, suffix: &str, part: &str| -> Option<Quantity> {
            let number = part.strip_suffix(unit)?;
            let plain = number.starts_with(|c: char| c.is_ascii_digit())
                && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if plain { format!("{number}{suffix}").parse().ok() } else { None }
        };
        let size = text.split_once(' ').and_then(|(cpu, memory)| {
            Some(Self { cpu: read("vCPU", "", cpu)?, memory: read("GB", "Gi", memory)? })
        });
        size.ok_or_else(|| BadProvisioned { text: text.to_owned() })
    }
}

impl fmt::Display for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}vCPU {}GB", self.cpu.as_f64(), self.memory.as_f64() / f64::from(1 << 30))
    }
}

const MIB: i64 = 1 << 20;
/// Memory that Fargate adds to each pod for the kubelet, kube-proxy and containerd: 256 MB in the
/// guide, where 1 GB is 1024 MB.
const OVERHEAD: i64 = 256 * MIB;

/// Thousandths of a core, and the memory sizes in MiB available with them: minimum, maximum, and
/// step.
const SIZES: [(i64, i64, i64, i64); 9] = [
    // The smallest CPU size allows 0.5, 1 or 2 GB.
    (250, 512, 512, 1),
    (250, 1024, 1024, 1),
    (250, 2048, 2048, 1),
    (500, 1024, 4096, 1024),
    (1000, 2048, 8192, 1024),
    (2000, 4096, 16_384, 1024),
    (4000, 8192, 30_720, 1024),
    (8000, 16_384, 61_440, 4096),
    (16_000, 32_768, 122_880, 8192),
];

/// The size that Fargate provisions for a pod with these requests, as in
/// [`super::pod::PodFacts::requests`]: it adds 256 MB of memory, then takes the next larger size.
/// Without requests it is the smallest size. `None` if no size is large enough, in which case the
/// pod stays pending.
pub fn expected_size(requests: &Resources) -> Option<Provisioned> {
    size(requests, OVERHEAD)
}

/// A smaller size that would be enough if Fargate did not add its 256 MB: requesting up to that
/// much less memory would cost less. `None` if there is no smaller size, or if no size is large
/// enough for the pod.
pub fn size_but_for_overhead(requests: &Resources) -> Option<Smaller> {
    let (with, without) = (size(requests, OVERHEAD)?, size(requests, 0)?);
    (with != without).then(|| Smaller { cpu: without.cpu, memory: without.memory.value() - OVERHEAD })
}

/// What a pod can use in a smaller size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Smaller {
    /// Cores.
    pub cpu: Quantity,
    /// Bytes, without Fargate's own 256 MB.
    pub memory: i64,
}

fn size(requests: &Resources, overhead: i64) -> Option<Provisioned> {
    let cpu = requests.cpu.unwrap_or_default();
    let memory = requests.memory.unwrap_or_default().value().max(0).checked_add(overhead)?;
    SIZES.into_iter().find_map(|(millis, least, most, step)| {
        let missing = (memory - least * MIB).max(0);
        let steps = missing / (step * MIB) + i64::from(missing % (step * MIB) != 0);
        let size = Provisioned {
            cpu: Quantity::millis(millis),
            memory: Quantity::bytes(least.checked_add(steps.checked_mul(step)?)?.checked_mul(MIB)?),
        };
        (size.cpu >= cpu && size.memory <= Quantity::bytes(most * MIB)).then_some(size)
    })
}
