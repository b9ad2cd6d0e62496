//! Where images come from: what random draws are a function of, and the mean of their dataset.

use network::sent;
use rand::RngExt;
use rand_distr::StandardNormal;
use sweep::seed::Draw;
use tch::{TchError, Tensor};

use crate::Known;

/// Origin of a batch of images.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The sweep's seed.
    pub seed: u64,
    /// Dataset flag and split.
    pub dataset: (&'a str, &'a str),
    /// Index of the first image in its split; the others follow it.
    pub first: u64,
    /// Index in its split of each image, where the images do not follow one another.
    pub chosen: Option<&'a [u64]>,
    /// The mean image of the dataset `[1, c, h, w]`, on the device, if a method of the sweep needs it.
    pub mean: Option<&'a Tensor>,
    /// Baselines of earlier batches of the same model and dataset; without it they are computed for each batch.
    pub known: Option<&'a Known>,
}

impl<'a> Origin<'a> {
    /// Index in its split of image `row` of the batch.
    fn index(&self, row: i64) -> u64 {
        let chosen = self.chosen.and_then(|chosen| chosen.get(row as usize)).copied();
        chosen.unwrap_or(self.first + row as u64)
    }

    /// The draw number `draw` for `purpose` of image `row` of the batch.
    pub(crate) fn draw(&self, row: i64, purpose: &'a str, draw: u64) -> Draw<'a> {
        Draw { seed: self.seed, dataset: self.dataset, image: self.index(row), purpose, draw }
    }

    /// The draw number `draw` for `purpose` that all images of the split share.
    pub(crate) fn for_all(&self, purpose: &'a str, draw: u64) -> Draw<'a> {
        Draw { seed: self.seed, dataset: self.dataset, image: 0, purpose, draw }
    }

    /// Standard normal numbers in the shape of `images` `[n, c, h, w]`, those of each image its own draw.
    pub(crate) fn normal(&self, images: &Tensor, purpose: &'a str, draw: u64) -> Result<Tensor, TchError> {
        let rows = images.size().first().copied().unwrap_or(0);
        normal(images, (0..rows).map(|row| self.draw(row, purpose, draw)))
    }

    /// Numbers from -1 to 1 in the shape of `images` `[n, c, h, w]`, those of each image its own draw.
    pub(crate) fn uniform(&self, images: &Tensor, purpose: &'a str, draw: u64) -> Result<Tensor, TchError> {
        let rows = images.size().first().copied().unwrap_or(0);
        let draws = (0..rows).map(|row| self.draw(row, purpose, draw));
        drawn(images, draws, |draw, count| {
            let mut generator = draw.generator();
            (0..count).map(|_| generator.random_range(-1.0_f32..=1.0)).collect()
        })
    }

    /// Standard normal numbers `[1, c, h, w]` like one of `images`, the same for every image of the split: a
    /// baseline of all of them, as Captum's scripts share theirs in a batch.
    pub(crate) fn noise_baseline(&self, images: &Tensor, draw: u64) -> Result<Tensor, TchError> {
        let purpose = "combined_zng: one for all";
        let draw = Draw { seed: self.seed, dataset: self.dataset, image: 0, purpose, draw };
        normal(&images.f_narrow(0, 0, 1)?, [draw].into_iter())
    }

    /// The mean image `[1, c, h, w]`.
    pub(crate) fn mean(&self) -> Result<&Tensor, TchError> {
        // The scheduler hands a mean to every group that has a method which asks for it.
        self.mean.ok_or_else(|| TchError::Shape("there is no mean image for this dataset".to_owned()))
    }
}

/// Standard normal numbers in the shape of `like` `[n, c, h, w]`, a draw for each row.
fn normal<'a>(like: &Tensor, draws: impl Iterator<Item = Draw<'a>>) -> Result<Tensor, TchError> {
    drawn(like, draws, |draw, count| {
        let mut generator = draw.generator();
        (0..count).map(|_| generator.sample::<f32, _>(StandardNormal)).collect()
    })
}

/// Numbers that `of` makes of draws, one draw for each row, in the shape of `like` `[n, c, h, w]`.
fn drawn<'a>(
    like: &Tensor,
    draws: impl Iterator<Item = Draw<'a>>,
    of: impl Fn(Draw<'a>, usize) -> Vec<f32>,
) -> Result<Tensor, TchError> {
    let each = like.numel() / like.size().first().map_or(1, |rows| *rows as usize).max(1);
    let mut values = Vec::with_capacity(like.numel());
    for draw in draws {
        values.extend(of(draw, each));
    }
    let values = Tensor::f_from_slice(&values)?.f_view(like.size().as_slice())?.f_to_kind(like.f_kind()?)?;
    sent(&values, like.device())
}
