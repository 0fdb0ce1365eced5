//! The part of the [walk](super::semantic) that goes through expressions: comprehensions, lambdas, annotations, f-strings
//! and patterns.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, ExprContext, Pattern, PythonVersion};
use ruff_text_size::{Ranged, TextRange};

use super::checks;
use super::scope::{Kind, LOCAL, PARAMETER, USED};
use super::semantic::Walker;

/// How many levels of CPython's depth an expression takes: its parser needs twice the room for a lambda and for a power.
fn levels(expr: &Expr) -> u32 {
    match expr {
        Expr::Lambda(_) => 2,
        Expr::BinOp(operation) if operation.op == ast::Operator::Pow => 2,
        _ => 1,
    }
}

/// More levels than there can be to each byte of an expression.
const LEVELS_A_BYTE_MAX: u32 = 2;

/// No number that is shorter has too many digits.
const NUMBER_BYTES_MAX: u32 = 4_000;

impl<'a> Walker<'a> {
    /// Walks an expression, unless too many are around it, or none in it can be at fault.
    pub(super) fn expression(&mut self, expr: &'a Expr) {
        let range = expr.range();
        if self.is_shallow(range) && self.marks.spares(range) {
            return;
        }
        if self.depth >= self.depth_max {
            let limit = usize::try_from(self.depth_max).unwrap_or(usize::MAX);
            self.too_deep("expressions inside one another", limit, expr.range());
            return;
        }
        let levels = levels(expr);
        self.depth += levels;
        self.one(expr);
        self.depth -= levels;
    }

    /// Whether no expression in `range` can be too deep: each [level](levels) takes a byte, and two where it counts twice.
    fn is_shallow(&self, range: TextRange) -> bool {
        let levels = u32::from(range.len()).saturating_mul(LEVELS_A_BYTE_MAX);
        self.depth.saturating_add(levels) < self.depth_max && range.len() < NUMBER_BYTES_MAX.into()
    }

    fn one(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => self.name(name),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Starred(starred) => {
                let message = match starred.ctx {
                    ExprContext::Store => "starred assignment target must be in a list or tuple",
                    _ => "can't use starred expression here",
                };
                self.report_compiled(message, starred.range);
                self.visit_expr(&starred.value);
            }
            Expr::Tuple(ast::ExprTuple { elts, ctx, .. }) | Expr::List(ast::ExprList { elts, ctx, .. }) => {
                if self.compiled {
                    self.problems.extend(checks::starred_targets(elts, *ctx, expr.range()));
                }
                self.elements(elts);
            }
            Expr::Set(set) => self.elements(&set.elts),
            Expr::Dict(dict) => {
                for item in &dict.items {
                    self.problems.extend(checks::loose_stars(item, self.text));
                }
                visitor::walk_expr(self, expr);
            }
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Named(named) => self.named(named),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::ListComp(comp) => self.comprehension(expr, &comp.generators, &comp.elt, None),
            Expr::SetComp(comp) => self.comprehension(expr, &comp.generators, &comp.elt, None),
            Expr::Generator(comp) => self.comprehension(expr, &comp.generators, &comp.elt, None),
            Expr::DictComp(comp) => self.comprehension(expr, &comp.generators, &comp.value, comp.key.as_deref()),
            Expr::Yield(inner) => self.yields(inner.range, inner.value.as_deref(), false),
            Expr::YieldFrom(inner) => self.yields(inner.range, Some(&inner.value), true),
            Expr::Await(inner) => self.awaits(inner),
            Expr::NumberLiteral(number) => self.problems.extend(checks::int_digits(number, self.text)),
            _ => visitor::walk_expr(self, expr),
        }
    }

    /// Walks an expression that may be starred where it stands.
    pub(super) fn element(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Starred(starred) => self.visit_expr(&starred.value),
            _ => self.visit_expr(expr),
        }
    }

    /// Walks the elements of a display, whose stars bind tighter than comparisons.
    fn elements(&mut self, elements: &'a [Expr]) {
        for element in elements {
            self.problems.extend(checks::loose_star(element, self.text));
            self.element(element);
        }
    }

    fn subscript(&mut self, subscript: &'a ast::ExprSubscript) {
        self.visit_expr(&subscript.value);
        let open = TextRange::new(subscript.value.end(), subscript.slice.start());
        let is_bare = |text: &str| !text[super::bytes(open)].contains('(');
        match &*subscript.slice {
            Expr::Tuple(tuple) if !tuple.parenthesized => {
                if let Some(Expr::Named(named)) = tuple.elts.first()
                    && is_bare(self.text)
                {
                    self.report_newer("`:=` in an index without parentheses", PythonVersion::PY310, named.range);
                }
                tuple.elts.iter().for_each(|element| self.element(element));
            }
            slice => {
                if let Expr::Named(named) = slice
                    && is_bare(self.text)
                {
                    self.report_newer("`:=` in an index without parentheses", PythonVersion::PY310, named.range);
                }
                self.visit_expr(slice);
            }
        }
    }

    fn name(&mut self, name: &'a ast::ExprName) {
        match name.ctx {
            ExprContext::Store => self.forbids_debug(name.id.as_str(), name.range),
            ExprContext::Del => self.forbids_deleting_debug(name.id.as_str(), name.range, PythonVersion::PY310),
            _ => {}
        }
        if self.version >= PythonVersion::PY313 {
            self.problems.extend(checks::constant_as_name(name));
        }
        // `__debug__` is a constant before its name is looked at.
        let is_debug = name.ctx.is_load() && name.id.as_str() == "__debug__";
        if self.scopes.collects && !self.scopes.block().unevaluated && !is_debug {
            let uses = if name.ctx.is_load() { USED } else { LOCAL };
            self.define(name.id.as_str(), uses, name.range);
        }
    }

    fn attribute(&mut self, attribute: &'a ast::ExprAttribute) {
        match attribute.ctx {
            ExprContext::Store => self.forbids_debug(attribute.attr.as_str(), attribute.range),
            ExprContext::Del => {
                self.forbids_deleting_debug(attribute.attr.as_str(), attribute.range, PythonVersion::PY314)
            }
            _ => {}
        }
        self.visit_expr(&attribute.value);
    }

    /// `del __debug__` is refused from 3.10 on, that of an attribute of the name from 3.14 on.
    fn forbids_deleting_debug(&mut self, name: &str, range: TextRange, since: PythonVersion) {
        if name == "__debug__" && self.version >= since {
            self.report("cannot delete __debug__", range);
        }
    }

    /// Some blocks may neither bind nor suspend.
    fn restricts(&mut self, what: &str, range: TextRange) {
        if let Some(place) = self.kind().restricted() {
            self.report(format!("{what} cannot be used within {place}"), range);
        }
    }

    fn named(&mut self, named: &'a ast::ExprNamed) {
        self.restricts("named expression", named.range);
        if self.scopes.block().iterables > 0 {
            let message = "assignment expression cannot be used in a comprehension iterable expression";
            self.report(message, named.range);
        }
        if let (Kind::Comprehension { .. }, Expr::Name(name)) = (self.kind(), &*named.target)
            && let Err((message, range)) = self.scopes.bind_outside(name.id.as_str(), name.range)
        {
            self.report(message, range);
        }
        self.visit_expr(&named.value);
        self.visit_expr(&named.target);
    }

    fn yields(&mut self, range: TextRange, value: Option<&'a Expr>, is_from: bool) {
        self.restricts("yield expression", range);
        if let Some(value) = value {
            self.visit_expr(value);
        }
        let kind = self.kind();
        self.scopes.block_mut().is_generator = true;
        if matches!(kind, Kind::Comprehension { .. }) {
            self.report("'yield' inside a comprehension or generator expression", range);
        } else if !kind.is_function() && kind.restricted().is_none() {
            self.report_compiled("'yield' outside function", range);
        } else if is_from && kind == (Kind::Function { is_async: true }) {
            self.report_compiled("'yield from' inside async function", range);
        }
    }

    fn awaits(&mut self, inner: &'a ast::ExprAwait) {
        self.restricts("await expression", inner.range);
        self.visit_expr(&inner.value);
        let kind = self.kind();
        let allowed = match kind {
            Kind::Function { is_async } => is_async,
            Kind::Comprehension { .. } => true,
            Kind::Module => self.awaits_at_top,
            _ => false,
        };
        // From 3.14 on the symbol table decides, which sees all annotations.
        if !allowed && kind.restricted().is_none() && (self.compiled || self.version >= PythonVersion::PY314) {
            let message =
                if kind.is_function() { "'await' outside async function" } else { "'await' outside function" };
            self.report(message, inner.range);
        }
        self.scopes.block_mut().is_coroutine = true;
    }

    fn lambda(&mut self, lambda: &'a ast::ExprLambda) {
        self.forbids_in_class("lambda", lambda.range);
        if let Some(parameters) = &lambda.parameters {
            self.defaults(parameters);
        }
        self.within(Kind::Lambda, |walker| {
            if let Some(parameters) = &lambda.parameters {
                walker.parameters(parameters);
            }
            walker.visit_expr(&lambda.body);
            walker.leaves_asynchronous();
        });
    }

    /// Python 3.12 has no functions in the type scopes of a class.
    fn forbids_in_class(&mut self, what: &str, range: TextRange) {
        if self.version == PythonVersion::PY312 && self.scopes.block().sees_class {
            self.report(format!("Cannot use {what} in annotation scope within class scope"), range);
        }
    }

    fn comprehension(
        &mut self,
        expr: &'a Expr,
        generators: &'a [ast::Comprehension],
        element: &'a Expr,
        key: Option<&'a Expr>,
    ) {
        let Some((first, others)) = generators.split_first() else { return };
        self.forbids_in_class("comprehension", expr.range());
        // The first iterable is evaluated outside the comprehension.
        self.iterable(&first.iter);
        let is_generator = expr.is_generator_expr();
        let depth = self.scopes.block().depth;
        self.scopes.enter(Kind::Comprehension { is_generator });
        if !is_generator {
            self.inlined(depth, expr.range());
        }
        self.target(first);
        first.ifs.iter().for_each(|test| self.visit_expr(test));
        for generator in others {
            self.target(generator);
            self.iterable(&generator.iter);
            generator.ifs.iter().for_each(|test| self.visit_expr(test));
        }
        self.element(element);
        if let Some(key) = key {
            self.visit_expr(key);
        }
        self.leaves_asynchronous();
        let is_coroutine = self.scopes.block().is_coroutine;
        self.scopes.leave();
        if is_coroutine && !is_generator {
            self.asynchronous_comprehension(expr.range());
        }
    }

    /// From 3.12 on (PEP 709) a comprehension is compiled as a loop of the block around it, which is `depth` blocks deep.
    fn inlined(&mut self, depth: u32, range: TextRange) {
        if self.version < PythonVersion::PY312 {
            return;
        }
        let limit = checks::blocks_max(self.version);
        self.scopes.block_mut().depth = depth + 1;
        if depth == limit {
            self.report("too many statically nested blocks", range);
        }
    }

    fn iterable(&mut self, iterable: &'a Expr) {
        self.scopes.block_mut().iterables += 1;
        self.visit_expr(iterable);
        self.scopes.block_mut().iterables -= 1;
    }

    fn target(&mut self, generator: &'a ast::Comprehension) {
        self.scopes.block_mut().in_target = true;
        self.visit_expr(&generator.target);
        let block = self.scopes.block_mut();
        block.in_target = false;
        block.is_coroutine |= generator.is_async;
    }

    /// A comprehension that awaits stands in the current block.
    fn asynchronous_comprehension(&mut self, range: TextRange) {
        let kind = self.kind();
        let at_top = self.awaits_at_top && kind == Kind::Module;
        if self.version < PythonVersion::PY311 {
            // Whether the block is a coroutine is known at its end.
            if self.compiled && !at_top {
                self.scopes.block_mut().asynchronous.get_or_insert(range);
            }
            return;
        }
        let allowed = matches!(kind, Kind::Function { is_async: true } | Kind::Comprehension { .. }) || at_top;
        if !allowed && (self.compiled || self.version >= PythonVersion::PY314) {
            self.report("asynchronous comprehension outside of an asynchronous function", range);
        }
        self.scopes.block_mut().is_coroutine = true;
    }

    /// Until 3.11 an asynchronous comprehension had to stand in a coroutine; this is known at the end of each block.
    pub(super) fn leaves_asynchronous(&mut self) {
        let block = self.scopes.block();
        if let Some(range) = block.asynchronous.filter(|_| !block.is_coroutine) {
            self.report("asynchronous comprehension outside of an asynchronous function", range);
        }
    }

    /// Walks the defaults of parameters, which are evaluated outside the function.
    pub(super) fn defaults(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
    }

    /// Binds parameters in the function's own block.
    pub(super) fn parameters(&mut self, parameters: &'a ast::Parameters) {
        self.problems.extend(checks::repeated_parameter(parameters));
        for parameter in parameters.iter() {
            self.bind(parameter.name(), PARAMETER);
        }
    }

    /// Walks the annotations of a function.
    pub(super) fn signature(&mut self, parameters: &'a ast::Parameters, returns: Option<&'a Expr>) {
        let annotations = parameters.iter().filter_map(|parameter| parameter.annotation());
        for annotation in annotations.chain(returns) {
            self.annotation_in(annotation, !self.future_annotations, false);
        }
    }

    /// Walks the annotation of a variable.
    pub(super) fn annotation(&mut self, annotation: &'a Expr, evaluated: bool, always: bool) {
        self.annotation_in(annotation, always || (evaluated && !self.future_annotations), true);
    }

    /// Walks an annotation in the block that its version has for it.
    fn annotation_in(&mut self, annotation: &'a Expr, evaluated: bool, of_variable: bool) {
        let outer = self.compiled;
        self.compiled &= evaluated;
        let has_block = match self.version {
            version if version >= PythonVersion::PY314 => true,
            version => version >= PythonVersion::PY310 && self.future_annotations,
        };
        if has_block {
            let unevaluated = of_variable && self.version >= PythonVersion::PY314 && self.kind().is_function();
            self.within(Kind::Annotation, |walker| {
                walker.scopes.block_mut().unevaluated = unevaluated;
                walker.element(annotation);
                walker.leaves_asynchronous();
            });
        } else {
            self.element(annotation);
        }
        self.compiled = outer;
    }

    /// Walks a replacement field of an f-string and those in its format specification.
    pub(super) fn field(&mut self, element: &'a ast::InterpolatedStringElement) {
        let ast::InterpolatedStringElement::Interpolation(field) = element else { return };
        let depth = self.fields + 1;
        if depth == 1 {
            self.strings += 1;
            if self.strings == checks::NESTED_STRINGS_MAX + 1 {
                self.report("too many nested f-strings", field.range);
            }
        }
        if depth > checks::fields_max(self.version) {
            self.report("f-string: expressions nested too deeply", field.range);
        }
        self.fields = 0;
        self.visit_expr(&field.expression);
        self.fields = depth;
        for inner in field.format_spec.iter().flat_map(|spec| spec.elements.iter()) {
            self.field(inner);
        }
        self.fields = depth - 1;
        if depth == 1 {
            self.strings -= 1;
        }
    }

    /// Binds what a pattern captures and walks its values.
    pub(super) fn pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            Pattern::MatchClass(class) => {
                for keyword in &class.arguments.keywords {
                    self.forbids_debug(keyword.attr.as_str(), keyword.range);
                }
                None
            }
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name, LOCAL);
        }
        visitor::walk_pattern(self, pattern);
    }
}
