//! Tests of: pipeline.
