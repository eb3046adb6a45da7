//! A sweep or rollback of several passes: the same result as in one, and nothing is lost when one
//! of them fails.

use std::time::Duration;

use fake_aws::{ClusterSpec, Estate, FakeAws, Fault, ServiceSpec};
use function_tests::{ATTEMPTS, Function, Stack, minute};
use serde_json::{Value, json};

use super::{
    CHANGE, UPDATE, account_default, change_log, levels, outcome, receipt, result_of, results, stack,
    subjects, sweep, with,
};

/// So little time that each pass processes one cluster.
const ONE_EACH: Duration = Duration::from_secs(1);
/// Time for some clusters, where each call takes 200 ms.
const SOME_EACH: Duration = Duration::from_secs(28);
const SLOW: Duration = Duration::from_millis(200);

const LIMITED: &str = "limits: {existing: change, max-changes: 4, max-percent: 100}\npolicies: [{account-default: at-least-enabled}]";

/// Ten clusters: some compliant, some not, one refused, one left alone, one silent; metrics cannot
/// be listed.
fn estate() -> Estate {
    let mut home = with(&[("AWSBatch-x", "disabled"), ("on", "enabled"), ("more", "enhanced")]);
    for name in ["a", "b", "c", "d", "e", "f"] {
        home.put_cluster(ClusterSpec::new(name).service(ServiceSpec::new("web").running(2)));
    }
    home.put_cluster(
        ClusterSpec::new("quiet").insights("enabled").service(ServiceSpec::new("web").running(2)),
    );
    home.deny("cloudwatch:ListMetrics")
}

fn slow_stack(home: Estate) -> Stack {
    let stack = Stack::in_process(FakeAws::builder(home).latency(SLOW));
    stack.put_config(LIMITED);
    // The second change is refused, in whichever pass it is.
    stack.aws.add_fault(Fault::on(UPDATE).nth(2).error(400, "AccessDeniedException", "no permission"));
    stack
}

fn passes(stack: &Stack) -> usize {
    stack.aws.meter().count("ecs:ListClusters")
}

#[tokio::test(start_paused = true)]
async fn several_passes_of_a_sweep_have_the_outcome_of_one() {
    let whole = slow_stack(estate());
    let in_one = outcome(&whole, &sweep(&whole, 0).await);
    assert_eq!(passes(&whole), 1);
    assert_eq!(results(&in_one)["f"], json!({"waiting": "enabled"}), "the limit bites");
    for (timeout, several) in [(ONE_EACH, 10), (SOME_EACH, 4)] {
        let stack = slow_stack(estate());
        stack.set_timeout(timeout);
        let line = sweep(&stack, 0).await;
        assert_eq!(outcome(&stack, &line), in_one);
        assert_eq!(passes(&stack), several, "{timeout:?}");
        assert_eq!((levels(&stack), stack.mail(0)), (levels(&whole), whole.mail(0)));
        let entries = |stack: &Stack| {
            let entries = change_log(stack).into_iter();
            entries.map(|entry| (entry.subject, entry.state, entry.reason)).collect::<Vec<_>>()
        };
        assert_eq!(entries(&stack), entries(&whole));
        // The next sweep has the same findings, too.
        let next = outcome(&stack, &sweep(&stack, 60).await);
        assert_eq!(results(&next)["b"], json!({"set": "enabled"}), "{timeout:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_deleted_or_created_between_two_passes_is_no_error() {
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled"), ("d", "disabled")]));
    stack.put_config(CHANGE);
    stack.set_timeout(ONE_EACH);
    let mut item = stack.items("sweep", minute(0)).await.remove(0);
    let first = stack.invoke(Function::EnableInsights, item.clone()).await.unwrap();
    assert_eq!(first["cursor"]["after"]["cluster"], "a");
    stack.aws.edit(|world| {
        // The last processed one, one ahead of the cursor, one behind it, and one before it.
        world.home().remove_cluster("a");
        world.home().remove_cluster("c");
        world.home().put_cluster(ClusterSpec::new("bb"));
        world.home().put_cluster(ClusterSpec::new("Z"));
    });
    item["cursor"] = first["cursor"].clone();
    let done = stack.play_item(item).await;
    let found = stack.json(done["outcome"]["key"].as_str().unwrap());
    let set = |name: &str| (name.to_owned(), json!({"set": "enabled"}));
    assert_eq!(results(&found), ["a", "b", "bb", "d"].map(set).into());
    assert_eq!(subjects(&stack, UPDATE), ["a", "b", "bb", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_retried_pass_continues_from_the_same_place() {
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled")]));
    stack.put_config(CHANGE);
    stack.set_timeout(ONE_EACH);
    let mut item = stack.items("sweep", minute(0)).await.remove(0);
    for after in ["a", "b"] {
        let first = stack.invoke(Function::EnableInsights, item.clone()).await.unwrap();
        let again = stack.invoke(Function::EnableInsights, item.clone()).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(first["cursor"]["after"]["cluster"], after);
        item["cursor"] = first["cursor"].clone();
    }
    let done = stack.play_item(item).await;
    let found = stack.json(done["outcome"]["key"].as_str().unwrap());
    assert!(results(&found).values().all(|result| *result == json!({"set": "enabled"})), "{found}");
    assert_eq!(subjects(&stack, UPDATE), ["a", "b", "c"], "each once");
}

#[tokio::test(start_paused = true)]
async fn what_earlier_passes_did_is_reported_when_a_later_one_fails() {
    for fault in [
        Fault::on("ecs:ListClusters").nth(2).error(400, "AccessDeniedException", "no permission"),
        Fault::on("ecs:ListClusters").nth(2).times(ATTEMPTS).throttle(),
    ] {
        let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "disabled")]));
        stack.put_config(CHANGE);
        stack.set_timeout(ONE_EACH);
        stack.aws.add_fault(fault);
        let line = sweep(&stack, 0).await;
        assert_eq!(line.items[0]["cursor"]["after"]["cluster"], "a");
        let mail = stack.mail(0);
        assert!(
            mail.contains(
                "SET Container Insights: disabled -> enabled, in eu-west-1 (123456789012): a: about"
            ),
            "{mail}"
        );
        assert!(mail.contains("Could not query eu-west-1 (123456789012): "), "{mail}");
        assert!(mail.contains("ecs:ListClusters: "), "{mail}");
        // Also for a transient reason: the next sweep is a day away.
        assert!(mail.contains("CANNOT READ eu-west-1 (123456789012)"), "{mail}");
        // The next sweep does the rest, and knows what was notified.
        stack.set_timeout(Duration::from_secs(120));
        let line = sweep(&stack, 60).await;
        assert_eq!(receipt(&line).1, "ECS: 2 set");
        assert_eq!(results(&outcome(&stack, &line))["a"], "compliant");
    }
}

#[tokio::test(start_paused = true)]
async fn several_passes_of_a_rollback_have_the_outcome_of_one() {
    let mut ends = Vec::new();
    for (timeout, several) in [(Duration::from_secs(120), 1), (ONE_EACH, 5), (Duration::from_secs(26), 4)] {
        let stack = Stack::in_process(FakeAws::builder(estate()).latency(SLOW));
        stack.put_config(&LIMITED.replace("max-changes: 4, ", ""));
        sweep(&stack, 0).await;
        stack.aws.edit(|world| {
            let home = world.home();
            home.remove_cluster("a");
            home.cluster_mut("c").unwrap().insights = "enhanced".to_owned();
        });
        stack.aws.reset_meter();
        stack.set_timeout(timeout);
        let line = stack.run_line("rollback", minute(60)).await;
        let found = outcome(&stack, &line);
        let back = json!({"rolled-back": "disabled"});
        assert_eq!((&results(&found)["b"], &results(&found)["c"]), (&back, &json!("skipped")));
        assert_eq!(result_of(account_default(&found)), back);
        assert_eq!(
            (&found["coverage"]["clusters"], &found["coverage"]["clusters_seen"]),
            (&json!(5), &json!(5))
        );
        assert_eq!(stack.aws.meter().count("ecs:DescribeClusters"), several + 4, "{timeout:?}");
        assert_eq!(subjects(&stack, UPDATE), ["b", "d", "e", "f"]);
        assert_eq!(subjects(&stack, "ecs:PutAccountSettingDefault").len(), 1);
        ends.push((found, levels(&stack)));
    }
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_whose_findings_are_missing_fails_by_their_key() {
    let stack = stack(with(&[("a", "disabled"), ("b", "disabled")]));
    stack.put_config(CHANGE);
    let mut item: Value = stack.items("sweep", minute(0)).await.remove(0);
    item["cursor"] = json!({"after": {"cluster": "a"}, "findings": {"key": "outcomes/elsewhere.json"}});
    let failure = stack.invoke(Function::EnableInsights, item).await.unwrap_err();
    assert_eq!(failure.error_type(), "NotFound");
    assert!(failure.to_string().contains("outcomes/elsewhere.json"), "{failure}");
    assert_eq!(subjects(&stack, UPDATE), [""; 0]);
}
