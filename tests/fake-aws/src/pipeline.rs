//! The path of a call, for every transport: crash points, latency, faults, buckets, permission,
//! operation, meter.

use hyper::body::Bytes;

use crate::crash::Moment;
use crate::fake::{State, lock};
use crate::fault::{self, Effect};
use crate::meter::Call;
use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{Answer, Outcome, Refusal};
use crate::{cloudwatch, dynamodb, ecs, eks, logs, model, s3, sns, sqs, sts};

/// The connection ends without a response.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the fault plan")
    }
}

impl std::error::Error for Cut {}

/// Answers a call. The calls of a caller that died at a crash point wait forever.
pub(crate) async fn answer(request: Request, state: &State) -> Result<hyper::Response<Bytes>, Cut> {
    let at = state.started.elapsed();
    let Some(life) = state.lives.present() else { return std::future::pending().await };
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
        // If the caller died during this call, the call dies, too, even if the caller was revived
        // since.
        if state.lives.present() != Some(life) {
            return std::future::pending().await;
        }
    }

    let request_id = format!("00000000-0000-4000-8000-{:012x}", lock(&state.world).next_serial());
    let mut call = Call {
        operation: target.name.clone(),
        subject: target.service.subject(&target, &request),
        app: request.app.clone(),
        account: request.account.clone(),
        region: request.region.clone(),
        bytes_in: request.body.len(),
        bytes_out: 0,
        status: 0,
        code: String::new(),
        request_id: request_id.clone(),
        at,
    };
    if state.lives.end(Moment::Before, &call) {
        return die(call, state).await;
    }
    let cut = effects.contains(&Effect::Cut);
    let outcome = if cut { Ok(Answer::default()) } else { decide(&request, &target, &effects, state) };
    call.code = outcome.as_ref().err().map(|refusal| refusal.code.clone()).unwrap_or_default();
    let answer = outcome.unwrap_or_else(|refusal| target.service.error(&refusal, &request, &request_id));
    let lost = cut || effects.contains(&Effect::LoseAnswer);
    if !lost {
        (call.status, call.bytes_out) = (answer.status, answer.body.len());
    }
    if state.lives.end(Moment::After, &call) {
        return die(call, state).await;
    }
    lock(&state.meter).calls.push(call);
    if lost { Err(Cut) } else { Ok(message(answer, &request_id)) }
}

/// Records the call that the caller did not survive, notifies those who wait for its end, and never
/// returns.
async fn die<T>(call: Call, state: &State) -> T {
    lock(&state.meter).calls.push(Call { status: 0, bytes_out: 0, ..call });
    state.lives.announce();
    std::future::pending().await
}

/// The result of the call, before it is put in the service's wire format.
fn decide(request: &Request, target: &Target, effects: &[Effect], state: &State) -> Outcome {
    for effect in effects {
        match effect {
            Effect::Throttle => return Err(throttled(target.service, state)),
            Effect::Error(status, code, message) => {
                return Err(Refusal::new(*status, code, message.clone()));
            }
            Effect::Page(endless, page) => return endless.page(target, *page),
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
    // Only a request to a faked service has its prefix; any other keeps its signing name and is
    // refused.
    if target.name.split(':').next() != Some(target.service.prefix()) {
        return Err(target.unknown());
    }
    model::check(request, target)?;
    let mut billed = 0;
    let outcome = match target.service {
        Service::Ecs => ecs::call(request, target, &mut world),
        Service::Eks => eks::call(request, target, &mut world),
        Service::CloudWatch => cloudwatch::call(request, target, &mut world, &mut billed),
        Service::Sns => sns::call(request, target, &mut world),
        Service::Sqs => sqs::call(request, target, &mut world),
        Service::Sts => sts::call(request, target, &mut world, state.wall_clock()),
        Service::S3 => s3::call(request, target, &mut world),
        Service::DynamoDb => dynamodb::call(request, target, &mut world),
        Service::Logs => logs::call(request, target, &mut world),
    };
    drop(world);
    lock(&state.meter).billed_metrics += billed;
    outcome
}

fn throttled(service: Service, state: &State) -> Refusal {
    lock(&state.meter).throttled += 1;
    service.throttle()
}

fn message(answer: Answer, request_id: &str) -> hyper::Response<Bytes> {
    let mut builder = hyper::Response::builder()
        .status(answer.status)
        .header("x-amzn-requestid", request_id)
        .header("x-amz-request-id", request_id);
    for (name, value) in answer.headers {
        builder = builder.header(name.as_ref(), value);
    }
    builder.body(Bytes::from(answer.body)).expect("valid header values")
}
