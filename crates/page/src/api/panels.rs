//! Numbers of panels that are seen together: what gets the full colour, and what the store says of each map.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use pictures::{Channels, Outliers, Panel, full_colour};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Json, Refusal, Shown, aside, variant};
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
pub(super) struct Ask {
    pub(super) images: Vec<u64>,
    pub(super) columns: Vec<(String, String)>,
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
    /// Key that panels with the same scale have in common.
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
pub(super) type Found = Result<(Arc<Panel>, Numbers), Refusal>;
/// Row, column, and what is there.
pub(super) type Placed = ((usize, usize), Found);

/// Panels that were read together.
pub(super) struct Seen {
    pub(super) ask: Ask,
    outliers: Outliers,
    panels: Vec<Placed>,
    /// Values of the full colour, by what panels share.
    full: BTreeMap<(usize, usize), f64>,
}

/// Answers with the numbers of each panel, row by row.
pub(super) async fn panels(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Json {
    let ask = parsed(&asked.ask)?;
    aside(&shown, move |shown| Ok(axum::Json(read(shown, ask)?.told()))).await
}

/// Panels that are asked for in JSON, as far as they make sense.
pub(super) fn parsed(text: &str) -> Result<Ask, Refusal> {
    let ask: Ask = super::parsed(text)?;
    ask.outliers.parse::<Outliers>()?;
    ask.channels.parse::<Channels>()?;
    let count = ask.images.len().saturating_mul(ask.columns.len());
    if count > PANELS {
        return Err(Refusal::bad(format!("{count} panels at once, expected {PANELS} at most")));
    }
    Ok(ask)
}

/// Reads the panels that are asked for, and finds the values of their full colours.
pub(super) fn read(shown: &Shown, ask: Ask) -> Result<Seen, Refusal> {
    let (outliers, channels) = (ask.outliers.parse::<Outliers>()?, ask.channels.parse::<Channels>()?);
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
    let full = together.into_iter().map(|(shared, members)| (shared, full_colour(members, outliers))).collect();
    Ok(Seen { ask, outliers, panels, full })
}

impl Seen {
    /// Panels, row by row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Placed]> {
        self.panels.chunks(self.ask.columns.len().max(1))
    }

    /// Value of the full colour at a row and a column.
    pub(super) fn full(&self, (row, column): (usize, usize)) -> Option<f64> {
        self.full.get(&self.ask.scale.shared(row, column)).copied()
    }

    /// Value of the full colour of all panels, where they share it.
    pub(super) fn common(&self) -> Option<f64> {
        (self.ask.scale == Scale::All).then(|| self.full((0, 0))).flatten()
    }

    /// Number of values of all panels.
    pub(super) fn values(&self) -> usize {
        self.panels.iter().map(|(_, found)| found.as_ref().map_or(0, |(panel, _)| panel.values.len())).sum()
    }

    /// The scale in words.
    pub(super) fn said(&self) -> String {
        format!("{}; full colour at {}", self.ask.scale.told(), self.outliers)
    }

    fn told(&self) -> Value {
        let one = |(place, panel): &Placed| match panel {
            Ok((panel, numbers)) => number(panel, *numbers, self.full(*place)),
            Err(refusal) => json!({"error": refusal.text()}),
        };
        let rows: Vec<Vec<Value>> = self.rows().map(|row| row.iter().map(one).collect()).collect();
        json!({"panels": rows, "said": self.said()})
    }
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
