//! The integration tests: one binary, one module for each room of the house.

mod batch;
mod cache;
mod conformance;
mod decoded;
mod docker;
mod doctor;
mod engine;
mod fixtures;
mod hook;
mod install;
mod layers;
mod man;
#[cfg(feature = "mcp")]
mod mcp;
mod names;
mod output;
mod parse;
mod parse_bytes;
mod parse_javascript;
mod parse_measure;
mod parse_nests;
mod parse_notebook;
mod parse_python;
mod parse_words;
mod pipeline;
mod policy;
mod readme;
mod requirements;
mod rules;
mod sessions;
mod shell;
mod structure;
mod support;
mod version;
mod watch;
mod wheels;
