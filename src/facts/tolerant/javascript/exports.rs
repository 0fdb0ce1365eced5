//! What export statements of JavaScript's tolerant tree hand out.

use tree_sitter::Node;

use super::{F, Kid, N, child, name};
use crate::facts::builder::Builder;
use crate::facts::tolerant::Frame;
use crate::facts::{ExprId, Kind, Role, Sym, literal};

/// What an export statement hands out, read from its tree.
pub(super) fn exports(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) {
    let node = frame.node;
    let default = builder.facts.symbols.intern("default");
    if let Some(value) = child(children, F::Value) {
        return builder.export(Some(default), value.expr);
    }
    if let Some(declaration) = node.child_by_field_name("declaration") {
        for bound in declared_names(declaration) {
            let name = name(builder, bound);
            let value = builder.expr(Kind::Name(name), bound.byte_range());
            builder.role(value, Role::Unused);
            let is_default = node.child(1).is_some_and(|word| word.kind() == "default");
            builder.export(Some(if is_default { default } else { name }), value);
        }
        return;
    }
    let module = node.child_by_field_name("source").map(|source| {
        let text = builder.text(source.byte_range());
        let text = literal::javascript_text(text.get(1..text.len().saturating_sub(1)).unwrap_or_default());
        let module = builder.facts.symbols.intern(&text);
        (module, builder.import(vec![module], true, node.byte_range()))
    });
    let clauses: Vec<Node<'_>> = node.named_children(&mut node.walk()).collect();
    let clause = clauses.into_iter().find(|child| matches!(child.kind(), "export_clause" | "namespace_export"));
    match (clause, module) {
        (None, Some((_, whole))) => builder.export(None, whole),
        (Some(clause), Some((_, whole))) if clause.kind() == "namespace_export" => {
            if let Some(named) = clause.named_child(0) {
                let name = name(builder, named);
                builder.export(Some(name), whole);
            }
        }
        (Some(clause), module) => {
            for specifier in clause.named_children(&mut clause.walk()).collect::<Vec<_>>() {
                export_member(builder, specifier, module);
            }
        }
        (None, None) => {}
    }
}

fn export_member(builder: &mut Builder<'_>, specifier: Node<'_>, module: Option<(Sym, ExprId)>) {
    let Some(named) = specifier.child_by_field_name("name") else { return };
    let exported = specifier.child_by_field_name("alias").unwrap_or(named);
    let plain = |builder: &mut Builder<'_>, node: Node<'_>| {
        let text = literal::javascript_text(builder.text(node.byte_range()).trim_matches(['"', '\'']));
        builder.facts.symbols.intern(&text)
    };
    let (own, exported) = (plain(builder, named), plain(builder, exported));
    let value = match module {
        Some((_, whole)) if builder.facts.text(own) == "default" => whole,
        Some((module, _)) => builder.import(vec![module, own], false, specifier.byte_range()),
        None => {
            let value = builder.expr(Kind::Name(own), named.byte_range());
            builder.role(value, Role::Unused);
            value
        }
    };
    builder.export(Some(exported), value);
}

/// The plain names that a declaration binds.
fn declared_names(declaration: Node<'_>) -> Vec<Node<'_>> {
    if let Some(name) = declaration.child_by_field_name("name") {
        return vec![name];
    }
    declaration
        .named_children(&mut declaration.walk())
        .filter_map(|declarator| declarator.child_by_field_name("name"))
        .filter(|name| name.kind() == "identifier")
        .collect()
}
