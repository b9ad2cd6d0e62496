//! Commands on the stores of a sweep: questions, tables, reports, exports, removal of what is left over.

pub(crate) mod clean;
pub(crate) mod export;
pub(crate) mod report;
pub(crate) mod scores;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod view;
