//! What it costs to find out what a sweep that was cut off has left to do: the names of the files of its stores are read.
//!
//! `cargo run --release -p scheduler --example resume [GROUPS [SHARDS]]`

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use store::families::{ATTRIBUTIONS, CONVERGENCE_DELTAS, Family, UNDERFLOW};
use store::{Ledger, name};
use sweep::group::Group;

#[path = "million/group.rs"]
#[allow(dead_code, reason = "of one model here")]
mod group;

/// What stands beside the maps of each of the sixteen variants, and for all of them.
const BESIDE: [&Family; 3] = [&ATTRIBUTIONS, &CONVERGENCE_DELTAS, &UNDERFLOW];
const FIXED: [&str; 4] = [name::IMAGES, name::LABELS, name::INDICES, name::PREDICTIONS];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let groups: usize = arguments.next().map_or(Ok(10), |groups| groups.parse())?;
    let shards: usize = arguments.next().map_or(Ok(1000), |shards| shards.parse())?;
    let folder = std::env::temp_dir().join(format!("attrisweep-resume-{}", std::process::id()));
    let groups: Vec<Group> = (0..groups).map(|index| of(&folder, &group::group(index, shards))).collect();
    let mut files = 0;
    for group in &groups {
        files += half_done(group)?;
    }
    let began = Instant::now();
    let mut left = 0;
    for group in &groups {
        let ledger = Ledger::read(group)?;
        left += (0..group.shards()).filter(|shard| !ledger.is_done(group, *shard)).count();
    }
    let (took, units) = (began.elapsed(), groups.len() * shards);
    fs::remove_dir_all(&folder)?;
    let each = took.as_secs_f64() * 1e6 / units as f64;
    let found = format!("{left} of {units} units are left, {files} files");
    Ok(writeln!(std::io::stdout(), "{found}: {:.2} s, {each:.1} us for each unit", took.as_secs_f64())?)
}

fn of(folder: &Path, group: &Arc<Group>) -> Group {
    let mut group = Group::clone(group);
    group.store = folder.join(group.store.file_name().unwrap_or_default());
    group
}

/// Makes the files of the first half of a group's shards, empty as their names are all that is read; how many.
fn half_done(group: &Group) -> Result<usize, Box<dyn Error>> {
    let of_variants = group.variants.iter().flat_map(|variant| BESIDE.map(|family| family.of(&variant.key)));
    let mut files = 0;
    for array in FIXED.map(str::to_owned).into_iter().chain(of_variants) {
        let folder = group.store.join(array);
        fs::create_dir_all(&folder)?;
        for shard in 0..group.shards() / 2 {
            File::create(folder.join(format!("c.{shard}.0.0.0")))?;
            files += 1;
        }
    }
    Ok(files)
}
