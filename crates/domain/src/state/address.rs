//! How Terraform writes the address of a resource's instance: module path, type, name and key. Owns that writing, and how a text becomes a
//! string of HCL.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Deserialize;

/// What tells the instances of a resource apart: a number with `count`, a text with `for_each`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Key<'a> {
    Number(serde_json::Number),
    Text(#[serde(borrow)] Cow<'a, str>),
}

/// The address of a resource without the key of an instance.
pub(super) fn of_resource(module: Option<&str>, kind: &str, name: &str) -> String {
    module.map_or_else(|| format!("{kind}.{name}"), |module| format!("{module}.{kind}.{name}"))
}

/// The address of an instance.
pub(super) fn of_instance(resource: &str, key: Option<&Key<'_>>) -> String {
    match key {
        None => resource.to_owned(),
        Some(Key::Number(number)) => format!("{resource}[{number}]"),
        Some(Key::Text(text)) => format!("{resource}[{}]", hcl_string(text)),
    }
}

/// An address without the keys of instances, of modules and of the resource: what the code calls it.
pub fn without_keys(address: &str) -> String {
    let (mut plain, mut characters) = (String::with_capacity(address.len()), address.chars());
    let (mut in_key, mut in_quotes) = (false, false);
    while let Some(character) = characters.next() {
        match (in_key, in_quotes, character) {
            (false, _, '[') => in_key = true,
            (false, _, other) => plain.push(other),
            // What is escaped ends nothing.
            (true, true, '\\') => drop(characters.next()),
            (true, _, '"') => in_quotes = !in_quotes,
            (true, false, ']') => in_key = false,
            (true, ..) => {}
        }
    }
    plain
}

/// The type of the resource with an address: `aws_vpc` of `module.net["a"].aws_vpc.main[0]`. Empty where the text is no address.
pub fn resource_type(address: &str) -> String {
    let plain = without_keys(address);
    let mut parts = plain.rsplit('.');
    parts.nth(1).unwrap_or_default().to_owned()
}

/// A text as a string of HCL that stands for just this text: nothing in it begins an expression. What does not print is escaped, as Terraform
/// does in addresses (HCL native syntax specification, "Template Expressions").
pub fn hcl_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '$' | '%' if characters.peek() == Some(&'{') => quoted.extend([character, character]),
            ' ' => quoted.push(' '),
            other if !other.is_control() && !other.is_whitespace() => quoted.push(other),
            other => {
                let code = u32::from(other);
                let _ = if code > 0xffff { write!(quoted, "\\U{code:08x}") } else { write!(quoted, "\\u{code:04x}") };
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_off() {
        assert_eq!(without_keys("a.b"), "a.b");
        assert_eq!(without_keys(r#"module.m["x]\"[.y"].module.n[0].a.b["c"]"#), "module.m.module.n.a.b");
    }

    #[test]
    fn an_address_names_its_type() {
        assert_eq!(resource_type("aws_vpc.main"), "aws_vpc");
        assert_eq!(resource_type(r#"module.net["a.b"].aws_vpc.main["c.d"]"#), "aws_vpc");
        assert_eq!(resource_type("aws_vpc"), "");
    }

    #[test]
    fn strings_stand_for_themselves() {
        assert_eq!(hcl_string(r#"a "b" \ c"#), r#""a \"b\" \\ c""#);
        assert_eq!(hcl_string("${x} %{if} $x $${y}"), r#""$${x} %%{if} $x $$${y}""#);
        assert_eq!(hcl_string("a\nb\r\tc\u{8}\u{a0}ü"), "\"a\\nb\\r\\tc\\u0008\\u00a0ü\"");
    }
}
