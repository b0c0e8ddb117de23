//! Which instance a refusal of an import is about. Terraform names a line of the file with the import blocks, or the address; providers often
//! name nothing but the id. Owns that reading, and never guesses where an id could be of several.

use super::Importable;
use crate::run::TerraformDiagnostic;

/// What a diagnostic is about, by positions in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blame {
    /// Nothing of the list, as far as one can tell.
    Nobody,
    /// This one.
    Certain(usize),
    /// One of these, or several: they have the same id.
    Suspected(Vec<usize>),
}

/// What a diagnostic is about. `block`: the instance whose import block it names by its line.
pub fn blame(diagnostic: &TerraformDiagnostic, block: Option<usize>, list: &[Importable]) -> Blame {
    if let Some(at) = block.filter(|at| *at < list.len()) {
        return Blame::Certain(at);
    }
    if let Some(address) = &diagnostic.address {
        return list.iter().position(|one| one.address == *address).map_or(Blame::Nobody, Blame::Certain);
    }
    let says = |text: &str| names(&diagnostic.summary, text) || names(&diagnostic.detail, text);
    let by_address: Vec<_> = positions(list, |one| says(&one.address));
    if let [only] = by_address[..] {
        return Blame::Certain(only);
    }
    let mut by_id = positions(list, |one| one.by.id.as_deref().is_some_and(says));
    if by_id.len() > 1 {
        let typed: Vec<_> = by_id.iter().copied().filter(|at| says(&list[*at].kind)).collect();
        if !typed.is_empty() {
            by_id = typed;
        }
    }
    match by_id[..] {
        [] => Blame::Nobody,
        [only] => Blame::Certain(only),
        _ => Blame::Suspected(by_id),
    }
}

fn positions(list: &[Importable], test: impl Fn(&Importable) -> bool) -> Vec<usize> {
    list.iter().enumerate().filter(|(_, one)| test(one)).map(|(at, _)| at).collect()
}

/// Whether a text names another: it is there, and no part of a longer word.
fn names(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "-_/[".contains(c);
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            // A point ends a sentence, or goes on in an address.
            let goes_on = after.strip_prefix('.').unwrap_or(after).starts_with(is_word);
            !before.ends_with(|c: char| is_word(c) || c == '.') && !goes_on
        })
}

#[cfg(test)]
mod tests {
    use super::super::ImportBy;
    use super::*;

    fn list() -> Vec<Importable> {
        let one = |address: &str, id: &str| Importable {
            address: address.to_owned(),
            kind: address.split('.').next().unwrap().to_owned(),
            provider: String::new(),
            by: ImportBy { id: Some(id.to_owned()), identity: None },
            depends_on: std::collections::BTreeSet::new(),
        };
        vec![
            one("aws_vpc.a", "vpc-1"),
            one("aws_vpc.a2", "vpc-12"),
            one("aws_s3_bucket.b", "store"),
            one("aws_s3_bucket_acl.b", "store"),
        ]
    }

    fn blamed(summary: &str, detail: &str) -> Blame {
        let diagnostic = TerraformDiagnostic {
            is_error: true,
            summary: summary.to_owned(),
            detail: detail.to_owned(),
            address: None,
            file: None,
            line: None,
            code: None,
        };
        blame(&diagnostic, None, &list())
    }

    #[test]
    fn addresses_and_ids_are_found_as_whole_words() {
        assert_eq!(blamed("Cannot import", "While importing \"aws_vpc.a\", nothing."), Blame::Certain(0));
        assert_eq!(blamed("reading VPC (vpc-12): no", ""), Blame::Certain(1));
        assert_eq!(blamed("there is no `vpc-1`", ""), Blame::Certain(0));
        assert_eq!(blamed("there is no vpc-1.", ""), Blame::Certain(0));
        assert_eq!(blamed("there is no vpc-1234", "nor module.x.aws_vpc.a"), Blame::Nobody);
        assert_eq!(blamed("no credentials", ""), Blame::Nobody);
    }

    #[test]
    fn one_id_of_several_types_is_told_apart_by_the_type_or_not_at_all() {
        assert_eq!(blamed("reading aws_s3_bucket_acl (store): no", ""), Blame::Certain(3));
        assert_eq!(blamed("reading (store): no", ""), Blame::Suspected(vec![2, 3]));
    }

    #[test]
    fn a_line_and_an_address_go_before_words() {
        let mut diagnostic = TerraformDiagnostic {
            is_error: true,
            summary: "vpc-1".to_owned(),
            detail: String::new(),
            address: Some("aws_vpc.a2".to_owned()),
            file: None,
            line: None,
            code: None,
        };
        assert_eq!(blame(&diagnostic, Some(2), &list()), Blame::Certain(2));
        assert_eq!(blame(&diagnostic, None, &list()), Blame::Certain(1));
        diagnostic.address = Some("aws_vpc.elsewhere".to_owned());
        assert_eq!(blame(&diagnostic, None, &list()), Blame::Nobody);
    }
}
