//! What is seen, as files: the figure as SVG and as PNG, and its values as CSV.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use pictures::figures::{Bar, Row, Sheet, Tile, short};
use pictures::{Panel, Rgb, palettes};
use serde::Deserialize;
use sweep::group::Group;

use super::panels::{Found, Seen, parsed, read};
use super::{Refusal, Shown, aside, variant};

/// Values of a table at most, with some 12 letters each.
const VALUES: usize = 1 << 20;
/// Values of a figure at most.
const DRAWN: usize = 16 << 20;
/// Pixels of a PNG at most: 48 MB before it is encoded.
const PIXELS: usize = 16 << 20;
/// Width of a picture in a figure, in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 8..=1024;

/// A figure: the panels that are seen, and how they are drawn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Panels, as `api/panels` takes them.
    ask: String,
    /// Names of colour maps, with and without signs.
    signed: Option<String>,
    unsigned: Option<String>,
    /// Share of the image that is seen over each map, from 0 to 1.
    overlay: Option<f64>,
    /// Width of a picture, in pixels.
    size: Option<u32>,
}

/// Gives the figure as SVG, with text.
pub(super) async fn svg(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Refusal> {
    let size = size(&asked)?;
    let figure = aside(&shown, move |shown| Ok(figure(shown, &asked)?.0.svg(f64::from(size))?)).await?;
    Ok((file("image/svg+xml", "maps.svg"), figure))
}

/// Gives the pictures of the figure as one PNG.
pub(super) async fn png(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Refusal> {
    let size = size(&asked)?;
    let work = move |shown: &Shown| {
        let (figure, widest) = figure(shown, &asked)?;
        let times = (size as usize / widest.max(1)).max(1);
        let fields = figure.rows.len() * figure.columns.len();
        let highest = figure.rows.iter().flat_map(|row| &row.tiles).map(Tile::height).max().unwrap_or(0);
        let [wide, high] = [widest, highest].map(|side| side * times + 4);
        if fields.saturating_mul(wide.saturating_mul(high)) > PIXELS {
            let text = format!(
                "{fields} pictures of {wide}x{high} pixels are more than {PIXELS} pixels; ask for fewer or smaller ones"
            );
            return Err(Refusal::bad(text));
        }
        Ok(figure.png(times)?)
    };
    Ok((file("image/png", "maps.png"), aside(&shown, work).await?))
}

/// Gives the values as CSV: a line for each pixel of each image, a column for each of the figure's.
pub(super) async fn csv(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Refusal> {
    size(&asked)?;
    let work = move |shown: &Shown| {
        let seen = read(shown, parsed(&asked.ask)?)?;
        for (id, key) in &seen.ask.columns {
            // A table of what is not there would be one without lines.
            variant(&shown.store(id)?.1, key)?;
        }
        table(&seen)
    };
    let table = aside(&shown, work).await?;
    Ok((file("text/csv; charset=utf-8", "maps.csv"), table))
}

/// Headers of a file that a browser saves under this name.
fn file(kind: &'static str, name: &'static str) -> [(header::HeaderName, String); 2] {
    [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))]
}

fn size(asked: &Asked) -> Result<u32, Refusal> {
    let size = asked.size.unwrap_or(112);
    if SIZES.contains(&size) && asked.overlay.is_none_or(|share| (0.0..=1.0).contains(&share)) {
        return Ok(size);
    }
    Err(Refusal::bad(format!(
        "`size` is {size} and `overlay` {:?}, expected {} to {} pixels and a share from 0 to 1",
        asked.overlay,
        SIZES.start(),
        SIZES.end()
    )))
}

/// The figure, and the width of its widest picture.
fn figure(shown: &Shown, asked: &Asked) -> Result<(Sheet, usize), Refusal> {
    let seen = read(shown, parsed(&asked.ask)?)?;
    if seen.values() > DRAWN {
        return Err(Refusal::bad(format!("these maps are more than {DRAWN} values at once; ask for fewer")));
    }
    let columns = &seen.ask.columns;
    let first = columns.first().filter(|_| !seen.ask.images.is_empty());
    let (first, _) = first.ok_or_else(|| Refusal::bad("a figure without images or without columns".to_owned()))?;
    let [_, height, width] = shown.store(first)?.1.shape;
    if seen.ask.images.len().saturating_mul(height.saturating_mul(width)) > DRAWN {
        return Err(Refusal::bad(format!("these images are more than {DRAWN} pixels at once; ask for fewer")));
    }
    let palette = |signed: bool| {
        let name = if signed { &asked.signed } else { &asked.unsigned };
        palettes::named(name.as_deref(), signed)
    };
    // A name of no colour map is refused, whether a map of its kind is there or not.
    palette(true)?;
    palette(false)?;
    let signs: Vec<bool> = columns
        .iter()
        .map(|(id, key)| Ok(variant(&shown.store(id)?.1, key)?.is_signed()))
        .collect::<Result<_, Refusal>>()?;
    let mut rows = Vec::new();
    for (image, panels) in seen.ask.images.iter().zip(seen.rows()) {
        let mut row = head(shown, first, *image)?;
        for (at, (place, found)) in panels.iter().enumerate() {
            let full = seen.full(*place);
            row.tiles.push(tile(shown, (&columns[at].0, *image), (found, full), palette(signs[at])?, asked.overlay)?);
        }
        rows.push(row);
    }
    let kinds: BTreeSet<bool> = signs.iter().copied().collect();
    let bars = kinds.into_iter().rev().map(|signed| Ok(bar(palette(signed)?, seen.common())));
    let bars = bars.collect::<Result<_, Refusal>>()?;
    let titles = std::iter::once("image".to_owned()).chain(titles(shown, columns)?).collect();
    let notes = vec![format!("{}, which is the number below each map.", seen.said())];
    let sheet = Sheet { title: "Images and maps".to_owned(), columns: titles, rows, bars, notes };
    let widest = sheet.rows.iter().flat_map(|row| &row.tiles).map(Tile::width).max().unwrap_or(0);
    Ok((sheet, widest))
}

/// Colour bar, with the value of the full colour where all panels have the same.
fn bar(palette: &'static palettes::Palette, common: Option<f64>) -> Bar {
    let full = common.map_or_else(|| "full".to_owned(), short);
    let low = if palette.diverging { format!("−{full}") } else { "0".to_owned() };
    Bar { palette, ends: [low, full] }
}

/// Beginning of a row: what is known of an image, and its picture.
fn head(shown: &Shown, id: &str, image: u64) -> Result<Row, Refusal> {
    let (_, group) = shown.store(id)?;
    let sample = shown.gallery.samples(&group)?.find(&group, image).copied();
    let wrong = sample.is_some_and(|sample| sample.is_right() == Some(false));
    let mut lines = vec![format!("#{image}")];
    if let Some(sample) = sample {
        let label = sample.label.map(|label| format!("{label} → ")).unwrap_or_default();
        lines.push(format!("{label}{} ({:.0} %)", sample.predicted, 100.0 * sample.confidence));
        lines.extend(wrong.then(|| "✗ wrong".to_owned()));
    }
    let tile = match shown.gallery.picture(&group, image) {
        Ok(picture) => Tile::Picture { picture, below: String::new(), wrong },
        Err(refusal) => Tile::Missing(refusal.text().to_owned()),
    };
    Ok(Row { head: lines, tiles: vec![tile] })
}

fn tile(
    shown: &Shown,
    (id, image): (&str, u64),
    (found, full): (&Found, Option<f64>),
    palette: &'static palettes::Palette,
    overlay: Option<f64>,
) -> Result<Tile, Refusal> {
    let (panel, full) = match (found, full) {
        (Ok((panel, _)), Some(full)) => (panel, full),
        (Err(refusal), _) => return Ok(Tile::Missing(refusal.text().to_owned())),
        _ => return Ok(Tile::Missing("it has no scale".to_owned())),
    };
    let mut picture = Rgb::of_panel(panel, palette, full);
    if let Some(share) = overlay.filter(|share| *share > 0.0)
        && let Ok(under) = shown.gallery.picture(&shown.store(id)?.1, image)
    {
        picture = picture.over(&under, share);
    }
    let below = if full == 0.0 { "all zero".to_owned() } else { short(full) };
    Ok(Tile::Picture { picture, below, wrong: false })
}

/// Titles of columns: the keys of the methods, and of several groups what tells one from the others.
fn titles(shown: &Shown, columns: &[(String, String)]) -> Result<Vec<String>, Refusal> {
    let groups: Vec<Arc<Group>> =
        columns.iter().map(|(id, _)| Ok(shown.store(id)?.1)).collect::<Result<_, Refusal>>()?;
    let parts = |group: &Group| [&group.dataset, &group.model, &group.noise.name, &group.split].map(Clone::clone);
    let differ = |at: usize| groups.iter().any(|group| parts(group)[at] != parts(&groups[0])[at]);
    let differing: Vec<usize> = (0..4).filter(|at| differ(*at)).collect();
    let title = |(group, (_, key)): (&Arc<Group>, &(String, String))| {
        let names = differing.iter().map(|at| parts(group)[*at].clone());
        names.chain([key.clone()]).collect::<Vec<_>>().join(" ")
    };
    Ok(groups.iter().zip(columns).map(title).collect())
}

fn table(seen: &Seen) -> Result<String, Refusal> {
    if seen.values() > VALUES {
        return Err(Refusal::bad(format!("these maps are more than {VALUES} values at once; ask for fewer")));
    }
    let quoted = |(id, key): &(String, String)| format!("\"{} {}\"", id.replace('"', "\"\""), key.replace('"', "\"\""));
    let names: Vec<String> = seen.ask.columns.iter().map(quoted).collect();
    let mut text = format!("image,y,x,{}\n", names.join(","));
    // A wide panel beside a high one leaves most of the table empty.
    let mut fields = 0_usize;
    for (image, row) in seen.ask.images.iter().zip(seen.rows()) {
        let panels: Vec<Option<&Panel>> =
            row.iter().map(|(_, found)| found.as_ref().ok().map(|(panel, _)| panel.as_ref())).collect();
        let height = panels.iter().flatten().map(|panel| panel.height).max().unwrap_or(0);
        let width = panels.iter().flatten().map(|panel| panel.width).max().unwrap_or(0);
        fields = fields.saturating_add(height.saturating_mul(width).saturating_mul(panels.len()));
        if fields > 4 * VALUES {
            return Err(Refusal::bad("maps of such different sizes are no table".to_owned()));
        }
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let _ = write!(text, "{image},{y},{x}");
            for panel in &panels {
                let value = panel
                    .filter(|panel| y < panel.height && x < panel.width)
                    .map(|panel| panel.values[y * panel.width + x]);
                text.push(',');
                if let Some(value) = value {
                    let _ = write!(text, "{value}");
                }
            }
            text.push('\n');
        }
    }
    Ok(text)
}
