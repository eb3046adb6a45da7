//! The wire between the functions and the fake: here calls fail, callers die, and the checker
//! observes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use fake_aws::{Endless, FakeAws, Fault};
use serde_json::Value;
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::check::Checker;

tokio::task_local! {
    /// The caller: handlers live as long as they are warm, and serve many invocations.
    pub(crate) static INVOCATION: Arc<Invocation>;
}

/// One invocation of a function.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: usize,
    /// The call at which it dies, if it does.
    pub(crate) death: Option<Death>,
    calls: AtomicUsize,
    pub(crate) died: Notify,
}

/// When a function dies: around its k-th call, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) call: usize,
    /// Whether the call is carried out before it dies.
    pub(crate) carried_out: bool,
}

/// Temporary faults of calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Disruption {
    /// Percent of the calls that fail.
    pub(crate) percent: i64,
    /// An operation whose calls all fail: throttled permanently, broken, or refused.
    pub(crate) outage: Option<(&'static str, Outage)>,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    Throttled,
    Broken,
    Denied,
    /// A listing continues endlessly, page by page.
    Endless(Endless),
}

/// A call as the checker sees it.
#[derive(Debug)]
pub(crate) struct Call {
    /// `service:Operation`
    pub(crate) operation: String,
    /// Key of the object, or partition and sort key of the item with `|` between them; partition
    /// alone of a query.
    pub(crate) key: String,
}

/// The wire itself.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) aws: Arc<FakeAws>,
    pub(crate) checker: Arc<Mutex<Checker>>,
    pub(crate) disruption: Arc<Mutex<(Disruption, Chance)>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Invocation {
    pub(crate) fn new(id: usize, death: Option<Death>) -> Self {
        Self { id, death, calls: AtomicUsize::new(0), died: Notify::new() }
    }

    async fn dies_if<T>(&self, death: Death, value: T) -> T {
        if self.death == Some(death) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        value
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, invocation) = (self.clone(), INVOCATION.get());
        HttpConnectorFuture::new(async move { wire.carry(request, &invocation).await })
    }
}

impl Wire {
    async fn carry(
        &self,
        request: HttpRequest,
        invocation: &Invocation,
    ) -> Result<HttpResponse, ConnectorError> {
        let number = invocation.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let call = Call::of(&request);
        invocation.dies_if(Death { call: number, carried_out: false }, ()).await;
        if let Some(fault) = self.fault(&call.operation) {
            self.aws.add_fault(fault);
        }
        self.leave(&call.operation);
        let answer = self.aws.http_client().call(request).await;
        // Nothing else is polled between the fake's action and this.
        let body =
            answer.as_ref().ok().filter(|answer| answer.status().is_success()).and_then(|a| a.body().bytes());
        let failed = {
            let mut checker = lock(&self.checker);
            checker.observe(&self.aws, invocation.id, &call, body);
            checker.failure.is_some()
        };
        if failed {
            // An error found ends the world, and so does anything that would continue forever.
            invocation.died.notify_one();
            std::future::pending::<()>().await;
        }
        invocation.dies_if(Death { call: number, carried_out: true }, answer).await
    }

    /// A cluster may be deleted while a run is in progress.
    fn leave(&self, operation: &str) {
        let mut checker = lock(&self.checker);
        let Some((_, cluster)) = checker.leaving.take_if(|(at, _)| *at == operation) else { return };
        checker.log(|| format!("{cluster} is deleted"));
        let clock = checker.clock;
        checker.truth.leave(&cluster, clock);
        self.aws.edit(|world| world.home().remove_cluster(&cluster));
    }

    /// The fault of this call.
    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut disruption = lock(&self.disruption);
        let (disruption, chance) = &mut *disruption;
        let fault = Fault::on(operation);
        if let Some((_, outage)) = disruption.outage.filter(|(failing, _)| *failing == operation) {
            return Some(match outage {
                Outage::Throttled => fault.throttle(),
                Outage::Broken => fault.error(500, "InternalFailure", "out of order"),
                // One fault for all its calls, set by the world.
                Outage::Endless(_) => return None,
                Outage::Denied => fault.error(403, "AccessDeniedException", "not authorized"),
            });
        }
        if disruption.percent == 0 || !chance.percent(disruption.percent) {
            return None;
        }
        Some(match chance.between(1, 4) {
            1 => fault.throttle(),
            2 => fault.error(500, "InternalFailure", "try again"),
            3 => fault.cut(),
            _ => fault.lose_answer(),
        })
    }
}

impl Call {
    fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let uri = request.uri();
        let path =
            uri.split_once("://").map_or(uri, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        let path = path.split('?').next().unwrap_or_default();
        let body = || request.body().bytes().unwrap_or_default();
        if let Some(operation) = target.strip_prefix("DynamoDB_20120810.") {
            let input: Value = serde_json::from_slice(body()).unwrap_or_default();
            let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
            let key = match operation {
                "Query" => text(&input["ExpressionAttributeValues"][":pk"]),
                "PutItem" => format!("{}|{}", text(&input["Item"]["pk"]), text(&input["Item"]["sk"])),
                _ => format!("{}|{}", text(&input["Key"]["pk"]), text(&input["Key"]["sk"])),
            };
            return Self { operation: format!("dynamodb:{operation}"), key };
        }
        let (operation, key) = if let Some((_, operation)) = target.split_once('.') {
            (format!("ecs:{operation}"), "")
        } else if let Some((_, operation)) = path.split_once("/operation/") {
            (format!("cloudwatch:{operation}"), "")
        } else if body().starts_with(b"Action=") {
            ("sns:Publish".to_owned(), "")
        } else if let Some(rest) = path.strip_prefix("clusters") {
            let operation = match rest.split('/').count() {
                1 => "ListClusters",
                2 => "DescribeCluster",
                _ => "DescribeAccessEntry",
            };
            (format!("eks:{operation}"), rest.trim_start_matches('/'))
        } else {
            let operation = if request.method() == "PUT" { "s3:PutObject" } else { "s3:GetObject" };
            (operation.to_owned(), path.split_once('/').map_or("", |(_, key)| key))
        };
        Self { operation, key: key.replace("%3D", "=") }
    }
}

/// Locks even after a panic, because a panic ends the world.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
