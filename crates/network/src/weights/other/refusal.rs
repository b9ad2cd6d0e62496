//! Reasons why a checkpoint cannot be read, in words that help its owner.

use std::path::Path;

/// Why nothing can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::weights) enum Refusal {
    /// A file that is no pickle, is damaged, or holds no tensors that are read here.
    Broken,
    /// A whole model, whose classes are the user's own code.
    Module,
    /// An archive of TorchScript.
    Script,
    /// Numbers that no weights have, or of the other byte order.
    Numbers,
}

impl Refusal {
    /// The refusal in a user's words, with advice; `None` where no advice would help.
    pub(in crate::weights) fn told(self, file: &Path) -> Option<String> {
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let way = |load: &str, options: &str| {
            format!(
                "keep it under another name and save its weights alone: \
                 `model = {load}(\"old_{name}\", map_location=\"cpu\"{options})`, \
                 then `torch.save(model.state_dict(), \"{name}\")`"
            )
        };
        match self {
            Self::Broken => None,
            Self::Module => Some(format!(
                "it holds a whole pickled model, which only the Python code of its classes can read; {} \
                 (a model inside a dictionary or a tuple is taken out of that first)",
                way("torch.load", ", weights_only=False")
            )),
            Self::Script => {
                Some(format!("it is a TorchScript archive, whose code is not run here; {}", way("torch.jit.load", "")))
            }
            Self::Numbers => Some(
                "it holds arrays that are not plain numbers of 8 to 64 bits in little-endian order; convert each with \
                 `torch.from_numpy(array.astype(\"float32\"))` and save them with torch.save"
                    .to_owned(),
            ),
        }
    }
}
