//! From a request to its response: authentication, authorization, the resource, and the faults of
//! the response.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, Request, Response};

use crate::answer::Answer;
use crate::body::{Played, Step};
use crate::crash::Moment;
use crate::fault::Effect;
use crate::identity::Identity;
use crate::meter::Call;
use crate::state::{Inner, State};
use crate::target::Target;
use crate::{delete, discovery, list, objects, reviews, store, token};

/// Answers one request and meters it.
pub(crate) async fn respond(request: &Request<Bytes>, state: &State) -> io::Result<Response<Played>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let latency = {
        let mut inner = state.lock();
        inner.meter.at_once += 1;
        inner.meter.most_at_once = inner.meter.most_at_once.max(inner.meter.at_once);
        inner.estate.latency
    };
    // A guard, because the client may disconnect while it waits.
    let _answering = Answering(state);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    state.life.pass(Moment::Before).await;
    let (user, answer, effect) = decide(request, &path, &mut state.lock());
    if matches!(effect, Some(Effect::Close)) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let answer = answer.compressed(header(request.headers(), &ACCEPT_ENCODING));
    let (status, bytes) = (answer.status.as_u16(), answer.body.len());
    {
        let mut inner = state.lock();
        if inner.estate.keep_answers && status == 200 && *request.method() == Method::GET {
            inner.kept.entry(path.clone()).or_insert_with(|| answer.clone());
        }
        inner.meter.calls.push(Call { method: request.method().to_string(), path, user, status, bytes });
    }
    state.life.pass(Moment::After).await;
    Ok(play(answer, effect.as_ref()))
}

/// Counts a request as in progress.
struct Answering<'a>(&'a State);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.lock().meter.at_once -= 1;
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The user, the response, and the fault on its way.
fn decide(request: &Request<Bytes>, path: &str, inner: &mut Inner) -> (String, Answer, Option<Effect>) {
    let estate = Arc::clone(&inner.estate);
    let bearer = header(request.headers(), &AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default();
    let known = token::check(bearer, &estate.cluster, &estate.identities, estate.time());
    let effect = inner.befalls(path);
    let (Ok(identity), false) = (known, matches!(effect, Some(Effect::Unauthorized))) else {
        return (String::new(), Answer::failure(401, "Unauthorized", "Unauthorized"), effect);
    };
    let target = Target::read(request.uri().path(), request.uri().query().unwrap_or_default());
    let instead = effect.as_ref().and_then(|effect| instead(effect, identity, target.as_ref(), request));
    let recorded = || {
        let found = estate.recorded.get(path).or_else(|| estate.recorded.get(request.uri().path()));
        found.map(|recorded| recorded.answer())
    };
    let kept = || inner.kept.get(path).cloned();
    let answer = instead.or_else(recorded).or_else(kept);
    let answer = answer.unwrap_or_else(|| answer_of_estate(request, target, identity, inner));
    (identity.username.clone(), answer, effect)
}

/// The response of a fault that has its own.
fn instead(
    effect: &Effect,
    identity: &Identity,
    target: Option<&Target>,
    request: &Request<Bytes>,
) -> Option<Answer> {
    match effect {
        Effect::Expired => target.map(list::expired),
        Effect::TooManyRequests { retry_after } => Some(Answer::too_many_requests(*retry_after)),
        Effect::Forbidden => {
            let asked = target.map(|target| target.attributes(request.method()))?;
            Some(Answer::failure(403, "Forbidden", &asked.refusal(&identity.username)))
        }
        Effect::ServiceUnavailable => Some(Answer::text(503, "service unavailable\n")),
        Effect::Status { code, reason, message } => Some(Answer::failure(*code, reason, message)),
        Effect::Raw { code, headers, body } => {
            let mut answer = Answer::new(*code, "application/octet-stream", body.clone());
            answer.headers =
                headers.iter().map(|(name, value)| (named(name), value.parse().unwrap())).collect();
            Some(answer)
        }
        Effect::Recorded(recorded) => Some(recorded.answer()),
        Effect::Unauthorized
        | Effect::Slow { .. }
        | Effect::Cut { .. }
        | Effect::CutChunks { .. }
        | Effect::Stall { .. }
        | Effect::Close => None,
    }
}

fn named(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

fn answer_of_estate(
    request: &Request<Bytes>,
    target: Option<Target>,
    identity: &Identity,
    inner: &mut Inner,
) -> Answer {
    let estate = Arc::clone(&inner.estate);
    if let Some(found) = discovery::answer(request.uri().path(), &estate) {
        return found;
    }
    let Some(target) = target else { return Answer::no_page() };
    // The real server also accepts protobuf, which kubectl writes for some of its commands; without
    // a content type it is JSON.
    let form = header(request.headers(), &CONTENT_TYPE);
    if !request.body().is_empty() && !form.is_empty() && !form.starts_with("application/json") {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json";
        return Answer::failure(415, "UnsupportedMediaType", message);
    }
    if let Some(review) = reviews::answer(&target, request, identity, estate.time()) {
        return review;
    }
    let asked = target.attributes(request.method());
    if !identity.rights.allow(&asked) {
        return Answer::failure(403, "Forbidden", &asked.refusal(&identity.username));
    }
    if let Some(missing) = discovery::missing_group(&target, &estate) {
        return missing;
    }
    match *request.method() {
        Method::GET if target.name.is_empty() => list::answer(&target, inner),
        Method::GET => objects::answer(&target, &estate),
        Method::POST | Method::PUT => store::answer(&target, request, inner),
        Method::DELETE => delete::answer(&target, request, inner),
        _ => Answer::failure(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
    }
}

fn play(answer: Answer, effect: Option<&Effect>) -> Response<Played> {
    let Answer { status, headers, body } = answer;
    let declared = body.len();
    let head = |after: usize| Step::Data(body.slice(..after.min(declared)));
    let played = match effect {
        Some(&Effect::Slow { piece, pause }) => {
            let pieces = body.chunks(piece.max(1)).map(Bytes::copy_from_slice);
            Played::new(pieces.flat_map(|piece| [Step::Pause(pause), Step::Data(piece)]))
        }
        // The pause lets hyper send what it has: an error right after it would drop that, too.
        Some(&(Effect::Cut { after } | Effect::CutChunks { after })) => {
            Played::new([head(after), Step::Pause(Duration::from_millis(5)), Step::Break])
        }
        Some(&Effect::Stall { after }) => Played::new([head(after), Step::Stall]),
        _ => Played::whole(body),
    };
    let mut response = Response::new(played);
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    // Without a length, hyper sends chunks.
    if !matches!(effect, Some(Effect::CutChunks { .. })) {
        response.headers_mut().insert(CONTENT_LENGTH, declared.into());
    }
    response
}
