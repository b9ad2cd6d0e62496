//! What a store of another program has: everything is read once, and compared with the dataset.

use std::collections::BTreeMap;

use data::DataError;
use data::formats::{self, NO_LABEL, Options, Source};
use data::made;
use data::mean::MeanError;
use data::stored::Stored;
use plan::Theirs;
use plan::adoption::{AdoptedMaps, Adoption};
use store::{attribution, name};
use sweep::config::{Config, MeanOf};
use sweep::group::{Group, Numerics};
use sweep::variant::Variant;

/// Largest accepted difference of a pixel from the image that the dataset gives, whose values reach 1: scripts scale and normalize in single
/// precision in another order, which moves a value by 1e-7.
const PIXEL: f32 = 1e-5;

/// A store of another program, and what was found in it.
pub(super) struct Examined<'a> {
    pub(super) theirs: &'a Theirs,
    /// Images of the sample.
    pub(super) sample: Vec<u64>,
    /// Maps that are sound, by key.
    pub(super) maps: BTreeMap<String, AdoptedMaps>,
    /// Keys of maps that are not adopted, with a sentence on each: they are computed beside.
    pub(super) lacking: Vec<(String, String)>,
    /// Keys of maps that could not be computed again.
    pub(super) uncompared: Vec<String>,
    /// Sentences on what was checked.
    pub(super) checked: Vec<String>,
    /// Sentences on what nobody can vouch for.
    pub(super) not_vouched_for: Vec<String>,
    /// Reason for which nothing of the store is adopted, in a sentence.
    pub(super) refused: Option<String>,
}

/// Reads the store, and compares images and labels with the dataset of `config`.
pub(super) fn examine<'a>(config: &Config, theirs: &'a Theirs, sample: u64) -> Examined<'a> {
    let images = theirs.group.images;
    let count = sample.min(images);
    let mut examined = Examined {
        theirs,
        sample: (0..count).map(|at| at * images / count).collect(),
        maps: BTreeMap::new(),
        lacking: Vec::new(),
        uncompared: Vec::new(),
        checked: Vec::new(),
        not_vouched_for: Vec::new(),
        refused: None,
    };
    if let Err(reason) = examined.read(config) {
        examined.refused = Some(reason);
    }
    examined
}

/// `error` with its cause, in a sentence.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives the error away")]
fn told(error: DataError) -> String {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

impl Examined<'_> {
    /// The group as it takes its images from the store. The error is one sentence.
    pub(super) fn group(&self) -> Result<&Group, String> {
        self.theirs.based.as_ref().map(|based| &based.0).map_err(Clone::clone)
    }

    /// Record of the adoption; `None` for a store that is refused.
    pub(super) fn record(&self, mean_of: MeanOf) -> Option<Adoption> {
        let group = self.group().ok().filter(|_| self.refused.is_none())?;
        Some(Adoption {
            program: format!("attrisweep {}", env!("CARGO_PKG_VERSION")),
            store: self.theirs.place.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            content: group.input.data.clone(),
            facts: Adoption::facts_of(group, mean_of),
            images: group.images,
            maps: self.maps.clone(),
            checked: self.checked.clone(),
            not_vouched_for: self.not_vouched_for.clone(),
        })
    }

    fn read(&mut self, config: &Config) -> Result<(), String> {
        let group = self.group()?.clone();
        let place = &self.theirs.place;
        let mut base =
            formats::open(&group.input.format, place, &group.split, &Options::of_group(&group)).map_err(told)?;
        let stored = Stored::open(place).map_err(told)?;
        let (images, each) = (group.images, stored.rows(name::IMAGES).map_err(told)?.at_once());
        for first in (0..images).step_by(each as usize) {
            let some = first..(first + each).min(images);
            base.read(some.clone()).map_err(told)?;
            base.predictions(some).map_err(told)?;
        }
        base.verify().map_err(told)?;
        self.checked.push(format!("images, labels and predictions of {images} images were read: every part is there, and every value is one of an image or a logit"));
        self.compare_with_dataset(config, &group, base.as_mut())?;
        for variant in &group.variants {
            match maps(&stored, &group, variant) {
                Ok(maps) => drop(self.maps.insert(variant.key.clone(), maps)),
                Err(reason) => self.lacking.push((variant.key.clone(), reason)),
            }
        }
        Ok(())
    }

    /// Compares labels, and images of the sample, with those of the dataset. The error is one sentence.
    fn compare_with_dataset(&mut self, config: &Config, group: &Group, base: &mut dyn Source) -> Result<(), String> {
        let own = &self.theirs.group;
        let opened = formats::open(&own.input.format, &own.input.images_file, &own.split, &Options::of(config));
        let mut dataset = opened.map_err(told)?;
        let (ours, theirs) = (dataset.labels().map_err(told)?, base.labels().map_err(told)?);
        if ours.missing.is_some() || theirs.missing.is_some() || ours.width != theirs.width {
            self.not_vouched_for
                .push("labels were not compared: the store or the dataset has none of the same shape".to_owned());
        } else {
            let count = group.images as usize * ours.width;
            let differ = ours.values.iter().zip(&theirs.values).take(count).position(|(a, b)| a != b && *a != NO_LABEL);
            if let Some(at) = differ {
                let (image, found, wanted) = (at / ours.width, theirs.values[at], ours.values[at]);
                return Err(format!("image {image} has the label {found}, and the dataset says {wanted}"));
            }
            self.checked.push("labels are those of the dataset".to_owned());
        }
        let mut random = false;
        for &image in &self.sample {
            let pixels = dataset.read(image..image + 1).map_err(told)?;
            let made = |seed: u64| {
                let numerics = Numerics { seed, ..own.numerics };
                let group = Group { numerics, ..own.clone() };
                made::images::<MeanError>(&group, &pixels, 0..1, (dataset.shape(), image)).map_err(|error| error.text())
            };
            let wanted = made(own.numerics.seed)?;
            if wanted != made(own.numerics.seed ^ 1)? {
                random = true;
                break;
            }
            let stored = base.read(image..image + 1).map_err(told)?;
            let found =
                made::images::<MeanError>(group, &stored, 0..1, (base.shape(), image)).map_err(|error| error.text())?;
            let off = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
            if off > PIXEL || found.len() != wanted.len() {
                return Err(format!("image {image} is not the one of the dataset ({off} off, {PIXEL} accepted)"));
            }
        }
        if random {
            let noise = &own.noise.name;
            self.not_vouched_for
                .push(format!("the noise `{noise}` has no recorded seed: images are taken as they are"));
        } else {
            self.checked.push(format!("{} images were made again from the dataset", self.sample.len()));
        }
        Ok(())
    }
}

/// Reads all maps of `variant`. The error is one sentence.
fn maps(stored: &Stored, group: &Group, variant: &Variant) -> Result<AdoptedMaps, String> {
    let mut rows = stored.rows(&attribution(&variant.key)).map_err(told)?;
    let shape = group.shape.map(|size| size as u64);
    if !matches!(rows.shape(), [images, map @ ..] if *images >= group.images && map == shape) {
        let [c, h, w] = shape;
        return Err(format!("shape {:?}, expected ({}, {c}, {h}, {w})", rows.shape(), group.images));
    }
    let each = rows.at_once();
    for first in (0..group.images).step_by(each as usize) {
        let some = first..(first + each).min(group.images);
        let values = rows.read(some).map_err(told)?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let image = first + at as u64 / shape.iter().product::<u64>();
            return Err(format!("the map of image {image} has the value {}, expected a number", values[at]));
        }
    }
    rows.verify().map_err(told)?;
    Ok(AdoptedMaps { content: rows.content(), facts: Adoption::facts_of_variant(group, variant) })
}
