//! vetrun vets generated code before it runs, and then runs it where it can do no harm.
//!
//! One sentence is the whole program: an **artifact** is read once into a snapshot; staged **passes** judge the snapshot
//! in sequence (parse → structure → scan → budget); a **gate** either blocks it or clears it; what is cleared has its
//! packages **installed** in isolation and is then **executed** in a sandbox; all that was seen becomes one
//! **report**.
//!
//! ```text
//! path | stdin | folder ──intake──▶ Artifact (snapshot: files, bytes, sha256)
//! Artifact ──parse──▶ Parsed (trees + syntax findings; never fails)
//! Parsed ──structure, scan, budget──▶ findings
//! (Vetted) ──gate(policy)──▶ Cleared | blocked
//! Cleared ──install──▶ Installed (folder, packages, environment)
//! (Cleared, Installed) ──execute(&dyn Sandbox)──▶ Outcome
//! everything ──▶ Report ──output──▶ bytes
//! ```
//!
//! # Code map
//!
//! | module | what it owns |
//! |---|---|
//! | [`artifact`] | the snapshot, its digests, the text of a file and its line index |
//! | [`intake`] | paths, folders and streams → artifact; bounded, nothing followed |
//! | [`language`] | one row for each language: names, extensions, interpreter |
//! | [`finding`] | findings, severities, places, fingerprints |
//! | [`cache`] | what the static passes said of an artifact that has not changed |
//! | [`policy`] | everything that its owner can decide, with defaults |
//! | [`passes`] | the six passes, one file or folder each |
//! | [`rules`] | rule files → compiled rules |
//! | `facts` | what code in either language is lowered into: one arena, from strict and from tolerant trees |
//! | [`deps`] | declared packages in all their forms, what imports ask for, and what is known of names |
//! | [`sandbox`] | the trait, and one folder for each back end |
//! | [`vet`] | the sequence and the gate |
//! | [`report`] | the frozen, versioned shape of what was seen |
//! | [`output`] | report → bytes, one file for each format |
//! | [`serve`] | the tools that agents call, and the protocol over which they do |
//! | [`cli`] | arguments, files, the terminal |
//!
//! # Invariants
//!
//! Each is proved by a test (`tests/it/layers.rs` reads this source for those that are about source).
//!
//! 1. Core modules (artifact, language, parse, structure, scan, budget, gate, report) do no I/O.
//! 2. Only the Docker back end and the server name an async runtime; [`sandbox::Sandbox`] and [`serve::Desk`] are
//!    synchronous traits.
//! 3. Only [`cli`] prints, reads the environment and exits.
//! 4. Output formats know only the report.
//! 5. Nothing inside an artifact changes how it is judged.
//! 6. Every loop over untrusted input has a limit with a name; reaching it is a finding.
//! 7. Reports are deterministic, but for fields that end in `At` or `Ms` and the log.
//! 8. Untrusted text passes one sanitizer before it meets a terminal, a CI log or a page.
//! 9. No code of an artifact or of a package runs outside a sandbox.

pub mod artifact;
pub mod cache;
pub mod cli;
pub mod deps;
mod facts;
pub mod finding;
pub mod intake;
pub mod language;
mod names;
pub mod output;
pub mod passes;
pub mod policy;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod serve;
pub mod vet;
mod words;
