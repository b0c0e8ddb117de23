//! Finds what an expression refers to, without evaluating it. Knows which names a `for` binds.

use super::{Expression, ExpressionKind, For, Reference, ReferenceTarget, SplatStep};

/// All references of an expression, in order of place.
pub fn references(expression: &Expression) -> Vec<Reference> {
    let mut walker = Walker { bound: Vec::new(), found: Vec::new() };
    walker.walk(expression);
    walker.found.sort_by_key(|reference| (reference.span.start, reference.span.end));
    walker.found
}

/// What an expression refers to when it is a reference as a whole, with the root word that a `for` may have bound.
pub(super) fn target_of(expression: &Expression) -> Option<(&str, ReferenceTarget)> {
    match &expression.kind {
        ExpressionKind::Variable(root) => {
            let target = match root.as_str() {
                "env" => ReferenceTarget::Environment(None),
                other => ReferenceTarget::Unknown(other.to_owned()),
            };
            Some((root, target))
        }
        ExpressionKind::Attribute(base, name) => attribute_target(base, name),
        _ => None,
    }
}

fn attribute_target<'e>(base: &'e Expression, name: &str) -> Option<(&'e str, ReferenceTarget)> {
    match &base.kind {
        ExpressionKind::Variable(root) => {
            let target = match root.as_str() {
                "stack" if is_own(name) => ReferenceTarget::Own(name.to_owned()),
                "stack" => ReferenceTarget::Stack { name: name.to_owned(), output: None },
                "env" => ReferenceTarget::Environment(Some(name.to_owned())),
                "estate" => ReferenceTarget::Estate(name.to_owned()),
                "output" => ReferenceTarget::Output(name.to_owned()),
                _ => return None,
            };
            Some((root, target))
        }
        ExpressionKind::Attribute(root, stack) if !is_own(stack) => match &root.kind {
            ExpressionKind::Variable(root) if root == "stack" => {
                Some((root, ReferenceTarget::Stack { name: stack.clone(), output: Some(name.to_owned()) }))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The words that `stack.` takes for the stack itself; no stack can have such a name.
pub const OWN_ATTRIBUTES: [&str; 2] = ["name", "path"];

fn is_own(name: &str) -> bool {
    OWN_ATTRIBUTES.contains(&name)
}

struct Walker<'e> {
    bound: Vec<&'e str>,
    found: Vec<Reference>,
}

impl<'e> Walker<'e> {
    fn walk(&mut self, expression: &'e Expression) {
        if let Some((root, target)) = target_of(expression) {
            if !self.bound.contains(&root) {
                self.found.push(Reference { target, span: expression.span });
            }
            return;
        }
        match &expression.kind {
            ExpressionKind::Literal(_) | ExpressionKind::Variable(_) => {}
            ExpressionKind::Template(items) | ExpressionKind::List(items) => self.walk_all(items),
            ExpressionKind::Call { arguments, .. } => self.walk_all(arguments),
            ExpressionKind::Object(entries) => {
                for (key, value) in entries {
                    self.walk(key);
                    self.walk(value);
                }
            }
            ExpressionKind::Attribute(base, _) | ExpressionKind::Unary(_, base) => self.walk(base),
            ExpressionKind::Index(base, key) => {
                self.walk(base);
                self.walk(key);
            }
            ExpressionKind::Splat(base, steps) => {
                self.walk(base);
                for step in steps {
                    if let SplatStep::Index(key) = step {
                        self.walk(key);
                    }
                }
            }
            ExpressionKind::Conditional(parts) => self.walk_all(&**parts),
            ExpressionKind::Binary(_, sides) => self.walk_all(&**sides),
            ExpressionKind::For(each) => self.walk_for(each),
        }
    }

    fn walk_all(&mut self, expressions: &'e [Expression]) {
        for expression in expressions {
            self.walk(expression);
        }
    }

    fn walk_for(&mut self, each: &'e For) {
        self.walk(&each.collection);
        let outer = self.bound.len();
        self.bound.extend(each.key_name.as_deref());
        self.bound.push(&each.value_name);
        for part in [each.key.as_ref(), Some(&each.value), each.condition.as_ref()].into_iter().flatten() {
            self.walk(part);
        }
        self.bound.truncate(outer);
    }
}
