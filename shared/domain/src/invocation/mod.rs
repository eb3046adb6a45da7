//! How a function is called and how it answers: its settings, what the states of the state machine hand on, and why it gives
//! up.

pub mod failure;
pub mod settings;
pub mod states;
