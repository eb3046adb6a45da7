//! The Lambda Runtime API, with a runtime written by hand and with processes that fail.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use fake_aws::{Bootstrap, RuntimeApi};
use serde_json::json;

use crate::client::{scope, send};

/// A bootstrap as a shell script, in its own file.
fn script(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Plays the runtime: takes one event and returns its result.
async fn serve_one(endpoint: &str, end: &str, answer: &str) {
    let next = ("GET", "/2018-06-01/runtime/invocation/next");
    let event = send(endpoint, scope(""), next, &[], b"").await.unwrap();
    let id = event.header("lambda-runtime-aws-request-id").unwrap().to_owned();
    assert!(event.header("lambda-runtime-invoked-function-arn").is_some());
    let deadline: u128 = event.header("lambda-runtime-deadline-ms").unwrap().parse().unwrap();
    assert!(deadline > 1_700_000_000_000);
    assert_eq!(event.json(), json!({ "kind": "alarms" }));
    let path = format!("/2018-06-01/runtime/invocation/{id}/{end}");
    let reply = send(endpoint, scope(""), ("POST", &path), &[], answer.as_bytes()).await.unwrap();
    assert_eq!(reply.status, 202);
}

#[tokio::test]
async fn events_go_out_and_results_come_in() {
    let runtime = RuntimeApi::start().await;
    let bootstrap = Bootstrap::spawn(script("sleeps", "exec sleep 30"), &[], &runtime).unwrap();
    assert!(bootstrap.pid() > 0);
    let endpoint = format!("http://{}", runtime.address());
    let event = json!({ "kind": "alarms" });
    let second = Duration::from_secs(5);

    let (result, ()) =
        tokio::join!(bootstrap.invoke(&event, second), serve_one(&endpoint, "response", r#"{"ok":1}"#));
    assert_eq!(result.unwrap(), json!({ "ok": 1 }));
    assert!(bootstrap.first_next().await.unwrap() < second);
    let error = r#"{"errorType":"Bad","errorMessage":"no"}"#;
    let (result, ()) = tokio::join!(bootstrap.invoke(&event, second), serve_one(&endpoint, "error", error));
    assert_eq!(result.unwrap_err().to_string(), "Bad: no");
    let late = bootstrap.invoke(&event, Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(late.error_type, "Sandbox.Timedout");
}

#[tokio::test]
async fn a_process_that_dies_says_why() {
    let runtime = RuntimeApi::start().await;
    let path = script("dies", "echo \"no $VALUE here\" >&2; exit 3");
    let bootstrap = Bootstrap::spawn(path, &[("VALUE", "region")], &runtime).unwrap();
    let error = bootstrap.first_next().await.unwrap_err();
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(error.error_message.contains("no region here"), "{error}");
    assert!(error.error_message.contains('3'), "{error}");
    let error = bootstrap.invoke(&json!({}), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.error_type, "Runtime.ExitError");
}
