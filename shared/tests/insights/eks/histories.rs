//! Random histories: no change is made twice without a reason, nothing is lowered, and all ends as wished or as a finding.

use std::collections::BTreeSet;

use fargaze::eks::{CLOUDWATCH_OBSERVABILITY, LogType, METRICS_SERVER};
use fargaze::insights::Acquaintance;
use fargaze::insights::eks::{AddonWish, AwsLoggingWish, EksAction, EksAspect, EksWishes, LogsWish};
use proptest::prelude::*;

use super::model::{Kill, World};
use super::table::{all, data};

/// What is wished, drawn by a number.
fn wishes(n: u32) -> EksWishes {
    let other = EksWishes {
        control_plane_logs: LogsWish::AtLeast(BTreeSet::from([LogType::Scheduler])),
        aws_logging: AwsLoggingWish::Write(data("[OUTPUT] other")),
        ..all()
    };
    let quiet = EksWishes {
        control_plane_logs: LogsWish::Leave,
        metrics_server: AddonWish::Report,
        ..EksWishes::default()
    };
    [all(), all(), other, quiet, EksWishes::default()][n as usize % 5].clone()
}

/// One step of a history, drawn by a number.
fn step(world: &mut World, n: u32) {
    let (what, which) = (n % 16, n / 16);
    let kills = [Kill::Never, Kill::Never, Kill::Never, Kill::BeforeCall, Kill::AfterCall, Kill::Overtaken];
    match what {
        0..=4 => {
            world.look(kills[which as usize % 6]);
        }
        5..=7 => world.pass(i64::from(which % 5)),
        8 => {
            let types = LogType::ALL.into_iter().filter(|log| which & (1 << *log as u32) != 0);
            let kept: BTreeSet<LogType> = types.collect();
            if !world.logs.is_subset(&kept) {
                world.reason(EksAspect::ControlPlaneLogs);
            }
            world.logs = &world.logs & &kept;
        }
        9 => {
            world.logs.insert(LogType::ALL[which as usize % 5]);
        }
        10 => {
            let addon = [METRICS_SERVER, CLOUDWATCH_OBSERVABILITY][which as usize % 2];
            if which % 8 < 6 { world.delete_addon(addon) } else { world.install_addon(addon) }
        }
        11 => {
            world.config_map = (which % 3 == 1).then(|| data("mine"));
            world.reason(EksAspect::AwsLogging);
        }
        12 => world.namespace = ["default", "kube-*", "*"][which as usize % 3],
        13 => world.has_nodes = which % 2 == 0,
        14 => world.is_broken = which % 3 == 0,
        _ if which % 4 == 0 => world.restore(kills[which as usize / 4 % 5]),
        _ => world.wish(wishes(which)),
    }
}

#[test]
fn who_undoes_it_each_time_is_told_as_a_fight_and_wins() {
    let mut world = World::new(all(), Acquaintance::New);
    (world.namespace, world.has_nodes) = ("*", true);
    for _ in 0..10 {
        world.pass(5);
        world.look(Kill::Never);
        world.pass(5);
        world.look(Kill::Never);
        world.logs.clear();
        world.config_map = None;
        world.delete_addon(METRICS_SERVER);
        world.delete_addon(CLOUDWATCH_OBSERVABILITY);
        world.reason(EksAspect::ControlPlaneLogs);
        world.reason(EksAspect::AwsLogging);
    }
    let steps = world.look(Kill::Never);
    assert!(steps.iter().all(|step| matches!(step.action, EksAction::Fight { .. })), "{steps:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000)))]

    #[test]
    fn whatever_happens_it_ends_as_wished_or_as_a_finding(
        first in any::<u32>(),
        is_new in any::<bool>(),
        steps in prop::collection::vec(any::<u32>(), 0..60),
    ) {
        let acquaintance = if is_new { Acquaintance::New } else { Acquaintance::Existing };
        let mut world = World::new(wishes(first), acquaintance);
        steps.into_iter().for_each(|n| step(&mut world, n));
        // Nobody touches it any more: it comes to rest, and stays there.
        for _ in 0..8 {
            world.pass(5);
            world.look(Kill::Never);
        }
        for step in world.look(Kill::Never) {
            match step.action {
                EksAction::Right => {
                    prop_assert!(step.aspect.is_some_and(|aspect| world.fulfils(aspect)), "{:?}", step);
                }
                EksAction::Report | EksAction::Blocked | EksAction::Fight { .. } | EksAction::Leave => {}
                other => prop_assert!(false, "{:?}: {:?}: {}", step.aspect, other, step.reason),
            }
        }
    }

    /// A new cluster that nobody works against gets all that is wished for.
    #[test]
    fn a_new_cluster_is_set_up_in_whole(
        kills in prop::collection::vec(prop::sample::select(vec![Kill::Never, Kill::BeforeCall, Kill::AfterCall]), 0..12),
    ) {
        let mut world = World::new(all(), Acquaintance::New);
        (world.namespace, world.has_nodes) = ("*", true);
        for kill in kills {
            world.look(kill);
            world.pass(1);
        }
        for _ in 0..4 {
            world.pass(5);
            world.look(Kill::Never);
        }
        for aspect in EksAspect::ALL {
            prop_assert!(world.fulfils(aspect), "{}", aspect);
        }
    }
}
