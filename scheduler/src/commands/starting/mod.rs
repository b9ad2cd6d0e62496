//! Commands that start a sweep, or prepare one.

pub(crate) mod adopt;
mod check;
pub(crate) mod demo;
pub(crate) mod init;
pub(crate) mod retry;
pub(crate) mod submit;
pub(crate) mod sweep;
