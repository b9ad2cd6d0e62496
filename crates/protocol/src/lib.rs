//! The protocol between scheduler and workers: every message, question, answer and exit code that both sides must agree on.
//!
//! A worker that runs for a sweep is called by messages over TCP (`framing`, `handshake`, `message`, and `access`, the file by
//! which both find each other again). A worker that answers a question reads JSON from its standard input and writes JSON to its
//! standard output: `inspect`, `expect`, `probe` and `verify` are named as the worker's commands. However a worker ends, its
//! code is one of `exit`. This crate opens no connection and starts no process.

pub mod about;
pub mod access;
pub mod exit;
pub mod expect;
pub mod framing;
pub mod handshake;
pub mod inspect;
pub mod message;
pub mod probe;
pub mod verify;
