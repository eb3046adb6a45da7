//! The state machine `Run`, played without Step Functions. Its `Retry` is omitted: a failed step
//! fails its item at once.

use fargaze::invocation::failure::Failure;
use fargaze::model::subject::Subject;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stack::{Function, Stack};

/// The result of one execution.
#[derive(Debug)]
pub struct Line {
    /// Run and targets, as stored in the bucket.
    pub plan: Value,
    /// The result of each item of the `Map`: its input, the responses of its functions, and the
    /// caught `failure`.
    pub items: Vec<Value>,
    /// Response of `forward-summary`.
    pub receipt: Result<Value, Failure>,
}

/// What the state machine sends to `plan-run`.
pub fn request(kind: &str, time: Timestamp) -> Value {
    json!({
        "request": {"kind": kind, "time": time.to_string()},
        "execution": {"id": "6f0d2c1a-7a54-4c9b-9f1e-1c2d3e4f5a6b", "started": time.to_string()},
    })
}

/// The state machine's item after `Catch` with `ResultPath: $.failure` of a failed step.
pub fn caught(mut input: Value, failure: &Failure) -> Value {
    let cause = json!({"errorMessage": failure.to_string(), "errorType": failure.error_type()});
    input["failure"] = json!({"Error": failure.error_type(), "Cause": cause.to_string()});
    input
}

/// The output of a child of the `Map` for an item: its number, and whether it has an outcome.
pub fn ended(item: &Value) -> Value {
    let ended = if item.get("failure").is_some() { "failed" } else { "done" };
    json!({"target": item["target"], "ended": ended})
}

impl Stack {
    /// Plans a run; returns the response.
    pub async fn planned(&self, kind: &str, time: Timestamp) -> Value {
        let answer = self.invoke(Function::PlanRun, request(kind, time)).await;
        answer.unwrap_or_else(|failure| panic!("plan-run: {failure}"))
    }

    /// Plans a run; returns run and targets as stored in the bucket.
    pub async fn plan(&self, kind: &str, time: Timestamp) -> Value {
        let planned = self.planned(kind, time).await;
        self.json(planned["plan"].as_str().unwrap())
    }

    /// Puts a plan into the bucket; returns its key.
    pub fn put_plan(&self, run: &Value, targets: &[Value]) -> String {
        let key = format!("runs/{}/by-hand/plan.json", run["id"].as_str().unwrap());
        let plan = json!({"run": run, "targets": targets});
        self.aws.put_object(Self::BUCKET, &key, plan.to_string());
        key
    }

    /// Plans a run and returns the items of its `Map`.
    pub async fn items(&self, kind: &str, time: Timestamp) -> Vec<Value> {
        items(&self.planned(kind, time).await)
    }

    /// Plans a run of one target and collects it; returns the collector's input and response.
    pub async fn collect(&self, kind: &str, time: Timestamp) -> Result<Value, Failure> {
        let mut items = self.items(kind, time).await;
        items.retain(|item| item["platform"] == "ecs");
        assert_eq!(items.len(), 1, "a run of one target");
        let mut item = items.remove(0);
        let answer = self.invoke(Function::CollectMetrics, item.clone()).await?;
        answered(&mut item, answer);
        Ok(item)
    }

    /// Plays one execution. Items are processed one after the other; Step Functions processes them
    /// concurrently.
    pub async fn run_line(&self, kind: &str, time: Timestamp) -> Line {
        self.set_now(time);
        self.aws.pass_until(time);
        self.play(request(kind, time)).await
    }

    /// Plays one execution with this input for `plan-run`.
    pub async fn play(&self, input: Value) -> Line {
        let planned = self.invoke(Function::PlanRun, input).await;
        let planned = planned.unwrap_or_else(|failure| panic!("plan-run: {failure}"));
        let mut ends = Vec::new();
        for item in items(&planned) {
            ends.push(self.play_item(item).await);
        }
        let receipt = self.invoke(Function::ForwardSummary, forward(&planned, &ends)).await;
        Line { plan: self.json(planned["plan"].as_str().unwrap()), items: ends, receipt }
    }

    /// Plays the steps of one item of the `Map`.
    pub async fn play_item(&self, item: Value) -> Value {
        let end = match item["kind"].as_str() {
            Some("alarms") => {
                self.play_queries(&item, "start-queries").await;
                let end = self.play_steps(item.clone(), &[collector]).await;
                if end.get("failure").is_some() {
                    end
                } else {
                    self.play_queries(&item, "read-queries").await;
                    let end = self.play_steps(end, &[|_| Function::EvaluateAlarms]).await;
                    if end["began"].as_u64().is_some_and(|began| began > 0) {
                        let _ = self.invoke(Function::CollectLogs, to_do(&item, "logs-of-alarms")).await;
                    }
                    end
                }
            }
            Some("report") => {
                self.play_queries(&item, "start-queries").await;
                let end = self.play_steps(item.clone(), &[collector]).await;
                if end.get("failure").is_none() {
                    self.play_queries(&item, "read-queries").await;
                    // Its failure fails no target: the report then says that it is missing.
                    let _ = self.invoke(Function::CollectLogs, item).await;
                }
                end
            }
            Some("sweep" | "rollback") => self.play_insights(item).await,
            other => panic!("no branch of the state machine for {other:?}"),
        };
        if end.get("failure").is_some() {
            // The summary says that the failure could not be stored.
            let _ = self.invoke(Function::ForwardSummary, json!({"failed": end})).await;
        }
        end
    }

    /// Starts or reads the saved queries of a target, if it has some. A failure fails no target.
    async fn play_queries(&self, item: &Value, work: &str) {
        if item["queries"] == true {
            let _ = self.invoke(Function::CollectLogs, to_do(item, work)).await;
        }
    }

    async fn play_steps(&self, item: Value, steps: &[fn(&Value) -> Function]) -> Value {
        let mut state = item;
        for step in steps {
            // The state machine drops the function's response; it is kept here for tests that check
            // the item.
            match self.invoke(step(&state), state.clone()).await {
                Ok(answer) => answered(&mut state, answer),
                Err(failure) => return caught(state, &failure),
            }
        }
        state
    }

    /// Plays the passes of a sweep or rollback of one target: `EnableInsights` until its response
    /// has no cursor.
    async fn play_insights(&self, item: Value) -> Value {
        let mut state = item;
        for pass in 1.. {
            state["pass"] = pass.into();
            match self.invoke(Function::EnableInsights, state.clone()).await {
                Ok(answer) if answer["cursor"].is_null() => {
                    answered(&mut state, answer);
                    return state;
                }
                Ok(answer) => {
                    let after = |state: &Value| -> Option<Subject> {
                        serde_json::from_value(state["cursor"]["after"].clone()).unwrap()
                    };
                    assert!(after(&answer) > after(&state), "no progress");
                    state["cursor"] = answer["cursor"].clone();
                }
                Err(failure) => return caught(state, &failure),
            }
        }
        unreachable!("each pass makes progress")
    }
}

/// Input of `collect-logs` for a step of a target.
pub(crate) fn to_do(item: &Value, work: &str) -> Value {
    json!({"plan": item["plan"], "target": item["target"], "do": work})
}

/// The items of the `Map` that the state machine makes from a plan.
fn items(planned: &Value) -> Vec<Value> {
    let targets = planned["targets"].as_array().unwrap().iter();
    let item = |target: &Value| {
        json!({
            "kind": planned["kind"], "plan": planned["plan"],
            "target": target["number"], "platform": target["platform"], "name": target["name"],
            "queries": target["queries"],
        })
    };
    targets.map(item).collect()
}

/// Input of `forward-summary` at the end of a run with these items.
pub fn forward(planned: &Value, ends: &[Value]) -> Value {
    json!({"plan": planned["plan"], "ended": ends.iter().map(ended).collect::<Vec<_>>()})
}

fn collector(item: &Value) -> Function {
    if item["platform"] == "eks" { Function::CollectPods } else { Function::CollectMetrics }
}

fn answered(state: &mut Value, answer: Value) {
    let Value::Object(answer) = answer else { panic!("no answer: {answer}") };
    state.as_object_mut().unwrap().extend(answer);
}
