//! Reads what `terrace.hcl` says of rehearsals and of recovery.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::Environment;
use terrace_domain::expression::{Expression, ExpressionKind, ReferenceTarget, references};
use terrace_domain::name::EnvironmentName;
use terrace_domain::rehearsal::{RecoveryObjective, RehearsalSettings};
use terrace_domain::value::Value;

use super::{ENVIRONMENT_NAME_KEY, reserved_key, second_block};
use crate::section::{File, Schema, Section};

const REHEARSALS: Schema =
    Schema { what: "a `rehearsals` block", attributes: &["like", "vars", "ttl", "max_live"], blocks: &[] };
const RECOVERY: Schema = Schema { what: "a `recovery` block", attributes: &["rto", "every"], blocks: &[] };

/// `rehearsals { ... }`.
pub(super) fn settings<'b>(
    file: &mut File<'_>,
    blocks: impl Iterator<Item = &'b Block>,
    environments: &BTreeMap<EnvironmentName, Environment>,
) -> RehearsalSettings {
    let mut settings = RehearsalSettings::default();
    let Some(section) = only(file, blocks, REHEARSALS, "rehearsals") else { return settings };
    if let Some(named) = file.text(&section, "like") {
        if let Some((name, _)) = environments.get_key_value(named.value.as_str()) {
            settings.like = Some(name.clone());
        } else {
            let known = environments.keys().map(EnvironmentName::as_str);
            let mut diagnostic =
                Diagnostic::error("unknown-environment", format!("there is no environment `{}`", named.value))
                    .at(file.place(named.span), "not in terrace.hcl");
            if let Some(near) = nearest(&named.value, known) {
                diagnostic = diagnostic.help(format!("Did you mean `{near}`?"));
            }
            file.report(diagnostic);
        }
    }
    settings.vars = vars(file, &section);
    if let Some(ttl) = duration(file, &section, "ttl") {
        settings.ttl_ms = ttl;
    }
    if let Some(max) = file.setting(&section, "max_live") {
        let count = match file.constant(&max) {
            Some(Value::Number(number)) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
            Some(_) => None,
            None => return settings,
        };
        match count.filter(|count| *count > 0) {
            Some(count) => settings.live_max = count,
            None => file.error("wrong-value", max.span, "`max_live` is no count", "must be a whole number from 1"),
        }
    }
    settings
}

/// What is different in ephemeral environments: written out, with expressions about the environment.
fn vars(file: &mut File<'_>, section: &Section<'_>) -> BTreeMap<String, Expression> {
    let mut vars = BTreeMap::new();
    let Some(setting) = file.setting(section, "vars") else { return vars };
    let ExpressionKind::Object(entries) = setting.kind else {
        file.error("wrong-type", setting.span, "`vars` must be written out as an object", "must be `{ key = value }`");
        return vars;
    };
    for (key, expression) in entries {
        let ExpressionKind::Literal(Value::String(name)) = key.kind else {
            file.error("wrong-type", key.span, "the name of a value must be a plain word", "not a plain word");
            continue;
        };
        if name == ENVIRONMENT_NAME_KEY {
            reserved_key(file, key.span);
            continue;
        }
        let strange = references(&expression)
            .into_iter()
            .find(|reference| matches!(reference.target, ReferenceTarget::Stack { .. } | ReferenceTarget::Own(_)));
        match strange {
            Some(reference) => {
                let summary = "an environment's values know no stack";
                file.error("wrong-reference", reference.span, summary, "may use `env.*` and `estate.name`");
            }
            None => drop(vars.insert(name, expression)),
        }
    }
    vars
}

/// `recovery { ... }`.
pub(super) fn objective<'b>(file: &mut File<'_>, blocks: impl Iterator<Item = &'b Block>) -> RecoveryObjective {
    let Some(section) = only(file, blocks, RECOVERY, "recovery") else { return RecoveryObjective::default() };
    RecoveryObjective { rto_ms: duration(file, &section, "rto"), every_ms: duration(file, &section, "every") }
}

fn only<'b>(
    file: &mut File<'_>,
    mut blocks: impl Iterator<Item = &'b Block>,
    schema: Schema,
    name: &str,
) -> Option<Section<'b>> {
    let block = blocks.next()?;
    for more in blocks {
        second_block(file, block, more, &format!("terrace.hcl has one `{name}` block"));
    }
    file.no_label(block);
    Some(file.section(&block.body, schema))
}

/// A duration in milliseconds.
fn duration(file: &mut File<'_>, section: &Section<'_>, key: &str) -> Option<u64> {
    let text = file.text(section, key)?;
    match crate::duration::millis(&text.value) {
        Ok(millis) => Some(millis),
        Err(expected) => {
            file.error("wrong-value", text.span, format!("`{}` is no duration", text.value), expected);
            None
        }
    }
}
