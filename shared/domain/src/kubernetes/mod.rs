//! Parses and interprets responses of a Kubernetes cluster whose pods run on AWS Fargate. Pure:
//! nothing here sends requests.
//!
//! ```text
//! JSON of the API server -> api -> PodFacts, PodEvent, NodeFacts, WorkloadFacts, PodUsage -> views
//! text of cAdvisor -> prometheus -> cadvisor
//! ConfigMap aws-logging -> logging
//! ```

pub mod api;
pub mod cadvisor;
pub mod event;
pub mod fargate;
pub mod logging;
pub mod node;
pub mod owner;
mod place;
pub mod pod;
pub mod prometheus;
pub mod quantity;
pub mod resources;
pub mod usage;
pub mod views;
pub mod waiting;
pub mod workload;
