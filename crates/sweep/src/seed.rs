//! Random numbers: each draw is a function of its purpose, never of the time, the worker or the device.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The name of a random draw. Two draws with the same name have the same numbers, on any machine.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The sweep's `seed`.
    pub seed: u64,
    /// Dataset flag and split.
    pub dataset: (&'a str, &'a str),
    /// Index of the image in its split.
    pub image: u64,
    /// The purpose: the key of a variant, or the name of a noise condition.
    pub purpose: &'a str,
    /// Number of the draw, where one purpose needs several.
    pub draw: u64,
}

impl Draw<'_> {
    /// The generator of this draw.
    pub fn generator(&self) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        // Texts are preceded by their length, so that no two different names run together.
        for text in [self.dataset.0, self.dataset.1, self.purpose] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        for number in [self.seed, self.image, self.draw] {
            hash.update(number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    const DRAW: Draw<'static> = Draw { seed: 1, dataset: ("a", "test"), image: 7, purpose: "gaussian", draw: 0 };

    #[test]
    fn the_same_name_gives_the_same_numbers_and_any_other_name_gives_others() {
        let first = |draw: Draw<'_>| draw.generator().next_u64();
        assert_eq!(first(DRAW), first(DRAW));
        let others = [
            Draw { seed: 2, ..DRAW },
            Draw { dataset: ("at", "est"), ..DRAW },
            Draw { image: 8, ..DRAW },
            Draw { purpose: "speckle", ..DRAW },
            Draw { draw: 1, ..DRAW },
        ];
        for other in others {
            assert_ne!(first(DRAW), first(other), "{other:?}");
        }
    }

    /// Stores written by one version are continued by the next: the numbers must never change.
    #[test]
    fn the_numbers_are_those_of_version_one() {
        assert_eq!(DRAW.generator().next_u64(), GOLDEN);
    }

    const GOLDEN: u64 = 10_763_575_538_746_259_881;
}
