//! Shards that are being written, image by image, so that memory holds one chunk and not the shard.

use std::path::Path;
use std::sync::Arc;

use files::pending::PendingFile;

use super::image_chunks::Pieces;
use super::values::Data;
use crate::error::StoreError;

/// Encoder of images of an array, for any thread: encoding takes most of the time of writing.
pub struct Encoder {
    array: String,
    shard: u64,
    pieces: Arc<Pieces>,
}

/// Images as [`OpenShard::append_encoded`] takes them: encoded, unless several share a chunk. Those wait for each other as they are.
pub struct Encoded(Vec<Vec<u8>>);

impl Encoder {
    /// Encodes whole images.
    pub fn encode(&self, data: Data) -> Result<Encoded, StoreError> {
        self.encode_bytes(&data.into_bytes())
    }

    /// Encodes whole images, whose values are native `bytes`, in place.
    pub fn encode_bytes(&self, bytes: &[u8]) -> Result<Encoded, StoreError> {
        let failed = |reason| StoreError::Encode { array: self.array.clone(), shard: self.shard, reason };
        let size = self.pieces.size();
        if !bytes.len().is_multiple_of(size) {
            return Err(failed(format!("{} bytes are no whole images of {size}", bytes.len())));
        }
        let images = bytes.chunks_exact(size).map(<[u8]>::to_vec);
        if self.pieces.together() > 1 {
            return Ok(Encoded(images.collect()));
        }
        images.map(|image| self.pieces.encode(image)).collect::<Result<_, _>>().map(Encoded).map_err(failed)
    }
}

/// Shard that is being written under a temporary name. The shard exists once it is [finished](OpenShard::finish); dropped before,
/// it leaves nothing behind.
pub struct OpenShard {
    array: String,
    shard: u64,
    /// Number of images that the shard will have.
    images: usize,
    pieces: Arc<Pieces>,
    file: PendingFile,
    /// Number of images so far.
    there: usize,
    /// Images of a chunk that is not full yet.
    waiting: Vec<u8>,
    /// Place and size of each chunk so far, in bytes.
    index: Vec<u64>,
    length: u64,
}

impl OpenShard {
    pub(crate) fn create(
        (array, shard): (&str, u64),
        images: u64,
        pieces: Arc<Pieces>,
        path: &Path,
        tag: &str,
    ) -> Result<Self, StoreError> {
        let file = PendingFile::create(path, tag)?;
        let (array, images) = (array.to_owned(), images as usize);
        Ok(Self { array, shard, images, pieces, file, there: 0, waiting: Vec::new(), index: Vec::new(), length: 0 })
    }

    /// Appends whole images.
    pub fn append(&mut self, data: Data) -> Result<(), StoreError> {
        self.append_encoded(self.encoder().encode(data)?)
    }

    /// Encoder of the shard's images.
    pub fn encoder(&self) -> Encoder {
        Encoder { array: self.array.clone(), shard: self.shard, pieces: Arc::clone(&self.pieces) }
    }

    /// Appends images that the shard's encoder has made.
    pub fn append_encoded(&mut self, Encoded(images): Encoded) -> Result<(), StoreError> {
        if self.there + images.len() > self.images {
            let (more, there, images) = (images.len(), self.there, self.images);
            return Err(self.failed(format!("{more} images more than {there} of {images}")));
        }
        let together = self.pieces.together();
        for image in images {
            self.there += 1;
            if together == 1 {
                self.append_chunk(&image)?;
                continue;
            }
            self.waiting.extend(image);
            if self.there.is_multiple_of(together) {
                self.append_waiting()?;
            }
        }
        Ok(())
    }

    /// Encodes the images that wait, and appends their chunk.
    fn append_waiting(&mut self) -> Result<(), StoreError> {
        let encoded = self.pieces.encode(std::mem::take(&mut self.waiting)).map_err(|reason| self.failed(reason))?;
        self.append_chunk(&encoded)
    }

    fn append_chunk(&mut self, encoded: &[u8]) -> Result<(), StoreError> {
        self.file.append(encoded)?;
        self.index.extend([self.length, encoded.len() as u64]);
        self.length += encoded.len() as u64;
        Ok(())
    }

    /// Puts the shard in place, durably. Returns its size in bytes. Images that the last shard of an array lacks stay empty.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        if self.there != self.images {
            return Err(self.failed(format!("{} of {} images were given", self.there, self.images)));
        }
        if !self.waiting.is_empty() {
            self.append_waiting()?;
        }
        self.index.resize(2 * self.pieces.count, u64::MAX);
        let index = self.pieces.encode_index(&self.index).map_err(|reason| self.failed(reason))?;
        self.file.append(&index)?;
        self.file.place()?;
        Ok(self.length + index.len() as u64)
    }

    fn failed(&self, reason: String) -> StoreError {
        StoreError::Encode { array: self.array.clone(), shard: self.shard, reason }
    }
}
