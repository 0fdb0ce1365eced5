//! The `vetrun` command.

fn main() {}
