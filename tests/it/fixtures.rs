//! Tests of: fixtures.
