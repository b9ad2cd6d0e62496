//! Occlusion: what the logit loses when a window that moves over the image is replaced.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::TchError;

use super::{Entry, Method};
use crate::baseline::{BASELINES, Baseline};
use crate::windows::{hide, paint, windows};
use crate::{Attribution, Pass};

pub(super) const ENTRY: Entry = Entry::new(
    [
        "Occlusion",
        "loss of the target logit when a moving window is replaced by the baseline, averaged where windows overlap",
        "Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901; Captum's Occlusion",
    ],
    &[BASELINES, PATCH_SIZE, SLIDING_WINDOW_SHAPES, STRIDES],
    |parameters, _| Ok(Box::new(Occlusion::from(parameters)?)),
);

const PATCH_SIZE: Parameter = Parameter {
    name: Cow::Borrowed("patch_size"),
    summary: Cow::Borrowed(
        "p stands for windows of 2p x 2p pixels moved by p; 16 unless patch_size or sliding_window_shapes is given",
    ),
    kind: Kind::Integer { least: 1, most: 2048 },
    default: Some(Default::Absent),
};

const SLIDING_WINDOW_SHAPES: Parameter = Parameter {
    name: Cow::Borrowed("sliding_window_shapes"),
    summary: Cow::Borrowed("window instead of that of patch_size; over all channels unless three sizes are given"),
    kind: Kind::Extent,
    default: Some(Default::Absent),
};

const STRIDES: Parameter = Parameter {
    name: Cow::Borrowed("strides"),
    summary: Cow::Borrowed(
        "how far windows move, instead of patch_size; 1 if only sliding_window_shapes is given, as in Captum",
    ),
    kind: Kind::Extent,
    default: Some(Default::Absent),
};

/// One forward pass for each window.
struct Occlusion {
    baseline: Baseline,
    window: Extent,
    stride: Extent,
}

/// Height and width; channels, if not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    channels: Option<i64>,
    area: [i64; 2],
}

impl Occlusion {
    fn from(parameters: &Parameters) -> Result<Self, ParameterError> {
        let given = |name: &str| parameters.get(name).is_some();
        let extent = |name: &str| parameters.extent(name).map(|sizes| Extent::of(&sizes));
        let patch = if given("patch_size") { parameters.integer("patch_size")? } else { 16 };
        let window =
            if given("sliding_window_shapes") { extent("sliding_window_shapes")? } else { Extent::of(&[2 * patch]) };
        let stride = match (given("strides"), given("sliding_window_shapes"), given("patch_size")) {
            (true, _, _) => extent("strides")?,
            (false, true, false) => Extent::of(&[1]),
            (false, _, _) => Extent::of(&[patch]),
        };
        Ok(Self { baseline: Baseline::from(parameters)?, window, stride })
    }
}

impl Extent {
    /// Of one size for both sides, of `[height, width]`, or of `[channels, height, width]`.
    fn of(sizes: &[i64]) -> Self {
        match *sizes {
            [channels, height, width] => Self { channels: Some(channels), area: [height, width] },
            [height, width] => Self { channels: None, area: [height, width] },
            _ => Self { channels: None, area: [sizes.first().copied().unwrap_or(1); 2] },
        }
    }

    fn within(self, channels: i64) -> [i64; 3] {
        [self.channels.map_or(channels, |given| given.min(channels)), self.area[0], self.area[1]]
    }
}

impl Method for Occlusion {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (_, channels, height, width) = pass.images().size4()?;
        let all = windows([channels, height, width], self.window.within(channels), self.stride.within(channels));
        let (sum, count) = (pass.images().f_zeros_like()?, pass.images().f_narrow(0, 0, 1)?.f_zeros_like()?);
        let one = count.f_new_ones([1], (count.f_kind()?, count.device()))?;
        hide(pass, &self.baseline.of(pass)?, &all, |window, loss| {
            paint(&count, window, &one)?;
            paint(&sum, window, loss)
        })?;
        // A stride larger than the window leaves pixels that were never hidden: nothing is known of them.
        Ok(sum.f_div(&count.f_clamp_min(1.0)?)?.into())
    }
}
