//! Tests of: conformance.
