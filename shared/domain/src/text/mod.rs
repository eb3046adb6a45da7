//! Building blocks of user-visible text: harmless text, words for times and counts, console links,
//! commands to copy, spelling suggestions, and SNS messages.
//!
//! Nothing here knows about alarms or reports. Text that others could have written is made harmless
//! before it is used.

pub mod commands;
mod harmless;
pub(crate) mod links;
pub mod message;
pub(crate) mod nearest;
pub(crate) mod shell;
pub(crate) mod sparkline;
pub(crate) mod words;

pub use harmless::{Block, Text};
pub use links::console_object_link;
