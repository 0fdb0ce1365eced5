//! What only the native back end has.
