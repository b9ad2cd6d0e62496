//! Part of a store that is exported.

use std::ops::Range;

/// Part of a store that is exported, and the type of its maps.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of method keys, in which `*` stands for any text and `?` for one letter; empty for all methods.
    pub methods: Vec<String>,
    /// Ranges of positions in the store; empty for all images.
    pub images: Vec<Range<u64>>,
    /// Whether maps are exported in single precision, however they are stored.
    pub float32: bool,
}

impl Selection {
    /// Whether the whole store is exported as it is.
    pub fn is_everything(&self) -> bool {
        self.methods.is_empty() && self.images.is_empty() && !self.float32
    }

    /// Whether the variant called `key` is exported.
    pub fn has(&self, key: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|pattern| fits(pattern.as_bytes(), key.as_bytes()))
    }

    /// Positions that are exported of `images` images, in their order and each once. The error is the range that leads beyond them.
    pub fn positions(&self, images: u64) -> Result<Vec<u64>, Range<u64>> {
        if self.images.is_empty() {
            return Ok((0..images).collect());
        }
        if let Some(beyond) = self.images.iter().find(|range| range.end > images) {
            return Err(beyond.clone());
        }
        let mut positions: Vec<u64> = self.images.iter().cloned().flatten().collect();
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }
}

/// Whether `text` fits `pattern`. After a mismatch behind the last star, the star takes one letter more, so that the time is at most the
/// product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (at, in_text) = (behind + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_a_question_mark_for_one_letter() {
        let all = [
            ("Saliency", "Saliency", true),
            ("Saliency", "Saliency2", false),
            ("*", "", true),
            ("Integrated*_n_steps_?0", "IntegratedGradients_baselines_zero_n_steps_50", true),
            ("Integrated*_n_steps_?0", "IntegratedGradients_baselines_zero_n_steps_200", false),
            ("*ab*ab", "abxab", true),
            ("*ab*ab", "xab", false),
            ("?", "", false),
        ];
        for (pattern, text, wanted) in all {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
        let hostile = "*a".repeat(200);
        assert!(!fits(hostile.as_bytes(), "a".repeat(199).as_bytes()));
    }

    #[test]
    fn positions_are_sorted_and_unique_and_within_the_store() {
        let of = |images: &[Range<u64>]| Selection { images: images.to_vec(), ..Selection::default() }.positions(10);
        assert_eq!(of(&[7..9, 0..2, 8..10]), Ok(vec![0, 1, 7, 8, 9]));
        assert_eq!(of(&[]).map(|all| all.len()), Ok(10));
        assert_eq!(of(&[0..1, 5..11]), Err(5..11));
    }
}
