//! Page that shows sweeps, finished and unfinished ones: the grid of groups and variants, and images with their maps side by side.
//!
//! | where | what |
//! |---|---|
//! | [`open`] | the server, on threads of its own, and what it may be asked |
//! | `stores` | what the stores of a folder have, looked at again and again; images, predictions and maps of them, with a small cache |
//! | `api` | answers: JSON, pictures, numbers, events |
//! | [`Live`] | what a scheduler tells of the sweep that it runs |
//! | [`report`] | a report on stores, written into a folder or a file, that needs no server |
//! | `assets` | the files of the page itself, which need nothing from elsewhere |
//!
//! The page reads stores and writes nothing, and a report writes beside stores alone. What it holds in memory is bounded, whoever asks: maps are read one by one, two at a time.

mod api;
mod error;
mod live;
pub mod report;
mod server;
mod stores;

pub use error::PageError;
pub use live::{Device, Failed, Line, Live, Machine, Running, Told};
pub use server::{Page, Settings, open};
pub use stores::Marks;
