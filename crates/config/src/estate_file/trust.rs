//! Reads who may decide and whose keys count: `team`, `trust` and `encryption`. Whether a gate names somebody who exists cannot be
//! known here: people need no block of their own.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{EVERYBODY, Recipient, Team, TrustedKey};
use terrace_domain::expression::Span;
use terrace_domain::key::{PublicKey, RecipientError, check_recipient};
use terrace_domain::name::{KeyName, TeamName};

use super::{second_block, taken};
use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section};

const TEAM: Schema = Schema { what: "a `team` block", attributes: &["members"], blocks: &[] };
const TRUST: Schema = Schema { what: "a `trust` block", attributes: &["public_key"], blocks: &[] };
const ENCRYPTION: Schema = Schema { what: "an `encryption` block", attributes: &["recipients"], blocks: &[] };

/// The longest name of a person, in bytes: an email has no more (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const PERSON_LENGTH_MAX: usize = 254;

/// A member before all teams are known, and the team that it is in.
type Member = (TeamName, Placed<String>);

pub(super) fn teams<'b>(file: &mut File<'_>, blocks: impl Iterator<Item = &'b Block>) -> BTreeMap<TeamName, Team> {
    let mut teams: BTreeMap<TeamName, Team> = BTreeMap::new();
    let mut members: Vec<Member> = Vec::new();
    for block in blocks {
        let label = file.label(block, "team's name");
        let section = file.section(&block.body, TEAM);
        let span = label.as_ref().map_or(span_of(&block.ident), |label| label.span);
        needs(file, &section, "members", span, "the team has no `members`", "add `members = [\"NAME\"]`");
        let people: Vec<_> = file.texts(&section, "members").into_iter().filter(|name| is_person(file, name)).collect();
        let Some(name) = label.as_ref().and_then(|label| file.name::<TeamName>(label)) else { continue };
        if let Some(first) = teams.get(&name) {
            taken(file, "teams", name.as_str(), span, first.span);
            continue;
        }
        members.extend(people.iter().cloned().map(|person| (name.clone(), person)));
        let people = people.into_iter().map(|person| person.value).collect();
        teams.insert(name.clone(), Team { name, members: people, span });
    }
    for (team, member) in &members {
        refuse_team_as_member(file, &teams, team, member);
    }
    teams
}

/// A team in a team would look as if its people belonged to both; nobody does.
fn refuse_team_as_member(
    file: &mut File<'_>,
    teams: &BTreeMap<TeamName, Team>,
    team: &TeamName,
    member: &Placed<String>,
) {
    let Some(other) = teams.get(member.value.as_str()) else { return };
    let summary = format!("`{}` is a team, and the members of `{team}` are people", member.value);
    let diagnostic = Diagnostic::error("wrong-value", summary)
        .at(file.place(member.span), "must be a person")
        .also(file.place(other.span), "the team")
        .help("Write the people here too. A gate can name several teams.");
    file.report(diagnostic);
}

/// A user name as systems have them, or an email; no more is known of people.
fn is_person(file: &mut File<'_>, person: &Placed<String>) -> bool {
    let name = &person.value;
    let fits = !name.is_empty()
        && name.len() <= PERSON_LENGTH_MAX
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','))
        && (name == EVERYBODY || !name.contains('*'));
    if !fits {
        let summary = format!("`{name}` is not the name of a person");
        file.error("wrong-value", person.span, summary, "must be a user name, an email, or \"*\" for everybody");
    }
    fits
}

pub(super) fn keys<'b>(file: &mut File<'_>, blocks: impl Iterator<Item = &'b Block>) -> BTreeMap<KeyName, TrustedKey> {
    let mut keys: BTreeMap<KeyName, TrustedKey> = BTreeMap::new();
    for block in blocks {
        let label = file.label(block, "key's name");
        let section = file.section(&block.body, TRUST);
        let span = label.as_ref().map_or(span_of(&block.ident), |label| label.span);
        let hint = "add the key as `terrace key show` prints it";
        needs(file, &section, "public_key", span, "the trusted key has no `public_key`", hint);
        let written = file.text(&section, "public_key");
        let public_key = written.as_ref().and_then(|written| public_key(file, written));
        let Some(name) = label.as_ref().and_then(|label| file.name::<KeyName>(label)) else { continue };
        let Some(public_key) = public_key else { continue };
        if let Some(first) = keys.get(&name) {
            taken(file, "trusted keys", name.as_str(), span, first.span);
            continue;
        }
        if let Some(first) = keys.values().find(|known| known.public_key == public_key) {
            let diagnostic =
                Diagnostic::error("duplicate-key", format!("`{name}` and `{}` are the same key", first.name))
                    .at(file.place(written.map_or(span, |written| written.span)), "the same key")
                    .also(file.place(first.span), "is trusted already");
            file.report(diagnostic);
            continue;
        }
        keys.insert(name.clone(), TrustedKey { name, public_key, span });
    }
    keys
}

fn public_key(file: &mut File<'_>, written: &Placed<String>) -> Option<PublicKey> {
    match written.value.parse() {
        Ok(key) => Some(key),
        Err(error) => {
            let diagnostic = Diagnostic::error("wrong-value", error.to_string())
                .at(file.place(written.span), "not a public key")
                .help("`terrace key show` prints it as it is written here.");
            file.report(diagnostic);
            None
        }
    }
}

pub(super) fn recipients<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> Vec<Recipient> {
    let Some(block) = blocks.next() else { return Vec::new() };
    for more in blocks {
        second_block(file, block, more, "terrace.hcl has one `encryption` block");
    }
    file.no_label(block);
    let section = file.section(&block.body, ENCRYPTION);
    let span = span_of(&block.ident);
    needs(file, &section, "recipients", span, "the encryption has no `recipients`", "add `recipients = [\"age1...\"]`");
    let mut recipients: Vec<Recipient> = Vec::new();
    for written in file.texts(&section, "recipients") {
        if let Err(error) = check_recipient(&written.value) {
            refuse_recipient(file, &written, error);
        } else if !recipients.iter().any(|known| known.key == written.value) {
            recipients.push(Recipient { key: written.value, span: written.span });
        }
    }
    recipients
}

fn refuse_recipient(file: &mut File<'_>, written: &Placed<String>, error: RecipientError) {
    let (label, help) = match error {
        RecipientError::Secret => {
            ("a secret", "Write what `age-keygen -y` prints for it. This key was in the open: make a new one.")
        }
        _ => ("not an age recipient", "`age-keygen` prints it as `Public key: age1...`."),
    };
    let diagnostic = Diagnostic::error("wrong-value", error.to_string()).at(file.place(written.span), label).help(help);
    file.report(diagnostic);
}

fn needs(file: &mut File<'_>, section: &Section<'_>, key: &str, span: Span, summary: &str, label: &str) {
    if !section.has(key) {
        file.error("missing-attribute", span, summary, label);
    }
}
