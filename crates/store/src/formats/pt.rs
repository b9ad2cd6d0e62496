//! A finished store as a folder of tensors, as the reference's DenseNet experiment leaves it.

use std::path::{Path, PathBuf};

use super::entry::{Entry, Packing};
use crate::export::aside::aside;
use crate::metadata::describe;
use crate::packed::unpack::remove;
use crate::shards::{Shards, present};
use crate::tensors::pack::pack;
use crate::tensors::unpack::unpack;
use crate::tensors::{SUFFIX, folder, is_of_scripts, is_place, of_scripts, place, write};

pub(super) const ENTRY: Entry = Entry {
    name: "pt",
    suffix: SUFFIX,
    place,
    exists: is_place,
    theirs,
    describe: |place| if is_place(place) { describe(place) } else { Ok(None) },
    ledger: present,
    open: |place| Ok(Box::new(Shards::open(place.to_owned(), String::new()))),
    python: |place, array| {
        let file = place.join(format!("{array}.pt")).display().to_string();
        vec!["import torch".to_owned(), format!("maps = torch.load({file:?}, mmap=True)")]
    },
    part: |view, place| {
        aside(place, |folder| {
            let bytes = write::tensors(view, folder)?;
            write::source(view, folder)?;
            Ok(bytes)
        })
    },
    packing: Some(Packing { folder, pack, unpack, remove }),
};

/// Folder of tensors of another program: where sweeps put theirs, or in `folder` itself, as the script does.
fn theirs(folder: &Path, name: &str) -> Option<PathBuf> {
    let places = [Some(place(folder, name)), of_scripts(folder, name)];
    places.into_iter().flatten().find(|place| is_of_scripts(place))
}
