//! Functions: their scopes, their parameters, and what they return.

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, BindingPattern, FormalParameter, FormalParameters, Function,
};

use oxc_span::Span;

use super::Lowering;
use crate::facts::builder::Binding;
use crate::facts::statements::{Defined, DefinitionKind};
use crate::facts::{Argument, ExprId, FunctionId, Kind, OPAQUE, Role, ScopeId, ScopeKind, Spread, Sym};

/// What stands before the body of a function.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// What it is called.
    pub(super) name: Option<Sym>,
    /// Where its name or, without one, its parameters end.
    pub(super) end: u32,
    /// The whole function, that which holds it included where it is a method.
    pub(super) whole: Span,
}

impl Lowering<'_> {
    /// A function declaration, whose name the block around knows, and in sloppy code the function around as well. One
    /// without a body only says types.
    pub(super) fn function_declaration(&mut self, function: &Function<'_>) -> ExprId {
        if function.body.is_none() || function.declare {
            return OPAQUE;
        }
        let value = self.function(function);
        let Some(name) = &function.id else { return value };
        let sym = self.intern(&name.name);
        self.builder.role(value, Role::Synthetic);
        let (here, around) = (self.builder.scope, self.builder.binding_scope(sym));
        self.builder.bind(here, sym, value, 0);
        if self.is_sloppy && here != around {
            self.builder.bind(around, sym, value, 0);
        }
        value
    }

    /// A function expression, whose name is seen inside of it alone.
    pub(super) fn function_expression(&mut self, function: &Function<'_>) -> ExprId {
        let value = self.function(function);
        if let (Some(name), &Kind::Function(id)) = (&function.id, self.builder.facts.kind(value)) {
            let scope = self.builder.facts.functions[id.at()].scope;
            let sym = self.intern(&name.name);
            // A parameter or variable of that name hides the function.
            if self.builder.facts.variable(scope, sym).is_none() {
                self.builder.bind(scope, sym, value, 0);
            }
        }
        value
    }

    pub(super) fn function(&mut self, function: &Function<'_>) -> ExprId {
        let name = function.id.as_ref().map(|id| self.intern(&id.name));
        let head = function.id.as_ref().map_or(function.params.span, |id| id.span);
        self.routine(function, Head { name, end: head.end, whole: function.span })
    }

    /// A function that is called `name` by itself, or by what holds it.
    pub(super) fn routine(&mut self, function: &Function<'_>, head: Head) -> ExprId {
        let id = self.in_function(|lowering, id, scope| {
            let defaults = lowering.parameters(id, scope, &function.params);
            lowering.defined(id, head, defaults);
            if let Some(body) = &function.body {
                lowering.directives(&body.directives);
                lowering.statements(&body.statements);
            }
        });
        self.expr(Kind::Function(id), function.span)
    }

    pub(super) fn arrow(&mut self, arrow: &ArrowFunctionExpression<'_>) -> ExprId {
        let id = self.in_function(|lowering, id, scope| {
            let defaults = lowering.parameters(id, scope, &arrow.params);
            lowering.defined(id, Head { name: None, end: arrow.params.span.end, whole: arrow.span }, defaults);
            match &arrow.body {
                ArrowFunctionBody::FunctionBody(body) => {
                    lowering.directives(&body.directives);
                    lowering.statements(&body.statements);
                }
                body => {
                    let value = body.as_expression().map_or(OPAQUE, |body| lowering.expression(body));
                    lowering.builder.facts.functions[id.at()].returns.push(value);
                }
            }
        });
        self.expr(Kind::Function(id), arrow.span)
    }

    fn in_function(&mut self, lower: impl FnOnce(&mut Self, FunctionId, ScopeId)) -> FunctionId {
        let scope = self.builder.new_scope(ScopeKind::Function);
        let id = self.builder.new_function(scope);
        let branches = std::mem::take(&mut self.builder.branches);
        self.within(scope, |lowering| lower(lowering, id, scope));
        self.builder.branches = branches;
        self.builder.functions.pop();
        id
    }

    /// Notes the definition of a function.
    fn defined(&mut self, function: FunctionId, head: Head, defaults: Vec<Argument>) {
        let (place, end) = (self.place(head.whole), self.offset + head.end as usize);
        let bases = self.builder.list([]);
        let defined =
            Defined { kind: DefinitionKind::Function, name: head.name, function: Some(function), bases, head_end: end };
        self.builder.definition(defined, OPAQUE, place);
        let defaults = self.builder.arguments(defaults);
        if let Some(definition) = self.builder.facts.shape.definitions.last_mut() {
            definition.defaults = defaults;
        }
    }

    /// The parameters of a function; those with a name and a default value are given back.
    fn parameters(&mut self, id: FunctionId, scope: ScopeId, parameters: &FormalParameters<'_>) -> Vec<Argument> {
        let mut defaults = Vec::new();
        for (index, parameter) in parameters.items.iter().enumerate() {
            for decorator in &parameter.decorators {
                self.expression(&decorator.expression);
            }
            defaults.extend(self.parameter(id, scope, index, parameter));
        }
        if let Some(rest) = &parameters.rest {
            self.builder.facts.functions[id.at()].parameters.push(None);
            let target = self.rest(&rest.rest.argument, rest.span);
            self.builder.assign(target, OPAQUE, Binding::In(scope));
        }
        defaults
    }

    fn parameter(
        &mut self,
        id: FunctionId,
        scope: ScopeId,
        index: usize,
        parameter: &FormalParameter<'_>,
    ) -> Option<Argument> {
        let default = parameter.initializer.as_ref().map(|value| self.expression(value));
        let (sym, value) = match &parameter.pattern {
            BindingPattern::BindingIdentifier(name) => {
                let sym = self.intern(&name.name);
                if let Some(default) = default {
                    self.builder.role(default, Role::Alias);
                    self.builder.bind(scope, sym, default, 0);
                }
                self.builder.bind(scope, sym, OPAQUE, 0);
                (sym, OPAQUE)
            }
            pattern => {
                // What is passed for a pattern has no name in the source, and goes through a variable of its own.
                let sym = self.intern(&format!(" {index}"));
                let variable = self.builder.declare(scope, sym);
                let value = self.builder.facts.variable_table[variable.at()].expr;
                let target = self.pattern(pattern);
                if let Some(default) = default {
                    self.builder.defaults.insert(target.0, default);
                }
                self.builder.assign(target, value, Binding::In(scope));
                (sym, value)
            }
        };
        self.builder.facts.functions[id.at()].parameters.push(Some(sym));
        let is_property = parameter.accessibility.is_some() || parameter.readonly || parameter.r#override;
        if is_property && value == OPAQUE {
            self.parameter_property(scope, sym);
        }
        let value = default.filter(|_| value == OPAQUE)?;
        Some(Argument { keyword: Some(sym), value, spread: Spread::No })
    }

    /// `constructor(private name)` of TypeScript: the parameter is a property of the object.
    fn parameter_property(&mut self, scope: ScopeId, name: Sym) {
        let (Some(class), Some(variable)) =
            (self.builder.facts.class_around(scope), self.builder.facts.variable(scope, name))
        else {
            return;
        };
        let value = self.builder.facts.variable_table[variable.at()].expr;
        self.builder.bind(class, name, value, 0);
    }
}
