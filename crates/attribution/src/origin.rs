//! Where images come from: what random draws are a function of, and the mean of their dataset.

use rand::RngExt;
use rand_distr::StandardNormal;
use sweep::seed::Draw;
use tch::{TchError, Tensor};

/// Where a batch of images comes from.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The sweep's seed.
    pub seed: u64,
    /// Dataset flag and split.
    pub dataset: (&'a str, &'a str),
    /// Index of the first image in its split; the others follow it.
    pub first: u64,
    /// The mean image of the dataset `[1, c, h, w]`, on the device, if a method of the sweep needs it.
    pub mean: Option<&'a Tensor>,
}

impl<'a> Origin<'a> {
    /// The draw number `draw` for `purpose` of image `row` of the batch.
    pub(crate) fn draw(&self, row: i64, purpose: &'a str, draw: u64) -> Draw<'a> {
        Draw { seed: self.seed, dataset: self.dataset, image: self.first + row as u64, purpose, draw }
    }

    /// Standard normal numbers in the shape of `images` `[n, c, h, w]`, those of each image its own draw.
    pub(crate) fn normal(&self, images: &Tensor, purpose: &'a str, draw: u64) -> Result<Tensor, TchError> {
        let rows = images.size().first().copied().unwrap_or(0);
        let each = images.numel() / rows.max(1) as usize;
        let mut values = Vec::with_capacity(images.numel());
        for row in 0..rows {
            let mut generator = self.draw(row, purpose, draw).generator();
            values.extend((0..each).map(|_| generator.sample::<f32, _>(StandardNormal)));
        }
        Tensor::f_from_slice(&values)?
            .f_view(images.size().as_slice())?
            .f_to_kind(images.f_kind()?)?
            .f_to_device(images.device())
    }

    /// The mean image `[1, c, h, w]`.
    pub(crate) fn mean(&self) -> Result<&Tensor, TchError> {
        // The scheduler hands a mean to every group that has a method which asks for it.
        self.mean.ok_or_else(|| TchError::Shape("there is no mean image for this dataset".to_owned()))
    }
}
