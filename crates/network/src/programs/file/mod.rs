//! The file of a program: an archive, and the schema of what the archive holds.

pub(super) mod archive;
pub(super) mod schema;
