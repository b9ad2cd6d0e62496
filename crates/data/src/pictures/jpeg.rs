//! JPEG, decoded by libjpeg-turbo's code in mozjpeg, as PIL does it: the accurate inverse transform, smooth chroma.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{ColorSpace, Decompress};

use super::canvas::Canvas;

/// Bytes of a file that notes whether more were asked for than there are. libjpeg takes a file that is cut off for grey from there on.
struct Watched<'a> {
    bytes: &'a [u8],
    ran_out: &'a Cell<bool>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.ran_out.set(self.ran_out.get() || self.bytes.is_empty());
        Ok(self.bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = &self.bytes[amount.min(self.bytes.len())..];
    }
}

/// Decodes `file` onto `canvas`. The error is one sentence.
pub(super) fn decode(file: &[u8], canvas: &mut Canvas) -> Result<(), String> {
    let ran_out = Cell::new(false);
    let watched = Watched { bytes: file, ran_out: &ran_out };
    // libjpeg's errors come as unwinding: it cannot return them.
    let decoded = catch_unwind(AssertUnwindSafe(|| rows(watched, canvas)));
    decoded.map_err(|told| {
        let told = told.downcast_ref::<String>().map_or("it cannot be decoded", String::as_str);
        format!("damaged: {}", told.trim_start_matches("libjpeg fatal error: "))
    })?
}

fn rows(file: Watched<'_>, canvas: &mut Canvas) -> Result<(), String> {
    let (failed, ran_out) = (|error: io::Error| format!("damaged: {error}"), file.ran_out);
    let several = has_several_scans(file.bytes);
    let picture = Decompress::new_reader(file).map_err(failed)?;
    let (width, height) = picture.size();
    // libjpeg keeps lines of blocks; of a picture in several scans the coefficients of all blocks, of two bytes each.
    let lines = if several { height } else { 32 };
    canvas.begin([height, width], 2 * (lines * width * picture.components().len()) as u64)?;
    let inks = matches!(picture.color_space(), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK);
    let grey = picture.color_space() == ColorSpace::JCS_GRAYSCALE;
    let (channels, started) = if inks {
        (4, picture.to_colorspace(ColorSpace::JCS_CMYK))
    } else if grey {
        (1, picture.grayscale())
    } else {
        (3, picture.rgb())
    };
    let mut started = started.map_err(failed)?;
    let (mut line, mut rgb) = (vec![0_u8; width * channels], Vec::with_capacity(width * 3));
    for at in 0..height {
        started.read_scanlines_into(&mut line).map_err(failed)?;
        if ran_out.get() {
            return Err("it is cut off".to_owned());
        }
        rgb.clear();
        match channels {
            1 => rgb.extend(line.iter().flat_map(|value| [*value; 3])),
            4 => rgb.extend(line.chunks_exact(4).flat_map(of_inks)),
            _ => rgb.extend_from_slice(&line),
        }
        canvas.row(at, &rgb);
    }
    Ok(())
}

/// Whether a picture comes in several scans, of which each has a part of the coefficients or of the channels; true where the file does not say.
fn has_several_scans(file: &[u8]) -> bool {
    let (mut at, mut channels) = (2, None);
    while let Some(&[0xff, marker, high, low]) = file.get(at..at + 4) {
        let body = at + 4;
        match marker {
            // Fills the place of a marker.
            0xff => {
                at += 1;
                continue;
            }
            // The beginning of a scan.
            0xda => return file.get(body) != channels,
            // Progressive frames.
            0xc2 | 0xc6 | 0xca | 0xce => return true,
            // Other frames: precision, height, width, and the number of channels.
            0xc0 | 0xc1 | 0xc3 | 0xc9 => channels = file.get(body + 5),
            _ => {}
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    true
}

/// RGB of a pixel in CMYK, which Adobe stores inverted. As PIL: white less black, less the share of the colour.
fn of_inks(pixel: &[u8]) -> [u8; 3] {
    let light = i32::from(pixel[3]);
    [0, 1, 2].map(|channel| {
        let product = (255 - i32::from(pixel[channel])) * light + 128;
        (light - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}
