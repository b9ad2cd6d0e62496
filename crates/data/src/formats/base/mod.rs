//! Store of an earlier sweep, or of a script: images as a model takes them, with their noise, labels, and predictions.
//!
//! Nothing of these is computed again. A store of attrisweep must be complete, and of any other store each chunk of images and
//! predictions must be there: Zarr fills those with zeros that were never written.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};
use sweep::config::MOST_CHOSEN;
use sweep::group::BASE;
use sweep::preprocessing::Preprocessing;

use super::zarr::labels_of;
use super::{Entry, Labels, Options, Source};
use crate::DataError;
use crate::arrays::{Channels, Images};
use crate::preprocess::Pixels;
use crate::stored::{Column, Stored};
use crate::zarr::Storage;

pub(super) const ENTRY: Entry = Entry {
    name: "base",
    // A config names the folder of these stores beside that of its datasets.
    places: |_, _, _| Vec::new(),
    fits: |_| false,
    open: |place, _, options| Ok(Box::new(Base::open(place, options)?)),
};

/// Facts that a store reports about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Dataset, model, noise and split, each as the store calls it; `None` where the store does not say it.
    pub names: [Option<String>; 4],
    /// Kind and parameters of the noise, of a store of attrisweep.
    pub noise: Option<Value>,
    /// Preprocessing of the images: that of the reference scripts for their stores.
    pub preprocessing: Preprocessing,
}

/// Reads the facts that the store at `place` reports about itself.
///
/// # Errors
///
/// [`DataError::Content`] for a store of attrisweep that is not complete, and for facts that no store has.
pub fn facts(place: &Path) -> Result<Facts, DataError> {
    told(&Stored::open(place)?)
}

/// Largest size of the metadata of a root in bytes: a store of attrisweep has that of all its arrays there.
const MOST_METADATA: u64 = 64 << 20;

/// Name of the file that a store of attrisweep has as a folder of tensors.
const OURS: &str = "attrisweep.json";

fn told(stored: &Stored) -> Result<Facts, DataError> {
    stored.zarr().map_or_else(|| of_tensors(stored), of_zarr)
}

/// A folder of tensors of a script says nothing of itself.
fn of_tensors(stored: &Stored) -> Result<Facts, DataError> {
    if stored.place().join(OURS).exists() {
        let reason = "it is a folder of tensors of attrisweep, of which nothing can be taken: export it as `zarr`";
        return Err(DataError::Content { file: stored.place().to_owned(), reason: reason.to_owned() });
    }
    Ok(Facts::default())
}

fn of_zarr(storage: &Storage) -> Result<Facts, DataError> {
    let wrong = |reason: String| DataError::Content { file: storage.place.clone(), reason };
    let mut attributes = Value::Null;
    for (key, pointer) in [("zarr.json", "/attributes"), (".zattrs", "")] {
        let Some(bytes) = storage.read(key, MOST_METADATA)? else { continue };
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("`{key}` is no JSON: {error}")))?;
        attributes = json.pointer(pointer).cloned().unwrap_or_default();
        break;
    }
    let names = ["data_flag", "model_flag", "noise_name", "split"]
        .map(|name| attributes.get(name).and_then(Value::as_str).map(str::to_owned));
    let Some(ours) = attributes.get("attrisweep") else { return Ok(Facts { names, ..Facts::default() }) };
    if ours["complete"] != true {
        let reason = "it is not complete, and its images, labels and predictions are to be taken: run the sweep that makes it to its end";
        return Err(wrong(reason.to_owned()));
    }
    let preprocessing = ours.get("preprocessing").map_or_else(
        || Ok(Preprocessing::default()),
        |stored| {
            serde_json::from_value(stored.clone())
                .map_err(|_| wrong(format!("its `preprocessing` is {stored}, which no sweep writes")))
        },
    )?;
    Ok(Facts { names, noise: ours.pointer("/fingerprint/noise").cloned(), preprocessing })
}

struct Base {
    images: Column,
    layout: Images,
    labels: Option<Column>,
    predictions: Column,
    preprocessing: Preprocessing,
    content: Value,
}

impl Base {
    fn open(place: &Path, options: &Options) -> Result<Self, DataError> {
        let stored = Stored::open(place)?;
        let Facts { preprocessing, .. } = told(&stored)?;
        let (images, predictions) = (stored.whole("images")?, stored.whole("model_predictions")?);
        // Which values black and white have is known, and nothing is scaled.
        let as_they_are = Options { float_range: Some([0.0, 1.0]), ..options.clone() };
        let element = images.element().ok_or_else(|| images.error(images.no_numbers()))?;
        let layout = Images::new((element, images.type_name()), images.shape(), Channels::First, &as_they_are);
        let layout = layout.map_err(|reason| images.error(reason))?;
        let (n, shape) = (layout.len, predictions.shape());
        if !matches!(*shape, [rows, classes] if rows == n && (1..=MOST_CLASSES).contains(&classes)) {
            return Err(predictions.error(format!("shape {shape:?}, expected ({n}, classes)")));
        }
        let labels = stored.column("labels")?;
        let contents = [Some(&images), labels.as_ref(), Some(&predictions)].map(|array| array.map(Column::content));
        let mut content = json!({BASE: contents, "held_bytes": images.held().saturating_add(predictions.held())});
        if let Some(indices) = original(&stored, n)? {
            content["original_indices"] = json!(indices);
        }
        Ok(Self { images, layout, labels, predictions, preprocessing, content })
    }

    fn finite(
        array: &Column,
        values: &[f32],
        [least, most]: [f32; 2],
        (each, first): (usize, u64),
    ) -> Result<(), DataError> {
        let Some(at) = values.iter().position(|value| !(least..=most).contains(value)) else { return Ok(()) };
        let (image, value) = (first + (at / each.max(1)) as u64, values[at]);
        let expected = if least == f32::MIN {
            "a number".to_owned()
        } else {
            format!("{least} to {most}, as images of its preprocessing have")
        };
        Err(array.error(format!("image {image} has the value {value}, expected {expected}")))
    }
}

/// Most classes that are accepted.
const MOST_CLASSES: u64 = 1 << 20;

/// Indices of the images in their split; `None` where they are 0, 1, 2, .., or where the store has no such list for `n` images.
fn original(stored: &Stored, n: u64) -> Result<Option<Vec<u64>>, DataError> {
    let Some(mut array) = stored.column("original_indices")? else { return Ok(None) };
    let (Some(element), true) = (array.element(), array.shape() == [n]) else { return Ok(None) };
    let bytes = array.read(0..n)?;
    let indices: Option<Vec<u64>> = bytes
        .chunks_exact(element.size() as usize)
        .map(|bytes| element.integer(bytes).and_then(|index| u64::try_from(index).ok()))
        .collect();
    let Some(indices) = indices.filter(|indices| !indices.iter().copied().eq(0..n)) else { return Ok(None) };
    if indices.len() > MOST_CHOSEN {
        return Err(array.error(format!("{n} images that are some of a split, at most {MOST_CHOSEN} are accepted")));
    }
    Ok(Some(indices))
}

impl Source for Base {
    fn len(&self) -> u64 {
        self.layout.len
    }

    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn preprocessing(&self) -> Preprocessing {
        self.preprocessing.clone()
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.layout.within(&range).map_err(|reason| self.images.error(reason))?;
        let values = self.images.floats(range.clone())?;
        let [h, w, c] = self.layout.shape;
        Self::finite(&self.images, &values, self.preprocessing.widest_limits(c), (h * w * c, range.start))?;
        Ok(Pixels::Ready(crate::arrays::channels_last(&values, self.layout.shape)))
    }

    fn predictions(&mut self, range: Range<u64>) -> Result<Option<Vec<f32>>, DataError> {
        self.layout.within(&range).map_err(|reason| self.predictions.error(reason))?;
        let values = self.predictions.floats(range.clone())?;
        let classes = self.predictions.shape()[1] as usize;
        Self::finite(&self.predictions, &values, [f32::MIN, f32::MAX], (classes, range.start))?;
        Ok(Some(values))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        labels_of(self.labels.as_mut(), self.layout.len)
    }

    fn verify(&mut self) -> Result<(), DataError> {
        self.images.verify()?;
        self.predictions.verify()?;
        self.labels.as_mut().map_or(Ok(()), Column::verify)
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

#[cfg(test)]
mod tests;
