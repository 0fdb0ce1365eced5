//! Tests of: output.
