//! Where units wait: their home, and what they cost.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use sweep::group::Group;
use sweep::unit::{Part, Piece, Unit};

use super::queue::{Home, Place};
use super::units::Units;

/// The place of every unit. What is not forecast costs, for each map, as much as what is.
pub(super) fn places(units: &Units) -> Vec<Place> {
    let (mut seconds, mut maps) = (0.0, 0);
    for (unit, forecast) in units.iter() {
        if let Some(forecast) = forecast {
            seconds += f64::from(forecast);
            maps += unit.maps();
        }
    }
    let of_map = if maps > 0 { seconds / maps as f64 } else { 1.0 };
    let mut homes = Homes::default();
    let place = |(unit, forecast): (&Unit, Option<f32>)| Place {
        home: homes.of(&unit.group),
        cost: forecast.unwrap_or((unit.maps() as f64 * of_map) as f32),
        first: unit.part == Part::Means || unit.piece == Some(Piece::Predictions),
    };
    units.iter().map(place).collect()
}

/// Counts homes: what a worker holds of a group is its model and its file of images.
#[derive(Default)]
struct Homes {
    by_content: HashMap<(String, PathBuf, PathBuf), Home>,
    /// The group asked for last: units of one follow each other.
    last: Option<(Arc<Group>, Home)>,
}

impl Homes {
    fn of(&mut self, group: &Arc<Group>) -> Home {
        if let Some((last, home)) = &self.last
            && Arc::ptr_eq(last, group)
        {
            return *home;
        }
        let (model, weights, images) = group.home();
        let content = (model.to_owned(), weights.to_owned(), images.to_owned());
        let next = self.by_content.len() as Home;
        let home = *self.by_content.entry(content).or_insert(next);
        self.last = Some((Arc::clone(group), home));
        home
    }
}
