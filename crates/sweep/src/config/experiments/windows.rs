//! Windows of an occlusion of which a config gives the patch size p alone.

use serde_json::json;

use crate::parameters::{Parameter, Parameters};

/// Windows that patches of p pixels stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// Windows of 2p x 2p pixels, moved by p: half of a window overlaps the next window.
    Overlapping,
    /// Windows of p x p pixels, moved by 1, as Captum moves windows by default.
    EveryPixel,
}

/// Side of a patch in pixels in scripts whose config gives none.
const PATCH: i64 = 16;

/// Parameters of methods that move windows, [`GIVEN`] first.
const GIVEN: &str = "patch_size";
const WINDOW: &str = "sliding_window_shapes";
const STRIDES: &str = "strides";

impl Windows {
    /// The windows in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Overlapping => "windows of Occlusion are 2p x 2p px for a patch_size of p, moved by p",
            Self::EveryPixel => "windows of Occlusion are p x p px for a patch_size of p, moved by 1",
        }
    }

    /// Writes the windows into the `parameters` of a variant whose method has `declared` parameters, where the method moves windows
    /// and the config does not say how. [`Windows::Overlapping`] is what methods do by themselves.
    pub fn complete(self, parameters: &mut Parameters, declared: &[Parameter]) {
        let moves = [GIVEN, WINDOW, STRIDES].iter().all(|name| declared.iter().any(|known| known.name == *name));
        let said = [WINDOW, STRIDES].iter().any(|name| parameters.get(name).is_some());
        if self == Self::Overlapping || !moves || said {
            return;
        }
        let patch = parameters.get(GIVEN).cloned().unwrap_or(json!(PATCH));
        parameters.0.insert(WINDOW.to_owned(), json!([patch]));
        parameters.0.insert(STRIDES.to_owned(), json!([1]));
    }
}
