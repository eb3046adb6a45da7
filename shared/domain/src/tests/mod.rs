//! Tests of the crate as a whole, and what the tests of several rooms share.

pub(crate) mod committed;
mod rooms;
