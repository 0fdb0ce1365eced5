//! Patterns: what is declared and what is assigned to, lowered as the expressions that they look like.

use oxc_ast::ast::{
    ArrayAssignmentTarget, AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingPattern,
    ObjectAssignmentTarget, ObjectPattern, PropertyKey, SimpleAssignmentTarget,
};
use oxc_span::{GetSpan as _, Span};

use super::Lowering;
use crate::facts::{Entry, ExprId, Kind, OPAQUE};

impl Lowering<'_> {
    /// What a declaration or parameter binds.
    pub(super) fn pattern(&mut self, pattern: &BindingPattern<'_>) -> ExprId {
        if self.is_full() {
            return OPAQUE;
        }
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.name(&name.name, name.span),
            BindingPattern::ObjectPattern(object) => self.object_pattern(object),
            BindingPattern::ArrayPattern(array) => {
                let mut items: Vec<ExprId> = Vec::with_capacity(array.elements.len());
                for element in &array.elements {
                    items.push(element.as_ref().map_or(OPAQUE, |element| self.pattern(element)));
                }
                if let Some(rest) = &array.rest {
                    items.push(self.rest(&rest.argument, rest.span));
                }
                self.sequence(items, array.span)
            }
            BindingPattern::AssignmentPattern(default) => {
                let target = self.pattern(&default.left);
                let value = self.expression(&default.right);
                self.builder.defaults.insert(target.0, value);
                target
            }
        }
    }

    fn object_pattern(&mut self, object: &ObjectPattern<'_>) -> ExprId {
        let mut entries = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            let key = Some(self.key(&property.key));
            entries.push(Entry { key, value: self.pattern(&property.value) });
        }
        if let Some(rest) = &object.rest {
            entries.push(Entry { key: None, value: self.pattern(&rest.argument) });
        }
        self.mapping(entries, object.span)
    }

    /// The rest of an array or of the arguments.
    pub(super) fn rest(&mut self, pattern: &BindingPattern<'_>, span: Span) -> ExprId {
        let inner = self.pattern(pattern);
        self.expr(Kind::Element(inner), span)
    }

    pub(super) fn sequence(&mut self, items: Vec<ExprId>, span: Span) -> ExprId {
        let items = self.builder.list(items);
        self.expr(Kind::Sequence(items), span)
    }

    pub(super) fn mapping(&mut self, entries: Vec<Entry>, span: Span) -> ExprId {
        let entries = self.builder.entries(entries);
        self.expr(Kind::Mapping(entries), span)
    }

    /// The key of a property, as a constant where it is written as a name.
    pub(super) fn key(&mut self, key: &PropertyKey<'_>) -> ExprId {
        match key {
            PropertyKey::StaticIdentifier(name) => self.key_text(&name.name, name.span),
            PropertyKey::PrivateIdentifier(name) => self.key_text(&format!("#{}", name.name), name.span),
            key => key.as_expression().map_or(OPAQUE, |key| self.expression(key)),
        }
    }

    /// What an assignment assigns to.
    pub(super) fn target(&mut self, target: &AssignmentTarget<'_>) -> ExprId {
        if self.is_full() {
            return OPAQUE;
        }
        match target {
            AssignmentTarget::ArrayAssignmentTarget(array) => self.array_target(array),
            AssignmentTarget::ObjectAssignmentTarget(object) => self.object_target(object),
            target => target.as_simple_assignment_target().map_or(OPAQUE, |target| self.simple_target(target)),
        }
    }

    pub(super) fn simple_target(&mut self, target: &SimpleAssignmentTarget<'_>) -> ExprId {
        match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => self.name(&name.name, name.span),
            SimpleAssignmentTarget::TSAsExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSSatisfiesExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSNonNullExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSTypeAssertion(inner) => self.expression(&inner.expression),
            target => target.as_member_expression().map_or(OPAQUE, |member| self.member(member)),
        }
    }

    fn array_target(&mut self, array: &ArrayAssignmentTarget<'_>) -> ExprId {
        let mut items: Vec<ExprId> = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            items.push(element.as_ref().map_or(OPAQUE, |element| self.target_or_default(element)));
        }
        if let Some(rest) = &array.rest {
            let inner = self.target(&rest.target);
            items.push(self.expr(Kind::Element(inner), rest.span));
        }
        self.sequence(items, array.span)
    }

    fn object_target(&mut self, object: &ObjectAssignmentTarget<'_>) -> ExprId {
        let mut entries = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            entries.push(match property {
                AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(name) => {
                    let key = Some(self.key_text(&name.binding.name, name.binding.span));
                    let value = self.name(&name.binding.name, name.binding.span);
                    if let Some(default) = &name.init {
                        let default = self.expression(default);
                        self.builder.defaults.insert(value.0, default);
                    }
                    Entry { key, value }
                }
                AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                    let key = Some(self.key(&property.name));
                    Entry { key, value: self.target_or_default(&property.binding) }
                }
            });
        }
        if let Some(rest) = &object.rest {
            entries.push(Entry { key: None, value: self.target(&rest.target) });
        }
        self.mapping(entries, object.span())
    }

    fn target_or_default(&mut self, target: &AssignmentTargetMaybeDefault<'_>) -> ExprId {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(default) => {
                let target = self.target(&default.binding);
                let value = self.expression(&default.init);
                self.builder.defaults.insert(target.0, value);
                target
            }
            target => target.as_assignment_target().map_or(OPAQUE, |target| self.target(target)),
        }
    }
}
