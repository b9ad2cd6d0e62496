//! What a store says of itself: enough to read it, and to tell what it lacks, without its config.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sweep::computed_by::ComputedBy;
use sweep::fingerprint::WEIGHTS_SET;
use sweep::group::{Dtype, Group, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::{Shared, Variant};

use crate::layout::{self, Labels};
use crate::root::{self, METADATA, Root, read_json};
use crate::{StoreError, name};

/// A store as its own metadata tells of it.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its group; every variant of which it holds anything, those that the last config asked for first.
    pub group: Group,
    /// The variants that the last config asked for, by their keys.
    pub asked: BTreeSet<String>,
    /// Labels an image, and the classes that have a mean image.
    pub labels: Labels,
    /// Whether the root says that everything was written.
    pub complete: bool,
    /// Which version of the numbers it says that it has.
    pub results_version: Option<u64>,
    /// The digest of the mean image that its maps were made with, where any was.
    pub mean_sha256: Option<String>,
    /// What has computed its maps; empty where an earlier build did.
    pub computed_by: BTreeSet<ComputedBy>,
    /// The metadata that is consolidated in the root, by path.
    pub(crate) consolidated: BTreeMap<String, Value>,
    /// The root's attributes.
    pub(crate) attributes: Value,
    /// Why the root's file cannot be believed; what is told here is then what its copy says.
    pub(crate) fault: Option<String>,
}

/// The metadata of one store's nodes: what the sealed root says, or a file of which it does not know yet.
struct Nodes<'a> {
    folder: &'a Path,
    consolidated: &'a BTreeMap<String, Value>,
}

/// Reads what the store in `folder` says of itself; `None` where there is no store.
///
/// # Errors
/// [`StoreError::Foreign`] for a store of somebody else, [`StoreError::Headless`] or [`StoreError::Damaged`] for one that
/// lacks facts.
pub fn describe(folder: &Path) -> Result<Option<Described>, StoreError> {
    let file = folder.join(METADATA);
    let Some(Root { value: root, fault }) = root::read(folder)? else { return Ok(None) };
    let ours = &root["attributes"]["attrisweep"];
    let damaged = |reason: String| StoreError::Damaged { path: file.clone(), reason };
    let consolidated = root::consolidated(&root);
    let nodes = Nodes { folder, consolidated: &consolidated };
    let keys: Vec<String> = field(ours, "variants").map_err(damaged)?;
    let asked: BTreeSet<String> = keys.iter().cloned().collect();
    let stored = nodes.children("attributions").into_iter().filter(|key| !asked.contains(key));
    let variants = keys.iter().cloned().chain(stored).filter_map(|key| nodes.variant(&key)).collect();
    let group = group(&root, folder, variants, &nodes).map_err(damaged)?;
    let (labels, complete) = (nodes.labels(), ours["complete"] == true);
    let attributes = root["attributes"].clone();
    let computed_by = root::makers(ours);
    let results_version = ours["fingerprint"]["results_version"].as_u64();
    let mean_sha256 = group.variants.iter().find_map(|variant| nodes.mean_of(&variant.key));
    Ok(Some(Described {
        group,
        asked,
        labels,
        complete,
        results_version,
        mean_sha256,
        computed_by,
        consolidated,
        attributes,
        fault,
    }))
}

/// The group that `root` names; its error is one sentence.
fn group(root: &Value, folder: &Path, variants: Vec<Variant>, nodes: &Nodes<'_>) -> Result<Group, String> {
    let (names, ours) = (&root["attributes"], &root["attributes"]["attrisweep"]);
    let facts = &ours["fingerprint"];
    let noise: Value = field(facts, "noise")?;
    let (shape, classes): ([usize; 3], _) = (field(facts, "shape")?, nodes.classes());
    let group = Group {
        dataset: field(names, "data_flag")?,
        split: field(names, "split")?,
        images_file: field(&ours["provenance"], "images").unwrap_or_default(),
        format: String::new(),
        data: field(facts, "data")?,
        model: field(names, "model_flag")?,
        weights: field(&ours["provenance"], "weights").unwrap_or_default(),
        weights_sha256: field(facts, "weights_sha256")?,
        weights_set: facts.get(WEIGHTS_SET).map(|_| field(facts, WEIGHTS_SET)).transpose()?,
        mean: None,
        noise: Noise {
            name: field(names, "noise_name")?,
            kind: field(&noise, "type")?,
            parameters: field(&noise, "params")?,
        },
        store: folder.to_owned(),
        images: field(facts, "images")?,
        shape,
        classes,
        shard: field(facts, "shard")?,
        variants,
        numerics: numerics(facts)?,
    };
    let per_image = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    // No config can ask for more: 65536 images a shard, of 1024x1024 pixels.
    if group.shard == 0 || group.shard > 1 << 16 || per_image.is_none_or(|values| values > 1 << 24) {
        return Err(format!("it says shards of {} images of shape {shape:?}", group.shard));
    }
    Ok(group)
}

fn numerics(facts: &Value) -> Result<Numerics, String> {
    Ok(Numerics {
        seed: field(facts, "seed")?,
        precision: field::<Precision>(facts, "precision")?,
        dtype: field::<Dtype>(facts, "dtype")?,
        fold_batch_norm: field(facts, "fold_batch_norm")?,
    })
}

/// `object[name]`; the error is one sentence.
fn field<T: DeserializeOwned>(object: &Value, name: &str) -> Result<T, String> {
    let value = object.get(name).ok_or_else(|| format!("it does not say its `{name}`"))?;
    serde_json::from_value(value.clone()).map_err(|_| format!("its `{name}` is {value}, which no run writes"))
}

impl Nodes<'_> {
    /// `zarr.json` of the node at `path`.
    fn get(&self, path: &str) -> Option<Value> {
        let on_disk = || read_json(&self.folder.join(path).join(METADATA)).ok().flatten();
        self.consolidated.get(path).cloned().or_else(on_disk)
    }

    /// Names of what lies below the group `path`, on disk or as the root says.
    fn children(&self, path: &str) -> BTreeSet<String> {
        let prefix = format!("{path}/");
        let told = self.consolidated.keys().filter_map(|node| node.strip_prefix(&prefix)).map(str::to_owned);
        let entries = fs::read_dir(self.folder.join(path)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.path().join(METADATA).is_file());
        told.chain(folders.filter_map(|entry| entry.file_name().into_string().ok())).collect()
    }

    /// The digest of the mean image that a variant was made with.
    fn mean_of(&self, key: &str) -> Option<String> {
        field(self.get(&layout::attribution(key))?["attributes"].get("attrisweep")?, "mean_sha256").ok()
    }

    fn variant(&self, key: &str) -> Option<Variant> {
        let attributes = self.get(&layout::attribution(key))?["attributes"].clone();
        let ours = attributes.get("attrisweep")?;
        Some(Variant {
            key: key.to_owned(),
            class: field(ours, "class").ok()?,
            parameters: field::<Parameters>(ours, "params").ok()?,
            semantics: field::<Semantics>(ours, "semantics").ok()?,
            complete: self.get(&layout::convergence_delta(key)).is_some(),
            // How many images were attributed at once is nobody's fact.
            batch: 1,
            grows: false,
            shared: Shared::Nothing,
        })
    }

    /// Classes of the model; 0 before its array of predictions is made.
    fn classes(&self) -> usize {
        let predictions = self.get(name::PREDICTIONS).unwrap_or(json!({}));
        predictions["shape"][1].as_u64().unwrap_or_default() as usize
    }

    fn labels(&self) -> Labels {
        let shape = self.get(name::LABELS).unwrap_or(json!({}))["shape"].clone();
        let class = |name: &String| name.strip_prefix("class_")?.parse().ok();
        let classes = self.children("means").iter().filter_map(class).collect();
        Labels { width: shape[1].as_u64().unwrap_or(1) as usize, classes }
    }
}
