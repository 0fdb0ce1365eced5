//! Imports of Python, from a tolerant tree.

use std::sync::Arc;

use tree_sitter::Node;
use unicode_normalization::UnicodeNormalization as _;

use super::{F, Kid, N, child, name};
use crate::facts::builder::Builder;
use crate::facts::tolerant::Frame;
use crate::facts::{ExprId, Kind, OPAQUE, Role, Sym};

/// What an import statement binds. The parts were lowered as names; here they are read from the source again.
pub(super) fn imports(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let module: Vec<Sym> = match child(children, F::ModuleName) {
        Some(module) => path(builder, module.node),
        None => Vec::new(),
    };
    for child in children {
        builder.role(child.expr, Role::Target);
        match child.kind {
            N::WildcardImport => {
                builder.import(module.clone(), true, frame.node.byte_range());
                let scope = builder.scope;
                builder.facts.star_imports.push((scope, Arc::from(module.as_slice())));
            }
            N::DottedName | N::AliasedImport if child.field == F::Name => {
                import_one(builder, &module, child, frame.node)
            }
            _ => {}
        }
    }
    OPAQUE
}

fn import_one(builder: &mut Builder<'_>, module: &[Sym], child: &Kid<'_>, statement: Node<'_>) {
    let aliased = child.kind == N::AliasedImport;
    let named = if aliased { child.node.child_by_field_name("name") } else { Some(child.node) };
    let alias = if aliased { child.node.child_by_field_name("alias") } else { None };
    let own = named.map(|node| path(builder, node)).unwrap_or_default();
    let Some(&first) = own.first() else { return };
    let full: Vec<Sym> = module.iter().chain(&own).copied().collect();
    let at = u32::try_from(statement.end_byte()).unwrap_or(u32::MAX);
    let reached = builder.import(full, module.is_empty(), statement.byte_range());
    let (bound, value) = match alias {
        Some(alias) => (name(builder, alias), reached),
        // `import a.b` binds `a`.
        None if module.is_empty() && own.len() > 1 => {
            let root = builder.synthetic(Kind::Imported([first].into()), reached);
            (first, root)
        }
        None => (first, reached),
    };
    let scope = builder.binding_scope(bound);
    builder.bind(scope, bound, value, at);
}

fn path(builder: &mut Builder<'_>, node: Node<'_>) -> Vec<Sym> {
    let text: String =
        builder.text(node.byte_range()).nfkc().filter(|char| !char.is_whitespace() && *char != '\\').collect();
    let dots = text.chars().take_while(|&char| char == '.').count();
    let dot = builder.facts.symbols.intern(".");
    let mut parts = vec![dot; dots];
    parts
        .extend(text[dots..].split('.').filter(|part| !part.is_empty()).map(|part| builder.facts.symbols.intern(part)));
    parts
}
