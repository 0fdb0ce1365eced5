//! The private names of the classes around a place: each is declared once in a class, or as a getter and a setter, and is
//! known within that class alone.

use std::collections::HashMap;

use oxc_ast::ast::{ClassBody, ClassElement, MethodDefinitionKind, PropertyKey};

use super::names::Seed;

/// What a private name stands for; a pair takes one of each accessor, both static or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Getter { is_static: bool },
    Setter { is_static: bool },
    Whole,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    /// How many classes were open when it was declared.
    class: usize,
    kind: Kind,
}

/// The private names that can be used at one place.
#[derive(Debug)]
pub(super) struct Privates<'a> {
    members: HashMap<&'a str, Member, Seed>,
    /// For each open class: how long [`Self::before`] was.
    classes: Vec<usize>,
    before: Vec<(&'a str, Option<Member>)>,
}

impl<'a> Privates<'a> {
    pub(super) fn new() -> Self {
        Self { members: HashMap::with_hasher(Seed::new()), classes: Vec::new(), before: Vec::new() }
    }

    /// Begins the body of a class; whether it declares a name twice.
    pub(super) fn open(&mut self, body: &ClassBody<'a>) -> bool {
        self.classes.push(self.before.len());
        let mut twice = false;
        for element in &body.body {
            let Some((name, kind)) = declared(element) else { continue };
            twice |= self.declare(name, kind);
        }
        twice
    }

    fn declare(&mut self, name: &'a str, kind: Kind) -> bool {
        let class = self.classes.len();
        let known = self.members.get(name).copied();
        let same_class = known.filter(|member| member.class == class);
        let pairs = |known: Kind| match (known, kind) {
            (Kind::Getter { is_static: one }, Kind::Setter { is_static: other })
            | (Kind::Setter { is_static: one }, Kind::Getter { is_static: other }) => one == other,
            _ => false,
        };
        let (kind, twice) = match same_class {
            Some(member) => (Kind::Whole, !pairs(member.kind)),
            None => (kind, false),
        };
        self.members.insert(name, Member { class, kind });
        self.before.push((name, known));
        twice
    }

    /// Ends the body of the innermost class.
    pub(super) fn close(&mut self) {
        let Some(length) = self.classes.pop() else { return };
        while self.before.len() > length {
            match self.before.pop() {
                Some((name, Some(member))) => drop(self.members.insert(name, member)),
                Some((name, None)) => drop(self.members.remove(name)),
                None => {}
            }
        }
    }

    /// Whether a class around declares `name`.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }
}

/// The private name that an element of a class declares.
fn declared<'a>(element: &ClassElement<'a>) -> Option<(&'a str, Kind)> {
    let (key, kind) = match element {
        ClassElement::MethodDefinition(method) => {
            let is_static = method.r#static;
            let kind = match method.kind {
                MethodDefinitionKind::Get => Kind::Getter { is_static },
                MethodDefinitionKind::Set => Kind::Setter { is_static },
                _ => Kind::Whole,
            };
            (&method.key, kind)
        }
        ClassElement::PropertyDefinition(field) => (&field.key, Kind::Whole),
        ClassElement::AccessorProperty(accessor) => (&accessor.key, Kind::Whole),
        _ => return None,
    };
    match key {
        PropertyKey::PrivateIdentifier(name) => Some((name.name.as_str(), kind)),
        _ => None,
    }
}
