//! Origin of the maps, how to cite them, and the facts of the report for programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::report::Wishes;
use crate::report::groups::{Found, Known};
use crate::report::page::Page;

const HEAD: [&str; 9] = [
    "group",
    "program",
    "libtorch",
    "results version",
    "computed on",
    "precision, seed",
    "weights",
    "SHA-256 of the weights",
    "images",
];

/// Writes the chapter on the origin of the maps.
pub(in crate::report) fn origin(page: &mut Page, found: &[Found], wishes: &Wishes<'_>) {
    page.open_chapter("origin", "Origin");
    let known = || found.iter().filter_map(|found| Some((found, found.known.as_ref().ok()?)));
    let unknown = known().filter(|(_, known)| known.devices.is_empty()).count();
    if unknown > 0 {
        page.text(&format!(
            "{unknown} stores do not say which devices computed them: they are of an earlier build, or have no map yet."
        ));
    }
    let rows: Vec<Vec<String>> = known().map(|(found, known)| row(found, known)).collect();
    page.table("files and devices, as the stores say", &HEAD, &rows);
    let take = |number: usize| if number == 1 { "1 image".to_owned() } else { format!("{number} images") };
    page.text(&format!(
        "Sheets of {} and statistics of {} of each group at most, evenly spread over the images that are there; numbers are computed from \
         the maps as they are stored.",
        take(wishes.images),
        take(wishes.sample)
    ));
    page.close_chapter();
}

fn row(found: &Found, known: &Known) -> Vec<String> {
    let group = &known.group;
    let text = |value: &Value| value.as_str().map_or_else(|| "not known".to_owned(), str::to_owned);
    let devices: Vec<String> = known.devices.iter().map(device).collect();
    let numerics = json!(group.numerics);
    let precision = ["precision", "dtype"].map(|name| text(&numerics[name])).join(", stored as ");
    vec![
        format!("#g{} {}", found.number, found.name),
        text(&known.provenance["program"]),
        text(&known.provenance["libtorch"]),
        known.results_version.map_or_else(|| "not known".to_owned(), |version| version.to_string()),
        if devices.is_empty() { "not known".to_owned() } else { devices.join("; ") },
        format!("{precision}, seed {}", group.numerics.seed),
        group.input.weights.display().to_string(),
        group.input.weights_sha256.clone(),
        group.input.images_file.display().to_string(),
    ]
}

/// A device in words, with the graph that ran on it.
fn device(device: &Value) -> String {
    let part = |name: &str| device[name].as_str().map(str::to_owned);
    let path = part("path").map(|path| format!("{path} graph"));
    let details: Vec<String> = [part("isa"), part("driver"), path].into_iter().flatten().collect();
    format!("{} ({})", part("device").unwrap_or_default(), details.join(", "))
}

/// Writes the chapter on how to cite.
pub(in crate::report) fn cite(page: &mut Page, found: &[Found]) {
    let known = || found.iter().filter_map(|found| found.known.as_ref().ok());
    let classes: BTreeSet<&str> =
        known().flat_map(|known| &known.group.variants).map(|variant| variant.class.as_str()).collect();
    let programs: BTreeSet<&str> = known().filter_map(|known| known.provenance["program"].as_str()).collect();
    let list = |all: BTreeSet<&str>| all.into_iter().collect::<Vec<_>>().join(", ");
    page.open_chapter("cite", "How to cite");
    page.text("A sentence for the methods section of a paper, and the entry of its bibliography:");
    let (programs, classes) = (list(programs), list(classes));
    let made = if programs.is_empty() { "attrisweep".to_owned() } else { programs };
    page.code(&format!(
        "Attribution maps ({classes}) were computed with {made}.\n\n\
         @software{{attrisweep,\n  title = {{attrisweep: attribution sweeps over models, methods, noises and datasets}},\n  \
         version = {{{}}},\n}}",
        env!("CARGO_PKG_VERSION")
    ));
    page.text("Each method and each metric has a paper of its own, which is to be cited as well: `worker catalogue` and docs/catalogue.md name them.");
    page.close_chapter();
}

/// Facts of the report for programs, as JSON.
pub(in crate::report) fn facts(found: &[Found]) -> String {
    let group = |found: &Found| {
        let Ok(known) = &found.known else {
            return json!({"name": found.name, "store": found.place, "error": found.known.as_ref().err()});
        };
        json!({
            "name": found.name,
            "store": found.place,
            "complete": known.complete,
            "images": known.group.images,
            "variants": known.group.variants.iter().map(|variant| json!({"key": variant.key, "class": variant.class, "parameters": variant.parameters})).collect::<Vec<_>>(),
            "done_shards": known.done,
            "shards": known.group.shards(),
            "numerics": known.group.numerics,
            "results_version": known.results_version,
            "computed_by": known.devices,
            "provenance": known.provenance,
        })
    };
    let groups: Vec<Value> = found.iter().map(group).collect();
    format!("{:#}\n", json!({"report_of": "attrisweep", "version": env!("CARGO_PKG_VERSION"), "groups": groups}))
}
