//! JSX: what stands in braces, the components that are named, and the properties that elements are given.

use oxc_ast::ast::{
    JSXAttribute, JSXAttributeItem, JSXAttributeName, JSXAttributeValue, JSXChild, JSXElement, JSXElementName,
    JSXExpression, JSXMemberExpression, JSXMemberExpressionObject,
};

use super::Lowering;
use crate::facts::{ExprId, Kind, OPAQUE, Role};

impl Lowering<'_> {
    pub(super) fn element(&mut self, element: &JSXElement<'_>) -> ExprId {
        self.element_name(&element.opening_element.name);
        for item in &element.opening_element.attributes {
            match item {
                JSXAttributeItem::Attribute(attribute) => self.attribute(attribute),
                JSXAttributeItem::SpreadAttribute(spread) => drop(self.expression(&spread.argument)),
            }
        }
        self.children(&element.children);
        OPAQUE
    }

    pub(super) fn children(&mut self, children: &[JSXChild<'_>]) {
        for child in children {
            match child {
                JSXChild::Element(element) => drop(self.element(element)),
                JSXChild::Fragment(fragment) => self.children(&fragment.children),
                JSXChild::ExpressionContainer(container) => drop(self.contained(&container.expression)),
                JSXChild::Spread(spread) => drop(self.expression(&spread.expression)),
                JSXChild::Text(_) => {}
            }
        }
    }

    fn contained(&mut self, expression: &JSXExpression<'_>) -> ExprId {
        expression.as_expression().map_or(OPAQUE, |expression| self.expression(expression))
    }

    /// An attribute sets a property of the element that is made.
    fn attribute(&mut self, attribute: &JSXAttribute<'_>) {
        let value = match &attribute.value {
            Some(JSXAttributeValue::StringLiteral(text)) => self.string(text),
            Some(JSXAttributeValue::ExpressionContainer(container)) => self.contained(&container.expression),
            Some(JSXAttributeValue::Element(element)) => self.element(element),
            Some(JSXAttributeValue::Fragment(fragment)) => {
                self.children(&fragment.children);
                OPAQUE
            }
            None => OPAQUE,
        };
        if let JSXAttributeName::Identifier(name) = &attribute.name {
            let (name, place) = (self.intern(&name.name), self.place(attribute.span));
            self.builder.property(name, value, place);
        }
    }

    /// A component is a name that is used; an element of the page is none.
    fn element_name(&mut self, name: &JSXElementName<'_>) {
        match name {
            JSXElementName::IdentifierReference(name) => drop(self.name(&name.name, name.span)),
            JSXElementName::MemberExpression(member) => drop(self.component_member(member)),
            JSXElementName::Identifier(_) | JSXElementName::NamespacedName(_) | JSXElementName::ThisExpression(_) => {}
        }
    }

    fn component_member(&mut self, member: &JSXMemberExpression<'_>) -> ExprId {
        // Outermost first.
        let mut members = vec![member];
        let mut object = loop {
            match &members[members.len() - 1].object {
                JSXMemberExpressionObject::MemberExpression(inner) => members.push(inner),
                JSXMemberExpressionObject::IdentifierReference(name) => break self.name(&name.name, name.span),
                JSXMemberExpressionObject::ThisExpression(this) => break self.this(this.span),
            }
        };
        for member in members.into_iter().rev() {
            self.builder.role(object, Role::Object);
            let name = self.intern(&member.property.name);
            object = self.expr(Kind::Attribute { object, name }, member.span);
        }
        object
    }
}
