//! What tables and random histories share: samples, the drawing of histories, and CloudTrail
//! events.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::{Addon, LogType};
use fargaze::model::cluster::{AccountId, ClusterName, Region};
use fargaze::model::insights::InsightsLevel;
use fargaze::reconcile::{Aspect, Desired, EffectivePolicy, Existing, SubjectPolicy};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) const PEOPLE: [&str; 2] = ["arn:aws:sts::123456789012:assumed-role/terraform/ci", "alice"];

/// The session of fargaze: it ignores events of its own calls.
pub(crate) const OURS: &str = "arn:aws:sts::123456789012:assumed-role/fargaze/enable-insights";
/// The role of that session.
pub(crate) const OUR_ROLE: &str = "arn:aws:iam::123456789012:role/fargaze";

/// Events that do not concern fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    FailedCall,
    OtherService,
    OtherCall,
    OtherAccount,
}

impl Noise {
    pub(crate) const ALL: [Self; 4] =
        [Self::FailedCall, Self::OtherService, Self::OtherCall, Self::OtherAccount];

    /// The event with a call that does not matter, `call`, in place of its own.
    pub(crate) fn spoil(self, event: &mut Value, call: &str) {
        match self {
            Self::FailedCall => {
                event["detail"]["errorCode"] = json!("AccessDenied");
                event["detail"]["responseElements"] = json!(null);
            }
            Self::OtherService => event["detail"]["eventSource"] = json!("redshift.amazonaws.com"),
            Self::OtherCall => event["detail"]["eventName"] = json!(call),
            Self::OtherAccount => event["account"] = json!("999999999999"),
        }
    }
}

/// A number to draw choices from. With a strategy for each choice, ten thousand histories would
/// spend most of their time in the random numbers of `proptest`; so each step draws one number and
/// shrinks that.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap();
        let drawn = self.0 % n;
        self.0 /= n;
        usize::try_from(drawn).unwrap()
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

pub(crate) fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

pub(crate) fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(crate) fn cluster_name() -> ClusterName {
    "payments".parse().unwrap()
}

/// The minimum that Fargate accepts.
pub(crate) const OUTPUT: &str = "[OUTPUT]\n    Name es\n    Match *\n";

/// Data of the `ConfigMap` for the logging of Fargate pods.
pub(crate) fn data(output: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("output.conf".to_owned(), output.to_owned())])
}

pub(crate) fn addon(name: &str, status: &str) -> Addon {
    Addon {
        name: name.to_owned(),
        status: status.to_owned(),
        version: Some("v0.8.0-eksbuild.1".to_owned()),
        configuration: None,
        issues: Vec::new(),
    }
}

/// The strictest policy for an aspect.
pub(crate) fn most(aspect: Aspect) -> Desired {
    match aspect {
        Aspect::AccountDefault | Aspect::ContainerInsights => Desired::AtLeast(InsightsLevel::Enabled),
        Aspect::MetricsServer | Aspect::CloudwatchObservability => Desired::Installed,
        Aspect::LogRetention => Desired::ExactRetention(30),
        Aspect::AwsLogging => Desired::ConfigMap(data(OUTPUT)),
        Aspect::ControlPlaneLogs => Desired::Logs(BTreeSet::from([LogType::Api, LogType::Audit])),
    }
}

/// The default policy for an aspect.
pub(crate) fn built_in(aspect: Aspect) -> Desired {
    match aspect {
        Aspect::AccountDefault | Aspect::LogRetention => Desired::Leave,
        Aspect::ContainerInsights | Aspect::MetricsServer => most(aspect),
        Aspect::CloudwatchObservability | Aspect::AwsLogging | Aspect::ControlPlaneLogs => Desired::Report,
    }
}

/// The user's policies for these aspects.
pub(crate) fn policies(
    desired: impl IntoIterator<Item = (Aspect, Desired)>,
    existing: Existing,
) -> SubjectPolicy {
    let effective = |desired| EffectivePolicy { desired, existing, source: "fargaze.yaml:9".to_owned() };
    SubjectPolicy::new(desired.into_iter().map(|(aspect, desired)| (aspect, effective(desired))))
}

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

/// A successful call to an AWS API.
pub(crate) struct Call<'a> {
    /// `ecs` or `eks`.
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
    /// Number of the event; its ids are derived from it.
    pub(crate) serial: usize,
    pub(crate) time: Timestamp,
    /// ARN of a session, or name of a user.
    pub(crate) by: &'a str,
    pub(crate) request: Value,
    pub(crate) answer: Value,
}

impl Call<'_> {
    /// The event of the call, as EventBridge delivers it.
    pub(crate) fn event(self) -> Value {
        let Call { service, name, serial, time, by, request, answer } = self;
        json!({
            "id": serial.to_string(), "detail-type": "AWS API Call via CloudTrail", "source": format!("aws.{service}"),
            "account": account(), "region": region(),
            "detail": {
                "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": region(),
                "eventTime": time, "eventID": format!("event-{serial}"),
                "userIdentity": identity(by), "requestParameters": request, "responseElements": answer,
            },
        })
    }
}

fn identity(by: &str) -> Value {
    let Some(session) = by.strip_prefix("arn:aws:sts::123456789012:assumed-role/") else {
        return json!({"type": "IAMUser", "userName": by});
    };
    let role = session.split('/').next().unwrap_or_default();
    let issuer = json!({"type": "Role", "arn": format!("arn:aws:iam::123456789012:role/{role}")});
    json!({"type": "AssumedRole", "arn": by, "sessionContext": {"sessionIssuer": issuer}})
}

/// The caller, read without fargaze's own reader.
pub(crate) fn who(event: &Value) -> &str {
    let identity = &event["detail"]["userIdentity"];
    identity["arn"].as_str().or(identity["userName"].as_str()).unwrap_or_default()
}
