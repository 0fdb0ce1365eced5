//! Imports and exports, and what TypeScript adds that is more than types: enumerations, namespaces, `import x = …`.

use oxc_ast::ast::{
    BindingIdentifier, Declaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportSpecifier,
    ImportDeclaration, ImportDeclarationSpecifier, ModuleDeclaration, ModuleExportName, Statement, StringLiteral,
    TSEnumDeclaration, TSEnumMemberName, TSExportAssignment, TSImportEqualsDeclaration, TSModuleReference,
    TSNamespaceDeclaration, TSNamespaceDeclarationBody, TSTypeName,
};
use oxc_span::Span;

use super::Lowering;
use crate::facts::builder::Binding;
use crate::facts::{Entry, ExprId, Kind, MODULE, OPAQUE, Role, ScopeKind, Sym};

impl Lowering<'_> {
    pub(super) fn module_declaration(&mut self, declaration: &ModuleDeclaration<'_>) {
        match declaration {
            ModuleDeclaration::ImportDeclaration(import) => self.import(import),
            ModuleDeclaration::ExportAllDeclaration(export) if export.export_kind.is_value() => {
                let (_, whole) = self.import_whole(&export.source, export.span);
                let name = export.exported.as_ref().map(|name| self.intern(&name.name()));
                self.builder.export(name, whole);
            }
            ModuleDeclaration::ExportFromDeclaration(export) if export.export_kind.is_value() => {
                self.export_from(export);
            }
            ModuleDeclaration::ExportDefaultDeclaration(export) => self.export_default(&export.declaration),
            ModuleDeclaration::ExportDeclaration(export) => {
                self.declaration(&export.declaration);
                for (name, span) in declared(&export.declaration) {
                    let value = self.name(name, span);
                    self.builder.role(value, Role::Unused);
                    let name = self.intern(name);
                    self.builder.export(Some(name), value);
                }
            }
            ModuleDeclaration::ExportNamedDeclaration(export) if export.export_kind.is_value() => {
                export.specifiers.iter().for_each(|specifier| self.export(specifier));
            }
            ModuleDeclaration::TSExportAssignment(export) => self.export_whole(export),
            ModuleDeclaration::ExportAllDeclaration(_)
            | ModuleDeclaration::ExportFromDeclaration(_)
            | ModuleDeclaration::ExportNamedDeclaration(_)
            | ModuleDeclaration::TSNamespaceExportDeclaration(_) => {}
        }
    }

    fn export_default(&mut self, declaration: &ExportDefaultDeclarationKind<'_>) {
        let value = match declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => self.function_declaration(function),
            ExportDefaultDeclarationKind::ClassDeclaration(class) => self.class(class),
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
            value => value.as_expression().map_or(OPAQUE, |value| self.expression(value)),
        };
        let name = self.intern("default");
        self.builder.export(Some(name), value);
    }

    /// `export = value` is `module.exports = value`.
    fn export_whole(&mut self, export: &TSExportAssignment<'_>) {
        let value = self.expression(&export.expression);
        let (object, name) = (self.name("module", export.span), self.intern("exports"));
        self.builder.role(object, Role::Synthetic);
        let target = self.expr(Kind::Attribute { object, name }, export.span);
        self.builder.assign(target, value, Binding::Hoisted);
    }

    fn export(&mut self, specifier: &ExportSpecifier<'_>) {
        if let (true, ModuleExportName::IdentifierReference(name)) =
            (specifier.export_kind.is_value(), &specifier.local)
        {
            let value = self.name(&name.name, name.span);
            self.builder.role(value, Role::Unused);
            let exported = self.intern(&specifier.exported.name());
            self.builder.export(Some(exported), value);
        }
    }

    /// `export { a } from "b"` takes `a` of `b` in, and hands it on.
    fn export_from(&mut self, export: &ExportFromDeclaration<'_>) {
        let (module, whole) = self.import_whole(&export.source, export.span);
        for specifier in export.specifiers.iter().filter(|specifier| specifier.export_kind.is_value()) {
            let (local, place) = (specifier.local.name(), self.place(specifier.span));
            let value = match local.as_str() {
                "default" => whole,
                local => {
                    let member = self.intern(local);
                    self.builder.import(vec![module, member], false, place)
                }
            };
            let exported = self.intern(&specifier.exported.name());
            self.builder.export(Some(exported), value);
        }
    }

    /// Notes the import of a module.
    fn import_whole(&mut self, source: &StringLiteral<'_>, span: Span) -> (Sym, ExprId) {
        let (written, place) = (self.place(source.span), self.place(span));
        self.builder.facts.strings.push(written);
        let module = self.intern(&source.value);
        (module, self.builder.import(vec![module], true, place))
    }

    fn import(&mut self, import: &ImportDeclaration<'_>) {
        if import.import_kind.is_type() {
            return;
        }
        let (module, whole) = self.import_whole(&import.source, import.span);
        for specifier in import.specifiers.iter().flatten() {
            let (local, value) = match specifier {
                ImportDeclarationSpecifier::ImportDefaultSpecifier(default) => (&default.local, whole),
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(namespace) => (&namespace.local, whole),
                ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind.is_type() => continue,
                ImportDeclarationSpecifier::ImportSpecifier(one) if one.imported.name() == "default" => {
                    (&one.local, whole)
                }
                ImportDeclarationSpecifier::ImportSpecifier(one) => {
                    let (member, place) = (self.intern(&one.imported.name()), self.place(import.span));
                    (&one.local, self.builder.import(vec![module, member], false, place))
                }
            };
            let name = self.intern(&local.name);
            self.builder.bind(MODULE, name, value, 0);
        }
    }

    /// `import x = require("y")` and `import x = a.b`.
    pub(super) fn import_equals(&mut self, import: &TSImportEqualsDeclaration<'_>) {
        if import.import_kind.is_type() {
            return;
        }
        let value = match &import.module_reference {
            TSModuleReference::ExternalModuleReference(module) => self.import_whole(&module.expression, import.span).1,
            TSModuleReference::IdentifierReference(name) => self.name(&name.name, name.span),
            TSModuleReference::QualifiedName(name) => {
                // Outermost last.
                let mut parts = vec![&name.right];
                let mut left = &name.left;
                while let TSTypeName::QualifiedName(name) = left {
                    parts.push(&name.right);
                    left = &name.left;
                }
                let TSTypeName::IdentifierReference(first) = left else { return };
                let mut object = self.name(&first.name, first.span);
                for part in parts.into_iter().rev() {
                    self.builder.role(object, Role::Object);
                    let name = self.intern(&part.name);
                    object = self.expr(Kind::Attribute { object, name }, Span::new(first.span.start, part.span.end));
                }
                object
            }
        };
        self.builder.role(value, Role::Alias);
        let (name, scope) = (self.intern(&import.id.name), self.builder.scope);
        self.builder.bind(scope, name, value, 0);
    }

    /// An enumeration is an object, whose members see one another.
    pub(super) fn enumeration(&mut self, declaration: &TSEnumDeclaration<'_>) {
        if declaration.declare {
            return;
        }
        let mut entries = Vec::with_capacity(declaration.body.members.len());
        let inner = self.builder.new_scope(ScopeKind::Block);
        self.within(inner, |lowering| {
            for member in &declaration.body.members {
                let key = match &member.id {
                    TSEnumMemberName::Identifier(name) => lowering.key_text(&name.name, name.span),
                    TSEnumMemberName::String(name) | TSEnumMemberName::ComputedString(name) => {
                        lowering.key_text(&name.value, name.span)
                    }
                    TSEnumMemberName::ComputedTemplateString(_) => OPAQUE,
                };
                let value = member.initializer.as_ref().map_or(OPAQUE, |value| lowering.expression(value));
                if let Kind::Text(text) = lowering.builder.facts.kind(key).clone() {
                    let name = lowering.intern(&text);
                    lowering.builder.bind(inner, name, value, 0);
                }
                entries.push(Entry { key: Some(key), value });
            }
        });
        let value = self.mapping(entries, declaration.span);
        let (name, scope) = (self.intern(&declaration.id.name), self.builder.scope);
        self.builder.bind(scope, name, value, 0);
    }

    /// A namespace is an object, whose members are what its body exports.
    pub(super) fn namespace(&mut self, namespace: &TSNamespaceDeclaration<'_>) {
        if namespace.declare || self.is_full() {
            return;
        }
        let inner = self.builder.new_scope(ScopeKind::Function);
        let mut members: Vec<Sym> = Vec::new();
        self.within(inner, |lowering| match &namespace.body {
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                lowering.directives(&block.directives);
                lowering.statements(&block.body);
                members = lowering.exported(&block.body);
            }
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(nested) => {
                lowering.namespace(nested);
                members.push(lowering.intern(&nested.id.name));
            }
        });
        let mut entries = Vec::with_capacity(members.len());
        for member in members {
            let Some(variable) = self.builder.facts.variable(inner, member) else { continue };
            let text = self.builder.facts.symbols.text(member).clone();
            let key = Some(self.expr(Kind::Text(text), namespace.id.span));
            entries.push(Entry { key, value: self.builder.facts.variable_table[variable.at()].expr });
        }
        let value = self.mapping(entries, namespace.span);
        let (name, scope) = (self.intern(&namespace.id.name), self.builder.scope);
        self.builder.bind(scope, name, value, 0);
    }

    /// The names that the body of a namespace exports.
    fn exported(&mut self, body: &[Statement<'_>]) -> Vec<Sym> {
        let mut names = Vec::new();
        for statement in body {
            if let Statement::ExportDeclaration(export) = statement {
                names.extend(declared(&export.declaration).into_iter().map(|(name, _)| self.intern(name)));
            }
        }
        names
    }
}

/// The plain names that a declaration binds, and where they stand.
fn declared<'e>(declaration: &'e Declaration<'_>) -> Vec<(&'e str, Span)> {
    let named = |id: &'e BindingIdentifier<'_>| (id.name.as_str(), id.span);
    match declaration {
        Declaration::VariableDeclaration(variables) => {
            let ids = variables.declarations.iter().filter_map(|one| one.id.get_binding_identifier());
            ids.map(named).collect()
        }
        Declaration::TSTypeAliasDeclaration(_) | Declaration::TSInterfaceDeclaration(_) => Vec::new(),
        declaration => declaration.id().map(named).into_iter().collect(),
    }
}
