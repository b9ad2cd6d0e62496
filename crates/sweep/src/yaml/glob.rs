//! Patterns of names.

/// Whether `text` fits `pattern`. After a mismatch behind the last star, the star takes one letter more, so that the time is at most the
/// product of both lengths.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
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
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
        let hostile = "*a".repeat(200);
        assert!(!fits(&hostile, &"a".repeat(199)));
    }
}
