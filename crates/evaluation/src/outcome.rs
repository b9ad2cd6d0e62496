//! Outcome of a forward pass for one class.

/// Output of a model for a class at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Probability of the class: softmax of the logits, or the logistic function of the only logit.
    pub probability: f64,
    /// Logit of the class; of the only logit the one with the sign of the class.
    pub logit: f64,
    /// Class that is predicted there.
    pub class: usize,
}

impl Outcome {
    /// Outcome of `logits` for the class `target`; `None` where the model has no such class.
    pub fn of(logits: &[f32], target: usize) -> Option<Self> {
        if let [logit] = *logits {
            // Two classes: the logit speaks for class 1, and against class 0.
            let logit = f64::from(logit);
            let own = if target == 1 { logit } else { -logit };
            let outcome = Self { probability: 1.0 / (1.0 + (-own).exp()), logit: own, class: usize::from(logit > 0.0) };
            return (target < 2).then_some(outcome);
        }
        let own = f64::from(*logits.get(target)?);
        let class = predicted(logits);
        let most = f64::from(logits[class]);
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - most).exp()).sum();
        Some(Self { probability: (own - most).exp() / sum, logit: own, class })
    }

    /// Numbers as measurements hold them: probability, logit, class.
    pub(crate) fn values(outcome: Option<Self>) -> [f32; 3] {
        outcome.map_or([f32::NAN; 3], |of| [of.probability as f32, of.logit as f32, of.class as f32])
    }
}

/// Class with the largest logit, the first of equal ones; of one logit 1 where it is above 0.
pub fn predicted(logits: &[f32]) -> usize {
    if let [logit] = *logits {
        return usize::from(logit > 0.0);
    }
    let better = |best: usize, at: usize| if logits[at] > logits[best] { at } else { best };
    (0..logits.len()).reduce(better).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_logit_stands_for_two_classes() {
        // 1 / (1 + e^-2) = 0.880797
        let one = Outcome::of(&[2.0], 1).unwrap();
        let other = Outcome::of(&[2.0], 0).unwrap();
        assert!((one.probability - 0.880_797_077_977_882_4).abs() < 1e-15 && (one.class, one.logit) == (1, 2.0));
        assert!((one.probability + other.probability - 1.0).abs() < 1e-15 && other.logit == -2.0);
        assert_eq!(Outcome::of(&[2.0], 2), None);
    }

    #[test]
    fn probabilities_sum_to_one_however_large_the_logits_are() {
        let logits = [1000.0, 999.0, -1000.0];
        let all: f64 = (0..3).filter_map(|class| Outcome::of(&logits, class)).map(|of| of.probability).sum();
        assert!((all - 1.0).abs() < 1e-15);
        // 1 / (1 + e^-1) = 0.731059
        assert!((Outcome::of(&logits, 0).unwrap().probability - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert_eq!(Outcome::of(&logits, 3), None);
    }
}
