//! Building blocks that sections share: lists, tables, charts, and parts of clusters.

pub(super) mod chart;
pub(super) mod cluster;
pub(super) mod list;
pub(super) mod table;
