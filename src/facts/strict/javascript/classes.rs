//! Classes: their members, and what they extend.

use oxc_ast::ast::{
    Class, ClassElement, Decorator, Expression, MethodDefinition, MethodDefinitionKind, PropertyKey, StaticBlock,
};
use oxc_span::{GetSpan as _, Span};

use super::Lowering;
use super::functions::Head;
use crate::facts::javascript::got;
use crate::facts::statements::{Defined, DefinitionKind};
use crate::facts::{ExprId, Kind, OPAQUE, Role, ScopeId, ScopeKind, Sym};

impl Lowering<'_> {
    /// A class. Its members live in its scope, which bare names are not looked up in.
    pub(super) fn class(&mut self, class: &Class<'_>) -> ExprId {
        if class.declare {
            return OPAQUE;
        }
        let decorators: Vec<ExprId> =
            class.decorators.iter().map(|decorator| self.expression(&decorator.expression)).collect();
        let base = class.heritage.as_ref().map(|heritage| self.expression(&heritage.expression));
        let outer = self.builder.scope;
        let inner_name = class.id.as_ref().filter(|_| class.is_expression());
        if inner_name.is_some() {
            self.builder.scope = self.builder.new_scope(ScopeKind::Block);
        }
        let (around, scope) = (self.builder.scope, self.builder.new_scope(ScopeKind::Class));
        self.bases.push(base.unwrap_or(OPAQUE));
        self.within(scope, |lowering| lowering.members(class, scope));
        self.bases.pop();
        let bases = self.builder.list(base);
        self.builder.scope = outer;
        let name = class.id.as_ref().map(|id| self.intern(&id.name));
        let head_end = self.offset + class.id.as_ref().map_or(class.span.start, |id| id.span.end) as usize;
        let (place, kind) = (self.place(class.span), DefinitionKind::Class);
        self.builder.definition(Defined { kind, name, function: None, bases, head_end }, OPAQUE, place);
        self.builder.decorate(decorators);
        let value = self.expr(Kind::Class { scope, bases }, class.span);
        if let Some(name) = name {
            self.builder.bind(around, name, value, 0);
            self.builder.role(value, Role::Alias);
        }
        value
    }

    fn members(&mut self, class: &Class<'_>, scope: ScopeId) {
        // Keys and values of fields see what stands around the class, and not its members.
        let values = self.builder.new_scope(ScopeKind::Block);
        for member in &class.body.body {
            match member {
                ClassElement::MethodDefinition(method) => self.method(method, scope, values),
                ClassElement::PropertyDefinition(field) if !field.declare => {
                    let (key, value, decorators) = (&field.key, field.value.as_ref(), &field.decorators);
                    self.field(Field { key, value, decorators, span: field.span }, scope, values);
                }
                ClassElement::AccessorProperty(field) => {
                    let (key, value, decorators) = (&field.key, field.value.as_ref(), &field.decorators);
                    self.field(Field { key, value, decorators, span: field.span }, scope, values);
                }
                ClassElement::StaticBlock(block) => self.static_block(block),
                ClassElement::PropertyDefinition(_) | ClassElement::TSIndexSignature(_) => {}
            }
        }
    }

    /// Static code of a class has variables of its own.
    fn static_block(&mut self, block: &StaticBlock<'_>) {
        let inner = self.builder.new_scope(ScopeKind::Function);
        let branches = std::mem::take(&mut self.builder.branches);
        self.within(inner, |lowering| lowering.statements(&block.body));
        self.builder.branches = branches;
    }

    fn method(&mut self, method: &MethodDefinition<'_>, scope: ScopeId, values: ScopeId) {
        let (name, decorators) = self.member_head(&method.key, &method.decorators, values);
        if method.value.body.is_none() {
            return;
        }
        let head = Head { name, end: method.key.span().end, whole: method.span };
        let at = self.builder.facts.shape.definitions.len();
        let function = self.routine(&method.value, head);
        let decorators = self.builder.list(decorators);
        if let Kind::Function(id) = *self.builder.facts.kind(function) {
            let mut own = self.builder.facts.shape.definitions[at..].iter_mut();
            if let Some(definition) = own.find(|definition| definition.function == Some(id)) {
                definition.decorators = decorators;
            }
        }
        let Some(name) = name else { return };
        let value = match method.kind {
            MethodDefinitionKind::Get => got(&mut self.builder, function),
            MethodDefinitionKind::Set => return,
            MethodDefinitionKind::Method | MethodDefinitionKind::Constructor => function,
        };
        self.builder.bind(scope, name, value, 0);
    }

    fn field(&mut self, field: Field<'_, '_>, scope: ScopeId, values: ScopeId) {
        let (name, _) = self.member_head(field.key, field.decorators, values);
        let mut value = OPAQUE;
        if let Some(written) = field.value {
            self.within(values, |lowering| value = lowering.expression(written));
        }
        if let Some(name) = name {
            self.builder.bind(scope, name, value, 0);
            let place = self.place(field.span);
            self.builder.property(name, value, place);
        }
    }

    /// The name of a member, where it is a constant, and its decorators.
    fn member_head(
        &mut self,
        key: &PropertyKey<'_>,
        decorators: &[Decorator<'_>],
        values: ScopeId,
    ) -> (Option<Sym>, Vec<ExprId>) {
        let (mut name, mut found) = (OPAQUE, Vec::new());
        self.within(values, |lowering| {
            found.extend(decorators.iter().map(|decorator| lowering.expression(&decorator.expression)));
            name = lowering.key(key);
        });
        let Kind::Text(text) = self.builder.facts.kind(name).clone() else { return (None, found) };
        (Some(self.intern(&text)), found)
    }
}

/// A field of a class.
struct Field<'e, 'a> {
    key: &'e PropertyKey<'a>,
    value: Option<&'e Expression<'a>>,
    decorators: &'e [Decorator<'a>],
    span: Span,
}
