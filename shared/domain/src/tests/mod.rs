//! Tests of the crate as a whole, and helpers shared by the tests of several modules.

pub(crate) mod committed;
mod rooms;
