//! A finished store as a folder of tensors, as the reference's DenseNet experiment leaves it.

use super::entry::{Entry, Packing};
use crate::export::aside::aside;
use crate::metadata::describe;
use crate::packed::unpack::remove;
use crate::shards::{Shards, present};
use crate::tensors::pack::pack;
use crate::tensors::unpack::unpack;
use crate::tensors::{SUFFIX, folder, is_place, place, write};

pub(super) const ENTRY: Entry = Entry {
    name: "pt",
    suffix: SUFFIX,
    place,
    exists: is_place,
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
