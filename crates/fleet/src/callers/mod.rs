//! Callers: workers that call back over TCP, from the address at which they call to the proof that they see the same folder.

pub(crate) mod listener;
pub(crate) mod reach;
pub(crate) mod shared_folder;
mod unauthenticated;
