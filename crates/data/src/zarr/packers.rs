//! Codecs that make bytes smaller, or add a checksum to them. Each is undone in the memory that the result is to take.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use zarrs::array::codec::{BloscCodec, BloscCompressionLevel, BloscCompressor, BloscShuffleMode};
use zarrs::array::{BytesRepresentation, BytesToBytesCodecTraits, CodecOptions};

/// A codec from bytes to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packer {
    Blosc,
    Crc32c,
    Gzip,
    Zlib,
    Zstd,
}

impl Packer {
    /// Codec that Zarr calls `name`.
    pub(super) fn of(name: &str) -> Result<Self, String> {
        match name {
            "blosc" => Ok(Self::Blosc),
            "crc32c" => Ok(Self::Crc32c),
            "gzip" => Ok(Self::Gzip),
            "zlib" => Ok(Self::Zlib),
            "zstd" => Ok(Self::Zstd),
            _ => Err(format!(
                "compressed by `{name}`, expected blosc, zstd, gzip, zlib or nothing; save it with one of these"
            )),
        }
    }

    /// Undoes the codec. The result may have `most` bytes. The error is one sentence.
    fn undo(self, packed: &[u8], most: u64) -> Result<Vec<u8>, String> {
        match self {
            Self::Blosc => blosc(packed, most),
            Self::Crc32c => {
                let (bytes, sum) = packed.split_last_chunk::<4>().ok_or("too short for its checksum")?;
                let (found, written) = (crc32c::crc32c(bytes), u32::from_le_bytes(*sum));
                if found != written {
                    return Err(format!("damaged: its checksum is {found:08x}, written as {written:08x}"));
                }
                Ok(bytes.to_vec())
            }
            Self::Gzip => unpacked(MultiGzDecoder::new(packed), most),
            Self::Zlib => unpacked(ZlibDecoder::new(packed), most),
            Self::Zstd => unpacked(zstd::Decoder::with_buffer(packed).map_err(|error| damaged(&error))?, most),
        }
    }
}

/// Undoes `packers`, beginning with the last. The result has `size` bytes. The error is one sentence.
pub(super) fn undo(packers: &[Packer], packed: Vec<u8>, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = packed;
    for (at, packer) in packers.iter().enumerate().rev() {
        // What other codecs have made smaller, or given a checksum, may have some bytes more.
        let most = if at == 0 { size } else { slack(size) };
        bytes = packer.undo(&bytes, most)?;
    }
    if bytes.len() as u64 != size {
        return Err(format!("{} bytes, decoded, expected {size}", bytes.len()));
    }
    Ok(bytes)
}

/// Most bytes that `size` bytes may have once they are packed.
pub(super) fn slack(size: u64) -> u64 {
    size + size / 8 + (1 << 16)
}

fn unpacked(reader: impl Read, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    if bytes.len() as u64 > most {
        return Err(format!("more than {most} bytes, decoded"));
    }
    Ok(bytes)
}

fn damaged(error: &std::io::Error) -> String {
    format!("damaged: {error}")
}

/// Blosc's header says the size of the bytes at 4, that of the blocks at 8 and that of the whole at 12.
fn blosc(packed: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let number = |at: usize| {
        packed.get(at..at + 4).map(|bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let (Some(size), Some(length)) = (number(4), number(12)) else { return Err("too short for blosc".to_owned()) };
    if size > most || length != packed.len() as u64 {
        return Err(format!(
            "{length} bytes of blosc that claim {size} bytes, expected {} and at most {most}",
            packed.len()
        ));
    }
    if size == 0 {
        return Ok(Vec::new());
    }
    let level = BloscCompressionLevel::try_from(1).map_err(|level| format!("level {level}"))?;
    let codec = BloscCodec::new(BloscCompressor::LZ4, level, None, BloscShuffleMode::NoShuffle, None);
    let codec = codec.map_err(|error| error.to_string())?;
    let representation = BytesRepresentation::FixedSize(size);
    let bytes = codec.decode(Cow::Borrowed(packed), &representation, &CodecOptions::default());
    bytes.map(Cow::into_owned).map_err(|error| format!("damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_unpack_to_more_than_is_expected_are_refused() {
        let zeros = vec![0_u8; 1 << 20];
        let packed = zstd::bulk::compress(&zeros, 1).unwrap();
        assert_eq!(undo(&[Packer::Zstd], packed.clone(), 1 << 20), Ok(zeros));
        assert!(undo(&[Packer::Zstd], packed.clone(), 1000).unwrap_err().contains("more than 1000 bytes"));
        assert!(
            undo(&[Packer::Zstd], packed, 1 << 21).unwrap_err().contains("1048576 bytes, decoded, expected 2097152")
        );
        assert!(undo(&[], vec![0; 3], 4).unwrap_err().contains("3 bytes"));
        let claim = [&[2, 1, 0, 1][..], &u32::MAX.to_le_bytes(), &[0; 4], &20_u32.to_le_bytes(), &[0; 4]].concat();
        assert!(undo(&[Packer::Blosc], claim, 64).unwrap_err().contains("claim 4294967295 bytes"));
    }

    #[test]
    fn a_checksum_that_does_not_fit_is_told() {
        let mut bytes = vec![1, 2, 3];
        bytes.extend(crc32c::crc32c(&[1, 2, 3]).to_le_bytes());
        assert_eq!(undo(&[Packer::Crc32c], bytes.clone(), 3), Ok(vec![1, 2, 3]));
        bytes[0] = 7;
        assert!(undo(&[Packer::Crc32c], bytes, 3).unwrap_err().contains("checksum"));
    }
}
