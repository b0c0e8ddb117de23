//! Reads what `terrace.hcl` says of types of resources: which hold data, whose loss cannot be undone, and which are neither after all.

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::expression::Span;
use terrace_domain::plan::{ResourceTypes, TypePattern, TypePatternError, TypeRule, TypeWord};

use super::second_block;
use crate::section::{File, Placed, Schema};

const RESOURCE_TYPES: Schema = Schema {
    what: "a `resource_types` block",
    attributes: &[TypeWord::Stateful.as_str(), TypeWord::Irreversible.as_str(), TypeWord::Disposable.as_str()],
    blocks: &[],
};

/// `resource_types { ... }`.
pub(super) fn read<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> ResourceTypes {
    let Some(block) = blocks.next() else { return ResourceTypes::default() };
    for more in blocks {
        second_block(file, block, more, "terrace.hcl has one `resource_types` block");
    }
    file.no_label(block);
    let section = file.section(&block.body, RESOURCE_TYPES);
    let mut known: Vec<(TypeRule, Span)> = Vec::new();
    for word in TypeWord::ALL {
        for written in file.texts(&section, word.as_str()) {
            let Some(pattern) = pattern(file, &written) else { continue };
            let rule = TypeRule { pattern, word };
            match known.iter().find(|(first, _)| contradict(first, &rule)) {
                Some((first, span)) => said_twice(file, (first, *span), (&rule, written.span)),
                None => known.push((rule, written.span)),
            }
        }
    }
    ResourceTypes::new(known.into_iter().map(|(rule, _)| rule).collect())
}

fn pattern(file: &mut File<'_>, written: &Placed<String>) -> Option<TypePattern> {
    match written.value.parse() {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let help = match error {
                TypePatternError::Address => "Write the type alone, such as `aws_db_instance`.",
                TypePatternError::Wildcard => "Write each type, or what they begin with: `acme_hsm_*`.",
                _ => {
                    "Write the type as in `resource \"TYPE\" \"NAME\"`, such as `aws_db_instance`, or a beginning: `acme_hsm_*`."
                }
            };
            let diagnostic = Diagnostic::error("wrong-value", error.to_string())
                .at(file.place(written.span), "not a type of resources")
                .help(help);
            file.report(diagnostic);
            None
        }
    }
}

/// Whether two rules say the same of the same types, or that they are something and nothing. A type may well be stateful and irreversible.
fn contradict(first: &TypeRule, second: &TypeRule) -> bool {
    let is_either = |word| first.word == word || second.word == word;
    first.pattern == second.pattern && (first.word == second.word || is_either(TypeWord::Disposable))
}

fn said_twice(file: &mut File<'_>, (first, first_span): (&TypeRule, Span), (second, second_span): (&TypeRule, Span)) {
    let (type_name, word) = (&second.pattern, second.word.as_str());
    let summary = if first.word == second.word {
        format!("`{type_name}` is said to be {word} twice")
    } else {
        format!("`{type_name}` is said to be {} and {word}", first.word.as_str())
    };
    let diagnostic = Diagnostic::error("duplicate-name", summary)
        .at(file.place(second_span), "the second one")
        .also(file.place(first_span), "the first one")
        .help("Take one away. Of two patterns that stand for a type the longer one counts.");
    file.report(diagnostic);
}
