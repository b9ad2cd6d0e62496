//! Kinds of noise, which is added to preprocessed images. A kind is one file here and one line in [`NOISES`].

mod entry;
mod gaussian;
mod none;
mod salt_pepper;
mod speckle;

use sweep::group::Group;
use sweep::parameters::ParameterError;
use sweep::seed::Draw;

pub use entry::{Entry, Frame, Limits, Noise};

/// Every kind of noise.
pub const NOISES: &[&Entry] = &[&none::ENTRY, &gaussian::ENTRY, &salt_pepper::ENTRY, &speckle::ENTRY];

/// Reason for which a noise cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// A kind of noise that a scheduler of another version asks for.
    #[error("noise `{0}` is not known to this build")]
    Unknown(String),
    /// Parameters that were not checked against the entry.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

/// Further names of kinds of noise, which the reference scripts accept too.
const ALIASES: &[(&str, &str)] = &[("clean", "none")];

/// Entry of noise `kind`.
pub fn find(kind: &str) -> Option<&'static Entry> {
    let kind = ALIASES.iter().find(|(alias, _)| *alias == kind).map_or(kind, |(_, name)| name);
    NOISES.iter().find(|entry| entry.item.name == kind).copied()
}

/// Adds the noise of `group` to `images` `[n, c, h, w]`, the first of which is number `first` of the group.
pub fn add(group: &Group, first: u64, images: &mut [f32]) -> Result<(), NoiseError> {
    let kind = &group.noise.kind;
    let entry = find(kind).ok_or_else(|| NoiseError::Unknown(kind.clone()))?;
    let noise = (entry.build)(&group.noise.parameters)?;
    let frame = Frame::new(group.shape, &group.preprocessing);
    for (index, image) in (first..).zip(images.chunks_exact_mut(group.shape.iter().product())) {
        let dataset = (group.dataset.as_str(), group.split.as_str());
        let draw = Draw {
            seed: group.numerics.seed,
            dataset,
            image: group.original(index),
            purpose: &group.noise.name,
            draw: 0,
        };
        noise.add(image, &frame, &mut draw.generator());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
