//! 3x3 convolutions in fewer products: Winograd's F(2x2, 3x3) and F(4x4, 3x3), Lavin and Gray 2016,
//! <https://arxiv.org/abs/1509.09308>.
//!
//! Sixteen outputs of a tile of 4x4 take 36 products for each pair of channels instead of 144: the 6x6 pixels that they
//! see and the weights are changed into a space in which a convolution is a product, and the sums over channels are
//! changed back. The last bits are not those of the plain convolution, so that this is for what no ReLU looks at:
//! gradients on their way back, and differences that are added to a clean value.
//!
//! A tile's bits depend on its pixels alone, not on its neighbours, the batch, or the number of threads.

mod kernel;
mod tile;

use tch::{Device, Kind, TchError, Tensor};

pub(crate) use self::tile::Tile;
use crate::devices::cpu::convolutions::winograd::kernel::{Map, Scratch, Tiles};
use crate::devices::cpu::onednn::block;
use crate::tensors::simd;
use crate::tensors::slices::{Places, values, values_mut};
use crate::tensors::threads::parallel;

/// A 3x3 convolution with stride 1 on blocked values.
#[derive(Debug)]
pub(crate) struct Winograd {
    tile: Tile,
    /// `[groups, parts, in, lanes]`: a tile has as many parts as pixels, and lanes are the output channels that a kernel computes side by side.
    weights: Tensor,
    /// Blocks of channels of a group.
    width: usize,
    blocks: usize,
}

impl Winograd {
    /// Whether `weight` `[out, in, h, w]` is of 3x3 between whole blocks of channels.
    pub(crate) fn fits(weight: &Tensor) -> bool {
        let Some(block) = block() else { return false };
        matches!(weight.size()[..], [out, channels, 3, 3] if out % block == 0 && channels % block == 0)
    }

    /// The convolution with `weight`, for which [`Winograd::fits`] holds.
    pub(crate) fn of(weight: &Tensor, tile: Tile) -> Result<Self, TchError> {
        let (block, (out, channels, ..)) = (block().unwrap_or(1), weight.size4()?);
        let blocks = (out / block) as usize;
        let width = kernel::width(blocks);
        let (change, parts) = (Tensor::f_from_slice(&tile.of_weights())?.f_view([-1, 3])?, tile.seen() * tile.seen());
        let lanes = width as i64 * block;
        // In double precision, a group after the other: all at once would take four times the memory of the weights.
        let weights = Tensor::f_empty([out / lanes, parts, channels, lanes], (Kind::Float, Device::Cpu))?;
        for group in 0..out / lanes {
            let taps = weight.f_narrow(0, group * lanes, lanes)?.f_to_kind(Kind::Double)?;
            let changed = change.f_matmul(&taps)?.f_matmul(&change.f_transpose(0, 1)?)?;
            let changed = changed.f_view([lanes, channels, parts])?.f_permute([2, 1, 0])?;
            weights.f_select(0, group)?.f_copy_(&changed)?;
        }
        Ok(Self { tile, weights, width, blocks })
    }

    /// The convolution of `x` `[n, c / b, h, w, b]` with `padding` zeros around `x`, in rows and columns.
    pub(crate) fn apply(&self, x: &Tensor, padding: [i64; 2]) -> Result<Tensor, TchError> {
        let x = x.f_contiguous()?;
        let (n, channel_blocks, height, width, block) = x.size5()?;
        let outputs = [height + 2 * padding[0] - 2, width + 2 * padding[1] - 2];
        let shape = [n, self.blocks as i64, outputs[0], outputs[1], block];
        let mut y = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
        let map = Map {
            size: [height, width],
            padding,
            outputs,
            tile: self.tile,
            tiles: self.tile.over(outputs),
            channel_blocks: channel_blocks as usize,
            blocks: self.blocks,
            width: self.width,
            block: block as usize,
        };
        self.run(&map, values(&x)?, values_mut(&mut y)?, n as usize)?;
        Ok(y)
    }

    /// All tiles in pieces, side by side on libtorch's threads.
    fn run(&self, map: &Map, x: &[f32], y: &mut [f32], images: usize) -> Result<(), TchError> {
        let weights = values::<f32>(&self.weights)?;
        let (tiles, groups) = (images * map.tiles_of_image(), self.blocks / self.width);
        let threads = tch::get_num_threads().max(1) as usize;
        // Few tiles fall unevenly on threads: they share out the channels. Otherwise each gets as many pieces.
        let shares = if tiles < threads * kernel::FEW { threads.min(groups) } else { 1 };
        let pieces = tiles.div_ceil(map.tiles_at_once()).next_multiple_of(threads.div_ceil(shares));
        let each = groups.div_ceil(shares);
        let y = Places::of(y);
        parallel(pieces * shares, 1, |part| {
            Scratch::with(|scratch| {
                for index in part {
                    let (piece, share) = (index / shares, index % shares);
                    let tiles = piece * tiles / pieces..(piece + 1) * tiles / pieces;
                    let groups = share * each..((share + 1) * each).min(groups);
                    simd::run(map.block, Tiles { map, x, weights, y: &y, range: tiles, groups, scratch });
                }
            });
        });
        Ok(())
    }
}
