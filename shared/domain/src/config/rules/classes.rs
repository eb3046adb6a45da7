//! The classes of causes that a rule on `task-deaths` counts.

use super::super::read::At;
use super::check::Check;
use crate::deaths::{CLASSES, Class};
use crate::rules::pattern::NamePattern;
use crate::rules::{Measure, TaskFigure};
use crate::text::nearest::hint;

impl Check<'_> {
    /// The classes that match the patterns. Reports a pattern without a class, and a measure that
    /// has none.
    pub(super) fn classes(
        &self,
        at: Option<&At<Vec<At<NamePattern>>>>,
        measure: Option<&Measure>,
    ) -> Vec<Class> {
        let Some(at) = at else { return Vec::new() };
        if measure.is_some_and(|measure| measure.task_figure() != Some(TaskFigure::Deaths)) {
            self.add(at.line, "classes", "is only valid with `what: task-deaths`");
        }
        let Some(given) = &at.value else { return Vec::new() };
        if given.is_empty() {
            self.add(at.line, "classes", "the list is empty; leave the key out to count all failures");
        }
        let mut classes = Vec::new();
        for At { line, value } in given {
            let Some(pattern) = value else { continue };
            let before = classes.len();
            classes.extend(CLASSES.iter().filter(|row| pattern.matches(row.code)).map(|row| row.class));
            if classes.len() == before {
                let codes: Vec<&str> = CLASSES.iter().map(|row| row.code).collect();
                let text = pattern.to_string();
                let why = format_args!("`{text}` is not a class: {}", hint(&text, &codes));
                self.add(*line, "classes", why);
            }
        }
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}
