//! Turns the parser's expressions into the domain's, so that the syntax tree, which is many times larger, can be dropped.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr as hcl;
use hcl_edit::template::{Directive, Element};
use terrace_domain::expression::{
    BinaryOperator, DEPTH_MAX, Expression, ExpressionKind as Kind, For, Span, SplatStep, UnaryOperator,
};
use terrace_domain::value::Value;

/// An expression is nested too deeply to be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep(pub Span);

type Lowered<T = Expression> = Result<T, TooDeep>;

/// Turns an expression into the domain's.
pub(crate) fn lower(expression: &hcl::Expression) -> Lowered {
    Lowering { depth: 0, around: Span::default() }.expression(expression)
}

/// The bytes that a part of the syntax covers.
pub(crate) fn span_of(part: &impl hcl_edit::Span) -> Span {
    part.span().map(to_span).unwrap_or_default()
}

fn to_span(range: Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(range.start), end: offset(range.end) }
}

struct Lowering {
    depth: usize,
    /// The span of the nearest expression around, for parts without one of their own.
    around: Span,
}

impl Lowering {
    fn deeper<T>(&mut self, levels: usize, work: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        // Half of what the evaluator takes: templates become calls, which adds levels of their own.
        if self.depth + levels > DEPTH_MAX / 2 {
            return Err(TooDeep(self.around));
        }
        self.depth += levels;
        let result = work(self);
        self.depth -= levels;
        result
    }

    fn expression(&mut self, expression: &hcl::Expression) -> Lowered {
        if let hcl::Expression::Parenthesis(inner) = expression {
            return self.deeper(1, |this| this.expression(inner.inner()));
        }
        let outside = self.around;
        self.around = expression.span().map_or(outside, to_span);
        let span = self.around;
        let kind = self.deeper(1, |this| this.kind(expression));
        self.around = outside;
        Ok(Expression { kind: kind?, span })
    }

    fn boxed(&mut self, expression: &hcl::Expression) -> Lowered<Box<Expression>> {
        self.expression(expression).map(Box::new)
    }

    fn all<'e>(&mut self, items: impl IntoIterator<Item = &'e hcl::Expression>) -> Lowered<Vec<Expression>> {
        items.into_iter().map(|item| self.expression(item)).collect()
    }

    fn kind(&mut self, expression: &hcl::Expression) -> Lowered<Kind> {
        Ok(match expression {
            hcl::Expression::Null(_) => Kind::Literal(Value::Null),
            hcl::Expression::Bool(known) => Kind::Literal(Value::Bool(*known.value())),
            hcl::Expression::Number(number) => Kind::Literal(number_value(number.value())),
            hcl::Expression::String(text) => Kind::Literal(text.as_str().into()),
            hcl::Expression::Array(items) => Kind::List(self.all(items.iter())?),
            hcl::Expression::Object(object) => self.object(object)?,
            hcl::Expression::StringTemplate(template) => self.string_template(template)?,
            hcl::Expression::HeredocTemplate(heredoc) => {
                Kind::Template(self.elements(heredoc.template.iter(), false, false)?)
            }
            hcl::Expression::Parenthesis(inner) => return self.kind(inner.inner()),
            hcl::Expression::Variable(name) => Kind::Variable(name.as_str().to_owned()),
            hcl::Expression::Conditional(parts) => Kind::Conditional(Box::new([
                self.expression(&parts.cond_expr)?,
                self.expression(&parts.true_expr)?,
                self.expression(&parts.false_expr)?,
            ])),
            hcl::Expression::FuncCall(call) => self.call(call)?,
            hcl::Expression::Traversal(traversal) => self.traversal(traversal)?,
            hcl::Expression::UnaryOp(unary) => {
                Kind::Unary(unary_operator(*unary.operator.value()), self.boxed(&unary.expr)?)
            }
            hcl::Expression::BinaryOp(binary) => Kind::Binary(
                binary_operator(*binary.operator.value()),
                Box::new([self.expression(&binary.lhs_expr)?, self.expression(&binary.rhs_expr)?]),
            ),
            hcl::Expression::ForExpr(each) => self.for_expression(each)?,
        })
    }

    fn object(&mut self, object: &hcl::Object) -> Lowered<Kind> {
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let key = match key {
                hcl::ObjectKey::Ident(name) => {
                    Expression { kind: Kind::Literal(name.as_str().into()), span: span_of(name) }
                }
                hcl::ObjectKey::Expression(key) => self.expression(key)?,
            };
            entries.push((key, self.expression(value.expr())?));
        }
        Ok(Kind::Object(entries))
    }

    fn call(&mut self, call: &hcl::FuncCall) -> Lowered<Kind> {
        let mut parts: Vec<&str> = call.name.namespace.iter().map(|part| part.as_str()).collect();
        parts.push(call.name.name.as_str());
        let arguments = self.all(call.args.iter())?;
        Ok(Kind::Call { name: parts.join("::"), arguments, expand_final: call.args.expand_final() })
    }

    fn for_expression(&mut self, each: &hcl::ForExpr) -> Lowered<Kind> {
        Ok(Kind::For(Box::new(For {
            key_name: each.intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
            value_name: each.intro.value_var.as_str().to_owned(),
            collection: self.expression(&each.intro.collection_expr)?,
            key: each.key_expr.as_ref().map(|key| self.expression(key)).transpose()?,
            value: self.expression(&each.value_expr)?,
            grouping: each.grouping,
            condition: each.cond.as_ref().map(|condition| self.expression(&condition.expr)).transpose()?,
        })))
    }

    /// Each step of a traversal goes around what is before it, so a long chain is a deep expression.
    fn traversal(&mut self, traversal: &hcl::Traversal) -> Lowered<Kind> {
        let base = self.deeper(traversal.operators.len(), |this| this.expression(&traversal.expr))?;
        let start = base.span.start;
        let mut so_far = base;
        let mut steps = traversal.operators.iter().peekable();
        while let Some(step) = steps.next() {
            let mut end = span_of(step).end;
            let before = Box::new(so_far);
            let kind = match step.value() {
                hcl::TraversalOperator::GetAttr(name) => Kind::Attribute(before, name.as_str().to_owned()),
                hcl::TraversalOperator::Index(key) => self.index(before, key)?,
                hcl::TraversalOperator::LegacyIndex(at) => {
                    Kind::Index(before, Box::new(position(*at.value(), span_of(step))))
                }
                splat @ (hcl::TraversalOperator::AttrSplat(_) | hcl::TraversalOperator::FullSplat(_)) => {
                    let full = matches!(splat, hcl::TraversalOperator::FullSplat(_));
                    let mut inner = Vec::new();
                    while let Some(next) = steps.next_if(|next| belongs_to_splat(next.value(), full)) {
                        end = span_of(next).end;
                        inner.push(self.splat_step(next.value(), span_of(next))?);
                    }
                    Kind::Splat(before, inner)
                }
            };
            so_far = Expression { kind, span: Span { start, end } };
        }
        Ok(so_far.kind)
    }

    /// `a["b"]` says the same as `a.b`, and is made the same.
    fn index(&mut self, base: Box<Expression>, key: &hcl::Expression) -> Lowered<Kind> {
        let key = self.expression(key)?;
        Ok(match key.kind {
            Kind::Literal(Value::String(name)) => Kind::Attribute(base, name),
            _ => Kind::Index(base, Box::new(key)),
        })
    }

    fn splat_step(&mut self, step: &hcl::TraversalOperator, span: Span) -> Lowered<SplatStep> {
        Ok(match step {
            hcl::TraversalOperator::GetAttr(name) => SplatStep::Attribute(name.as_str().to_owned()),
            hcl::TraversalOperator::Index(key) => SplatStep::Index(self.expression(key)?),
            hcl::TraversalOperator::LegacyIndex(at) => SplatStep::Index(position(*at.value(), span)),
            _ => unreachable!("a splat ends the splat before it"),
        })
    }

    /// A quoted template with one interpolation and nothing else is that value itself, of whatever type.
    fn string_template(&mut self, template: &hcl_edit::template::StringTemplate) -> Lowered<Kind> {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return Ok(self.expression(&only.expr)?.kind);
        }
        self.elements(template.iter(), false, false).map(Kind::Template)
    }

    /// The parts of a template. A `~` next to a literal takes the white space off that side; `trim_first` and `trim_last` say
    /// whether what is around the template has one.
    fn elements<'e>(
        &mut self,
        elements: impl Iterator<Item = &'e Element>,
        trim_first: bool,
        trim_last: bool,
    ) -> Lowered<Vec<Expression>> {
        let elements: Vec<&Element> = elements.collect();
        let mut parts = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let trim_start = if at == 0 { trim_first } else { strips(elements[at - 1]).1 };
                    let trim_end = elements.get(at + 1).map_or(trim_last, |next| strips(next).0);
                    let text = if trim_start { text.trim_start() } else { text.as_str() };
                    let text = if trim_end { text.trim_end() } else { text };
                    parts.push(Expression { kind: Kind::Literal(text.into()), span: span_of(*element) });
                }
                Element::Interpolation(interpolation) => parts.push(self.expression(&interpolation.expr)?),
                Element::Directive(directive) => {
                    let span = directive_span(directive);
                    let kind = self.deeper(3, |this| this.directive(directive, span))?;
                    parts.push(Expression { kind, span });
                }
            }
        }
        Ok(parts)
    }

    fn directive(&mut self, directive: &Directive, span: Span) -> Lowered<Kind> {
        let template = |parts| Expression { kind: Kind::Template(parts), span };
        match directive {
            Directive::If(choice) => {
                let then_end = choice
                    .else_expr
                    .as_ref()
                    .map_or(choice.endif_expr.strip, |otherwise| otherwise.strip)
                    .strip_start();
                let then = self.elements(choice.if_expr.template.iter(), choice.if_expr.strip.strip_end(), then_end)?;
                let otherwise = match &choice.else_expr {
                    None => Vec::new(),
                    Some(otherwise) => {
                        let end = choice.endif_expr.strip.strip_start();
                        self.elements(otherwise.template.iter(), otherwise.strip.strip_end(), end)?
                    }
                };
                let condition = self.expression(&choice.if_expr.cond_expr)?;
                Ok(Kind::Conditional(Box::new([condition, template(then), template(otherwise)])))
            }
            Directive::For(each) => {
                let head = &each.for_expr;
                let end = each.endfor_expr.strip.strip_start();
                let body = self.elements(head.template.iter(), head.strip.strip_end(), end)?;
                let repeated = For {
                    key_name: head.key_var.as_ref().map(|name| name.as_str().to_owned()),
                    value_name: head.value_var.as_str().to_owned(),
                    collection: self.expression(&head.collection_expr)?,
                    key: None,
                    value: template(body),
                    grouping: false,
                    condition: None,
                };
                let arguments = vec![
                    Expression { kind: Kind::Literal("".into()), span },
                    Expression { kind: Kind::For(Box::new(repeated)), span },
                ];
                Ok(Kind::Call { name: "join".to_owned(), arguments, expand_final: false })
            }
        }
    }
}

fn directive_span(directive: &Directive) -> Span {
    match directive {
        Directive::If(choice) => span_of(choice),
        Directive::For(each) => span_of(each),
    }
}

/// Whether an element takes white space off the literal before it, and off the one after it.
fn strips(element: &Element) -> (bool, bool) {
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(interpolation) => (interpolation.strip.strip_start(), interpolation.strip.strip_end()),
        Element::Directive(directive) => match &**directive {
            Directive::If(choice) => (choice.if_expr.strip.strip_start(), choice.endif_expr.strip.strip_end()),
            Directive::For(each) => (each.for_expr.strip.strip_start(), each.endfor_expr.strip.strip_end()),
        },
    }
}

/// `a.*` takes only attributes with it, `a[*]` all that follows (HCL native syntax specification, "Splat Operators").
fn belongs_to_splat(step: &hcl::TraversalOperator, full: bool) -> bool {
    match step {
        hcl::TraversalOperator::GetAttr(_) => true,
        hcl::TraversalOperator::Index(_) | hcl::TraversalOperator::LegacyIndex(_) => full,
        hcl::TraversalOperator::AttrSplat(_) | hcl::TraversalOperator::FullSplat(_) => false,
    }
}

fn position(at: u64, span: Span) -> Expression {
    Expression { kind: Kind::Literal(Value::Number(at.into())), span }
}

fn number_value(number: &hcl_edit::Number) -> Value {
    let json = if let Some(integer) = number.as_i64() {
        integer.into()
    } else if let Some(integer) = number.as_u64() {
        integer.into()
    } else {
        return number.as_f64().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number);
    };
    Value::Number(json)
}

fn unary_operator(operator: hcl::UnaryOperator) -> UnaryOperator {
    match operator {
        hcl::UnaryOperator::Neg => UnaryOperator::Negate,
        hcl::UnaryOperator::Not => UnaryOperator::Not,
    }
}

fn binary_operator(operator: hcl::BinaryOperator) -> BinaryOperator {
    match operator {
        hcl::BinaryOperator::Eq => BinaryOperator::Equal,
        hcl::BinaryOperator::NotEq => BinaryOperator::NotEqual,
        hcl::BinaryOperator::LessEq => BinaryOperator::LessOrEqual,
        hcl::BinaryOperator::GreaterEq => BinaryOperator::GreaterOrEqual,
        hcl::BinaryOperator::Less => BinaryOperator::Less,
        hcl::BinaryOperator::Greater => BinaryOperator::Greater,
        hcl::BinaryOperator::Plus => BinaryOperator::Add,
        hcl::BinaryOperator::Minus => BinaryOperator::Subtract,
        hcl::BinaryOperator::Mul => BinaryOperator::Multiply,
        hcl::BinaryOperator::Div => BinaryOperator::Divide,
        hcl::BinaryOperator::Mod => BinaryOperator::Modulo,
        hcl::BinaryOperator::And => BinaryOperator::And,
        hcl::BinaryOperator::Or => BinaryOperator::Or,
    }
}
