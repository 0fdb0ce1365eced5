//! JavaScript: which nodes of its tolerant tree are which facts. TypeScript and JSX come through the same grammar, with
//! error nodes for what it does not know.

mod exports;
mod statements;

use std::num::NonZeroU16;
use std::sync::OnceLock;

use tree_sitter::Node;

use crate::facts::{
    Argument, Binary, Dialect, Entry, ExprId, Facts, Kind, MODULE, OPAQUE, Role, ScopeId, ScopeKind, Spread, Sym, Unary,
};

use super::{Child, Frame, Language, names};
use crate::facts::builder::{Binding, Builder};
use crate::facts::javascript::called;
use crate::facts::literal;
use crate::facts::statements::{BlockKind, StatementKind};

names! {
    /// Node kinds of JavaScript.
    N {
        Arguments = "arguments", Array = "array", ArrayPattern = "array_pattern", Arrow = "arrow_function",
        Assignment = "assignment_expression", AssignmentPattern = "assignment_pattern",
        Augmented = "augmented_assignment_expression", Await = "await_expression", Binary = "binary_expression",
        Block = "statement_block", Call = "call_expression", Catch = "catch_clause", Class = "class",
        ClassBody = "class_body", ClassDeclaration = "class_declaration", Comment = "comment",
        Computed = "computed_property_name", Debugger = "debugger_statement", Decorator = "decorator", Do = "do_statement", Export = "export_statement",
        ExpressionStatement = "expression_statement", False = "false", Field = "field_definition",
        ForIn = "for_in_statement", For = "for_statement", FunctionDeclaration = "function_declaration",
        FunctionExpression = "function_expression", GeneratorDeclaration = "generator_function_declaration",
        Generator = "generator_function", Heritage = "class_heritage", HtmlComment = "html_comment",
        Identifier = "identifier", If = "if_statement", Import = "import_statement", ImportClause = "import_clause",
        ImportSpecifier = "import_specifier", ImportWord = "import", NamespaceImport = "namespace_import",
        JsxAttribute = "jsx_attribute", JsxExpression = "jsx_expression", Lexical = "lexical_declaration", Member = "member_expression",
        MetaProperty = "meta_property", Method = "method_definition", New = "new_expression", Null = "null", Number = "number", Object = "object",
        ObjectAssignmentPattern = "object_assignment_pattern", ObjectPattern = "object_pattern", Pair = "pair",
        PairPattern = "pair_pattern", Parameters = "formal_parameters", Parenthesized = "parenthesized_expression",
        PrivateProperty = "private_property_identifier", Program = "program", Property = "property_identifier",
        Regex = "regex", Rest = "rest_pattern", Return = "return_statement", Sequence = "sequence_expression",
        Shorthand = "shorthand_property_identifier", ShorthandPattern = "shorthand_property_identifier_pattern",
        Spread = "spread_element", String = "string", StringFragment = "string_fragment", Subscript = "subscript_expression",
        Switch = "switch_statement", SwitchBody = "switch_body", Template = "template_string",
        Substitution = "template_substitution", Ternary = "ternary_expression", This = "this", True = "true",
        Try = "try_statement", Unary = "unary_expression", Undefined = "undefined", Using = "using_declaration",
        VariableDeclaration = "variable_declaration", Declarator = "variable_declarator", While = "while_statement",
        With = "with_statement", Yield = "yield_expression", EscapeSequence = "escape_sequence", Plus = "+", Minus = "-",
        Percent = "%", Star = "*", Caret = "^", Not = "!", TypeOf = "typeof", Void = "void", Or = "||", And = "&&",
        Nullish = "??", PlusAssign = "+=", OrAssign = "||=", AndAssign = "&&=", NullishAssign = "??=",
    }
}

names! {
    /// Fields of JavaScript nodes.
    F {
        Alternative = "alternative", Arguments = "arguments", Argument = "argument", Body = "body",
        Consequence = "consequence", Condition = "condition", Constructor = "constructor", Decorator = "decorator", Function = "function", Index = "index", Key = "key",
        Kind = "kind", Left = "left", Name = "name", Object = "object", Operator = "operator", Parameter = "parameter",
        Parameters = "parameters", Property = "property", Right = "right", Source = "source", Value = "value",
    }
}

struct JavaScript;

type Kid<'t> = Child<'t, N, F>;

/// Lowers a JavaScript tree.
pub(crate) fn lower(source: &str, root: Node<'_>) -> Facts {
    super::lower::<JavaScript>(source, root, Dialect::JavaScript)
}

fn kinds() -> &'static (Vec<N>, Vec<F>) {
    static TABLES: OnceLock<(Vec<N>, Vec<F>)> = OnceLock::new();
    TABLES.get_or_init(|| {
        let language: tree_sitter::Language = tree_sitter_javascript::LANGUAGE.into();
        let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let kinds = (0..count)
            .map(|id| {
                let text = language.node_kind_for_id(id).unwrap_or_default();
                let word = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                let operator = !word || matches!(text, "typeof" | "void");
                if language.node_kind_is_named(id) || operator { N::named(text) } else { N::Other }
            })
            .collect();
        let count = u16::try_from(language.field_count()).unwrap_or(u16::MAX);
        let fields = (0..=count).map(|id| F::named(language.field_name_for_id(id).unwrap_or_default())).collect();
        (kinds, fields)
    })
}

const FUNCTIONS: [N; 6] =
    [N::Arrow, N::FunctionDeclaration, N::FunctionExpression, N::GeneratorDeclaration, N::Generator, N::Method];

impl Language for JavaScript {
    type Node = N;
    type Field = F;

    fn kind(node: Node<'_>) -> N {
        kinds().0.get(usize::from(node.kind_id())).copied().unwrap_or(N::Other)
    }

    fn field(id: Option<NonZeroU16>) -> F {
        id.and_then(|id| kinds().1.get(usize::from(id.get()))).copied().unwrap_or(F::Other)
    }

    fn keeps_anonymous(field: F) -> bool {
        matches!(field, F::Operator | F::Kind)
    }

    fn enter<'t>(builder: &mut Builder<'t>, parent: Option<&Frame<'t, N>>, field: F, frame: &mut Frame<'t, N>) {
        if let Some(parent) = parent {
            let inner = match field {
                F::Parameters | F::Parameter | F::Body => parent.inner,
                _ => None,
            };
            if let Some(inner) = inner {
                builder.scope = inner;
                frame.own_scope = inner;
                builder.branches = if parent.function.is_some() { 0 } else { builder.branches };
            }
        }
        match frame.kind {
            kind if FUNCTIONS.contains(&kind) => {
                let scope = builder.new_scope(ScopeKind::Function);
                frame.inner = Some(scope);
                frame.function = Some(builder.new_function(scope));
            }
            N::Class | N::ClassDeclaration => frame.inner = Some(builder.new_scope(ScopeKind::Class)),
            N::With => frame.inner = Some(builder.new_scope(ScopeKind::With(OPAQUE))),
            N::Block | N::For | N::ForIn | N::Catch | N::SwitchBody => {
                builder.scope = builder.new_scope(ScopeKind::Block);
                frame.inner = Some(builder.scope);
                builder.branches += u32::from(parent.is_none_or(|parent| parent.function.is_none()));
            }
            N::If | N::While | N::Do | N::Switch | N::Try => builder.branches += 1,
            _ => {}
        }
    }

    fn leave<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
        let node = frame.node;
        match frame.kind {
            N::Identifier | N::Shorthand | N::ShorthandPattern => {
                let name = name(builder, node);
                builder.expr(Kind::Name(name), node.byte_range())
            }
            N::Member => member(builder, node, children),
            N::Subscript => subscript(builder, node, children),
            N::Call | N::New => call(builder, node, children),
            N::Arguments => argument_list(builder, node, children),
            N::String => {
                let text = builder.text(node.byte_range());
                builder.facts.strings.push(node.byte_range());
                let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                builder.expr(Kind::Text(literal::javascript_text(inside).into()), node.byte_range())
            }
            N::Template => template(builder, node, children),
            kind if FUNCTIONS.contains(&kind) => function(builder, frame, children),
            N::Class | N::ClassDeclaration => class(builder, frame, children),
            N::Import => imports(builder, frame),
            _ => leave_more(builder, frame, children),
        }
    }
}

fn leave_more<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
    let node = frame.node;
    match frame.kind {
        N::This => this(builder, node),
        // `new.target` is a function or class, whichever it may be.
        N::MetaProperty if builder.text(node.byte_range()).starts_with("new") => {
            let name = builder.facts.symbols.intern("Class?");
            builder.expr(Kind::Name(name), node.byte_range())
        }
        N::MetaProperty => {
            let name = builder.facts.symbols.intern("import.meta");
            builder.expr(Kind::Name(name), node.byte_range())
        }
        N::Regex => regex(builder, node),
        N::ImportWord => {
            let name = builder.facts.symbols.intern("import");
            builder.expr(Kind::Name(name), node.byte_range())
        }
        N::Number | N::True | N::False | N::Null | N::Undefined => {
            let kind = scalar(builder, frame.kind, node);
            builder.expr(kind, node.byte_range())
        }
        N::Decorator | N::Parenthesized | N::Await | N::Substitution | N::JsxExpression | N::Computed | N::Heritage => {
            children.iter().find(|child| child.kind != N::Comment).map_or(OPAQUE, |child| child.expr)
        }
        N::Yield => {
            let value = children.iter().find(|child| child.kind != N::Comment).map_or(OPAQUE, |child| child.expr);
            let word = builder.text(node.byte_range()).strip_prefix("yield").unwrap_or_default();
            builder.yields(value, word.trim_start().starts_with('*'));
            OPAQUE
        }
        N::Sequence => {
            let (last, rest) = match children {
                [rest @ .., last] => (last.expr, rest),
                [] => (OPAQUE, children),
            };
            rest.iter().for_each(|child| builder.role(child.expr, Role::Unused));
            last
        }
        N::Binary => binary(builder, node, children),
        N::Unary => unary(builder, node, children),
        N::Ternary => {
            let either = builder.list([field(children, F::Consequence), field(children, F::Alternative)]);
            builder.expr(Kind::Choice(either), node.byte_range())
        }
        N::Array | N::ArrayPattern | N::Parameters => {
            let items: Vec<_> =
                children.iter().filter(|child| child.kind != N::Comment).map(|child| child.expr).collect();
            let items = builder.list(items);
            builder.expr(Kind::Sequence(items), node.byte_range())
        }
        N::Spread | N::Rest => {
            let inner = children.first().map_or(OPAQUE, |child| child.expr);
            builder.expr(Kind::Element(inner), node.byte_range())
        }
        N::Object | N::ObjectPattern => object(builder, node, children),
        N::Pair | N::PairPattern => {
            let key = key(builder, children, F::Key);
            let entries = builder.entries([Entry { key, value: field(children, F::Value) }]);
            let pair = builder.expr(Kind::Mapping(entries), node.byte_range());
            builder.role(pair, Role::Synthetic);
            pair
        }
        N::AssignmentPattern | N::ObjectAssignmentPattern => {
            let (target, default) = (field(children, F::Left), field(children, F::Right));
            builder.defaults.insert(target.0, default);
            target
        }
        _ => statement(builder, frame, children),
    }
}

fn statement<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
    match frame.kind {
        N::Assignment => {
            let (target, value) = (field(children, F::Left), field(children, F::Right));
            builder.assign(target, value, Binding::Hoisted);
            return value;
        }
        N::Augmented => return augmented(builder, frame, children),
        N::Declarator => {
            let (target, value) = (field(children, F::Name), field(children, F::Value));
            // Which kind of declaration it is stands in the parent, which takes the declarator apart.
            let entries = builder.entries([Entry { key: Some(target), value }]);
            return builder.synthetic(Kind::Mapping(entries), target);
        }
        N::VariableDeclaration => declare(builder, children, Binding::Local),
        N::Lexical | N::Using => declare(builder, children, Binding::Here),
        N::ForIn => {
            let iterable = field(children, F::Right);
            let element = builder.synthetic(Kind::Element(iterable), iterable);
            let how = match child(children, F::Kind).map(|child| builder.text(child.node.byte_range())) {
                Some("var") => Binding::Local,
                Some(_) => Binding::In(frame.inner.expect("set on entering")),
                None => Binding::Hoisted,
            };
            builder.assign(field(children, F::Left), element, how);
            builder.block(BlockKind::Loop, frame.node.byte_range());
        }
        N::For | N::While | N::Do => statements::looped(builder, frame, children),
        N::Debugger => builder.statement(StatementKind::Debugger, [], frame.node.byte_range()),
        N::JsxAttribute => statements::jsx_attribute(builder, frame.node, children),
        N::Catch => {
            let inner = frame.inner.expect("set on entering");
            builder.assign(field(children, F::Parameter), OPAQUE, Binding::In(inner));
            statements::catch(builder, frame.node, children);
        }
        N::ImportClause | N::ImportSpecifier | N::NamespaceImport => {
            children.iter().for_each(|child| builder.role(child.expr, Role::Target));
        }
        N::With => {
            let scope = frame.inner.expect("set on entering");
            builder.facts.scopes[scope.at()].kind = ScopeKind::With(field(children, F::Object));
            builder.statement(StatementKind::With, [], frame.node.byte_range());
        }
        N::Return => {
            let value = children.iter().find(|child| child.kind != N::Comment).map_or(OPAQUE, |child| child.expr);
            if let Some(function) = builder.functions.last().copied() {
                builder.facts.functions[function.at()].returns.push(value);
            }
        }
        N::Field => {
            if let (Some(key), Some(scope)) = (key(builder, children, F::Property), class_scope(builder))
                && let Kind::Text(text) = builder.facts.kind(key).clone()
            {
                let name = builder.facts.symbols.intern(&text);
                let value = field(children, F::Value);
                builder.bind(scope, name, value, 0);
                builder.property(name, value, frame.node.byte_range());
            }
        }
        N::ExpressionStatement => children.iter().for_each(|child| {
            if matches!(child.kind, N::Identifier | N::Member | N::Subscript) {
                builder.role(child.expr, Role::Unused);
            }
        }),
        N::Export => exports::exports(builder, frame, children),
        N::Comment | N::HtmlComment => builder.facts.comments.push(frame.node.byte_range()),
        _ => {}
    }
    OPAQUE
}

fn field(children: &[Kid<'_>], field: F) -> ExprId {
    children.iter().find(|child| child.field == field).map_or(OPAQUE, |child| child.expr)
}

fn child<'a, 't>(children: &'a [Kid<'t>], field: F) -> Option<&'a Kid<'t>> {
    children.iter().find(|child| child.field == field)
}

fn name(builder: &mut Builder<'_>, node: Node<'_>) -> Sym {
    let text = builder.text(node.byte_range());
    if text.contains('\\') {
        return builder.facts.symbols.intern(&literal::javascript_text(text));
    }
    builder.facts.symbols.intern(text)
}

fn member(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let object = field(children, F::Object);
    let Some(property) = child(children, F::Property) else { return object };
    let name = name(builder, property.node);
    builder.role(property.expr, Role::Target);
    builder.role(object, Role::Object);
    builder.expr(Kind::Attribute { object, name }, node.byte_range())
}

/// `a["b"]` is `a.b`.
fn subscript(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let (object, index) = (field(children, F::Object), field(children, F::Index));
    builder.role(object, Role::Object);
    let kind = match builder.facts.kind(index).clone() {
        Kind::Text(text) => Kind::Attribute { object, name: builder.facts.symbols.intern(&text) },
        _ => Kind::Subscript { object, index },
    };
    builder.expr(kind, node.byte_range())
}

fn call(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let callee = child(children, F::Function).or_else(|| child(children, F::Constructor));
    let callee = callee.map_or(OPAQUE, |child| child.expr);
    let arguments: Vec<Argument> = match child(children, F::Arguments) {
        Some(list) => match builder.facts.kind(list.expr) {
            Kind::Call { arguments, .. } if list.kind == N::Arguments => {
                builder.facts.arguments[arguments.range()].to_vec()
            }
            // A tagged template.
            _ => vec![Builder::positional(list.expr)],
        },
        None => Vec::new(),
    };
    called(builder, callee, &arguments);
    builder.call(node.byte_range(), callee, arguments)
}

/// The arguments are held by a call of the unknown, until their own call takes them.
fn argument_list(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let list: Vec<Argument> = children
        .iter()
        .filter(|child| !matches!(child.kind, N::Comment | N::HtmlComment))
        .map(|child| match builder.facts.kind(child.expr) {
            &Kind::Element(value) if child.kind == N::Spread => {
                Argument { keyword: None, value, spread: Spread::Positional }
            }
            _ => Builder::positional(child.expr),
        })
        .collect();
    let arguments = builder.arguments(list);
    let holder = builder.expr(Kind::Call { callee: OPAQUE, arguments }, node.byte_range());
    builder.role(holder, Role::Synthetic);
    holder
}

fn template(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    builder.facts.strings.push(node.byte_range());
    let mut parts = Vec::new();
    for child in children {
        match child.kind {
            N::StringFragment | N::EscapeSequence => {
                let text = literal::javascript_text(builder.text(child.node.byte_range()));
                parts.push(builder.expr(Kind::Text(text.into()), child.node.byte_range()));
            }
            N::Substitution => parts.push(child.expr),
            _ => {}
        }
    }
    let parts = builder.list(parts);
    builder.expr(Kind::Concat(parts), node.byte_range())
}

/// `this` is the global object at the top level, and an object of the class inside of one.
fn this(builder: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    let kind = match builder.facts.class_around(builder.scope) {
        Some(class) => Kind::Instance(class),
        None => Kind::This,
    };
    builder.expr(kind, node.byte_range())
}

/// `/pattern/flags` is what `RegExp` makes of two texts.
fn regex(builder: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    let text = builder.text(node.byte_range());
    let Some((pattern, flags)) = text.get(1..).and_then(|rest| rest.rsplit_once('/')) else { return OPAQUE };
    builder.pattern(pattern, flags, node.byte_range())
}

fn scalar(builder: &Builder<'_>, kind: N, node: Node<'_>) -> Kind {
    match kind {
        N::True => Kind::Bool(true),
        N::False => Kind::Bool(false),
        N::Null => Kind::Null,
        N::Undefined => Kind::Undefined,
        _ => {
            let text = builder.text(node.byte_range());
            let float = || text.replace('_', "").parse().map_or(Kind::Opaque, Kind::Float);
            literal::integer(text).map_or_else(float, Kind::Int)
        }
    }
}

fn binary(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let (left, right) = (field(children, F::Left), field(children, F::Right));
    let operator = match child(children, F::Operator).map(|child| child.kind) {
        Some(N::Plus) => Binary::Add,
        Some(N::Minus) => Binary::Subtract,
        Some(N::Percent) => Binary::Modulo,
        Some(N::Star) => Binary::Multiply,
        Some(N::Caret) => Binary::Xor,
        Some(N::Or | N::And | N::Nullish) => {
            let either = builder.list([left, right]);
            return builder.expr(Kind::Choice(either), node.byte_range());
        }
        _ => {
            statements::comparison(builder, node, left, right, children);
            Binary::Other
        }
    };
    builder.expr(Kind::Binary(operator, left, right), node.byte_range())
}

fn unary(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let operand = field(children, F::Argument);
    let operator = match child(children, F::Operator).map(|child| child.kind) {
        Some(N::Not) => Unary::Not,
        Some(N::Minus) => Unary::Minus,
        Some(N::Plus) => Unary::Plus,
        Some(N::Void) => Unary::Void,
        Some(N::TypeOf) => {
            // `typeof eval` asks, and passes nothing on.
            builder.role(operand, Role::Unused);
            Unary::TypeOf
        }
        _ => return OPAQUE,
    };
    builder.expr(Kind::Unary(operator, operand), node.byte_range())
}

fn augmented(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let (target, right) = (field(children, F::Left), field(children, F::Right));
    let value = match child(children, F::Operator).map(|child| child.kind) {
        Some(N::OrAssign | N::AndAssign | N::NullishAssign) => right,
        Some(N::PlusAssign) => {
            let value = builder.expr(Kind::Binary(Binary::Add, target, right), frame.node.byte_range());
            builder.role(value, Role::Synthetic);
            value
        }
        _ => OPAQUE,
    };
    builder.assign(target, value, Binding::Hoisted);
    if value == right {
        let either = builder.list([target, value]);
        return builder.synthetic(Kind::Choice(either), value);
    }
    value
}

/// The key of a pair, method or field, as a constant where it is written as a name.
fn key(builder: &mut Builder<'_>, children: &[Kid<'_>], at: F) -> Option<ExprId> {
    let child = child(children, at)?;
    Some(match child.kind {
        N::Property | N::PrivateProperty | N::Identifier => {
            let name = name(builder, child.node);
            let text = builder.facts.symbols.text(name).clone();
            builder.expr(Kind::Text(text), child.node.byte_range())
        }
        _ => child.expr,
    })
}

fn object(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let mut entries = Vec::new();
    for child in children {
        match (child.kind, builder.facts.kind(child.expr).clone()) {
            (N::Pair | N::PairPattern, Kind::Mapping(own)) => {
                entries.extend_from_slice(&builder.facts.entries[own.range()]);
            }
            (_, Kind::Name(name)) => {
                let text = builder.facts.symbols.text(name).clone();
                let key = builder.expr(Kind::Text(text), child.node.byte_range());
                entries.push(Entry { key: Some(key), value: child.expr });
            }
            (N::Method, Kind::Function(_)) => {
                let name = child.node.child_by_field_name("name").map(|node| name(builder, node));
                let text = name.map(|name| builder.facts.symbols.text(name).clone());
                let key = text.map(|text| builder.expr(Kind::Text(text), child.node.byte_range()));
                entries.push(Entry { key, value: child.expr });
            }
            (N::Spread | N::Rest, Kind::Element(value)) => entries.push(Entry { key: None, value }),
            _ => {}
        }
    }
    let entries = builder.entries(entries);
    builder.expr(Kind::Mapping(entries), node.byte_range())
}

fn declare(builder: &mut Builder<'_>, children: &[Kid<'_>], how: Binding) {
    for child in children.iter().filter(|child| child.kind == N::Declarator) {
        let Kind::Mapping(entries) = *builder.facts.kind(child.expr) else { continue };
        let entry = builder.facts.entries[entries.range().start];
        builder.assign(entry.key.unwrap_or(OPAQUE), entry.value, how);
    }
}

fn function(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let (inner, id) = (frame.inner.expect("set on entering"), frame.function.expect("set on entering"));
    let parameters = child(children, F::Parameters).or_else(|| child(children, F::Parameter));
    let outer = builder.scope;
    if let Some(parameters) = parameters {
        builder.scope = inner;
        builder.parameters(id, inner, parameters.expr, None);
        builder.scope = outer;
    }
    if frame.kind == N::Method {
        builder.facts.functions[id.at()].getter = frame.node.child(0).is_some_and(|word| word.kind() == "get")
            || frame.node.child(1).is_some_and(|word| word.kind() == "get");
    }
    statements::function(builder, frame, children);
    let value = builder.expr(Kind::Function(id), frame.node.byte_range());
    if let Some(body) = child(children, F::Body).filter(|body| body.kind != N::Block) {
        builder.facts.functions[id.at()].returns.push(body.expr);
    }
    name_function(builder, frame, children, value);
    value
}

fn name_function(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>], value: ExprId) {
    let Some(named) = child(children, F::Name) else { return };
    match frame.kind {
        N::FunctionDeclaration | N::GeneratorDeclaration => {
            builder.assign(named.expr, value, Binding::Here);
            builder.role(value, Role::Synthetic);
        }
        // The name of a function expression is seen inside of it alone.
        N::FunctionExpression | N::Generator => {
            let inner = frame.inner.expect("set on entering");
            builder.assign(named.expr, value, Binding::In(inner));
        }
        N::Method => {
            builder.role(named.expr, Role::Target);
            let key = key(builder, children, F::Name);
            if let (Some(key), Some(scope)) = (key, class_scope(builder))
                && let Kind::Text(text) = builder.facts.kind(key).clone()
            {
                let name = builder.facts.symbols.intern(&text);
                builder.bind(scope, name, value, 0);
            }
        }
        _ => {}
    }
}

/// The class whose body is being lowered.
fn class_scope(builder: &Builder<'_>) -> Option<ScopeId> {
    (builder.facts.scope(builder.scope).kind == ScopeKind::Class).then_some(builder.scope)
}

fn class(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let scope = frame.inner.expect("set on entering");
    let bases: Vec<ExprId> =
        children.iter().filter(|child| child.kind == N::Heritage).map(|child| child.expr).collect();
    let bases = builder.list(bases);
    statements::class(builder, frame, children, bases);
    let value = builder.expr(Kind::Class { scope, bases }, frame.node.byte_range());
    if let Some(named) = child(children, F::Name) {
        let how = if frame.kind == N::ClassDeclaration { Binding::Here } else { Binding::In(scope) };
        builder.assign(named.expr, value, how);
    }
    value
}

/// What an import statement binds, read from its tree.
fn imports(builder: &mut Builder<'_>, frame: &Frame<'_, N>) -> ExprId {
    let node = frame.node;
    let Some(source) = node.child_by_field_name("source") else { return OPAQUE };
    let text = builder.text(source.byte_range());
    let text = literal::javascript_text(text.get(1..text.len().saturating_sub(1)).unwrap_or_default());
    let module = builder.facts.symbols.intern(&text);
    let whole = builder.import(vec![module], true, node.byte_range());
    let mut cursor = node.walk();
    let clauses: Vec<Node<'_>> =
        node.named_children(&mut cursor).filter(|child| child.kind() == "import_clause").collect();
    for part in clauses.into_iter().flat_map(|clause| clause.named_children(&mut clause.walk()).collect::<Vec<_>>()) {
        match part.kind() {
            "identifier" => bind_import(builder, part, whole),
            "namespace_import" => {
                if let Some(name) = part.named_child(0) {
                    bind_import(builder, name, whole);
                }
            }
            "named_imports" => {
                for specifier in part.named_children(&mut part.walk()).collect::<Vec<_>>() {
                    import_member(builder, module, specifier, whole, node);
                }
            }
            _ => {}
        }
    }
    OPAQUE
}

fn import_member(builder: &mut Builder<'_>, module: Sym, specifier: Node<'_>, whole: ExprId, statement: Node<'_>) {
    let Some(named) = specifier.child_by_field_name("name") else { return };
    let raw = builder.text(named.byte_range());
    let text = literal::javascript_text(raw.trim_matches(['"', '\'']));
    let bound = specifier.child_by_field_name("alias").unwrap_or(named);
    if text == "default" {
        return bind_import(builder, bound, whole);
    }
    let member = builder.facts.symbols.intern(&text);
    let value = builder.import(vec![module, member], false, statement.byte_range());
    bind_import(builder, bound, value);
}

fn bind_import(builder: &mut Builder<'_>, bound: Node<'_>, value: ExprId) {
    let name = name(builder, bound);
    builder.bind(MODULE, name, value, 0);
}
