//! How differences of a few pixels are convolved.

use crate::devices::cpu::convolutions::winograd::{Tile, Winograd};
use crate::devices::cpu::onednn::block;
use crate::operations::Convolution;
use crate::tensors::lazy::Lazy;

/// Tiles of differences: larger tiles would round the few pixels of a box up to many more pixels.
pub(super) const TILE: Tile = Tile::Two;

/// The convolution of differences, where its input is blocked.
#[derive(Debug)]
pub(super) enum Differences {
    /// The convolution of values itself.
    Plain,
    /// A convolution in fewer products.
    Winograd(Lazy<Winograd>),
}

impl Differences {
    /// Convolution of differences beside `convolution`; nothing where the input has no blocks of channels.
    pub(super) fn of(convolution: &Convolution) -> Option<Self> {
        let (weight, geometry) = (&convolution.weight, convolution.geometry);
        let blocked = weight.size()[1] % block()? == 0;
        let winograd = Winograd::fits(weight) && geometry.stride == [1, 1] && geometry.dilation == [1, 1];
        let of_blocked = if winograd { Self::Winograd(Lazy::default()) } else { Self::Plain };
        blocked.then_some(of_blocked)
    }

    /// Drops the weights that were made for these products. Returns whether there were any.
    pub(super) fn forget(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Winograd(made) => made.forget(),
        }
    }

    /// Outputs along the side of a tile.
    pub(super) fn tile(&self) -> i64 {
        match self {
            Self::Plain => 1,
            Self::Winograd(_) => TILE.outputs(),
        }
    }
}
