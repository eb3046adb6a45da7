//! The calls of `enable-insights` to set up EKS clusters: its role in the template allows no more.

use std::collections::BTreeSet;

use super::*;

#[tokio::test(start_paused = true)]
async fn it_makes_the_known_calls_of_eks_and_sqs_and_no_others() {
    let stack = stack([payments().since("ACTIVE", minute(-600)).node_group("workers")]);
    stack.put_config("limits: {existing: change}\npolicies: [{control-plane-logs: [api]}]");
    for (kind, at) in [("sweep", 0), ("sweep", 60), ("rollback", 120)] {
        ran(&stack, kind, at).await;
        finish(&stack, "payments");
    }
    let calls = stack.aws.meter().calls.into_iter();
    let calls = calls.filter(|call| call.app == "fargaze-enable-insights").map(|call| call.operation);
    let calls: BTreeSet<String> =
        calls.filter(|call| call.starts_with("eks:") || call.starts_with("sqs:")).collect();
    let known = [
        "eks:CreateAddon",
        "eks:DeleteAddon",
        "eks:DescribeAddon",
        "eks:DescribeCluster",
        "eks:DescribeFargateProfile",
        "eks:DescribeUpdate",
        "eks:ListClusters",
        "eks:ListFargateProfiles",
        "eks:ListNodegroups",
        "eks:UpdateClusterConfig",
        "sqs:SendMessage",
    ];
    assert_eq!(calls, known.map(str::to_owned).into());
}
