//! Pictures of maps and images, and the numbers behind a picture.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use pictures::{Channels, Rgb, palettes};
use serde::Deserialize;

use super::{Refusal, Shown, aside, variant};

/// Time for which a browser may keep a picture, in seconds.
const KEPT: &str = "private, max-age=60";

/// A map.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Map {
    g: String,
    key: String,
    image: u64,
    channels: Option<String>,
    /// Absolute value that gets the full colour.
    full: Option<f64>,
    /// Name of a colour map; one of the wrong kind for the method does not count.
    colours: Option<String>,
}

/// An image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    g: String,
    image: u64,
}

impl Map {
    fn channels(&self) -> Result<Channels, Refusal> {
        Ok(self.channels.as_deref().unwrap_or("sum").parse()?)
    }
}

/// Draws a map as a PNG, one pixel for each of its own.
pub(super) async fn map(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Map>,
) -> Result<impl IntoResponse, Refusal> {
    let (channels, (_, group)) = (asked.channels()?, shown.store(&asked.g)?);
    let full = asked.full.filter(|full| full.is_finite() && *full >= 0.0);
    let full = full.ok_or_else(|| Refusal::bad("`full` is no number of zero or more".to_owned()))?;
    let signed = variant(&group, &asked.key)?.is_signed();
    let palette = palettes::named(asked.colours.as_deref(), signed)?;
    let png = aside(&shown, move |shown| {
        let panel = shown.gallery.panel(&group, variant(&group, &asked.key)?, asked.image, channels)?;
        Ok(Rgb::of_panel(&panel, palette, full).png()?)
    });
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, KEPT)], png.await?))
}

/// Gives one number a pixel of a map: little-endian single precision, row by row.
pub(super) async fn values(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Map>,
) -> Result<impl IntoResponse, Refusal> {
    let (channels, (_, group)) = (asked.channels()?, shown.store(&asked.g)?);
    let bytes = aside(&shown, move |shown| {
        let panel = shown.gallery.panel(&group, variant(&group, &asked.key)?, asked.image, channels)?;
        Ok(panel.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
    });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, KEPT)], bytes.await?))
}

/// Draws an image as it was before preprocessing.
pub(super) async fn image(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Image>,
) -> Result<impl IntoResponse, Refusal> {
    let (_, group) = shown.store(&asked.g)?;
    let png = aside(&shown, move |shown| Ok(shown.gallery.picture(&group, asked.image)?.png()?)).await?;
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, KEPT)], png))
}

/// A colour map.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Colours {
    name: String,
}

/// Draws a colour map as a PNG of 256 pixels.
pub(super) fn colours(asked: &Colours) -> Result<impl IntoResponse + use<>, Refusal> {
    let known = palettes::PALETTES.into_iter().find(|palette| palette.name == asked.name);
    let palette = known.ok_or_else(|| Refusal::missing(format!("there is no colour map `{}`", asked.name)))?;
    let bytes = palette.colours().concat();
    let png = Rgb { height: 1, width: bytes.len() / 3, bytes }.png()?;
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, KEPT)], png))
}
