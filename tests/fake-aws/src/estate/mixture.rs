//! The clusters of a mixed estate: names, levels, tags and states as in an established
//! organization.

use super::seeded::mix;
use super::{ClusterSpec, ServiceSpec, TaskSpec};

/// The `number`th cluster without its services; the same for the same seed.
pub(super) fn cluster(seed: u64, number: usize) -> ClusterSpec {
    let mut dice = Dice(mix(seed ^ mix(number as u64)));
    let stage = dice.pick(&[(40, "prod"), (25, "staging"), (30, "dev"), (5, "AWSBatch")]);
    let level = dice.pick(&[(50, "disabled"), (30, "enabled"), (20, "enhanced")]);
    let status = dice.pick(&[
        (94, "ACTIVE"),
        (2, "PROVISIONING"),
        (1, "DEPROVISIONING"),
        (1, "FAILED"),
        (2, "INACTIVE"),
    ]);
    let mut spec = ClusterSpec::new(&format!("{stage}-{number:04}")).insights(level).status(status);
    if dice.pick(&[(60, true), (40, false)]) {
        spec = spec.tag("team", dice.pick(&[(1, "web"), (1, "data"), (1, "platform")]));
    }
    if dice.pick(&[(3, true), (97, false)]) {
        spec = spec.tag("fargaze", "hands-off");
    }
    if dice.pick(&[(20, true), (80, false)]) {
        spec = spec.task(TaskSpec::new("migrate").running(dice.pick(&[(1, 1), (1, 3)])).containers(2));
    }
    spec
}

/// A service of a mixed estate: some have a sidecar container, some share a family, some run no
/// tasks.
pub(super) fn service(seed: u64, serial: u64, service: ServiceSpec) -> ServiceSpec {
    let mut dice = Dice(mix(seed ^ mix(!serial)));
    let service = service.containers(dice.pick(&[(70, 1), (30, 2)]));
    let service = if dice.pick(&[(20, true), (80, false)]) { service.family("shared") } else { service };
    if dice.pick(&[(10, true), (90, false)]) { service.desired(0).running(0) } else { service }
}

/// Random numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    /// One of the choices, each with its weight.
    fn pick<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        self.0 = mix(self.0);
        let sum: u64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.0 % sum;
        for (weight, choice) in choices {
            if rest < *weight {
                return *choice;
            }
            rest -= weight;
        }
        choices[0].1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_thousand_clusters_have_something_of_everything() {
        let clusters: Vec<ClusterSpec> = (0..1_000).map(|number| cluster(1, number)).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for cluster in &clusters {
            let stage = cluster.name.split('-').next().unwrap();
            let tags = cluster.tags.contains_key("fargaze").then_some("hands-off");
            let tasks = cluster.tasks.contains_key("migrate").then_some("migrate");
            for word in [Some(stage), Some(&cluster.insights), Some(&cluster.status), tags, tasks] {
                *counts.entry(word.unwrap_or("-")).or_default() += 1;
            }
        }
        for (word, least, most) in [
            ("prod", 350, 450),
            ("AWSBatch", 30, 70),
            ("disabled", 450, 550),
            ("enhanced", 150, 250),
            ("ACTIVE", 900, 980),
            ("INACTIVE", 5, 40),
            ("hands-off", 15, 50),
            ("migrate", 150, 250),
        ] {
            assert!((least..=most).contains(&counts[word]), "{word}: {}", counts[word]);
        }
        assert_eq!(clusters[7], cluster(1, 7));
        assert_ne!(clusters, (0..1_000).map(|number| cluster(2, number)).collect::<Vec<_>>());
    }
}
