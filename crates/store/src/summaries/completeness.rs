//! Completeness of maps: the distance between the sum of a map and the change of the logit that the sum should equal.

/// Completeness of the maps of one variant: for each image the number that its map should sum to, and the distance from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completeness {
    /// Sum of the map minus the change: the convergence delta.
    pub deltas: Vec<f32>,
    /// Change of the target logit from the baseline to the image.
    pub changes: Vec<f32>,
}

impl Completeness {
    /// Share of the change that the maps of all images together miss or exceed: mean |delta| over mean |change|. The share is always
    /// finite, because JSON has no form for other numbers.
    pub fn missed(&self) -> f32 {
        let size = |values: &[f32]| values.iter().map(|value| f64::from(value.abs())).sum::<f64>();
        let (missed, change) = (size(&self.deltas), size(&self.changes));
        if missed == 0.0 { 0.0 } else { ((missed / change) as f32).min(f32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (0.5 + 1.5) / (2 + 6) = 0.25: images with a small change do not dominate.
    #[test]
    fn the_share_is_that_of_all_images_together_whatever_the_signs() {
        let of_two = Completeness { deltas: vec![0.5, -1.5], changes: vec![-2.0, 6.0] };
        assert_eq!(of_two.missed(), 0.25);
    }

    #[test]
    fn images_that_equal_their_baseline_miss_nothing_or_everything() {
        let nothing = Completeness { deltas: vec![0.0], changes: vec![0.0] };
        assert_eq!(nothing.missed(), 0.0);
        let everything = Completeness { deltas: vec![1.0], changes: vec![0.0] };
        assert_eq!(everything.missed(), f32::MAX);
    }
}
