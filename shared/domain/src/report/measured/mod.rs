//! What is measured of a service or workload, reduced from answers as they come: figures, and charts of little memory.

pub(super) mod figures;
pub(super) mod member;
pub(super) mod slots;
