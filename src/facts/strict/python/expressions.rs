//! Expressions of Python.
//!
//! What nests without brackets (operators of one and of two operands) is taken apart in a loop, since a level of it costs
//! few bytes of source; everything else is a small function of its own, so that a level of recursion costs little stack.

use ruff_python_ast::{
    self as ast, CmpOp, Expr, InterpolatedStringElement, InterpolatedStringElements, Number, Operator, UnaryOp,
};
use ruff_text_size::{Ranged as _, TextRange};

use super::{ExprId, Kind, Lowering, OPAQUE, bytes};
use crate::facts::builder::{Binding, Builder};
use crate::facts::statements::{BlockKind, Comparing};
use crate::facts::{Argument, Binary, Entry, Role, ScopeKind, Spread, Unary};

/// Functions that only look at what they are given: nothing is passed on.
const LOOKING: [&str; 6] = ["isinstance", "issubclass", "type", "callable", "id", "repr"];

impl Lowering<'_> {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> ExprId {
        if self.is_full() {
            return OPAQUE;
        }
        match expr {
            Expr::Name(name) => self.name(name),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Call(call) => self.call(call),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::StringLiteral(string) => self.push(Kind::Text(string.value.to_str().into()), string.range),
            Expr::BytesLiteral(literal) => self.bytes_literal(literal),
            Expr::FString(string) => self.f_string(string),
            Expr::TString(string) => self.t_string(string),
            Expr::NumberLiteral(number) => self.number(number),
            Expr::BooleanLiteral(literal) => self.push(Kind::Bool(literal.value), literal.range),
            Expr::NoneLiteral(literal) => self.push(Kind::Null, literal.range),
            Expr::EllipsisLiteral(_) | Expr::IpyEscapeCommand(_) => OPAQUE,
            Expr::BinOp(_) => self.binary(expr),
            Expr::UnaryOp(_) => self.unary(expr),
            _ => self.more(expr),
        }
    }

    fn more(&mut self, expr: &Expr) -> ExprId {
        match expr {
            Expr::BoolOp(either) => self.choice(&either.values, either.range),
            Expr::If(conditional) => self.conditional(conditional),
            Expr::Compare(comparison) => self.comparison(comparison),
            Expr::Tuple(tuple) => self.sequence(&tuple.elts, tuple.range),
            Expr::List(list) => self.sequence(&list.elts, list.range),
            Expr::Set(set) => self.sequence(&set.elts, set.range),
            Expr::Starred(starred) => {
                let inner = self.expr(&starred.value);
                self.push(Kind::Element(inner), starred.range)
            }
            Expr::Dict(dictionary) => self.dictionary(dictionary),
            Expr::ListComp(list) => self.comprehension(&[&list.elt], &list.generators, list.range),
            Expr::SetComp(set) => self.comprehension(&[&set.elt], &set.generators, set.range),
            Expr::Generator(generator) => self.comprehension(&[&generator.elt], &generator.generators, generator.range),
            Expr::DictComp(dictionary) => self.dictionary_comprehension(dictionary),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Named(named) => self.named(named),
            Expr::Await(awaited) => self.expr(&awaited.value),
            Expr::Yield(yielded) => self.yielded(yielded.value.as_deref(), false),
            Expr::YieldFrom(yielded) => self.yielded(Some(&yielded.value), true),
            Expr::Slice(slice) => self.slice(slice),
            _ => OPAQUE,
        }
    }

    fn name(&mut self, name: &ast::ExprName) -> ExprId {
        let symbol = self.symbol(name.id.as_str());
        self.push(Kind::Name(symbol), name.range)
    }

    fn attribute(&mut self, attribute: &ast::ExprAttribute) -> ExprId {
        let object = self.expr(&attribute.value);
        self.builder.role(object, Role::Object);
        let name = self.symbol(attribute.attr.as_str());
        self.push(Kind::Attribute { object, name }, attribute.range)
    }

    fn subscript(&mut self, subscript: &ast::ExprSubscript) -> ExprId {
        let object = self.expr(&subscript.value);
        self.builder.role(object, Role::Object);
        let index = self.expr(&subscript.slice);
        self.push(Kind::Subscript { object, index }, subscript.range)
    }

    fn slice(&mut self, slice: &ast::ExprSlice) -> ExprId {
        let parts = [&slice.lower, &slice.upper, &slice.step];
        let parts = parts.map(|part| part.as_ref().map(|part| self.expr(part)));
        self.push(Kind::Slice(Box::new(parts)), slice.range)
    }

    fn call(&mut self, call: &ast::ExprCall) -> ExprId {
        let callee = self.expr(&call.func);
        let arguments = self.arguments(&call.arguments);
        if let Kind::Name(name) = *self.builder.facts.kind(callee)
            && LOOKING.contains(&self.builder.facts.text(name))
        {
            self.builder.compared(arguments.iter().map(|argument| argument.value));
        }
        if let Kind::Function(function) = *self.builder.facts.kind(callee) {
            for (index, argument) in arguments.iter().enumerate().take_while(|(_, one)| one.spread == Spread::No) {
                self.builder.give(function, index, argument.value);
            }
        }
        self.builder.call(bytes(call.range()), callee, arguments)
    }

    /// Arguments in the order of the source.
    pub(super) fn arguments(&mut self, arguments: &ast::Arguments) -> Vec<Argument> {
        let mut list = Vec::with_capacity(arguments.len());
        for argument in arguments.iter_source_order() {
            list.push(match argument {
                ast::ArgOrKeyword::Arg(Expr::Starred(starred)) => {
                    Argument { keyword: None, value: self.expr(&starred.value), spread: Spread::Positional }
                }
                ast::ArgOrKeyword::Arg(value) => Builder::positional(self.expr(value)),
                ast::ArgOrKeyword::Keyword(given) => {
                    let keyword = given.arg.as_ref().map(|name| self.symbol(name.as_str()));
                    let spread = if keyword.is_none() { Spread::Keyword } else { Spread::No };
                    Argument { keyword, value: self.expr(&given.value), spread }
                }
            });
        }
        list
    }

    fn bytes_literal(&mut self, literal: &ast::ExprBytesLiteral) -> ExprId {
        let value: Vec<u8> = literal.value.bytes().collect();
        self.push(Kind::Bytes(value.into()), literal.range)
    }

    fn f_string(&mut self, string: &ast::ExprFString) -> ExprId {
        let mut parts = Vec::new();
        for part in &string.value {
            match part {
                ast::FStringPart::Literal(text) => {
                    parts.push(self.push(Kind::Text(text.as_str().into()), text.range));
                }
                ast::FStringPart::FString(string) => self.elements(&string.elements, &mut parts),
            }
        }
        self.concat(&parts, string.range)
    }

    fn t_string(&mut self, string: &ast::ExprTString) -> ExprId {
        let mut parts = Vec::new();
        for part in &string.value {
            self.elements(&part.elements, &mut parts);
        }
        self.concat(&parts, string.range)
    }

    fn concat(&mut self, parts: &[ExprId], range: TextRange) -> ExprId {
        let kind = match parts {
            [] => Kind::Text("".into()),
            &[one] if matches!(self.builder.facts.kind(one), Kind::Text(_)) => return one,
            parts => Kind::Concat(self.builder.list(parts.iter().copied())),
        };
        self.push(kind, range)
    }

    fn elements(&mut self, elements: &InterpolatedStringElements, parts: &mut Vec<ExprId>) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(text) => {
                    parts.push(self.push(Kind::Text((*text.value).into()), text.range));
                }
                InterpolatedStringElement::Interpolation(field) => {
                    let value = self.expr(&field.expression);
                    parts.push(match &field.format_spec {
                        Some(format) => {
                            // What the format says is no part of the text, but names stand in it.
                            self.elements(&format.elements, &mut Vec::new());
                            let spec = self.builder.text(bytes(format.range)).trim_start_matches(':');
                            self.builder.formatted(value, spec)
                        }
                        None => value,
                    });
                }
            }
        }
    }

    fn number(&mut self, number: &ast::ExprNumberLiteral) -> ExprId {
        let kind = match &number.value {
            Number::Int(value) => value.as_i64().map_or(Kind::Opaque, Kind::Int),
            Number::Float(value) => Kind::Float(*value),
            Number::Complex { .. } => Kind::Opaque,
        };
        self.push(kind, number.range)
    }

    /// `a + b + c`: the operators from the left, which is how deep they nest.
    fn binary(&mut self, expr: &Expr) -> ExprId {
        let mut operators = Vec::new();
        let mut here = expr;
        while let Expr::BinOp(operation) = here {
            operators.push(operation);
            here = &operation.left;
        }
        let mut left = self.expr(here);
        for operation in operators.into_iter().rev() {
            let right = self.expr(&operation.right);
            left = self.push(Kind::Binary(binary(operation.op), left, right), operation.range);
        }
        left
    }

    fn unary(&mut self, expr: &Expr) -> ExprId {
        let mut operators = Vec::new();
        let mut here = expr;
        while let Expr::UnaryOp(operation) = here {
            operators.push(operation);
            here = &operation.operand;
        }
        let mut operand = self.expr(here);
        for operation in operators.into_iter().rev() {
            let operator = match operation.op {
                UnaryOp::Not => Unary::Not,
                UnaryOp::USub => Unary::Minus,
                UnaryOp::UAdd => Unary::Plus,
                UnaryOp::Invert => {
                    operand = OPAQUE;
                    continue;
                }
            };
            operand = self.push(Kind::Unary(operator, operand), operation.range);
        }
        operand
    }

    fn choice(&mut self, either: &[Expr], range: TextRange) -> ExprId {
        let either: Vec<ExprId> = either.iter().map(|one| self.expr(one)).collect();
        let either = self.builder.list(either);
        self.push(Kind::Choice(either), range)
    }

    /// `a if c else b`: either. The condition between is no value of it.
    fn conditional(&mut self, conditional: &ast::ExprIf) -> ExprId {
        let yes = self.expr(&conditional.body);
        self.expr(&conditional.test);
        let no = self.expr(&conditional.orelse);
        let either = self.builder.list([yes, no]);
        self.push(Kind::Choice(either), conditional.range)
    }

    /// What is sent in is not known.
    fn yielded(&mut self, value: Option<&Expr>, each: bool) -> ExprId {
        let value = value.map_or(OPAQUE, |value| self.expr(value));
        self.builder.yields(value, each);
        OPAQUE
    }

    /// `a == b in c`: each operand with the next.
    fn comparison(&mut self, comparison: &ast::ExprCompare) -> ExprId {
        let whole = bytes(comparison.range);
        let (mut left, mut start) = (self.expr(&comparison.left), whole.start);
        self.builder.compared([left]);
        for (at, (operand, operator)) in comparison.comparators.iter().zip(&comparison.ops).enumerate() {
            let right = self.expr(operand);
            self.builder.compared([right]);
            let range = bytes(operand.range());
            let end = if at + 1 == comparison.ops.len() { whole.end } else { range.end };
            self.builder.comparison(comparing(*operator), left, right, start..end);
            (left, start) = (right, range.start);
        }
        OPAQUE
    }

    fn sequence(&mut self, items: &[Expr], range: TextRange) -> ExprId {
        let items: Vec<ExprId> = items.iter().map(|item| self.expr(item)).collect();
        let items = self.builder.list(items);
        self.push(Kind::Sequence(items), range)
    }

    fn dictionary(&mut self, dictionary: &ast::ExprDict) -> ExprId {
        let mut entries = Vec::with_capacity(dictionary.items.len());
        for item in &dictionary.items {
            let key = item.key.as_ref().map(|key| self.expr(key));
            entries.push(Entry { key, value: self.expr(&item.value) });
        }
        let entries = self.builder.entries(entries);
        self.push(Kind::Mapping(entries), dictionary.range)
    }

    fn dictionary_comprehension(&mut self, dictionary: &ast::ExprDictComp) -> ExprId {
        let parts = dictionary.key.iter().chain([&dictionary.value]);
        let parts: Vec<&Expr> = parts.map(|part| &**part).collect();
        self.comprehension(&parts, &dictionary.generators, dictionary.range)
    }

    /// The first iterable is looked up outside; all else has names of its own. That of a dictionary is a mapping with one
    /// entry, whose key and value are any of the loop's.
    fn comprehension(&mut self, body: &[&Expr], clauses: &[ast::Comprehension], range: TextRange) -> ExprId {
        self.builder.block(BlockKind::Loop, bytes(range));
        let outer = self.builder.scope;
        let first = clauses.first().map_or(OPAQUE, |clause| self.expr(&clause.iter));
        self.builder.scope = self.builder.new_scope(ScopeKind::Block);
        let mut target = OPAQUE;
        for (at, clause) in clauses.iter().enumerate() {
            let iterable = if at == 0 { first } else { self.expr(&clause.iter) };
            target = self.expr(&clause.target);
            let element = self.builder.synthetic(Kind::Element(iterable), iterable);
            self.builder.assign(target, element, Binding::Here);
            for condition in &clause.ifs {
                self.expr(condition);
            }
        }
        let parts: Vec<ExprId> = body.iter().map(|part| self.expr(part)).collect();
        self.builder.scope = outer;
        match (parts.as_slice(), clauses) {
            (&[body], clauses) => {
                let is_whole = matches!(clauses, [clause] if clause.ifs.is_empty());
                self.push(Kind::Comprehension { body, target, iterable: first, is_whole }, range)
            }
            (&[key, value], _) => {
                let entries = self.builder.entries([Entry { key: Some(key), value }]);
                self.push(Kind::Mapping(entries), range)
            }
            _ => OPAQUE,
        }
    }

    fn named(&mut self, named: &ast::ExprNamed) -> ExprId {
        let target = self.expr(&named.target);
        let value = self.expr(&named.value);
        self.builder.assign(target, value, Binding::Local);
        value
    }

    /// A type: names in it are not passed on.
    pub(super) fn annotation(&mut self, expr: &Expr) -> ExprId {
        let id = match expr {
            Expr::Subscript(subscript) => {
                let object = self.expr(&subscript.value);
                self.builder.role(object, Role::Object);
                let index = self.annotation(&subscript.slice);
                self.push(Kind::Subscript { object, index }, subscript.range)
            }
            Expr::Tuple(ast::ExprTuple { elts, range, .. }) | Expr::List(ast::ExprList { elts, range, .. }) => {
                let items: Vec<ExprId> = elts.iter().map(|item| self.annotation(item)).collect();
                let items = self.builder.list(items);
                self.push(Kind::Sequence(items), *range)
            }
            Expr::BinOp(either) if either.op == Operator::BitOr => self.union(expr),
            other => self.expr(other),
        };
        if matches!(self.builder.facts.kind(id), Kind::Text(_)) {
            self.builder.facts.shape.annotations.push(id);
        }
        self.builder.role(id, Role::Type);
        id
    }

    /// `A | B | C`, from the left.
    fn union(&mut self, expr: &Expr) -> ExprId {
        let mut here = expr;
        while let Expr::BinOp(either) = here {
            self.annotation(&either.right);
            here = &either.left;
        }
        self.annotation(here);
        OPAQUE
    }
}

fn comparing(operator: CmpOp) -> Comparing {
    match operator {
        CmpOp::Eq | CmpOp::NotEq | CmpOp::Is | CmpOp::IsNot => Comparing::Equality,
        CmpOp::In | CmpOp::NotIn => Comparing::Membership,
        CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => Comparing::Other,
    }
}

/// The operator, as far as its result is ever known.
pub(super) fn binary(operator: Operator) -> Binary {
    match operator {
        Operator::Add => Binary::Add,
        Operator::Sub => Binary::Subtract,
        Operator::Mult => Binary::Multiply,
        Operator::Mod => Binary::Modulo,
        Operator::BitXor => Binary::Xor,
        _ => Binary::Other,
    }
}
