//! Classes and functions that are handed out to other files, each copied once for each depth at which it is met: every
//! object of a class would bring a copy of all of it.

use std::sync::Arc;

use super::limits;
use super::portable::{Index, Object, Shipped};
use super::resolve::Resolver;
use crate::facts::{FunctionId, IdMap, ScopeId};

/// What has been copied already.
#[derive(Default)]
pub(super) struct Ships {
    classes: Copies<Object>,
    functions: Copies<Shipped>,
}

/// Copies by what they are of and how deep inside others they were made, which decides how much is in them.
type Copies<T> = IdMap<(u32, u32), Copied<T>>;

/// A copy, and what making it came to.
struct Copied<T> {
    made: Arc<T>,
    /// How many values are in it, those inside others counted again.
    values: usize,
    /// Whether something that rules know is in it.
    is_known: bool,
}

impl Resolver<'_> {
    /// The copy of a class.
    pub(super) fn class_once(&mut self, class: ScopeId, index: &Index, depth: usize) -> Arc<Object> {
        let make = |resolver: &mut Self| resolver.ship_class(class, index, depth);
        self.copied(|ships| &mut ships.classes, (class.0, depth), make)
    }

    /// The copy of a function.
    pub(super) fn function_once(&mut self, function: FunctionId, index: &Index, depth: usize) -> Arc<Shipped> {
        let make = |resolver: &mut Self| resolver.ship_function(function, index, depth);
        self.copied(|ships| &mut ships.functions, (function.0, depth), make)
    }

    /// The copy with a key, made where there is none yet. It counts as often as it is asked for, and where that would be too
    /// much, it is made anew with what there is still room for.
    fn copied<T>(
        &mut self,
        of: fn(&mut Ships) -> &mut Copies<T>,
        (id, depth): (u32, usize),
        make: impl FnOnce(&mut Self) -> T,
    ) -> Arc<T> {
        let key = (id, u32::try_from(depth).unwrap_or(u32::MAX));
        if let Some(known) = of(&mut self.ships).get(&key)
            && self.shipped + known.values <= limits::SHIPPED_VALUES_MAX
        {
            self.shipped += known.values;
            self.ships_known |= known.is_known;
            return known.made.clone();
        }
        let (before, others_known) = (self.shipped, std::mem::take(&mut self.ships_known));
        let made = Arc::new(make(self));
        let copied = Copied { made: made.clone(), values: self.shipped - before, is_known: self.ships_known };
        self.ships_known |= others_known;
        of(&mut self.ships).insert(key, copied);
        made
    }
}
