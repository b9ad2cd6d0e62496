//! Compares whatever exists at the place of a group's store with the group.

use std::fs;
use std::path::{Path, PathBuf};

use files::leftovers;
use serde_json::{Value, json};
use sweep::evaluation::{Evaluation, Measurement, Of, Score};
use sweep::fingerprint;
use sweep::group::Group;
use sweep::variant::Variant;

use super::array_metadata;
use super::describe::preprocessing;
use super::facts::{BEGUN, EVALUATION, Facts, PREPROCESSING};
use super::root::{self, METADATA, Nodes, Root, read_json};
use crate::error::StoreError;
use crate::families::{self, MEASUREMENTS, SCORES};
use crate::packed::tree;
use crate::tensors;

/// Compares the store of `group` with the group: `None` where no store exists, `Some(complete)` for a store of the same numbers,
/// for as many images or for fewer. Nothing is written.
///
/// # Errors
/// [`StoreError::Foreign`] for anything else, [`StoreError::Mismatch`] for a store of other numbers.
pub fn inspect(group: &Group, facts: &Facts) -> Result<Option<bool>, StoreError> {
    let Some(found) = root::read(&group.store)? else {
        let ours = |entry: fs::DirEntry| leftovers::is_temporary(&entry.file_name().to_string_lossy());
        let occupied = fs::read_dir(&group.store).is_ok_and(|entries| entries.flatten().any(|entry| !ours(entry)));
        return if occupied { Err(StoreError::Foreign { path: group.store.clone() }) } else { Ok(None) };
    };
    if let (false, Some(path)) = (group.evaluation.is_empty(), occupied(group)) {
        return Err(StoreError::Occupied { path });
    }
    let (ours, told) = (&found.value["attributes"]["attrisweep"], root::consolidated(&found.value));
    let grows = grows(group, &found);
    let differences = differences(group, facts, &found);
    if !differences.is_empty() {
        // One without a single shard stands in nobody's way.
        let path = group.store.clone();
        return if is_bare(&path) { Ok(None) } else { Err(StoreError::Mismatch { path, differences }) };
    }
    // A store that was completed for fewer variants is not complete for these.
    let speaks_of =
        |variant: &Variant| ours["variants"].as_array().is_some_and(|keys| keys.contains(&json!(variant.key)));
    let complete = found.fault.is_none() && ours["complete"] == true && group.variants.iter().all(speaks_of);
    let complete = complete && speaks_of_evaluation(group, ours);
    Ok(Some(complete && !grows && is_whole(group, &told)))
}

/// Array that somebody has added under the name of a Zarr group of evaluations.
fn occupied(group: &Group) -> Option<PathBuf> {
    let folders = [&MEASUREMENTS, &SCORES].map(|family| group.store.join(family.path));
    let is_array = |folder: &PathBuf| {
        read_json(&folder.join(METADATA)).ok().flatten().is_some_and(|node| node["node_type"] == "array")
    };
    folders.into_iter().find(is_array)
}

/// Whether the store was completed for all that `group` measures and scores.
fn speaks_of_evaluation(group: &Group, ours: &Value) -> bool {
    let stored = evaluation_of(ours);
    let Evaluation { measurements, scores } = &group.evaluation;
    // The store may have more methods evaluated, for other configs.
    let covers = |stored: &Of, asked: &Of| {
        (*stored == Of::Image) == (*asked == Of::Image)
            && group.variants.iter().all(|variant| !asked.has(variant) || stored.has(variant))
    };
    measurements.iter().all(|asked| {
        let fits = |known: &Measurement| {
            covers(&known.of, &asked.of) && Measurement { of: asked.of.clone(), ..known.clone() } == *asked
        };
        stored.measurements.iter().any(fits)
    }) && scores.iter().all(|asked| {
        let fits =
            |known: &Score| covers(&known.of, &asked.of) && Score { of: asked.of.clone(), ..known.clone() } == *asked;
        stored.scores.iter().any(fits)
    })
}

/// Whether `group` has more images than its store. The numbers of a store that grows stay the same.
fn grows(group: &Group, found: &Root) -> bool {
    let stored = &found.value["attributes"]["attrisweep"]["fingerprint"]["images"];
    stored.as_u64().is_some_and(|images| images < group.images)
}

/// Whether no shard of the store in `folder` has been written.
pub(crate) fn is_bare(folder: &Path) -> bool {
    !tensors::is_place(folder) && !root::has_shards(folder, 2)
}

/// Sentences on the facts by which the numbers of the store differ from those of `group`.
pub(crate) fn differences(group: &Group, facts: &Facts, found: &Root) -> Vec<String> {
    let (stored, told) = (&found.value["attributes"]["attrisweep"]["fingerprint"], root::consolidated(&found.value));
    let mut wanted = facts.fingerprint.clone();
    if grows(group, found) {
        wanted.remove("images");
    }
    let mut differences = fingerprint::differences(stored, &wanted);
    differences.extend(other_preprocessing(group, found));
    differences.extend(other_scores(group, found));
    for variant in &group.variants {
        let path = families::attribution(&variant.key);
        // What is sealed in the root is believed before a file that may be damaged.
        let array =
            told.get(&path).cloned().or_else(|| read_json(&group.store.join(path).join(METADATA)).ok().flatten());
        if let Some(array) = array {
            let of_array =
                fingerprint::differences(&array["attributes"]["attrisweep"], &fingerprint::of_variant(group, variant));
            differences.extend(of_array.into_iter().map(|difference| format!("{}: {difference}", variant.key)));
        }
    }
    differences
}

/// Sentences on scores that the store has under the name of another one of `group`: what is there would be taken for what is asked.
/// Parameters that only one of them has are those of another build.
fn other_scores(group: &Group, found: &Root) -> Vec<String> {
    let ours = &found.value["attributes"]["attrisweep"];
    let mut stored = evaluation_of(ours).scores;
    stored.extend(serde_json::from_value::<Vec<Score>>(ours[BEGUN].clone()).unwrap_or_default());
    let told = |score: &Score| {
        let parameters = score.parameters.0.iter().map(|(name, value)| format!("{name}={value}"));
        format!("`{}` ({})", score.class, parameters.collect::<Vec<_>>().join(", "))
    };
    let differ = |stored: &Score, asked: &Score| {
        let mut shared =
            stored.parameters.0.iter().filter_map(|(name, value)| Some((value, asked.parameters.get(name)?)));
        stored.class != asked.class || shared.any(|(stored, asked)| stored != asked)
    };
    let sentence = |asked: &Score| {
        let known = stored.iter().find(|stored| stored.key == asked.key && differ(stored, asked))?;
        Some(format!(
            "the score `{}` is {} in the store and {} in the config, which needs another `name`",
            asked.key,
            told(known),
            told(asked)
        ))
    };
    group.evaluation.scores.iter().filter_map(sentence).collect()
}

/// Evaluation that the root of a store tells of.
pub(super) fn evaluation_of(ours: &Value) -> Evaluation {
    serde_json::from_value(ours[EVALUATION].clone()).unwrap_or_default()
}

/// Sentence on the preprocessing of the store, where it is not that of `group`.
fn other_preprocessing(group: &Group, found: &Root) -> Option<String> {
    let stored = preprocessing(&found.value["attributes"]["attrisweep"]);
    if stored.as_ref() == Ok(&group.preprocessing) {
        return None;
    }
    let stored = stored.map_or_else(|reason| reason, |stored| json!(stored).to_string());
    Some(format!("{PREPROCESSING} is {stored} in the store and {} in the config", json!(group.preprocessing)))
}

/// Whether every node exists with the metadata that the root has of it, and every mean image: a file that was deleted or damaged
/// is made anew like a shard.
fn is_whole(group: &Group, told: &Nodes) -> bool {
    if tensors::is_place(&group.store) {
        let is_asked = |key: &str| group.variants.iter().any(|variant| variant.key == key);
        let of_group = |path: &str| match families::find(path) {
            Some((family, Some(key))) if family.is_of_variants() => is_asked(key),
            _ => true,
        };
        let arrays = told.iter().filter(|(path, node)| node["node_type"] == "array" && of_group(path));
        return tensors::check::is_whole(&group.store, arrays);
    }
    // Readers go by the root: what somebody has added is to be seen there.
    let is_told = root::nodes(&group.store, told).is_ok_and(|nodes| nodes.keys().all(|path| told.contains_key(path)));
    is_told
        && told.iter().all(|(path, node)| {
            let folder = group.store.join(path);
            let is_there = read_json(&folder.join(METADATA)).is_ok_and(|found| found.as_ref() == Some(node));
            let is_mean =
                families::find(path).is_some_and(|(family, member)| family.is_of_classes() && member.is_some());
            is_there && (!is_mean || tree::is_file(&folder.join(array_metadata::MEAN_FILE)))
        })
}
