//! Pictures in red, green and blue, and their PNG.

use crate::error::PictureError;
use crate::palettes::Palette;
use crate::panel::Panel;
use crate::undo::Undo;

/// Picture of three bytes a pixel, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// `height * width * 3` bytes.
    pub bytes: Vec<u8>,
}

/// Shares of red, green and blue in the brightness.
const BRIGHTNESS: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Colour of a value that is no number.
const NO_NUMBER: [u8; 3] = [0, 160, 60];

impl Rgb {
    /// The colours of `palette` in a row, as a picture of 256 pixels.
    pub fn of_palette(palette: &Palette) -> Self {
        let bytes = palette.colours().concat();
        Self { height: 1, width: bytes.len() / 3, bytes }
    }

    /// Picture of a panel: `full` is the absolute value that gets the full colour. Zero is the middle of a diverging colour map and the
    /// beginning of a sequential one.
    pub fn of_panel(panel: &Panel, palette: &Palette, full: f64) -> Self {
        let colours = palette.colours();
        let colour = |value: &f32| {
            if value.is_nan() {
                return NO_NUMBER;
            }
            let share = if full > 0.0 { f64::from(*value) / full } else { 0.0 };
            let place = if palette.diverging { f64::midpoint(share, 1.0) } else { share };
            // matplotlib's rule: 256 colours of equal width, and the end belongs to the last.
            let at = (place.clamp(0.0, 1.0) * 256.0) as usize;
            colours.get(at.min(255)).copied().unwrap_or(NO_NUMBER)
        };
        let bytes = panel.values.iter().flat_map(colour).collect();
        Self { height: panel.height, width: panel.width, bytes }
    }

    /// Picture of an image `[channels, height, width]` as a model takes it. One channel is grey; of more than three, the first three
    /// are shown.
    ///
    /// # Errors
    /// [`PictureError::Shape`] for values that do not fill the shape.
    pub fn of_image(
        values: &[f32],
        [channels, height, width]: [usize; 3],
        undo: &Undo<'_>,
    ) -> Result<Self, PictureError> {
        let pixels = height * width;
        if pixels == 0 || channels == 0 || values.len() != channels * pixels {
            return Err(PictureError::Shape { found: values.len(), channels, height, width });
        }
        let shown = if channels < 3 { [0, 0, 0] } else { [0, 1, 2] };
        let pixel = |at: usize| shown.map(|channel| undo.pixel(values[channel * pixels + at], channel));
        Ok(Self { height, width, bytes: (0..pixels).flat_map(pixel).collect() })
    }

    /// The picture laid over `under` in grey, of which this share is seen, from 0 to 1. Another size of `under` leaves the picture as it
    /// is.
    #[must_use]
    pub fn over(mut self, under: &Self, share: f64) -> Self {
        if (under.height, under.width) != (self.height, self.width) {
            return self;
        }
        for (pixel, under) in self.bytes.chunks_exact_mut(3).zip(under.bytes.chunks_exact(3)) {
            // Brightness as style sheets have it, so that what is saved is what a page shows.
            let grey: f64 = under.iter().zip(BRIGHTNESS).map(|(part, weight)| f64::from(*part) * weight).sum();
            for part in pixel {
                *part = (f64::from(*part) * (1.0 - share) + grey * share).round() as u8;
            }
        }
        self
    }

    /// Puts `picture` at a place, each of its pixels a square of `times` x `times`. What is outside is left out.
    pub(crate) fn put(&mut self, picture: &Self, (left, top): (usize, usize), times: usize) {
        for y in 0..(picture.height * times).min(self.height.saturating_sub(top)) {
            for x in 0..(picture.width * times).min(self.width.saturating_sub(left)) {
                let from = (y / times * picture.width + x / times) * 3;
                let to = ((top + y) * self.width + left + x) * 3;
                self.bytes[to..to + 3].copy_from_slice(&picture.bytes[from..from + 3]);
            }
        }
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// [`PictureError::Png`] for a picture without pixels.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palettes::named;

    fn panel(values: &[f32]) -> Panel {
        Panel { height: 1, width: values.len(), values: values.to_vec() }
    }

    #[test]
    fn zero_is_the_middle_of_a_diverging_and_the_beginning_of_a_sequential_colour_map() {
        let (signed, unsigned) = (named(None, true).unwrap(), named(None, false).unwrap());
        let of = |palette: &'static Palette, value: f32| Rgb::of_panel(&panel(&[value]), palette, 2.0).bytes;
        let at = |palette: &Palette, index: usize| palette.colours()[index].to_vec();
        assert_eq!((of(signed, 0.0), of(unsigned, 0.0)), (at(signed, 128), at(unsigned, 0)));
        assert_eq!((of(signed, -9.0), of(signed, 2.0)), (at(signed, 0), at(signed, 255)));
        // 1 of 2 is colour 0.5 * 256.
        assert_eq!(of(unsigned, 1.0), at(unsigned, 128));
        assert_eq!(of(signed, f32::NAN), NO_NUMBER);
        assert_eq!(of(unsigned, f32::INFINITY), at(unsigned, 255));
        assert_eq!(Rgb::of_panel(&panel(&[3.0]), signed, 0.0).bytes, at(signed, 128));
    }

    /// Black and white of the reference scripts are -1 and 1: (0 * 0.5 + 0.5) * 255 is 127.5.
    #[test]
    fn images_are_seen_as_they_were_before_preprocessing() {
        let undo = Undo { range: [0.0, 1.0], mean: &[0.5], std: &[0.5] };
        let grey = Rgb::of_image(&[-1.0, 0.0, 1.0, 7.0], [1, 2, 2], &undo).unwrap();
        assert_eq!(grey.bytes, [0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255]);
        let four = Rgb::of_image(&[-1.0, 1.0, -1.0, 0.3], [4, 1, 1], &undo).unwrap();
        assert_eq!(four.bytes, [0, 255, 0]);
        assert!(Rgb::of_image(&[0.0; 3], [1, 2, 2], &undo).is_err());
    }

    /// Brightness of (100, 0, 200) is 21.26 + 14.44 = 35.7; a quarter of it and three quarters of 40 are 38.925.
    #[test]
    fn a_map_over_an_image_is_a_mean_of_the_map_and_of_grey() {
        let map = Rgb { height: 1, width: 1, bytes: vec![40, 40, 0] };
        let image = Rgb { height: 1, width: 1, bytes: vec![100, 0, 200] };
        assert_eq!(map.clone().over(&image, 0.25).bytes, [39, 39, 9]);
        assert_eq!(map.clone().over(&Rgb { height: 1, width: 2, bytes: vec![0; 6] }, 0.5), map);
    }

    #[test]
    fn a_png_has_the_same_pixels() {
        let picture = Rgb { height: 2, width: 1, bytes: vec![1, 2, 3, 250, 0, 9] };
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture.png().unwrap())).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, bytes), (1, 2, picture.bytes));
        assert!(Rgb { height: 0, width: 0, bytes: Vec::new() }.png().is_err());
    }
}
