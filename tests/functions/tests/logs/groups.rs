//! Log groups: retention, volume, silence.

use fake_aws::{EksClusterSpec, LogGroupSpec};
use fargaze::logs::{FindingKind, FindingPlace, LogsRead};
use function_tests::{Stack, minute};
use serde_json::json;

use super::{fixtures, read, receives, runs, shop};

/// Details of the findings of a kind, by log group.
fn of_groups(read: &LogsRead, kind: FindingKind) -> Vec<(String, String)> {
    let of_kind = read.findings.iter().filter(|finding| finding.kind == kind);
    let place = |finding: &fargaze::logs::LogFinding| match &finding.place {
        FindingPlace::Group(name) => (name.clone(), finding.detail.clone()),
        FindingPlace::Container { .. } | FindingPlace::Cluster(_) => {
            panic!("{finding:?} is not about a group")
        }
    };
    of_kind.map(place).collect()
}

/// A service `NAME` that logs to `/ecs/NAME`, deployed this many minutes before the start.
fn service(home: &mut fake_aws::Estate, name: &str, minutes: i64) {
    let mut definition = fixtures().into_iter().find(|fixture| fixture.name == "awslogs").unwrap().definition;
    definition["family"] = name.into();
    definition["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"] =
        format!("/ecs/{name}").into();
    runs(home, definition);
    #[expect(clippy::cast_precision_loss, reason = "epoch seconds")]
    let deployed = minute(-minutes).as_second() as f64;
    home.service_mut("shop", name).unwrap().deployed_at = Some(deployed);
}

#[tokio::test]
async fn s74_groups_have_retention_volume_and_cost() {
    let mut home = shop();
    for name in ["forever", "infrequent"] {
        service(&mut home, name, 10_000);
    }
    home.put_log_group(LogGroupSpec::new("/ecs/forever").stored(20 << 30));
    home.put_log_group(LogGroupSpec::new("/ecs/infrequent").class("INFREQUENT_ACCESS").retention(7));
    // Nobody of the estate writes to it.
    home.put_log_group(LogGroupSpec::new("/aws/lambda/other"));
    // A GB a day since two days, a tenth of it before.
    receives(&mut home, "/ecs/forever", |minute| if minute > -2 * 1440 { 1_048_576.0 } else { 104_857.6 });
    receives(&mut home, "/ecs/infrequent", |_| 1_048_576.0);
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&stack, "", 0);
    let names: Vec<&str> = read.groups.iter().map(|group| group.group.name.as_str()).collect();
    assert_eq!(names, ["/ecs/forever", "/ecs/infrequent"]);
    let [forever, infrequent] = &read.groups[..] else { panic!("{:?}", read.groups) };
    let volume = forever.volume.unwrap();
    assert_eq!((volume.bytes, volume.events), (1_440 << 20, 14_400));
    assert_eq!(volume.bytes_a_week_ago, 144 << 20);
    // 1.40625 GB a day for 30.4 days at $0.50, and 20 GB at $0.03.
    assert!((forever.dollars_received().unwrap() - 21.387).abs() < 0.001);
    assert!((infrequent.dollars_received().unwrap() - 10.693).abs() < 0.001);
    assert_eq!(forever.group.dollars_stored(), Some(0.6));
    let never = of_groups(&read, FindingKind::NeverExpires);
    let forever_detail = "20 GB stored, about $0.60 a month".to_owned();
    assert_eq!(never, [("/ecs/forever".to_owned(), forever_detail)]);
    let limited = of_groups(&read, FindingKind::LimitedClass);
    assert_eq!(limited, [("/ecs/infrequent".to_owned(), "INFREQUENT_ACCESS".to_owned())]);
    assert_eq!(read.metrics, 4);
    let mail = stack.mail(0);
    for said in [
        "LOGS Log group never expires: /ecs/forever (20 GB stored, about $0.60 a month)",
        "2 log groups received 2.8 GB in a day, about $32.08 a month, and store 20 GB, about $0.60 a month.",
        "Grown since last week: /ecs/forever from 144 MB to 1.4 GB a day.",
    ] {
        assert!(mail.contains(said), "{said} is not in {mail}");
    }
}

#[tokio::test]
async fn a_running_service_whose_group_is_silent_is_a_finding() {
    let mut home = shop();
    // Deployed long ago and silent for a day; deployed five hours ago and silent since the
    // tasks before have ended; deployed an hour ago, which is too early to say; quiet for an hour only;
    // scaled to 0.
    for (name, deployed, silent_from) in [
        ("old", 10_000, -1_600),
        ("new", 300, -290),
        ("young", 60, -200),
        ("pausing", 10_000, -60),
        ("stopped", 10_000, -3_000),
    ] {
        service(&mut home, name, deployed);
        home.put_log_group(LogGroupSpec::new(&format!("/ecs/{name}")).retention(30));
        receives(&mut home, &format!("/ecs/{name}"), |minute| if minute < silent_from { 5.0 } else { 0.0 });
    }
    let stopped = home.service_mut("shop", "stopped").unwrap();
    (stopped.desired, stopped.running) = (0, 0);
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let silent = of_groups(&read(&stack, "", 0), FindingKind::GroupSilent);
    let names: Vec<&str> = silent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["/ecs/new", "/ecs/old"]);
    assert!(silent[0].1.ends_with("written by shop/new"), "{}", silent[0].1);
    assert!(stack.mail(0).contains("Running, but no log lines: /ecs/new"), "{}", stack.mail(0));
    assert_eq!(stack.notifications()[0]["logs_lost"], json!([]), "silence is not proof of loss");
}

/// A log router says something when it starts, and then for days nothing.
#[tokio::test]
async fn a_silent_log_router_is_no_finding() {
    let mut home = shop();
    let mut definition =
        fixtures().into_iter().find(|fixture| fixture.name == "firelens-to-cloudwatch").unwrap().definition;
    let router = &mut definition["containerDefinitions"][0];
    assert_eq!(router["name"], "log_router");
    router["logConfiguration"]["options"]["awslogs-group"] = "/ecs/router".into();
    runs(&mut home, definition);
    home.put_log_group(LogGroupSpec::new("/ecs/router").retention(30));
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&stack, "", 0);
    assert!(read.groups.iter().any(|group| group.group.name == "/ecs/router"), "{:?}", read.groups);
    assert_eq!(of_groups(&read, FindingKind::GroupSilent), []);
}

#[tokio::test]
async fn s87_groups_of_the_control_plane_are_audited() {
    let mut home = shop();
    home.put_eks(EksClusterSpec::new("payments"));
    home.put_log_group(LogGroupSpec::new("/aws/eks/payments/cluster").stored(3 << 30));
    home.put_log_group(LogGroupSpec::new("/aws/eks/other/cluster"));
    receives(&mut home, "/aws/eks/payments/cluster", |_| 5.0);
    let stack = Stack::start(home).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let never = of_groups(&read(&stack, "eks-", 0), FindingKind::NeverExpires);
    let detail = "3.0 GB stored, about $0.09 a month".to_owned();
    assert_eq!(never, [("/aws/eks/payments/cluster".to_owned(), detail)]);
}
