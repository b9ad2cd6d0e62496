//! Overview: all groups, how far they are, and what is missing.

use crate::report::error::ReportError;
use crate::report::groups::{Found, Known};
use crate::report::page::Page;
use crate::report::parts::csv::Csv;

const HEAD: [&str; 7] = ["dataset, model, noise, split", "images", "methods", "maps", "of", "state", "store"];

/// Writes the chapter.
pub(in crate::report) fn overview(page: &mut Page, found: &[Found]) -> Result<(), ReportError> {
    page.open_chapter("overview", "Overview");
    let complete = found.iter().filter(|found| found.is_complete()).count();
    page.text(&format!("{complete} of {} groups are complete.", found.len()));
    for found in found.iter().filter(|found| !found.is_complete()).take(20) {
        page.warning(&format!("{}: {}", found.name, state(found)));
    }
    let more = (found.len() - complete).saturating_sub(20);
    if more > 0 {
        page.warning(&format!("{more} more groups are not complete; the table below has all of them"));
    }
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    page.table("groups", &HEAD, &rows);
    let mut csv = Csv::new(&[
        "group", "dataset", "model", "noise", "split", "images", "methods", "maps", "expected", "state", "store",
    ]);
    for (found, row) in found.iter().zip(&rows) {
        let names = found.known.as_ref().map_or_else(
            |_| [""; 4].map(str::to_owned),
            |known| {
                let group = &known.group;
                [group.dataset.clone(), group.model.clone(), group.noise.name.clone(), group.split.clone()]
            },
        );
        csv.row(std::iter::once(found.name.clone()).chain(names).chain(row[1..].iter().cloned()));
    }
    page.table_file("tables/groups.csv", "The table of groups", &csv.text)?;
    page.close_chapter();
    Ok(())
}

fn row(found: &Found) -> Vec<String> {
    let place = found.place.display().to_string();
    let Ok(known) = &found.known else {
        let none = ["", "", "", ""].map(str::to_owned);
        return std::iter::once(format!("#g{} {}", found.number, found.name))
            .chain(none)
            .chain([state(found), place])
            .collect();
    };
    let group = &known.group;
    let [made, expected] = maps(known);
    let names = [group.dataset.as_str(), &group.model, &group.noise.name, &group.split].join(" · ");
    let numbers = [group.images, group.variants.len() as u64, made, expected].map(|number| number.to_string());
    std::iter::once(format!("#g{} {names}", found.number)).chain(numbers).chain([state(found), place]).collect()
}

/// Number of maps that are there, of shards that are whole, and of all maps.
fn maps(known: &Known) -> [u64; 2] {
    let group = &known.group;
    // Only the last shard may have fewer images, and which shards are there does not matter here.
    let of = |shards: u64| shards.saturating_mul(group.shard).min(group.images);
    let made = known.done.iter().map(|shards| of(*shards)).sum();
    [made, group.images.saturating_mul(group.variants.len() as u64)]
}

/// State of a group, in words.
fn state(found: &Found) -> String {
    match &found.known {
        Ok(known) if known.complete => "complete".to_owned(),
        Ok(known) => {
            let done: u64 = known.done.iter().sum();
            let all = known.group.shards().saturating_mul(known.group.variants.len() as u64);
            format!("not complete, {done} of {all} shards of maps are there")
        }
        Err(reason) => format!("cannot be read: {reason}"),
    }
}
