//! The command line: the only module that prints, reads the environment and exits.
