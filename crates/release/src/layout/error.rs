//! What can be wrong with a layout.

use std::io;
use std::path::PathBuf;

use terrace_domain::release::Digest;

use crate::oci::FormatError;

/// A layout cannot be read or written, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The folder holds something else.
    #[error("`{}` is not an OCI image layout: {reason}", folder.display())]
    NotALayout {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file or a folder cannot be used.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, a verb.
        action: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A blob is not there.
    #[error("{what} is missing: there is no blob {digest}")]
    Missing {
        /// What it is.
        what: String,
        /// Its digest.
        digest: Digest,
    },
    /// A blob has another size than who refers to it says.
    #[error("{what} is damaged: the blob {digest} has {found} bytes, not {expected}")]
    Size {
        /// What it is.
        what: String,
        /// Its digest.
        digest: Digest,
        /// As who refers to it says.
        expected: u64,
        /// As it lies there.
        found: u64,
    },
    /// A blob has another content than its name says.
    #[error("{what} is damaged: the blob {digest} has the content of {found}")]
    Content {
        /// What it is.
        what: String,
        /// The digest that it is named by.
        digest: Digest,
        /// The digest of its content.
        found: Digest,
    },
    /// A file is larger than what is read.
    #[error("{what} has {size} bytes; the limit is {max}")]
    TooLarge {
        /// What it is.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A document is not what it is taken for.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Nothing has this name.
    #[error("nothing here is called `{reference}`")]
    Unknown {
        /// As asked for.
        reference: String,
    },
    /// Several have a digest that begins so.
    #[error(
        "`{reference}` is ambiguous: {}",
        candidates.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ")
    )]
    Ambiguous {
        /// As asked for.
        reference: String,
        /// What it may mean.
        candidates: Vec<Digest>,
    },
    /// A name that registries do not take.
    #[error("`{0}` cannot be a tag: at most 128 letters, digits, `_`, `-` and `.`, not beginning with `-` or `.`")]
    Tag(String),
    /// A manifest that refers to nothing.
    #[error("the manifest has no `subject`: it refers to nothing")]
    NoSubject,
    /// What is to be listed is not there.
    #[error("{0} is not in the layout, and so cannot be listed")]
    NotWritten(String),
}
