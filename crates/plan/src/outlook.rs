//! What a sweep has to do, before it begins: groups, units, bytes on the disk, and the time where it is known.

use fleet::Slot;
use store::{Ledger, StoreError};
use sweep::group::{Dtype, Group};
use sweep::unit::Unit;

use crate::checked::{Checked, Planned};
use crate::work::{KINDS, Lacking, Split, maps, of_shards};

/// Work of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Number of groups, complete ones too.
    pub groups: usize,
    /// Number of variants of a group.
    pub variants: usize,
    /// Number of units that work on shards and are to do.
    pub units: usize,
    /// Attribution maps to compute.
    pub maps: u64,
    /// Bytes of all stores once they are finished, before compression.
    pub bytes: u64,
    /// Time of the work to do, for each kind of device of the sweep.
    pub forecasts: Vec<Forecast>,
}

/// Time of the work on the devices of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Kind of device.
    pub model: String,
    /// Number of slots with such a device.
    pub slots: usize,
    /// Seconds that these slots take together for the maps whose time is known.
    pub seconds: f64,
    /// Maps whose time is not known, as nothing was measured on such a device.
    pub unknown: u64,
}

impl Checked {
    /// Looks at what the sweep has to do. Nothing is written.
    pub fn outlook(&self) -> Result<Outlook, StoreError> {
        let split = Split::of(self.groups.iter().map(|planned| planned.group.as_ref()), self.slots.len());
        let mut units = Vec::new();
        for (index, planned) in self.groups.iter().enumerate().filter(|(_, planned)| !planned.complete) {
            let (group, ledger) = (&planned.group, Ledger::read(&planned.group)?);
            let lacking = Lacking { group, index, ledger: &ledger, split: &split, complete: false };
            units.extend(KINDS.iter().flat_map(|kind| kind.units(&lacking)));
        }
        let to_do = units.iter().map(maps).sum();
        Ok(Outlook {
            groups: self.groups.len(),
            variants: self.groups.iter().map(|planned| planned.group.variants.len()).max().unwrap_or(0),
            units: of_shards(&units),
            maps: to_do,
            bytes: self.groups.iter().map(bytes).sum(),
            forecasts: self.forecasts(&units),
        })
    }

    fn forecasts(&self, units: &[Unit]) -> Vec<Forecast> {
        let mut forecasts: Vec<Forecast> = Vec::new();
        for slot in &self.slots {
            match forecasts.iter_mut().find(|forecast| forecast.model == slot.model) {
                Some(forecast) => forecast.slots += 1,
                None => forecasts.push(self.on(slot, units)),
            }
        }
        for forecast in &mut forecasts {
            forecast.seconds /= forecast.slots as f64;
        }
        forecasts
    }

    /// Time of `units` on one `slot`.
    fn on(&self, slot: &Slot, units: &[Unit]) -> Forecast {
        let mut forecast = Forecast { model: slot.model.clone(), slots: 1, seconds: 0.0, unknown: 0 };
        let of_maps = units.iter().filter(|unit| maps(unit) > 0);
        for unit in of_maps {
            for variant in unit.group.variants.iter().filter(|variant| unit.lacks(variant)) {
                match self.batches.seconds_of(&unit.group, variant, slot) {
                    Some(seconds) => forecast.seconds += seconds * unit.images() as f64,
                    None => forecast.unknown += unit.images(),
                }
            }
        }
        forecast
    }
}

/// Bytes of the finished store of a group, before compression.
fn bytes(planned: &Planned) -> u64 {
    let Group { images, shape, classes, variants, numerics, .. } = planned.group.as_ref();
    let values = shape.iter().product::<usize>() as u64;
    let of_map = if numerics.dtype == Dtype::Float16 { 2 } else { 4 };
    let deltas = variants.iter().filter(|variant| variant.complete).count() as u64;
    // An image and its logits are of four bytes a number, its index and its labels of eight.
    let of_image = 4 * values + 4 * *classes as u64 + 8 + 8 * planned.labels.width as u64;
    let of_maps = of_map * values * variants.len() as u64 + 4 * deltas;
    images * (of_image + of_maps) + 4 * values * (1 + planned.labels.classes.len() as u64)
}
