//! Report on one store, and the removal of its unsound files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use plan::exit::Failure;
use protocol::verify::RoughMap;
use store::Described;
use store::families::MEANS;
use store::verify::{Fault, Finding};

use super::read::Read;
use super::verdict::{Rough, Verdict};
use crate::commands::survey::{AdoptedStore, Surveyed};
use crate::tell::{ranges, say};

/// Prints what was found in one store.
pub(super) fn tell(Read { surveyed, described, report, maps, rough }: &Read<'_>, verdict: &mut Verdict) {
    let (mut text, folder) = (String::new(), &surveyed.folder);
    let (absent, unsound): (Vec<_>, Vec<_>) = report.findings.iter().partition(|found| found.fault == Fault::Absent);
    let of_maps = maps.map_or_else(String::new, |maps| format!("; {maps} maps were computed again"));
    let _ = writeln!(text, "{}: {} files are sound{of_maps}", surveyed.name, report.sound);
    for Finding { file, fault } in &unsound {
        let Fault::Unsound(reason) = fault else { continue };
        let _ = writeln!(text, "  unsound: {}: {reason}", file.display());
    }
    if let Some(line) = other_numbers(described).filter(|_| !unsound.is_empty()) {
        let _ = writeln!(text, "  {line}");
    }
    for file in &report.strangers {
        let _ = writeln!(text, "  not ours, and left alone: {}", file.display());
    }
    for line in lacking(surveyed, described, &absent) {
        let _ = writeln!(text, "  not there yet: {line}");
        verdict.absent = true;
    }
    if absent.is_empty() && !described.complete && unsound.is_empty() {
        let _ =
            writeln!(text, "  not there yet: the mark of a complete store, in {}", folder.join("zarr.json").display());
        verdict.absent = true;
    }
    verdict.unsound += unsound.len();
    for RoughMap { key, image, off } in rough {
        verdict.note_rough(key, Rough { off: *off, image: *image, store: surveyed.name.clone() });
    }
    say(&text);
}

/// Prints whether an adopted store of another program is still the one that was adopted.
pub(super) fn tell_adopted(adopted: &AdoptedStore, verdict: &mut Verdict) {
    let (place, record) = (adopted.place.display(), &adopted.record);
    match adopted.fault() {
        None => say(&format!("{place}: as it was adopted, {} images x {} maps\n", record.images, record.maps.len())),
        Some(reason) => {
            say(&format!("{place}: not as it was adopted: {reason}; `scheduler adopt` checks it again\n"));
            verdict.unknown.push(format!("{place}: not as it was adopted"));
        }
    }
}

/// A sentence for a store whose maps are right for the program that computed them, and are not what this program computes.
fn other_numbers(described: &Described) -> Option<String> {
    let version = described.results_version.filter(|version| *version != u64::from(sweep::RESULTS_VERSION));
    if let Some(version) = version {
        return Some(format!(
            "its maps are of results_version {version}, and this program computes {}: CHANGELOG.md says what differs",
            sweep::RESULTS_VERSION
        ));
    }
    described.explains_the_logit().then(|| {
        "its maps explain the one logit itself, as earlier builds did; this program explains the class that is predicted, and \
         maps of images whose logit is not above zero have the other sign"
            .to_owned()
    })
}

/// Lists what is missing: shards together, other files by name, and images and variants that the config asks for besides.
fn lacking(surveyed: &Surveyed, described: &Described, absent: &[&Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let (group, mut shards) = (&described.group, BTreeSet::new());
    for Finding { file, .. } in absent {
        match shard_of(file) {
            Some(shard) if !file.starts_with(surveyed.folder.join(MEANS.path)) => drop(shards.insert(shard)),
            _ => lines.push(file.display().to_string()),
        }
    }
    if !shards.is_empty() {
        let count = shards.len();
        lines.push(format!("something of shards {} ({count} of {})", ranges(shards), group.shards()));
    }
    let begun =
        |key: &&String| group.variants.iter().any(|variant| variant.key == **key) && described.asked.contains(*key);
    let new: Vec<&str> = surveyed.keys.iter().filter(|key| !begun(key)).map(String::as_str).collect();
    if !new.is_empty() {
        lines.push(format!("variants that the config asks for: {}", new.join(", ")));
    }
    if let Some(images) = surveyed.images.filter(|images| *images > group.images) {
        lines.push(format!("images {} to {}", group.images, images - 1));
    }
    lines
}

fn shard_of(file: &Path) -> Option<u64> {
    file.file_name()?.to_str()?.strip_prefix("c.")?.split('.').next()?.parse().ok()
}

/// Removes the unsound files of a store; whether it did.
pub(super) fn redo(Read { surveyed, described, report, .. }: &Read<'_>) -> Result<bool, Failure> {
    let is_unsound = report.findings.iter().any(|found| found.fault != Fault::Absent);
    if is_unsound && described.results_version != Some(sweep::RESULTS_VERSION.into()) {
        // What was removed would stay away: no run of this program goes on with the store.
        say(&format!(
            "  nothing was removed: this program computes other numbers (results_version {}); move {} away, and the next run makes it anew\n",
            sweep::RESULTS_VERSION,
            surveyed.folder.display()
        ));
        return Ok(false);
    }
    let redone = store::verify::redo(described, &report.findings, &format!("verify-{}", std::process::id()))?;
    let mut text = String::new();
    for file in &redone.removed {
        let _ = writeln!(text, "  removed: {}", file.display());
    }
    for file in &redone.left {
        let _ = writeln!(text, "  left, as the last config did not ask for it: {}", file.display());
    }
    say(&text);
    Ok(true)
}
