//! One walk over a tree: how deep it nests by V8's measure, and whether it could be one of those that V8 refuses although
//! they parse.
//!
//! Most files have nothing of the kind, and for them this walk is all there is: it keeps what V8's early errors need to
//! know of the surroundings — strictness, declared names, labels, private names, where `super` and `arguments` may stand —
//! and builds nothing. Where it has a doubt, `oxc_semantic` and [`checks`](super::checks) look at the tree and give the
//! verdict. So it may doubt what is right, and must never pass what is wrong.

use std::cell::Cell;

use oxc_allocator::ArenaVec;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, ArrayAssignmentTarget, ArrowFunctionExpression, AwaitExpression, BindingIdentifier, CallExpression,
    CatchClause, Class, ClassElement, ComputedMemberExpression, ExportAllDeclaration, ExportDeclaration,
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration, Expression,
    ForOfStatement, FormalParameter, FormalParameterRest, Function, IdentifierName, IdentifierReference,
    ImportDeclaration, LabelIdentifier, MethodDefinition, MethodDefinitionKind, ModuleExportName,
    ObjectAssignmentTarget, ObjectExpression, ObjectProperty, PrivateIdentifier, Program, PropertyDefinition,
    PropertyKind, RegExpLiteral, StaticBlock, StringLiteral, Super, TemplateElement, VariableDeclaration,
    YieldExpression,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ScopeFlags, ScopeId};
use oxc_span::{GetSpan as _, Span};

use super::costs;
use super::early;
use super::engine::Terms;
use super::goal::Goal;
use super::names::{Binding, Names};
use super::privates::Privates;
use super::regex;
use super::watch::Watch;
use crate::facts::strict::Sketch;

/// The parameters of the function that Node makes of a CommonJS file; `let` and `const` cannot declare them again.
pub(super) const WRAPPER_NAMES: &[&str] = &["exports", "require", "module", "__filename", "__dirname"];

/// What may stand at a place, by what is around it.
#[derive(Clone, Copy, Debug, Default)]
struct Around {
    strict: bool,
    /// Which forms of `super` may stand here.
    home: Home,
    /// In the value of a field or in a static block, where there is no `arguments`.
    no_arguments: bool,
    /// In a static block, where there is no `await`.
    in_static_block: bool,
    /// Among parameters, where nothing waits or yields.
    in_parameters: bool,
    /// In a pattern that is assigned to.
    in_target: bool,
}

/// Where `super` may stand.
#[derive(Clone, Copy, Debug, Default)]
struct Home {
    has_property: bool,
    has_call: bool,
}

impl Home {
    const NONE: Self = Self { has_property: false, has_call: false };
    /// A method, the value of a field, a static block.
    const MEMBER: Self = Self { has_property: true, has_call: false };
    /// The constructor of a class that extends another.
    const CONSTRUCTOR: Self = Self { has_property: true, has_call: true };
}

/// What one walk over a tree saw.
#[derive(Debug)]
#[cfg_attr(not(feature = "bench"), expect(unreachable_pub, reason = "the benchmark names it"))]
pub struct Survey<'t, 'a> {
    text: &'t str,
    terms: Terms,
    watch: Watch<'a>,
    names: Names<'a>,
    privates: Privates<'a>,
    around: Around,
    /// How the names of the pattern that is being walked over are bound.
    binding: Binding,
    /// Whether the class that is being walked over is one that `super()` can reach.
    extends: bool,
    /// Names that are exported and must be declared at the top.
    exports: Vec<&'a str>,
    /// Declarations of `import` and `export` that were walked over.
    module_items: usize,
    /// Bytes of V8's stack in use where the walk is.
    used: u32,
    /// Whether `oxc_semantic` and the own checks have to look at the tree.
    pub(super) concerns: bool,
    /// The first node that V8's stack has no room for.
    pub(super) too_deep: Option<Span>,
    /// The outline in the making, where one is wanted.
    pub(super) sketch: Option<Sketch>,
}

impl<'t, 'a> Survey<'t, 'a> {
    /// Walks over a program, whose source is `text`; on the way `sketch` is made.
    pub(super) fn of(program: &Program<'a>, text: &'t str, terms: Terms, sketch: Option<Sketch>) -> Self {
        let mut survey = Self {
            text,
            terms,
            watch: Watch::default(),
            names: Names::new(text.len()),
            privates: Privates::new(),
            around: Around::default(),
            binding: Binding::Lexical,
            extends: false,
            exports: Vec::new(),
            module_items: 0,
            used: 0,
            concerns: false,
            too_deep: None,
            sketch,
        };
        survey.visit_program(program);
        survey.concerns |= survey.watch.concerns;
        survey
    }

    /// Walks over what takes `bytes` of V8's stack besides the node around it.
    #[inline]
    fn deeper(&mut self, bytes: u32, span: Span, walk: impl FnOnce(&mut Self)) {
        self.enter(bytes, span);
        walk(self);
        self.used -= bytes;
    }

    #[inline]
    fn enter(&mut self, bytes: u32, span: Span) {
        self.used += bytes;
        if self.used > costs::STACK_BYTES {
            self.too_deep.get_or_insert(span);
        }
    }

    /// A node begins, as far as the outline is concerned.
    #[inline]
    fn begin(&mut self, kind: &AstKind<'a>) {
        if let Some(sketch) = &mut self.sketch {
            sketch.enter(kind);
        }
    }

    /// A node ends, as far as the outline is concerned.
    #[inline]
    fn end(&mut self, kind: &AstKind<'a>) {
        if let Some(sketch) = &mut self.sketch {
            sketch.leave(kind);
        }
    }

    #[inline]
    fn name(&mut self, span: Span) {
        if let Some(sketch) = &mut self.sketch {
            sketch.name(span);
        }
    }

    /// Walks over something in other surroundings.
    fn within(&mut self, around: Around, walk: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.around, around);
        walk(self);
        self.around = outer;
    }

    /// Walks over a pattern, or what holds some, whose names are bound in one way.
    fn binding(&mut self, binding: Binding, walk: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.binding, binding);
        walk(self);
        self.binding = outer;
    }

    fn declare(&mut self, name: &BindingIdentifier<'a>, binding: Binding) {
        let name = name.name.as_str();
        self.concerns |= self.names.declare(name, binding);
        let is_lexical = matches!(binding, Binding::Lexical | Binding::BlockFunction);
        if is_lexical && self.terms.goal == Goal::COMMONJS && self.names.at_program_top() {
            self.concerns |= WRAPPER_NAMES.contains(&name);
        }
    }

    /// How the name of a function declaration is bound.
    fn function_binding(&self, function: &Function<'a>) -> Binding {
        let module_top = self.terms.goal.is_module() && self.names.at_program_top();
        if self.names.at_function_top() && !module_top {
            Binding::Var
        } else if self.around.strict || function.r#async || function.generator {
            Binding::Lexical
        } else {
            Binding::BlockFunction
        }
    }

    /// Walks over a function that is no arrow function.
    fn function(&mut self, function: &Function<'a>, home: Home) {
        let kind = AstKind::Function(self.alloc(function));
        self.begin(&kind);
        let is_declaration = function.is_declaration();
        if let Some(name) = &function.id {
            self.name(name.span);
            self.concerns |= early::is_reserved(&name.name) || early::is_special(&name.name);
            if is_declaration {
                let binding = self.function_binding(function);
                self.declare(name, binding);
            }
        }
        let says_strict = function.has_use_strict_directive();
        self.concerns |= says_strict && !early::is_simple(&function.params);
        let bytes = if is_declaration { costs::FUNCTION_DECLARATION } else { costs::FUNCTION_EXPRESSION };
        let around = Around { strict: self.around.strict || says_strict, home, ..Around::default() };
        self.deeper(bytes, function.span, |survey| {
            survey.scope_of_function(around, |survey| {
                survey.visit_formal_parameters(&function.params);
                if let Some(body) = &function.body {
                    survey.visit_function_body(body);
                }
            });
        });
        self.end(&kind);
    }

    fn scope_of_function(&mut self, around: Around, walk: impl FnOnce(&mut Self)) {
        self.watch.open_function();
        self.names.open_function();
        self.within(around, walk);
        self.names.close_function();
        self.watch.close_function();
    }

    /// Walks over a class.
    fn class(&mut self, class: &Class<'a>, may_be_nameless: bool) {
        self.visit_decorators(&class.decorators);
        let is_declaration = !class.is_expression();
        match &class.id {
            Some(name) => {
                self.name(name.span);
                self.concerns |= early::is_reserved(&name.name) || early::is_special(&name.name);
                if is_declaration {
                    self.declare(name, Binding::Lexical);
                }
            }
            None => self.concerns |= is_declaration && !may_be_nameless,
        }
        let outer_extends = std::mem::replace(&mut self.extends, class.heritage.is_some());
        let around = Around { strict: true, ..self.around };
        self.deeper(costs::CLASS, class.span, |survey| {
            survey.within(around, |survey| {
                if let Some(heritage) = &class.heritage {
                    survey.visit_class_heritage(heritage);
                }
                survey.extends = class.heritage.is_some();
                survey.concerns |= survey.privates.open(&class.body);
                survey.concerns |= class.body.body.iter().filter(|element| is_constructor(element)).count() > 1;
                survey.visit_class_body(&class.body);
                survey.privates.close();
            });
        });
        self.extends = outer_extends;
    }

    /// Counts a declaration of `import` or `export`: they stand at the top of modules.
    fn module_item(&mut self) {
        self.module_items += 1;
        self.concerns |= !self.terms.goal.is_module();
    }
}

fn is_constructor(element: &ClassElement<'_>) -> bool {
    matches!(element, ClassElement::MethodDefinition(method) if method.kind == MethodDefinitionKind::Constructor)
}

impl<'a> Visit<'a> for Survey<'_, 'a> {
    #[inline]
    fn enter_node(&mut self, kind: AstKind<'a>) {
        let bytes = costs::of(&kind);
        if bytes > 0 {
            self.enter(bytes, kind.span());
        }
        self.concerns |= early::concerns(&kind, self.text, self.terms.goal.is_module());
        self.watch.enter(&kind);
        self.begin(&kind);
    }

    #[inline]
    fn leave_node(&mut self, kind: AstKind<'a>) {
        self.used -= costs::of(&kind);
        self.watch.leave(&kind);
        self.end(&kind);
    }

    #[inline]
    fn enter_scope(&mut self, _: ScopeFlags, _: &Cell<Option<ScopeId>>) {
        self.names.open();
    }

    #[inline]
    fn leave_scope(&mut self) {
        self.names.close();
    }

    fn visit_program(&mut self, program: &Program<'a>) {
        self.around.strict = self.terms.goal.is_module() || program.has_use_strict_directive();
        self.names.open_function();
        self.visit_directives(&program.directives);
        self.visit_statements(&program.body);
        let at_top = program.body.iter().filter(|statement| statement.is_module_declaration()).count();
        self.concerns |= self.module_items != at_top;
        let names = &self.names;
        self.concerns |= self.exports.iter().any(|name| !names.is_declared(name));
    }

    #[inline]
    fn visit_identifier_name(&mut self, name: &IdentifierName<'a>) {
        self.name(name.span);
    }

    #[inline]
    fn visit_template_element(&mut self, _: &TemplateElement<'a>) {}

    #[inline]
    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        self.name(name.span);
        let name = name.name.as_str();
        self.concerns |= early::is_reserved(name);
        if (self.around.no_arguments || self.around.in_target) && early::is_special(name) {
            self.concerns = true;
        }
    }

    #[inline]
    fn visit_binding_identifier(&mut self, name: &BindingIdentifier<'a>) {
        self.name(name.span);
        self.concerns |= early::is_reserved(&name.name) || early::is_special(&name.name);
        self.declare(name, self.binding);
    }

    fn visit_label_identifier(&mut self, label: &LabelIdentifier<'a>) {
        self.name(label.span);
        self.concerns |= early::is_reserved(&label.name);
    }

    #[inline]
    fn visit_string_literal(&mut self, literal: &StringLiteral<'a>) {
        self.concerns |= self.around.strict && early::has_octal_escape(literal, self.text);
        if let Some(sketch) = &mut self.sketch {
            sketch.string(literal.span);
        }
    }

    fn visit_reg_exp_literal(&mut self, literal: &RegExpLiteral<'a>) {
        self.concerns |= regex::fault(literal, self.terms).is_some();
        if let Some(sketch) = &mut self.sketch {
            sketch.string(literal.span);
        }
        if early::has_too_many_groups(literal) {
            self.too_deep.get_or_insert(literal.span);
        }
    }

    fn visit_private_identifier(&mut self, name: &PrivateIdentifier<'a>) {
        self.name(name.span);
        self.concerns |= !self.privates.knows(&name.name);
    }

    fn visit_super(&mut self, _: &Super) {
        self.concerns |= !self.around.home.has_property;
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        let binding = if declaration.kind.is_var() { Binding::Var } else { Binding::Lexical };
        self.binding(binding, |survey| walk::walk_variable_declaration(survey, declaration));
    }

    fn visit_formal_parameter(&mut self, parameter: &FormalParameter<'a>) {
        let around = Around { in_parameters: true, ..self.around };
        self.within(around, |survey| {
            survey.binding(Binding::Parameter, |survey| walk::walk_formal_parameter(survey, parameter));
        });
    }

    fn visit_formal_parameter_rest(&mut self, rest: &FormalParameterRest<'a>) {
        let around = Around { in_parameters: true, ..self.around };
        self.within(around, |survey| {
            survey.binding(Binding::Parameter, |survey| walk::walk_formal_parameter_rest(survey, rest));
        });
    }

    fn visit_function(&mut self, function: &Function<'a>, _: ScopeFlags) {
        self.function(function, Home::NONE);
    }

    fn visit_arrow_function_expression(&mut self, arrow: &ArrowFunctionExpression<'a>) {
        let kind = AstKind::ArrowFunctionExpression(self.alloc(arrow));
        self.begin(&kind);
        let says_strict = arrow.has_use_strict_directive();
        self.concerns |= says_strict && !early::is_simple(&arrow.params);
        let strict = self.around.strict || says_strict;
        let around = Around { strict, in_parameters: false, in_target: false, ..self.around };
        self.deeper(costs::ARROW, arrow.span, |survey| {
            survey.scope_of_function(around, |survey| {
                survey.visit_formal_parameters(&arrow.params);
                survey.visit_arrow_function_body(&arrow.body);
            });
        });
        self.end(&kind);
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.class(class, false);
    }

    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        let kind = AstKind::MethodDefinition(self.alloc(method));
        self.begin(&kind);
        self.concerns |= early::concerns(&kind, self.text, false);
        self.deeper(costs::CLASS_MEMBER, method.span, |survey| {
            survey.visit_decorators(&method.decorators);
            survey.visit_property_key(&method.key);
            let constructs = method.kind == MethodDefinitionKind::Constructor && survey.extends;
            survey.function(&method.value, if constructs { Home::CONSTRUCTOR } else { Home::MEMBER });
        });
    }

    fn visit_property_definition(&mut self, field: &PropertyDefinition<'a>) {
        let kind = AstKind::PropertyDefinition(self.alloc(field));
        self.begin(&kind);
        self.concerns |= early::concerns(&kind, self.text, false);
        self.deeper(costs::CLASS_MEMBER, field.span, |survey| {
            survey.visit_decorators(&field.decorators);
            survey.visit_property_key(&field.key);
            if let Some(value) = &field.value {
                let around = Around { home: Home::MEMBER, no_arguments: true, ..survey.around };
                survey.within(around, |survey| survey.visit_expression(value));
            }
        });
    }

    fn visit_static_block(&mut self, block: &StaticBlock<'a>) {
        let around =
            Around { strict: true, home: Home::MEMBER, no_arguments: true, in_static_block: true, ..Around::default() };
        let kind = AstKind::StaticBlock(self.alloc(block));
        self.begin(&kind);
        self.deeper(costs::CLASS_MEMBER, block.span, |survey| {
            survey.scope_of_function(around, |survey| survey.visit_statements(&block.body));
        });
        self.end(&kind);
    }

    fn visit_object_expression(&mut self, object: &ObjectExpression<'a>) {
        self.concerns |= early::sets_prototype_twice(object);
        self.deeper(costs::OBJECT, object.span, |survey| survey.visit_object_property_kinds(&object.properties));
    }

    #[inline]
    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        let kind = AstKind::ObjectProperty(self.alloc(property));
        self.begin(&kind);
        self.visit_property_key(&property.key);
        match &property.value {
            Expression::FunctionExpression(function) if property.method || property.kind != PropertyKind::Init => {
                self.function(function, Home::MEMBER);
            }
            value => self.visit_expression(value),
        }
    }

    fn visit_array_assignment_target(&mut self, target: &ArrayAssignmentTarget<'a>) {
        let around = Around { in_target: true, ..self.around };
        self.deeper(costs::ASSIGNMENT_PATTERN, target.span, |survey| {
            survey.within(around, |survey| walk::walk_array_assignment_target(survey, target));
        });
    }

    fn visit_object_assignment_target(&mut self, target: &ObjectAssignmentTarget<'a>) {
        let around = Around { in_target: true, ..self.around };
        self.deeper(costs::OBJECT, target.span, |survey| {
            survey.within(around, |survey| walk::walk_object_assignment_target(survey, target));
        });
    }

    fn visit_catch_clause(&mut self, clause: &CatchClause<'a>) {
        self.names.open();
        if let Some(parameter) = &clause.param {
            self.binding(Binding::Lexical, |survey| survey.visit_binding_pattern(&parameter.pattern));
        }
        // What is caught and the names of the block cannot be told apart by name, so they share a scope.
        let kind = AstKind::BlockStatement(self.alloc(&*clause.body));
        self.begin(&kind);
        self.deeper(costs::BLOCK, clause.body.span, |survey| survey.visit_statements(&clause.body.body));
        self.end(&kind);
        self.names.close();
    }

    fn visit_await_expression(&mut self, expression: &AwaitExpression<'a>) {
        self.concerns |= self.around.in_parameters || self.around.in_static_block;
        walk::walk_await_expression(self, expression);
    }

    fn visit_yield_expression(&mut self, expression: &YieldExpression<'a>) {
        self.concerns |= self.around.in_parameters;
        walk::walk_yield_expression(self, expression);
    }

    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        self.concerns |= statement.r#await && self.around.in_static_block;
        walk::walk_for_of_statement(self, statement);
    }

    #[inline]
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        self.deeper(costs::CALL, call.span, |survey| {
            match &call.callee {
                Expression::Super(_) => survey.concerns |= !survey.around.home.has_call,
                callee => survey.visit_expression(callee),
            }
            survey.visit_arguments(&call.arguments);
        });
    }

    #[inline]
    fn visit_arguments(&mut self, arguments: &ArenaVec<'a, Argument<'a>>) {
        if let Some(first) = arguments.first() {
            self.deeper(costs::ARGUMENTS, first.span(), |survey| walk::walk_arguments(survey, arguments));
        }
    }

    #[inline]
    fn visit_computed_member_expression(&mut self, member: &ComputedMemberExpression<'a>) {
        self.deeper(costs::MEMBER, member.span, |survey| {
            survey.visit_expression(&member.object);
            let computed = costs::COMPUTED_NAME;
            survey.deeper(computed, member.span, |survey| survey.visit_expression(&member.expression));
        });
    }

    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        self.module_item();
        self.binding(Binding::Lexical, |survey| walk::walk_import_declaration(survey, import));
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        self.module_item();
        walk::walk_export_declaration(self, export);
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.module_item();
        walk::walk_export_from_declaration(self, export);
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.module_item();
        walk::walk_export_all_declaration(self, export);
    }

    fn visit_export_default_declaration(&mut self, export: &ExportDefaultDeclaration<'a>) {
        self.module_item();
        match &export.declaration {
            ExportDefaultDeclarationKind::ClassDeclaration(class) => self.class(class, true),
            declaration => self.visit_export_default_declaration_kind(declaration),
        }
    }

    fn visit_export_named_declaration(&mut self, export: &ExportNamedDeclaration<'a>) {
        self.module_item();
        for specifier in &export.specifiers {
            if let ModuleExportName::IdentifierReference(name) = &specifier.local {
                self.exports.push(name.name.as_str());
            }
        }
        walk::walk_export_named_declaration(self, export);
    }
}

#[cfg(test)]
mod tests;
