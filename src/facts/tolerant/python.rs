//! Python: which nodes of its tolerant tree are which facts.

mod imports;
mod patterns;
mod statements;

use std::num::NonZeroU16;
use std::sync::OnceLock;

use tree_sitter::Node;
use unicode_normalization::UnicodeNormalization as _;

use crate::facts::{
    Argument, Binary, Dialect, Entry, ExprId, Facts, Kind, OPAQUE, Role, ScopeKind, Spread, Sym, Unary,
};

use super::{Child, Frame, Language, names};
use crate::facts::builder::{Binding, Builder};
use crate::facts::literal;
use crate::facts::statements::{BlockKind, StatementKind};

names! {
    /// Node kinds of Python.
    N {
        AliasedImport = "aliased_import", Arguments = "argument_list", Assert = "assert_statement", AsPattern = "as_pattern",
        AsPatternTarget = "as_pattern_target", Assignment = "assignment", Attribute = "attribute",
        AugmentedAssignment = "augmented_assignment", Await = "await", BinaryOperator = "binary_operator",
        Block = "block", Case = "case_clause", CasePattern = "case_pattern", BooleanOperator = "boolean_operator", Call = "call", Class = "class_definition",
        Comment = "comment", Comparison = "comparison_operator", ConcatenatedString = "concatenated_string",
        Conditional = "conditional_expression", Decorated = "decorated_definition", Decorator = "decorator",
        DefaultParameter = "default_parameter", Delete = "delete_statement", Dictionary = "dictionary",
        DictionaryComprehension = "dictionary_comprehension", DictionarySplat = "dictionary_splat",
        DictionarySplatPattern = "dictionary_splat_pattern", DottedName = "dotted_name", Except = "except_clause",
        ExecStatement = "exec_statement", ExpressionList = "expression_list",
        ExpressionStatement = "expression_statement", False = "false", Float = "float", For = "for_statement",
        ForIn = "for_in_clause", Function = "function_definition", FutureImport = "future_import_statement",
        GeneratorExpression = "generator_expression", Global = "global_statement", Identifier = "identifier",
        If = "if_statement", IfClause = "if_clause", Import = "import_statement", ImportFrom = "import_from_statement",
        ImportPrefix = "import_prefix", Integer = "integer", Interpolation = "interpolation",
        KeywordArgument = "keyword_argument", Lambda = "lambda", LambdaParameters = "lambda_parameters", List = "list",
        ListComprehension = "list_comprehension", ListPattern = "list_pattern", ListSplat = "list_splat",
        ListSplatPattern = "list_splat_pattern", Match = "match_statement", NamedExpression = "named_expression",
        None = "none", Nonlocal = "nonlocal_statement", NotOperator = "not_operator", Pair = "pair",
        Parameters = "parameters", Parenthesized = "parenthesized_expression", PatternList = "pattern_list",
        RelativeImport = "relative_import", Return = "return_statement", Set = "set",
        SetComprehension = "set_comprehension", Slice = "slice", String = "string", StringContent = "string_content",
        StringStart = "string_start", Subscript = "subscript", True = "true", Try = "try_statement", Tuple = "tuple",
        TuplePattern = "tuple_pattern", Type = "type", TypedDefault = "typed_default_parameter",
        TypedParameter = "typed_parameter", UnaryOperator = "unary_operator", While = "while_statement",
        WildcardImport = "wildcard_import", With = "with_statement", WithItem = "with_item",
        Yield = "yield", EscapeSequence = "escape_sequence", FormatSpecifier = "format_specifier", Colon = ":",
        Plus = "+", Minus = "-", Percent = "%", Star = "*", Caret = "^", PlusAssign = "+=", Error = "ERROR",
    }
}

names! {
    /// Fields of Python nodes.
    F {
        Alias = "alias", Alternative = "alternative", Arguments = "arguments", Argument = "argument",
        Attribute = "attribute", Body = "body", Condition = "condition", Definition = "definition", Function = "function", Key = "key",
        Left = "left", ModuleName = "module_name", Name = "name", Object = "object", Operator = "operator",
        Parameters = "parameters", Right = "right", Subject = "subject", Subscript = "subscript", Superclasses = "superclasses",
        Type = "type", Value = "value", Expression = "expression",
    }
}

struct Python;

type Kid<'t> = Child<'t, N, F>;

/// Lowers a Python tree.
pub(crate) fn lower(source: &str, root: Node<'_>) -> Facts {
    super::lower::<Python>(source, root, Dialect::Python)
}

fn kinds() -> &'static (Vec<N>, Vec<F>) {
    static TABLES: OnceLock<(Vec<N>, Vec<F>)> = OnceLock::new();
    TABLES.get_or_init(|| {
        let language: tree_sitter::Language = tree_sitter_python::LANGUAGE.into();
        let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let kinds = (0..count)
            .map(|id| {
                let kind = N::named(language.node_kind_for_id(id).unwrap_or_default());
                let symbol =
                    matches!(kind, N::Plus | N::Minus | N::Percent | N::Star | N::Caret | N::PlusAssign | N::Colon);
                if language.node_kind_is_named(id) || symbol { kind } else { N::Other }
            })
            .collect();
        let count = u16::try_from(language.field_count()).unwrap_or(u16::MAX);
        let fields = (0..=count).map(|id| F::named(language.field_name_for_id(id).unwrap_or_default())).collect();
        (kinds, fields)
    })
}

impl Language for Python {
    type Node = N;
    type Field = F;

    fn kind(node: Node<'_>) -> N {
        if node.is_error() {
            return N::Error;
        }
        kinds().0.get(usize::from(node.kind_id())).copied().unwrap_or(N::Other)
    }

    fn field(id: Option<NonZeroU16>) -> F {
        id.and_then(|id| kinds().1.get(usize::from(id.get()))).copied().unwrap_or(F::Other)
    }

    fn keeps_anonymous(field: F) -> bool {
        field == F::Operator
    }

    fn enter<'t>(builder: &mut Builder<'t>, parent: Option<&Frame<'t, N>>, field: F, frame: &mut Frame<'t, N>) {
        if let Some(parent) = parent {
            scope_of_child(builder, parent, field, frame.kind);
            frame.own_scope = builder.scope;
        }
        match frame.kind {
            N::Function | N::Lambda => {
                let scope = builder.new_scope(ScopeKind::Function);
                frame.inner = Some(scope);
                frame.function = Some(builder.new_function(scope));
            }
            N::Class => frame.inner = Some(builder.new_scope(ScopeKind::Class)),
            N::ListComprehension | N::SetComprehension | N::DictionaryComprehension | N::GeneratorExpression => {
                builder.scope = builder.new_scope(ScopeKind::Block);
            }
            N::If | N::For | N::While | N::Try | N::Match | N::With => builder.branches += 1,
            _ => {}
        }
    }

    fn leave<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
        let node = frame.node;
        match frame.kind {
            N::Identifier => {
                let name = name(builder, node);
                builder.expr(Kind::Name(name), node.byte_range())
            }
            N::DottedName => dotted(builder, children),
            N::Attribute => attribute(builder, node, children),
            N::Call => call(builder, node, children),
            N::Subscript => subscript(builder, node, children),
            N::Slice => slice(builder, node, children),
            N::String => string(builder, node, children),
            N::ConcatenatedString => {
                let parts = builder.list(children.iter().map(|child| child.expr));
                builder.expr(Kind::Concat(parts), node.byte_range())
            }
            N::Function | N::Lambda => function(builder, frame, children),
            N::Class => class(builder, frame, children),
            N::Import | N::ImportFrom | N::FutureImport => imports::imports(builder, frame, children),
            _ => leave_more(builder, frame, children),
        }
    }
}

fn leave_more<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
    let node = frame.node;
    match frame.kind {
        N::Integer | N::Float | N::True | N::False | N::None => {
            let kind = scalar(builder, frame.kind, node);
            builder.expr(kind, node.byte_range())
        }
        N::Interpolation => patterns::interpolation(builder, children),
        N::Yield => {
            let value = children.iter().find(|child| child.kind != N::Comment).map_or(OPAQUE, |child| child.expr);
            let word = builder.text(node.byte_range()).strip_prefix("yield").unwrap_or_default();
            builder.yields(value, word.trim_start().starts_with("from"));
            OPAQUE
        }
        N::Parenthesized | N::Await | N::AsPatternTarget => {
            let found = children.iter().find(|child| !matches!(child.kind, N::Comment | N::FormatSpecifier));
            found.map_or(OPAQUE, |child| child.expr)
        }
        N::BinaryOperator => binary(builder, node, children),
        N::UnaryOperator | N::NotOperator => unary(builder, frame, children),
        N::BooleanOperator | N::Conditional => choice(builder, frame, children),
        N::List | N::Tuple | N::Set | N::ExpressionList | N::PatternList | N::TuplePattern | N::ListPattern => {
            sequence(builder, node, children)
        }
        N::Parameters | N::LambdaParameters => sequence(builder, node, children),
        N::ListSplat | N::ListSplatPattern | N::DictionarySplatPattern | N::DictionarySplat => {
            let inner = children.first().map_or(OPAQUE, |child| child.expr);
            builder.expr(Kind::Element(inner), node.byte_range())
        }
        N::Dictionary => dictionary(builder, node, children),
        N::Arguments => argument_list(builder, node, children),
        N::Pair => pair(builder, node, children),
        N::ListComprehension | N::SetComprehension | N::DictionaryComprehension | N::GeneratorExpression => {
            comprehension(builder, node, children)
        }
        N::TypedParameter => children.first().map_or(OPAQUE, |child| child.expr),
        N::Type => {
            for child in children {
                if matches!(builder.facts.kind(child.expr), Kind::Text(_)) {
                    builder.facts.shape.annotations.push(child.expr);
                }
                builder.role(child.expr, Role::Type);
            }
            OPAQUE
        }
        _ => statement(builder, frame, children),
    }
}

fn statement<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
    let node = frame.node;
    match frame.kind {
        N::Assignment | N::NamedExpression => return assignment(builder, frame, children),
        N::AugmentedAssignment => {
            let (target, right) = (field(children, F::Left), field(children, F::Right));
            let operator = operator(children);
            let value = builder.expr(Kind::Binary(operator, target, right), node.byte_range());
            builder.role(value, Role::Synthetic);
            builder.assign(target, value, Binding::Local);
        }
        N::DefaultParameter | N::TypedDefault => {
            let (target, default) = (field(children, F::Name), field(children, F::Value));
            builder.defaults.insert(target.0, default);
            return target;
        }
        N::For | N::ForIn => {
            let (target, iterable) = (field(children, F::Left), field(children, F::Right));
            let element = builder.synthetic(Kind::Element(iterable), iterable);
            let how = if frame.kind == N::ForIn { Binding::Here } else { Binding::Local };
            builder.assign(target, element, how);
            if frame.kind == N::For {
                builder.block(BlockKind::Loop, node.byte_range());
            }
            if frame.kind == N::ForIn {
                // A holder, until the comprehension takes it apart.
                let clause = Kind::Comprehension { body: OPAQUE, target, iterable, is_whole: true };
                return builder.synthetic(clause, iterable);
            }
        }
        N::Except => {
            builder.assign(field(children, F::Alias), OPAQUE, Binding::Local);
            statements::handler(builder, node, children);
        }
        N::KeywordArgument => {
            builder.role(field(children, F::Name), Role::Target);
            return field(children, F::Value);
        }
        N::AsPattern => {
            let value = children.first().map_or(OPAQUE, |child| child.expr);
            let target = children.get(1).map_or(OPAQUE, |child| child.expr);
            if children.first().is_some_and(|child| child.kind == N::CasePattern) {
                builder.cases.push(target);
                return value;
            }
            builder.entered(target, value);
            return value;
        }
        _ => return plain_statement(builder, frame, children),
    }
    OPAQUE
}

/// Statements that assign nothing by themselves.
fn plain_statement<'t>(builder: &mut Builder<'t>, frame: &Frame<'t, N>, children: &[Kid<'t>]) -> ExprId {
    let node = frame.node;
    match frame.kind {
        N::Return => {
            let value = children.first().map_or(OPAQUE, |child| child.expr);
            returns(builder, value);
        }
        N::Global | N::Nonlocal => redirect(builder, frame, children),
        N::CasePattern => return patterns::case_pattern(builder, children),
        N::Case => builder.cases.extend(
            children
                .iter()
                .filter(|child| child.kind == N::CasePattern && child.expr != OPAQUE)
                .map(|child| child.expr),
        ),
        N::Match => {
            let subject = field(children, F::Subject);
            builder.captured(node.start_byte(), subject);
        }
        N::Comparison => statements::comparison(builder, node, children),
        N::While => builder.looped(Some(field(children, F::Condition)), node.byte_range()),
        N::Assert => builder.statement(StatementKind::Assert, [], node.byte_range()),
        N::With => builder.statement(StatementKind::With, [], node.byte_range()),
        N::AliasedImport => children.iter().for_each(|child| builder.role(child.expr, Role::Target)),
        N::Delete => children.iter().for_each(|child| deleted(builder, child.expr)),
        N::Decorated => decorated(builder, children),
        N::Decorator => return children.first().map_or(OPAQUE, |child| child.expr),
        N::ExecStatement => {
            let exec = builder.facts.symbols.intern("exec");
            let callee = builder.expr(Kind::Name(exec), node.byte_range());
            let arguments: Vec<_> = children.iter().map(|child| Builder::positional(child.expr)).collect();
            return builder.call(node.byte_range(), callee, arguments);
        }
        N::ExpressionStatement => children.iter().for_each(|child| {
            if matches!(child.kind, N::Identifier | N::Attribute | N::Subscript) {
                builder.role(child.expr, Role::Unused);
            }
        }),
        N::Comment => builder.facts.comments.push(node.byte_range()),
        _ => {}
    }
    OPAQUE
}

/// Parameters and bodies are inside their function or class; default values, decorators and bases are not.
fn scope_of_child(builder: &mut Builder<'_>, parent: &Frame<'_, N>, field: F, kind: N) {
    match (parent.kind, field) {
        (N::Function | N::Lambda, F::Parameters | F::Body) | (N::Class, F::Body) => {
            builder.scope = parent.inner.expect("functions and classes have a scope of their own");
            builder.branches = 0;
        }
        (N::DefaultParameter | N::TypedDefault, F::Value) => {
            builder.scope = builder.facts.scope(builder.scope).parent.unwrap_or(builder.scope);
        }
        (N::Lambda, _) if kind == N::LambdaParameters => {
            builder.scope = parent.inner.expect("a lambda has a scope of its own");
        }
        _ => {}
    }
}

fn field(children: &[Kid<'_>], field: F) -> ExprId {
    children.iter().find(|child| child.field == field).map_or(OPAQUE, |child| child.expr)
}

fn child<'a, 't>(children: &'a [Kid<'t>], field: F) -> Option<&'a Kid<'t>> {
    children.iter().find(|child| child.field == field)
}

/// CPython reads identifiers in NFKC.
fn name(builder: &mut Builder<'_>, node: Node<'_>) -> Sym {
    let text = builder.text(node.byte_range());
    if text.is_ascii() {
        return builder.facts.symbols.intern(text);
    }
    let text: String = text.nfkc().collect();
    builder.facts.symbols.intern(&text)
}

/// A dotted name outside of imports (a pattern, a decorator of old grammar): its parts were lowered as names.
fn dotted(builder: &mut Builder<'_>, children: &[Kid<'_>]) -> ExprId {
    children.iter().for_each(|child| builder.role(child.expr, Role::Target));
    children.first().map_or(OPAQUE, |child| child.expr)
}

fn attribute(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let object = field(children, F::Object);
    let Some(last) = child(children, F::Attribute) else { return object };
    builder.role(last.expr, Role::Target);
    let name = name(builder, last.node);
    builder.role(object, Role::Object);
    builder.expr(Kind::Attribute { object, name }, node.byte_range())
}

fn call(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let callee = field(children, F::Function);
    let Some(last) = child(children, F::Arguments) else { return callee };
    let arguments: Vec<Argument> = match builder.facts.kind(last.expr) {
        Kind::Call { arguments, .. } => builder.facts.arguments[arguments.range()].to_vec(),
        // `f(x for x in xs)`.
        _ => vec![Builder::positional(last.expr)],
    };
    if matches!(builder.facts.kind(callee), Kind::Name(name) if matches!(builder.facts.text(*name), "isinstance" | "issubclass" | "type" | "callable" | "id" | "repr"))
    {
        builder.compared(arguments.iter().map(|argument| argument.value));
    }
    if let Kind::Function(function) = *builder.facts.kind(callee) {
        for (index, argument) in arguments.iter().enumerate().take_while(|(_, one)| one.spread == Spread::No) {
            builder.give(function, index, argument.value);
        }
    }
    builder.call(node.byte_range(), callee, arguments)
}

/// The arguments are held by a call of the unknown, until their own call takes them.
fn argument_list(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let mut list = Vec::new();
    for child in children.iter().filter(|child| child.kind != N::Comment) {
        let (value, spread) = match *builder.facts.kind(child.expr) {
            Kind::Element(inner) if child.kind == N::ListSplat => (inner, Spread::Positional),
            Kind::Element(inner) if child.kind == N::DictionarySplat => (inner, Spread::Keyword),
            _ => (child.expr, Spread::No),
        };
        let keyword = match child.kind {
            N::KeywordArgument => child.node.child_by_field_name("name").map(|node| name(builder, node)),
            _ => None,
        };
        list.push(Argument { keyword, value, spread });
    }
    let arguments = builder.arguments(list);
    let holder = builder.expr(Kind::Call { callee: OPAQUE, arguments }, node.byte_range());
    builder.role(holder, Role::Synthetic);
    holder
}

fn subscript(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let object = field(children, F::Value);
    let index = field(children, F::Subscript);
    builder.role(object, Role::Object);
    builder.expr(Kind::Subscript { object, index }, node.byte_range())
}

/// `start:stop:step`, told apart by the colons between them, which have no field and are read from the tree.
fn slice(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let mut parts = [None; 3];
    for child in children.iter().filter(|child| child.kind != N::Comment) {
        let between = builder.source.get(node.start_byte()..child.node.start_byte()).unwrap_or_default();
        let own: usize = children
            .iter()
            .take_while(|other| other.node.start_byte() < child.node.start_byte())
            .map(|other| builder.text(other.node.byte_range()).matches(':').count())
            .sum();
        let colons = between.matches(':').count().saturating_sub(own);
        parts[colons.min(2)] = Some(child.expr);
    }
    builder.expr(Kind::Slice(Box::new(parts)), node.byte_range())
}

fn string(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    builder.facts.strings.push(node.byte_range());
    let start = children.iter().find(|child| child.kind == N::StringStart);
    let prefix = start.map(|child| builder.text(child.node.byte_range())).unwrap_or_default().to_ascii_lowercase();
    let raw = prefix.contains('r');
    if prefix.contains('b') {
        let text: String = contents(builder, children).concat();
        return builder.expr(Kind::Bytes(literal::python_bytes(&text, raw).into()), node.byte_range());
    }
    let formatted = prefix.contains('f') || prefix.contains('t');
    if !children.iter().any(|child| child.kind == N::Interpolation) {
        let text: String = contents(builder, children).concat();
        let text = literal::python_text(&text, raw);
        let text = if formatted { text.replace("{{", "{").replace("}}", "}") } else { text };
        return builder.expr(Kind::Text(text.into()), node.byte_range());
    }
    let mut parts = Vec::new();
    for child in children {
        match child.kind {
            N::StringContent => {
                let text = literal::python_text(builder.text(child.node.byte_range()), raw);
                let text = text.replace("{{", "{").replace("}}", "}");
                parts.push(builder.expr(Kind::Text(text.into()), child.node.byte_range()));
            }
            N::Interpolation => parts.push(child.expr),
            _ => {}
        }
    }
    let parts = builder.list(parts);
    builder.expr(Kind::Concat(parts), node.byte_range())
}

fn contents<'t>(builder: &Builder<'t>, children: &[Kid<'t>]) -> Vec<&'t str> {
    children
        .iter()
        .filter(|child| child.kind == N::StringContent)
        .map(|child| builder.text(child.node.byte_range()))
        .collect()
}

fn scalar(builder: &Builder<'_>, kind: N, node: Node<'_>) -> Kind {
    match kind {
        N::True => Kind::Bool(true),
        N::False => Kind::Bool(false),
        N::None => Kind::Null,
        N::Integer => literal::integer(builder.text(node.byte_range())).map_or(Kind::Opaque, Kind::Int),
        _ => builder.text(node.byte_range()).replace('_', "").parse().map_or(Kind::Opaque, Kind::Float),
    }
}

fn operator(children: &[Kid<'_>]) -> Binary {
    match child(children, F::Operator).map(|child| child.kind) {
        Some(N::Plus | N::PlusAssign) => Binary::Add,
        Some(N::Minus) => Binary::Subtract,
        Some(N::Percent) => Binary::Modulo,
        Some(N::Star) => Binary::Multiply,
        Some(N::Caret) => Binary::Xor,
        _ => Binary::Other,
    }
}

fn binary(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let (left, right) = (field(children, F::Left), field(children, F::Right));
    builder.expr(Kind::Binary(operator(children), left, right), node.byte_range())
}

fn unary(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let operand = field(children, F::Argument);
    let operator = match child(children, F::Operator).map(|child| child.kind) {
        _ if frame.kind == N::NotOperator => Unary::Not,
        Some(N::Minus) => Unary::Minus,
        Some(N::Plus) => Unary::Plus,
        _ => return OPAQUE,
    };
    builder.expr(Kind::Unary(operator, operand), frame.node.byte_range())
}

/// `a or b` and `a if c else b`: either. The condition between is no value of it.
fn choice(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let own: Vec<ExprId> = children.iter().filter(|child| child.kind != N::Comment).map(|child| child.expr).collect();
    let either = match (frame.kind, own.as_slice()) {
        (N::Conditional, &[yes, _, no]) => vec![yes, no],
        (N::Conditional, _) => own,
        _ => vec![field(children, F::Left), field(children, F::Right)],
    };
    let either = builder.list(either);
    builder.expr(Kind::Choice(either), frame.node.byte_range())
}

fn sequence(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let items = builder.list(children.iter().filter(|child| child.kind != N::Comment).map(|child| child.expr));
    builder.expr(Kind::Sequence(items), node.byte_range())
}

/// A pair is a mapping of one entry until its dictionary takes it.
fn pair(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let entry = Entry { key: Some(field(children, F::Key)), value: field(children, F::Value) };
    let entries = builder.entries([entry]);
    let pair = builder.expr(Kind::Mapping(entries), node.byte_range());
    builder.role(pair, Role::Synthetic);
    pair
}

fn dictionary(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    let mut entries = Vec::new();
    for child in children {
        match (child.kind, builder.facts.kind(child.expr)) {
            (N::Pair, Kind::Mapping(own)) => entries.extend_from_slice(&builder.facts.entries[own.range()]),
            (N::DictionarySplat, &Kind::Element(value)) => entries.push(Entry { key: None, value }),
            _ => {}
        }
    }
    let entries = builder.entries(entries);
    builder.expr(Kind::Mapping(entries), node.byte_range())
}

fn comprehension(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) -> ExprId {
    builder.block(BlockKind::Loop, node.byte_range());
    let body = field(children, F::Body);
    let clauses: Vec<_> = children.iter().filter(|child| matches!(child.kind, N::ForIn | N::IfClause)).collect();
    let Some(clause) = clauses.first() else { return OPAQUE };
    let Kind::Comprehension { target, iterable, .. } = *builder.facts.kind(clause.expr) else { return OPAQUE };
    if let (true, &Kind::Mapping(entry)) =
        (child(children, F::Body).is_some_and(|one| one.kind == N::Pair), builder.facts.kind(body))
    {
        return builder.expr(Kind::Mapping(entry), node.byte_range());
    }
    let is_whole = clauses.len() == 1;
    builder.expr(Kind::Comprehension { body, target, iterable, is_whole }, node.byte_range())
}

fn assignment(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let walrus = frame.kind == N::NamedExpression;
    let target = field(children, if walrus { F::Name } else { F::Left });
    let value = field(children, if walrus { F::Value } else { F::Right });
    // A bare annotation binds nothing, but makes the name one of its scope.
    builder.assign(target, value, Binding::Local);
    value
}

fn returns(builder: &mut Builder<'_>, value: ExprId) {
    if let Some(function) = builder.functions.last().copied() {
        builder.facts.functions[function.at()].returns.push(value);
    }
}

fn redirect(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) {
    let from = builder.scope;
    for child in children {
        builder.role(child.expr, Role::Target);
        let Kind::Name(name) = *builder.facts.kind(child.expr) else { continue };
        let target = if frame.kind == N::Global { crate::facts::MODULE } else { enclosing(builder, name) };
        builder.facts.redirects.insert((from.0, name.0), target);
    }
}

/// The function around this one that has the variable `name`; where none has, the nearest.
fn enclosing(builder: &Builder<'_>, name: Sym) -> crate::facts::ScopeId {
    let mut nearest = None;
    let mut here = builder.facts.scope(builder.scope).parent;
    while let Some(scope) = here {
        let info = builder.facts.scope(scope);
        if info.kind == ScopeKind::Function {
            if builder.facts.variable(scope, name).is_some() {
                return scope;
            }
            nearest = nearest.or(Some(scope));
        }
        here = info.parent;
    }
    nearest.unwrap_or(crate::facts::MODULE)
}

/// After `del name` the name means again what it means outside.
fn deleted(builder: &mut Builder<'_>, target: ExprId) {
    builder.role(target, Role::Target);
    if let Kind::Name(name) = *builder.facts.kind(target) {
        let scope = builder.binding_scope(name);
        builder.bind(scope, name, OPAQUE, u32::MAX);
        let variable = builder.declare(scope, name);
        builder.facts.variable_table[variable.at()].certain_from = u32::MAX;
    }
}

fn decorated(builder: &mut Builder<'_>, children: &[Kid<'_>]) {
    let Some(definition) = child(children, F::Definition) else { return };
    let decorators: Vec<_> = children
        .iter()
        .filter(|child| child.kind == N::Decorator)
        // The node goes on to the end of its line: the expression in it says where it ends.
        .map(|child| (child, child.node.named_child(0).unwrap_or(child.node).end_byte()))
        .map(|(child, end)| (child.expr, child.node.start_byte()..end))
        .collect();
    let named = definition.node.child_by_field_name("name").map(|node| name(builder, node));
    builder.decorated(&decorators, definition.expr, named);
    builder.decorate(children.iter().filter(|child| child.kind == N::Decorator).map(|child| child.expr));
}

fn function(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let (inner, id) = (frame.inner.expect("set on entering"), frame.function.expect("set on entering"));
    let parameters = field(children, F::Parameters);
    let outer = builder.scope;
    let this = match builder.facts.scope(outer).kind {
        ScopeKind::Class if frame.kind == N::Function => Some(builder.synthetic(Kind::Instance(outer), OPAQUE)),
        _ => None,
    };
    builder.scope = inner;
    builder.parameters(id, inner, parameters, this);
    builder.scope = outer;
    builder.facts.functions[id.at()].keywords =
        child(children, F::Parameters).and_then(|list| keywords(builder, list.node));
    statements::function(builder, frame, children, parameters);
    let value = builder.expr(Kind::Function(id), frame.node.byte_range());
    if frame.kind == N::Lambda {
        builder.facts.functions[id.at()].returns.push(field(children, F::Body));
    } else {
        defined(builder, children, value);
    }
    value
}

/// What `**options` among parameters is called.
fn keywords(builder: &mut Builder<'_>, parameters: Node<'_>) -> Option<Sym> {
    let mut cursor = parameters.walk();
    let last = parameters.named_children(&mut cursor).last()?;
    let last = if last.kind() == "typed_parameter" { last.named_child(0)? } else { last };
    let named = last.named_child(0).filter(|_| last.kind() == "dictionary_splat_pattern")?;
    Some(name(builder, named))
}

/// Binds the name of a definition.
fn defined(builder: &mut Builder<'_>, children: &[Kid<'_>], value: ExprId) {
    builder.assign(field(children, F::Name), value, Binding::Local);
    builder.role(value, Role::Synthetic);
}

fn class(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) -> ExprId {
    let scope = frame.inner.expect("set on entering");
    let arguments = match builder.facts.kind(field(children, F::Superclasses)) {
        Kind::Call { arguments, .. } => builder.facts.arguments[arguments.range()].to_vec(),
        _ => Vec::new(),
    };
    builder.subclassed(&arguments, frame.node.byte_range());
    let bases: Vec<ExprId> = arguments.into_iter().map(|argument| argument.value).collect();
    let bases = builder.list(bases);
    statements::class(builder, frame, children, bases);
    let value = builder.expr(Kind::Class { scope, bases }, frame.node.byte_range());
    defined(builder, children, value);
    value
}
