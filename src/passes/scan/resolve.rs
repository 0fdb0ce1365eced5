//! The resolver: what each expression may be.
//!
//! An expression is looked at when it is asked for, with a stack of its own instead of recursion: where something that it
//! depends on is not known yet, that is looked at first and the expression then once more. Expressions that depend on
//! themselves (`x = x + 1`) are taken for unknown where they are asked for before they are known, and looked at again in
//! rounds: each looks only at what depends on something that turned out to be other than it was taken for.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::callers::CallSites;
use super::demand::Matter;
use super::fold;
use super::labels::LabelTables;
use super::limits;
use super::lists;
use super::lost::Lost;
use super::modules::Own;
use super::portable::Portable;
use super::rounds::Rounds;
use super::ships::Ships;
use super::trail::Trail;
use super::values::{ForeignId, PathId, Paths, ROOT, Set, UNKNOWN, Union, Value};
use crate::facts::{Dialect, ExprId, Facts, IdMap, IdSet, Kind, OPAQUE, ScopeId, Span, Sym, VarId};
use crate::rules::{Labels, Part, RuleLanguage, Tables};

/// How far it has been found out what an expression may be.
pub(super) enum Slot {
    New,
    /// It is being looked at, for the so-manieth time.
    Active(u8),
    /// It was found out; `cyclic` where that hangs on something that was asked for before it was known.
    Done {
        set: Rc<Set>,
        cyclic: bool,
    },
}

/// Finds out what expressions may be.
pub(super) struct Resolver<'r> {
    pub(super) facts: Facts,
    pub(super) paths: Paths,
    /// What rules name.
    pub(super) tables: &'r Tables,
    /// How names stand in those, as far as that was asked.
    pub(super) parts: Vec<Option<Part>>,
    /// Which paths could be what rules name.
    pub(super) named_paths: Vec<Option<bool>>,
    /// Names that lead nowhere.
    pub(super) lost: Lost,
    pub(super) slots: Vec<Slot>,
    /// What is looked at again, and what it was found to be before.
    pub(super) before: Option<(ExprId, Rc<Set>)>,
    pub(super) rounds: Rounds,
    /// What is being looked at; empty in between.
    stack: Vec<ExprId>,
    pub(super) needs: Vec<ExprId>,
    cyclic: bool,
    pub(super) open: Rc<Set>,
    /// The sets of qualified names alone.
    path_sets: Vec<Option<Rc<Set>>>,
    /// `x.name = value` and `x["name"] = value` for variables `x`.
    members: IdMap<(u32, u32), Vec<ExprId>>,
    /// Namespaces that variables take over: `x.__dict__.update(namespace)`.
    pub(super) namespaces: IdMap<u32, Vec<ExprId>>,
    /// Variables whose lists are put into another order somewhere.
    pub(super) rearranged: IdSet<u32>,
    pub(super) star_modules: Vec<PathId>,
    pub(super) element_sets: IdMap<u32, Rc<Set>>,
    pub(super) key_sets: IdMap<u32, Rc<Set>>,
    pub(super) lists: IdMap<u32, Option<Value>>,
    /// The bases of classes by their scope; made when first asked for.
    pub(super) class_bases: Option<IdMap<u32, Span>>,
    /// The entries of literal mappings by their constant keys.
    pub(super) entry_tables: IdMap<u32, Rc<HashMap<Arc<str>, ExprId>>>,
    /// The labels of parameters, by their variables.
    pub(super) parameter_labels: IdMap<u32, Labels>,
    /// What is being looked through for a member of what it is made of: one may stand for itself.
    pub(super) looking_through: Vec<ExprId>,
    /// How many members of members are being followed.
    pub(super) member_depth: usize,
    pub(super) folded_bytes: usize,
    pub(super) inline_steps: usize,
    /// After how many steps the function that is being followed is left alone.
    pub(super) inline_end: usize,
    /// Entries of mappings that were looked at one by one.
    pub(super) entry_steps: usize,
    /// How many lists are being folded inside one another.
    pub(super) list_depth: usize,
    /// The artifact's own modules, as this file sees them.
    pub(super) own: Option<Own<'r>>,
    /// Things that were made in other files.
    pub(super) foreign: Vec<Portable>,
    /// Own modules of which everything was imported.
    pub(super) star_foreign: Vec<ForeignId>,
    /// Expressions for what functions of other files pass on.
    pub(super) made_up: HashMap<(u32, usize, usize), ExprId>,
    /// Expressions for the elements of lists that a function is called with.
    pub(super) made_elements: IdMap<u32, ExprId>,
    /// Which expressions can matter; found out when first asked for.
    pub(super) matters: Option<Rc<[Matter]>>,
    /// Whether rules ask for arguments of these names, whatever is called.
    pub(super) keywords: IdMap<Sym, bool>,
    /// Whether something that rules know was handed out.
    pub(super) ships_known: bool,
    /// How many values have been shipped, those inside others counted again.
    pub(super) shipped: usize,
    /// What was copied for them already.
    pub(super) ships: Ships,
    /// How many modules that hand on other modules are being looked through.
    pub(super) module_depth: usize,
    /// How many functions are being followed inside one another.
    pub(super) inlined: usize,
    /// The own modules that specifiers of JavaScript mean.
    pub(super) own_keys: HashMap<Arc<str>, Option<Arc<str>>>,
    /// Who calls which function; made when first asked for.
    pub(super) call_sites: Option<Rc<CallSites>>,
    /// What was decoded on the way.
    pub(super) trail: Trail,
    /// Labels that were found already.
    pub(super) label_tables: LabelTables,
    /// The limit that was reached first.
    pub(super) limit: Option<&'static str>,
}

impl<'r> Resolver<'r> {
    /// A resolver of `facts`, for the rules of `tables`.
    pub(super) fn new(facts: Facts, tables: &'r Tables) -> Self {
        let limit = facts.cut.then_some("expressions");
        let mut resolver = Self {
            paths: Paths::new(facts.dialect),
            tables,
            parts: Vec::new(),
            named_paths: Vec::new(),
            lost: Lost::default(),
            slots: facts.exprs.iter().map(|_| Slot::New).collect(),
            before: None,
            rounds: Rounds::default(),
            stack: Vec::new(),
            needs: Vec::new(),
            cyclic: false,
            open: Rc::new(Set::OPEN),
            path_sets: Vec::new(),
            members: IdMap::default(),
            namespaces: IdMap::default(),
            rearranged: IdSet::default(),
            star_modules: Vec::new(),
            element_sets: IdMap::default(),
            key_sets: IdMap::default(),
            lists: IdMap::default(),
            class_bases: None,
            entry_tables: IdMap::default(),
            parameter_labels: IdMap::default(),
            looking_through: Vec::new(),
            member_depth: 0,
            folded_bytes: 0,
            inline_steps: 0,
            inline_end: usize::MAX,
            entry_steps: 0,
            list_depth: 0,
            own: None,
            foreign: Vec::new(),
            star_foreign: Vec::new(),
            made_up: HashMap::new(),
            made_elements: IdMap::default(),
            matters: None,
            keywords: IdMap::default(),
            ships_known: false,
            shipped: 0,
            ships: Ships::default(),
            module_depth: 0,
            inlined: 0,
            own_keys: HashMap::new(),
            call_sites: None,
            trail: Trail::default(),
            label_tables: LabelTables::default(),
            limit,
            facts,
        };
        resolver.collect_members();
        resolver.collect_namespaces();
        resolver.collect_rearranged();
        resolver.collect_stars();
        resolver
    }

    /// The same resolver, which follows imports of the artifact's own modules.
    pub(super) fn seeing(mut self, own: Option<Own<'r>>) -> Self {
        self.own = own;
        if own.is_none() {
            return self;
        }
        let modules: Vec<Arc<[Sym]>> = self.facts.star_imports.iter().map(|(_, module)| module.clone()).collect();
        for module in modules.into_iter().take(limits::STARS_MAX) {
            let Some((found, _)) = self.own_python(&module) else { continue };
            for value in found.values {
                if let Value::Foreign(id) = value
                    && !self.star_foreign.contains(&id)
                {
                    self.star_foreign.push(id);
                }
            }
        }
        self
    }

    /// Whose rules are about the region.
    pub(super) fn language(&self) -> RuleLanguage {
        match self.facts.dialect {
            Dialect::Python => RuleLanguage::Python,
            Dialect::JavaScript => RuleLanguage::JavaScript,
        }
    }

    /// Makes room for an expression that was added to the facts.
    pub(super) fn new_slot(&mut self) {
        self.slots.push(Slot::New);
    }

    fn collect_stars(&mut self) {
        let modules: Vec<Arc<[Sym]>> = self.facts.star_imports.iter().map(|(_, module)| module.clone()).collect();
        for module in modules {
            // What a module that no rule knows holds has no name that a rule knows either.
            if !module.last().is_some_and(|&last| self.knows(last)) {
                continue;
            }
            let Some(path) = self.imported(&module) else { continue };
            if self.star_modules.contains(&path) {
                continue;
            }
            if self.star_modules.len() >= limits::STARS_MAX {
                self.limit = self.limit.or(Some("star imports"));
                return;
            }
            self.star_modules.push(path);
        }
    }

    /// Notes what is assigned to members of variables, and of objects of classes in the file.
    fn collect_members(&mut self) {
        for assignment in self.facts.assignments.clone() {
            let (object, name) = match self.facts.kind(assignment.target).clone() {
                Kind::Attribute { object, name } => (object, Some(name)),
                Kind::Subscript { object, index } => (object, self.key_symbol(index)),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let variable = self.variable_of(object);
            let class = match self.facts.kind(object) {
                Kind::Instance(class) => Some(*class),
                _ => variable.and_then(|variable| self.class_of(variable)),
            };
            if let Some(class) = class {
                match self.facts.variable(class, name) {
                    Some(known) => self.facts.variable_table[known.at()].values.push(assignment.value),
                    None => self.add_class_member(class, name, assignment.value),
                }
            } else if let Some(variable) = variable {
                self.members.entry((variable.0, name.0)).or_default().push(assignment.value);
            }
        }
    }

    fn key_symbol(&mut self, index: ExprId) -> Option<Sym> {
        match self.facts.kind(index).clone() {
            Kind::Text(text) => Some(self.facts.symbols.intern(&text)),
            Kind::Int(number) => Some(self.facts.symbols.intern(&number.to_string())),
            _ => None,
        }
    }

    fn add_class_member(&mut self, class: ScopeId, name: Sym, value: ExprId) {
        let id = VarId(u32::try_from(self.facts.variable_table.len()).expect("there are fewer variables than bytes"));
        let expr = ExprId(u32::try_from(self.facts.exprs.len()).expect("expressions are limited"));
        let mut one = self.facts.expr(OPAQUE).clone();
        one.kind = Kind::Variable(id);
        self.facts.exprs.push(one);
        self.slots.push(Slot::New);
        let variable = crate::facts::Variable { values: vec![value], expr, certain_from: u32::MAX, implicit: false };
        self.facts.variable_table.push(variable);
        self.facts.variables.insert((class.0, name.0), id);
    }

    /// The class that a variable is an object of: that of `self`.
    fn class_of(&self, variable: VarId) -> Option<ScopeId> {
        self.facts.variable_table[variable.at()].values.iter().take(limits::VALUES_MAX).find_map(|&value| {
            match self.facts.kind(value) {
                Kind::Instance(class) => Some(*class),
                _ => None,
            }
        })
    }

    /// What `expr` may be.
    pub(super) fn of(&mut self, expr: ExprId) -> Rc<Set> {
        if let Slot::Done { set, .. } = &self.slots[expr.at()] {
            return set.clone();
        }
        self.drive(expr);
        match &self.slots[expr.at()] {
            Slot::Done { set, .. } => set.clone(),
            _ => self.open.clone(),
        }
    }

    pub(super) fn drive(&mut self, expr: ExprId) {
        if matches!(self.slots[expr.at()], Slot::Done { .. }) {
            return;
        }
        let mut stack = std::mem::take(&mut self.stack);
        stack.push(expr);
        while let Some(&top) = stack.last() {
            let tries = match self.slots[top.at()] {
                Slot::Done { .. } => {
                    stack.pop();
                    continue;
                }
                Slot::New => {
                    self.slots[top.at()] = Slot::Active(0);
                    let before = stack.len();
                    self.stack_needs(top, &mut stack);
                    if stack.len() > before {
                        continue;
                    }
                    0
                }
                Slot::Active(tries) => tries,
            };
            self.slots[top.at()] = Slot::Active(tries + 1);
            self.needs.clear();
            self.rounds.reads.clear();
            self.cyclic = false;
            let set = self.compute(top);
            if !self.needs.is_empty() && tries < limits::TRIES_MAX {
                let slots = &self.slots;
                stack.extend(self.needs.drain(..).filter(|need| matches!(slots[need.at()], Slot::New)));
                continue;
            }
            if !self.needs.is_empty() {
                self.limit = self.limit.or(Some("tries"));
            }
            if self.cyclic {
                self.rounds.depends(top, 0);
            }
            self.rounds.found(top);
            self.slots[top.at()] = Slot::Done { set, cyclic: self.cyclic };
            stack.pop();
        }
        self.stack = stack;
    }

    /// Puts on the stack what an expression surely depends on and nobody has looked at, so that it need not be looked at
    /// itself only to find that out.
    fn stack_needs(&self, expr: ExprId, stack: &mut Vec<ExprId>) {
        let mut need = |need: ExprId| {
            if matches!(self.slots[need.at()], Slot::New) {
                stack.push(need);
            }
        };
        match *self.facts.kind(expr) {
            Kind::Attribute { object, .. } => need(object),
            Kind::Subscript { object, index } => {
                need(object);
                if !matches!(self.facts.kind(index), Kind::Slice(_)) {
                    need(index);
                }
            }
            Kind::Call { callee, .. } => need(callee),
            Kind::Binary(_, left, right) => {
                need(left);
                need(right);
            }
            Kind::Unary(_, inner) | Kind::Element(inner) | Kind::Entered(inner) => need(inner),
            Kind::Concat(items) | Kind::Choice(items) => self.facts.lists[items.range()].iter().copied().for_each(need),
            Kind::Variable(variable) => self.facts.variable_table[variable.at()].values.iter().copied().for_each(need),
            Kind::Name(_) => {
                if let Some(variable) = self.variable_of(expr) {
                    need(self.facts.variable_table[variable.at()].expr);
                }
            }
            _ => {}
        }
    }

    /// What `expr` may be, as far as that is known now; where it is not, it is looked at before the expression that asks.
    pub(super) fn need(&mut self, expr: ExprId) -> Rc<Set> {
        match &self.slots[expr.at()] {
            Slot::Done { set, cyclic } => {
                if *cyclic {
                    self.cyclic = true;
                    self.rounds.reads.push(expr);
                }
                set.clone()
            }
            Slot::Active(_) => {
                self.cyclic = true;
                self.rounds.reads.push(expr);
                self.rounds.assumed.insert(expr);
                match &self.before {
                    Some((own, before)) if *own == expr => before.clone(),
                    _ => self.open.clone(),
                }
            }
            Slot::New => {
                self.needs.push(expr);
                self.open.clone()
            }
        }
    }

    /// What `find` finds out about what `made` makes, to be kept. Whoever asks for what was kept depends on all that it was
    /// made of.
    pub(super) fn kept_of<T>(&mut self, made: ExprId, find: impl FnOnce(&mut Self) -> T) -> T {
        let first = self.rounds.reads.len();
        let found = find(self);
        self.rounds.keeps(made, first);
        found
    }

    /// Notes that what was kept of `made` was asked for.
    pub(super) fn reads(&mut self, made: ExprId) {
        if self.rounds.is_unsure(made) {
            self.cyclic = true;
            self.rounds.reads.push(made);
        }
    }

    /// What `ask` finds out, asked again until all that it depends on has been looked at.
    pub(super) fn settled<T>(&mut self, ask: impl Fn(&mut Self) -> T) -> T {
        for _ in 0..limits::TRIES_MAX {
            self.needs.clear();
            let answer = ask(self);
            if self.needs.is_empty() {
                return answer;
            }
            for need in std::mem::take(&mut self.needs) {
                self.drive(need);
            }
        }
        self.limit = self.limit.or(Some("tries"));
        ask(self)
    }

    /// Whether something is still to be looked at before what was computed counts.
    pub(super) fn waits(&self) -> bool {
        !self.needs.is_empty()
    }

    fn compute(&mut self, expr: ExprId) -> Rc<Set> {
        let found = match *self.facts.kind(expr) {
            Kind::Name(name) => return self.name(expr, name),
            Kind::Variable(variable) => return self.variable(variable),
            Kind::Choice(either) => return self.any_of(either),
            Kind::Attribute { object, name } => return self.member(object, name),
            Kind::Opaque | Kind::Slice(_) => return self.open.clone(),
            Kind::This => self.this(expr),
            Kind::Subscript { object, index } => self.subscript_of(object, index),
            Kind::Call { arguments, callee } => self.call(expr, callee, arguments),
            Kind::Concat(parts) => self.concat(parts),
            Kind::Binary(operator, left, right) => self.binary(operator, left, right),
            Kind::Unary(operator, operand) => {
                let dialect = self.facts.dialect;
                let operand = self.need(operand);
                let operand = self.constants(&operand).next();
                operand.and_then(|operand| fold::unary(operator, &operand, dialect)).into()
            }
            Kind::Sequence(_)
            | Kind::Mapping(_)
            | Kind::Function(_)
            | Kind::Class { .. }
            | Kind::Comprehension { .. } => Set::one(Value::Made(expr)),
            Kind::Element(of) => self.element(of),
            Kind::Instance(class) => Set::one(Value::Instance(class)),
            Kind::Entered(value) => self.entered(value),
            Kind::Decorated(call) => self.decorated(call),
            Kind::Imported(ref path) => {
                let path = path.clone();
                self.imported_set(&path)
            }
            ref constant => Set::from(lists::written(constant)),
        };
        self.kept(found)
    }

    /// A set to be shared; there is one for all that is unknown.
    pub(super) fn kept(&self, set: Set) -> Rc<Set> {
        if set.open && set.values.is_empty() { self.open.clone() } else { Rc::new(set) }
    }

    fn variable(&mut self, variable: VarId) -> Rc<Set> {
        let mut all = Union::empty();
        for at in 0..self.facts.variable_table[variable.at()].values.len() {
            let value = self.facts.variable_table[variable.at()].values[at];
            let set = self.need(value);
            self.unite(&mut all, &set);
        }
        self.given(variable, &mut all);
        if let Some(folded) = self.accumulated(variable) {
            self.add(all.own(), folded);
        }
        let all = all.finish();
        if all.values.is_empty() { self.open.clone() } else { all }
    }

    fn any_of(&mut self, either: Span) -> Rc<Set> {
        let mut all = Union::empty();
        for at in either.range() {
            let set = self.need(self.facts.lists[at]);
            self.unite(&mut all, &set);
        }
        all.finish()
    }

    /// What a member of something may be.
    fn member(&mut self, object: ExprId, name: Sym) -> Rc<Set> {
        let objects = self.need(object);
        // A member of one library's name, which the file gives nothing to, is another.
        if let (&[Value::Path(path)], false) = (objects.values.as_slice(), objects.open)
            && !self.gives_member(object, name)
            && let set = self.attribute(&Value::Path(path), name)
            && let ([Value::Path(found)], false) = (set.values.as_slice(), set.open)
        {
            return self.only_path(*found);
        }
        let found = self.attribute_of(object, name);
        self.kept(found)
    }

    /// The set of a qualified name alone.
    pub(super) fn only_path(&mut self, path: PathId) -> Rc<Set> {
        let at = path.0 as usize;
        if self.path_sets.len() <= at {
            self.path_sets.resize(at + 1, None);
        }
        self.path_sets[at].get_or_insert_with(|| Rc::new(Set::one(Value::Path(path)))).clone()
    }

    /// What an import of a member of an own module of JavaScript reaches.
    pub(super) fn own_import(&mut self, path: &[Sym]) -> Option<Set> {
        let (first, rest) = path.split_first()?;
        let specifier = self.facts.symbols.text(*first).clone();
        let module = self.own_javascript(&specifier)?;
        Some(self.members_along(module, rest))
    }

    /// The members that names lead to from `found`, one after the other.
    pub(super) fn members_along(&mut self, mut found: Set, names: &[Sym]) -> Set {
        for &name in names {
            let mut next = Set::empty();
            for value in &found.values {
                let member = self.attribute(value, name);
                self.merge(&mut next, &member);
            }
            found = next;
        }
        found
    }

    /// The path that an import reaches.
    pub(super) fn imported(&mut self, path: &[Sym]) -> Option<PathId> {
        let (first, rest) = path.split_first()?;
        let text = self.facts.symbols.text(*first).clone();
        let mut here = match self.facts.dialect {
            Dialect::JavaScript => self.paths.module(&text, &mut self.facts.symbols)?,
            Dialect::Python => self.paths.child(ROOT, *first, &mut self.facts.symbols)?,
        };
        for &name in rest {
            here = self.paths.child(here, name, &mut self.facts.symbols)?;
        }
        Some(here)
    }

    /// What the attribute `name` of `object` may be.
    pub(super) fn attribute_of(&mut self, object: ExprId, name: Sym) -> Set {
        if let Some(class) = self.class_of_parameter(object, name) {
            return class;
        }
        let objects = self.need(object);
        let mut all = Set::empty();
        all.open = objects.open;
        for value in &objects.values {
            let found = self.attribute(value, name);
            self.absorb(&mut all, found);
        }
        if objects.open {
            let found = self.attribute_of_some_object(name);
            self.absorb(&mut all, found);
        }
        self.members_of_variable(object, name, &mut all);
        all
    }

    /// Whether the file itself gives something to a member, or its class is that of a parameter.
    fn gives_member(&mut self, object: ExprId, name: Sym) -> bool {
        if self.class_of_parameter(object, name).is_some() {
            return true;
        }
        if self.members.is_empty() && self.namespaces.is_empty() {
            return false;
        }
        self.variable_of(object).is_some_and(|variable| {
            self.namespaces.contains_key(&variable.0) || self.members.contains_key(&(variable.0, name.0))
        })
    }

    pub(super) fn members_of_variable(&mut self, object: ExprId, name: Sym, all: &mut Set) {
        if self.members.is_empty() && self.namespaces.is_empty() {
            return;
        }
        let Some(variable) = self.variable_of(object) else { return };
        for namespace in self.namespaces.get(&variable.0).cloned().unwrap_or_default() {
            let key = Value::Text(self.facts.symbols.text(name).clone());
            for value in self.need(namespace).values.clone() {
                let found = self.item(&value, &key);
                self.merge(all, &found);
            }
        }
        let Some(values) = self.members.get(&(variable.0, name.0)).cloned() else { return };
        for value in values {
            let set = self.need(value);
            self.merge(all, &set);
        }
    }

    /// What is assigned to a member of a variable.
    pub(super) fn member_values(&self, object: ExprId, name: Sym) -> Vec<ExprId> {
        let variable = self.variable_of(object);
        variable.and_then(|variable| self.members.get(&(variable.0, name.0))).cloned().unwrap_or_default()
    }

    pub(super) fn attribute_of_some_object(&mut self, name: Sym) -> Set {
        let text = self.facts.symbols.text(name).clone();
        match (self.facts.dialect, &*text) {
            (Dialect::JavaScript, "constructor") => self.path_of("Class?").map(Value::Path).into(),
            (Dialect::JavaScript, "contentWindow" | "defaultView") => Set::one(Value::Path(ROOT)),
            (Dialect::Python, "f_globals" | "__globals__") => Set::one(Value::Globals),
            (Dialect::Python, "f_builtins") => Set::one(Value::Path(ROOT)),
            _ => Set::OPEN,
        }
    }

    /// The path with a dotted name.
    pub(super) fn path_of(&mut self, name: &str) -> Option<PathId> {
        self.paths.descend(ROOT, name, &mut self.facts.symbols)
    }

    /// The member of a path that is not known before run time.
    pub(super) fn unknown_member(&mut self, path: PathId) -> Set {
        let name = self.facts.symbols.intern(UNKNOWN);
        self.paths.child(path, name, &mut self.facts.symbols).map(Value::Path).into()
    }
}
