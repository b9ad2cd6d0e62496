//! Images of a split: a member of the archive.

use std::ops::Range;
use std::path::Path;

use crate::DataError;
use crate::arrays::{self, Channels};
use crate::formats::Options;
use crate::numpy::Member;
use crate::preprocess::Pixels;

pub(super) struct Images {
    pub(super) member: Member,
    pub(super) array: arrays::Images,
}

impl Images {
    pub(super) fn open(file: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let member = Member::open(file, &format!("{split}_images"))?;
        let element = member.element.ok_or_else(|| member.error(member.no_numbers()))?;
        let array = arrays::Images::new((element, &member.header.descr), &member.header.shape, Channels::Last, options);
        let array = array.map_err(|reason| member.error(reason))?;
        Ok(Self { member, array })
    }

    pub(super) fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.array.within(&range).map_err(|reason| self.member.error(reason))?;
        let image = self.array.size();
        let bytes = self.member.read(range.start * image, range.end * image)?;
        self.array.pixels(bytes, range.start).map_err(|reason| self.member.error(reason))
    }
}
