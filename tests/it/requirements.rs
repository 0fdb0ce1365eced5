//! Tests of: requirements.
