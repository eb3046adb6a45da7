//! Rules that silence other rules: they must exist, have a suitable scope, and not silence each other
//! in a cycle.

use std::collections::BTreeMap;

use super::super::read::{At, Either, OneOf, Problems};
use super::raw::RawRule;
use crate::rules::Scope;
use crate::text::nearest::hint;

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

/// Rules by their names.
fn by_name(rules: &[(u64, RawRule)]) -> impl Iterator<Item = (&str, &RawRule)> {
    rules.iter().filter_map(|(_, raw)| raw.name().map(|name| (name, raw)))
}

/// Removes from the `unless` of built-in rules those that the file turned off, or replaced by a
/// rule that cannot silence them.
pub(super) fn drop_unknown(built_in: &mut [(u64, RawRule)], own: &[(u64, RawRule)]) {
    let all = by_name(built_in).chain(by_name(own));
    let scopes: BTreeMap<String, Scope> = all.map(|(name, raw)| (name.to_owned(), scope(raw))).collect();
    for (_, raw) in built_in {
        let Some(line) = raw.unless.as_ref().map(|unless| unless.line) else { continue };
        let silences = |(_, name): &(u64, &str)| {
            scopes.get(*name).is_some_and(|silencing| can_silence(*silencing, scope(raw)))
        };
        let names = names(raw.unless.as_ref()).into_iter().filter(silences);
        let names = names.map(|(line, name)| At { line, value: Some(name.to_owned()) }).collect();
        raw.unless = Some(Either { line, value: Some(OneOf::Compound(names)) });
    }
}

/// Reports problems with the `unless` of the user's rules. They may name built-in rules, but not
/// ones that are turned off.
pub(super) fn check(
    own: &[(u64, RawRule)],
    built_in: &[(u64, RawRule)],
    off: &[(u64, RawRule)],
    problems: &Problems,
) {
    let own: BTreeMap<&str, &RawRule> = by_name(own).collect();
    let by_name: BTreeMap<&str, &RawRule> =
        by_name(built_in).chain(own.iter().map(|(name, raw)| (*name, *raw))).collect();
    let mut in_cycles: Vec<&str> = Vec::new();
    for (name, raw) in &own {
        let label = format!("rule `{name}`: unless");
        for (line, other) in names(raw.unless.as_ref()) {
            match by_name.get(other) {
                Some(_) if other == *name => problems.add(line, &label, "a rule cannot silence itself"),
                None if off.iter().any(|(_, raw)| raw.name() == Some(other)) => {
                    problems.add(line, &label, format_args!("the rule `{other}` is turned off"));
                }
                None => {
                    let others: Vec<&str> = by_name.keys().copied().filter(|other| other != name).collect();
                    let why = format!("there is no rule `{other}`: {}", hint(other, &others));
                    problems.add(line, &label, why);
                }
                Some(silencing) if !can_silence(scope(silencing), scope(raw)) => {
                    let (of_other, of_this) = (scope(silencing).as_str(), scope(raw).as_str());
                    let why = format!(
                        "`{other}` has scope {of_other} and this rule {of_this}: a rule silences only rules of its own scope, \
                         unless its scope is cluster"
                    );
                    problems.add(line, &label, why);
                }
                Some(_) => {
                    if let Some(cycle) = cycle(name, other, &by_name).filter(|_| !in_cycles.contains(name)) {
                        let names =
                            cycle.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                        problems.add(line, &label, format_args!("{names} silence each other in a cycle"));
                        in_cycles.extend(cycle);
                    }
                }
            }
        }
    }
}

fn scope(rule: &RawRule) -> Scope {
    rule.scope.as_ref().and_then(|scope| scope.value).unwrap_or_default()
}

fn can_silence(silencing: Scope, silenced: Scope) -> bool {
    silencing == silenced || silencing == Scope::Cluster
}

/// The cycle from `name` through `other` back to `name`, if there is one.
fn cycle<'a>(name: &'a str, other: &'a str, rules: &BTreeMap<&'a str, &'a RawRule>) -> Option<Vec<&'a str>> {
    let mut seen = vec![other];
    let mut paths = vec![vec![name, other]];
    while let Some(path) = paths.pop() {
        let last = *path.last()?;
        if last == name {
            return Some(path[..path.len() - 1].to_vec());
        }
        let Some(rule) = rules.get(last) else { continue };
        for (_, next) in names(rule.unless.as_ref()) {
            if next == name || !seen.contains(&next) {
                seen.push(next);
                paths.push([&path[..], &[next]].concat());
            }
        }
    }
    None
}
