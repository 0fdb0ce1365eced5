//! What a program tried, beside what it wrote: plain data, for the report.

/// Why nothing is known of a run that was not to be watched.
pub(super) const SWITCHED_OFF: &str = "it was switched off";

/// What a run tried, as far as somebody watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Why nobody watched; `None` where somebody did. Without a watcher nothing is known, which is not "nothing was tried".
    pub untraced: Option<String>,
    /// What was tried, sorted, equal attempts counted together.
    pub attempts: Vec<Attempt>,
    /// Whether there was more than is kept: targets that are missing here. Counts are complete.
    pub truncated: bool,
}

impl Behaviour {
    /// The behaviour of a run that nobody watched, and why.
    #[must_use]
    pub fn untraced(because: &str) -> Self {
        Self { untraced: Some(because.to_owned()), ..Self::default() }
    }

    /// The attempts of one kind.
    pub fn of(&self, kind: AttemptKind) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.kind == kind)
    }
}

/// One thing that was tried, and how often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// What kind of thing.
    pub kind: AttemptKind,
    /// The system call.
    pub call: &'static str,
    /// What it was for, as the program wrote it: a path, an address and port, a name, a command line. `None` where the call
    /// has nothing of the kind, or where it was not read any more.
    pub target: Option<String>,
    /// The error that the sandbox answered with, `EPERM`; `None` where the kernel answered.
    pub answer: Option<&'static str>,
    /// How often.
    pub count: u64,
}

/// What kind of thing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptKind {
    /// A system call that the sandbox refuses.
    Refused,
    /// An address beyond the sandbox. Nothing can be reached there: its network is its own loopback.
    Network,
    /// The address that belongs to a name.
    Lookup,
    /// A program that was to be executed, the run's own not included.
    Started,
}

impl AttemptKind {
    /// The name used in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Lookup => "lookup",
            Self::Started => "started",
        }
    }
}
