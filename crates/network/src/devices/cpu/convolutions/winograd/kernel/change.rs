//! The first and the last step of a tile: pixels changed, and sums changed back.

#![expect(unsafe_code, reason = "threads share out the places of the output")]
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the wide instructions")]

use pulp::Simd;

use super::map::Map;
use crate::devices::cpu::convolutions::winograd::tile::Change;
use crate::tensors::simd::pixels;
use crate::tensors::slices::Places;

/// The pixels that `tile` sees, into parts that are `apart`.
#[inline(always)]
pub(super) fn change_pixels<S: Simd, C: Change<OUT, SEEN>, const OUT: usize, const SEEN: usize>(
    simd: S,
    map: &Map,
    x: &[f32],
    tile: usize,
    out: &mut [f32],
    apart: usize,
) {
    let [height, width] = map.size;
    let (image, [top, left]) = map.place(tile);
    let (top, left) = (top - map.padding[0], left - map.padding[1]);
    let plane = (height * width) as usize;
    let inside = top >= 0 && left >= 0 && top + SEEN as i64 <= height && left + SEEN as i64 <= width;
    for block in 0..map.channel_blocks {
        let x = &pixels::<S>(x)[(image * map.channel_blocks + block) * plane..][..plane];
        let mut seen = [[simd.splat_f32s(0.0); SEEN]; SEEN];
        for (row, seen) in (top..).zip(&mut seen) {
            if inside {
                seen.copy_from_slice(&x[(row * width + left) as usize..][..SEEN]);
                continue;
            }
            for (column, seen) in (left..).zip(seen) {
                if row >= 0 && row < height && column >= 0 && column < width {
                    *seen = x[(row * width + column) as usize];
                }
            }
        }
        let mut down = [[simd.splat_f32s(0.0); SEEN]; SEEN];
        for column in 0..SEEN {
            let mut of_column = [simd.splat_f32s(0.0); SEEN];
            for (value, seen) in of_column.iter_mut().zip(&seen) {
                *value = seen[column];
            }
            for (down, value) in down.iter_mut().zip(C::pixels(simd, of_column)) {
                down[column] = value;
            }
        }
        for (row, down) in down.into_iter().enumerate() {
            for (column, value) in C::pixels(simd, down).into_iter().enumerate() {
                let part = &mut out[(row * SEEN + column) * apart + block * S::F32_LANES..][..S::F32_LANES];
                S::as_mut_simd_f32s(part).0[0] = value;
            }
        }
    }
}

/// The outputs of `tile` in one block of channels, from sums in parts that are `apart`.
#[inline(always)]
pub(super) fn change_back<S: Simd, C: Change<OUT, SEEN>, const OUT: usize, const SEEN: usize>(
    simd: S,
    map: &Map,
    sums: &[f32],
    apart: usize,
    y: &Places<'_, f32>,
    tile: usize,
    block: usize,
) {
    let [height, width] = map.outputs;
    let (image, [top, left]) = map.place(tile);
    let plane = (image * map.blocks + block) * (height * width) as usize;
    let mut down = [[simd.splat_f32s(0.0); SEEN]; OUT];
    for column in 0..SEEN {
        let mut values = [simd.splat_f32s(0.0); SEEN];
        for (row, value) in values.iter_mut().enumerate() {
            *value = pixels::<S>(&sums[(row * SEEN + column) * apart..][..S::F32_LANES])[0];
        }
        for (down, value) in down.iter_mut().zip(C::back(simd, values)) {
            down[column] = value;
        }
    }
    for (y_row, down) in (top..height).zip(down) {
        for (column, value) in (left..width).zip(C::back(simd, down)) {
            let at = plane + (y_row * width + column) as usize;
            // SAFETY: every output is of one tile and block, and every tile of a group is computed once.
            let pixel = unsafe { y.place(at * S::F32_LANES, S::F32_LANES) };
            S::as_mut_simd_f32s(pixel).0[0] = value;
        }
    }
}
