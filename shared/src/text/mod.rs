//! Text work that knows nothing of alarms or reports: harmless text, words for times and counts, links into the console.

mod harmless;
pub(crate) mod links;
pub(crate) mod words;

pub use harmless::{Block, Text};
pub use links::console_object_link;
