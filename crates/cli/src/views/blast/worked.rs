//! The worked examples of `docs/blast-radius.md` and its table of rules, checked: what the document says is what Terrace does.

use std::fmt::Write;

use terrace_domain::blast::RULES;

use super::fixture::Fixture;

const DOCUMENT: &str = include_str!("../../../../../docs/blast-radius.md");

/// The fenced blocks of the document: what stands behind the fence, and the text.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut is_inside = false;
    for line in DOCUMENT.lines() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(head) => {
                is_inside = true;
                blocks.push((head.trim(), String::new()));
            }
            None if is_inside => {
                let (_, text) = blocks.last_mut().expect("a fence came before");
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn the_worked_examples_come_out_as_they_are_written() {
    let (mut estate, mut states, mut plans, mut checked) = (String::new(), String::new(), None, 0);
    let mut wrong = String::new();
    for (head, text) in blocks() {
        match head.split_once(' ').unwrap_or((head, "")) {
            ("estate", _) => estate = text,
            ("states", _) => states = text,
            ("plans", environment) => plans = Some((environment, text)),
            ("radius", _) => {
                let (environment, plans) = plans.take().expect("plans come before their radius");
                let fixture = Fixture::new(&estate).with_states(&states);
                let radius = fixture.radius(environment, &plans);
                let found = fixture.report(&radius).text();
                if found.trim_end() != text.trim_end() {
                    let _ = writeln!(wrong, "```plans {environment}\n{plans}```\n```radius\n{found}```");
                }
                checked += 1;
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "these come out otherwise than they are written:\n{wrong}");
    assert!(checked >= 5, "only {checked} examples were found");
}

#[test]
fn the_table_of_rules_is_the_formula() {
    let rows: Vec<&str> = DOCUMENT.lines().filter(|line| line.starts_with("| `")).collect();
    let stated: Vec<String> =
        RULES.iter().map(|rule| format!("| `{}` | {} | {} |", rule.name, rule.level, rule.condition)).collect();
    assert_eq!(rows, stated, "write:\n{}", stated.join("\n"));
}
