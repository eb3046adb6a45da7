//! What several sections are shown with: lists, tables, charts, and what clusters of ECS and EKS have in common.

pub(super) mod chart;
pub(super) mod cluster;
pub(super) mod list;
pub(super) mod table;
