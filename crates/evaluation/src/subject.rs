//! Subject of a measurement: one image with its map, and the model that is asked about it.

use sweep::parameters::ParameterError;
use sweep::seed::Draw;

/// Image that is measured, with its map.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Values `[channels, height, width]` as the model sees them.
    pub image: &'a [f32],
    /// `[channels, height, width]`
    pub shape: [usize; 3],
    /// Values of the map, of the same shape; empty for a measurement that looks at no map.
    pub map: &'a [f32],
    /// Logits of the image.
    pub logits: &'a [f32],
    /// Class that the map explains: the predicted one.
    pub predicted: usize,
    /// Label; `None` where the image has none, or several.
    pub label: Option<usize>,
    /// Whether each pixel `[height, width]` belongs to the object; `None` where the images have no masks.
    pub mask: Option<&'a [bool]>,
    /// Number of the model among those of [`crate::Family::models`].
    pub model: usize,
    /// Name of the random draws of the image. A family sets purpose and number: neither method nor metric shows in them, so that all
    /// methods see the same draws.
    pub draw: Draw<'a>,
}

/// Model that answers about images.
pub trait Model {
    /// Logits `[points, classes]` of `points` `[points, channels, height, width]`, at most [`Model::rows`] points.
    ///
    /// # Errors
    /// [`Failed`] if the model could not answer; the model keeps the reason.
    fn logits(&mut self, points: &[f32]) -> Result<Vec<f32>, Failed>;

    /// Maps of `points` for the class `target`, by the method whose map is measured; at most [`Model::rows`] points.
    ///
    /// # Errors
    /// [`Failed`] if the model could not answer; the model keeps the reason.
    fn maps(&mut self, points: &[f32], target: usize) -> Result<Vec<f32>, Failed>;

    /// Map that the store has of the image, by the method with this key; of the shape of the map that is measured.
    ///
    /// # Errors
    /// [`Failed`] if there is no such map; the model keeps the reason.
    fn stored(&mut self, key: &str) -> Result<Vec<f32>, Failed>;

    /// Number of points that may be asked about at once, 1 or more.
    fn rows(&self) -> usize;
}

/// The model could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model could not answer")]
pub struct Failed;

/// A measurement that was not made.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The model could not answer.
    #[error(transparent)]
    Model(#[from] Failed),
    /// A parameter is not what the family declares, which the check of the config finds before.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

impl Subject<'_> {
    /// Number of values of the image.
    pub(crate) fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Class whose score is followed, as the word `target` says; `None` for a label that is not there.
    pub(crate) fn target(&self, word: &str) -> Option<usize> {
        if word == "label" { self.label } else { Some(self.predicted) }
    }
}

/// Logits of all `points`, as many at once as the model allows.
///
/// # Errors
/// [`Failed`] if the model could not answer.
pub(crate) fn logits(model: &mut dyn Model, points: impl Iterator<Item = Vec<f32>>) -> Result<Vec<Vec<f32>>, Failed> {
    let (mut all, mut waiting, mut count) = (Vec::new(), Vec::new(), 0);
    let mut ask = |waiting: &mut Vec<f32>, count: &mut usize, model: &mut dyn Model| {
        if waiting.is_empty() {
            return Ok(());
        }
        let logits = model.logits(waiting)?;
        let classes = logits.len().checked_div(*count).unwrap_or(0).max(1);
        all.extend(logits.chunks(classes).map(<[f32]>::to_vec));
        (*waiting, *count) = (Vec::new(), 0);
        Ok(())
    };
    for point in points {
        waiting.extend(point);
        count += 1;
        if count >= model.rows() {
            ask(&mut waiting, &mut count, model)?;
        }
    }
    ask(&mut waiting, &mut count, model)?;
    Ok(all)
}
