//! The execute pass: does it run to its end?
