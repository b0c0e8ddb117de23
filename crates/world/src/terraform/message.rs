//! Terraform's machine-readable output: one JSON object a line (Terraform internals, "Machine-Readable UI"). Kinds that are not
//! known are passed over, as the format asks its readers to.

use std::collections::BTreeMap;

use serde::Deserialize;
use terrace_domain::run::TerraformDiagnostic;

/// A message of a `plan -json` or `apply -json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A resource is planned to change.
    PlannedChange {
        /// The resource's address.
        address: String,
        /// `create`, `update`, `delete`, `replace`, `move`, `remove`, `read`, `import`, `noop`.
        action: String,
    },
    /// Work on a resource has begun, goes on, or ended.
    Resource {
        /// The resource's address.
        address: String,
        /// How far it is.
        phase: Phase,
        /// A line for people.
        text: String,
    },
    /// The numbers of a plan, or of an apply.
    Summary {
        /// Resources to add, or added.
        add: u64,
        /// Resources to change, or changed.
        change: u64,
        /// Resources to destroy, or destroyed.
        remove: u64,
        /// Resources to import, or imported.
        import: u64,
        /// `plan`, `apply` or `destroy`.
        operation: String,
    },
    /// What happens to outputs, by name: `create`, `update`, `delete`, `noop`; no action once it is applied.
    Outputs(BTreeMap<String, Option<String>>),
    /// A run of a test has come to its end.
    TestRun {
        /// The test file.
        file: String,
        /// The run's name.
        run: String,
        /// `pass`, `fail`, `error` or `skip`.
        status: String,
    },
    /// An error or a warning.
    Diagnostic(TerraformDiagnostic),
    /// Something for people only.
    Note(String),
}

/// How far the work on a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has begun.
    Started,
    /// It goes on.
    Continues,
    /// It is done.
    Complete,
    /// It failed.
    Failed,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "@message", default)]
    text: String,
    #[serde(rename = "type", default)]
    kind: String,
    change: Option<Change>,
    hook: Option<Hook>,
    changes: Option<Counts>,
    outputs: Option<BTreeMap<String, OutputLine>>,
    diagnostic: Option<DiagnosticLine>,
    test_run: Option<TestRunLine>,
}

#[derive(Deserialize)]
struct TestRunLine {
    path: String,
    run: String,
    /// Before the end there are messages without one.
    #[serde(default)]
    status: String,
    progress: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    resource: Resource,
    #[serde(default)]
    action: String,
}

#[derive(Deserialize)]
struct Hook {
    resource: Option<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    addr: String,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    add: u64,
    #[serde(default)]
    change: u64,
    #[serde(default)]
    remove: u64,
    #[serde(default)]
    import: u64,
    #[serde(default)]
    operation: String,
}

#[derive(Deserialize)]
struct OutputLine {
    action: Option<String>,
}

#[derive(Deserialize)]
struct DiagnosticLine {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    range: Option<Range>,
    snippet: Option<Snippet>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: u64,
}

#[derive(Deserialize)]
struct Snippet {
    code: String,
}

impl Message {
    /// Reads a line. `None` for kinds that say nothing that Terrace uses.
    ///
    /// # Errors
    /// When the line is no JSON object of this format: a crash report, say, or a provider that writes where it should not.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let line: Line = serde_json::from_slice(line)?;
        Ok(line.into_message())
    }
}

impl Line {
    fn into_message(self) -> Option<Message> {
        match self.kind.as_str() {
            "planned_change" => self
                .change
                .map(|change| Message::PlannedChange { address: change.resource.addr, action: change.action }),
            "change_summary" => self.changes.map(|counts| Message::Summary {
                add: counts.add,
                change: counts.change,
                remove: counts.remove,
                import: counts.import,
                operation: counts.operation,
            }),
            "outputs" => self.outputs.map(|outputs| {
                Message::Outputs(outputs.into_iter().map(|(name, output)| (name, output.action)).collect())
            }),
            "diagnostic" => self.diagnostic.map(|diagnostic| Message::Diagnostic(diagnostic.into())),
            "test_run" => self
                .test_run
                .filter(|run| run.progress.as_deref().is_none_or(|how| how == "complete"))
                .map(|run| Message::TestRun { file: run.path, run: run.run, status: run.status }),
            "version" | "resource_drift" => None,
            kind => Some(match (phase(kind), self.hook.and_then(|hook| hook.resource)) {
                (Some(phase), Some(resource)) => Message::Resource { address: resource.addr, phase, text: self.text },
                _ => Message::Note(self.text),
            }),
        }
    }
}

fn phase(kind: &str) -> Option<Phase> {
    let (_, word) = kind.rsplit_once('_')?;
    Some(match word {
        "start" => Phase::Started,
        "progress" => Phase::Continues,
        "complete" => Phase::Complete,
        "errored" => Phase::Failed,
        _ => return None,
    })
}

impl From<DiagnosticLine> for TerraformDiagnostic {
    fn from(line: DiagnosticLine) -> Self {
        Self {
            is_error: line.severity != "warning",
            summary: line.summary,
            detail: line.detail,
            address: line.address,
            line: line.range.as_ref().map(|range| range.start.line),
            file: line.range.map(|range| range.filename),
            code: line.snippet.map(|snippet| snippet.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Message> {
        Message::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn known_kinds_are_read() {
        assert_eq!(
            parse(r#"{"type":"planned_change","change":{"resource":{"addr":"a.b"},"action":"create"}}"#),
            Some(Message::PlannedChange { address: "a.b".into(), action: "create".into() })
        );
        assert_eq!(
            parse(
                r#"{"type":"change_summary","changes":{"add":1,"change":2,"import":0,"remove":3,"operation":"plan"}}"#
            ),
            Some(Message::Summary { add: 1, change: 2, remove: 3, import: 0, operation: "plan".into() })
        );
        assert_eq!(
            parse(r#"{"type":"apply_errored","@message":"a.b: failed","hook":{"resource":{"addr":"a.b"}}}"#),
            Some(Message::Resource { address: "a.b".into(), phase: Phase::Failed, text: "a.b: failed".into() })
        );
    }

    #[test]
    fn a_diagnostic_names_its_place() {
        let line = r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No","detail":"Because.",
            "range":{"filename":"main.tf","start":{"line":3,"column":1,"byte":9},"end":{"line":3,"column":2,"byte":10}},
            "snippet":{"context":null,"code":"x = y","start_line":3,"highlight_start_offset":0,"highlight_end_offset":1}}}"#;
        let Some(Message::Diagnostic(diagnostic)) = parse(line) else { panic!("not a diagnostic") };
        assert_eq!((diagnostic.file.as_deref(), diagnostic.line), (Some("main.tf"), Some(3)));
        assert!(diagnostic.is_error);
    }

    #[test]
    fn strange_lines_do_no_harm() {
        assert_eq!(parse(r#"{"type":"of_the_future","@message":"hm"}"#), Some(Message::Note("hm".into())));
        assert!(Message::parse(b"panic: runtime error").is_err());
        assert!(Message::parse(br#"{"type":"planned_change","change":7}"#).is_err());
    }
}
