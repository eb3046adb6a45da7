//! The table of texts: what ECS writes, the class that it means, and what to do.
//!
//! Sources: Amazon ECS Developer Guide, "Stopped tasks error messages", "Troubleshoot Amazon ECS
//! `ResourceInitializationError` errors", "Viewing Amazon ECS service event messages"; and texts that
//! users have published. Fargate cuts long texts at their end, and numbers, names and punctuation
//! vary, so a row matches if a text contains all its parts. Rows are tried from top to bottom.

use super::Class;

/// Why a task ended or a service is in trouble, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The class.
    pub class: Class,
    /// What to do.
    pub advice: &'static str,
    /// Whether the message of a service event calls for action.
    pub act: Act,
}

/// Whether a text calls for action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Normal operation.
    No,
    /// Only if it repeats while the service does not become steady: most heal by themselves.
    IfRepeated,
    /// Yes.
    Yes,
    /// As the reason says that the message quotes.
    ByItsReason,
}

/// One kind of text.
#[derive(Debug)]
pub(super) struct Row {
    /// All of these are in the text, in lower case.
    pub parts: &'static [&'static str],
    /// The class.
    pub class: Class,
    /// Whether it calls for action.
    pub act: Act,
    /// What to do, if it is more exact than the advice of the class.
    pub advice: Option<&'static str>,
}

impl Cause {
    /// The cause of a row.
    pub(super) fn of(row: &Row) -> Self {
        Self { class: row.class, advice: row.advice.unwrap_or(row.class.row().advice), act: row.act }
    }

    /// The cause of a class, without more exact advice.
    pub(super) fn plain(class: Class) -> Self {
        Self { class, advice: class.row().advice, act: Act::Yes }
    }

    /// For a text that is in no row.
    pub(super) fn unknown() -> Self {
        Self { act: Act::IfRepeated, ..Self::plain(Class::Unknown) }
    }
}

/// The first row whose parts are all in the text.
pub(super) fn found(rows: &'static [Row], text: &str) -> Option<&'static Row> {
    rows.iter().find(|row| row.parts.iter().all(|part| text.contains(part)))
}

const fn is(class: Class, parts: &'static [&'static str]) -> Row {
    Row { parts, class, act: Act::Yes, advice: None }
}

const fn with(class: Class, parts: &'static [&'static str], advice: &'static str) -> Row {
    Row { parts, class, act: Act::Yes, advice: Some(advice) }
}

const fn event(act: Act, class: Class, parts: &'static [&'static str]) -> Row {
    Row { parts, class, act, advice: None }
}

const NETWORK_TO_SECRETS: &str = "The task needs a route to Secrets Manager or Systems Manager: NAT, a public IP address, or a VPC endpoint, with port 443 open.";
const RIGHTS_TO_SECRETS: &str = "Give the execution role (not the task role) secretsmanager:GetSecretValue or ssm:GetParameters, and kms:Decrypt for the key.";
const MISSING_SECRET: &str =
    "Check the name of the secret, its Region, its JSON key, and whether it is scheduled for deletion.";
const FORMAT_OF_SECRET: &str =
    "The task definition asks for a JSON key, but the secret is not JSON or has no such key.";
const NO_ROUTE_TO_LOGS: &str = "The log group does not exist, or the task has no route to CloudWatch Logs (NAT, or a VPC endpoint for logs).";
const BROKEN_SUBNET: &str = "A subnet or security group that the service names was deleted.";
const FULL_INSTANCES: &str =
    "Add instances, or check the service's launch type and capacity provider; this is not Fargate.";
const TOO_MANY_PROVISIONING: &str =
    "Too many tasks of the cluster wait in PROVISIONING: check that the capacity provider can scale out.";
const TOO_LITTLE_AT_START: &str =
    "The container has too little memory to start: raise its limit or the task's memory.";

/// Texts of `stoppedReason`, of a container's `reason`, of `failures[].reason`, and of the reasons
/// that service events quote.
pub(super) static CONTAINER_OR_TASK: &[Row] = &[
    // Who or what stopped it.
    is(Class::Spot, &["spot task was interrupted"]),
    is(Class::Spot, &["spotinterruption"]),
    is(Class::User, &["stopped by user"]),
    is(Class::User, &["deregistration forced by user"]),
    is(Class::Maint, &["performing maintenance on the underlying infrastructure"]),
    is(Class::Host, &["underlying infrastructure failed"]),
    with(
        Class::Host,
        &["host ec2 (instance"],
        "The EC2 instance was stopped or terminated: check its Auto Scaling group, and who or what ended it.",
    ),
    is(Class::HealthElb, &["failed elb health checks"]),
    is(Class::HealthCtr, &["failed container health checks"]),
    // Memory.
    is(Class::Oom, &["outofmemoryerror"]),
    with(Class::Oom, &["cannotstartcontainererror", "failed to get container status"], TOO_LITTLE_AT_START),
    // Secrets, before the network errors that they may contain.
    with(
        Class::Secret,
        &["get registry auth from asm"],
        "Check the secret that repositoryCredentials names, and the rights of the execution role on it.",
    ),
    with(Class::Secret, &["the task and aws secrets manager"], NETWORK_TO_SECRETS),
    with(Class::Secret, &["the task and aws systems manager"], NETWORK_TO_SECRETS),
    with(Class::Secret, &["fetch secret", "accessdenied"], RIGHTS_TO_SECRETS),
    with(Class::Secret, &["secrets from ssm", "accessdenied"], RIGHTS_TO_SECRETS),
    with(Class::Secret, &["ssm:getparameters", "accessdenied"], RIGHTS_TO_SECRETS),
    with(Class::Secret, &["invalid character", "looking for beginning of value"], FORMAT_OF_SECRET),
    with(Class::Secret, &["in literal", "expecting"], FORMAT_OF_SECRET),
    with(Class::Secret, &["did not contain json key"], FORMAT_OF_SECRET),
    with(Class::Secret, &["can't find the specified secret"], MISSING_SECRET),
    with(Class::Secret, &["value for staging label"], MISSING_SECRET),
    with(Class::Secret, &["secrets from ssm"], MISSING_SECRET),
    is(Class::Secret, &["fetch secret"]),
    is(Class::Secret, &["retrieve secret"]),
    with(
        Class::Secret,
        &["download env files"],
        "Check that the environment file exists and is well formed, and that the execution role has s3:GetObject and s3:GetBucketLocation.",
    ),
    // Logs.
    with(
        Class::Logs,
        &["create cloudwatch log group", "accessdenied"],
        "Give the execution role logs:CreateLogGroup, which AmazonECSTaskExecutionRolePolicy does not contain, or create the group.",
    ),
    with(
        Class::Logs,
        &["specified log group does not exist"],
        "Create the log group, or set awslogs-create-group to true.",
    ),
    with(
        Class::Logs,
        &["log driver arguments", "no log configuration specified"],
        "On Fargate, awsfirelens needs at least the option Name.",
    ),
    with(Class::Logs, &["validate logger args"], NO_ROUTE_TO_LOGS),
    is(Class::Logs, &["initialize logging driver"]),
    is(Class::Logs, &["cloudwatch log stream"]),
    is(Class::Logs, &["cloudwatch log group"]),
    // Volumes.
    with(
        Class::Volume,
        &["efs utils", "failed to resolve"],
        "Turn on DNS in the VPC, and create a mount target of the file system in the task's Availability Zone.",
    ),
    with(
        Class::Volume,
        &["efs utils", "access denied"],
        "Check the file system policy, the access point, and elasticfilesystem:ClientMount of the task role.",
    ),
    with(
        Class::Volume,
        &["efs utils", "no such file or directory"],
        "The rootDirectory of the volume does not exist on the file system.",
    ),
    is(Class::Volume, &["efs utils"]),
    is(Class::Volume, &["cannotcreatevolume"]),
    with(
        Class::Volume,
        &["ephemeralstorage provisioning"],
        "ECS tries again: Fargate provided the storage too late.",
    ),
    // Network interfaces.
    is(Class::EniIp, &["insufficientfree"]),
    is(Class::EniPolicy, &["network interface", "authfailure"]),
    is(Class::EniPolicy, &["tagpolicyviolation"]),
    with(Class::Config, &["invalidsubnetid.notfound"], BROKEN_SUBNET),
    with(Class::Config, &["invalidgroup.notfound"], BROKEN_SUBNET),
    is(Class::EniSlow, &["network interface provision"]),
    is(Class::EniSlow, &["preparing network interface"]),
    is(Class::EniSlow, &["attach network interface to instance"]),
    is(Class::EniSlow, &["failed to configure eni"]),
    with(
        Class::Capacity,
        &["unused device index"],
        "The instance has no free network interface: use a larger instance type or more instances.",
    ),
    // Images.
    is(Class::PullAuth, &["getauthorizationtoken", "accessdenied"]),
    is(Class::PullAuth, &["not authorized to perform", "ecr:"]),
    is(Class::PullAuth, &["permissions to pull images"]),
    with(
        Class::PullAuth,
        &["pull access denied"],
        "The repository does not exist or is private: check its name, and set repositoryCredentials for a private registry.",
    ),
    is(Class::PullAuth, &["no basic auth credentials"]),
    is(Class::PullRate, &["toomanyrequests"]),
    is(Class::PullRate, &["pull rate limit"]),
    is(Class::PullRate, &["429 too many requests"]),
    with(
        Class::PullNet,
        &["failed to copy", "failed open"],
        "The layers of an ECR image come from S3: check the S3 gateway endpoint and its policy.",
    ),
    is(Class::PullAuth, &["cannotpull", "403 forbidden"]),
    is(Class::PullAuth, &["403 forbidden"]),
    is(Class::PullAuth, &["401 unauthorized"]),
    is(Class::PullDisk, &["no space left on device"]),
    is(Class::PullArch, &["descriptor matching platform"]),
    is(Class::PullArch, &["no match for platform"]),
    is(Class::PullNotfound, &["failed to resolve ref", ": not found"]),
    is(Class::PullNotfound, &["manifest unknown"]),
    is(Class::PullNotfound, &["repository does not exist"]),
    is(Class::PullNotfound, &["name unknown"]),
    is(Class::PullNotfound, &["repository", "not found"]),
    with(
        Class::PullNet,
        &["pull command failed", "nil pointer"],
        "Check the security group and the route to S3, from where the layers of an ECR image come.",
    ),
    is(Class::PullNet, &["cannotpull"]),
    is(Class::PullNet, &["cannot pull"]),
    is(Class::PullNet, &["can't pull the image"]),
    is(Class::PullNet, &["pull command failed"]),
    is(Class::PullNet, &["error pulling image"]),
    is(Class::PullNet, &["registry auth"]),
    // Capacity, quotas, roles.
    is(Class::Capacity, &["capacity is unavailable"]),
    is(Class::Quota, &["reached the limit on the number of"]),
    is(Class::Quota, &["above your limit"]),
    with(Class::Quota, &["provisioning capacity limit was exceeded"], TOO_MANY_PROVISIONING),
    is(Class::Capacity, &["resource:fargate"]),
    with(Class::Capacity, &["resource:cpu"], FULL_INSTANCES),
    with(Class::Capacity, &["resource:memory"], FULL_INSTANCES),
    with(Class::Capacity, &["resource:ports"], FULL_INSTANCES),
    with(Class::Capacity, &["resource:eni"], FULL_INSTANCES),
    is(Class::Capacity, &["placement constraint unsatisfied"]),
    is(Class::Capacity, &["unable to launch instance"]),
    with(Class::Capacity, &["no container instance met all of its requirements"], FULL_INSTANCES),
    with(Class::Capacity, &["no container instances were found"], FULL_INSTANCES),
    is(Class::Iam, &["unable to assume the role"]),
    // What runs.
    is(Class::Exec, &["executable file not found"]),
    is(Class::Exec, &["exec format error"]),
    is(Class::Exec, &["oci runtime create failed"]),
    is(Class::Exec, &["unable to start container process"]),
    // The definition.
    is(Class::Config, &["not compatible with the selected compute strategy"]),
    is(Class::Config, &["no fargate configuration exists"]),
    is(Class::Config, &["invalid 'cpu' setting"]),
    is(Class::Config, &["invalid cpu or memory value"]),
    is(Class::Config, &["cannotcreatecontainererror"]),
    with(
        Class::Config,
        &["internal error", "unable to place"],
        "A subnet may be in an Availability Zone without Fargate.",
    ),
    // The platform, last: its names also wrap the texts above.
    is(Class::StopSlow, &["cannotstopcontainererror"]),
    is(Class::Runtime, &["containerruntimetimeouterror"]),
    is(Class::Runtime, &["dockertimeouterror"]),
    is(Class::Runtime, &["containerruntimeerror"]),
    is(Class::Runtime, &["cannotinspectcontainererror"]),
    is(Class::Runtime, &["timeout waiting for", "provisioning to complete"]),
    is(Class::Host, &["internalerror"]),
    is(Class::Config, &["resourcenotfoundexception"]),
];

/// Messages of `DescribeServices` and of `ECS Service Action`, without what they begin with.
pub(super) static SERVICE_EVENTS: &[Row] = &[
    event(Act::No, Class::Unknown, &["has reached a steady state"]),
    event(Act::IfRepeated, Class::HealthElb, &["replaced", "due to an unhealthy status"]),
    event(Act::No, Class::Unknown, &["has started"]),
    event(Act::No, Class::ScaleIn, &["has stopped"]),
    event(Act::No, Class::ScaleIn, &["stopped", "pending tasks"]),
    event(Act::Yes, Class::Config, &["failed to register targets"]),
    event(Act::No, Class::Unknown, &["deregistered", "targets in"]),
    event(Act::No, Class::Unknown, &["registered", "targets in"]),
    event(Act::No, Class::Unknown, &["has begun draining"]),
    event(Act::No, Class::Unknown, &["az balanced"]),
    event(Act::No, Class::Unknown, &["successfully set desired count"]),
    event(Act::No, Class::Unknown, &["has begun a forced deployment"]),
    event(Act::No, Class::Unknown, &["was updated to use task definition"]),
    event(Act::No, Class::Unknown, &["is draining"]),
    event(Act::No, Class::Deploy, &["deployment completed"]),
    // A deployment that failed.
    Row {
        parts: &["deployment failed", "alarm detected"],
        class: Class::Deploy,
        act: Act::Yes,
        advice: Some(
            "A CloudWatch alarm of the deployment went off: read it, and compare the new version with the old one.",
        ),
    },
    Row {
        parts: &["deployment failed"],
        class: Class::Deploy,
        act: Act::Yes,
        advice: Some("The circuit breaker stopped the deployment: read why its tasks stopped."),
    },
    Row {
        parts: &["rolling back to"],
        class: Class::Deploy,
        act: Act::Yes,
        advice: Some("The previous version is deployed again: read why the tasks of the new one stopped."),
    },
    Row {
        parts: &["unable to consistently start tasks"],
        class: Class::Deploy,
        act: Act::Yes,
        advice: Some("ECS starts tasks less and less often: read why they stopped."),
    },
    Row {
        parts: &["service deployment configuration"],
        class: Class::Config,
        act: Act::Yes,
        advice: Some(
            "Change minimumHealthyPercent or maximumPercent, so that ECS may stop or start a task during a deployment.",
        ),
    },
    Row {
        parts: &["unable to scale in", "under protection"],
        class: Class::Deploy,
        act: Act::Yes,
        advice: Some("Tasks are protected from scale-in: end their protection, or wait for it to expire."),
    },
    // Health.
    Row {
        parts: &["availability zone that is not enabled for the load balancer"],
        class: Class::Config,
        act: Act::Yes,
        advice: Some("Add a subnet of that Availability Zone to the load balancer."),
    },
    Row {
        parts: &["target group is not found"],
        class: Class::Config,
        act: Act::Yes,
        advice: Some("The target group that the service names was deleted."),
    },
    event(Act::Yes, Class::Config, &["target is not found"]),
    event(Act::IfRepeated, Class::HealthElb, &["is unhealthy in"]),
    event(Act::IfRepeated, Class::HealthElb, &["is not healthy in target-group"]),
    event(Act::IfRepeated, Class::HealthElb, &["failed elb health checks"]),
    event(Act::IfRepeated, Class::HealthCtr, &["failed container health checks"]),
    // Roles.
    event(Act::Yes, Class::Iam, &["iam permissions policies"]),
    event(Act::Yes, Class::Iam, &["iam trust relationship"]),
    // Placement.
    Row {
        parts: &["reason: internal error"],
        class: Class::Config,
        act: Act::Yes,
        advice: Some("A subnet of the service may be in an Availability Zone without Fargate."),
    },
    Row {
        parts: &["provisioning capacity limit was exceeded"],
        class: Class::Quota,
        act: Act::Yes,
        advice: Some(TOO_MANY_PROVISIONING),
    },
    Row {
        parts: &["no container instance met all of its requirements"],
        class: Class::Capacity,
        act: Act::Yes,
        advice: Some(FULL_INSTANCES),
    },
    Row {
        parts: &["no container instances were found"],
        class: Class::Capacity,
        act: Act::Yes,
        advice: Some(FULL_INSTANCES),
    },
    event(Act::Yes, Class::Capacity, &["could not launch"]),
    event(Act::ByItsReason, Class::Unknown, &["unable to place a task"]),
    event(Act::ByItsReason, Class::Unknown, &["failed to launch a task with"]),
    event(Act::IfRepeated, Class::Throttled, &["operations are being throttled"]),
    event(Act::Yes, Class::Host, &["timed out waiting for amazon ecs agent"]),
];
