//! Whole messages, to the letter.

use super::*;

#[test]
fn a_sweep_with_changes_exclusions_a_fight_and_a_denial_reads_like_this() {
    let by = vec!["arn:aws:sts::123456789012:assumed-role/terraform/ci".to_owned()];
    let reason = "fargaze set it 2 times for the wish at-least-enabled, and each time it was put back; fargaze leaves it \
                  until its wish is another";
    let set = || InsightsResult::Set(Enabled);
    let before = "it was set";
    let found = [
        off("cart", set(), NEW, 1),
        off("shop", set(), NEW, 12),
        off(
            "search",
            InsightsResult::Set(Enhanced),
            "it is new; its wish is at-least-enhanced (fargaze.yaml:4)",
            2,
        ),
        finding("AWSBatch-nightly", Disabled, InsightsResult::Left, BATCH),
        finding("lab", Disabled, InsightsResult::Left, TAG),
        InsightsFinding { news: true, ..finding("orders", Disabled, InsightsResult::Fight(by), reason) },
        off("payments", InsightsResult::Failed(denied()), before, 3),
    ];
    let reason = "fargaze leaves it (account-default: leave)";
    let default = account_default(Some(Disabled), InsightsResult::Left, reason);
    let outcome = outcome("eu-west-1", right(34).chain(found).collect());
    let outcome = but(outcome, |found| found.account_default = Some(default));
    let message = message(RunKind::Sweep, &results([outcome]));
    assert_eq!(message.subject, "FAILED to set Container Insights of payments");
    assert_eq!(message.attributes["severity"].value(), "warning");
    assert_eq!(message.attributes["cluster"].value(), r#"["cart","orders","payments","search","shop"]"#);
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let clusters = json["clusters"].as_array().unwrap();
    let of = |member: &str| clusters.iter().map(|cluster| cluster[member].to_string()).collect::<Vec<_>>();
    assert_eq!(of("cluster"), [r#""cart""#, r#""shop""#, r#""search""#, r#""orders""#, r#""payments""#]);
    assert!(of("region").iter().all(|region| region == r#""eu-west-1""#));
    assert_eq!((&json["kind"], &json["coverage"]["clusters"]), (&"sweep".into(), &41.into()));
    assert_eq!(
        message.body,
        "\
FAILED in eu-west-1 (123456789012): payments.
  ecs:UpdateClusterSettings: AccessDeniedException: User is not authorized to
  perform this action (deploy the stack again, which gives its role the
  action; in another account grant it to the target's role, see
  docs/permissions.md).

FIGHT over orders (disabled) in eu-west-1 (123456789012).
  Why: fargaze set it 2 times for the wish at-least-enabled, and each time it
  was put back; fargaze leaves it until its wish is another.
  Put back by arn:aws:sts::123456789012:assumed-role/terraform/ci.

SET disabled -> enabled in eu-west-1 (123456789012):
  shop: about 312 metrics, $93.60 a month
  cart: about 37 metrics, $11.10 a month
  Why: it is new; its wish is at-least-enabled (built-in).

SET disabled -> enhanced in eu-west-1 (123456789012):
  search: about 311 metrics, $21.77 a month
  Why: it is new; its wish is at-least-enhanced (fargaze.yaml:4).

The account default is disabled in eu-west-1 (123456789012): fargaze leaves
  it (account-default: leave).

As wished: 34 of 41 clusters.
Left alone: 2 clusters.
  1: its wish is hands-off (built-in).
  1: its tag fargaze = hands-off says so.

What was set: about 660 custom metrics, $126 a month.
At the tariff of November 2026 (us-east-1: $0.30 a metric and month, $0.07
where it is enhanced).

Looked at 41 of 41 clusters.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}

#[test]
fn a_dry_run_with_its_cost_reads_like_this() {
    let would = || InsightsResult::WouldSet(Enabled);
    let found = [
        off("cart", would(), NEW, 1),
        off("shop", would(), NEW, 40),
        off("till", InsightsResult::Waiting(Enabled), NEW, 2),
        off("old", InsightsResult::Reported, BEFORE, 4),
    ];
    let default =
        account_default(Some(Disabled), InsightsResult::WouldSet(Enabled), "account-default is enabled");
    let outcome = but(outcome("eu-west-1", right(3).chain(found).collect()), |found| {
        (found.dry_run, found.account_default) = (true, Some(default));
    });
    let message = message(RunKind::Sweep, &results([outcome]));
    assert_eq!(message.subject, "Dry run: Container Insights of 3 clusters would be set, about $333 a month");
    assert_eq!(message.attributes["severity"].value(), "info");
    assert_eq!(
        message.body,
        "\
DRY RUN: nothing was changed, because fargaze.yaml says dry-run.

WAITS FOR THE NEXT RUN disabled -> enabled in eu-west-1 (123456789012):
  till: about 62 metrics, $18.60 a month
  Why: it is new; its wish is at-least-enabled (built-in).
  It waits because this run has changed as many clusters as max-changes and
  max-percent let it.

WOULD SET disabled -> enabled in eu-west-1 (123456789012):
  shop: about 1,012 metrics, $304 a month
  cart: about 37 metrics, $11.10 a month
  Why: it is new; its wish is at-least-enabled (built-in).

NOT AS WISHED, AND LEFT SO (disabled) in eu-west-1 (123456789012): old.
  Why: it was there before fargaze, and such clusters are only reported
  (existing: report); its wish is at-least-enabled (built-in).

WOULD SET the account default disabled -> enabled in eu-west-1 (123456789012).
  Why: account-default is enabled.

As wished: 3 of 7 clusters.

What would be set: about 1,049 custom metrics, $315 a month.
What waits, once it is set: about 62 custom metrics, $18.60 a month.
What is left so, if it were set: about 112 custom metrics, $33.60 a month.
At the tariff of November 2026 (us-east-1: $0.30 a metric and month, $0.07
where it is enhanced).

Looked at 7 of 7 clusters.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}

#[test]
fn a_restore_with_one_skipped_reads_like_this() {
    let back = InsightsResult::Restored(Disabled);
    let reason = "fargaze set it to enabled, and somebody set it to enhanced since";
    let found = [
        finding("shop", Enabled, back.clone(), "fargaze set it from disabled to enabled"),
        finding("cart", Enabled, back, "fargaze set it from disabled to enabled"),
        finding("search", Enhanced, InsightsResult::Skipped, reason),
        finding("lab", Enabled, InsightsResult::Left, "fargaze changed nothing"),
    ];
    let message = message(RunKind::Restore, &results([outcome("eu-west-1", found.to_vec())]));
    assert_eq!(message.subject, "Container Insights: 2 put back, 1 skipped");
    assert_eq!(
        message.body,
        "\
PUT BACK enabled -> disabled in eu-west-1 (123456789012):
  cart
  shop
  Why: fargaze set it from disabled to enabled.

SKIPPED (enhanced) in eu-west-1 (123456789012): search.
  Why: fargaze set it to enabled, and somebody set it to enhanced since.

Nothing to put back: 1 cluster.

Looked at 4 of 4 clusters.
Run restore-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}

#[test]
fn silence_and_missing_events_are_told_once_for_all() {
    let mut one = off("one", InsightsResult::Set(Enabled), NEW, 1);
    let mut two = off("two", InsightsResult::Set(Enabled), NEW, 1);
    (one.unannounced, two.unannounced) = (true, true);
    let mut silent: Vec<InsightsFinding> = right(2).collect();
    silent.iter_mut().for_each(|finding| finding.silent = true);
    let outcomes = [outcome("eu-west-1", vec![one]), outcome("us-east-1", [vec![two], silent].concat())];
    let text = message(RunKind::Sweep, &results(outcomes)).body;
    assert_eq!(
        text,
        "\
SET disabled -> enabled in eu-west-1 (123456789012):
  one: about 37 metrics, $11.10 a month
  Why: it is new; its wish is at-least-enabled (built-in).

SET disabled -> enabled in us-east-1 (123456789012):
  two: about 37 metrics, $11.10 a month
  Why: it is new; its wish is at-least-enabled (built-in).

ON, BUT SILENT: right-1, right-2 in us-east-1 (123456789012).
  Tasks run there, and no metrics come. A likely cause: a cluster of that name
  without Container Insights was deleted, and this one was created within 7
  days; then ECS does not really turn it on (ECS API, UpdateClusterSettings).
  Use another name, or create it anew after 7 days.

EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event came of one in
eu-west-1 (123456789012); two in us-east-1 (123456789012).
  The sweep found them as new ones. EventBridge gets calls to ECS and EKS only
  through a trail that logs management events; without it, new clusters wait
  for the next sweep.

As wished: 2 of 4 clusters.

What was set: about 74 custom metrics, $22.20 a month.
At the tariff of November 2026 (us-east-1: $0.30 a metric and month, $0.07
where it is enhanced).

Looked at 4 of 4 clusters in 2 of 2 targets.
Run sweep-20261122T063000Z, at 2026-11-22 06:30 UTC.
"
    );
}
