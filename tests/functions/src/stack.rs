//! One deployed stack: bucket, table and topic in a fake AWS, and the functions with their
//! settings.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use fake_aws::{Builder, Estate, FakeAws, Published};
use fargaze::evidence::snapshot::Snapshot;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::estate::{ACCOUNT, REGION};

/// Attempts per call, as in `fargaze_aws::load`: a fault that should outlast the retries must occur
/// this often.
pub const ATTEMPTS: usize = 5;

/// The functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `plan-run`
    PlanRun,
    /// `collect-metrics`
    CollectMetrics,
    /// `collect-pods`
    CollectPods,
    /// `collect-logs`
    CollectLogs,
    /// `evaluate-alarms`
    EvaluateAlarms,
    /// `enable-insights`
    EnableInsights,
    /// `forward-summary`
    ForwardSummary,
    /// `keep-events`
    KeepEvents,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::PlanRun,
        Self::CollectMetrics,
        Self::CollectPods,
        Self::CollectLogs,
        Self::EvaluateAlarms,
        Self::EnableInsights,
        Self::ForwardSummary,
        Self::KeepEvents,
    ];

    /// Name of its folder, package and binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlanRun => "plan-run",
            Self::CollectMetrics => "collect-metrics",
            Self::CollectPods => "collect-pods",
            Self::CollectLogs => "collect-logs",
            Self::EvaluateAlarms => "evaluate-alarms",
            Self::EnableInsights => "enable-insights",
            Self::ForwardSummary => "forward-summary",
            Self::KeepEvents => "keep-events",
        }
    }
}

/// A separate stack for each test.
#[derive(Debug)]
pub struct Stack {
    /// The AWS that it is deployed to.
    pub aws: FakeAws,
    in_process: bool,
    settings: RefCell<BTreeMap<&'static str, String>>,
    timeout: Cell<Duration>,
}

impl Stack {
    /// The bucket's name.
    pub const BUCKET: &'static str = "fargaze-bucket";
    /// The table's name.
    pub const TABLE: &'static str = "fargaze-table";
    /// The role of `enable-insights`, as
    /// `events/enable-insights.update-cluster-settings-own.ok.json` names it.
    pub const ROLE: &'static str = "arn:aws:iam::123456789012:role/fargaze-EnableInsightsRole-1A2B3C4D5E6F";

    /// A stack with the template's defaults, in this estate.
    pub async fn start(home: Estate) -> Self {
        Self::of(FakeAws::builder(home)).await
    }

    /// The same with other settings of the fake.
    pub async fn of(builder: Builder) -> Self {
        Self::beside(builder.start().await, false)
    }

    /// The same without sockets, for tests in virtual time.
    pub fn in_process(builder: Builder) -> Self {
        Self::beside(builder.in_process(), true)
    }

    fn beside(aws: FakeAws, in_process: bool) -> Self {
        let (topic, queue) = aws.edit(|world| {
            world.bucket(Self::BUCKET);
            world.table(Self::TABLE);
            (world.topic("fargaze-topic"), world.queue("fargaze-ClusterEvents"))
        });
        let settings = [
            ("FARGAZE_BUCKET", Self::BUCKET),
            ("FARGAZE_TABLE", Self::TABLE),
            ("FARGAZE_TOPIC_ARN", topic.as_str()),
            ("FARGAZE_ACCOUNT", ACCOUNT),
            ("FARGAZE_DELAY_SECONDS", "120"),
            ("FARGAZE_LOOKBACK_MINUTES", "10"),
            ("FARGAZE_ALARMS_SCHEDULE", "rate(5 minutes)"),
            ("FARGAZE_REPORT_DAYS", "1"),
            ("FARGAZE_STACK", "fargaze"),
            ("FARGAZE_REGION", REGION),
            ("FARGAZE_ROLE_ARN", Self::ROLE),
            ("FARGAZE_QUEUE_URL", queue.as_str()),
            ("AWS_REGION", REGION),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        let (settings, timeout) = (RefCell::new(settings.into()), Cell::new(Duration::from_secs(120)));
        Self { aws, in_process, settings, timeout }
    }

    /// Changes the timeout of the functions, which they receive as their deadline.
    pub fn set_timeout(&self, timeout: Duration) {
        self.timeout.set(timeout);
    }

    /// Changes a setting for functions built from now on.
    pub fn set(&self, name: &'static str, value: &str) {
        self.settings.borrow_mut().insert(name, value.to_owned());
    }

    /// Removes a setting.
    pub fn unset(&self, name: &str) {
        self.settings.borrow_mut().remove(name);
    }

    /// Sets the clock of the home estate.
    pub fn set_now(&self, now: Timestamp) {
        self.aws.edit(|world| world.home().set_now(now));
    }

    /// Stores a user's file with only these rules.
    pub fn put_rules(&self, yaml: &str) {
        self.put_config(&format!("{}\nbuilt-in-rules: none\n", yaml.trim_end()));
    }

    /// Stores the user's file.
    pub fn put_config(&self, yaml: &str) {
        self.aws.put_object(Self::BUCKET, "fargaze.yaml", yaml);
    }

    /// The configuration that `fargaze_aws::load` would make, but without the test's own
    /// environment and with short waits between attempts.
    pub fn sdk(&self, function: &str) -> SdkConfig {
        let retries = RetryConfig::standard()
            .with_max_attempts(u32::try_from(ATTEMPTS).unwrap())
            .with_initial_backoff(Duration::from_millis(1));
        let name = AppName::new(format!("fargaze-{function}")).unwrap();
        if self.in_process {
            return self.aws.sdk_config().retry_config(retries).app_name(name).build();
        }
        // An access key that names no account: the fake attributes it to the home account.
        let keys = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "tests");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.aws.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(retries)
            .app_name(name)
            .build()
    }

    /// One invocation of a newly started function, as Lambda does it: JSON in, JSON out. On the
    /// heap, because a test that plays many of them holds them all.
    pub async fn invoke(&self, function: Function, event: Value) -> Result<Value, Failure> {
        let sdk = self.sdk(function.name());
        let settings = self.settings.borrow().clone();
        let lookup = |name: &str| settings.get(name).cloned();
        match function {
            Function::PlanRun => {
                let config = plan_run::Config::from_lookup(&lookup)?;
                let handler = plan_run::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event)).await)
            }
            Function::CollectMetrics => {
                let config = collect_metrics::Config::from_lookup(&lookup)?;
                let handler = collect_metrics::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event)).await)
            }
            Function::CollectPods => {
                let config = collect_pods::Config::from_lookup(&lookup)?;
                let deadline = tokio::time::Instant::now() + self.timeout.get();
                let handler = collect_pods::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event, deadline)).await)
            }
            Function::CollectLogs => {
                let config = collect_logs::Config::from_lookup(&lookup)?;
                let deadline = tokio::time::Instant::now() + self.timeout.get();
                let handler = collect_logs::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event, deadline)).await)
            }
            Function::EvaluateAlarms => {
                let config = evaluate_alarms::Config::from_lookup(&lookup)?;
                let handler = evaluate_alarms::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event)).await)
            }
            Function::EnableInsights => {
                let config = enable_insights::Config::from_lookup(&lookup)?;
                let deadline = tokio::time::Instant::now() + self.timeout.get();
                let handler = enable_insights::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event, deadline)).await)
            }
            Function::KeepEvents => {
                let config = keep_events::Config::from_lookup(&lookup)?;
                let handler = keep_events::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event)).await)
            }
            Function::ForwardSummary => {
                let config = forward_summary::Config::from_lookup(&lookup)?;
                let handler = forward_summary::Handler::new(config, &sdk);
                json(Box::pin(handler.handle(event)).await)
            }
        }
    }

    /// The messages published so far, in their email form.
    pub fn mails(&self) -> Vec<Published> {
        let mail = |published: Published| {
            assert_eq!(published.structure.as_deref(), Some("json"), "one text for all protocols");
            let forms: Value = serde_json::from_str(&published.message).unwrap();
            Published { message: forms["default"].as_str().unwrap().to_owned(), ..published }
        };
        self.aws.published().into_iter().map(mail).collect()
    }

    /// The same messages in the form for queues and functions.
    pub fn notifications(&self) -> Vec<Value> {
        let json = |published: Published| {
            let forms: Value = serde_json::from_str(&published.message).unwrap();
            serde_json::from_str(forms["sqs"].as_str().unwrap()).unwrap()
        };
        self.aws.published().into_iter().map(json).collect()
    }

    /// A whole message on one line: its text is wrapped, and tests search for sentences.
    pub fn mail(&self, index: usize) -> String {
        let mails = self.mails();
        let mail = mails.get(index).unwrap_or_else(|| panic!("no mail {index} of {}", mails.len()));
        let subject = mail.subject.as_deref().unwrap_or_default();
        let words: Vec<&str> = mail.message.split_whitespace().collect();
        format!("{subject} | {}", words.join(" "))
    }

    /// Removes all settings.
    pub fn unset_all(&self) {
        self.settings.borrow_mut().clear();
    }

    /// The object with this key in the bucket, as JSON.
    pub fn json(&self, key: &str) -> Value {
        let bytes = self.aws.object(Self::BUCKET, key);
        serde_json::from_slice(&bytes.unwrap_or_else(|| panic!("no object {key}"))).unwrap()
    }

    /// The snapshot with this key in the bucket.
    pub fn snapshot(&self, key: &str) -> Snapshot {
        let bytes = self.aws.object(Self::BUCKET, key);
        Snapshot::read(&bytes.unwrap_or_else(|| panic!("no object {key}"))[..]).unwrap()
    }

    /// The snapshot of the run of this kind and time, of its first target.
    pub fn snapshot_of(&self, kind: &str, time: Timestamp) -> Snapshot {
        let run = format!("/{kind}-{}.", time.strftime("%Y%m%dT%H%M%SZ"));
        let objects = self.aws.objects();
        let is_it = |key: &str| key.contains(&run) && key.contains(".ndjson");
        let found = objects.iter().find(|object| is_it(&object.key));
        self.snapshot(&found.unwrap_or_else(|| panic!("no snapshot {run}")).key)
    }

    /// What the table stores, except who had the last publish slot.
    pub fn remembered(&self) -> Vec<Value> {
        let items = self.aws.items(Self::TABLE).into_iter();
        items.filter(|item| item["pk"]["S"] != "TOPIC").collect()
    }

    /// Calls that change something: in ECS, in the stack's own storage, or in a mailbox.
    pub fn writes(&self) -> Vec<String> {
        let calls = self.aws.meter().calls.into_iter().map(|call| call.operation);
        let reads = ["List", "Describe", "Get", "Query", "Assume"];
        let is_read = |operation: &str| {
            operation.split_once(':').is_some_and(|(_, name)| reads.iter().any(|read| name.starts_with(read)))
        };
        calls.filter(|operation| !is_read(operation)).collect()
    }
}

fn json<T: Serialize>(answer: Result<T, Failure>) -> Result<Value, Failure> {
    answer.map(|answer| serde_json::to_value(answer).unwrap())
}
