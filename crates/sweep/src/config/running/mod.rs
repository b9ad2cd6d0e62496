//! Keys that say how a sweep runs and change no number: its launcher, its page, retries and logs.

pub(super) mod launcher;
pub(super) mod page;
pub(super) mod scheduler;
