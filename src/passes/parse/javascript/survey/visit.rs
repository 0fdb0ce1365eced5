//! What the walk does at each kind of node.

use std::cell::Cell;

use oxc_allocator::ArenaVec;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, ArrayAssignmentTarget, ArrowFunctionExpression, AwaitExpression, BindingIdentifier, CallExpression,
    CatchClause, Class, ComputedMemberExpression, ExportAllDeclaration, ExportDeclaration, ExportDefaultDeclaration,
    ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration, Expression, ForOfStatement,
    FormalParameter, FormalParameterRest, Function, IdentifierName, IdentifierReference, ImportDeclaration,
    LabelIdentifier, MethodDefinition, MethodDefinitionKind, ModuleExportName, ObjectAssignmentTarget,
    ObjectExpression, ObjectProperty, PrivateIdentifier, Program, PropertyDefinition, PropertyKind, RegExpLiteral,
    StaticBlock, StringLiteral, Super, TSType, TemplateElement, VariableDeclaration, YieldExpression,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ScopeFlags, ScopeId};
use oxc_span::GetSpan as _;

use super::super::names::Binding;
use super::super::{costs, early, regex};
use super::{Around, Home, Survey, TooDeep};

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
    fn visit_expression(&mut self, expression: &Expression<'a>) {
        self.bounded(|| expression.span(), |survey| walk::walk_expression(survey, expression));
    }

    #[inline]
    fn visit_ts_type(&mut self, of_type: &TSType<'a>) {
        self.bounded(|| of_type.span(), |survey| walk::walk_ts_type(survey, of_type));
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
            self.too_deep.get_or_insert(TooDeep::V8(literal.span));
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
