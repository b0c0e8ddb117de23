//! Writes `import` blocks of Terraform's language (Terraform language, "Import"), so that any address and any id stand for themselves. Owns the
//! text and which block is on which line. Never reads a file.

use serde_json::Value as Json;
use terrace_domain::state::hcl_string;
use terrace_domain::state::import::{ImportBy, Importable};

/// A file of import blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportBlocks {
    text: String,
    /// The first line of each block, from 1.
    starts: Vec<usize>,
}

impl ImportBlocks {
    /// One block for each of these, in their order. `identities`: whether the Terraform that reads them knows identities (since 1.12); they are
    /// preferred then.
    pub fn of(list: &[Importable], identities: bool) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        let mut line = 1;
        for one in list {
            let block = format!("import {{\n  to = {}\n{}}}\n", one.address, by(&one.by, identities));
            starts.push(line);
            line += block.lines().count();
            text.push_str(&block);
        }
        Self { text, starts }
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The position of the block that a line, counted from 1, is in.
    pub fn at_line(&self, line: u64) -> Option<usize> {
        let line = usize::try_from(line).ok()?;
        let (after, lines) = (self.starts.partition_point(|start| *start <= line), self.text.lines().count());
        if line > lines { None } else { after.checked_sub(1) }
    }
}

/// An override file by which Terraform plans no change of resources of a module: their attributes count as they are. `resources`: type and name
/// (Terraform language, "Override Files" and "The lifecycle Meta-Argument").
pub fn unchanged_override<'a>(resources: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let block = |(kind, name)| {
        format!(
            "resource {} {} {{\n  lifecycle {{\n    ignore_changes = all\n  }}\n}}\n",
            hcl_string(kind),
            hcl_string(name)
        )
    };
    resources.map(block).collect()
}

fn by(by: &ImportBy, identities: bool) -> String {
    match (&by.identity, &by.id) {
        (Some(identity), id) if identities || id.is_none() => {
            let attributes =
                identity.iter().map(|(name, value)| format!("    {} = {}\n", name_of(name), value_of(value)));
            format!("  identity = {{\n{}  }}\n", attributes.collect::<String>())
        }
        (_, id) => format!("  id = {}\n", hcl_string(id.as_deref().unwrap_or_default())),
    }
}

/// The name of an attribute in an object: in quotes where it is no identifier.
fn name_of(name: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_plain = name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit());
    if is_plain { name.to_owned() } else { hcl_string(name) }
}

fn value_of(value: &Json) -> String {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => hcl_string(text),
        Json::Array(items) => format!("[{}]", items.iter().map(value_of).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{} = {}", name_of(name), value_of(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use hcl_edit::expr::{Expression, TraversalOperator};
    use hcl_edit::structure::Body;
    use proptest::prelude::*;
    use serde_json::json;
    use terrace_domain::state::import::ImportList;

    use super::*;

    /// A state with one instance for each key and id.
    fn list(instances: &[(String, String)]) -> Vec<Importable> {
        let instances: Vec<_> =
            instances.iter().map(|(key, id)| json!({ "index_key": key, "attributes": { "id": id } })).collect();
        let resource = json!({ "mode": "managed", "module": "module.m[0]", "type": "aws_vpc", "name": "x", "instances": instances });
        let state = json!({ "version": 4, "serial": 1, "lineage": "l", "resources": [resource] });
        ImportList::read(state.to_string().as_bytes()).unwrap().importable
    }

    fn text_of(expression: &Expression) -> String {
        match expression {
            Expression::String(text) => text.value().clone(),
            // What is escaped in it makes it a template of one literal for the parser.
            Expression::StringTemplate(template) => {
                let literal = |element: &hcl_edit::template::Element| match element {
                    hcl_edit::template::Element::Literal(literal) => literal.value().clone(),
                    other => panic!("{other:?}"),
                };
                template.iter().map(literal).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The last key of the address and the id of each block, as a parser reads them.
    fn parsed(text: &str) -> Vec<(String, String)> {
        let body: Body = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        let block = |block: &hcl_edit::structure::Block| {
            assert_eq!(block.ident.as_str(), "import");
            let value = |name: &str| &block.body.get_attribute(name).unwrap().value;
            let Expression::Traversal(to) = value("to") else { panic!("{text}") };
            let TraversalOperator::Index(key) = to.operators.last().unwrap().value() else { panic!("{text}") };
            (text_of(key), text_of(value("id")))
        };
        body.get_blocks("import").map(block).collect()
    }

    /// Texts with much in them that means something to HCL.
    fn hard_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\"".to_owned()),
            Just("\\".to_owned()),
            Just("${".to_owned()),
            Just("%{".to_owned()),
            Just("$".to_owned()),
            Just("%".to_owned()),
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("]".to_owned()),
            any::<char>().prop_map(String::from),
            "[a-z0-9 ]{1,6}",
        ];
        proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn keys_and_ids_survive(instances in proptest::collection::btree_map(hard_text(), hard_text(), 1..5)) {
            let given: Vec<_> = instances.into_iter().collect();
            let blocks = ImportBlocks::of(&list(&given), false);
            let mut found = parsed(blocks.text());
            found.sort();
            prop_assert_eq!(found, given);
        }
    }

    #[test]
    fn an_override_is_read_as_it_is_meant() {
        let text = unchanged_override([("aws_vpc", "x"), ("aws_subnet", "y")].into_iter());
        let body: Body = text.parse().unwrap();
        let blocks: Vec<_> = body.get_blocks("resource").collect();
        assert_eq!(blocks.len(), 2);
        assert_eq!(
            blocks[1].labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect::<Vec<_>>(),
            ["aws_subnet", "y"]
        );
        let lifecycle = blocks[0].body.get_blocks("lifecycle").next().unwrap();
        let ignored = &lifecycle.body.get_attribute("ignore_changes").unwrap().value;
        assert!(matches!(ignored, Expression::Variable(name) if name.as_str() == "all"), "{ignored:?}");
    }

    #[test]
    fn a_line_leads_to_its_block() {
        let blocks = ImportBlocks::of(&list(&[("a".into(), "1".into()), ("b\nc".into(), "2".into())]), false);
        assert_eq!(
            blocks.text(),
            "import {\n  to = module.m[0].aws_vpc.x[\"a\"]\n  id = \"1\"\n}\n\
             import {\n  to = module.m[0].aws_vpc.x[\"b\\nc\"]\n  id = \"2\"\n}\n"
        );
        assert_eq!(
            [0, 1, 4, 5, 8, 9].map(|line| blocks.at_line(line)),
            [None, Some(0), Some(0), Some(1), Some(1), None]
        );
    }

    #[test]
    fn an_identity_is_preferred_where_it_is_known_or_all_there_is() {
        let mut list = list(&[("a".into(), "1".into())]);
        let identity = json!({ "arn": "a${b}", "odd name": 1, "tags": ["x", { "y": true }] });
        list[0].by.identity = identity.as_object().cloned();
        let with = "import {\n  to = module.m[0].aws_vpc.x[\"a\"]\n  identity = {\n    arn = \"a$${b}\"\n    \"odd name\" = 1\n    \
                    tags = [\"x\", { y = true }]\n  }\n}\n";
        let blocks = ImportBlocks::of(&list, true);
        assert_eq!(blocks.text(), with);
        with.parse::<Body>().unwrap();
        assert_eq!([7, 8, 9].map(|line| blocks.at_line(line)), [Some(0), Some(0), None]);
        assert!(ImportBlocks::of(&list, false).text().contains("id = \"1\""));
        list[0].by.id = None;
        assert_eq!(ImportBlocks::of(&list, false).text(), with);
    }
}
