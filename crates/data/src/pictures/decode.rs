//! Many pictures at once, on several threads and in bounded memory.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::budget::Taken;
use super::canvas::Canvas;
use super::geometry::Geometry;
use super::{jpeg, png};
use crate::DataError;

/// Most threads that decode: more wait for the disk, and other workers of the machine decode as well.
const MOST_THREADS: usize = 8;

/// First bytes of a PNG.
const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// First bytes of a JPEG.
const JPEG: [u8; 2] = [0xff, 0xd8];

/// Decodes pictures, whose bytes `read` gives by their index, to `images`, `[n, size, size, 3]`. `error` makes the error of a picture that
/// cannot be decoded, of its index and the reason.
pub(crate) fn decode_all(
    images: &mut [u8],
    geometry: Geometry,
    read: impl Fn(usize) -> Result<(Vec<u8>, Taken), DataError> + Sync,
    error: impl Fn(usize, String) -> DataError + Sync,
) -> Result<(), DataError> {
    let image = geometry.size * geometry.size * 3;
    let n = images.len() / image.max(1);
    let places = Mutex::new(images.chunks_exact_mut(image.max(1)).enumerate());
    let failed: Mutex<Option<(usize, DataError)>> = Mutex::new(None);
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS).min(n);
    let stop = AtomicUsize::new(usize::MAX);
    let work = || {
        loop {
            let next = places.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, place)) = next else { return };
            // Of several errors, the first picture's is told, however threads take turns.
            if at > stop.load(Ordering::Relaxed) {
                return;
            }
            match read(at).and_then(|(file, _taken)| decode(&file, geometry).map_err(|reason| error(at, reason))) {
                Ok(pixels) => place.copy_from_slice(&pixels),
                Err(found) => {
                    stop.fetch_min(at, Ordering::Relaxed);
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    if failed.as_ref().is_none_or(|(known, _)| at < *known) {
                        *failed = Some((at, found));
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Decodes one picture to an image `[size, size, 3]`. The error is one sentence.
fn decode(file: &[u8], geometry: Geometry) -> Result<Vec<u8>, String> {
    let mut canvas = Canvas::new(geometry);
    if file.starts_with(&PNG) {
        png::decode(file, &mut canvas)?;
    } else if file.starts_with(&JPEG) {
        jpeg::decode(file, &mut canvas)?;
    } else {
        return Err("neither a JPEG nor a PNG, by its first bytes".to_owned());
    }
    canvas.finish()
}
