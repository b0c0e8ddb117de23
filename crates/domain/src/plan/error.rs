//! Why a plan cannot be read. Never says what is in it: there are secrets in plans, so the parser's own words are not used.

use serde_json::error::Category;

/// A plan cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A format that this Terrace does not know.
    #[error("the plan has the format version {0}, and this Terrace reads versions 1.x")]
    Format(String),
    /// A part that must be there is not.
    #[error("the plan has no `{0}`")]
    Missing(&'static str),
    /// There is nothing in it.
    #[error(
        "the plan is empty; `terraform show -json PLAN` prints one, where PLAN was made with `terraform plan -out=PLAN`"
    )]
    Empty,
    /// It ends too early.
    #[error("the plan is cut off at line {line}, column {column}")]
    CutOff {
        /// From 1.
        line: usize,
        /// From 1; 0 at the end of the line before.
        column: usize,
    },
    /// It is not JSON, or not as plans are.
    #[error("the plan is damaged at line {line}, column {column}: {what}")]
    Damaged {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It is something else.
    #[error(
        "this is {0}, and no plan; `terraform show -json PLAN` prints one, where PLAN was made with `terraform plan -out=PLAN`"
    )]
    Other(OtherFile),
    /// It does something to a resource or an output that this Terrace does not know: it cannot be judged.
    #[error("the plan does `{action}` to {address}, and this Terrace does not know what that is")]
    Action {
        /// The address.
        address: String,
        /// Terraform's words.
        action: String,
    },
    /// It could not be read to its end.
    #[error("the plan cannot be read: {0}")]
    Read(String),
}

/// What is taken for a plan now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFile {
    /// A state, as Terraform keeps it.
    State,
    /// A state, as `terraform show -json` prints it.
    ShownState,
    /// The messages that `terraform plan -json` prints while it works.
    Messages,
    /// A saved plan, which only the Terraform that made it can read.
    SavedPlan,
    /// Text that is not JSON: a plan as people read it, perhaps.
    Text,
    /// Text in UTF-16, as older shells of Windows write it.
    Utf16,
    /// Other JSON.
    Json,
}

impl std::fmt::Display for OtherFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::State => "a state",
            Self::ShownState => "a state as `terraform show -json` prints it where no plan is named",
            Self::Messages => "what `terraform plan -json` says while it works",
            Self::SavedPlan => "a saved plan, which only Terraform can read",
            Self::Text => "not JSON",
            Self::Utf16 => "text in UTF-16, as `>` of a Windows PowerShell writes it (JSON is UTF-8)",
            Self::Json => "JSON of another kind",
        })
    }
}

/// What the reading code says to the parser where a key is there a second time.
pub(super) const TWICE: &str = "a key is there twice";
/// How the parser says that there are more than 128 levels.
const TOO_DEEP: &str = "recursion limit exceeded";

/// What is wrong, by what the parser says.
pub(super) fn damage(error: &serde_json::Error) -> PlanError {
    let (line, column) = (error.line(), error.column());
    let damaged = |what| PlanError::Damaged { line, column, what };
    match error.classify() {
        Category::Eof => PlanError::CutOff { line, column },
        Category::Io => PlanError::Read(error.to_string()),
        Category::Syntax if error.to_string().starts_with(TOO_DEEP) => damaged("it is nested too deeply"),
        Category::Syntax => damaged("it is not JSON"),
        Category::Data if error.to_string().starts_with(TWICE) => damaged(TWICE),
        Category::Data => damaged("a field is not what plans have there"),
    }
}
