//! The HTTP server, and the path of a call: latency, faults, buckets, permission, operation, meter.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::fake::{State, lock};
use crate::fault::{self, Effect};
use crate::meter::Call;
use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{Answer, Outcome, Refusal};
use crate::world::World;
use crate::{cloudwatch, dynamodb, ecs, s3, sns, sts};

/// Serves until aborted; the connections are the set's, so they end with it.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    // Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms a call.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { respond(request, &state).await }
    });
    // An error is a client that went away, or a connection that the fault plan cut.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The service error that makes hyper close the connection without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the fault plan")
    }
}

impl std::error::Error for Cut {}

async fn respond(
    incoming: hyper::Request<Incoming>,
    state: &State,
) -> Result<hyper::Response<Full<Bytes>>, Cut> {
    let at = state.started.elapsed();
    let (head, body) = incoming.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let request = Request::new(&head, body, (&state.home.0, &state.home.1));
    let target = Target::of(&request);

    let effects = {
        let mut plan = lock(&state.faults);
        fault::meet(&mut plan, &target.name, &request.account, &request.region)
    };
    let delay = effects.iter().fold(state.latency, |sum, effect| match effect {
        Effect::Delay(delay) => sum + *delay,
        _ => sum,
    });
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }

    let request_id = format!("00000000-0000-4000-8000-{:012x}", next_serial(state));
    let cut = effects.contains(&Effect::Cut);
    let outcome = if cut { Ok(Answer::default()) } else { decide(&request, &target, &effects, state) };
    let code = outcome.as_ref().err().map(|refusal| refusal.code.clone()).unwrap_or_default();
    let answer = outcome.unwrap_or_else(|refusal| target.service.error(&refusal, &request, &request_id));
    let lost = cut || effects.contains(&Effect::LoseAnswer);

    lock(&state.meter).calls.push(Call {
        operation: target.name,
        app: request.app,
        account: request.account,
        region: request.region,
        bytes_in: request.body.len(),
        bytes_out: if lost { 0 } else { answer.body.len() },
        status: if lost { 0 } else { answer.status },
        code,
        at,
    });
    if lost { Err(Cut) } else { Ok(message(answer, &request_id)) }
}

fn next_serial(state: &State) -> u64 {
    lock(&state.world).next_serial()
}

/// What the call comes to, before it is put in the service's wire format.
fn decide(request: &Request, target: &Target, effects: &[Effect], state: &State) -> Outcome {
    for effect in effects {
        match effect {
            Effect::Throttle => return Err(throttled(target.service, state)),
            Effect::Error(status, code, message) => {
                return Err(Refusal::new(*status, code, message.clone()));
            }
            Effect::Cut | Effect::LoseAnswer | Effect::Delay(_) => {}
        }
    }
    let now = state.started.elapsed();
    if !lock(&state.buckets).admit(&target.name, &request.account, &request.region, now) {
        return Err(throttled(target.service, state));
    }
    let mut world = lock(&state.world);
    if world.estate(&request.account, &request.region).denied.contains(&target.name) {
        return Err(target.service.denied(&target.name, &request.account));
    }
    let mut billed = 0;
    let outcome = carry_out(request, target, &mut world, &mut billed);
    drop(world);
    lock(&state.meter).billed_metrics += billed;
    outcome
}

fn carry_out(request: &Request, target: &Target, world: &mut World, billed: &mut u64) -> Outcome {
    // Only a request to a faked service carries its prefix; another's keeps its signing name and is refused.
    match (target.service, target.name.split(':').next().unwrap_or_default()) {
        (Service::Ecs, "ecs") => ecs::call(request, target, world),
        (Service::CloudWatch, "cloudwatch") => cloudwatch::call(request, target, world, billed),
        (Service::Sns, "sns") => sns::call(request, target, world),
        (Service::Sts, "sts") => sts::call(request, target, world),
        (Service::S3, "s3") => s3::call(request, target, world),
        (Service::DynamoDb, "dynamodb") => dynamodb::call(request, target, world),
        _ => Err(target.unknown()),
    }
}

fn throttled(service: Service, state: &State) -> Refusal {
    lock(&state.meter).throttled += 1;
    service.throttle()
}

fn message(answer: Answer, request_id: &str) -> hyper::Response<Full<Bytes>> {
    let mut builder = hyper::Response::builder()
        .status(answer.status)
        .header("x-amzn-requestid", request_id)
        .header("x-amz-request-id", request_id);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(answer.body))).expect("valid header values")
}
