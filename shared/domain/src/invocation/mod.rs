//! How a function is invoked and how it answers: its settings, the data passed between states of
//! the state machine, and why it fails.

pub mod failure;
pub mod settings;
pub mod states;
