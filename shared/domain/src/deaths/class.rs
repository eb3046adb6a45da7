//! The classes of causes: one row each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::cluster::BadName;

/// Why a task or a container ended, or could not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Class {
    /// A container exceeded its memory.
    Oom,
    /// The program ended with an error.
    ExitApp,
    /// The program of a service ended without an error.
    ExitOk,
    /// A signal ended the program.
    Signal,
    /// A command or file that the container starts is missing or cannot be executed.
    Exec,
    /// The load balancer's health check failed.
    HealthElb,
    /// The container's own health check failed.
    HealthCtr,
    /// The registry denied the image.
    PullAuth,
    /// The image does not exist.
    PullNotfound,
    /// The registry limits pulls.
    PullRate,
    /// The registry could not be reached.
    PullNet,
    /// The image is for another CPU architecture.
    PullArch,
    /// The image does not fit on the task's storage.
    PullDisk,
    /// A secret, parameter or environment file could not be read.
    Secret,
    /// The log driver could not start.
    Logs,
    /// A volume could not be created or mounted.
    Volume,
    /// The task definition, the service or something it names is wrong.
    Config,
    /// A role cannot be assumed, or lacks rights.
    Iam,
    /// AWS has no capacity.
    Capacity,
    /// A quota of the account is used up.
    Quota,
    /// AWS throttles calls that ECS makes for the service.
    Throttled,
    /// The subnet has no free IP address.
    EniIp,
    /// The network interface was not ready in time.
    EniSlow,
    /// A policy forbids the network interface.
    EniPolicy,
    /// The container runtime failed.
    Runtime,
    /// AWS's host failed.
    Host,
    /// Fargate Spot took the capacity back.
    Spot,
    /// AWS retires the host.
    Maint,
    /// The service was scaled in.
    ScaleIn,
    /// A deployment replaced the task.
    Deploy,
    /// Somebody stopped the task.
    User,
    /// The task had to be killed because it did not stop.
    StopSlow,
    /// A text that fargaze does not know.
    Unknown,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The owner of the application.
    Application,
    /// The owner of the task definition, network and permissions.
    Setup,
    /// AWS; the task is worth another attempt.
    Aws,
    /// Nobody: it was intended, or AWS replaces the task.
    Intended,
    /// Not known.
    Unknown,
}

/// One class.
#[derive(Debug)]
pub struct ClassRow {
    /// The class.
    pub class: Class,
    /// Its code, in `fargaze.yaml` and everywhere else.
    pub code: &'static str,
    /// What happened, as in "3 tasks: out of memory".
    pub label: &'static str,
    /// Who has to act.
    pub kind: Kind,
    /// What to do, where the text itself says nothing more exact.
    pub advice: &'static str,
}

const fn row(
    class: Class,
    code: &'static str,
    label: &'static str,
    kind: Kind,
    advice: &'static str,
) -> ClassRow {
    ClassRow { class, code, label, kind, advice }
}

/// All classes, in the order of [`Class`].
pub static CLASSES: &[ClassRow] = &[
    row(
        Class::Oom,
        "OOM",
        "out of memory",
        Kind::Application,
        "Raise the task's memory to the next size, or the container's hard limit if it has one, or look for a leak; for Java, set MaxRAMPercentage.",
    ),
    row(
        Class::ExitApp,
        "EXIT_APP",
        "ended with an error",
        Kind::Application,
        "Read the last lines of the container's log: the program itself ended with this exit code.",
    ),
    row(
        Class::ExitOk,
        "EXIT_OK",
        "ended without an error",
        Kind::Application,
        "The program of a service must keep running. Check its command and entry point, and what it does when it has nothing to do.",
    ),
    row(
        Class::Signal,
        "SIGNAL",
        "ended by a signal",
        Kind::Application,
        "Exit code 134 is an abort, 139 a crash and 143 a request to stop. 137 is a kill: ECS gave no reason for it, so check the memory of the task before its end.",
    ),
    row(
        Class::Exec,
        "EXEC",
        "command cannot be executed",
        Kind::Application,
        "Check command, entryPoint and mounted files, and that the program is built for the task's CPU architecture; a script needs its first line with #!.",
    ),
    row(
        Class::HealthElb,
        "HEALTH_ELB",
        "failed the load balancer's health check",
        Kind::Application,
        "Check path, port and codes of the health check, the security group from the load balancer to the tasks, and healthCheckGracePeriodSeconds.",
    ),
    row(
        Class::HealthCtr,
        "HEALTH_CTR",
        "failed the container's health check",
        Kind::Application,
        "Check that the image contains the command of the health check, its path and port, and that startPeriod is long enough.",
    ),
    row(
        Class::PullAuth,
        "PULL_AUTH",
        "image: access denied",
        Kind::Setup,
        "The execution role needs ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer; a repository of another account also needs a repository policy, a private registry needs repositoryCredentials.",
    ),
    row(
        Class::PullNotfound,
        "PULL_NOTFOUND",
        "image not found",
        Kind::Setup,
        "Check repository, tag, account and Region of the image. A lifecycle policy may have deleted it, also by the digest that ECS resolved at the deployment.",
    ),
    row(
        Class::PullRate,
        "PULL_RATE",
        "image: pull limit of the registry",
        Kind::Setup,
        "The registry limits pulls; Docker Hub does so per IP address for those who do not log in. Use an ECR pull-through cache, or log in.",
    ),
    row(
        Class::PullNet,
        "PULL_NET",
        "image: registry not reachable",
        Kind::Setup,
        "The task needs a route to the registry: NAT or a public IP address, or VPC endpoints for ecr.api, ecr.dkr and S3 (gateway), and port 443 open for its security group.",
    ),
    row(
        Class::PullArch,
        "PULL_ARCH",
        "image for another CPU architecture",
        Kind::Setup,
        "Build the image for the architecture of the task, or set runtimePlatform.cpuArchitecture.",
    ),
    row(
        Class::PullDisk,
        "PULL_DISK",
        "image does not fit on the storage",
        Kind::Setup,
        "Raise ephemeralStorage (21 to 200 GiB), or make the image smaller.",
    ),
    row(
        Class::Secret,
        "SECRET",
        "secret or environment file could not be read",
        Kind::Setup,
        "Check the name of the secret or parameter and its JSON key, that the execution role may read and decrypt it, and the route to Secrets Manager or Systems Manager.",
    ),
    row(
        Class::Logs,
        "LOGS",
        "log driver could not start",
        Kind::Setup,
        "Create the log group, or let awslogs-create-group create it; check the route to CloudWatch Logs and the options of the log driver.",
    ),
    row(
        Class::Volume,
        "VOLUME",
        "volume could not be mounted",
        Kind::Setup,
        "Check DNS and a mount target in the task's Availability Zone, TCP port 2049 in both security groups, and the rights of the task role on the file system.",
    ),
    row(
        Class::Config,
        "CONFIG",
        "task definition or service is wrong",
        Kind::Setup,
        "Check what the message names: the task size, the subnets and security groups, or the resource that does not exist.",
    ),
    row(
        Class::Iam,
        "IAM",
        "role cannot be used",
        Kind::Setup,
        "Check that the role exists and trusts ecs-tasks.amazonaws.com, and that whoever deploys may pass it (iam:PassRole).",
    ),
    row(
        Class::Capacity,
        "CAPACITY",
        "no capacity",
        Kind::Aws,
        "ECS tries again. Add subnets in more Availability Zones, use another task size, or on-demand instead of Spot.",
    ),
    row(
        Class::Quota,
        "QUOTA",
        "quota used up",
        Kind::Setup,
        "Request a higher quota (Service Quotas, AWS Fargate: vCPUs of on-demand or of Spot), or stop tasks. Pods on Fargate count as well.",
    ),
    row(
        Class::Throttled,
        "THROTTLED",
        "calls of ECS throttled",
        Kind::Aws,
        "ECS tries again. If it lasts, find out who else uses up the rate of the API that the message names.",
    ),
    row(
        Class::EniIp,
        "ENI_IP",
        "no free IP address in the subnet",
        Kind::Setup,
        "Add subnets with free addresses to the service: each task needs one of its own, and a subnet cannot grow.",
    ),
    row(
        Class::EniSlow,
        "ENI_SLOW",
        "network interface not ready in time",
        Kind::Aws,
        "ECS tries again. If it repeats, start fewer tasks at once and check the free addresses of the subnet.",
    ),
    row(
        Class::EniPolicy,
        "ENI_POLICY",
        "network interface forbidden by a policy",
        Kind::Setup,
        "Check service control policies, tag policies, the sharing of the subnet, and the service-linked role of ECS.",
    ),
    row(
        Class::Runtime,
        "RUNTIME",
        "container runtime failed",
        Kind::Aws,
        "ECS tries again. If it repeats, check the size of the image and how long the entry point takes.",
    ),
    row(
        Class::Host,
        "HOST",
        "AWS's host failed",
        Kind::Aws,
        "ECS replaces the tasks of services. Run at least two tasks in two Availability Zones.",
    ),
    row(
        Class::Spot,
        "SPOT",
        "Spot interruption",
        Kind::Intended,
        "Fargate Spot gives two minutes. Keep a base of on-demand tasks, handle SIGTERM, and set stopTimeout to 120.",
    ),
    row(
        Class::Maint,
        "MAINT",
        "retired by AWS",
        Kind::Intended,
        "AWS patches its hosts. Tasks of services are replaced, standalone tasks are not: restart them before the date.",
    ),
    row(
        Class::ScaleIn,
        "SCALE_IN",
        "scaled in",
        Kind::Intended,
        "Nothing to do: the service needs fewer tasks.",
    ),
    row(
        Class::Deploy,
        "DEPLOY",
        "replaced by a deployment",
        Kind::Intended,
        "Nothing to do, unless the deployment itself failed: then read why its tasks did not start.",
    ),
    row(Class::User, "USER", "stopped by somebody", Kind::Intended, "CloudTrail says who called StopTask."),
    row(
        Class::StopSlow,
        "STOP_SLOW",
        "did not stop",
        Kind::Intended,
        "The program should end on SIGTERM; it gets stopTimeout seconds (30 by default, at most 120).",
    ),
    row(
        Class::Unknown,
        "UNKNOWN",
        "reason not known to fargaze",
        Kind::Unknown,
        "Read the reason as ECS gives it, and the service's events.",
    ),
];

impl Class {
    /// Its row.
    pub fn row(self) -> &'static ClassRow {
        // A test holds the order.
        &CLASSES[self as usize]
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// What happened.
    pub fn label(self) -> &'static str {
        self.row().label
    }

    /// Whether it is a failure of a task of a service, which `task-deaths` counts unless the rule
    /// names classes. A standalone task that ends without an error has done its work.
    pub fn is_failure(self, of_service: bool) -> bool {
        match self {
            Self::ExitOk => of_service,
            _ => self.row().kind != Kind::Intended,
        }
    }

    /// Whether ECS could not place the task: no capacity, no IP address, no quota.
    pub fn is_placement(self) -> bool {
        matches!(self, Self::Capacity | Self::EniIp | Self::Quota)
    }

    /// Whether the program ended by itself, so that a short life counts as a crash.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::Oom | Self::ExitApp | Self::ExitOk | Self::Signal | Self::Exec)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Class {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let row = CLASSES.iter().find(|row| row.code == text);
        row.map(|row| row.class).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "class of causes",
            expected: "a code of docs/causes.md such as OOM or PULL_NOTFOUND",
        })
    }
}
