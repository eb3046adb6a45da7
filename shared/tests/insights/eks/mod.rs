//! EKS clusters as a whole: random histories, and the table of decisions in the documents.

mod histories;
mod model;
pub(crate) mod table;
