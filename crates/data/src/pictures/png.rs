//! PNG, as PIL converts it to RGB: palettes are looked up, grey is repeated, alpha is dropped, of 16 bits the upper 8 count.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Transformations};

use super::canvas::Canvas;

/// Bytes that the decoder may take beside the pixels, which are counted by the size of the picture.
const MOST: usize = 64 << 20;

/// Bytes that the decoder keeps of what it has unpacked.
const UNPACKED: u64 = 256 << 10;

/// Most bytes of pixels that a byte of a file may become: 1032 by deflate, times 8 where a bit is a pixel, times 3 in a palette.
const RATIO: u64 = 1032 * 24;

/// Decodes `file` onto `canvas`. The error is one sentence.
pub(super) fn decode(file: &[u8], canvas: &mut Canvas) -> Result<(), String> {
    let damaged = |error: DecodingError| format!("damaged: {error}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: MOST });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    if (info.bit_depth, info.color_type) == (BitDepth::Sixteen, ColorType::Grayscale) {
        return Err("grey of 16 bits, of which PIL makes black and white; save 8 bits".to_owned());
    }
    let channels = reader.output_color_type().0.samples();
    let size = reader.output_buffer_size().ok_or("damaged: its size fits no memory")?;
    if size as u64 > (file.len() as u64 + 64).saturating_mul(RATIO) {
        return Err(format!("damaged: {} bytes cannot be {width}x{height} px", file.len()));
    }
    let interlaced = reader.info().interlaced;
    let line = width * channels;
    // The decoder keeps two rows, each of up to 16 bits a value, and a part of what is unpacked.
    canvas.begin([height, width], if interlaced { size } else { 8 * line } as u64 + UNPACKED)?;
    let mut rgb = Vec::with_capacity(width * 3);
    if interlaced {
        let mut pixels = vec![0; size];
        reader.next_frame(&mut pixels).map_err(damaged)?;
        for (at, line) in pixels.chunks_exact(line.max(1)).enumerate().take(height) {
            canvas.row(at, of_line(&mut rgb, line, channels));
        }
        return Ok(());
    }
    let mut pixels = vec![0; line];
    let mut at = 0;
    // After the last row the decoder compares the checksums.
    while reader.read_row(&mut pixels).map_err(damaged)?.is_some() {
        canvas.row(at, of_line(&mut rgb, &pixels, channels));
        at += 1;
    }
    Ok(())
}

/// Pixels of a line in RGB, in `rgb`.
fn of_line<'a>(rgb: &'a mut Vec<u8>, line: &[u8], channels: usize) -> &'a [u8] {
    rgb.clear();
    for pixel in line.chunks_exact(channels) {
        rgb.extend(if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] });
    }
    rgb
}
