//! Classes: their members, and what they extend.

use oxc_ast::ast::{Class, ClassElement, Expression, MethodDefinition, MethodDefinitionKind, PropertyKey, StaticBlock};

use super::Lowering;
use crate::facts::javascript::got;
use crate::facts::{ExprId, Kind, OPAQUE, Role, ScopeId, ScopeKind};

impl Lowering<'_> {
    /// A class. Its members live in its scope, which bare names are not looked up in.
    pub(super) fn class(&mut self, class: &Class<'_>) -> ExprId {
        if class.declare {
            return OPAQUE;
        }
        for decorator in &class.decorators {
            self.expression(&decorator.expression);
        }
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
        let value = self.expr(Kind::Class { scope, bases }, class.span);
        if let Some(name) = &class.id {
            let sym = self.intern(&name.name);
            self.builder.bind(around, sym, value, 0);
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
                    let decorators = field.decorators.iter().map(|decorator| &decorator.expression);
                    self.field(&field.key, field.value.as_ref(), decorators, (scope, values));
                }
                ClassElement::AccessorProperty(field) => {
                    let decorators = field.decorators.iter().map(|decorator| &decorator.expression);
                    self.field(&field.key, field.value.as_ref(), decorators, (scope, values));
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
        let decorators: Vec<_> = method.decorators.iter().map(|decorator| &decorator.expression).collect();
        let name = self.member_name(&method.key, decorators.into_iter(), values);
        if method.value.body.is_none() {
            return;
        }
        let function = self.function(&method.value);
        let Some(name) = name else { return };
        let value = match method.kind {
            MethodDefinitionKind::Get => got(&mut self.builder, function),
            MethodDefinitionKind::Set => return,
            MethodDefinitionKind::Method | MethodDefinitionKind::Constructor => function,
        };
        self.builder.bind(scope, name, value, 0);
    }

    fn field<'e, 'a: 'e>(
        &mut self,
        key: &PropertyKey<'_>,
        value: Option<&Expression<'_>>,
        decorators: impl Iterator<Item = &'e Expression<'a>>,
        (scope, values): (ScopeId, ScopeId),
    ) {
        let name = self.member_name(key, decorators, values);
        let mut field = OPAQUE;
        if let Some(value) = value {
            self.within(values, |lowering| field = lowering.expression(value));
        }
        if let Some(name) = name {
            self.builder.bind(scope, name, field, 0);
        }
    }

    /// The name of a member, where it is a constant.
    fn member_name<'e, 'a: 'e>(
        &mut self,
        key: &PropertyKey<'_>,
        decorators: impl Iterator<Item = &'e Expression<'a>>,
        values: ScopeId,
    ) -> Option<crate::facts::Sym> {
        let mut name = OPAQUE;
        self.within(values, |lowering| {
            for decorator in decorators {
                lowering.expression(decorator);
            }
            name = lowering.key(key);
        });
        let Kind::Text(text) = self.builder.facts.kind(name).clone() else { return None };
        Some(self.intern(&text))
    }
}
