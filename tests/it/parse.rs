//! Tests of: parse.
