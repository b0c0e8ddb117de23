//! Compares expressions by what they say, wherever they stand in their files.

use super::{Expression, ExpressionKind as Kind, For, SplatStep};

impl Expression {
    /// Whether both say the same, places apart.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Literal(a), Kind::Literal(b)) => a == b,
            (Kind::Variable(a), Kind::Variable(b)) => a == b,
            (Kind::Template(a), Kind::Template(b)) | (Kind::List(a), Kind::List(b)) => all_same(a, b),
            (Kind::Object(a), Kind::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0.is_same(&b.0) && a.1.is_same(&b.1))
            }
            (Kind::Attribute(a, left), Kind::Attribute(b, right)) => left == right && a.is_same(b),
            (Kind::Index(a, left), Kind::Index(b, right)) => a.is_same(b) && left.is_same(right),
            (Kind::Splat(a, left), Kind::Splat(b, right)) => {
                a.is_same(b) && left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same_step(a, b))
            }
            (
                Kind::Call { name, arguments, expand_final },
                Kind::Call { name: name_b, arguments: arguments_b, expand_final: expand_b },
            ) => name == name_b && expand_final == expand_b && all_same(arguments, arguments_b),
            (Kind::Conditional(a), Kind::Conditional(b)) => all_same(&a[..], &b[..]),
            (Kind::Unary(left, a), Kind::Unary(right, b)) => left == right && a.is_same(b),
            (Kind::Binary(left, a), Kind::Binary(right, b)) => left == right && all_same(&a[..], &b[..]),
            (Kind::For(a), Kind::For(b)) => same_for(a, b),
            _ => false,
        }
    }
}

fn all_same(a: &[Expression], b: &[Expression]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

fn same_option(a: Option<&Expression>, b: Option<&Expression>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is_same(b),
        (None, None) => true,
        _ => false,
    }
}

fn same_step(a: &SplatStep, b: &SplatStep) -> bool {
    match (a, b) {
        (SplatStep::Attribute(a), SplatStep::Attribute(b)) => a == b,
        (SplatStep::Index(a), SplatStep::Index(b)) => a.is_same(b),
        _ => false,
    }
}

fn same_for(a: &For, b: &For) -> bool {
    a.key_name == b.key_name
        && a.value_name == b.value_name
        && a.grouping == b.grouping
        && a.collection.is_same(&b.collection)
        && a.value.is_same(&b.value)
        && same_option(a.key.as_ref(), b.key.as_ref())
        && same_option(a.condition.as_ref(), b.condition.as_ref())
}
