//! The sweep: what it sets, what it only reports, and how often.

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault, ServiceSpec, TaskSpec};
use fargaze::reconcile::ChangeState;
use function_tests::{ACCOUNT, Function, REGION, Stack, estate, minute, put_minutes};
use serde_json::{Value, json};

use super::{
    CHANGE, UPDATE, change, change_log, changes, created, expected, finding, level, levels, outcome, receipt,
    receive_well, result, results, set_level, stack, subjects, sweep, swept, with,
};

/// One existing cluster of each sort.
fn mixed() -> Estate {
    let tagged = ClusterSpec::new("lab").tag("fargaze", "hands-off");
    with(&[("off", "disabled"), ("on", "enabled"), ("more", "enhanced"), ("AWSBatch-x", "disabled")])
        .cluster(tagged)
        .cluster(ClusterSpec::new("ending").status("DEPROVISIONING"))
}

#[tokio::test(start_paused = true)]
async fn an_existing_cluster_is_notified_once_and_then_only_counted() {
    let stack = stack(mixed());
    let line = sweep(&stack, 0).await;
    assert_eq!(receipt(&line), (true, "ECS: 1 out of policy".to_owned()));
    let mail = stack.mail(0);
    assert!(
        mail.contains(
            "OUT OF POLICY (report only): Container Insights (disabled) in eu-west-1 (123456789012): off:"
        ),
        "{mail}"
    );
    assert!(mail.contains("2 of 6 ECS clusters comply, 3 left alone, 1 out of policy."), "{mail}");
    let why = "nothing to do: 2 of 6 ECS clusters comply, 3 left alone, 1 out of policy; 0 of 0 EKS clusters comply";
    for at in [60, 120] {
        assert_eq!(receipt(&sweep(&stack, at).await), (false, why.to_owned()));
    }
    assert_eq!((stack.mails().len(), stack.aws.meter().count(UPDATE)), (1, 0));
    // Another one is new, and the first is reported with it.
    stack.aws.edit(|world| world.home().cluster_mut("on").unwrap().insights = "disabled".to_owned());
    assert!(receipt(&sweep(&stack, 180).await).0);
    assert!(
        stack.mail(1).contains("off: about") && stack.mail(1).contains(" on: about"),
        "{}",
        stack.mail(1)
    );
}

#[tokio::test(start_paused = true)]
async fn existing_clusters_are_set_if_the_file_says_so_and_nothing_else_is() {
    let stack = stack(mixed());
    stack.put_config(CHANGE);
    let found = swept(&stack, 0).await;
    let left = || json!("left");
    assert_eq!(
        found,
        expected([
            ("AWSBatch-x", left()),
            ("ending", left()),
            ("lab", left()),
            ("more", json!("compliant")),
            ("off", json!({"set": "enabled"})),
            ("on", json!("compliant")),
        ])
    );
    assert_eq!(subjects(&stack, UPDATE), ["off"]);
    assert_eq!(changes(&stack), [change("off", "disabled", "enabled", "done")]);
    let entry = &change_log(&stack)[0];
    assert_eq!((entry.cause.as_str(), entry.made), ("sweep-20261122T100500Z", minute(0)));
    assert!(entry.request_id.is_some());
    assert!(swept(&stack, 60).await.values().all(|result| *result == "compliant" || *result == "left"));
}

#[tokio::test(start_paused = true)]
async fn the_first_policy_that_fits_and_names_it_decides_with_its_own_word_about_existing_clusters() {
    let stack = stack(with(&[
        ("prod-a", "enabled"),
        ("prod-b", "disabled"),
        ("test", "enhanced"),
        ("x", "disabled"),
    ]));
    stack.put_config(
        "limits: {max-percent: 100}\npolicies:\n  \
         - {match: {clusters: [prod-*]}, metrics-server: leave}\n  \
         - {match: {clusters: [prod-a]}, container-insights: at-least-enhanced, existing: change}\n  \
         - {match: {clusters: [prod-*]}, container-insights: off-is-fine}\n  \
         - {match: {clusters: [test], regions: [us-*]}, container-insights: leave}\n  \
         - {match: {clusters: [test]}, container-insights: {exactly: disabled}, existing: change}\n",
    );
    let found = swept(&stack, 0).await;
    assert_eq!(
        found,
        expected([
            ("prod-a", json!({"set": "enhanced"})),
            ("prod-b", json!("compliant")),
            ("test", json!({"set": "disabled"})),
            ("x", json!("reported")),
        ])
    );
    let policies: Vec<String> = change_log(&stack).into_iter().map(|entry| entry.policy).collect();
    assert_eq!(policies, ["at-least-enhanced", "exactly: disabled"]);
}

#[tokio::test(start_paused = true)]
async fn one_run_changes_up_to_its_limit_and_the_next_continues() {
    let names: Vec<String> = (0..8).map(|number| format!("c{number}")).collect();
    let clusters: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "disabled")).collect();
    for (limits, rounds) in [
        ("max-changes: 3, max-percent: 100", &[3, 3, 2, 0][..]),
        ("max-changes: 20, max-percent: 25", &[2, 2, 2, 2, 0]),
        ("max-changes: 20, max-percent: 1", &[1, 1]),
    ] {
        let stack = stack(with(&clusters));
        stack.put_config(&format!("limits: {{existing: change, {limits}}}"));
        let mut before = 0;
        for (at, &set) in (0_i64..).zip(rounds) {
            let line = sweep(&stack, 60 * at).await;
            let found = results(&outcome(&stack, &line));
            let count = |result: Value| found.values().filter(|found| **found == result).count();
            let counts = (
                count(json!("compliant")),
                count(json!({"set": "enabled"})),
                count(json!({"waiting": "enabled"})),
            );
            assert_eq!(counts, (before, set, 8 - before - set), "{limits}, sweep {at}");
            assert_eq!(subjects(&stack, UPDATE), names[..before + set], "{limits}, sweep {at}: in order");
            assert_eq!(receipt(&line).0, set > 0, "{limits}, sweep {at}");
            before += set;
        }
        let mail = stack.mail(0);
        assert!(mail.contains("WAITS FOR THE NEXT RUN: Container Insights: disabled -> enabled"), "{mail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_uses_up_nothing_of_what_a_run_may_change() {
    // Otherwise clusters that are always refused would keep all others waiting forever.
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled")]));
    stack.put_config("limits: {existing: change, max-changes: 1}");
    stack.aws.add_fault(Fault::on(UPDATE).error(400, "AccessDeniedException", "no permission"));
    let found = swept(&stack, 0).await;
    assert!(found["a"].get("failed").is_some(), "{found:?}");
    assert_eq!((&found["b"], &found["c"]), (&json!({"set": "enabled"}), &json!({"waiting": "enabled"})));
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_is_notified_with_its_reason_and_the_others_continue() {
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled")]));
    stack.put_config(CHANGE);
    stack.aws.add_fault(Fault::on(UPDATE).nth(2).error(400, "AccessDeniedException", "no permission"));
    let line = sweep(&stack, 0).await;
    let found = results(&outcome(&stack, &line));
    assert_eq!((&found["a"], &found["c"]), (&json!({"set": "enabled"}), &json!({"set": "enabled"})));
    assert_eq!(found["b"]["failed"]["code"], "AccessDeniedException");
    let mail = stack.mail(0);
    assert!(mail.starts_with("FAILED to set Container Insights of b"), "{mail}");
    assert!(
        mail.contains(
            "SET Container Insights: disabled -> enabled, in eu-west-1 (123456789012): a: about 12 metrics, $3.60 a month c:"
        ),
        "{mail}"
    );
    assert!(
        mail.contains("no permission (redeploy the stack, which grants the action to its role"),
        "{mail}"
    );
    assert!(!mail.contains("CANNOT READ"), "all was seen: {mail}");
    assert_eq!(changes(&stack)[1], change("b", "disabled", "enabled", "abandoned"));
    // The next one retries, with one change-log entry for each attempt.
    assert_eq!(swept(&stack, 60).await["b"], json!({"set": "enabled"}));
    assert_eq!(change_log(&stack).iter().filter(|entry| entry.state == ChangeState::Done).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_new_cluster_without_an_event_is_set_and_the_mail_asks_whether_events_arrive() {
    let stack = stack(with(&[("old", "enabled")]));
    sweep(&stack, 0).await;
    for name in ["announced", "unannounced", "right"] {
        stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new(name)));
    }
    set_level(&stack, "right", "enabled");
    receive_well(&stack, &[created("announced", 10)]).await;
    let line = sweep(&stack, 60).await;
    let found = outcome(&stack, &line);
    let unannounced = |name| finding(&found, name)["unannounced"] == true;
    assert_eq!(["announced", "old", "right", "unannounced"].map(unannounced), [false, false, true, true]);
    assert_eq!(level(&stack, "unannounced"), "enabled");
    let mail = stack.mail(0);
    let asks = "EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event arrived for right, unannounced in eu-west-1";
    assert!(mail.contains(asks), "{mail}");
    assert!(!receipt(&sweep(&stack, 120).await).0, "it is notified once");
}

#[tokio::test(start_paused = true)]
async fn a_new_cluster_that_waits_stays_new_and_is_mailed_once() {
    let stack = stack(with(&[("old", "enabled")]));
    stack.put_config("limits: {max-changes: 1}");
    sweep(&stack, 0).await;
    for name in ["new-1", "new-2"] {
        stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new(name)));
    }
    assert_eq!(swept(&stack, 60).await["new-2"], json!({"waiting": "enabled"}));
    let line = sweep(&stack, 120).await;
    assert_eq!(result(&outcome(&stack, &line), "new-2"), json!({"set": "enabled"}));
    assert_eq!(receipt(&line).1, "ECS: 1 set");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_ecs_failed_to_make_keeps_no_other_waiting() {
    let mut home = with(&[("shop", "disabled")]);
    home.put_cluster(ClusterSpec::new("a-lab").status("FAILED"));
    let stack = stack(home);
    stack.put_config("limits: {max-changes: 1, existing: change}");
    assert_eq!(swept(&stack, 0).await["shop"], json!({"set": "enabled"}));
}

#[tokio::test(start_paused = true)]
async fn where_no_events_are_expected_their_absence_is_not_mailed() {
    let there = Estate::new(ACCOUNT, "us-east-1").cluster(ClusterSpec::new("old"));
    let stack = Stack::in_process(FakeAws::builder(estate()).estate(there));
    stack.put_config(&format!("targets: [{{account: \"{ACCOUNT}\", regions: [us-east-1]}}]"));
    sweep(&stack, 0).await;
    stack.aws.edit(|world| world.estate(ACCOUNT, "us-east-1").put_cluster(ClusterSpec::new("young")));
    let found = outcome(&stack, &sweep(&stack, 60).await);
    assert_eq!(result(&found, "young"), json!({"set": "enabled"}));
    assert_eq!(finding(&found, "young").get("unannounced"), None);
}

/// A cluster with tasks, but without metrics.
fn without_metrics(name: &str, level: &str) -> ClusterSpec {
    ClusterSpec::new(name).insights(level).service(ServiceSpec::new("web").desired(2).running(2))
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_on_and_has_no_metrics_an_hour_later_is_notified_as_silent_once() {
    let mut home = with(&[("idle", "enabled")]).cluster(without_metrics("shop", "disabled"));
    home.put_cluster(without_metrics("fine", "disabled"));
    put_minutes(&mut home, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "fine")], |_| 2.0);
    let stack = stack(home);
    stack.put_config(CHANGE);
    let mut receipts = Vec::new();
    for at in [0, 59, 60, 90] {
        let line = sweep(&stack, at).await;
        let found = outcome(&stack, &line);
        let silent = ["fine", "idle", "shop"].map(|name| finding(&found, name)["silent"] == true);
        assert_eq!(silent, [false, false, at >= 60], "minute {at}");
        receipts.push(receipt(&line));
    }
    assert_eq!(receipts[2], (true, "ECS: 1 on without metrics".to_owned()));
    assert_eq!((receipts[1].0, receipts[3].0), (false, false), "{receipts:?}");
    let mail = stack.mail(1);
    assert!(
        mail.contains("ON, BUT NO METRICS ARRIVE: shop in eu-west-1") && mail.contains("7 days"),
        "{mail}"
    );
    // The metrics arrive after all.
    stack.aws.edit(|world| {
        put_minutes(world.home(), "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "shop")], |_| 2.0);
    });
    let found = outcome(&stack, &sweep(&stack, 95).await);
    assert_eq!(finding(&found, "shop").get("silent"), None);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_created_with_it_has_an_hour_as_well() {
    let stack = stack(with(&[("old", "enabled")]));
    sweep(&stack, -60).await;
    stack.aws.edit(|world| world.home().put_cluster(without_metrics("young", "enabled")));
    receive_well(&stack, &[created("young", 0)]).await;
    for (at, silent) in [(30, false), (59, false), (60, true)] {
        let found = outcome(&stack, &sweep(&stack, at).await);
        assert_eq!(finding(&found, "young")["silent"] == true, silent, "minute {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_are_not_checked_where_there_can_be_none() {
    let home = with(&[("on", "enabled")]).cluster(without_metrics("off", "disabled"));
    let stack = stack(home);
    sweep(&stack, 0).await;
    assert_eq!(stack.aws.meter().count("cloudwatch:ListMetrics"), 0);
}

#[tokio::test(start_paused = true)]
async fn if_metrics_cannot_be_listed_no_cluster_is_called_silent_and_the_reason_is_reported() {
    let stack = stack(estate().cluster(without_metrics("shop", "enabled")).deny("cloudwatch:ListMetrics"));
    let found = outcome(&stack, &sweep(&stack, 0).await);
    assert_eq!((finding(&found, "shop").get("silent"), result(&found, "shop")), (None, json!("compliant")));
    assert!(
        stack.mail(0).contains("cloudwatch:ListMetrics of ECS/ContainerInsights TaskCount: AccessDenied")
    );
}

/// A cluster of each sort, with something to count.
fn busy() -> Estate {
    let mut home = mixed();
    let web = ServiceSpec::new("web").desired(2).running(2).containers(2);
    home.put_service("off", web);
    home.put_cluster(ClusterSpec::new("off-2").task(TaskSpec::new("migrate").running(3)));
    home.put_cluster(ClusterSpec::new("off-3"));
    home
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_reports_what_a_run_would_do_with_its_cost_and_changes_nothing() {
    let policies = "policies: [{account-default: at-least-enabled}]";
    let limits = "limits: {existing: change, max-changes: 2, max-percent: 100";
    let (dry, wet) = (stack(busy()), stack(busy()));
    dry.put_config(&format!("{policies}\n{limits}, dry-run: true}}"));
    wet.put_config(&format!("{policies}\n{limits}}}"));
    let before = levels(&dry);
    let line = sweep(&dry, 0).await;
    let found = outcome(&dry, &line);
    assert_eq!((levels(&dry), dry.remembered()), (before, vec![]));
    assert_eq!(dry.aws.edit(|world| world.home().account_insights().to_owned()), "disabled");
    let written: Vec<String> = dry
        .aws
        .meter()
        .calls
        .into_iter()
        .filter(|call| dry.writes().contains(&call.operation))
        .map(|call| format!("{} {}", call.operation, call.subject.split('/').nth(1).unwrap_or_default()))
        .collect();
    assert_eq!(
        written,
        // An outcome of ECS and one of EKS.
        [
            "s3:PutObject config",
            "s3:PutObject runs",
            "s3:PutObject outcomes",
            "s3:PutObject outcomes",
            "dynamodb:PutItem slot",
            "sns:Publish "
        ]
    );

    // The same as without the dry run, except for the wording.
    let real = outcome(&wet, &sweep(&wet, 0).await);
    let mut as_real: Value = serde_json::from_str(&found.to_string().replace("would-set", "set")).unwrap();
    assert_eq!(as_real["dry_run"].take(), true);
    as_real["dry_run"] = json!(false);
    assert_eq!(as_real, real);

    let (services, tasks) = (finding(&found, "off"), finding(&found, "off-2"));
    // 12 metrics per cluster, 15 per service and 10 per family of task definitions, at $0.30.
    assert_eq!(services["cost"]["metrics"]["metrics"], 12 + 15 + 10);
    assert_eq!(tasks["cost"]["metrics"]["metrics"], 12 + 10);
    let mail = dry.mail(0);
    assert!(
        mail.starts_with(
            "Dry run: would set account default, Container Insights of 2 clusters, about $17.70 a month, 1 waits"
        ),
        "{mail}"
    );
    for said in [
        "DRY RUN: nothing was changed",
        "WOULD SET Container Insights: disabled -> enabled, in eu-west-1 (123456789012): off: about 37 metrics, $11.10 a month off-2:",
        "WOULD WAIT FOR THE NEXT RUN: Container Insights: disabled -> enabled, in eu-west-1 (123456789012): off-3: about 12 metrics, $3.60 a month",
        "WOULD SET account default: disabled -> enabled",
        "Cost of the planned changes: about 59 custom metrics, $17.70 a month",
    ] {
        assert!(mail.contains(said), "{said}: {mail}");
    }
    // A dry run stores nothing: it is reported again, and a real run has the same findings.
    assert!(receipt(&sweep(&dry, 60).await).0);
    dry.put_config(&format!("{policies}\n{limits}}}"));
    assert_eq!(swept(&dry, 120).await, results(&real));
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_target_are_swept_as_one() {
    let names: Vec<String> = (0..9).map(|number| format!("c{number}")).collect();
    let clusters: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "disabled")).collect();
    let stack = stack(with(&clusters));
    stack.put_config(&format!(
        "{{limits: {{existing: change, max-changes: 4, max-percent: 100}}, targets: [{{account: \"{ACCOUNT}\", \
         regions: [{REGION}], parts: 3}}]}}"
    ));
    let found = swept(&stack, 0).await;
    assert_eq!(found.len(), 9);
    // The limit and ECS's bucket apply to the whole.
    assert_eq!(subjects(&stack, UPDATE), names[..4]);
    assert_eq!(stack.aws.meter().count("ecs:ListClusters"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_of_another_kind_of_run_is_refused_before_any_request() {
    let stack = stack(with(&[("off", "disabled")]));
    stack.put_config(CHANGE);
    for kind in ["alarms", "report"] {
        let item = stack.items(kind, minute(0)).await.remove(0);
        stack.aws.reset_meter();
        let failure = stack.invoke(Function::EnableInsights, item).await.unwrap_err();
        assert_eq!(failure.error_type(), "Invalid");
        assert!(failure.to_string().contains(kind), "{failure}");
        let calls = stack.aws.meter().calls_by_operation();
        assert_eq!(calls, [("s3:GetObject".to_owned(), 1)].into(), "of the plan");
    }
}
