//! Verdict over all stores, and the exit code that follows from the verdict.

use std::collections::BTreeMap;

use plan::exit::{Code, Failure};

use crate::tell::say;

/// Verdict over all stores together.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) unsound: usize,
    pub(super) absent: bool,
    /// Whether an unsound file was left where it is, as its store is of another version.
    pub(super) kept: bool,
    /// Sentences on what could not be compared.
    pub(super) unknown: Vec<String>,
    /// Maps that single precision has moved, by the key of their variant: the farthest of them.
    pub(super) rough: BTreeMap<String, Rough>,
}

/// The map of a variant that is farthest from double precision.
pub(super) struct Rough {
    /// Share of the peak.
    pub(super) off: f32,
    pub(super) image: u64,
    pub(super) store: String,
}

impl Verdict {
    /// Notes that the map of an image by the variant `key` is rough.
    pub(super) fn note_rough(&mut self, key: &str, rough: Rough) {
        if self.rough.get(key).is_none_or(|known| known.off < rough.off) {
            self.rough.insert(key.to_owned(), rough);
        }
    }

    /// Sentences on what single precision has moved.
    fn roughness(&self) -> Vec<String> {
        let sentence = |(key, Rough { off, image, store }): (&String, &Rough)| {
            format!(
                "Single precision has moved maps of {key} by up to {:.1} % of their peak (image {image} of {store}), as some ReLU is \
                 near zero there; `precision: float64` computes them exactly.",
                100.0 * off
            )
        };
        self.rough.iter().map(sentence).collect()
    }
}

/// Says how all stores are, and gives the exit code.
pub(super) fn conclude(verdict: &Verdict, redo: bool) -> Result<Code, Failure> {
    for line in verdict.unknown.iter().chain(&verdict.roughness()) {
        say(&format!("{line}\n"));
    }
    let failure = |code, text: String| Err(Failure { code, text });
    match (verdict.unsound, verdict.absent) {
        (0, false) if verdict.unknown.is_empty() => {
            say("Everything is there and sound.\n");
            Ok(Code::Complete)
        }
        (0, _) if !verdict.unknown.is_empty() => {
            failure(Code::Unsound, "nothing unsound was found, but not everything could be compared".to_owned())
        }
        (0, _) => failure(Code::Incomplete, "what is there is sound; the sweep is not complete".to_owned()),
        (count, _) if verdict.kept => failure(
            Code::Unsound,
            format!(
                "{count} files were unsound; move the stores away of which nothing was removed, and run the sweep again"
            ),
        ),
        (count, _) if redo => failure(Code::Unsound, format!("{count} files were unsound; run the sweep again")),
        (count, _) => failure(
            Code::Unsound,
            format!("{count} files are unsound; --redo removes them, and the next run makes them anew"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_variant_the_map_that_rounding_has_moved_farthest_is_told() {
        let mut verdict = Verdict::default();
        for (key, off, image) in [("IG", 0.004, 1), ("IG", 0.0123, 7), ("IG", 0.002, 3), ("Other", 0.0011, 2)] {
            verdict.note_rough(key, Rough { off, image, store: "a.zarr".to_owned() });
        }
        let told = verdict.roughness();
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("maps of IG by up to 1.2 % of their peak (image 7 of a.zarr)"), "{}", told[0]);
    }
}
