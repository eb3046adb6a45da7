//! Subjects created or deleted between two listings of the inventory: found within ten minutes, and
//! no alarm about deleted ones.

use fake_aws::{ClusterSpec, Fault, ServiceSpec};
use function_tests::{ATTEMPTS, minute, running, shop};

use super::{notified, quiet, run, says, stack};

/// A service created at this minute that never starts.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn stuck(name: &str, created: i64) -> ServiceSpec {
    ServiceSpec::new(name).desired(1).running(0).created_at(minute(created).as_second() as f64)
}

/// Issue 12, point 6: on any schedule, and also in a new cluster.
#[tokio::test(start_paused = true)]
async fn a_service_created_right_after_the_listing_that_never_starts_is_notified_within_15_minutes() {
    for every in [1_usize, 5, 15] {
        for cluster in ["shop", "new"] {
            let stack = stack(shop(|_| 50.0));
            quiet(&stack, [0]).await;
            stack.aws.edit(|world| {
                if cluster == "new" {
                    world.home().put_cluster(ClusterSpec::new(cluster));
                }
                world.home().put_service(cluster, stuck("late", 1));
            });
            let mut first = None;
            for at in (0..=16).step_by(every).skip(1) {
                if let (None, Some(mail)) = (&first, run(&stack, at).await) {
                    first = Some(mail);
                }
            }
            let first = first.unwrap_or_else(|| panic!("no notification with a run every {every} minutes"));
            assert!(first.starts_with(&format!("ALARM {cluster}/late: 1 task missing")), "{first}");
        }
    }
}

/// Issue 12, point 6: the number of services stays the same.
#[tokio::test(start_paused = true)]
async fn a_service_that_takes_the_place_of_another_is_found_too() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("old").desired(0).running(0));
    let stack = stack(estate);
    quiet(&stack, [0]).await;
    stack.aws.edit(|world| {
        world.home().cluster_mut("shop").unwrap().services.remove("old");
        world.home().put_service("shop", stuck("late", 1));
    });
    quiet(&stack, [5, 10]).await;
    assert!(notified(&stack, 15).await.starts_with("ALARM shop/late: 1 task missing"));
}

/// Issue 12, point 5: the alarm of its service ends in the same run, and other clusters are
/// evaluated.
#[tokio::test(start_paused = true)]
async fn a_cluster_deleted_since_the_listing_is_missing_and_causes_no_blindness() {
    let mut estate = shop(|at| if at >= -2 { 93.1 } else { 50.0 });
    for service in ["quiet", "down"] {
        running(&mut estate, "lab", service, |_| f64::NAN);
        function_tests::aws_ecs(&mut estate, "lab", service, "CPUUtilization", |_| f64::NAN);
    }
    estate.put_service("lab", ServiceSpec::new("quiet").desired(0).running(0));
    estate.put_service("lab", ServiceSpec::new("down").desired(1).running(0));
    let stack = stack(estate);
    assert!(notified(&stack, 0).await.starts_with("ALARM lab/down: 1 task missing"));
    stack.aws.edit(|world| world.home().remove_cluster("lab"));
    let mail = notified(&stack, 5).await;
    says(
        &mail,
        &["ALARM shop/web: memory 93.1 %", "lab/down is no longer evaluated", "Checked 1 of 1 cluster"],
    );
    assert!(!mail.contains("CANNOT") && !mail.contains("COULD NOT"), "{mail}");
    quiet(&stack, (10..=60).step_by(5)).await;
}

/// Issue 12, point 5: deleted, while its cluster still exists.
#[tokio::test(start_paused = true)]
async fn a_service_deleted_since_the_listing_ends_its_alarm_in_the_same_run() {
    for status in [None, Some("INACTIVE")] {
        let mut estate = shop(|_| 50.0);
        estate.put_service("shop", ServiceSpec::new("down").desired(1).running(0));
        let stack = stack(estate);
        notified(&stack, 0).await;
        stack.aws.edit(|world| match status {
            None => _ = world.home().cluster_mut("shop").unwrap().services.remove("down"),
            Some(status) => status.clone_into(&mut world.home().service_mut("shop", "down").unwrap().status),
        });
        let mail = notified(&stack, 5).await;
        says(
            &mail,
            &["NO LONGER EVALUATED shop/down: nothing-running |", "shop/down is no longer evaluated"],
        );
        assert!(!mail.contains("CANNOT"), "{mail}");
        quiet(&stack, (10..=60).step_by(5)).await;
    }
}

/// Issue 12, point 5: a failed call is no answer, and its subject is not deleted.
#[tokio::test(start_paused = true)]
async fn a_denied_or_throttled_call_does_not_mean_deleted() {
    for (operation, code) in [
        ("ecs:DescribeServices", "AccessDeniedException"),
        ("ecs:DescribeServices", "ThrottlingException"),
        ("ecs:DescribeClusters", "AccessDeniedException"),
        ("ecs:ListClusters", "ThrottlingException"),
        ("ecs:ListServices", "AccessDeniedException"),
    ] {
        let mut estate = shop(|_| 50.0);
        estate.put_service("shop", ServiceSpec::new("down").desired(1).running(0));
        let stack = stack(estate);
        notified(&stack, 0).await;
        // At minute 10 the listing is checked; a new service causes a listing of the services, too.
        stack.aws.edit(|world| world.home().put_service("shop", ServiceSpec::new("new")));
        stack.aws.add_fault(Fault::on(operation).times(ATTEMPTS).error(400, code, "no"));
        let mail = run(&stack, 10).await.unwrap_or_default();
        assert!(
            !mail.contains("no longer evaluated") && !mail.contains("ENDED"),
            "{operation} {code}: {mail}"
        );
        let seen = run(&stack, 15).await.unwrap_or_default();
        assert!(!seen.contains("ENDED") && !seen.contains("ALARM"), "{operation} {code}: {seen}");
    }
}
