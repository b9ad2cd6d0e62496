//! From pixels to what the model sees.

use crate::DataError;

/// Scales 8-bit pixels `[n, h, w, c]` to `[-1, 1]` and gives `[n, wanted, h, w]`.
///
/// As the reference scripts do: divided by 255, minus 0.5, divided by 0.5, each in float32; a grey
/// image is repeated to the channels that the model takes.
pub fn normalise(pixels: &[u8], shape: [usize; 3], wanted: usize) -> Result<Vec<f32>, DataError> {
    let [height, width, channels] = shape;
    if channels != wanted && channels != 1 {
        return Err(DataError::Channels { found: channels, wanted });
    }
    let plane = height * width;
    let scaled: Vec<f32> = (0..=255_u8).map(|pixel| (f32::from(pixel) / 255.0 - 0.5) / 0.5).collect();
    let mut images = Vec::with_capacity(pixels.len() / channels * wanted);
    for image in pixels.chunks_exact(plane * channels) {
        for channel in 0..wanted {
            let of_channel = image.iter().skip(channel % channels).step_by(channels);
            images.extend(of_channel.map(|pixel| scaled[usize::from(*pixel)]));
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_move_to_the_front_and_black_and_white_become_minus_one_and_one() {
        let rgb = normalise(&[0, 255, 0, 255, 0, 255], [1, 2, 3], 3).unwrap();
        assert_eq!(rgb, [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0]);
    }

    #[test]
    fn a_grey_image_is_repeated_and_colour_is_not_thrown_away() {
        assert_eq!(normalise(&[0, 255], [1, 2, 1], 3).unwrap(), [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
        assert_eq!(normalise(&[0, 255], [1, 2, 1], 1).unwrap(), [-1.0, 1.0]);
        assert!(normalise(&[0; 3], [1, 1, 3], 1).is_err());
    }
}
