//! PNG, as PIL converts it to RGB: palettes are looked up, grey is repeated, alpha is dropped, of 16 bits the upper 8 count.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Transformations};

use super::canvas::Canvas;

/// Bytes that the decoder may take beside the pixels, which are counted by the size of the picture.
const MOST: usize = 64 << 20;

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
    canvas.begin([height, width])?;
    let channels = reader.output_color_type().0.samples();
    let size = reader.output_buffer_size().ok_or("damaged: its size fits no memory")?;
    if size as u64 > (file.len() as u64 + 64).saturating_mul(RATIO) {
        return Err(format!("damaged: {} bytes cannot be {width}x{height} px", file.len()));
    }
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    let mut rgb = Vec::with_capacity(width * 3);
    for (at, line) in pixels.chunks_exact((width * channels).max(1)).enumerate().take(height) {
        rgb.clear();
        for pixel in line.chunks_exact(channels) {
            rgb.extend(if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] });
        }
        canvas.row(at, &rgb);
    }
    Ok(())
}
