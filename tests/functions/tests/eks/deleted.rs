//! EKS clusters created and deleted between two listings.

use fake_aws::{EksClusterSpec, Fault};
use function_tests::ATTEMPTS;

use super::{CLUSTER, Watched, ago, healthy, watch};

/// A cluster with an alarm that was notified at minute 0, unreadable from then on.
async fn in_alarm() -> Watched {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit_web("a", |pod| pod.oom_killed(1, ago(0, 2)));
    assert_eq!(watched.alarms(0).await.len(), 1);
    watched.edit(|estate| estate.identities.clear());
    watched
}

/// Issue 12, point 5: deleted within the hour of the cached listing.
#[tokio::test]
async fn a_cluster_deleted_since_the_listing_ends_its_alarms_and_causes_no_blindness() {
    for deleting in [false, true] {
        let watched = in_alarm().await;
        watched.stack.aws.edit(|world| {
            if deleting {
                "DELETING".clone_into(&mut world.home().eks_cluster(CLUSTER).unwrap().status);
            } else {
                world.home().remove_eks(CLUSTER);
            }
        });
        let mails = watched.alarms(5).await;
        assert_eq!(mails.len(), 1);
        assert!(mails[0].contains("is no longer evaluated"), "{mails:?}");
        assert!(!mails[0].contains("CANNOT") && !mails[0].contains("COULD NOT"), "{mails:?}");
        for at in [10, 15, 20, 70] {
            assert_eq!(watched.alarms(at).await, [""; 0], "at {at}, deleting: {deleting}");
        }
    }
}

/// Issue 12, point 5: its deletion could not be checked.
#[tokio::test]
async fn a_cluster_that_eks_could_not_describe_is_not_deleted() {
    for code in ["AccessDeniedException", "ThrottlingException"] {
        let watched = in_alarm().await;
        watched.stack.aws.edit(|world| world.home().remove_eks(CLUSTER));
        let refused = Fault::on("eks:DescribeCluster").times(ATTEMPTS).error(400, code, "no");
        watched.stack.aws.add_fault(refused);
        // Nine minutes after the names were listed.
        let notified = watched.alarms(4).await.concat();
        assert!(!notified.contains("no longer evaluated") && !notified.contains("OK "), "{code}: {notified}");
    }
}

/// Issue 12, point 6: found with one call every ten minutes.
#[tokio::test]
async fn a_cluster_created_after_the_listing_is_found_within_ten_minutes() {
    let orders = healthy().with(|estate| "orders".clone_into(&mut estate.cluster));
    let (watched, other) = (watch(healthy()).await, watch(orders).await);
    watched.alarms(0).await;
    let spec = EksClusterSpec::new("orders").at(&other.kubernetes.endpoint(), other.kubernetes.ca_base64());
    watched.stack.aws.edit(|world| world.home().put_eks(spec));
    for (at, clusters, listed, described) in [(5, 1, 0, 0), (10, 2, 1, 1), (15, 2, 0, 0), (20, 2, 1, 0)] {
        watched.stack.aws.reset_meter();
        watched.alarms(at).await;
        assert_eq!(watched.snapshot("alarms", at).coverage.clusters, clusters, "at {at}");
        let calls = |operation: &str| watched.stack.aws.meter().count(operation);
        assert_eq!((calls("eks:ListClusters"), calls("eks:DescribeCluster")), (listed, described), "at {at}");
    }
}
