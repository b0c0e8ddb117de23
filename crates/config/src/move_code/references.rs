//! Finds what Terraform code refers to, each with its place (Terraform language, "References to Named Values"). Owns which words are references;
//! never decides what becomes of them.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ForExpr, Traversal, TraversalOperator};
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::template::ForTemplateExpr;
use hcl_edit::visit::{self, Visit};

/// A reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What it refers to: `var.x`, `local.x`, `data.TYPE.NAME`, `module.NAME`, `TYPE.NAME`, `path.module`.
    pub key: String,
    /// Where that is named.
    pub named: Range<usize>,
    /// The names and fixed indices that follow, as far as they are fixed.
    pub attributes: Vec<String>,
    /// From the first word to the end of those.
    pub fixed: Range<usize>,
    /// Whether what follows then is an index that is computed.
    pub computed: bool,
    /// The blocks and the argument around it: `lifecycle.replace_triggered_by`.
    pub argument: String,
}

/// All references of a block's body, in order of place.
pub(super) fn in_body(body: &Body) -> Vec<Found> {
    let mut walker = Walker::default();
    walker.visit_body(body);
    walker.sorted()
}

/// All references of an expression, in order of place.
pub(super) fn in_expression(expression: &Expression) -> Vec<Found> {
    let mut walker = Walker::default();
    walker.visit_expr(expression);
    walker.sorted()
}

#[derive(Default)]
struct Walker {
    found: Vec<Found>,
    around: Vec<String>,
    bound: Vec<String>,
}

impl Walker {
    fn sorted(mut self) -> Vec<Found> {
        self.found.sort_by_key(|found| found.named.start);
        self.found
    }

    fn binding(&mut self, names: impl Iterator<Item = String>, work: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        self.bound.extend(names);
        work(self);
        self.bound.truncate(before);
    }

    fn note(&mut self, traversal: &Traversal) {
        let Expression::Variable(root) = &traversal.expr else { return };
        let root_name = root.as_str();
        if self.bound.iter().any(|bound| bound == root_name) {
            return;
        }
        let words = match root_name {
            "each" | "count" | "self" | "terraform" => return,
            "data" | "ephemeral" => 2,
            _ => 1,
        };
        let (Some(start), names) = (root.span().map(|span| span.start), &traversal.operators) else { return };
        let mut key = root_name.to_owned();
        let mut end = start;
        for operator in names.iter().take(words) {
            let TraversalOperator::GetAttr(name) = operator.value() else { return };
            key = format!("{key}.{}", name.as_str());
            end = operator.span().map_or(end, |span| span.end);
        }
        if names.len() < words {
            return;
        }
        let mut found = Found {
            key,
            named: start..end,
            attributes: Vec::new(),
            fixed: start..end,
            computed: false,
            argument: self.around.join("."),
        };
        for operator in &names[words..] {
            let Some(name) = fixed(operator.value()) else {
                found.computed = true;
                break;
            };
            found.attributes.push(name);
            found.fixed.end = operator.span().map_or(found.fixed.end, |span| span.end);
        }
        self.found.push(found);
    }
}

/// A step that is the same for every instance of what refers.
fn fixed(operator: &TraversalOperator) -> Option<String> {
    Some(match operator {
        TraversalOperator::GetAttr(name) => name.as_str().to_owned(),
        TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => String::new(),
        TraversalOperator::LegacyIndex(at) => at.to_string(),
        TraversalOperator::Index(Expression::Number(at)) => at.value().to_string(),
        TraversalOperator::Index(Expression::String(key)) => key.as_str().to_owned(),
        TraversalOperator::Index(_) => return None,
    })
}

impl Visit for Walker {
    fn visit_attr(&mut self, attribute: &Attribute) {
        self.around.push(attribute.key.as_str().to_owned());
        visit::visit_attr(self, attribute);
        self.around.pop();
    }

    fn visit_block(&mut self, block: &Block) {
        self.around.push(block.ident.as_str().to_owned());
        visit::visit_block(self, block);
        self.around.pop();
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        self.note(traversal);
        visit::visit_traversal(self, traversal);
    }

    fn visit_for_expr(&mut self, expression: &ForExpr) {
        let intro = &expression.intro;
        self.visit_expr(&intro.collection_expr);
        let names = intro.key_var.iter().map(|name| name.as_str()).chain([intro.value_var.as_str()]);
        let names: Vec<String> = names.map(str::to_owned).collect();
        self.binding(names.into_iter(), |walker| {
            expression.key_expr.iter().for_each(|key| walker.visit_expr(key));
            walker.visit_expr(&expression.value_expr);
            expression.cond.iter().for_each(|cond| walker.visit_for_cond(cond));
        });
    }

    // The default passes over the collection.
    fn visit_for_template_expr(&mut self, expression: &ForTemplateExpr) {
        self.visit_expr(&expression.collection_expr);
        let names = expression.key_var.iter().map(|name| name.as_str()).chain([expression.value_var.as_str()]);
        let names: Vec<String> = names.map(str::to_owned).collect();
        self.binding(names.into_iter(), |walker| walker.visit_template(&expression.template));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_with_what_is_fixed_of_them() {
        let text = r#"
a = [for net in aws_net.x : net.id if var.on]
b = "${aws_net.y["k"].id}-%{for n in local.names}${n.z}${data.aws_zone.z.name}%{endfor}"
c = aws_net.z[count.index].id
d = module.m.out[*].id
lifecycle {
  replace_triggered_by = [aws_net.w]
}
e = { (var.key) = each.value.q, f = upper(path.module) }
"#;
        let body: Body = text.parse().unwrap();
        let shown: Vec<_> = in_body(&body)
            .into_iter()
            .map(|found| {
                let computed = if found.computed { " computed" } else { "" };
                format!("{} in {}: {}{computed}", found.key, found.argument, &text[found.fixed])
            })
            .collect();
        assert_eq!(
            shown,
            [
                "aws_net.x in a: aws_net.x",
                "var.on in a: var.on",
                r#"aws_net.y in b: aws_net.y["k"].id"#,
                "local.names in b: local.names",
                "data.aws_zone.z in b: data.aws_zone.z.name",
                "aws_net.z in c: aws_net.z computed",
                "module.m in d: module.m.out[*].id",
                "aws_net.w in lifecycle.replace_triggered_by: aws_net.w",
                "var.key in e: var.key",
                "path.module in e: path.module",
            ]
        );
    }
}
