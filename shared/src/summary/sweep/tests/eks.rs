//! What is told of EKS clusters, to the letter.

use super::*;
use crate::insights::eks::{CostNote, EksAspect, EksFinding, EksRemedy, EksResult};
use crate::operation::Operation;

pub(super) fn eks(cluster: &str, aspect: Option<EksAspect>, result: EksResult, reason: &str) -> EksFinding {
    EksFinding {
        cluster: cluster.parse().unwrap(),
        aspect,
        result,
        change: None,
        reason: reason.to_owned(),
        cost: None,
        remedy: None,
        unannounced: false,
        news: false,
    }
}

/// An add-on that is, would be or could be installed.
fn addon(cluster: &str, result: EksResult) -> EksFinding {
    EksFinding {
        change: Some("absent -> the add-on's default version".to_owned()),
        cost: Some(CostNote::FreeButPods),
        ..eks(
            cluster,
            Some(EksAspect::MetricsServer),
            result,
            "the cluster is new; its wish is install (built-in)",
        )
    }
}

fn logs(cluster: &str, result: EksResult) -> EksFinding {
    EksFinding {
        change: Some("no logs -> api, audit".to_owned()),
        cost: Some(CostNote::LogsWithAudit),
        ..eks(
            cluster,
            Some(EksAspect::ControlPlaneLogs),
            result,
            "the cluster is new; its wish is at least api, audit (fargaze.yaml:9)",
        )
    }
}

fn right_eks(cluster: &str) -> EksFinding {
    eks(
        cluster,
        Some(EksAspect::MetricsServer),
        EksResult::Right,
        "v0.8.0-eksbuild.1 is there; its wish is install",
    )
}

fn refused() -> Fault {
    Fault { operation: Operation::EksCreateAddon, subject: "billing".to_owned(), ..denied() }
}

/// The outcome of a target whose EKS clusters these are.
pub(super) fn of(eks: Vec<EksFinding>) -> [Outcome; 1] {
    let clusters =
        eks.iter().map(|finding| &finding.cluster).collect::<std::collections::BTreeSet<_>>().len();
    let mut outcome = outcome("eu-west-1", Vec::new());
    outcome.target.platform = crate::run::Platform::Eks;
    outcome.coverage = Coverage { clusters, clusters_seen: clusters, ..Coverage::default() };
    [but(outcome, |found| found.eks = eks)]
}

#[test]
fn a_sweep_that_set_up_clusters_with_a_late_one_a_fight_and_a_denial_reads_like_this() {
    let fight = EksFinding {
        news: true,
        ..eks(
            "orders",
            Some(EksAspect::ControlPlaneLogs),
            EksResult::Fight(vec![
                "arn:aws:sts::123456789012:assumed-role/ci/run (UpdateClusterConfig)".to_owned(),
            ]),
            "fargaze set it 2 times for the wish at least api, and each time it was undone; fargaze leaves it until \
             its wish is another",
        )
    };
    let late = EksFinding {
        news: true,
        ..eks("late", None, EksResult::Overdue, "it is still CREATING after an hour")
    };
    let found = vec![
        addon("payments", EksResult::Set),
        logs("payments", EksResult::Set),
        addon("shop", EksResult::Set),
        addon("till", EksResult::Set),
        addon("billing", EksResult::Failed(refused())),
        fight,
        late,
        right_eks("quiet"),
    ];
    let message = message(RunKind::Sweep, &results(of(found)));
    assert_eq!(message.subject, "FAILED to set up EKS: billing");
    assert_eq!(message.attributes["severity"].value(), "warning");
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let clusters = json["eks_clusters"].as_array().unwrap();
    assert_eq!((clusters.len(), &clusters[0]["aspect"]), (7, &"metrics-server".into()));
    assert_eq!(
        message.body,
        "\
EKS FAILED metrics-server in eu-west-1 (123456789012): billing.
  eks:CreateAddon: AccessDeniedException: User is not authorized to perform
  this action (deploy the stack again, which gives its role the action; in
  another account grant it to the target's role, see docs/permissions.md).

EKS FIGHT control-plane-logs in eu-west-1 (123456789012): orders.
  Why: fargaze set it 2 times for the wish at least api, and each time it was
  undone; fargaze leaves it until its wish is another.
  Undone by arn:aws:sts::123456789012:assumed-role/ci/run
  (UpdateClusterConfig).

EKS STILL AT WORK in eu-west-1 (123456789012): late.
  Why: it is still CREATING after an hour.

EKS SET UP metrics-server in eu-west-1 (123456789012): payments, shop, till.
  absent -> the add-on's default version.
  Why: the cluster is new; its wish is install (built-in).
  Cost: the add-on is free of charge; its pods on Fargate, usually two, are
  about $9 a month each (us-east-1).

EKS SET UP control-plane-logs in eu-west-1 (123456789012): payments.
  no logs -> api, audit.
  Why: the cluster is new; its wish is at least api, audit (fargaze.yaml:9).
  Cost: CloudWatch Logs ingestion by the GB, of which audit is the most.

EKS clusters: 1 of 7 as wished, 3 set up, 1 still CREATING after an hour, 1
fight, 1 denied.

Looked at 7 of 7 clusters of EKS.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}

#[test]
fn a_dry_run_with_its_cost_reads_like_this() {
    let selector = "the cluster is new; its wish is install (built-in); its pods would stay Pending; create another Fargate \
                    profile";
    let found = vec![
        addon("payments", EksResult::WouldSet),
        logs("payments", EksResult::WouldSet),
        addon("shop", EksResult::Waiting),
        EksFinding {
            cost: Some(CostNote::FreeButPods),
            remedy: Some(EksRemedy::FargateProfile { role: None }),
            ..eks("lab", Some(EksAspect::MetricsServer), EksResult::Blocked, selector)
        },
        eks("new", None, EksResult::NotYet, "it is still CREATING"),
        eks("locked", Some(EksAspect::AwsLogging), EksResult::Unknown(refused()), "it could not be asked"),
    ];
    let [dry] = of(found);
    let dry = but(dry, |found| found.dry_run = true);
    let message = message(RunKind::Sweep, &results([dry]));
    assert_eq!(message.subject, "Dry run: 2 EKS clusters would be set up");
    assert_eq!(message.attributes["severity"].value(), "info");
    assert_eq!(
        message.body,
        "\
DRY RUN: nothing was changed, because fargaze.yaml says dry-run.

EKS WAITS FOR THE NEXT RUN metrics-server in eu-west-1 (123456789012): shop.
  absent -> the add-on's default version.
  Why: the cluster is new; its wish is install (built-in).
  It waits because this run has changed as many clusters as max-changes and
  max-percent let it.
  Cost: the add-on is free of charge; its pods on Fargate, usually two, are
  about $9 a month each (us-east-1).

EKS WOULD SET UP metrics-server in eu-west-1 (123456789012): payments.
  absent -> the add-on's default version.
  Why: the cluster is new; its wish is install (built-in).
  Cost: the add-on is free of charge; its pods on Fargate, usually two, are
  about $9 a month each (us-east-1).

EKS WOULD SET UP control-plane-logs in eu-west-1 (123456789012): payments.
  no logs -> api, audit.
  Why: the cluster is new; its wish is at least api, audit (fargaze.yaml:9).
  Cost: CloudWatch Logs ingestion by the GB, of which audit is the most.

EKS NOT YET in eu-west-1 (123456789012): new.
  Why: it is still CREATING.

EKS LACKS WHAT IT NEEDS metrics-server in eu-west-1 (123456789012): lab.
  Why: the cluster is new; its wish is install (built-in); its pods would stay
  Pending; create another Fargate profile.
  Cost: the add-on is free of charge; its pods on Fargate, usually two, are
  about $9 a month each (us-east-1).
  To do:
    aws eks create-fargate-profile --region eu-west-1 --cluster-name lab --fargate-profile-name kube-system \
--pod-execution-role-arn ROLE --subnets SUBNET SUBNET --selectors namespace=kube-system
    aws eks wait fargate-profile-active --region eu-west-1 --cluster-name lab --fargate-profile-name kube-system

EKS NOT SEEN aws-logging in eu-west-1 (123456789012): locked.
  eks:CreateAddon: AccessDeniedException: User is not authorized to perform
  this action (deploy the stack again, which gives its role the action; in
  another account grant it to the target's role, see docs/permissions.md).

EKS clusters: 0 of 5 as wished, 1 would be set up, 1 waiting, 1 denied, 1
without what it needs.

Looked at 5 of 5 clusters of EKS.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}

#[test]
fn what_was_told_before_is_only_in_the_receipt() {
    let reported = eks("old", Some(EksAspect::AwsLogging), EksResult::Reported, "there is none");
    let quiet = results(of(vec![right_eks("payments"), right_eks("old"), reported]));
    assert_eq!(sweep(&run(RunKind::Sweep), &quiet, &[]), None);
    assert_eq!(
        nothing_to_do(&quiet),
        "nothing to do: 1 of 2 EKS clusters are as wished, told before: 1 only reported"
    );
}

#[test]
fn each_piece_of_news_alone_is_a_message_with_its_own_subject() {
    for (result, subject, severity) in [
        (EksResult::Set, "EKS: 1 set up", "info"),
        (EksResult::Reported, "EKS: 1 only reported", "info"),
        (EksResult::Blocked, "EKS: 1 without what it needs", "info"),
        (EksResult::Unknown(refused()), "EKS: 1 denied", "info"),
        (EksResult::Overdue, "EKS: 1 still updated after an hour", "warning"),
        (EksResult::Fight(vec!["alice (DeleteAddon)".to_owned()]), "FIGHT over EKS: payments", "warning"),
    ] {
        let mut finding = logs("payments", result);
        finding.mark_news(None);
        let first = message(RunKind::Sweep, &results(of(vec![finding.clone()])));
        assert_eq!(
            (first.subject.as_str(), first.attributes["severity"].value().as_str()),
            (subject, severity)
        );
        let last = finding.clone();
        finding.mark_news(Some(&last));
        let again = sweep(&run(RunKind::Sweep), &results(of(vec![finding.clone()])), &[]);
        assert_eq!(again.is_some(), finding.result == EksResult::Set, "{subject} is told once");
    }
}

#[test]
fn both_kinds_of_clusters_share_a_subject() {
    let [outcome] = of(vec![addon("payments", EksResult::Set)]);
    let insights = vec![off("shop", InsightsResult::Set(Enabled), NEW, 1)];
    let outcome = but(outcome, |found| found.insights = insights);
    let message = message(RunKind::Sweep, &results([outcome]));
    assert_eq!(message.subject, "Container Insights: 1 set; EKS: 1 set up");
}

#[test]
fn a_dry_run_of_one_kind_says_so() {
    let body = |dry_run, result| {
        let [outcome] = of(vec![addon("payments", result)]);
        message(RunKind::Sweep, &results([but(outcome, |found| found.dry_run = dry_run)])).body
    };
    assert!(body(true, EksResult::Set).starts_with("DRY RUN of ECS clusters: none was changed"));
    assert!(body(false, EksResult::WouldSet).starts_with("DRY RUN of EKS clusters: none was changed"));
    assert!(body(false, EksResult::Set).starts_with("EKS SET UP"));
}

#[test]
fn a_restore_tells_what_it_put_back_and_an_older_outcome_is_read() {
    let found = vec![
        EksFinding {
            change: Some("api, audit -> no logs".to_owned()),
            ..eks("payments", Some(EksAspect::ControlPlaneLogs), EksResult::Restored, "fargaze turned it on")
        },
        eks("shop", Some(EksAspect::MetricsServer), EksResult::Skipped, "somebody changed it since"),
    ];
    let [outcome] = of(found);
    let body = message(RunKind::Restore, &results([outcome.clone()])).body;
    assert!(
        body.starts_with("EKS PUT BACK control-plane-logs in eu-west-1 (123456789012): payments.\n"),
        "{body}"
    );
    let mut json = serde_json::json!(outcome);
    assert_eq!(serde_json::from_value::<Outcome>(json.clone()).unwrap(), outcome);
    json.as_object_mut().unwrap().remove("eks");
    assert!(serde_json::from_value::<Outcome>(json).unwrap().reconciled().unwrap().eks.is_empty());
}

/// Issue 13, point 26: a rollback of EKS alone, and a sweep of it, are not about Container Insights.
#[test]
fn a_run_about_eks_alone_has_a_subject_about_eks() {
    let fault = Fault { operation: Operation::EksDescribeCluster, ..denied() };
    let found = |result| vec![eks("payments", Some(EksAspect::AwsLogging), result, "x")];
    let message = |kind, dry_run, found: Vec<EksFinding>| {
        let [outcome] = of(found);
        let mut outcome = but(outcome, |found| found.dry_run = dry_run);
        outcome.target.platform = crate::run::Platform::Eks;
        message(kind, &results([outcome])).subject
    };
    for (kind, dry_run, found, subject) in [
        (RunKind::Restore, false, Vec::new(), "EKS: nothing to put back"),
        (RunKind::Restore, false, found(EksResult::Left), "EKS: nothing to put back"),
        (RunKind::Restore, false, found(EksResult::Restored), "EKS: 1 put back"),
        (RunKind::Restore, false, found(EksResult::Skipped), "EKS: 1 skipped"),
        (RunKind::Restore, false, found(EksResult::Unknown(fault.clone())), "EKS: 1 denied"),
        (RunKind::Restore, false, found(EksResult::Failed(fault)), "FAILED to put back EKS: payments"),
        (RunKind::Restore, true, Vec::new(), "Dry run: no EKS cluster would be put back"),
        (RunKind::Restore, true, found(EksResult::Skipped), "Dry run: EKS: 1 skipped"),
        (RunKind::Restore, true, found(EksResult::WouldSet), "Dry run: 1 EKS cluster would be put back"),
        (RunKind::Sweep, true, Vec::new(), "Dry run: no EKS cluster would be set up"),
    ] {
        let told = message(kind, dry_run, found.clone());
        assert!(told.ends_with(subject), "{kind:?} {found:?}: {told}");
        assert!(!told.contains("Container Insights"), "{told}");
    }
    let mut none = of(Vec::new())[0].clone();
    none.target.platform = crate::run::Platform::Eks;
    let receipt = nothing_to_do(&results([none.clone()]));
    assert_eq!(receipt, "nothing to do: 0 of 0 EKS clusters are as wished");
    // Targets of the other kind stand beside it, and have nothing to tell.
    let subject = |eks: Vec<EksFinding>, ecs: Vec<InsightsFinding>| {
        let [of_eks] = of(eks);
        let both = results([of_eks, outcome("eu-west-1", ecs), none.clone()]);
        sweep(&run(RunKind::Restore), &both, &[]).unwrap().subject
    };
    let left = || right(1).collect::<Vec<_>>();
    for (eks, ecs, told) in [
        (found(EksResult::Left), Vec::new(), "EKS: nothing to put back"),
        (Vec::new(), left(), "Container Insights: nothing to put back"),
        (found(EksResult::Left), left(), "Container Insights and EKS: nothing to put back"),
        (Vec::new(), Vec::new(), "Container Insights and EKS: nothing to put back"),
    ] {
        let subject = subject(eks, ecs);
        assert!(subject.ends_with(told), "{told}: {subject}");
    }
}
