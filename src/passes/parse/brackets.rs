//! Brackets: how deep they nest, and which were never closed or are closed by the wrong kind.
//!
//! Each language has its own scanner that knows strings and comments; what it meets it tells a [`Brackets`].

/// What a scan of the brackets of a file saw.
#[derive(Debug)]
pub(super) struct Brackets {
    open: Vec<(u8, usize)>,
    depth_max: usize,
    /// The first bracket past the depth that is allowed.
    pub(super) too_deep: Option<usize>,
    /// The first closing bracket that fits no open one.
    pub(super) mismatch: Option<Mismatch>,
}

/// A closing bracket that fits no open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// The innermost open bracket, and where it stands; `None` where none is open.
    pub(super) opener: Option<(u8, usize)>,
    /// The closing bracket.
    pub(super) closer: u8,
    /// Where it stands.
    pub(super) at: usize,
}

impl Brackets {
    /// No bracket met yet; more than `depth_max` open at once is too deep.
    pub(super) fn new(depth_max: u64) -> Self {
        let depth_max = usize::try_from(depth_max).unwrap_or(usize::MAX);
        Self { open: Vec::new(), depth_max, too_deep: None, mismatch: None }
    }

    /// An opening bracket at `at`.
    pub(super) fn opens(&mut self, bracket: u8, at: usize) {
        self.open.push((bracket, at));
        if self.open.len() > self.depth_max && self.too_deep.is_none() {
            self.too_deep = Some(at);
        }
    }

    /// A closing bracket at `at`. One that does not fit is noted and closes nothing.
    pub(super) fn closes(&mut self, closer: u8, at: usize) {
        let opener = self.open.last().copied();
        if opener.is_some_and(|(bracket, _)| closing(bracket) == closer) {
            self.open.pop();
        } else if self.mismatch.is_none() {
            self.mismatch = Some(Mismatch { opener, closer, at });
        }
    }

    /// How many brackets are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Forgets all brackets opened since there were `depth`.
    pub(super) fn truncate(&mut self, depth: usize) {
        self.open.truncate(depth);
    }

    /// The innermost bracket that is still open, and where it stands.
    pub(super) fn innermost(&self) -> Option<(u8, usize)> {
        self.open.last().copied()
    }
}

/// The closing bracket of an opening one.
pub(super) const fn closing(bracket: u8) -> u8 {
    match bracket {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_mismatch_and_unclosed_are_seen() {
        let mut brackets = Brackets::new(2);
        brackets.opens(b'(', 0);
        brackets.opens(b'[', 1);
        brackets.closes(b')', 2);
        brackets.opens(b'{', 3);
        assert_eq!(brackets.too_deep, Some(3));
        assert_eq!(brackets.mismatch, Some(Mismatch { opener: Some((b'[', 1)), closer: b')', at: 2 }));
        assert_eq!(brackets.innermost(), Some((b'{', 3)));
    }
}
