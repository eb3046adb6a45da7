//! Measurements of a service or workload, reduced as they arrive: figures, and compact charts.

pub(super) mod figures;
pub(super) mod member;
pub(super) mod slots;
