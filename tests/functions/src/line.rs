//! The state machine `Run`, played without Step Functions. Its `Retry` is left out: a failed step fails its item at once.

use fargaze::failure::Failure;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stack::{Function, Stack};

/// All that one execution brought.
#[derive(Debug)]
pub struct Line {
    /// Answer of `plan-run`.
    pub plan: Value,
    /// Output of each item of the `Map`.
    pub items: Vec<Value>,
    /// Answer of `forward-summary`.
    pub receipt: Result<Value, Failure>,
}

/// What the state machine sends to `plan-run`.
pub fn request(kind: &str, time: Timestamp) -> Value {
    json!({
        "request": {"kind": kind, "time": time.to_string()},
        "execution": {"id": "6f0d2c1a-7a54-4c9b-9f1e-1c2d3e4f5a6b", "started": time.to_string()},
    })
}

/// What `Catch` with `ResultPath: $.failure` makes of a failed step's input.
pub fn caught(mut input: Value, failure: &Failure) -> Value {
    let cause = json!({"errorMessage": failure.to_string(), "errorType": failure.error_type()});
    input["failure"] = json!({"Error": failure.error_type(), "Cause": cause.to_string()});
    input
}

impl Stack {
    /// Plans a run.
    pub async fn plan(&self, kind: &str, time: Timestamp) -> Value {
        let answer = self.invoke(Function::PlanRun, request(kind, time)).await;
        answer.unwrap_or_else(|failure| panic!("plan-run: {failure}"))
    }

    /// Plans a run and gives the items of its `Map`.
    pub async fn items(&self, kind: &str, time: Timestamp) -> Vec<Value> {
        let plan = self.plan(kind, time).await;
        let targets = plan["targets"].as_array().unwrap();
        targets.iter().map(|target| json!({"run": plan["run"], "target": target})).collect()
    }

    /// Plans a run of one target and collects it; gives the collector's answer.
    pub async fn collect(&self, kind: &str, time: Timestamp) -> Result<Value, Failure> {
        let mut items = self.items(kind, time).await;
        items.retain(|item| item["target"]["platform"] == "ecs");
        assert_eq!(items.len(), 1, "a run of one target");
        self.invoke(Function::CollectMetrics, items.remove(0)).await
    }

    /// Plays one execution. Items are worked on one after the other, which Step Functions does at once.
    pub async fn run_line(&self, kind: &str, time: Timestamp) -> Line {
        self.set_now(time);
        self.aws.pass_until(time);
        self.play(request(kind, time)).await
    }

    /// Plays one execution with this input of `plan-run`.
    pub async fn play(&self, input: Value) -> Line {
        let plan = self.invoke(Function::PlanRun, input).await;
        let plan = plan.unwrap_or_else(|failure| panic!("plan-run: {failure}"));
        let mut items = Vec::new();
        for target in plan["targets"].as_array().unwrap() {
            items.push(self.play_item(json!({"run": plan["run"], "target": target})).await);
        }
        let event = json!({"run": plan["run"], "targets": plan["targets"], "outcomes": items});
        let receipt = self.invoke(Function::ForwardSummary, event).await;
        Line { plan, items, receipt }
    }

    /// Plays the steps of one item of the `Map`.
    pub async fn play_item(&self, item: Value) -> Value {
        let collector = match item["target"]["platform"].as_str() {
            Some("eks") => Function::CollectPods,
            _ => Function::CollectMetrics,
        };
        let steps = match item["run"]["kind"].as_str() {
            Some("alarms") => vec![collector, Function::EvaluateAlarms],
            Some("report") => vec![collector],
            Some("sweep" | "restore") => return self.play_insights(item).await,
            other => panic!("no branch of the state machine for {other:?}"),
        };
        let mut state = item;
        for step in steps {
            state = match self.invoke(step, state.clone()).await {
                Ok(answer) => answer,
                Err(failure) => return caught(state, &failure),
            };
        }
        state
    }

    /// Plays the turns of a sweep or restore of one target: `EnableInsights` until its answer has no cursor.
    async fn play_insights(&self, item: Value) -> Value {
        let mut state = item.clone();
        for turn in 1.. {
            state["turn"] = turn.into();
            match self.invoke(Function::EnableInsights, state.clone()).await {
                Ok(answer) if answer["cursor"].is_null() => return answer,
                Ok(answer) => {
                    assert!(
                        answer["cursor"]["after"].as_str() > state["cursor"]["after"].as_str(),
                        "no progress"
                    );
                    state["cursor"] = answer["cursor"].clone();
                }
                Err(failure) => return caught(state, &failure),
            }
        }
        unreachable!("each turn makes progress")
    }
}
