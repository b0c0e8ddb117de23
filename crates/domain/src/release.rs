//! What a release is: a stack packaged once, named by its digest, and the estate release that lists all of them. Owns the contract
//! that a release keeps and what differs between two of them. Never knows how a release is stored.

mod contract;
mod diff;
mod hex;

use std::collections::BTreeMap;

use crate::name::{EstateName, StackName};

pub use crate::digest::{Digest, NotADigest};
pub use contract::{
    BlobId, Contract, FileMode, FileRecord, OutputContract, ProviderVersions, VariableContract, VendoredModule,
};
pub use diff::{Changes, ContractDiff, EstateDiff, FileChange, diff, diff_estates};

/// All stacks of an estate as one commit has them: the index over their releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateRelease {
    /// The digest of the index.
    pub digest: Digest,
    /// The commit's full id, in hexadecimal.
    pub commit: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at_secs: i64,
    /// The first line of the commit's message.
    pub subject: Option<String>,
    /// Who made the commit, as git writes it: `NAME <EMAIL>`; `None` where the release does not say.
    pub author: Option<String>,
    /// The estate's name.
    pub estate_name: EstateName,
    /// The release of the estate's own file.
    pub estate: Digest,
    /// The release of each stack.
    pub stacks: BTreeMap<StackName, Digest>,
}
