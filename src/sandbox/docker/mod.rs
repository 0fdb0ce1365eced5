//! The Docker back end: a hardened container through the engine's API.
