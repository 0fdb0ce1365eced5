//! Expressions.

use oxc_ast::ast::{
    Argument as Given, ArrayExpression, ArrayExpressionElement, AssignmentExpression, BigIntLiteral, BinaryExpression,
    CallExpression, ChainElement, ComputedMemberExpression, Expression, IdentifierReference, ImportExpression,
    LogicalExpression, MemberExpression, NewExpression, NumericLiteral, ObjectExpression, ObjectProperty,
    ObjectPropertyKind, PropertyKind, StringLiteral, TaggedTemplateExpression, TemplateLiteral, UnaryExpression,
};
use oxc_ast::ast::{AssignmentOperator, BinaryOperator, UnaryOperator};
use oxc_span::{GetSpan as _, Span};

use super::Lowering;
use super::functions::Head;
use crate::facts::builder::{Binding, Builder};
use crate::facts::javascript::{called, got};
use crate::facts::statements::Comparing;
use crate::facts::{Argument, Binary, Entry, ExprId, Kind, OPAQUE, Role, Spread, Unary};

/// The largest whole number of a float that is exact.
const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

impl Lowering<'_> {
    pub(super) fn expression(&mut self, expression: &Expression<'_>) -> ExprId {
        if self.is_full() {
            return OPAQUE;
        }
        match seen_through(expression) {
            Expression::Identifier(name) => self.identifier(name),
            Expression::StringLiteral(text) => self.string(text),
            Expression::NumericLiteral(number) => self.number(number),
            Expression::BigIntLiteral(number) => self.big_integer(number),
            Expression::BooleanLiteral(literal) => self.expr(Kind::Bool(literal.value), literal.span),
            Expression::NullLiteral(literal) => self.expr(Kind::Null, literal.span),
            Expression::StaticMemberExpression(member) => {
                self.attribute_of(&member.object, &member.property.name, member.span)
            }
            Expression::ComputedMemberExpression(member) => self.subscript(member),
            Expression::PrivateFieldExpression(member) => {
                let name = format!("#{}", member.field.name);
                self.attribute_of(&member.object, &name, member.span)
            }
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => self.new_object(new),
            Expression::BinaryExpression(binary) => self.binary(binary),
            Expression::LogicalExpression(logical) => self.logical(logical),
            Expression::UnaryExpression(unary) => self.unary(unary),
            Expression::AssignmentExpression(assignment) => self.assignment(assignment),
            Expression::FunctionExpression(function) => self.function_expression(function),
            Expression::ArrowFunctionExpression(arrow) => self.arrow(arrow),
            Expression::ObjectExpression(object) => self.object(object),
            Expression::ArrayExpression(array) => self.array(array),
            Expression::TemplateLiteral(template) => self.template(template, false),
            Expression::ThisExpression(this) => self.this(this.span),
            expression => self.expression_more(expression),
        }
    }

    fn expression_more(&mut self, expression: &Expression<'_>) -> ExprId {
        match expression {
            Expression::ConditionalExpression(conditional) => {
                self.condition(&conditional.test);
                let either = [self.expression(&conditional.consequent), self.expression(&conditional.alternate)];
                let either = self.builder.list(either);
                self.expr(Kind::Choice(either), conditional.span)
            }
            Expression::SequenceExpression(sequence) => {
                let mut last = OPAQUE;
                for one in &sequence.expressions {
                    self.builder.role(last, Role::Unused);
                    last = self.expression(one);
                }
                last
            }
            Expression::UpdateExpression(update) => {
                let target = self.simple_target(&update.argument);
                self.builder.role(target, Role::Target);
                OPAQUE
            }
            Expression::ClassExpression(class) => self.class(class),
            Expression::TaggedTemplateExpression(tagged) => self.tagged(tagged),
            Expression::ChainExpression(chain) => self.chain(&chain.expression),
            Expression::ImportExpression(import) => self.import_expression(import),
            // A function or class, whichever it is: `new.target.constructor` is `Function`.
            Expression::NewTarget(target) => self.name("Class?", target.span),
            Expression::ImportMeta(meta) => self.name("import.meta", meta.span),
            Expression::JSXElement(element) => self.element(element),
            Expression::JSXFragment(fragment) => {
                self.children(&fragment.children);
                OPAQUE
            }
            Expression::PrivateInExpression(within) => {
                self.condition(&within.right);
                OPAQUE
            }
            Expression::V8IntrinsicExpression(call) => {
                self.given(&call.arguments);
                OPAQUE
            }
            // What is sent back in is not known.
            Expression::YieldExpression(given) => {
                let value = given.argument.as_ref().map_or(OPAQUE, |value| self.expression(value));
                self.builder.yields(value, given.delegate);
                OPAQUE
            }
            Expression::RegExpLiteral(literal) => {
                let flags = literal.regex.flags.to_string();
                let place = self.place(literal.span);
                self.builder.pattern(&literal.regex.pattern.text, &flags, place)
            }
            // `import.meta` and `super`.
            _ => OPAQUE,
        }
    }

    fn identifier(&mut self, name: &IdentifierReference<'_>) -> ExprId {
        match name.name.as_str() {
            "undefined" => self.expr(Kind::Undefined, name.span),
            text => self.name(text, name.span),
        }
    }

    pub(super) fn string(&mut self, text: &StringLiteral<'_>) -> ExprId {
        let place = self.place(text.span);
        self.builder.facts.strings.push(place);
        self.expr(Kind::Text(text.value.as_str().into()), text.span)
    }

    fn number(&mut self, number: &NumericLiteral<'_>) -> ExprId {
        let kind = match number.value {
            #[expect(clippy::cast_possible_truncation, reason = "whole and exact")]
            whole if whole.fract() == 0.0 && whole <= EXACT_MAX => Kind::Int(whole as i64),
            float => Kind::Float(float),
        };
        self.expr(kind, number.span)
    }

    fn big_integer(&mut self, number: &BigIntLiteral<'_>) -> ExprId {
        let kind = number.value.parse().map_or(Kind::Opaque, Kind::Int);
        self.expr(kind, number.span)
    }

    /// `this` is the global object at the top level, and an object of the class inside of one.
    pub(super) fn this(&mut self, span: Span) -> ExprId {
        let kind = match self.builder.facts.class_around(self.builder.scope) {
            Some(class) => Kind::Instance(class),
            None => Kind::This,
        };
        self.expr(kind, span)
    }

    pub(super) fn member(&mut self, member: &MemberExpression<'_>) -> ExprId {
        match member {
            MemberExpression::StaticMemberExpression(member) => {
                self.attribute_of(&member.object, &member.property.name, member.span)
            }
            MemberExpression::ComputedMemberExpression(member) => self.subscript(member),
            MemberExpression::PrivateFieldExpression(member) => {
                self.attribute_of(&member.object, &format!("#{}", member.field.name), member.span)
            }
        }
    }

    fn attribute_of(&mut self, object: &Expression<'_>, name: &str, span: Span) -> ExprId {
        let object = self.expression(object);
        self.builder.role(object, Role::Object);
        let name = self.intern(name);
        self.expr(Kind::Attribute { object, name }, span)
    }

    /// `a["b"]` is `a.b`.
    fn subscript(&mut self, member: &ComputedMemberExpression<'_>) -> ExprId {
        let (object, index) = (self.expression(&member.object), self.expression(&member.expression));
        self.builder.role(object, Role::Object);
        let kind = match self.builder.facts.kind(index).clone() {
            Kind::Text(text) => Kind::Attribute { object, name: self.intern(&text) },
            _ => Kind::Subscript { object, index },
        };
        self.expr(kind, member.span)
    }

    fn chain(&mut self, element: &ChainElement<'_>) -> ExprId {
        match element {
            ChainElement::CallExpression(call) => self.call(call),
            ChainElement::TSNonNullExpression(inner) => self.expression(&inner.expression),
            element => element.as_member_expression().map_or(OPAQUE, |member| self.member(member)),
        }
    }

    fn call(&mut self, call: &CallExpression<'_>) -> ExprId {
        let callee = match &call.callee {
            Expression::Super(word) => self.super_class(word.span),
            callee => self.expression(callee),
        };
        let arguments = self.given(&call.arguments);
        self.called(callee, arguments, call.span)
    }

    fn new_object(&mut self, new: &NewExpression<'_>) -> ExprId {
        let callee = self.expression(&new.callee);
        let arguments = self.given(&new.arguments);
        self.called(callee, arguments, new.span)
    }

    fn called(&mut self, callee: ExprId, arguments: Vec<Argument>, span: Span) -> ExprId {
        called(&mut self.builder, callee, &arguments);
        let place = self.place(span);
        self.builder.call(place, callee, arguments)
    }

    /// `super(…)` calls what the class extends.
    fn super_class(&mut self, span: Span) -> ExprId {
        let Some(&base) = self.bases.last() else { return OPAQUE };
        let either = self.builder.list([base]);
        let base = self.expr(Kind::Choice(either), span);
        self.builder.role(base, Role::Synthetic);
        base
    }

    fn given(&mut self, arguments: &[Given<'_>]) -> Vec<Argument> {
        let mut list = Vec::with_capacity(arguments.len());
        for argument in arguments {
            list.push(match argument {
                Given::SpreadElement(spread) => {
                    let value = self.expression(&spread.argument);
                    Argument { keyword: None, value, spread: Spread::Positional }
                }
                argument => {
                    let value = argument.as_expression().map_or(OPAQUE, |argument| self.expression(argument));
                    Builder::positional(value)
                }
            });
        }
        list
    }

    fn import_expression(&mut self, import: &ImportExpression<'_>) -> ExprId {
        const WORD: &str = "import";
        let end = import.span.start.saturating_add(6);
        let callee = self.name(WORD, Span::new(import.span.start, end));
        let mut arguments = vec![Builder::positional(self.expression(&import.source))];
        if let Some(options) = &import.options {
            arguments.push(Builder::positional(self.expression(options)));
        }
        self.called(callee, arguments, import.span)
    }

    /// A tagged template is a call of its tag; that of `String.raw` is taken as it is written.
    fn tagged(&mut self, tagged: &TaggedTemplateExpression<'_>) -> ExprId {
        let callee = self.expression(&tagged.tag);
        let raw = match *self.builder.facts.kind(callee) {
            Kind::Attribute { name, .. } => self.builder.facts.text(name) == "raw",
            _ => false,
        };
        let template = self.template(&tagged.quasi, raw);
        self.called(callee, vec![Builder::positional(template)], tagged.span)
    }

    fn template(&mut self, template: &TemplateLiteral<'_>, raw: bool) -> ExprId {
        let place = self.place(template.span);
        self.builder.facts.strings.push(place);
        let mut parts = Vec::with_capacity(template.quasis.len() + template.expressions.len());
        for (index, quasi) in template.quasis.iter().enumerate() {
            let text = if raw { Some(quasi.value.raw) } else { quasi.value.cooked };
            match text {
                Some(text) if text.is_empty() => {}
                Some(text) => parts.push(self.expr(Kind::Text(text.as_str().into()), quasi.span)),
                None => parts.push(OPAQUE),
            }
            if let Some(expression) = template.expressions.get(index) {
                parts.push(self.expression(expression));
            }
        }
        let parts = self.builder.list(parts);
        self.expr(Kind::Concat(parts), template.span)
    }

    /// Chains of operators nest to the left without a limit, so they are lowered from their first operand on.
    fn binary(&mut self, outermost: &BinaryExpression<'_>) -> ExprId {
        let mut chain = vec![outermost];
        let mut first = seen_through(&outermost.left);
        while let Expression::BinaryExpression(inner) = first {
            chain.push(inner);
            first = seen_through(&inner.left);
        }
        let mut left = self.expression(first);
        for binary in chain.into_iter().rev() {
            let right = self.expression(&binary.right);
            let operator = match binary.operator {
                BinaryOperator::Addition => Binary::Add,
                BinaryOperator::Subtraction => Binary::Subtract,
                BinaryOperator::Remainder => Binary::Modulo,
                BinaryOperator::Multiplication => Binary::Multiply,
                BinaryOperator::BitwiseXOR => Binary::Xor,
                operator => {
                    self.builder.compared([left, right]);
                    if let Some(how) = comparing(operator) {
                        let place = self.place(binary.span);
                        self.builder.comparison(how, left, right, place);
                    }
                    Binary::Other
                }
            };
            left = self.expr(Kind::Binary(operator, left, right), binary.span);
        }
        left
    }

    fn logical(&mut self, outermost: &LogicalExpression<'_>) -> ExprId {
        let mut chain = vec![outermost];
        let mut first = seen_through(&outermost.left);
        while let Expression::LogicalExpression(inner) = first {
            chain.push(inner);
            first = seen_through(&inner.left);
        }
        let mut left = self.expression(first);
        for logical in chain.into_iter().rev() {
            let right = self.expression(&logical.right);
            let either = self.builder.list([left, right]);
            left = self.expr(Kind::Choice(either), logical.span);
        }
        left
    }

    fn unary(&mut self, unary: &UnaryExpression<'_>) -> ExprId {
        let operand = self.expression(&unary.argument);
        let operator = match unary.operator {
            UnaryOperator::LogicalNot => Unary::Not,
            UnaryOperator::UnaryNegation => Unary::Minus,
            UnaryOperator::UnaryPlus => Unary::Plus,
            UnaryOperator::Void => Unary::Void,
            UnaryOperator::Typeof => Unary::TypeOf,
            UnaryOperator::BitwiseNot | UnaryOperator::Delete => {
                self.builder.compared([operand]);
                return OPAQUE;
            }
        };
        // `typeof eval` and `!eval` ask, and pass nothing on.
        if matches!(operator, Unary::TypeOf) {
            self.builder.role(operand, Role::Unused);
        } else {
            self.builder.compared([operand]);
        }
        self.expr(Kind::Unary(operator, operand), unary.span)
    }

    fn assignment(&mut self, assignment: &AssignmentExpression<'_>) -> ExprId {
        let target = self.target(&assignment.left);
        let right = self.expression(&assignment.right);
        let value = match assignment.operator {
            AssignmentOperator::Assign
            | AssignmentOperator::LogicalOr
            | AssignmentOperator::LogicalAnd
            | AssignmentOperator::LogicalNullish => right,
            AssignmentOperator::Addition => {
                let value = self.expr(Kind::Binary(Binary::Add, target, right), assignment.span);
                self.builder.role(value, Role::Synthetic);
                value
            }
            _ => OPAQUE,
        };
        self.builder.assign(target, value, Binding::Hoisted);
        match assignment.operator {
            AssignmentOperator::LogicalOr | AssignmentOperator::LogicalAnd | AssignmentOperator::LogicalNullish => {
                let either = self.builder.list([target, value]);
                self.builder.synthetic(Kind::Choice(either), value)
            }
            _ => value,
        }
    }

    fn array(&mut self, array: &ArrayExpression<'_>) -> ExprId {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            items.push(match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    let inner = self.expression(&spread.argument);
                    self.expr(Kind::Element(inner), spread.span)
                }
                ArrayExpressionElement::Elision(hole) => self.expr(Kind::Undefined, hole.span),
                element => element.as_expression().map_or(OPAQUE, |element| self.expression(element)),
            });
        }
        self.sequence(items, array.span)
    }

    fn object(&mut self, object: &ObjectExpression<'_>) -> ExprId {
        let mut entries = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => entries.extend(self.property(property)),
                ObjectPropertyKind::SpreadProperty(spread) => {
                    entries.push(Entry { key: None, value: self.expression(&spread.argument) });
                }
            }
        }
        self.mapping(entries, object.span)
    }

    fn property(&mut self, property: &ObjectProperty<'_>) -> Option<Entry> {
        let key = self.key(&property.key);
        let value = match &property.value {
            Expression::FunctionExpression(function) if property.method || property.kind != PropertyKind::Init => {
                let name = match self.builder.facts.kind(key).clone() {
                    Kind::Text(text) => Some(self.intern(&text)),
                    _ => None,
                };
                self.routine(function, Head { name, end: property.key.span().end, whole: property.span })
            }
            value => self.expression(value),
        };
        let key = Some(key);
        match property.kind {
            PropertyKind::Init => Some(Entry { key, value }),
            PropertyKind::Get => Some(Entry { key, value: got(&mut self.builder, value) }),
            PropertyKind::Set => None,
        }
    }
}

/// What an expression is without what changes nothing about its value: parentheses, types, and `await`.
fn seen_through<'e, 'a>(mut expression: &'e Expression<'a>) -> &'e Expression<'a> {
    loop {
        expression = match expression {
            Expression::ParenthesizedExpression(inner) => &inner.expression,
            Expression::AwaitExpression(inner) => &inner.argument,
            Expression::TSAsExpression(inner) => &inner.expression,
            Expression::TSSatisfiesExpression(inner) => &inner.expression,
            Expression::TSTypeAssertion(inner) => &inner.expression,
            Expression::TSNonNullExpression(inner) => &inner.expression,
            Expression::TSInstantiationExpression(inner) => &inner.expression,
            _ => return expression,
        };
    }
}

/// How an operator compares, if it does.
fn comparing(operator: BinaryOperator) -> Option<Comparing> {
    match operator {
        BinaryOperator::In => Some(Comparing::Membership),
        BinaryOperator::Instanceof => Some(Comparing::Other),
        operator if operator.is_equality() => Some(Comparing::Equality),
        operator if operator.is_compare() => Some(Comparing::Other),
        _ => None,
    }
}
