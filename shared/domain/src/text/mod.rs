//! What people read, in its parts: harmless text, words for times and counts, links into the console, commands to copy, the
//! word that was most likely meant, and the message that SNS takes.
//!
//! Nothing here knows of alarms or reports. What others could have written is harmless before it gets into a text.

pub mod commands;
mod harmless;
pub(crate) mod links;
pub mod message;
pub(crate) mod nearest;
pub(crate) mod shell;
pub(crate) mod words;

pub use harmless::{Block, Text};
pub use links::console_object_link;
