//! Numbers of panels that are seen together: what gets the full colour, and what the store says of each map.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use pictures::{Channels, Outliers, Panel, full_colour};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Json, Refusal, Shown, aside, parsed, variant};
use crate::stores::Numbers;

/// Panels in one answer at most.
const PANELS: usize = 400;
/// Values of all panels in one answer at most: 64 MiB.
const VALUES: usize = 16 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    ask: String,
}

/// Panels of images (rows) and of groups with one of their variants (columns).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    images: Vec<u64>,
    columns: Vec<(String, String)>,
    scale: Scale,
    outliers: String,
    channels: String,
}

/// Panels that share the value of the full colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    Map,
    Row,
    Column,
    All,
}

impl Scale {
    /// What panels with the same scale have in common.
    fn shared(self, row: usize, column: usize) -> (usize, usize) {
        match self {
            Self::Map => (row, column),
            Self::Row => (row, usize::MAX),
            Self::Column => (usize::MAX, column),
            Self::All => (usize::MAX, usize::MAX),
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Map => "each map has its own scale",
            Self::Row => "one scale for each row",
            Self::Column => "one scale for each column",
            Self::All => "one scale for all maps",
        }
    }
}

/// Panel and the numbers beside it, or the reason for which there is none.
type Found = Result<(Arc<Panel>, Numbers), Refusal>;
/// Row, column, and what is there.
type Placed = ((usize, usize), Found);

/// Answers with the numbers of each panel, row by row.
pub(super) async fn panels(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Json {
    let ask: Ask = parsed(&asked.ask)?;
    let (outliers, channels) = (ask.outliers.parse::<Outliers>()?, ask.channels.parse::<Channels>()?);
    let count = ask.images.len().saturating_mul(ask.columns.len());
    if count > PANELS {
        return Err(Refusal::bad(format!("{count} panels at once, expected {PANELS} at most")));
    }
    aside(&shown, move |shown| Ok(axum::Json(told(shown, &ask, outliers, channels)?))).await
}

fn told(shown: &Shown, ask: &Ask, outliers: Outliers, channels: Channels) -> Result<Value, Refusal> {
    let mut panels: Vec<Placed> = Vec::new();
    let mut values = 0;
    for (row, image) in ask.images.iter().enumerate() {
        for (column, (id, key)) in ask.columns.iter().enumerate() {
            let panel = panel(shown, (id, key), *image, channels);
            values += panel.as_ref().map_or(0, |(panel, _)| panel.values.len());
            if values > VALUES {
                return Err(Refusal::bad(format!("these maps are more than {VALUES} values at once; ask for fewer")));
            }
            panels.push(((row, column), panel));
        }
    }
    let mut together: BTreeMap<(usize, usize), Vec<&[f32]>> = BTreeMap::new();
    for ((row, column), panel) in &panels {
        if let Ok((panel, _)) = panel {
            together.entry(ask.scale.shared(*row, *column)).or_default().push(&panel.values);
        }
    }
    let full: BTreeMap<(usize, usize), f64> =
        together.into_iter().map(|(shared, members)| (shared, full_colour(members, outliers))).collect();
    let one = |((row, column), panel): &Placed| match panel {
        Ok((panel, numbers)) => number(panel, *numbers, full.get(&ask.scale.shared(*row, *column)).copied()),
        Err(refusal) => json!({"error": refusal.text()}),
    };
    let rows: Vec<Vec<Value>> =
        panels.chunks(ask.columns.len().max(1)).map(|row| row.iter().map(one).collect()).collect();
    Ok(json!({"panels": rows, "said": format!("{}; full colour at {outliers}", ask.scale.told())}))
}

fn number(panel: &Panel, numbers: Numbers, full: Option<f64>) -> Value {
    let values = || panel.values.iter().copied().filter(|value| value.is_finite());
    json!({
        "full": full,
        "least": values().fold(f32::INFINITY, f32::min),
        "most": values().fold(f32::NEG_INFINITY, f32::max),
        "positive": panel.positive_share(),
        "delta": numbers.delta,
        "underflow": numbers.underflow,
        "height": panel.height,
        "width": panel.width,
    })
}

fn panel(shown: &Shown, (id, key): (&str, &str), image: u64, channels: Channels) -> Found {
    let (_, group) = shown.store(id)?;
    let variant = variant(&group, key)?;
    let panel = shown.gallery.panel(&group, variant, image, channels)?;
    Ok((panel, shown.gallery.numbers(&group, variant, image)?))
}
