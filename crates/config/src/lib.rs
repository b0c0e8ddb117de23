//! Reads the configuration: `terrace.hcl`, `stack.hcl` and, as far as needed, `.tf` files become the domain's estate, with
//! diagnostics for all that is wrong. It reads files only through [`tree::FileTree`] and executes nothing.

mod check;
mod circle;
mod code;
pub mod codeowners;
mod duration;
mod estate_file;
pub mod fixture;
mod import_blocks;
mod load;
mod lower;
mod move_code;
mod owners;
mod policies;
mod render;
mod resolve;
mod section;
mod source;
mod stack_file;
pub mod tree;
mod watch;
mod wire;

pub use check::check_estate;
pub use code::{
    Code, FactsCache, FactsKey, FileFacts, Fit, MISFITS_MAX, MemoryCache, is_test, load_code, load_parts,
    provider_source,
};
pub use duration::millis as duration_millis;
pub use import_blocks::{ImportBlocks, unchanged_override};
pub use load::{Loaded, Sources, has_errors, load_estate, sort_diagnostics, sources};
pub use move_code::{ChangedText, ContractChanges, MoveRefused, MoveRequest, MovedCode, Overlay, move_code};
pub use policies::{POLICY_FOLDER, is_policy_file, policy_files, policy_gates, policy_namespaces, policy_paths};
pub use render::{SHOWN_MAX, render};
pub use source::{ENTRIES_MAX, FILE_SIZE_MAX};
pub use watch::Watches;
pub use wire::{WireDiagnostic, WireLabel, WirePlace, wire};
