//! Findings of a sample: files whose images, predictions or maps are not those of the dataset and the model.

use std::collections::BTreeSet;
use std::path::PathBuf;

use protocol::verify::Answer;
use store::name;
use store::verify::{Fault, Finding, files};

use crate::commands::stores::verify::read::Read;

/// Adds images whose predictions do not agree to the findings. The error says why nothing was compared.
pub(super) fn judge(read: &mut Read<'_>, answer: Answer) -> Result<(), String> {
    let answer = answer?;
    read.maps = Some(answer.maps);
    read.rough = answer.rough;
    for wrong in answer.wrong {
        let off = wrong.off.map_or_else(|| "not a number".to_owned(), |off| format!("{off:.2} of its length off"));
        let reason = format!(
            "the map of image {} is not the one of the stored image and model ({off}, {} accepted)",
            wrong.image, wrong.accepted
        );
        accuse_map(read, &wrong.key, wrong.image, &reason);
    }
    for compared in answer.predictions.into_iter().filter(|compared| !compared.agrees()) {
        let off = compared.off.map_or_else(|| "not a number".to_owned(), |off| format!("{off:e} off"));
        let reason = format!(
            "predictions of image {} are not those of the stored image ({off}, {:e} accepted)",
            compared.image, compared.accepted
        );
        accuse(read, compared.image / read.described.group.shard, false, &reason);
    }
    Ok(())
}

/// Marks the maps of a variant, and what belongs to them, as unsound in the shard of `image`.
fn accuse_map(read: &mut Read<'_>, key: &str, image: u64, reason: &str) {
    let group = &read.described.group;
    let Some(variant) = group.variants.iter().find(|variant| variant.key == key) else { return };
    let files = store::verify::variant_files(group, variant, image / group.shard).unwrap_or_default();
    add(read, files, reason);
}

/// Marks everything that was computed of a shard as unsound, with its images or without: maps explain predictions.
pub(super) fn accuse(read: &mut Read<'_>, shard: u64, with_images: bool, reason: &str) {
    let group = &read.described.group;
    let images = if with_images { files(group, &[name::IMAGES], shard) } else { Ok(Vec::new()) };
    let computed = store::verify::computed_files(group, shard);
    let (images, computed) = (images.unwrap_or_default(), computed.unwrap_or_default());
    add(read, images.into_iter().chain(computed).collect(), reason);
}

/// Adds `files` to the unsound findings.
fn add(read: &mut Read<'_>, files: Vec<PathBuf>, reason: &str) {
    let before: BTreeSet<_> = read.report.findings.iter().map(|finding| finding.file.clone()).collect();
    // Two images of a shard may be wrong: its file is one.
    let new: Vec<PathBuf> = files.into_iter().filter(|file| !before.contains(file)).collect();
    read.report.sound = read.report.sound.saturating_sub(new.len() as u64);
    let finding = |file| Finding { file, fault: Fault::Unsound(reason.to_owned()) };
    read.report.findings.extend(new.into_iter().map(finding));
}
