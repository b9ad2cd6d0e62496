//! Preprocessing: the way from the pixels of a dataset to the values that a model takes.

use serde::{Deserialize, Serialize, Serializer};

/// Preprocessing of a dataset for a model. A store records it.
///
/// Images are scaled to `resize`, their middle is cut out by `crop`, pixels are mapped from black and white to `range`, and each
/// channel becomes `(pixel - mean) / std`, in single precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Values that black and white have before `mean` is subtracted.
    #[serde(serialize_with = "short")]
    pub range: [f32; 2],
    /// Height and width in pixels to which images are scaled; `None` leaves them as they are.
    pub resize: Option<[usize; 2]>,
    /// Height and width in pixels of the middle part that is kept; `None` keeps all.
    pub crop: Option<[usize; 2]>,
    /// Subtracted, by channel. The last number counts for all channels that follow.
    #[serde(serialize_with = "short")]
    pub mean: Vec<f32>,
    /// Divided by, by channel. The last number counts for all channels that follow.
    #[serde(serialize_with = "short")]
    pub std: Vec<f32>,
}

/// Writes numbers as their author did: 0.2, and not 0.20000000298023224, which is 0.2 in single precision.
fn short<S: Serializer>(numbers: &(impl AsRef<[f32]> + ?Sized), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        numbers.as_ref().iter().map(|number| number.to_string().parse::<f64>().unwrap_or(f64::from(*number))),
    )
}

/// Mean and standard deviation by which a model wants its images, by channel. The last number counts for all channels that follow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalize {
    /// Normalization by `mean` and `std`, each with one number at least. Numbers that say the same of all channels are one.
    pub fn new(mut mean: Vec<f32>, mut std: Vec<f32>) -> Self {
        for numbers in [&mut mean, &mut std] {
            if numbers.iter().all(|number| number == &numbers[0]) {
                numbers.truncate(1);
            }
        }
        Self { mean, std }
    }

    /// Numbers that are subtracted.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Number of channels that have numbers of their own; 1 where all have the same.
    pub fn channels(&self) -> usize {
        self.mean.len().max(self.std.len())
    }
}

/// Normalization of the reference scripts: 0.5 and 0.5.
impl Default for Normalize {
    fn default() -> Self {
        Self { mean: vec![0.5], std: vec![0.5] }
    }
}

/// Preprocessing of the reference scripts, and of every store that does not record one: to `[-1, 1]`.
impl Default for Preprocessing {
    fn default() -> Self {
        Self { range: [0.0, 1.0], resize: None, crop: None, mean: vec![0.5], std: vec![0.5] }
    }
}

impl Preprocessing {
    /// Preprocessing like this one, with the numbers of `normalize`, if there are some.
    #[must_use]
    pub fn normalized(self, normalize: Option<&Normalize>) -> Self {
        match normalize.cloned() {
            Some(Normalize { mean, std }) => Self { mean, std, ..self },
            None => self,
        }
    }

    /// Value of a `pixel` of `channel`, which lies between 0 for black and 1 for white.
    pub fn value(&self, pixel: f32, channel: usize) -> f32 {
        let [black, white] = self.range;
        let at = |numbers: &[f32]| numbers.get(channel).or(numbers.last()).copied();
        let (mean, std) = (at(&self.mean).unwrap_or(0.0), at(&self.std).unwrap_or(1.0));
        (pixel * (white - black) + black - mean) / std
    }

    /// Values of black and of white in `channel`, the smaller value first.
    pub fn limits(&self, channel: usize) -> [f32; 2] {
        let (black, white) = (self.value(0.0, channel), self.value(1.0, channel));
        [black.min(white), black.max(white)]
    }

    /// Smallest and largest value of images with so many `channels`.
    pub fn widest_limits(&self, channels: usize) -> [f32; 2] {
        let limits = (0..channels.max(1)).map(|channel| self.limits(channel));
        limits.fold([f32::INFINITY, f32::NEG_INFINITY], |[least, most], [a, b]| [least.min(a), most.max(b)])
    }

    /// Number of channels of which each has numbers of its own.
    pub fn channels(&self) -> usize {
        self.mean.len().max(self.std.len()).max(1)
    }

    /// Height and width of an image that has `size` before.
    pub fn size(&self, size: [usize; 2]) -> [usize; 2] {
        let scaled = self.resize.unwrap_or(size);
        self.crop.map_or(scaled, |crop| [crop[0].min(scaled[0]), crop[1].min(scaled[1])])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn black_and_white_of_the_reference_scripts_are_minus_one_and_one() {
        let preprocessing = Preprocessing::default();
        assert_eq!(preprocessing.widest_limits(3), [-1.0, 1.0]);
        assert_eq!(preprocessing.size([28, 20]), [28, 20]);
    }

    #[test]
    fn numbers_are_recorded_as_they_were_given_and_read_back_to_the_bit() {
        let given = Preprocessing::default().normalized(Some(&Normalize::new(vec![0.2, 0.485], vec![0.229])));
        let recorded = serde_json::to_value(&given).unwrap();
        assert_eq!((&recorded["mean"], &recorded["std"]), (&json!([0.2, 0.485]), &json!([0.229])));
        assert_eq!(serde_json::from_value::<Preprocessing>(recorded).unwrap(), given);
    }

    /// Numbers of `ImageNet`: (0 - 0.485) / 0.229 = -2.1179, (1 - 0.406) / 0.225 = 2.64.
    #[test]
    fn each_channel_has_its_limits_and_the_last_number_counts_for_the_channels_that_follow() {
        let preprocessing = Preprocessing {
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            resize: Some([256, 256]),
            crop: Some([224, 224]),
            ..Preprocessing::default()
        };
        let [least, most] = preprocessing.widest_limits(4);
        assert!((least + 2.1179).abs() < 1e-4 && (most - 2.64).abs() < 1e-4, "{least} {most}");
        assert_eq!(preprocessing.limits(3), preprocessing.limits(2));
        assert_eq!(preprocessing.size([500, 300]), [224, 224]);
    }
}
