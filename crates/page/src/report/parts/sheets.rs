//! Sheets: images with their maps, rows of one group or of several.

use pictures::figures::{Bar, Row, Sheet, Tile, short};
use pictures::{Outliers, Rgb, full_colour, palettes};
use store::StoreError;
use sweep::variant::Variant;

use crate::report::groups::Reading;

/// Columns of a sheet at most, beside the images.
const COLUMNS: usize = 60;
/// Pixels of a map at most, in each direction; larger ones are averaged over squares.
const PIXELS: usize = 112;
/// Absolute values that get the full colour.
const OUTLIERS: Outliers = Outliers::Percentile(99.0);
/// Width of a picture on the page, in pixels.
pub(super) const SIDE: f64 = 96.0;

/// Sheet with a column for the images, and one for each of the first `variants`.
pub(super) fn sheet(title: String, variants: &[Variant]) -> Sheet {
    let shown = &variants[..variants.len().min(COLUMNS)];
    let columns = std::iter::once("image".to_owned()).chain(shown.iter().map(|variant| variant.key.clone())).collect();
    let mut notes = vec![format!(
        "Sums over channels. Each map has its own scale: the number below it is the value of its full colour, {OUTLIERS}."
    )];
    if variants.len() > COLUMNS {
        notes.push(format!("The first {COLUMNS} of {} methods.", variants.len()));
    }
    let kinds = [true, false].into_iter().filter(|signed| shown.iter().any(|variant| variant.is_signed() == *signed));
    let bar = |signed: bool| {
        let ends = [if signed { "−full" } else { "0" }, "full"].map(str::to_owned);
        Some(Bar { palette: palettes::named(None, signed).ok()?, ends })
    };
    Sheet { title, columns, rows: Vec::new(), bars: kinds.filter_map(bar).collect(), notes }
}

/// Adds an image with its maps, whose row begins with the line `head`.
pub(super) fn add(
    sheet: &mut Sheet,
    reading: &mut Reading<'_>,
    variants: &[Variant],
    (head, image): (Option<String>, u64),
) -> Result<(), StoreError> {
    let sample = reading.samples.find(reading.group, image).copied();
    let wrong = sample.is_some_and(|sample| sample.is_right() == Some(false));
    let mut lines: Vec<String> = head.into_iter().chain([format!("#{image}")]).collect();
    if let Some(sample) = sample {
        let label = sample.label.map(|label| format!("{label} → ")).unwrap_or_default();
        lines.push(format!("{label}{} ({:.0} %)", sample.predicted, 100.0 * sample.confidence));
        lines.extend(wrong.then(|| "✗ wrong".to_owned()));
    }
    let mut tiles = vec![match reading.picture(image)? {
        Some(picture) => Tile::Picture { picture: thinned(picture), below: String::new(), wrong },
        None => Tile::Missing("not written yet".to_owned()),
    }];
    for variant in variants.iter().take(COLUMNS) {
        // Groups of one family may have different variants.
        let Some(variant) = reading.group.variants.iter().find(|own| own.key == variant.key) else {
            tiles.push(Tile::Missing("not asked for".to_owned()));
            continue;
        };
        tiles.push(map(reading, variant, image, &mut sheet.notes)?);
    }
    sheet.rows.push(Row { head: lines, tiles });
    Ok(())
}

fn map(reading: &mut Reading<'_>, variant: &Variant, image: u64, notes: &mut Vec<String>) -> Result<Tile, StoreError> {
    let Some(panel) = reading.panel(variant, image)? else { return Ok(Tile::Missing("not written yet".to_owned())) };
    let (panel, side) = panel.reduced(PIXELS);
    let note = format!("Maps of more than {PIXELS} pixels are means over squares of {side} x {side} pixels.");
    if side > 1 && !notes.contains(&note) {
        notes.push(note);
    }
    let full = full_colour([panel.values.as_slice()], OUTLIERS);
    let missing = |error: pictures::PictureError| Tile::Missing(error.to_string());
    let palette = match palettes::named(None, variant.is_signed()) {
        Ok(palette) => palette,
        Err(error) => return Ok(missing(error)),
    };
    let below = if full == 0.0 { "all zero".to_owned() } else { short(full) };
    Ok(Tile::Picture { picture: Rgb::of_panel(&panel, palette, full), below, wrong: false })
}

/// A picture with every so many-th pixel, where it has too many.
fn thinned(picture: Rgb) -> Rgb {
    let side = picture.width.max(picture.height).div_ceil(PIXELS);
    if side <= 1 {
        return picture;
    }
    let (height, width) = (picture.height.div_ceil(side), picture.width.div_ceil(side));
    let pixel = |at: usize| {
        let from = (at / width * side * picture.width + at % width * side) * 3;
        picture.bytes[from..from + 3].iter().copied()
    };
    Rgb { height, width, bytes: (0..height * width).flat_map(pixel).collect() }
}
