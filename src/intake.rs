//! Intake: a path, a folder or a stream, read once into an artifact.
