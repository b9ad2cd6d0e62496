//! Reads a whole store back and checks that everything exists, is undamaged and has the right values.
//!
//! Nothing is written. Each finding names one file, because single files can be made anew.

mod metadata;
mod redo;
mod report;
mod strangers;
mod values;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sweep::evaluation::Evaluation;
use sweep::group::Group;
use sweep::variant::Variant;

use crate::error::StoreError;
use crate::families::{self, name};
use crate::ledger::{evaluation_arrays, shard_arrays, variant_arrays};
use crate::metadata::{Described, Labels};
use crate::packed::tree;
use crate::shards::{Shards, present};
use crate::summaries::mean_images;

pub use redo::{Redone, redo};
pub use report::{Fault, Finding, Report, Truth};

use report::Item;

/// Reads the store back with `threads` threads. Without `truth`, labels and the means of classes are not compared.
///
/// # Errors
/// [`StoreError::Read`] if a folder cannot be listed; a file that is wrong is a finding and no error.
pub fn verify(described: &Described, truth: Option<&Truth>, threads: NonZero<usize>) -> Result<Report, StoreError> {
    let group = &described.group;
    let labels = truth.map_or_else(|| described.labels.clone(), |truth| labels_of(described, truth));
    let checked = metadata::check(described, &labels)?;
    let ledger = present(group)?;
    let arrays: Vec<String> = shard_arrays(group).into_iter().filter(|array| checked.usable.contains(array)).collect();
    let items = arrays.iter().flat_map(|array| (0..group.shards()).map(move |shard| Item { array, shard }));
    let (there, absent): (Vec<Item<'_>>, Vec<Item<'_>>) = items.partition(|item| ledger.has(item.array, item.shard));
    let strangers = strangers::strangers(described, &checked.known);
    let mut report = Report { findings: checked.findings, sound: checked.sound, strangers };
    let images_are_sound = read_all(described, truth, &there, threads, &mut report);
    let asked = asked_arrays(described);
    let mut shards = Shards::open(group.store.clone(), String::new());
    for Item { array, shard } in absent.into_iter().filter(|item| asked.iter().any(|asked| asked == item.array)) {
        let file = shards.file(array, shard)?;
        report.findings.push(Finding { file, fault: Fault::Absent });
    }
    let whole = images_are_sound && (0..group.shards()).all(|shard| ledger.has(name::IMAGES, shard));
    check_means(described, truth, (&checked.usable, whole), &mut report);
    report.findings.sort();
    report.findings.dedup();
    Ok(report)
}

/// Labels that the metadata of a store must have, by the dataset.
fn labels_of(described: &Described, truth: &Truth) -> Labels {
    let single = truth.width == 1;
    let mut classes = described.labels.classes.clone();
    if single {
        classes.extend(truth.labels.iter().copied().filter(|label| *label >= 0));
    }
    Labels { width: truth.width, classes }
}

/// Arrays that the next run would fill: those of the variants that the last config asked for.
fn asked_arrays(described: &Described) -> Vec<String> {
    let group = &described.group;
    let variants: Vec<_> =
        group.variants.iter().filter(|variant| described.asked.contains(&variant.key)).cloned().collect();
    shard_arrays(&Group { variants, ..group.clone() })
}

/// Reads `items` on several threads, and adds what is unsound to `report`. Returns whether all images among them are sound.
fn read_all(
    described: &Described,
    truth: Option<&Truth>,
    items: &[Item<'_>],
    threads: NonZero<usize>,
    report: &mut Report,
) -> bool {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let mut shards = Shards::open(described.group.store.clone(), String::new());
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(reason) = values::fault(described, truth, &mut shards, item) {
                let file = shards.file(item.array, item.shard);
                found.lock().unwrap_or_else(PoisonError::into_inner).push((item.array.to_owned(), file, reason));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.sound += (items.len() - found.len()) as u64;
    let images_are_sound = found.iter().all(|(array, ..)| array != name::IMAGES);
    for (array, file, reason) in found {
        let file = file.unwrap_or_else(|_| described.group.store.join(array));
        report.findings.push(Finding { file, fault: Fault::Unsound(reason) });
    }
    images_are_sound
}

/// Compares the mean images with those of the stored images, where these are `whole`.
fn check_means(described: &Described, truth: Option<&Truth>, (usable, whole): (&[String], bool), report: &mut Report) {
    let group = &described.group;
    let mut shards = Shards::open(group.store.clone(), String::new());
    let single = truth.filter(|truth| truth.width == 1);
    let labels = single.map_or(&[][..], |truth| truth.labels.as_slice());
    // What is wrong with an image has been told already.
    let computed =
        if whole { mean_images::compute(group, labels, &mut shards).unwrap_or_default() } else { Vec::new() };
    let classes = described.labels.classes.iter().copied().map(Some);
    for array in std::iter::once(None).chain(classes).map(families::mean).filter(|array| usable.contains(array)) {
        let Ok(file) = shards.file(&array, 0) else { continue };
        if !tree::is_file(&file) {
            report.findings.push(Finding { file, fault: Fault::Absent });
            continue;
        }
        let wanted = computed.iter().find(|(name, _)| *name == array).map(|(_, mean)| mean);
        match values::mean_fault(group, &mut shards, &array, wanted) {
            Some(reason) => report.findings.push(Finding { file, fault: Fault::Unsound(reason) }),
            None => report.sound += 1,
        }
    }
}

/// Files of `shard` with everything that was computed from its images: maps are removed together with the predictions that they
/// explain.
///
/// # Errors
/// [`StoreError::Damaged`] if an array's metadata cannot be read.
pub fn computed_files(group: &Group, shard: u64) -> Result<Vec<PathBuf>, StoreError> {
    let of_evaluation = evaluation_arrays(group).into_iter().map(|(array, _)| array);
    let maps = group.variants.iter().flat_map(|variant| variant_arrays(group, variant)).chain(of_evaluation);
    let arrays: Vec<String> = std::iter::once(name::PREDICTIONS.to_owned()).chain(maps).collect();
    files(group, &arrays.iter().map(String::as_str).collect::<Vec<_>>(), shard)
}

/// Existing files of `shard` of one variant: its maps, their convergence deltas, their losses to half precision, and what was measured
/// of the maps, alone or beside those of other variants.
///
/// # Errors
/// [`StoreError::Damaged`] if an array's metadata cannot be read.
pub fn variant_files(group: &Group, variant: &Variant, shard: u64) -> Result<Vec<PathBuf>, StoreError> {
    // What was measured of a map goes with the map, and so does what other maps were compared with it for.
    let end = format!("/{}", variant.key);
    let compared = compared_with(group, variant);
    let of_evaluation = evaluation_arrays(group).into_iter().map(|(array, _)| array);
    let is_of_it = |array: &String| array.ends_with(&end) || compared.iter().any(|folder| array.starts_with(folder));
    let measured = of_evaluation.filter(is_of_it);
    let arrays: Vec<String> = variant_arrays(group, variant).into_iter().chain(measured).collect();
    files(group, &arrays.iter().map(String::as_str).collect::<Vec<_>>(), shard)
}

/// Beginnings of the arrays of measurements that compare maps with those of `variant`, and of the scores of such measurements.
fn compared_with(group: &Group, variant: &Variant) -> Vec<String> {
    let Evaluation { measurements, scores } = &group.evaluation;
    let names = |value: &serde_json::Value| *value == variant.key.as_str();
    let compared = measurements.iter().filter(|measurement| measurement.parameters.0.values().any(names));
    let compared: Vec<&String> = compared.map(|measurement| &measurement.key).collect();
    let scored = scores.iter().filter(|score| score.measurements.iter().any(|key| compared.contains(&key)));
    let scored = scored.map(|score| families::score(&score.key, ""));
    compared.iter().map(|key| families::measurement(key, Some(""))).chain(scored).collect()
}

/// Existing files of `shard` of `arrays`.
///
/// # Errors
/// [`StoreError::Damaged`] if an array's metadata cannot be read.
pub fn files(group: &Group, arrays: &[&str], shard: u64) -> Result<Vec<PathBuf>, StoreError> {
    let mut shards = Shards::open(group.store.clone(), String::new());
    let files = arrays.iter().map(|array| shards.file(array, shard)).collect::<Result<Vec<_>, _>>()?;
    Ok(files.into_iter().filter(|file| tree::is_file(file)).collect())
}
