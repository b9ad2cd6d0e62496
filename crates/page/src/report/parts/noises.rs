//! Maps under noise: strips of one image under every noise, and the likeness of maps under noise to those of the clean image.

use std::collections::BTreeMap;

use pictures::figures::Heat;
use pictures::palettes;
use store::StoreError;
use sweep::variant::Variant;

use crate::report::Wishes;
use crate::report::error::ReportError;
use crate::report::groups::{Found, Known, Reading, clean_of};
use crate::report::numbers::{Likeness, Ranked};
use crate::report::page::Page;
use crate::report::parts::csv::{Csv, number};
use crate::report::parts::{OPEN, percent, sheets};

/// Strips of a family.
const STRIPS: usize = 2;

/// Groups of one dataset, model and split.
type Family<'a> = Vec<(&'a Found, &'a Known)>;

/// Function that takes one number of a likeness.
type Of = fn(&Likeness) -> Option<f64>;

/// Likeness of the maps of one group to those of its clean one.
struct Compared {
    noise: String,
    images: u64,
    /// Number of images whose predicted class is the same.
    same_class: u64,
    methods: Vec<(String, Likeness)>,
}

/// Writes the chapter.
pub(in crate::report) fn noises(page: &mut Page, found: &[Found], wishes: &Wishes<'_>) -> Result<(), ReportError> {
    page.open_chapter("noise", "Under noise");
    let mut families: BTreeMap<[&str; 4], Family<'_>> = BTreeMap::new();
    for found in found {
        if let Ok(known) = &found.known {
            families.entry(known.family()).or_default().push((found, known));
        }
    }
    families.retain(|_, members| members.len() > 1);
    if families.is_empty() {
        page.text("No images are there under more than one noise.");
    }
    let mut csv = Csv::new(&["group", "clean_group", "method", "images", "same_prediction", "spearman", "overlap"]);
    let open = families.len() <= OPEN;
    for (number, ([dataset, model, split, _], members)) in families.iter().enumerate() {
        page.open_part(&format!("n{}", number + 1), &[*dataset, model, split].join(" · "), open);
        strips(page, number + 1, members)?;
        compared(page, (number + 1, members, found), wishes.sample, &mut csv)?;
        page.close_part();
    }
    if !families.is_empty() {
        page.table_file("tables/noise.csv", "Likeness under noise of all groups", &csv.text)?;
    }
    page.close_chapter();
    Ok(())
}

/// Draws strips: an image under every noise, with its maps.
fn strips(page: &mut Page, number: usize, members: &Family<'_>) -> Result<(), ReportError> {
    let first = members.iter().find(|(_, known)| known.is_clean()).or(members.first());
    let Some((found, known)) = first else { return Ok(()) };
    let images = match Reading::open(&known.group) {
        Ok(reading) => reading.spread(STRIPS),
        Err(error) => {
            page.warning(&format!("{} cannot be read: {error}", found.name));
            return Ok(());
        }
    };
    for (at, image) in images.into_iter().enumerate() {
        let caption = format!("Image {image} under every noise.");
        let mut sheet = sheets::sheet(caption.clone(), &known.group.variants);
        for (found, member) in members {
            let head = (Some(member.group.noise.name.clone()), image);
            let added = Reading::open(&member.group)
                .and_then(|mut reading| sheets::add(&mut sheet, &mut reading, &known.group.variants, head));
            if let Err(error) = added {
                page.warning(&format!("{} cannot be read: {error}", found.name));
            }
        }
        page.figure(&format!("n{number:04}-strip-{}", at + 1), &caption, &sheet.svg(sheets::SIDE)?, None)?;
    }
    Ok(())
}

/// Draws the likeness of maps under each noise to those of the clean images.
fn compared(
    page: &mut Page,
    (number, members, found): (usize, &Family<'_>, &[Found]),
    sample: usize,
    csv: &mut Csv,
) -> Result<(), ReportError> {
    let mut all = Vec::new();
    for (noisy, known) in members.iter().filter(|(_, known)| !known.is_clean()) {
        let clean = clean_of(known, found).and_then(|clean| Some((clean, clean.known.as_ref().ok()?)));
        let Some((clean, of_clean)) = clean else {
            page.text(&format!("{} has no group without noise to be compared with.", noisy.name));
            continue;
        };
        match likeness(known, of_clean, sample) {
            Ok(Some(compared)) => {
                for (method, of) in &compared.methods {
                    let names = [noisy.name.clone(), clean.name.clone(), method.clone(), of.images.to_string()];
                    let same = (compared.images > 0).then(|| compared.same_class as f64 / compared.images as f64);
                    csv.row(names.into_iter().chain([same, of.spearman(), of.overlap()].map(self::number)));
                }
                all.push(compared);
            }
            Ok(None) => page.warning(&format!("{} and {} have different images", noisy.name, clean.name)),
            Err(error) => page.warning(&format!("{} cannot be compared: {error}", noisy.name)),
        }
    }
    if all.iter().any(|compared| compared.images > 0) { heat(page, number, &all) } else { Ok(()) }
}

/// Compares the maps of a sample of images; `None` where the images are different ones.
fn likeness(noisy: &Known, clean: &Known, sample: usize) -> Result<Option<Compared>, StoreError> {
    let (mut one, mut other) = (Reading::open(&noisy.group)?, Reading::open(&clean.group)?);
    let pairs: Vec<(&Variant, &Variant)> = noisy
        .group
        .variants
        .iter()
        .filter_map(|own| Some((own, clean.group.variants.iter().find(|of_clean| of_clean.key == own.key)?)))
        .collect();
    let mut methods: Vec<(String, Likeness)> =
        pairs.iter().map(|(own, _)| (own.key.clone(), Likeness::default())).collect();
    let (mut images, mut same_class) = (0, 0);
    for image in one.spread(sample) {
        let found = one.samples.find(&noisy.group, image).zip(other.samples.find(&clean.group, image));
        let Some((here, there)) = found else { continue };
        if here.index != there.index {
            return Ok(None);
        }
        images += 1;
        same_class += u64::from(here.predicted == there.predicted);
        for ((own, of_clean), (_, likeness)) in pairs.iter().zip(&mut methods) {
            let panels = (one.panel(own, image)?, other.panel(of_clean, image)?);
            if let (Some(one), Some(other)) = panels
                && let (Some(one), Some(other)) = (Ranked::of(&one), Ranked::of(&other))
            {
                likeness.add(&one, &other);
            }
        }
    }
    Ok(Some(Compared { noise: noisy.group.noise.name.clone(), images, same_class, methods }))
}

fn heat(page: &mut Page, number: usize, all: &[Compared]) -> Result<(), ReportError> {
    let mut methods: Vec<String> = Vec::new();
    for (method, _) in all.iter().flat_map(|compared| &compared.methods) {
        if !methods.contains(method) {
            methods.push(method.clone());
        }
    }
    let columns: Vec<String> = all.iter().map(|compared| compared.noise.clone()).collect();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|of| {
            let same = (of.images > 0).then(|| of.same_class as f64 / of.images as f64);
            vec![of.noise.clone(), of.images.to_string(), percent(same)]
        })
        .collect();
    page.table(
        "images of the sample, and share of them with the same predicted class as without noise",
        &["noise", "images", "same prediction"],
        &rows,
    );
    let kinds: [(&str, &str, Of); 2] = [
        (
            "spearman",
            "Spearman's rank correlation of the pixels of each map with those of the map without noise, mean over images.",
            Likeness::spearman,
        ),
        (
            "overlap",
            "Share of the first tenth of the pixels that the maps with and without noise both have, mean over images.",
            Likeness::overlap,
        ),
    ];
    for (name, caption, of) in kinds {
        let value = |method: &String, compared: &Compared| {
            compared.methods.iter().find(|(other, _)| other == method).and_then(|(_, likeness)| of(likeness))
        };
        let values =
            methods.iter().map(|method| all.iter().map(|compared| value(method, compared)).collect()).collect();
        let palette = palettes::named(Some("RdBu_r"), true)?;
        let heat = Heat {
            title: caption,
            rows: methods.clone(),
            columns: columns.clone(),
            values,
            range: [-1.0, 1.0],
            palette,
        };
        page.figure(&format!("n{number:04}-{name}"), caption, &heat.svg(), None)?;
    }
    Ok(())
}
