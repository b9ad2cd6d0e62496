//! Occlusion: what the logit loses when a window that moves over the image is replaced.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter, ParameterError, Parameters};
use tch::TchError;

use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::windows::{losses, paint, windows};
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
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

/// Occlusion: one forward pass for each window.
struct Occlusion {
    baseline: Baseline,
    window: Extent,
    stride: Extent,
}

/// Size of a window or a stride: height and width in pixels, and channels, if not all.
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
        let shaped = given("sliding_window_shapes");
        let window = if shaped { extent("sliding_window_shapes")? } else { Extent::of(&[2 * patch]) };
        let stride = match (given("strides"), shaped, given("patch_size")) {
            (true, _, _) => extent("strides")?,
            (false, true, false) => Extent::of(&[1, 1, 1]),
            (false, _, _) => Extent::of(&[patch]),
        };
        if stride.leaves_gaps(window) {
            // Captum refuses them too, unless the window is as large as the image.
            let name = if given("strides") { "strides" } else { "patch_size" };
            return Err(
                parameters.unfit(name, "steps no larger than the window: pixels between windows would be left out")
            );
        }
        Ok(Self { baseline: Baseline::from(parameters)?, window, stride })
    }

    /// Sizes of window and stride in an image of so many channels. A stride that does not speak of channels
    /// takes those of the window.
    fn sizes(&self, channels: i64) -> [[i64; 3]; 2] {
        let window = self.window.channels.map_or(channels, |given| given.min(channels));
        let stride = self.stride.channels.unwrap_or(window);
        [(window, self.window.area), (stride, self.stride.area)]
            .map(|(channels, [height, width])| [channels, height, width])
    }
}

impl Extent {
    /// Makes a size of one number for both sides, of `[height, width]`, or of `[channels, height, width]`.
    fn of(sizes: &[i64]) -> Self {
        match *sizes {
            [channels, height, width] => Self { channels: Some(channels), area: [height, width] },
            [height, width] => Self { channels: None, area: [height, width] },
            _ => Self { channels: None, area: [sizes.first().copied().unwrap_or(1); 2] },
        }
    }

    /// Whether windows that are `self` apart do not touch.
    fn leaves_gaps(self, window: Self) -> bool {
        let channels = self.channels.zip(window.channels);
        channels.into_iter().chain(self.area.into_iter().zip(window.area)).any(|(stride, window)| stride > window)
    }
}

impl Method for Occlusion {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (_, channels, height, width) = pass.images().size4()?;
        let [window, stride] = self.sizes(channels);
        let all = windows([channels, height, width], window, stride);
        let (sum, count) = (pass.images().f_zeros_like()?, pass.images().f_narrow(0, 0, 1)?.f_zeros_like()?);
        let one = count.f_new_ones([1], (count.f_kind()?, count.device()))?;
        let losses = losses(pass, &pass.baseline_image(self.baseline)?, &all)?;
        for (index, window) in (0..).zip(&all) {
            paint(&count, *window, &one)?;
            paint(&sum, *window, &losses.f_get(index)?)?;
        }
        // Captum's number of windows may leave pixels at the edge that were never hidden: nothing is known of them.
        Ok(sum.f_div(&count.f_clamp_min(1.0)?)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(parameters: serde_json::Value) -> Result<Occlusion, String> {
        let given: Parameters = serde_json::from_value(parameters).unwrap();
        let checked = given.checked(&ENTRY.item.parameters).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        Occlusion::from(&checked).map_err(|error| error.to_string())
    }

    #[test]
    fn windows_and_strides_are_those_that_the_parameters_say() {
        let table = [
            (json!({}), [[3, 32, 32], [3, 16, 16]]),
            (json!({"patch_size": 8}), [[3, 16, 16], [3, 8, 8]]),
            (json!({"sliding_window_shapes": 9}), [[3, 9, 9], [1, 1, 1]]),
            (json!({"sliding_window_shapes": "3x9x9", "strides": "3x4x4"}), [[3, 9, 9], [3, 4, 4]]),
            // Each channel by itself.
            (json!({"sliding_window_shapes": "1x9x9"}), [[1, 9, 9], [1, 1, 1]]),
            (json!({"sliding_window_shapes": "1x9x9", "strides": 9}), [[1, 9, 9], [1, 9, 9]]),
        ];
        for (parameters, sizes) in table {
            assert_eq!(of(parameters.clone()).unwrap().sizes(3), sizes, "{parameters}");
        }
    }

    #[test]
    fn strides_that_leave_pixels_out_are_refused() {
        let table = [
            (json!({"sliding_window_shapes": 8, "strides": 9}), "`strides` is [9]"),
            (json!({"sliding_window_shapes": "8x16", "strides": "8x17"}), "`strides` is [8,17]"),
            (json!({"sliding_window_shapes": "1x8x8", "strides": "2x8x8"}), "`strides` is [2,8,8]"),
            (json!({"sliding_window_shapes": 8, "patch_size": 9}), "`patch_size` is 9"),
            (json!({"strides": 33}), "`strides` is [33]"),
        ];
        for (parameters, found) in table {
            let told = of(parameters.clone()).err().unwrap_or_default();
            assert!(told.contains(found) && told.contains("no larger than the window"), "{parameters}: {told}");
        }
    }
}
