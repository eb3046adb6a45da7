//! The calls of ECS and EKS whose events are taken: all that can change what fargaze watches and that cannot wait for
//! the sweep.
//!
//! The rule `ClusterChanged` in template.yaml lets exactly these through, and a test compares the two. Which
//! operations there are is said by the API models (aws-sdk-ecs 1.157.0, aws-sdk-eks 1.160.0); a test sorts all of
//! them that change something.

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

    /// The platform that it is about.
    pub fn platform(self) -> Platform {
        match self {
            Self::Ecs => Platform::Ecs,
            Self::Eks => Platform::Eks,
        }
    }
}

/// What a call does to what fargaze watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It makes a cluster. ECS gives one that is there as it is.
    CreatesCluster,
    /// It deletes a cluster.
    DeletesCluster,
    /// It may set Container Insights of an ECS cluster.
    ChangesSettings,
    /// It may set the account's default of Container Insights.
    ChangesAccountDefault,
    /// It may change a part of an EKS cluster that is set up, or what that needs to run.
    ChangesEks,
}

/// A call whose event is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The operation: CloudTrail's `eventName`.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
}

const fn ecs(name: &'static str, effect: Effect) -> Call {
    Call { service: Service::Ecs, name, effect }
}

const fn eks(name: &'static str, effect: Effect) -> Call {
    Call { service: Service::Eks, name, effect }
}

/// The one list of them.
pub const CALLS: &[Call] = &[
    ecs("CreateCluster", Effect::CreatesCluster),
    ecs("DeleteCluster", Effect::DeletesCluster),
    // Terraform's provider sets the settings by this one.
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
    // Where the pods of add-ons can run.
    eks("CreateFargateProfile", Effect::ChangesEks),
    eks("DeleteFargateProfile", Effect::ChangesEks),
    eks("CreateNodegroup", Effect::ChangesEks),
    eks("DeleteNodegroup", Effect::ChangesEks),
];

impl Call {
    /// The call that an event reports, by its `eventSource` and `eventName`; none if its event is not taken.
    pub(super) fn of(event_source: &str, event_name: &str) -> Option<&'static Self> {
        CALLS.iter().find(|call| call.service.event_source() == event_source && call.name == event_name)
    }
}
