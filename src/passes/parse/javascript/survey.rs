//! One walk over a tree: how deep it nests by V8's measure, and whether it could be one of those that V8 refuses although
//! they parse.
//!
//! Most files have nothing of the kind, and for them this walk is all there is: it keeps what V8's early errors need to
//! know of the surroundings — strictness, declared names, labels, private names, where `super` and `arguments` may stand —
//! and builds nothing. Where it has a doubt, `oxc_semantic` and [`checks`](super::checks) look at the tree and give the
//! verdict. So it may doubt what is right, and must never pass what is wrong.

mod visit;

use std::collections::HashSet;

use oxc_ast::AstKind;
use oxc_ast::ast::{BindingIdentifier, Class, ClassElement, Function, MethodDefinitionKind, Program};
use oxc_ast_visit::Visit as _;
use oxc_span::Span;

use super::costs;
use super::early;
use super::engine::Terms;
use super::goal::Goal;
use super::names::{Binding, Names};
use super::privates::Privates;
use super::watch::Watch;
use crate::facts::strict::Sketch;
use crate::passes::parse::stack;

/// The parameters of the function that Node makes of a CommonJS file; `let` and `const` cannot declare them again.
pub(super) const WRAPPER_NAMES: &[&str] = &["exports", "require", "module", "__filename", "__dirname"];

/// What a walk over one expression or type takes of the stack besides what is in it: thrice what this walk and those after
/// it take in an unoptimised build.
const LEVEL_BYTES: usize = stack::OPERATOR;

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

/// The node for which there is no room, and whose stack is too small.
#[derive(Clone, Copy, Debug)]
pub(super) enum TooDeep {
    V8(Span),
    /// V8 would read it: it takes chains of operators, of any length, for lists.
    Own(Span),
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
    /// Names with two declarations that may not stand together.
    pub(super) twice: HashSet<&'a str>,
    /// Names that are exported and must be declared at the top.
    exports: Vec<&'a str>,
    /// Declarations of `import` and `export` that were walked over.
    module_items: usize,
    /// Bytes of V8's stack in use where the walk is.
    used: u32,
    /// Bytes of the own stack that are left there.
    room: usize,
    /// Whether `oxc_semantic` and the own checks have to look at the tree.
    pub(super) concerns: bool,
    /// The first node that a stack has no room for; nothing more was looked at.
    pub(super) too_deep: Option<TooDeep>,
    /// The outline in the making, where one is wanted.
    pub(super) sketch: Option<Sketch>,
}

impl<'t, 'a> Survey<'t, 'a> {
    /// Walks over a program, whose source is `text`; on the way `sketch` is made.
    pub(super) fn of(program: &Program<'a>, text: &'t str, terms: Terms, sketch: Option<Sketch>) -> Self {
        let mut survey = Self {
            text,
            terms,
            watch: Watch::new(),
            names: Names::new(text.len()),
            privates: Privates::new(),
            around: Around::default(),
            binding: Binding::Lexical,
            extends: false,
            twice: HashSet::new(),
            exports: Vec::new(),
            module_items: 0,
            used: 0,
            room: stack::room(),
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
            self.too_deep.get_or_insert(TooDeep::V8(span));
        }
    }

    /// Walks over what may hold more of its kind, unless that goes too deep.
    ///
    /// Parsers read chains (`f()()()`, `a + b + c`, `T[][]`) in a loop, so that [`nesting`](super::nesting) need not know
    /// what is on the right of a bracket; but their trees nest to the left, and this walk is the first to recurse over
    /// them. What it takes is safe for all that walk after it.
    #[inline]
    fn bounded(&mut self, span: impl FnOnce() -> Span, walk: impl FnOnce(&mut Self)) {
        if self.too_deep.is_some() {
            return;
        }
        if self.room < LEVEL_BYTES {
            self.too_deep = Some(TooDeep::Own(span()));
            return;
        }
        self.room -= LEVEL_BYTES;
        walk(self);
        self.room += LEVEL_BYTES;
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
        if self.names.declare(name, binding) {
            self.concerns = true;
            self.twice.insert(name);
        }
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

#[cfg(test)]
mod tests;
