//! The native back end: namespaces, control groups and seccomp of this host, no daemon.
