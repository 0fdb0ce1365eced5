//! The limits of scanning, each with its unit. Reaching one is a finding (`scan-limit`), except where the limited thing
//! merely becomes unknown, which no rule takes for harmless.

/// Star imports of modules that rules know, each of which any bare name may come from; more is a finding.
pub(super) const STARS_MAX: usize = 64;

/// Values that one expression may have beside those that a rule may name; more make it unknown.
pub(super) const VALUES_MAX: usize = 8;

/// Values that a rule may name, for one expression; more is a finding.
pub(super) const NAMED_VALUES_MAX: usize = 256;

/// Lists, mappings, functions, classes and objects of the file that one expression may be; more make it unknown. They are
/// looked at where they stand, so that what is lost is only which one is meant.
pub(super) const MADE_VALUES_MAX: usize = 16;

/// Bytes of one folded constant; a longer one is unknown.
pub(super) const FOLD_BYTES_MAX: usize = 1 << 20;

/// Bytes of all constants folded in one region; more is a finding.
pub(super) const FOLD_TOTAL_BYTES_MAX: usize = 64 << 20;

/// Elements of a list that are looked at one by one; of a longer one nothing is folded.
pub(super) const ELEMENTS_MAX: usize = 65_536;

/// Names that a qualified name is made of; a longer one is unknown.
pub(super) const SEGMENTS_MAX: u32 = 24;

/// How often one name may stand in a qualified name; a longer one is unknown.
pub(super) const SAME_SEGMENTS_MAX: u32 = 2;

/// Times that an expression is looked at again because something that it depends on was not known yet; then it is
/// unknown.
pub(super) const TRIES_MAX: u8 = 200;

/// Rounds over expressions that depend on themselves; then what is known of them is taken.
pub(super) const ROUNDS_MAX: usize = 4;

/// Functions inside one another that are followed to fold a constant.
pub(super) const INLINE_DEPTH_MAX: usize = 24;

/// Functions that are followed inside one another through attributes and getters as well, each of which begins anew; deeper
/// ones are unknown.
pub(super) const INLINED_MAX: usize = 6;

/// Steps of following one function with all that it calls; what takes more is unknown.
pub(super) const INLINE_LOOK_STEPS_MAX: usize = 20_000;

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

/// Layers of code inside one another: text that is run by text that is run; a deeper one is a finding.
pub(super) const LAYER_DEPTH_MAX: usize = 8;

/// Bytes of one text that is run; a longer one is a finding.
pub(super) const LAYER_BYTES_MAX: usize = 512 << 10;

/// Bytes of all texts that one file runs; more is a finding.
pub(super) const LAYER_TOTAL_BYTES_MAX: usize = 4 << 20;

/// Texts that one file runs; more is a finding.
pub(super) const LAYERS_MAX: usize = 1024;

/// Decoders that were evaluated in one region, and the bytes that they were given and made, that are remembered for what
/// findings show; of more it is not said how a text was hidden.
pub(super) const STEPS_MAX: usize = 4096;
pub(super) const STEPS_BYTES_MAX: usize = 16 << 20;

/// The last decoders whose results are looked through for a part of a text.
pub(super) const STEPS_NEAR_MAX: usize = 64;

/// Bytes of one decoded text that a finding shows, and those of all findings of a file; then each shows the least.
pub(super) const DECODED_BYTES_MAX: usize = 4 << 10;
pub(super) const DECODED_TOTAL_BYTES_MAX: usize = 256 << 10;
pub(super) const DECODED_BYTES_MIN: usize = 160;

/// Bytes of one file that are searched for texts that it runs; beyond them no text is called decoded.
pub(super) const PLAIN_SEARCH_BYTES_MAX: usize = 128 << 20;

/// Commands of a shell script; more are a finding.
pub(super) const SHELL_COMMANDS_MAX: usize = 16 << 10;

/// Words of one command of a shell script; more are a finding.
pub(super) const SHELL_WORDS_MAX: usize = 4096;

/// Commands of a shell script of which each is asked for the files that it names; with more, no file is taken for a text.
pub(super) const SHELL_NAMING_MAX: usize = 1024;

/// Bytes that the statements of a shell script may become once its variables are put in; more are a finding.
pub(super) const SHELL_EXPANDED_BYTES_MAX: usize = 4 << 20;

/// Texts of code in a shell script; more are a finding.
pub(super) const SHELL_CODES_MAX: usize = 4096;

/// Words of a command that are looked at.
pub(super) const WORDS_MAX: usize = 256;

/// Characters of decoded text that a message shows.
pub(super) const SHOWN_CHARS_MAX: usize = 120;

/// Waves in which files are scanned one after the other because they import one another; what comes later than the last is
/// scanned with it.
pub(super) const WAVES_MAX: usize = 4096;

/// Bytes of one import statement or specifier that are read for the order of files.
pub(super) const IMPORT_BYTES_MAX: usize = 4096;

/// Names of one module, class or mapping that are handed to other files.
pub(super) const SHIPPED_NAMES_MAX: usize = 4096;

/// Calls of one function that are handed to other files.
pub(super) const SHIPPED_CALLS_MAX: usize = 32;

/// Values of one file that are handed to others, those inside one another counted as often as they stand there; beyond
/// them, objects inside others are unknown.
pub(super) const SHIPPED_VALUES_MAX: usize = 2_000;

/// Objects inside one another that are handed to other files, and modules that hand on other modules.
pub(super) const SHIPPED_DEPTH_MAX: usize = 4;

/// Calls of one function that its parameters are looked up in.
pub(super) const CALL_SITES_MAX: usize = 16;

/// Rounds of a loop that puts a text together.
pub(super) const ACCUMULATED_MAX: usize = 65_536;

/// Bytes of a regular expression that is run to fold a constant, and of what it is compiled to; a greater one is unknown.
pub(super) const PATTERN_BYTES_MAX: usize = 256;
pub(super) const PATTERN_PROGRAM_BYTES_MAX: usize = 256 << 10;

/// Elements of lists of anything that are looked at one by one.
pub(super) const ITEMS_MAX: usize = 512;

/// Expressions that the text of one command is put together from; what lies beyond is not known.
pub(super) const COMMAND_PARTS_MAX: usize = 1024;

/// Expressions that are looked through for the keys that an object was reached by.
pub(super) const KEY_STEPS_MAX: usize = 64;

/// Texts that one command may be, for rules that look at them; more are left out.
pub(super) const COMMAND_TEXTS_MAX: usize = 16;

/// Places of one capability that the report names; the rest is counted.
pub(super) const CAPABILITY_PLACES_MAX: usize = 20;

/// Proxies, and mappings made of mappings, that are looked through inside one another; what is in deeper ones is unknown.
pub(super) const WRAPPERS_MAX: usize = 16;

/// Members of members that are followed at once, whatever they are members of; more is a finding.
pub(super) const MEMBER_DEPTH_MAX: usize = 400;
