//! vetrun vets generated code, then runs it.

pub mod artifact;
pub mod cli;
pub mod deps;
pub mod finding;
pub mod intake;
pub mod language;
pub mod output;
pub mod passes;
pub mod policy;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod vet;
