//! A convolution in numbers: its tiles, where they lie, and how many are taken at once.

use crate::devices::cpu::convolutions::winograd::tile::Tile;

/// Bytes of changed pixels that stay in the second cache beside the weights.
const CACHED: usize = 512 << 10;
/// Tiles that a kernel takes at once; a multiple of the tiles of each kernel.
pub(super) const STEP: usize = 12;

/// A convolution in numbers.
pub(crate) struct Map {
    /// Size of the input, `[h, w]` in pixels.
    pub(crate) size: [i64; 2],
    pub(crate) padding: [i64; 2],
    pub(crate) outputs: [i64; 2],
    pub(crate) tile: Tile,
    /// Number of tiles, `[h, w]`.
    pub(crate) tiles: [i64; 2],
    /// Blocks of channels of the input and of the output.
    pub(crate) channel_blocks: usize,
    pub(crate) blocks: usize,
    /// Blocks of channels of a group.
    pub(crate) width: usize,
    /// Channels of a block.
    pub(crate) block: usize,
}

impl Map {
    pub(crate) fn tiles_of_image(&self) -> usize {
        (self.tiles[0] * self.tiles[1]) as usize
    }

    pub(super) fn channels(&self) -> usize {
        self.channel_blocks * self.block
    }

    pub(crate) fn tiles_at_once(&self) -> usize {
        let fit = CACHED / ((self.tile.seen() * self.tile.seen()) as usize * size_of::<f32>() * self.channels());
        (fit / STEP * STEP).clamp(4 * STEP, 8 * STEP)
    }

    /// The image of tile number `tile`, and row and column of the tile's first output.
    pub(super) fn place(&self, tile: usize) -> (usize, [i64; 2]) {
        let (image, at) = (tile / self.tiles_of_image(), (tile % self.tiles_of_image()) as i64);
        (image, [at / self.tiles[1], at % self.tiles[1]].map(|place| place * self.tile.outputs()))
    }
}
