//! Way back from values that a model takes to the pixels of the image.

/// Preprocessing that is undone. The last number of a list counts for all channels that follow.
#[derive(Clone, Copy, Debug)]
pub struct Undo<'a> {
    /// Values of black and white before the mean is subtracted.
    pub range: [f32; 2],
    /// Numbers that were subtracted, by channel.
    pub mean: &'a [f32],
    /// Numbers that were divided by, by channel.
    pub std: &'a [f32],
}

impl Undo<'_> {
    /// Brightness from 0 to 255 of a `value` of `channel`.
    pub(crate) fn pixel(&self, value: f32, channel: usize) -> u8 {
        let at = |numbers: &[f32], other: f32| numbers.get(channel).or(numbers.last()).copied().unwrap_or(other);
        let [black, white] = self.range;
        let pixel = (value * at(self.std, 1.0) + at(self.mean, 0.0) - black) / (white - black);
        // What is no number is black.
        (pixel.clamp(0.0, 1.0) * 255.0).round() as u8
    }
}
