//! The ECS and EKS calls whose events fargaze processes: all that can change what it reconciles and
//! that cannot wait for the sweep.
//!
//! The rule `ClusterChanged` in template.yaml passes exactly these, and a test compares the two.
//! The operations come from the API models (aws-sdk-ecs 1.157.0, aws-sdk-eks 1.160.0); a test
//! classifies all of them that change something.

use crate::model::run::Platform;

/// The service that a call is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon ECS.
    Ecs,
    /// Amazon EKS.
    Eks,
}

impl Service {
    /// CloudTrail's `eventSource`.
    pub fn event_source(self) -> &'static str {
        match self {
            Self::Ecs => "ecs.amazonaws.com",
            Self::Eks => "eks.amazonaws.com",
        }
    }

    /// The platform of the service.
    pub fn platform(self) -> Platform {
        match self {
            Self::Ecs => Platform::Ecs,
            Self::Eks => Platform::Eks,
        }
    }
}

/// The effect of a call on what fargaze reconciles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It creates a cluster. ECS returns an existing one unchanged.
    CreatesCluster,
    /// It deletes a cluster.
    DeletesCluster,
    /// It may set Container Insights of an ECS cluster.
    ChangesSettings,
    /// It may set the account's Container Insights default.
    ChangesAccountDefault,
    /// It may change a reconciled aspect of an EKS cluster, or what that needs to run.
    ChangesEks,
}

/// A call whose event fargaze processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The operation: CloudTrail's `eventName`.
    pub name: &'static str,
    /// Its effect.
    pub effect: Effect,
}

const fn ecs(name: &'static str, effect: Effect) -> Call {
    Call { service: Service::Ecs, name, effect }
}

const fn eks(name: &'static str, effect: Effect) -> Call {
    Call { service: Service::Eks, name, effect }
}

/// All calls whose events fargaze processes.
pub const CALLS: &[Call] = &[
    ecs("CreateCluster", Effect::CreatesCluster),
    ecs("DeleteCluster", Effect::DeletesCluster),
    // Terraform's provider sets the settings through this call.
    ecs("UpdateCluster", Effect::ChangesSettings),
    ecs("UpdateClusterSettings", Effect::ChangesSettings),
    ecs("PutAccountSetting", Effect::ChangesAccountDefault),
    ecs("PutAccountSettingDefault", Effect::ChangesAccountDefault),
    ecs("DeleteAccountSetting", Effect::ChangesAccountDefault),
    eks("CreateCluster", Effect::CreatesCluster),
    eks("DeleteCluster", Effect::DeletesCluster),
    // Control-plane logs, Auto Mode, the endpoint.
    eks("UpdateClusterConfig", Effect::ChangesEks),
    eks("CreateAddon", Effect::ChangesEks),
    eks("DeleteAddon", Effect::ChangesEks),
    // Where add-on pods can run.
    eks("CreateFargateProfile", Effect::ChangesEks),
    eks("DeleteFargateProfile", Effect::ChangesEks),
    eks("CreateNodegroup", Effect::ChangesEks),
    eks("DeleteNodegroup", Effect::ChangesEks),
];

impl Call {
    /// The call that an event reports, by its `eventSource` and `eventName`; `None` if fargaze
    /// ignores it.
    pub(super) fn of(event_source: &str, event_name: &str) -> Option<&'static Self> {
        CALLS.iter().find(|call| call.service.event_source() == event_source && call.name == event_name)
    }
}
