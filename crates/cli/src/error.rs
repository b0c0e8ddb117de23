//! How commands end: exit codes, and errors that say what to do next.

use std::process::ExitCode;

use terrace_config::Sources;
use terrace_domain::diagnostic::Diagnostic;

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The work failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Stopped, waiting for a decision.
    Waiting = 3,
    /// Refused by a gate.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, a sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// What is wrong with the configuration, where that is it.
    pub diagnostics: Option<Box<(Vec<Diagnostic>, Sources)>>,
}

/// What commands return.
pub type CommandResult = Result<Exit, CommandError>;

impl CommandError {
    /// Wrong usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), help: None, diagnostics: None }
    }

    /// The work failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, ..Self::usage(message) }
    }

    /// A gate refuses.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, ..Self::usage(message) }
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The error and all that caused it, in one line.
    pub fn chain(error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let words = cause.to_string();
            if !text.ends_with(&words) {
                text = format!("{text}: {words}");
            }
            source = cause.source();
        }
        text
    }
}

impl From<terrace_world::git::GitError> for CommandError {
    fn from(error: terrace_world::git::GitError) -> Self {
        let help = error.hint();
        Self { help, ..Self::usage(Self::chain(&error)) }
    }
}

impl From<terrace_world::tree::TreeError> for CommandError {
    fn from(error: terrace_world::tree::TreeError) -> Self {
        Self::usage(Self::chain(&error))
    }
}

impl From<terrace_evidence::keys::KeyError> for CommandError {
    fn from(error: terrace_evidence::keys::KeyError) -> Self {
        use terrace_evidence::keys::KeyError;
        let help = error.help();
        let message = Self::chain(&error);
        match error {
            KeyError::File { .. } | KeyError::Random(_) => Self { help, ..Self::failed(message) },
            _ => Self { help, ..Self::usage(message) },
        }
    }
}

impl From<terrace_evidence::trusted::UnusableKey> for CommandError {
    fn from(error: terrace_evidence::trusted::UnusableKey) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<terrace_driver::home::HomeError> for CommandError {
    fn from(error: terrace_driver::home::HomeError) -> Self {
        Self::failed(Self::chain(&error))
    }
}

impl From<terrace_driver::store::StoreError> for CommandError {
    fn from(error: terrace_driver::store::StoreError) -> Self {
        use terrace_driver::store::StoreError;
        let message = format!("the store of runs cannot be used: {error}");
        match error {
            StoreError::Older { .. } => Self::usage(message).help(
                "Move .terrace/terrace.db away: a new one is made, and only the record of earlier runs is lost. Terraform's states are not in it.",
            ),
            StoreError::Newer { .. } => Self::usage(message).help(
                "A newer Terrace has worked here. Use that one (or a newer one) for this estate; nothing was changed.",
            ),
            StoreError::Entry { .. } | StoreError::Journal { .. } => Self::failed(message)
                .help("The store is damaged, or a newer Terrace wrote this run. Other runs are not touched by it."),
            StoreError::Snapshot(_) => Self::failed(message),
            StoreError::Ledger(_) | StoreError::Sqlite(_) => Self::failed(message).help(
                "Terraform's states are not in it. If it is damaged, move .terrace/terrace.db away: a new one is made, and only the \
                 record of earlier runs is lost.",
            ),
        }
    }
}

impl From<terrace_world::terraform::ProgramError> for CommandError {
    fn from(error: terrace_world::terraform::ProgramError) -> Self {
        use terrace_world::terraform::ProgramError;
        let help = match &error {
            ProgramError::NotFound { .. } => {
                "Install Terraform or OpenTofu so that it is on PATH, or name the program in terrace.hcl: \
                 `estate \"…\" { terraform { binary = \"/path/to/terraform\" } }`."
            }
            ProgramError::NotTerraform { .. } => "Look at `binary` in the estate's `terraform` block, and at PATH.",
            ProgramError::TooOld { .. } => {
                "Install a newer one, or name it in the estate's `terraform` block: `binary = …`."
            }
            ProgramError::NotAllowed { .. } => {
                "Install a version that fits, or change `version` in the estate's `terraform` block."
            }
            ProgramError::Constraint(_) => "Mend `version` in the estate's `terraform` block.",
        };
        Self::usage(error.to_string()).help(help)
    }
}

impl From<terrace_release::layout::LayoutError> for CommandError {
    fn from(error: terrace_release::layout::LayoutError) -> Self {
        use terrace_release::layout::LayoutError;
        let message = Self::chain(&error);
        match error {
            LayoutError::NotALayout { .. } => {
                Self::usage(message).help("Name the folder of an OCI image layout with `--layout DIR`, or an empty one to build into.")
            }
            LayoutError::Unknown { .. } => {
                Self::usage(message).help("`terrace release list` shows what there is; a commit must be built first: `terrace release build COMMIT`.")
            }
            LayoutError::Ambiguous { .. } => Self::usage(message).help("Write more of the digest."),
            LayoutError::Missing { .. } | LayoutError::Size { .. } | LayoutError::Content { .. } => Self::failed(message).help(
                "Build it again from its commit (`terrace release build COMMIT --mend`); `terrace release verify` shows all that is wrong.",
            ),
            _ => Self::failed(message),
        }
    }
}

impl From<terrace_release::stored::StoredError> for CommandError {
    fn from(error: terrace_release::stored::StoredError) -> Self {
        use terrace_release::stored::StoredError;
        match error {
            StoredError::Layout(error) => error.into(),
            StoredError::NoRelease(_) => {
                Self::usage(error.to_string()).help("`terrace release build` makes the first.")
            }
            StoredError::NoStack { .. } => {
                Self::usage(error.to_string()).help("`terrace release show RELEASE` lists its stacks.")
            }
            error => Self::failed(Self::chain(&error)),
        }
    }
}

impl From<terrace_release::build::BuildError> for CommandError {
    fn from(error: terrace_release::build::BuildError) -> Self {
        use terrace_release::build::BuildError;
        use terrace_release::build::PackError;
        match error {
            BuildError::Layout(error) => error.into(),
            BuildError::Stored(error) => error.into(),
            // What is wrong is in the commit.
            BuildError::Stack {
                source:
                    PackError::Source(_)
                    | PackError::Link(_)
                    | PackError::Submodule(_)
                    | PackError::Refused { .. }
                    | PackError::TooLarge,
                ..
            } => Self::usage(Self::chain(&error)),
            error => Self::failed(Self::chain(&error)),
        }
    }
}

impl From<terrace_release::tree::ReleaseTreeError> for CommandError {
    fn from(error: terrace_release::tree::ReleaseTreeError) -> Self {
        use terrace_release::tree::ReleaseTreeError;
        match error {
            ReleaseTreeError::Stored(error) => error.into(),
            error => Self::failed(Self::chain(&error)),
        }
    }
}

impl From<terrace_release::restore::RestoreError> for CommandError {
    fn from(error: terrace_release::restore::RestoreError) -> Self {
        use terrace_release::restore::RestoreError;
        let message = Self::chain(&error);
        match error {
            RestoreError::NotEmpty(_) => {
                Self::usage(message).help("Name another folder with `--to`: nothing is written over.")
            }
            RestoreError::Read(_) => Self::failed(message).help("`terrace release verify` shows all that is wrong."),
            RestoreError::Io { .. } => Self::failed(message),
        }
    }
}

impl From<terrace_registry::RegistryError> for CommandError {
    fn from(error: terrace_registry::RegistryError) -> Self {
        use terrace_registry::RegistryError;
        let help = error.help();
        let message = Self::chain(&error);
        match error {
            RegistryError::Target(_) | RegistryError::Credentials(_) => Self { help, ..Self::usage(message) },
            RegistryError::Tls { .. } => Self::failed(message).help(
                "See that the registry's certificate is one that this machine trusts. Of a registry that has no TLS, ask with `--plain-http`.",
            ),
            _ => Self { help, ..Self::failed(message) },
        }
    }
}
