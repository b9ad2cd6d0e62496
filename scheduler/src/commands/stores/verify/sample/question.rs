//! Question to a worker about the sample of a store.

use data::mean;
use protocol::verify::Question;
use sweep::group::{Group, MeanImage};

use super::drawing::{Sample, drawn, sound_shards};
use crate::commands::stores::verify::read::Read;
use crate::commands::survey::Survey;

/// Question to the worker about a store, with the weights and the mean image that the config has now; also a sentence on
/// variants that are left out.
pub(super) fn question(
    survey: &Survey,
    read: &Read<'_>,
    images: Vec<u64>,
    sample: Sample,
) -> Result<(Question, Option<String>), String> {
    let mut group = read.described.group.clone();
    if group.has_own_weights() {
        find_own(survey, &mut group)?;
    } else {
        let found = plan::find_weights(&survey.config, &group.dataset, &group.model);
        group.input.weights = found.map_err(|absent| absent.to_string())?;
    }
    let left = without_mean(survey, &mut group, read.described.mean_sha256.as_deref());
    let shards = drawn(&group, sound_shards(read), sample, "verify shards");
    Ok((Question { group, images, shards, seconds: sample.seconds, is_theirs: false }, left))
}

/// Gives each variant of `group` the file of its own weights. Variants that the config does not name any more keep the file that the store
/// names, or are left out if it is not there.
fn find_own(survey: &Survey, group: &mut Group) -> Result<(), String> {
    let (dataset, model) = (&group.dataset, &group.model);
    for variant in &mut group.variants {
        let Some(own) = &mut variant.weights else { continue };
        if let Some(found) = plan::find_weights_of_variant(&survey.config, dataset, model, &variant.key) {
            own.file = found.map_err(|expected| format!("there are no weights at `{}`", expected.display()))?;
        }
    }
    group.variants.retain(|variant| variant.weights.as_ref().is_none_or(|own| own.file.is_file()));
    Ok(())
}

/// Gives `group` its mean image of digest `known`, or removes the variants that need the mean image, with the reason.
fn without_mean(survey: &Survey, group: &mut Group, known: Option<&str>) -> Option<String> {
    let needy: Vec<String> =
        group.variants.iter().filter(|variant| variant.needs_mean()).map(|variant| variant.key.clone()).collect();
    if needy.is_empty() {
        return None;
    }
    let file = mean::file_of(&survey.config, group);
    let read = mean::read(&file).map_err(|error| error.text()).and_then(|mean| {
        let sha256 = mean.sha256();
        let other = || format!("`{}` is not the mean image that they were made with", file.display());
        if known == Some(sha256.as_str()) { Ok(MeanImage { file: file.clone(), sha256 }) } else { Err(other()) }
    });
    match read {
        Ok(mean) => {
            group.input.mean = Some(mean);
            None
        }
        Err(reason) => {
            group.variants.retain(|variant| !variant.needs_mean());
            Some(format!("the maps of {} were not compared: {reason}", needy.join(", ")))
        }
    }
}
