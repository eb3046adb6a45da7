//! Rules that hide other rules: they must exist, be able to hide, and not hide each other in a circle.

use std::collections::BTreeMap;

use super::super::nearest::hint;
use super::super::read::{At, Either, OneOf, Problems};
use super::raw::RawRule;
use crate::rule::Scope;

/// The names in `unless`, each with its line.
pub(super) fn names(unless: Option<&Either<String, Vec<At<String>>>>) -> Vec<(u64, &str)> {
    match unless.map(|either| (either.line, either.value.as_ref())) {
        Some((line, Some(OneOf::Plain(name)))) => vec![(line, name)],
        Some((_, Some(OneOf::Compound(names)))) => {
            names.iter().filter_map(|at| at.value.as_deref().map(|name| (at.line, name))).collect()
        }
        _ => Vec::new(),
    }
}

/// What is wrong with the rules' `unless`.
pub(super) fn check(rules: &[(u64, RawRule)], problems: &Problems) {
    let named =
        rules.iter().filter_map(|(_, raw)| raw.name.as_ref()?.value.as_deref().map(|name| (name, raw)));
    let by_name: BTreeMap<&str, &RawRule> = named.collect();
    let known: Vec<&str> = by_name.keys().copied().collect();
    let mut in_circles: Vec<&str> = Vec::new();
    for (name, raw) in &by_name {
        let label = format!("rule `{name}`: unless");
        for (line, other) in names(raw.unless.as_ref()) {
            match by_name.get(other) {
                Some(_) if other == *name => problems.tell(line, &label, "a rule cannot hide itself"),
                None => {
                    problems.tell(
                        line,
                        &label,
                        format_args!("there is no rule `{other}`: {}", hint(other, &known)),
                    );
                }
                Some(hiding) if !can_hide(scope(hiding), scope(raw)) => {
                    let (of_other, of_this) = (scope(hiding).as_str(), scope(raw).as_str());
                    let why = format!(
                        "`{other}` has scope {of_other} and this rule {of_this}: it can hide its own scope, or be of scope \
                         cluster and hide all"
                    );
                    problems.tell(line, &label, why);
                }
                Some(_) => {
                    if let Some(circle) = circle(name, other, &by_name).filter(|_| !in_circles.contains(name))
                    {
                        let around =
                            circle.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                        problems.tell(line, &label, format_args!("{around} hide each other in a circle"));
                        in_circles.extend(circle);
                    }
                }
            }
        }
    }
}

fn scope(rule: &RawRule) -> Scope {
    rule.scope.as_ref().and_then(|scope| scope.value).unwrap_or_default()
}

fn can_hide(hiding: Scope, hidden: Scope) -> bool {
    hiding == hidden || hiding == Scope::Cluster
}

/// The way from `other` back to `name`, if there is one.
fn circle<'a>(name: &'a str, other: &'a str, rules: &BTreeMap<&'a str, &'a RawRule>) -> Option<Vec<&'a str>> {
    let mut seen = vec![other];
    let mut ways = vec![vec![name, other]];
    while let Some(way) = ways.pop() {
        let last = *way.last()?;
        if last == name {
            return Some(way[..way.len() - 1].to_vec());
        }
        let Some(rule) = rules.get(last) else { continue };
        for (_, next) in names(rule.unless.as_ref()) {
            if next == name || !seen.contains(&next) {
                seen.push(next);
                ways.push([&way[..], &[next]].concat());
            }
        }
    }
    None
}
