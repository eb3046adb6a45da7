//! The rollback of the logging of Fargate pods: the `ConfigMap` is only deleted as fargaze wrote
//! it.

use fake_aws::Crash as AwsCrash;
use fake_kubernetes::{Crash, Effect, Fault, Handle, Rights};
use fargaze::reconcile::ChangeState;

use super::logging::{POLICY, config_map, rights, start, states};
use super::*;

const ONE: &str = "/configmaps/aws-logging";

/// A cluster in which fargaze wrote the `ConfigMap`, with its namespace.
async fn written(rights: Rights) -> (Stack, Handle) {
    let (stack, kubernetes) = start(rights, |_| {}).await;
    deliver_well(&stack, &[created("payments", now())]).await;
    assert!(config_map(&kubernetes).is_some());
    (stack, kubernetes)
}

fn write_as_others(kubernetes: &Handle) {
    kubernetes.change(|estate| {
        estate.place_config_map("aws-observability", "aws-logging", &[("output.conf", "theirs")]);
    });
}

/// The HTTP methods of requests for the `ConfigMap`, from this call on.
fn methods(kubernetes: &Handle, from: usize) -> Vec<String> {
    let calls = kubernetes.meter().calls.into_iter().skip(from);
    calls.filter(|call| call.path.ends_with(ONE)).map(|call| call.method).collect()
}

/// Result and reason of the only finding.
fn only_finding(outcome: &Value) -> (&Value, &str) {
    let found = findings(outcome);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["aspect"], "aws-logging");
    (&found[0]["result"], found[0]["reason"].as_str().unwrap())
}

fn state(stack: &Stack) -> String {
    states(stack).remove(0).1
}

#[tokio::test]
async fn what_fargaze_wrote_is_deleted_and_its_namespace_stays() {
    let (stack, kubernetes) = written(rights()).await;
    let calls = kubernetes.meter().calls.len();
    let found = ran(&stack, "rollback", 60).await;
    let (result, reason) = only_finding(&found);
    assert_eq!(result, "rolled-back");
    assert!(reason.contains("its namespace aws-observability stays, because"), "{reason}");
    assert_eq!((config_map(&kubernetes), state(&stack).as_str()), (None, "rolled-back"));
    assert_eq!(methods(&kubernetes, calls), ["GET", "GET", "DELETE", "GET"]);
    assert!(kubernetes.estate().stored("namespaces", "", "aws-observability").is_some());
    // It stays deleted, although the policy requires it.
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(config_map(&kubernetes), None);
}

#[tokio::test]
async fn a_dry_run_only_reports_it() {
    let (stack, kubernetes) = written(rights()).await;
    stack.put_config(&format!("{POLICY}limits: {{dry-run: true}}\n"));
    let found = ran(&stack, "rollback", 60).await;
    let (result, reason) = only_finding(&found);
    assert_eq!(result, "would-set");
    assert!(reason.contains("its namespace aws-observability stays"), "{reason}");
    assert!(config_map(&kubernetes).is_some());
}

#[tokio::test]
async fn one_to_which_others_added_bytes_is_left() {
    let (stack, kubernetes) = written(rights()).await;
    kubernetes.change(|estate| {
        let map = estate.stored_mut("configmaps", "aws-observability", "aws-logging").unwrap();
        map["binaryData"] = json!({"theirs": "AAEC"});
    });
    let found = ran(&stack, "rollback", 60).await;
    let (result, reason) = only_finding(&found);
    assert!(reason.contains("someone added binaryData (theirs)"), "{reason}");
    assert_eq!((result, state(&stack).as_str()), (&json!("skipped"), "done"));
    assert!(config_map(&kubernetes).is_some());
}

#[tokio::test]
async fn one_that_others_changed_is_left() {
    let (stack, kubernetes) = written(rights()).await;
    let calls = kubernetes.meter().calls.len();
    write_as_others(&kubernetes);
    let found = ran(&stack, "rollback", 60).await;
    assert_eq!((only_finding(&found).0, state(&stack).as_str()), (&json!("skipped"), "done"));
    assert_eq!(
        (config_map(&kubernetes).unwrap()["output.conf"].as_str(), methods(&kubernetes, calls)),
        (Some("theirs"), vec!["GET".to_owned()])
    );
}

#[tokio::test]
async fn a_config_map_changed_between_the_check_and_the_deletion_is_left() {
    let (stack, kubernetes) = written(rights()).await;
    let calls = kubernetes.meter().calls.len();
    // The response takes long enough for a change in the meantime.
    let slow = Effect::Slow { piece: 64, pause: std::time::Duration::from_millis(50) };
    kubernetes.inject(Fault::times(2, ONE, slow));
    let (found, ()) = tokio::join!(ran(&stack, "rollback", 60), async {
        while methods(&kubernetes, calls).len() < 2 {
            tokio::task::yield_now().await;
        }
        write_as_others(&kubernetes);
    });
    let (result, reason) = only_finding(&found);
    assert_eq!(result, "skipped");
    assert!(reason.contains("409 Conflict") && reason.ends_with("roll back again"), "{reason}");
    assert_eq!(methods(&kubernetes, calls), ["GET", "GET", "DELETE"]);
    assert_eq!(config_map(&kubernetes).unwrap()["output.conf"], "theirs");
    assert_eq!(state(&stack), "done");
}

#[tokio::test]
async fn without_the_permission_to_delete_the_command_is_in_the_mail() {
    let (stack, kubernetes) =
        written(Rights::collector().with("", &["namespaces", "configmaps"], &["get", "create"])).await;
    let found = ran(&stack, "rollback", 60).await;
    let fault = &found["findings"][0]["result"]["failed"];
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains("cannot delete resource \"configmaps\""), "{message}");
    let mail = stack.mail(0);
    assert!(mail.contains(" --output yaml > aws-logging.yaml "), "{mail}");
    assert!(mail.contains(" --namespace aws-observability delete configmap aws-logging "), "{mail}");
    assert!(config_map(&kubernetes).is_some());
    assert_eq!(state(&stack), "done");
}

#[tokio::test]
async fn a_rollback_of_the_newest_change_restores_what_it_found() {
    let (stack, kubernetes) = written(rights()).await;
    let first = config_map(&kubernetes);
    stack.put_config(&POLICY.replace("/eks/prod", "/eks/other"));
    let mut later = created("payments", now());
    later["detail"]["eventID"] = json!("created-payments-later");
    deliver_well(&stack, &[later]).await;
    assert_ne!(config_map(&kubernetes), first);
    let time = change_log(&stack)[1].made;
    let mut request = function_tests::request("rollback", minute(120));
    request["request"]["since"] = json!(time.to_string());
    request["request"]["time"] = json!((time + SignedDuration::from_mins(1)).to_string());
    stack.play(request).await.receipt.unwrap();
    let states: Vec<ChangeState> = change_log(&stack).into_iter().map(|change| change.state).collect();
    assert_eq!((config_map(&kubernetes), states), (first, vec![ChangeState::Done, ChangeState::RolledBack]));
}

#[tokio::test]
async fn in_a_cluster_that_has_no_fargate_profile_any_more_it_is_deleted_too() {
    let (stack, kubernetes) = written(rights()).await;
    edit(&stack, "payments", |cluster| cluster.profiles.clear());
    assert_eq!(only_finding(&ran(&stack, "rollback", 60).await).0, "rolled-back");
    assert_eq!(config_map(&kubernetes), None);
}

#[tokio::test]
async fn what_could_not_be_read_is_not_taken_for_undone() {
    let (stack, kubernetes) = written(rights()).await;
    kubernetes.change(|estate| estate.identities[0].rights = Rights::none());
    let found = ran(&stack, "rollback", 60).await;
    assert!(found["findings"][0]["result"]["unknown"].is_object(), "{found}");
    assert_eq!(state(&stack), "done");
}

#[tokio::test]
async fn one_that_was_written_by_a_function_that_died_is_known_although_no_policy_names_it_any_more() {
    let (stack, kubernetes) = start(rights(), |_| {}).await;
    // The check, the namespace, and then the `ConfigMap`.
    kubernetes.crash(Crash::After(3));
    let event = [created("payments", now())];
    tokio::select! {
        biased;
        () = kubernetes.crashed() => {}
        answer = Box::pin(deliver(&stack, &event)) => panic!("{answer}"),
    }
    kubernetes.revive();
    assert!(config_map(&kubernetes).is_some());
    assert_eq!(state(&stack), "planned");
    stack.put_config("policies: [{metrics-server: leave, aws-logging: leave}]");
    deliver_well(&stack, &event).await;
    assert_eq!(state(&stack), "done");
    assert_eq!(only_finding(&ran(&stack, "rollback", 60).await).0, "rolled-back");
    assert_eq!(config_map(&kubernetes), None);
}

#[tokio::test]
async fn what_a_rollback_deleted_before_it_died_is_not_written_again_before_it_is_repeated() {
    let (stack, kubernetes) = written(rights()).await;
    let item = super::faults::item(&stack, "rollback", 60).await;
    // Namespace and ConfigMap are read, the ConfigMap once more, and then it is deleted.
    kubernetes.crash(Crash::After(4));
    tokio::select! {
        biased;
        () = kubernetes.crashed() => {}
        answer = Box::pin(stack.invoke(Function::EnableInsights, item.clone())) => panic!("{answer:?}"),
    }
    kubernetes.revive();
    assert_eq!((config_map(&kubernetes), state(&stack).as_str()), (None, "rolled-back"));
    ran(&stack, "sweep", 90).await;
    assert_eq!((config_map(&kubernetes), state(&stack).as_str()), (None, "rolled-back"));
    let (found, ..) = to_the_end(&stack, &kubernetes, &item).await;
    assert_eq!(found[0]["result"], "rolled-back", "{found}");
    assert_eq!(config_map(&kubernetes), None);
}

#[tokio::test]
async fn a_deletion_with_an_unknown_result_is_resolved_by_the_queue() {
    let (stack, kubernetes) = written(rights()).await;
    kubernetes.crash(Crash::Before(4));
    let item = super::faults::item(&stack, "rollback", 60).await;
    tokio::select! {
        biased;
        () = kubernetes.crashed() => {}
        answer = Box::pin(stack.invoke(Function::EnableInsights, item.clone())) => panic!("{answer:?}"),
    }
    kubernetes.revive();
    assert_eq!(state(&stack), "rolled-back");
    // No policy names it any more, and yet it is checked.
    stack.put_config("policies: [{metrics-server: leave, aws-logging: leave}]");
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(state(&stack), "done", "it is still there");
    let (found, ..) = to_the_end(&stack, &kubernetes, &item).await;
    assert_eq!((&found[0]["result"], config_map(&kubernetes)), (&json!("rolled-back"), None));
}

/// Plays a rollback, again whenever the function dies; returns its findings and the end.
async fn to_the_end(stack: &Stack, kubernetes: &Handle, item: &Value) -> (Value, Option<Value>, String) {
    loop {
        let answer = tokio::select! {
            biased;
            () = stack.aws.crashed() => None,
            () = kubernetes.crashed() => None,
            answer = Box::pin(stack.invoke(Function::EnableInsights, item.clone())) => Some(answer.unwrap()),
        };
        stack.aws.revive();
        kubernetes.revive();
        if let Some(answer) = answer {
            let outcome = stack.json(answer["outcome"]["key"].as_str().unwrap());
            return (outcome["findings"].clone(), config_map(kubernetes), state(stack));
        }
    }
}

#[tokio::test]
async fn killed_at_every_call_it_reaches_the_same_end_and_reports_it() {
    let before = async || {
        let (stack, kubernetes) = written(rights()).await;
        let item = super::faults::item(&stack, "rollback", 60).await;
        (stack, kubernetes, item)
    };
    let (stack, kubernetes, item) = before().await;
    let start = (stack.aws.meter().count_all(), kubernetes.meter().calls.len());
    let expected = to_the_end(&stack, &kubernetes, &item).await;
    let calls = (stack.aws.meter().count_all() - start.0, kubernetes.meter().calls.len() - start.1);
    assert_eq!(
        (&expected.0[0]["result"], &expected.1, expected.2.as_str()),
        (&json!("rolled-back"), &None, "rolled-back")
    );
    assert!(calls.0 > 5 && calls.1 == 5, "{calls:?}");
    for nth in 1..=calls.0 {
        for crash in [AwsCrash::before(nth), AwsCrash::after(nth)] {
            let (stack, kubernetes, item) = before().await;
            let point = format!("{crash:?}");
            stack.aws.crash(crash);
            assert_eq!(to_the_end(&stack, &kubernetes, &item).await, expected, "{point}");
        }
    }
    for nth in 1..=calls.1 {
        for crash in [Crash::Before(nth), Crash::After(nth)] {
            let (stack, kubernetes, item) = before().await;
            kubernetes.crash(crash);
            assert_eq!(to_the_end(&stack, &kubernetes, &item).await, expected, "{crash:?} of Kubernetes");
        }
    }
}
