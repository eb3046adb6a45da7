//! What the audit finds, with the reason why it matters.

use serde::{Deserialize, Serialize};

use crate::model::cluster::ClusterName;
use crate::model::subject::Subject;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Logs are lost, or tasks do not start.
    Loss,
    /// Logs may be lost or leak, or cost more than they should.
    Risk,
    /// Worth knowing.
    Note,
}

impl Impact {
    /// Its word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Risk => "risk",
            Self::Note => "note",
        }
    }
}

/// Something that the audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFinding {
    /// Which rule of the audit it breaks.
    pub kind: FindingKind,
    /// Where.
    pub place: FindingPlace,
    /// The key or value concerned, in words; empty if the kind says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What to write instead, or the command; empty if there is nothing to copy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingPlace {
    /// A container.
    Container {
        /// The service, or the family of tasks without a service.
        subject: Subject,
        /// Its name.
        container: String,
    },
    /// A log group.
    Group(String),
    /// An EKS cluster.
    Cluster(ClusterName),
}

/// Declares the rules of the audit: variant, key, impact, title, and why it matters.
macro_rules! findings {
    ($($(#[$doc:meta])* $variant:ident = $key:literal, $impact:ident, $title:literal, $why:literal;)+) => {
        /// A rule of the audit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum FindingKind {
            $($(#[$doc])* #[serde(rename = $key)] $variant,)+
        }

        impl FindingKind {
            /// All rules, the worst first.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in JSON and in documents.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// How bad it is.
            pub fn impact(self) -> Impact {
                match self { $(Self::$variant => Impact::$impact,)+ }
            }

            /// What was found, as a heading.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// Why it matters: one sentence without a full stop.
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }
        }
    };
}

findings! {
    /// No `logConfiguration`.
    NoDriver = "no-log-driver", Loss, "no log driver",
        "Fargate keeps no output of such a container: it is gone when the task ends";
    /// A driver that Fargate does not support.
    UnsupportedDriver = "unsupported-driver", Loss, "log driver not supported on Fargate",
        "Fargate supports awslogs, splunk and awsfirelens only";
    /// A required option of the driver.
    OptionMissing = "option-missing", Loss, "required log option missing",
        "the driver cannot start without it, and with it the task";
    /// The group does not exist, and nothing creates it.
    GroupNotFound = "group-not-found", Loss, "log group does not exist",
        "nothing creates it: with awslogs a new task fails with ResourceInitializationError, with FireLens the router cannot deliver";
    /// `awsfirelens` without a router.
    RouterMissing = "router-missing", Loss, "FireLens without a log router",
        "no container of the task has a firelensConfiguration, so nothing takes the output";
    /// Options of another driver.
    AwslogsInFirelens = "awslogs-options-in-firelens", Loss, "awslogs options in FireLens",
        "awsfirelens passes its options to the output plugin of the router, which does not know them";
    /// No output plugin.
    OutputMissing = "output-missing", Loss, "FireLens without an output",
        "the option Name selects the output plugin of the router; without it the task does not start on platform 1.4.0";
    /// The router logs through itself.
    RouterThroughItself = "router-through-itself", Loss, "log router that logs through itself",
        "what the router reports about its own failures is lost with them";
    /// A configuration file in S3.
    RouterConfigInS3 = "router-config-in-s3", Loss, "router configuration in S3",
        "on Fargate config-file-type must be file";
    /// A running service whose group receives nothing.
    GroupSilent = "group-silent", Risk, "running, but no log lines",
        "tasks run, and their log group has received nothing for a day or since the deployment";
    /// The group is to be created, but does not exist.
    GroupNotCreated = "group-not-created", Risk, "log group not created yet",
        "to create it, the execution role (awslogs) or the task role (FireLens) needs logs:CreateLogGroup, which AmazonECSTaskExecutionRolePolicy does not contain";
    /// Logs go to another Region.
    OtherRegion = "other-region", Risk, "logs go to another Region",
        "they are searched for in the wrong Region, and the transfer between Regions is billed";
    /// The router has no logs of its own.
    RouterWithoutLogs = "router-without-logs", Risk, "log router without logs of its own",
        "if the router cannot deliver, nothing says so";
    /// The router is not essential.
    RouterNotEssential = "router-not-essential", Risk, "log router not essential",
        "if the router ends, the task continues without logs";
    /// A secret in plain text.
    SecretInOptions = "secret-in-options", Risk, "secret in plain log options",
        "everyone who may call DescribeTaskDefinition can read it";
    /// A buffer that may take the container's memory.
    BufferTooLarge = "buffer-too-large", Risk, "log buffer of half the memory or more",
        "if logs cannot be delivered, the buffer fills, and the container may be killed for memory";
    /// The logs of pods cannot be read.
    PodLogsDenied = "pod-logs-denied", Risk, "logs of pods cannot be read",
        "fargaze.yaml says pod-logs: read for the cluster, but the role of CollectLogs lacks the permission";
    /// The group never expires.
    NeverExpires = "group-never-expires", Risk, "log group never expires",
        "its storage grows, and is billed, for ever";
    /// `mode` is not set.
    ModeNotSet = "mode-not-set", Note, "log mode not set",
        "since 25 June 2025 this means non-blocking, unless the account setting defaultLogDriverMode says otherwise: when the buffer is full, lines are dropped without a trace";
    /// `mode` is `blocking`.
    Blocking = "mode-blocking", Note, "blocking log mode",
        "no line is lost, but the container stops at its next line while logs cannot be delivered";
    /// A small buffer.
    BufferSmall = "buffer-small", Note, "log buffer below the default",
        "in mode non-blocking, lines are dropped when the buffer is full; the default is 10m";
    /// A buffer without effect.
    BufferUnused = "buffer-unused", Note, "log buffer without effect",
        "max-buffer-size applies to mode non-blocking only";
    /// Two patterns for the first line.
    MultilineTwice = "multiline-twice", Note, "two multiline patterns",
        "awslogs-multiline-pattern is ignored where awslogs-datetime-format is set";
    /// The container may start before the router, which waits for another.
    RouterNotAwaited = "router-not-awaited", Note, "container does not wait for the log router",
        "ECS starts the router first by itself, but not if the router has dependsOn of its own: what the container writes before the router runs is lost";
    /// Fluentd.
    Fluentd = "router-fluentd", Note, "Fluentd as log router",
        "AWS recommends Fluent Bit, which needs less CPU and memory";
    /// Logs Insights cannot read the destination.
    NotQueryable = "not-queryable", Note, "logs outside CloudWatch",
        "CloudWatch Logs Insights, and so fargaze, cannot search them";
    /// A log class with limits.
    LimitedClass = "limited-class", Note, "log group class with limits",
        "INFREQUENT_ACCESS has no metric filters, subscriptions or Live Tail, DELIVERY keeps one day and has no Logs Insights; the class cannot be changed";
}
