//! `worker catalogue`: the entries of all lists of this build, as data.

use attribution::METHODS;
use data::noise::NOISES;
use evaluation::{METRICS, metrics};
use network::models::MODELS;
use network::operations::{self, OPERATIONS};
use sweep::catalogue::{Catalogue, Item, Method, Operation};
use sweep::evaluation::Direction;

use crate::libtorch::LIBTORCH;

/// Catalogue of this build, without noises, which the scheduler knows by itself.
pub(super) fn catalogue() -> Catalogue {
    Catalogue {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
        methods: METHODS.iter().map(|entry| method(entry)).collect(),
        models: MODELS.iter().map(|entry| entry.item.clone()).collect(),
        operations: OPERATIONS.iter().map(|entry| operation(entry)).collect(),
    }
}

fn method(entry: &attribution::Entry) -> Method {
    Method {
        item: entry.item.clone(),
        aliases: entry.aliases.iter().map(|alias| (*alias).into()).collect(),
        complete: entry.is_complete(),
        shares_score: entry.shares_score(),
        sharing: entry.sharing(),
    }
}

fn operation(entry: &operations::Entry) -> Operation {
    Operation {
        name: entry.name.into(),
        summary: entry.summary.into(),
        aten: entry.aten.iter().map(|name| (*name).into()).collect(),
        deep_lift: entry.deep_lift.into(),
    }
}

/// The noises, which the page of the catalogue shows too.
pub(super) fn noises() -> Vec<&'static Item> {
    NOISES.iter().map(|entry| &entry.item).collect()
}

/// The metrics with what is better, which the scheduler knows by itself.
pub(super) fn metrics() -> Vec<(Item, Direction)> {
    let item = |entry: &metrics::Entry| Item {
        name: entry.name.into(),
        summary: entry.summary.into(),
        reference: entry.reference.into(),
        parameters: entry.parameters.into(),
    };
    METRICS.iter().map(|entry| (item(entry), entry.direction)).collect()
}
