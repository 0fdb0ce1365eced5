//! The limits of scanning, each with its unit. Reaching one is a finding (`scan-limit`), except where the limited thing
//! merely becomes unknown, which no rule takes for harmless.

/// Star imports of modules that rules know, each of which any bare name may come from; more is a finding.
pub(super) const STARS_MAX: usize = 64;

/// Values that one expression may have beside those that a rule may name; more make it unknown.
pub(super) const VALUES_MAX: usize = 8;

/// Values that a rule may name, for one expression; more is a finding.
pub(super) const NAMED_VALUES_MAX: usize = 256;

/// Bytes of one folded constant; a longer one is unknown.
pub(super) const FOLD_BYTES_MAX: usize = 256 << 10;

/// Bytes of all constants folded in one region; more is a finding.
pub(super) const FOLD_TOTAL_BYTES_MAX: usize = 64 << 20;

/// Elements of a list that are looked at one by one; of a longer one nothing is folded.
pub(super) const ELEMENTS_MAX: usize = 65_536;

/// Names that a qualified name is made of; a longer one is unknown.
pub(super) const SEGMENTS_MAX: u32 = 24;

/// Times that an expression is looked at again because something that it depends on was not known yet; then it is
/// unknown.
pub(super) const TRIES_MAX: u8 = 200;

/// Rounds over expressions that depend on themselves; then what is known of them is taken.
pub(super) const ROUNDS_MAX: usize = 4;

/// Functions inside one another that are followed to fold a constant.
pub(super) const INLINE_DEPTH_MAX: usize = 24;

/// Steps of following functions and comprehensions in one region; more is a finding.
pub(super) const INLINE_STEPS_MAX: usize = 2_000_000;

/// Bases of classes that are followed for an attribute.
pub(super) const BASES_MAX: usize = 16;

/// `partial`s inside one another that are seen through.
pub(super) const PARTIALS_MAX: usize = 8;

/// What one call may call, wrappers counted; more is a finding.
pub(super) const TARGETS_MAX: usize = 1024;

/// Entries of mappings that are looked at one by one, in all look-ups of one region; more is a finding.
pub(super) const ENTRY_STEPS_MAX: usize = 20_000_000;

/// Lists that are folded inside one another, each from the one inside; deeper ones are unknown.
pub(super) const LIST_DEPTH_MAX: usize = 4;

/// Expressions that one value is put together from, looked at for where they come from; what lies beyond carries no label.
pub(super) const LABEL_PARTS_MAX: usize = 256;

/// Expressions that the text of one command is put together from; what lies beyond is not known.
pub(super) const COMMAND_PARTS_MAX: usize = 1024;

/// Texts that one command may be, for rules that look at them; more are left out.
pub(super) const COMMAND_TEXTS_MAX: usize = 16;

/// Places of one capability that the report names; the rest is counted.
pub(super) const CAPABILITY_PLACES_MAX: usize = 20;
