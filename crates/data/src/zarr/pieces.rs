//! Chunks of an array, from files of their own or from shards.

use super::array::Array;
use super::metadata::Shards;
use super::packers::{slack, undo};
use super::shard_index::ShardIndex;
use crate::DataError;

/// Mark in the index of a shard for a chunk that is not there.
const NOWHERE: u64 = u64::MAX;

impl Array {
    /// Decoded bytes of the chunk at `index`, the indices of the grid of chunks; `None` for a chunk that is not there.
    pub(super) fn piece(&mut self, index: &[u64]) -> Result<Option<Vec<u8>>, DataError> {
        let size = self.metadata.bytes().unwrap_or(0);
        let (key, packed) = match self.metadata.shards.clone() {
            None => {
                let key = self.key(index);
                let packed = self.storage.read(&key, slack(size))?;
                (key, packed)
            }
            Some(shards) => self.inside(index, &shards)?,
        };
        let Some(packed) = packed else { return Ok(None) };
        let bytes = undo(&self.metadata.encoding.packers, packed, size);
        bytes.map(Some).map_err(|reason| self.storage.error(&key, reason))
    }

    /// Key of the file at `index`.
    pub(super) fn key(&self, index: &[u64]) -> String {
        let names = &self.metadata.names;
        let mut parts: Vec<String> = index.iter().map(u64::to_string).collect();
        if !names.prefix.is_empty() {
            parts.insert(0, names.prefix.clone());
        }
        let name = parts.join(&names.separator);
        if self.path.is_empty() { name } else { format!("{}/{name}", self.path) }
    }

    /// Packed bytes of the chunk at `index`, which lies in a shard with the key that is returned.
    fn inside(&mut self, index: &[u64], shards: &Shards) -> Result<(String, Option<Vec<u8>>), DataError> {
        let chunk = &self.metadata.chunk;
        let counts: Vec<u64> = shards.shape.iter().zip(chunk).map(|(outer, inner)| outer / inner).collect();
        let outer: Vec<u64> = index.iter().zip(&counts).map(|(at, count)| at / count).collect();
        let within = index.iter().zip(&counts).fold(0, |place, (at, count)| place * count + at % count);
        let key = self.key(&outer);
        let Some(length) = self.storage.size(&key)? else { return Ok((key, None)) };
        if self.shard.as_ref().is_none_or(|shard| shard.key != key) {
            let places = self.index_of(&key, length, (counts.iter().product(), shards))?;
            self.shard = Some(ShardIndex { key: key.clone(), places });
        }
        let place = self.shard.as_ref().and_then(|shard| shard.places.get(within as usize).copied());
        let (start, size) = place.unwrap_or((NOWHERE, NOWHERE));
        if (start, size) == (NOWHERE, NOWHERE) {
            return Ok((key, None));
        }
        let end = start.checked_add(size).filter(|end| *end <= length);
        let (Some(end), true) = (end, size <= slack(self.metadata.bytes().unwrap_or(0))) else {
            return Err(self.storage.error(&key, format!("its index names {size} bytes at {start}, it has {length}")));
        };
        let part = self.storage.part(&key, start..end)?;
        Ok((key, Some(part)))
    }

    /// Index of the shard `key`, a file of `length` bytes with `count` chunks.
    fn index_of(&self, key: &str, length: u64, (count, shards): (u64, &Shards)) -> Result<Vec<(u64, u64)>, DataError> {
        let size = 16 * count + if shards.index_checksum { 4 } else { 0 };
        let start = if shards.index_first { Some(0) } else { length.checked_sub(size) };
        let Some(start) = start.filter(|_| size <= length) else {
            return Err(self
                .storage
                .error(key, format!("{length} bytes have no room for the index of {count} chunks")));
        };
        let bytes = self.storage.part(key, start..start + size)?;
        let (numbers, sum) = bytes.split_at(16 * count as usize);
        if shards.index_checksum && crc32c::crc32c(numbers).to_le_bytes() != sum {
            return Err(self.storage.error(key, "damaged: the checksum of its index does not fit"));
        }
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(numbers.chunks_exact(16).map(|pair| (number(&pair[..8]), number(&pair[8..]))).collect())
    }
}
