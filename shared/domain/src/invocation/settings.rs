//! Settings from the environment. All problems are reported at once, by the names of their
//! variables, before the first call.

use std::cell::RefCell;
use std::str::FromStr;

/// Problems of the environment: one sentence per missing or malformed variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}. Set them in template.yaml; docs/configuration.md lists all.", .0.join("; "))]
pub struct BadSettings(pub Vec<String>);

/// Reads settings by name and collects their problems.
pub struct Settings<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: RefCell<Vec<String>>,
}

impl<'a> Settings<'a> {
    /// Settings from any source; tests pass a table instead of the process environment.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: RefCell::default() }
    }

    /// A required setting, parsed as a `T`. Every setting is required: defaults are only in the
    /// template's parameters. A problem is kept for [`Self::all`], and `None` is returned.
    pub fn require<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Option<T> {
        let problem = match (self.lookup)(name).filter(|text| !text.trim().is_empty()) {
            None => format!("{name} is missing"),
            Some(text) => match text.trim().parse() {
                Ok(value) => return Some(value),
                Err(error) => format!("{name} = `{text}`: {error}"),
            },
        };
        self.problems.borrow_mut().push(problem);
        None
    }

    /// A variable that Lambda may set; `None` if it is absent or empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }

    /// The configuration built from the settings, or all problems found.
    pub fn all<T>(self, built: Option<T>) -> Result<T, BadSettings> {
        let problems = self.problems.into_inner();
        built.filter(|_| problems.is_empty()).ok_or(BadSettings(problems))
    }
}

/// The settings of one function.
pub trait FromSettings: Sized {
    /// Reads them; `None` if there is a problem, which `settings` keeps.
    fn read(settings: &Settings<'_>) -> Option<Self>;

    /// From the process environment.
    fn from_env() -> Result<Self, BadSettings> {
        Self::from_lookup(&from_env)
    }

    /// From any source.
    fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let settings = Settings::new(lookup);
        let read = Self::read(&settings);
        settings.all(read)
    }
}

/// Reads the process environment.
pub fn from_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &[(&str, &str)]) -> Result<(String, i64), BadSettings> {
        let lookup = |name: &str| table.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let settings = Settings::new(&lookup);
        let (bucket, delay) = (settings.require("FARGAZE_BUCKET"), settings.require("FARGAZE_DELAY_SECONDS"));
        settings.all(bucket.zip(delay))
    }

    #[test]
    fn all_problems_are_reported_at_once_by_name() {
        let error = read(&[("FARGAZE_DELAY_SECONDS", "soon")]).unwrap_err().to_string();
        assert!(error.contains("FARGAZE_BUCKET is missing"), "{error}");
        assert!(error.contains("FARGAZE_DELAY_SECONDS = `soon`: invalid digit"), "{error}");
    }

    #[test]
    fn an_empty_variable_is_a_missing_one() {
        let error = read(&[("FARGAZE_BUCKET", " "), ("FARGAZE_DELAY_SECONDS", "120")]).unwrap_err();
        assert_eq!(error.0, ["FARGAZE_BUCKET is missing"]);
    }

    #[test]
    fn good_settings_are_read() {
        let table = [("FARGAZE_BUCKET", "b"), ("FARGAZE_DELAY_SECONDS", "120")];
        assert_eq!(read(&table).unwrap(), ("b".to_owned(), 120));
    }
}
