//! Digests of many files, which name what a dataset holds without reading all of it.
//!
//! A digest covers the names and sizes of all files, and samples of their bytes: the start, the end and places between. Times of
//! change are left out, so that a copy on a faster disk is the same dataset. Another image in a compressed file has another size
//! as good as always; what changes bytes between the samples of files without compression, and no size, is not noticed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::DataError;

/// Samples that are taken of all files together, at least one of each file that is chosen.
const SAMPLES: usize = 64;

/// Bytes of a sample.
const WINDOW: u64 = 4096;

/// SHA-256, in hexadecimal, over `files` below `root`, each with its size in bytes. The order of the files counts.
pub(crate) fn of_files(root: &Path, files: &[(String, u64)]) -> Result<String, DataError> {
    let mut digest = Sha256::new();
    for (name, size) in files {
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name);
        digest.update(size.to_le_bytes());
    }
    for at in spread(files.len(), SAMPLES) {
        let (name, size) = &files[at];
        let path = if name.is_empty() { root.to_owned() } else { root.join(name) };
        let failed = |source| DataError::Read { file: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        let windows = size.div_ceil(WINDOW) as usize;
        for window in spread(windows, SAMPLES.div_ceil(files.len())) {
            file.seek(SeekFrom::Start(window as u64 * WINDOW)).map_err(failed)?;
            let mut bytes = Vec::new();
            (&mut file).take(WINDOW).read_to_end(&mut bytes).map_err(failed)?;
            digest.update(&bytes);
        }
    }
    Ok(hex::encode(digest.finalize()))
}

/// Indices of `n`: at most `most`, equally far apart, the first and the last among them.
fn spread(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = n.min(most);
    (0..taken).map(move |step| if taken < 2 { 0 } else { step * (n - 1) / (taken - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_changes_with_names_sizes_order_and_ends_and_not_with_the_place_of_the_folder() {
        let write = |names: &[(&str, usize, u8)]| {
            let folder = tempfile::tempdir().unwrap();
            let files: Vec<(String, u64)> = names
                .iter()
                .map(|(name, size, byte)| {
                    let mut bytes = vec![0; *size];
                    if let Some(last) = bytes.last_mut() {
                        *last = *byte;
                    }
                    std::fs::write(folder.path().join(name), bytes).unwrap();
                    ((*name).to_owned(), *size as u64)
                })
                .collect();
            of_files(folder.path(), &files).unwrap()
        };
        let known = write(&[("a", 10_000, 0), ("b", 3, 0)]);
        assert_eq!(known, write(&[("a", 10_000, 0), ("b", 3, 0)]));
        let others = [
            write(&[("a", 10_000, 1), ("b", 3, 0)]),
            write(&[("a", 10_001, 0), ("b", 3, 0)]),
            write(&[("b", 3, 0), ("a", 10_000, 0)]),
            write(&[("a", 10_000, 0), ("c", 3, 0)]),
            write(&[("a", 10_000, 0)]),
        ];
        assert!(others.iter().all(|other| *other != known));
        assert_eq!(spread(100, 3).collect::<Vec<_>>(), [0, 49, 99]);
        assert_eq!(spread(2, 64).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spread(0, 64).count(), 0);
    }
}
