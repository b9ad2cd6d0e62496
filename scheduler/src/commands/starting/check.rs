//! Text of `scheduler --check`: what a config stands for, without starting anything.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use evaluation::ask;
use fleet::Slot;
use plan::exit::Failure;
use plan::{Checked, Forecast, Outlook, Planned};
use store::LAYERS;
use sweep::config::Found;

use crate::tell::{Predictions, duration, say, size};

/// Prints devices, stores and layers of a config that was checked.
pub(crate) fn tell(checked: &Checked) -> Result<(), Failure> {
    let tested = checked.launcher.test()?;
    let mut text = String::from("The config is sound.\n");
    let devices: Vec<String> = checked.slots.iter().map(device).collect();
    let _ = writeln!(text, "  devices   {}", devices.join(", "));
    for sentence in tested {
        let _ = writeln!(text, "  launcher  {sentence}");
    }
    text.push_str(&of_experiment(checked));
    for file in checked.means.missing() {
        let _ = writeln!(text, "  to do     {} (mean image, computed before the sweep begins)", file.display());
    }
    let predictions = Predictions::of(&checked.groups);
    for (at, planned) in checked.groups.iter().enumerate() {
        let group = &planned.group;
        let state = if planned.complete { "complete" } else { "to do" };
        let (store, images, maps) = (group.store.display(), group.images, group.variants.len());
        let _ = writeln!(text, "  {state:9} {store} ({images} images x {maps} maps){}", predictions.told(at));
    }
    for theirs in &checked.theirs {
        let (place, Some(record)) = (theirs.place.display(), &theirs.record) else { continue };
        let _ = writeln!(
            text,
            "  adopted   {place} ({} images x {} maps of another program)",
            record.images,
            record.maps.len()
        );
    }
    for (model, key, layer) in looked_at(checked) {
        let _ = writeln!(text, "  layer     {key} of {model} looks at `{layer}`");
    }
    text.push_str(&of_evaluation(checked));
    text.push_str(&of_work(&checked.outlook()?));
    text.push_str(&predictions.doubts());
    say(&text);
    Ok(())
}

/// Line on what the evaluation of an image takes; the groups of a config may differ in the shape of their images.
fn of_evaluation(checked: &Checked) -> String {
    let groups = checked.groups.iter().map(|planned| &planned.group);
    let evaluated = groups.filter(|group| !group.evaluation.is_empty());
    let told: BTreeSet<String> = evaluated
        .map(|group| {
            let (shared, each) = ask::costs(&group.evaluation, group.shape);
            let scores = group.evaluation.scores.len();
            let (passes, maps, together) = (each.passes, each.maps, shared.passes);
            format!(
                "  scores    {scores} for each map; an image takes {passes} passes and {maps} maps for each method, and {together} \
                 passes for all\n"
            )
        })
        .collect();
    told.into_iter().collect()
}

/// Lines on how much there is to do, and on how long it takes where that is known.
fn of_work(work: &Outlook) -> String {
    let Outlook { groups, variants, units, maps, bytes, forecasts } = work;
    let bytes = size(*bytes);
    let mut text = format!(
        "  in all    {groups} groups x {variants} variants: {maps} maps in {units} units to do; {bytes} on the disk before compression\n"
    );
    for Forecast { model, slots, seconds, unknown } in forecasts.iter().filter(|_| *maps > 0) {
        let told = match (*unknown, duration(*seconds)) {
            (0, time) => time,
            (unknown, _) if unknown == *maps => "not known: nothing was measured there (preflight measures)".to_owned(),
            (unknown, time) => format!("{time}, and the time of {unknown} maps that were not measured there"),
        };
        let _ = writeln!(text, "  forecast  {slots} x {model}: {told}");
    }
    text
}

/// Lines on the reference experiment of the config, and on what it sets.
fn of_experiment(checked: &Checked) -> String {
    let Some(reference) = &checked.config.reference else { return String::new() };
    let found = match reference.found {
        Found::Named => "named by the config".to_owned(),
        Found::Recognised(by) => format!("recognised by {by}; `reference: none` takes none"),
    };
    let sets = reference.sets().into_iter().map(|set| format!("            {set}\n"));
    let first = format!("  reference {} ({found})\n", reference.experiment.name);
    std::iter::once(first).chain(sets).collect()
}

/// Name of a slot; on the CPU with the number of threads.
fn device(slot: &Slot) -> String {
    let plural = if slot.threads == 1 { "" } else { "s" };
    if slot.gpu.is_some() { slot.name.clone() } else { format!("{} ({} thread{plural})", slot.name, slot.threads) }
}

/// Models with their variants that name no layer, and the layers that these variants look at.
fn looked_at(checked: &Checked) -> BTreeSet<(String, String, String)> {
    let of = |planned: &Planned| {
        let layers = planned.facts.provenance[LAYERS].as_object().cloned().unwrap_or_default();
        let model = planned.group.model.clone();
        layers.into_iter().map(move |(key, layer)| (model.clone(), key, layer.as_str().unwrap_or_default().to_owned()))
    };
    checked.groups.iter().flat_map(of).collect()
}
