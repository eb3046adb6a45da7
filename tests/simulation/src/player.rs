//! The state machine `Run`, played step by step: `Retry`, `Catch`, the items of its `Map`, and the
//! summary.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use fake_aws::FakeAws;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::chance::Chance;
use crate::check::{BUCKET, Checker, TABLE};
use crate::clock::{DELAY, LOOKBACK, Minute, at};
use crate::eks::network::{Servers, Wires};
use crate::wire::{Death, Disruption, INVOCATION, Invocation, Wire, lock};

pub(crate) const ACCOUNT: &str = "123456789012";

/// The timeout of `collect-pods`, as in the template.
const COLLECT_PODS: Duration = Duration::from_secs(90);

/// The functions of an alarms run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    PlanRun,
    CollectMetrics,
    CollectPods,
    EvaluateAlarms,
    ForwardSummary,
}

/// One execution between two steps.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) time: Minute,
    /// Response of `plan-run`.
    planned: Value,
    /// Version of the user's file that its run reads.
    version: String,
    /// Items of the map, and whether they have failed.
    items: Vec<(Value, bool)>,
    step: Step,
    /// Where it dies, if it does: the function, and how.
    death: Option<(Function, Death)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Plan,
    Collect,
    Evaluate,
    Forward,
    Over,
}

/// The deployed stack.
pub(crate) struct Player {
    pub(crate) wire: Wire,
    /// Functions that are warm.
    plan_run: plan_run::Handler,
    collect_metrics: collect_metrics::Handler,
    collect_pods: collect_pods::Handler,
    evaluate_alarms: evaluate_alarms::Handler,
    forward_summary: forward_summary::Handler,
    invocations: Mutex<usize>,
    /// API servers of EKS clusters.
    pub(crate) servers: Servers,
}

impl Execution {
    pub(crate) fn new(time: Minute, death: Option<(Function, Death)>) -> Self {
        let (planned, version) = (Value::Null, String::new());
        Self { time, planned, version, items: Vec::new(), step: Step::Plan, death }
    }

    pub(crate) fn step(&self) -> Step {
        self.step
    }
}

impl Player {
    /// `every` is the number of minutes between two runs.
    pub(crate) fn new(aws: FakeAws, region: &str, every: Minute, checker: Checker, chance: Chance) -> Self {
        let topic = aws.edit(|world| {
            world.bucket(BUCKET);
            world.table(TABLE);
            world.topic("topic")
        });
        let settings = [
            ("FARGAZE_BUCKET", BUCKET.to_owned()),
            ("FARGAZE_TABLE", TABLE.to_owned()),
            ("FARGAZE_TOPIC_ARN", topic),
            ("FARGAZE_ACCOUNT", ACCOUNT.to_owned()),
            ("FARGAZE_DELAY_SECONDS", (DELAY * 60).to_string()),
            ("FARGAZE_LOOKBACK_MINUTES", LOOKBACK.to_string()),
            ("FARGAZE_ALARMS_SCHEDULE", schedule(every)),
            ("FARGAZE_REPORT_DAYS", "1".to_owned()),
            ("FARGAZE_STACK", "fargaze".to_owned()),
            ("FARGAZE_ROLE_ARN", format!("arn:aws:iam::{ACCOUNT}:role/fargaze-CollectPodsRole")),
            ("AWS_REGION", region.to_owned()),
        ];
        let settings = BTreeMap::from(settings);
        let disruption = Arc::new(Mutex::new((Disruption::default(), chance)));
        let wire = Wire { aws: Arc::new(aws), checker: Arc::new(Mutex::new(checker)), disruption };
        // As in `fargaze_aws::load`, but without waits: their length would be random.
        let retries = RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::ZERO);
        let sdk = wire.aws.sdk_config().http_client(wire.clone()).retry_config(retries).build();
        let lookup = |name: &str| settings.get(name).cloned();
        let servers = Servers::default();
        let wires = Wires {
            aws: Arc::clone(&wire.aws),
            checker: Arc::clone(&wire.checker),
            servers: Arc::clone(&servers),
        };
        let pods = collect_pods::Config::from_lookup(&lookup).unwrap();
        Self {
            plan_run: plan_run::Handler::new(plan_run::Config::from_lookup(&lookup).unwrap(), &sdk),
            collect_metrics: collect_metrics::Handler::new(
                collect_metrics::Config::from_lookup(&lookup).unwrap(),
                &sdk,
            ),
            collect_pods: collect_pods::Handler::new(pods, &sdk).over(Arc::new(wires)),
            evaluate_alarms: evaluate_alarms::Handler::new(
                evaluate_alarms::Config::from_lookup(&lookup).unwrap(),
                &sdk,
            ),
            forward_summary: forward_summary::Handler::new(
                forward_summary::Config::from_lookup(&lookup).unwrap(),
                &sdk,
            ),
            wire,
            invocations: Mutex::new(0),
            servers,
        }
    }

    /// Plays the next step of an execution; a step of the map for all its items at once.
    pub(crate) async fn play(&self, execution: &mut Execution) {
        match execution.step {
            Step::Plan => {
                let time = at(execution.time).to_string();
                let input = json!({
                    "request": {"kind": "alarms", "time": time},
                    "execution": {"id": "6f0d2c1a-7a54-4c9b-9f1e-1c2d3e4f5a6b", "started": time},
                });
                let Ok(planned) = self.task(execution, Function::PlanRun, input).await else {
                    execution.step = Step::Over;
                    return;
                };
                execution.version = self.version_of(&planned);
                let targets = planned["targets"].as_array().unwrap().iter();
                let item = |target: &Value| {
                    json!({
                        "kind": planned["kind"], "plan": planned["plan"],
                        "target": target["number"], "platform": target["platform"], "name": target["name"],
                    })
                };
                execution.items = targets.map(|target| (item(target), false)).collect();
                execution.planned = planned;
                execution.step = Step::Collect;
            }
            Step::Collect => {
                self.map(execution, collector).await;
                execution.step = Step::Evaluate;
            }
            Step::Evaluate => {
                self.map(execution, |_| Function::EvaluateAlarms).await;
                execution.step = Step::Forward;
            }
            Step::Forward => {
                let ended = |(item, failed): &(Value, bool)| json!({"target": item["target"], "ended": if *failed { "failed" } else { "done" }});
                let ended: Vec<Value> = execution.items.iter().map(ended).collect();
                let input = json!({"plan": execution.planned["plan"], "ended": ended});
                let _ = self.task(execution, Function::ForwardSummary, input).await;
                execution.step = Step::Over;
            }
            Step::Over => {}
        }
    }

    /// One step of all items that have not failed.
    async fn map(&self, execution: &mut Execution, function: fn(&Value) -> Function) {
        let mut items = std::mem::take(&mut execution.items);
        for (item, failed) in items.iter_mut().filter(|(_, failed)| !failed) {
            let function = function(item);
            if let Err((error, message)) = self.task(execution, function, item.clone()).await {
                let cause = json!({"errorMessage": message, "errorType": error});
                item["failure"] = json!({"Error": error, "Cause": cause.to_string()});
                *failed = true;
                // The summary says that the failure could not be stored.
                let _ = self.task(execution, Function::ForwardSummary, json!({"failed": item})).await;
            }
        }
        execution.items = items;
    }

    /// A task with its `Retry`: three more attempts for transient errors.
    async fn task(
        &self,
        execution: &mut Execution,
        function: Function,
        input: Value,
    ) -> Result<Value, (String, String)> {
        let mut wait = Duration::from_secs(2);
        for attempt in 0.. {
            let death = execution.death.take_if(|(dying, _)| *dying == function).map(|(_, death)| death);
            let result = self.invoke(execution, function, input.clone(), death).await;
            let Err((error, _)) = &result else { return result };
            let passes = ["Throttled", "Transient", "Lambda.SdkClientException"].contains(&error.as_str());
            if !passes || attempt == 3 {
                return result;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        unreachable!("the last attempt ends it")
    }

    /// One invocation, which may die.
    async fn invoke(
        &self,
        execution: &Execution,
        function: Function,
        event: Value,
        death: Option<Death>,
    ) -> Result<Value, (String, String)> {
        let id = {
            let mut invocations = lock(&self.invocations);
            *invocations += 1;
            *invocations
        };
        {
            let mut checker = lock(&self.wire.checker);
            let time = execution.time;
            checker.log(|| format!("    #{id} {function:?} of the run of minute {time}{}", dies(death)));
            checker.begins(id, function, &execution.version);
        }
        let invocation = Arc::new(Invocation::new(id, death));
        let work = INVOCATION.scope(Arc::clone(&invocation), self.handle(function, event));
        let result = tokio::select! {
            biased;
            result = work => result.map_err(|failure| (failure.error_type().to_owned(), failure.to_string())),
            () = invocation.died.notified() => Err((after_death(death).to_owned(), "it died".to_owned())),
        };
        let mut checker = lock(&self.wire.checker);
        if let Err((error, message)) = &result {
            checker.log(|| format!("    #{id} failed: {error}: {message}"));
        }
        checker.ends(id, result.is_ok());
        result
    }

    async fn handle(&self, function: Function, event: Value) -> Result<Value, Failure> {
        match function {
            Function::PlanRun => json_of(self.plan_run.handle(event).await),
            Function::CollectMetrics => json_of(self.collect_metrics.handle(event).await),
            Function::CollectPods => {
                json_of(self.collect_pods.handle(event, Instant::now() + COLLECT_PODS).await)
            }
            Function::EvaluateAlarms => json_of(self.evaluate_alarms.handle(event).await),
            Function::ForwardSummary => json_of(self.forward_summary.handle(event).await),
        }
    }

    /// Version of the user's file that a run reads, as its plan says.
    fn version_of(&self, planned: &Value) -> String {
        let key = planned["plan"].as_str().unwrap_or_default();
        let plan: Value = serde_json::from_slice(&self.wire.aws.object(BUCKET, key).unwrap()).unwrap();
        plan["run"]["config_version"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the checker has found an error.
    pub(crate) fn failed(&self) -> bool {
        lock(&self.wire.checker).failure.is_some()
    }
}

/// The collector of a target.
fn collector(item: &Value) -> Function {
    if item["platform"] == "eks" { Function::CollectPods } else { Function::CollectMetrics }
}

fn schedule(every: Minute) -> String {
    match every {
        1 => "rate(1 minute)".to_owned(),
        60 => "rate(1 hour)".to_owned(),
        every => format!("rate({every} minutes)"),
    }
}

fn dies(death: Option<Death>) -> String {
    death.map_or_else(String::new, |Death { call, carried_out }| {
        format!(", which dies {} call {call}", if carried_out { "after" } else { "before" })
    })
}

/// The error that Step Functions receives: a timeout, which is not retried, or a Lambda fault,
/// which is.
fn after_death(death: Option<Death>) -> &'static str {
    let again = death.is_some_and(|death| death.call % 2 == 0);
    if again { "Lambda.SdkClientException" } else { "Sandbox.Timedout" }
}

fn json_of<T: Serialize>(answer: Result<T, Failure>) -> Result<Value, Failure> {
    answer.map(|answer| serde_json::to_value(answer).unwrap())
}
