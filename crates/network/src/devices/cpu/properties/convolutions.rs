//! Convolutions forward and backward.

use super::*;
use crate::devices::cpu::convolutions::input_gradient::{InputGradient, Maps, packed};
use crate::devices::cpu::convolutions::small_maps::Few;
use crate::devices::cpu::convolutions::winograd::{Tile, Winograd};
use crate::devices::cpu::onednn::block;
use crate::devices::cpu::operations::layout::enter;
use crate::operations::Geometry;
use tch::TchError;

#[test]
fn tiles_of_winograd_are_the_plain_convolution_for_every_number_of_rows() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (tile, rows) in Tile::ALL.into_iter().flat_map(|tile| ROWS.map(move |rows| (tile, rows))) {
        let mut draw = Draw::of(rows);
        // Maps of one tile have as many rows as images; others some more.
        for most in [tile.outputs(), 17] {
            let (size, padding) = ([draw.among(1, most), draw.among(1, most)], [draw.among(0, 2), draw.among(1, 2)]);
            let (channels, out) = (draw.among(1, 5) * block, draw.among(1, 5) * block);
            if (0..2).any(|axis| size[axis] + 2 * padding[axis] < 3) {
                continue;
            }
            let what = format!("{tile:?}: {rows} of {size:?} padded by {padding:?}, {channels} to {out} channels");
            let (x, weight) = (wave(&[rows, channels, size[0], size[1]], 0.11)?, wave(&[out, channels, 3, 3], 0.37)?);
            let winograd = Winograd::of(&weight, tile)?;
            let found = with_threads(&what, || winograd.apply(&enter(&x)?, padding))?;
            let geometry = Geometry { padding, ..Geometry::square(1, 0) };
            assert_near(&found, &convolved(&x, &weight, geometry)?, &what)?;
        }
    }
    Ok(())
}

#[test]
fn maps_of_a_few_pixels_are_the_plain_convolution_for_every_number_of_images() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    let mut tried = 0;
    for (rows, round) in ROWS.flat_map(|rows| (0..4).map(move |round| (rows, round))) {
        let mut draw = Draw::of(rows * 4 + round);
        let (size, kernel) = ([draw.among(1, 5), draw.among(1, 5)], draw.among(1, 5));
        let geometry = Geometry::square(draw.among(1, 2), draw.among(0, kernel / 2));
        let (channels, out) = (draw.among(1, 5) * block, draw.among(1, 5) * block);
        let what = format!("{rows} of {size:?}, {kernel}x{kernel}, {geometry:?}, {channels} to {out} channels");
        let (x, weight) =
            (wave(&[rows, channels, size[0], size[1]], 0.13)?, wave(&[out, channels, kernel, kernel], 0.31)?);
        let (blocked, packed) = (enter(&x)?, packed(&weight)?);
        if size.iter().any(|size| size + 2 * geometry.padding[0] < kernel) {
            continue;
        }
        let Some(few) = Few::of(&blocked, &packed, geometry) else { continue };
        let found = with_threads(&what, || few.apply(&blocked, &packed))?;
        assert_near(&found, &convolved(&x, &weight, geometry)?, &what)?;
        tried += 1;
    }
    assert!(tried > 40, "{tried} only");
    Ok(())
}

#[test]
fn every_way_of_an_input_gradient_is_the_transposed_convolution() -> Result<(), TchError> {
    let Some(block) = block() else { return Ok(()) };
    for (rows, round) in ROWS.flat_map(|rows| (0..4).map(move |round| (rows, round))) {
        // oneDNN's own may differ in their last bits by threads.
        tch::set_num_threads(1 + (round % 2) as i32);
        let Some(Convolved { x, weight, geometry, what }) = drawn(rows, round, block)? else { continue };
        let size = [x.size()[2], x.size()[3]];
        let gradient = wave(&convolved(&x, &weight, geometry)?.size(), 0.23)?;
        let expected = transposed(&gradient, &weight, geometry, size)?;
        for maps in [Maps::of(size), Maps::In(Tile::Two), Maps::In(Tile::Four)] {
            let made = InputGradient::of(&weight, geometry, None, maps)?;
            let what = format!("{what}, {maps:?}");
            assert_near(&made.apply(&enter(&gradient)?, size)?, &expected, &what)?;
        }
    }
    Ok(())
}
