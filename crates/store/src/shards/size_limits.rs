//! Limits of the memory that reading a store takes: sizes in metadata are compared with the files before they are believed.
//!
//! zarrs trusts what it decodes: sizes in zstd frames, offsets in the index of a shard, chunk shapes. Whoever can write
//! a chunk with a good checksum could make it ask for any amount of memory, or panic.

use serde_json::Value;

/// Largest size of a decoded shard in bytes. 64 images of 224 px have 39 MB, and a config can ask for a thousand times more.
const MOST: u64 = 1 << 36;

/// Largest size in bytes that is decoded at once: a chunk of a sharded file, or all of a file with a row for each image. An image
/// of 1024 px has 25 MB in double precision; a thousand rows of the largest number of classes have half of the limit.
const MOST_AT_ONCE: u64 = 1 << 30;

/// Largest ratio of zstandard: a block of 128 KiB in four bytes.
const RATIO: u64 = 1 << 15;

/// First bytes of a zstd frame.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Size of a checksum in bytes.
const CRC: usize = 4;

/// Make-up of a chunk file, as metadata says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Size of the whole chunk in bytes, decoded.
    whole: u64,
    /// Size of each chunk inside the chunk in bytes, decoded; the whole chunk where it has no parts.
    inner: u64,
    sharded: bool,
    compressed: bool,
}

impl Cut {
    /// Make-up of the files of an array with this `zarr.json`. The error is one sentence. Metadata of other programs is refused.
    pub(crate) fn of(metadata: &Value) -> Result<Self, String> {
        let width = match metadata["data_type"].as_str() {
            Some("float16") => 2,
            Some("float32") => 4,
            Some("int64") => 8,
            other => return Err(format!("its elements are of type {other:?}")),
        };
        let bytes = |shape: &Value| {
            let sizes: Option<Vec<u64>> = shape.as_array()?.iter().map(Value::as_u64).collect();
            let product = sizes?.iter().try_fold(width, |product: u64, size| product.checked_mul(*size));
            product.filter(|bytes| (1..=MOST).contains(bytes))
        };
        let shape = &metadata["chunk_grid"]["configuration"]["chunk_shape"];
        let absurd = |shape: &Value| format!("its chunks have the shape {shape}");
        let whole = bytes(shape).ok_or_else(|| absurd(shape))?;
        let (codecs, first) = (&metadata["codecs"], &metadata["codecs"][0]);
        if first["name"] == "sharding_indexed" {
            let shape = &first["configuration"]["chunk_shape"];
            let inner = bytes(shape).ok_or_else(|| absurd(shape))?;
            let index = &first["configuration"]["index_codecs"];
            if inner > whole || !whole.is_multiple_of(inner) || names(codecs).len() != 1 {
                return Err(absurd(shape));
            }
            if names(index) != ["bytes", "crc32c"] {
                return Err(format!("the index of its shards is encoded by {index}"));
            }
            let compressed = is_compressed(&first["configuration"]["codecs"])?;
            if inner > MOST_AT_ONCE {
                return Err(absurd(shape));
            }
            return Ok(Self { whole, inner, sharded: true, compressed });
        }
        if whole > MOST_AT_ONCE {
            return Err(absurd(shape));
        }
        Ok(Self { whole, inner: whole, sharded: false, compressed: is_compressed(codecs)? })
    }

    /// Whether `file`, the bytes of a chunk file, can be decoded in the memory that it is to take; one sentence if not.
    pub(crate) fn check(self, file: &[u8]) -> Result<(), String> {
        let most = (file.len() as u64).saturating_mul(RATIO);
        if self.whole > most {
            return Err(format!("{} bytes cannot be {} bytes of values", file.len(), self.whole));
        }
        if !self.sharded {
            return self.check_piece(file);
        }
        let chunks = (self.whole / self.inner) as usize;
        let index = self.index_start(file.len() as u64)? as usize;
        let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap_or([0xff; 8]));
        for at in (0..chunks).map(|chunk| index + 16 * chunk) {
            match (number(at), number(at + 8)) {
                // A chunk that is not there reads as NaN.
                (u64::MAX, u64::MAX) => {}
                (offset, length) => {
                    let end = offset.checked_add(length).filter(|end| *end <= file.len() as u64);
                    let piece = end.map(|end| &file[offset as usize..end as usize]);
                    self.check_piece(piece.ok_or_else(|| "its index leads out of it".to_owned())?)?;
                }
            }
        }
        Ok(())
    }

    /// Position at which the index of a sharded file of `length` bytes begins.
    pub(crate) fn index_start(self, length: u64) -> Result<u64, String> {
        let index = (self.whole / self.inner).checked_mul(16).and_then(|index| index.checked_add(CRC as u64));
        let start = index.and_then(|index| length.checked_sub(index));
        start.ok_or_else(|| format!("{length} bytes have no room for an index"))
    }

    /// Checks that a chunk has the right size, or says that it decodes to the right size.
    pub(crate) fn check_piece(self, piece: &[u8]) -> Result<(), String> {
        let length = piece.len().saturating_sub(CRC);
        let claimed = if self.compressed { content_size(&piece[..length])? } else { length as u64 };
        if claimed == self.inner {
            return Ok(());
        }
        Err(format!("a chunk has {claimed} bytes of values, expected {}", self.inner))
    }
}

fn names(codecs: &Value) -> Vec<&str> {
    codecs.as_array().into_iter().flatten().filter_map(|codec| codec["name"].as_str()).collect()
}

fn is_compressed(codecs: &Value) -> Result<bool, String> {
    match names(codecs).as_slice() {
        ["bytes", "crc32c"] => Ok(false),
        ["bytes", "zstd", "crc32c"] => Ok(true),
        _ => Err(format!("it is encoded by {codecs}")),
    }
}

/// Decoded size in the header of a zstd frame (RFC 8878, 3.1.1.1). Frames of this program always have one.
fn content_size(frame: &[u8]) -> Result<u64, String> {
    let refused = || "a chunk is no zstd frame that says its size".to_owned();
    let rest = frame.strip_prefix(&MAGIC).ok_or_else(refused)?;
    let (descriptor, rest) = rest.split_first().ok_or_else(refused)?;
    let single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let width = match (descriptor >> 6, single) {
        (0, false) => return Err(refused()),
        (0, true) => 1,
        (power, _) => 1 << power,
    };
    let start = usize::from(!single) + dictionary;
    let field = rest.get(start..start + width).ok_or_else(refused)?;
    let size = field.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    // Sizes of two bytes count from 256.
    Ok(if width == 2 { size + 256 } else { size })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(shape: &[u64], codecs: &[&str]) -> Value {
        let codecs: Vec<Value> = codecs.iter().map(|name| json!({"name": name})).collect();
        json!({"data_type": "float32", "chunk_grid": {"configuration": {"chunk_shape": shape}}, "codecs": codecs})
    }

    #[test]
    fn absurd_shapes_and_unknown_codecs_are_refused_before_anything_is_allocated() {
        let ours = ["bytes", "zstd", "crc32c"];
        assert!(Cut::of(&metadata(&[64, 3], &ours)).is_ok());
        let most = MOST_AT_ONCE / 4;
        assert!(Cut::of(&metadata(&[most / 2, 2], &ours)).is_ok());
        for shape in [&[u64::MAX, u64::MAX][..], &[1 << 40], &[0, 3], &[1 << 32, 1 << 32], &[most / 2, 3]] {
            assert!(Cut::of(&metadata(shape, &ours)).unwrap_err().contains("shape"), "{shape:?}");
        }
        for codecs in [&["bytes"][..], &["bytes", "gzip", "crc32c"], &["bytes", "zstd", "zstd", "crc32c"], &[]] {
            assert!(Cut::of(&metadata(&[64, 3], codecs)).unwrap_err().contains("encoded"), "{codecs:?}");
        }
    }

    #[test]
    fn a_frame_that_claims_another_size_than_the_chunk_has_is_refused() {
        let cut = Cut::of(&metadata(&[64, 3], &["bytes", "zstd", "crc32c"])).unwrap();
        let frame = |size: u32| [&MAGIC[..], &[0xa0], &size.to_le_bytes(), &[0; 200]].concat();
        assert_eq!(cut.check(&frame(768)), Ok(()));
        assert!(cut.check(&frame(u32::MAX)).unwrap_err().contains("4294967295 bytes of values, expected 768"));
        assert!(cut.check(&MAGIC).is_err() && cut.check(&[]).is_err());
    }
}
