//! Rules on EKS: built-in ones, verbatim, and others.

use std::collections::BTreeSet;

use super::figures::{Measure, Statistic};
use crate::chance::Chance;
use crate::clock::Minute;
use crate::rule::{Rule, Treat, What};
use crate::verdict::Condition;

/// The built-in rules as shipped.
const DEFAULT: &str = include_str!("../../../../shared/domain/src/config/default.yaml");

/// Names of rules that are not built in.
const OWN: [&str; 3] = ["own-one", "own-two", "own-three"];

/// The rules of a world: some built-in ones with those that mute them, and some others. Rules on
/// cAdvisor's counters are only used where it is read.
pub(crate) fn rules(cadvisor: bool, chance: &mut Chance) -> Vec<Rule> {
    let shipped: Vec<Rule> = texts().filter_map(built_in).collect();
    let mut wanted: Vec<&'static str> = Vec::new();
    for rule in &shipped {
        if chance.percent(45) {
            wanted.push(rule.name);
        }
    }
    let mut known = 0;
    while known < wanted.len() {
        let others = shipped.iter().filter(|rule| wanted.contains(&rule.name)).flat_map(|rule| &rule.unless);
        let others: Vec<&str> = others.copied().collect();
        known = wanted.len();
        wanted.extend(others);
        wanted.sort_unstable();
        wanted.dedup();
    }
    let mut rules: Vec<Rule> = shipped.into_iter().filter(|rule| wanted.contains(&rule.name)).collect();
    for name in OWN.into_iter().take(chance.count(1, OWN.len())) {
        rules.push(own(name, cadvisor, chance));
    }
    rules
}

/// Names of all possible rules on EKS.
pub(crate) fn names() -> BTreeSet<&'static str> {
    texts().filter_map(built_in).map(|rule| rule.name).chain(OWN).collect()
}

fn own(name: &'static str, cadvisor: bool, chance: &mut Chance) -> Rule {
    let measures: Vec<Measure> =
        Measure::ALL.into_iter().filter(|measure| cadvisor || !measure.is_rated()).collect();
    let measure = chance.one_of(&measures);
    let statistic = chance.one_of(measure.statistics());
    let condition = Condition::any(chance);
    let condition = match measure {
        measure if measure.is_compared() => condition,
        Measure::Pending => Condition { threshold: 600.0, clear: None, over: true, ..condition },
        _ => {
            let threshold = chance.one_of(&[0.0, 0.0, 1.0]);
            Condition { threshold, clear: None, over: true, ..condition }
        }
    };
    Rule { period: 5, ..Rule::new(name, What::Sampled(measure, statistic), condition, chance) }
}

/// The text of each built-in rule.
fn texts() -> impl Iterator<Item = &'static str> {
    let start = "  - name: ";
    let begins = DEFAULT.match_indices(start).map(|(place, _)| place);
    begins.map(move |from| {
        let to = DEFAULT[from + 1..].find(start).map_or(DEFAULT.len(), |length| from + 1 + length);
        // The lines before the next rule belong to it.
        DEFAULT[from..to].split("\n\n").next().unwrap()
    })
}

/// A built-in rule; `None` for one on ECS.
fn built_in(text: &'static str) -> Option<Rule> {
    let value = |key: &str| {
        let mut lines = text.lines().map(|line| line.trim_start_matches(['-', ' ']));
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
    };
    let measure = Measure::ALL.into_iter().find(|measure| value("what") == Some(measure.names().0))?;
    let condition = Condition {
        n: value("evaluation-periods")?.parse().unwrap(),
        m: value("datapoints-to-alarm")?.parse().unwrap(),
        treat: match value("treat-missing-data")? {
            "notBreaching" => Treat::NotBreaching,
            other => panic!("a built-in rule treats missing data as {other}"),
        },
        over: value("comparison")? == "GreaterThanThreshold",
        threshold: number(value("threshold")?),
        clear: value("clear-threshold").map(number),
    };
    let unless = value("unless").unwrap_or_default().trim_matches(['[', ']']);
    Some(Rule {
        name: value("name")?,
        what: What::Sampled(measure, Statistic::Maximum),
        condition,
        period: 5,
        hold: value("minimum-hold").map_or(0, minutes),
        remind: Some(value("remind-every").map_or(24 * 60, minutes)),
        maintenance: None,
        quiet: false,
        unless: unless.split(", ").filter(|name| !name.is_empty()).collect(),
        text: Some(text),
    })
}

/// A threshold: percent, a count, or minutes, which are measured in seconds.
fn number(text: &str) -> f64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: f64 = number.parse().unwrap();
    match unit {
        "" | "%" => number,
        "min" => number * 60.0,
        other => panic!("a threshold in {other}"),
    }
}

/// A duration of minutes or days.
fn minutes(text: &str) -> Minute {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: Minute = number.parse().unwrap();
    match unit {
        "m" => number,
        "d" => number * 24 * 60,
        other => panic!("a duration in {other}"),
    }
}
