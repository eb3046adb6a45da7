//! Tokens over the duration of a run, and what they may reveal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::time::Duration;

use aws_smithy_async::test_util::ManualTimeSource;
use aws_smithy_async::time::SharedTimeSource;
use common::{access, keys, limits, names, now, refusal, seeded};
use fake_kubernetes::{Effect, Estate, FakeKubernetes, Fault, Handle, Identity};
use fargaze::model::fault::Fault as DomainFault;
use fargaze_kubernetes::{Access, Cause, Client, TokenError};
use jiff::SignedDuration;

/// A client with the clock of the test.
fn clocked(server: &Handle) -> (Client, ManualTimeSource) {
    let time = ManualTimeSource::new(now().into());
    let access = Access { time: SharedTimeSource::new(time.clone()), ..access(server) };
    (Client::new(access, limits()).unwrap(), time)
}

#[tokio::test]
async fn a_token_is_renewed_before_the_server_would_refuse_it() {
    let (server, _) = seeded(1).await;
    let (client, time) = clocked(&server);
    for _ in 0..8 {
        client.get("/version").await.unwrap();
        time.advance(Duration::from_mins(5));
        server.change(|estate| estate.now = estate.now.map(|now| now + SignedDuration::from_mins(5)));
    }
    assert!(server.meter().calls.iter().all(|call| call.status == 200));
}

#[tokio::test]
async fn a_refused_token_is_signed_again_once() {
    let (server, client) = seeded(1).await;
    server.inject(Fault::once("/pods", Effect::Unauthorized));
    assert_eq!(names(&client, "/api/v1/pods").await.unwrap().len(), 2);
    assert_eq!(client.calls(), 2);
    server.inject(Fault::always("/pods", Effect::Unauthorized));
    assert_eq!(refusal(&client).await, Cause::Unauthorized);
    assert_eq!(client.calls(), 4);
}

#[tokio::test]
async fn the_reasons_of_a_401_are_reported_together() {
    type Change = fn(&mut Estate);
    let changes: [Change; 4] = [
        |estate| estate.cluster = "other".to_owned(),
        |estate| estate.identities.clear(),
        |estate| estate.now = Some(now() + SignedDuration::from_mins(20)),
        |estate| estate.identities[0].session_ended = true,
    ];
    for change in changes {
        let (server, client) = seeded(1).await;
        server.change(change);
        let cause = refusal(&client).await;
        assert_eq!(cause, Cause::Unauthorized);
        assert!(
            cause
                .to_string()
                .contains("no access entry for the role, or one created before the role was deleted")
        );
    }
}

#[tokio::test]
async fn expired_or_overlong_credentials_are_reported_before_any_request() {
    let server = FakeKubernetes::start(Estate::default()).await;
    let with = |identity: &Identity, ends| {
        let credentials = keys(identity, ends);
        Client::new(Access { credentials, ..access(&server) }, limits()).unwrap()
    };
    let collector = Identity::collector();
    assert_eq!(refusal(&with(&collector, Some(now().into()))).await, Cause::Token(TokenError::Expired));
    let long = Identity { session_token: Some("a".repeat(3_000)), ..collector };
    assert!(matches!(refusal(&with(&long, None)).await, Cause::Token(TokenError::TooLong(_))));
    assert!(server.meter().calls.is_empty());
}

#[tokio::test]
async fn many_clusters_run_in_one_process_and_take_their_own_tokens_only() {
    let one =
        FakeKubernetes::start(Estate::seeded(1, 1, now()).with(|estate| estate.cluster = "one".to_owned()))
            .await;
    let two =
        FakeKubernetes::start(Estate::seeded(2, 3, now()).with(|estate| estate.cluster = "two".to_owned()))
            .await;
    let client = |server: &Handle, cluster: &str| {
        Client::new(Access { cluster: cluster.to_owned(), ..access(server) }, limits()).unwrap()
    };
    assert_eq!(names(&client(&one, "one"), "/api/v1/pods").await.unwrap().len(), 2);
    assert_eq!(names(&client(&two, "two"), "/api/v1/pods").await.unwrap().len(), 4);
    assert_eq!(refusal(&client(&two, "one")).await, Cause::Unauthorized);
}

#[tokio::test]
async fn neither_token_nor_credentials_are_in_anything_that_can_be_printed() {
    let (server, client) = seeded(1).await;
    let mut printed = format!("{client:?} {:?} {:?}", access(&server), limits());
    let mut effects = vec![
        Effect::Unauthorized,
        Effect::Forbidden,
        Effect::ServiceUnavailable,
        Effect::Cut { after: 10 },
        Effect::Close,
    ];
    for code in [302, 400, 404, 410, 429, 500, 503, 504] {
        let (reason, message) = (format!("Reason{code}"), "said".to_owned());
        effects.push(Effect::Status { code, reason, message });
    }
    for effect in effects {
        server.inject(Fault::always("/pods", effect));
        let error = names(&client, "/api/v1/pods").await.unwrap_err();
        printed += &format!("{error} {error:?} {:?}", DomainFault::from(error.clone()));
        server.heal();
    }
    let broken = Identity { session_token: Some("s3cr3t".repeat(600)), ..Identity::collector() };
    let credentials = keys(&broken, None);
    let broken = Client::new(Access { credentials, ..access(&server) }, limits()).unwrap();
    printed += &format!("{broken:?} {:?}", names(&broken, "/api/v1/pods").await.unwrap_err());

    let Identity { access_key_id, secret_access_key, session_token, .. } = Identity::collector();
    let session_token = session_token.unwrap();
    // `k8s-aws-v1.` and the base64 of `https://sts.`.
    for secret in [
        &access_key_id,
        &secret_access_key,
        &session_token,
        "s3cr3t",
        "Bearer",
        "k8s-aws",
        "aHR0cHM6Ly9zdHMu",
        "Signature",
    ] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
    assert!(printed.contains("Reason503") || printed.contains("said"));
}
