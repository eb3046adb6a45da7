//! Why tasks died: what ECS reports about a stopped task, and the class that it belongs to.
//!
//! ```text
//! TaskStop, text of a service event -> Cause (Class, advice, whether to act)
//!                                      causes.rs: the table of texts
//! event -> Incident -> Archive (each once) -> IncidentGroup of one subject and class
//! ```
//!
//! A stop code says little, and the exit code less: an application that ECS stops because its health
//! check failed ends with 143, a killed one with 137 whoever killed it. So the order in which the
//! facts are read matters; [`cause_of`] has it.

mod archive;
mod causes;
mod class;
mod classify;
mod group;
mod incident;
mod known;
mod kubernetes;
mod summary;
#[cfg(test)]
mod tests;

pub use archive::Archive;
pub use causes::{Act, Cause};
pub use class::{CLASSES, Class, ClassRow, Kind};
pub use classify::{ContainerEnd, Said, TaskStop, cause_of};
pub use group::{IncidentGroup, group};
pub use incident::{ContainerOfTask, Died, Incident, IncidentKind, KEEP, Of};
pub use known::{Known, Origin};
pub use kubernetes::{PodSaid, class_of_pod};
pub use summary::DeathSummary;
