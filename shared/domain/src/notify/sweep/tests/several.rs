//! Messages about both platforms, and about targets that cannot be read.

use super::*;

#[test]
fn both_platforms_share_a_subject_and_a_dry_run_is_about_both() {
    let both = |result: FindingResult| {
        [of_eks(vec![addon("payments", result.clone())]), ecs(vec![off("shop", Enabled, result, NEW, 1)])]
    };
    assert_eq!(message(RunKind::Sweep, both(FindingResult::Set)).subject, "ECS: 1 set; EKS: 1 set");
    let dry = message(RunKind::Sweep, both(FindingResult::WouldSet).map(dry));
    let subject = "Dry run: would set Container Insights, metrics-server of 2 clusters, about $11.10 a month";
    assert_eq!(dry.subject, subject);
    assert!(dry.body.starts_with("DRY RUN: nothing was changed"), "{}", dry.body);
}

#[test]
fn unreadable_and_readable_targets_have_their_own_message() {
    let broken = BrokenTarget {
        name: "eu-west-1 (123456789012)".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        notified: true,
    };
    let quiet = results([ecs(compliant(1).collect())]);
    for (change, subject, severity) in [
        (
            CoverageChange::Lost(broken.clone(), denied()),
            "CANNOT READ eu-west-1 (123456789012): AccessDeniedException",
            "warning",
        ),
        (CoverageChange::Back(broken), "CAN READ eu-west-1 (123456789012) again", "info"),
    ] {
        let message = sweep(&run(RunKind::Sweep), &quiet, &[change]).unwrap();
        assert_eq!(
            (message.subject.as_str(), message.attributes["severity"].value().as_str()),
            (subject, severity)
        );
    }
}
