//! What a plan would do. Reads Terraform's plan representation (Terraform internals, "JSON Output Format", format version 1.x) as a stream, in one
//! pass for all who want to know something of it: facts, losses, differences, records of changes.

mod difference;
mod error;
mod facts;
mod gather;
mod json;
mod loss;
mod read;
mod record;
mod types;

pub use difference::{AttributeDifference, Difference, Differences};
pub use error::{OtherFile, PlanError};
pub use facts::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
pub use gather::FactsGatherer;
pub use loss::{Loss, LossKind, Losses};
pub use read::{PlanFrame, PlanSink, PlannedChange, PlannedResource, read_plan};
pub use record::ChangeRecords;
pub use types::{ResourceTypes, TypeGroup, TypePattern, TypePatternError, TypeRule, TypeWord, type_groups};
