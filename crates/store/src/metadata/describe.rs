//! Description that a store has of itself: enough to read the store, and to list what the store lacks, without its config.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sweep::computed_by::ComputedBy;
use sweep::evaluation::Evaluation;
use sweep::fingerprint::{ONE_LOGIT, WEIGHTS, WEIGHTS_SET};
use sweep::group::{BASE, Dtype, Group, Input, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::preprocessing::Preprocessing;
use sweep::semantics::Semantics;
use sweep::variant::{OwnWeights, Shared, Variant};

use super::array_metadata::Labels;
use super::computed_by;
use super::facts::{EVALUATION, PREPROCESSING, SUFFIX};
use super::root::{self, METADATA, Root, read_json};
use crate::error::StoreError;
use crate::families::{self, ATTRIBUTIONS, MEANS, class_of_mean, name};
use crate::packed::tree;

/// Description of a store, from its own metadata.
#[derive(Clone, Debug)]
pub struct Described {
    /// Group of the store, with every variant that has an array: first the variants that the last config asked for.
    pub group: Group,
    /// Keys of the variants that the last config asked for.
    pub asked: BTreeSet<String>,
    /// Number of labels of one image, and the classes that have a mean image.
    pub labels: Labels,
    /// Whether everything was written, as the root says.
    pub complete: bool,
    /// Version of the numbers (`RESULTS_VERSION`).
    pub results_version: Option<u64>,
    /// Digest of the mean image that maps were made with, if a variant needs one.
    pub mean_sha256: Option<String>,
    /// Devices that have computed maps; empty for a store of an earlier build.
    pub computed_by: BTreeSet<ComputedBy>,
    /// Consolidated metadata of the root, by path.
    pub(crate) consolidated: BTreeMap<String, Value>,
    /// Attributes of the root.
    pub(crate) attributes: Value,
    /// Reason for which the root's file cannot be believed; the description is then that of the root's copy.
    pub(crate) fault: Option<String>,
}

impl Described {
    /// Description of a store of `group`, every variant of which was asked for, in a format that records nothing more.
    pub fn of(group: Group, labels: Labels, complete: bool) -> Self {
        let asked = group.variants.iter().map(|variant| variant.key.clone()).collect();
        Self {
            group,
            asked,
            labels,
            complete,
            results_version: None,
            mean_sha256: None,
            computed_by: BTreeSet::new(),
            consolidated: BTreeMap::new(),
            attributes: Value::Null,
            fault: None,
        }
    }

    /// Records of the store on its writer, its program and its files; null in a format that records nothing of it.
    pub fn provenance(&self) -> &Value {
        &self.attributes["attrisweep"]["provenance"]
    }

    /// Whether the maps explain the one logit of a model itself, and not the class that the logit predicts: those of earlier builds do.
    pub fn explains_the_logit(&self) -> bool {
        let facts = &self.attributes["attrisweep"]["fingerprint"];
        self.group.classes == 1 && facts.is_object() && facts.get(ONE_LOGIT).is_none()
    }
}

/// Metadata of one store's nodes: from the sealed root, or from the file of a node that the root does not have yet.
struct Nodes<'a> {
    folder: &'a Path,
    consolidated: &'a BTreeMap<String, Value>,
    /// Files of the weights that variants have for themselves, by key.
    weights: &'a Value,
}

/// Reads the description that the store in `folder` has of itself; `None` where no store exists.
///
/// # Errors
/// [`StoreError::Foreign`] for a store of somebody else, [`StoreError::Headless`] or [`StoreError::Damaged`] for one that
/// lacks facts.
pub(crate) fn describe(folder: &Path) -> Result<Option<Described>, StoreError> {
    let file = root::file(folder);
    let Some(Root { value: root, fault }) = root::read(folder)? else { return Ok(None) };
    let ours = &root["attributes"]["attrisweep"];
    let damaged = |reason: String| StoreError::Damaged { path: file.clone(), reason };
    let consolidated = root::consolidated(&root);
    let nodes = Nodes { folder, consolidated: &consolidated, weights: &ours["provenance"]["weights"] };
    let keys: Vec<String> = field(ours, "variants").map_err(damaged)?;
    let asked: BTreeSet<String> = keys.iter().cloned().collect();
    let stored = nodes.children(ATTRIBUTIONS.path).into_iter().filter(|key| !asked.contains(key));
    let variants = keys.iter().cloned().chain(stored).filter_map(|key| nodes.variant(&key)).collect();
    let group = group(&root, folder, variants, &nodes).map_err(damaged)?;
    let (labels, complete) = (nodes.labels(), ours["complete"] == true);
    let attributes = root["attributes"].clone();
    let computed_by = computed_by::of_store(folder, ours)?;
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

/// Group that `root` describes. The error is one sentence.
fn group(root: &Value, folder: &Path, variants: Vec<Variant>, nodes: &Nodes<'_>) -> Result<Group, String> {
    let (names, ours) = (&root["attributes"], &root["attributes"]["attrisweep"]);
    let facts = &ours["fingerprint"];
    let noise: Value = field(facts, "noise")?;
    let data: Value = field(facts, "data")?;
    let (shape, classes): ([usize; 3], _) = (field(facts, "shape")?, nodes.classes());
    let group = Group {
        dataset: field(names, "data_flag")?,
        split: field(names, "split")?,
        model: field(names, "model_flag")?,
        input: Input {
            images_file: field(&ours["provenance"], "images").unwrap_or_default(),
            format: String::new(),
            // Maps of a base may be made by weights of their own.
            weights_sha256: if data.get(BASE).is_some() {
                field(facts, WEIGHTS).unwrap_or_default()
            } else {
                field(facts, WEIGHTS)?
            },
            data,
            weights: field(&ours["provenance"], "weights").unwrap_or_default(),
            weights_set: facts.get(WEIGHTS_SET).map(|_| field(facts, WEIGHTS_SET)).transpose()?,
            mean: None,
            masks: None,
        },
        preprocessing: preprocessing(ours)?,
        noise: Noise {
            name: field(names, "noise_name")?,
            kind: field(&noise, "type")?,
            parameters: field(&noise, "params")?,
        },
        suffix: field(&ours["provenance"], SUFFIX).unwrap_or_default(),
        store: folder.to_owned(),
        images: field(facts, "images")?,
        shape,
        classes,
        shard: field(facts, "shard")?,
        variants,
        numerics: numerics(facts)?,
        evaluation: ours.get(EVALUATION).map_or_else(|| Ok(Evaluation::default()), |_| field(ours, EVALUATION))?,
    };
    let per_image = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    // No config can ask for more: 65536 images a shard, of 1024x1024 pixels.
    if group.shard == 0 || group.shard > 1 << 16 || per_image.is_none_or(|values| values > 1 << 24) {
        return Err(format!("it says shards of {} images of shape {shape:?}", group.shard));
    }
    Ok(group)
}

/// Preprocessing that the store records; the default for a store of an earlier build.
pub(super) fn preprocessing(ours: &Value) -> Result<Preprocessing, String> {
    ours.get(PREPROCESSING).map_or_else(|| Ok(Preprocessing::default()), |_| field(ours, PREPROCESSING))
}

fn numerics(facts: &Value) -> Result<Numerics, String> {
    Ok(Numerics {
        seed: field(facts, "seed")?,
        precision: field::<Precision>(facts, "precision")?,
        dtype: field::<Dtype>(facts, "dtype")?,
        fold_batch_norm: field(facts, "fold_batch_norm")?,
    })
}

/// Reads `object[name]`. The error is one sentence.
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

    /// Names of the nodes below the Zarr group at `path`, on disk or in the root.
    fn children(&self, path: &str) -> BTreeSet<String> {
        let prefix = format!("{path}/");
        let told = self.consolidated.keys().filter_map(|node| node.strip_prefix(&prefix)).map(str::to_owned);
        let folder = self.folder.join(path);
        let names = tree::list(&folder).into_iter().flatten().map(|(name, _)| name);
        told.chain(names.filter(|name| tree::is_file(&folder.join(name).join(METADATA)))).collect()
    }

    /// Digest of the mean image that the variant called `key` was made with.
    fn mean_of(&self, key: &str) -> Option<String> {
        field(self.get(&families::attribution(key))?["attributes"].get("attrisweep")?, "mean_sha256").ok()
    }

    fn variant(&self, key: &str) -> Option<Variant> {
        let attributes = self.get(&families::attribution(key))?["attributes"].clone();
        let ours = attributes.get("attrisweep")?;
        Some(Variant {
            key: key.to_owned(),
            class: field(ours, "class").ok()?,
            parameters: field::<Parameters>(ours, "params").ok()?,
            semantics: field::<Semantics>(ours, "semantics").ok()?,
            complete: self.get(&families::convergence_delta(key)).is_some(),
            // How many images were attributed at once is nobody's fact.
            shared: Shared::Nothing,
            weights: field(ours, WEIGHTS)
                .ok()
                .map(|sha256| OwnWeights { file: field(self.weights, key).unwrap_or_default(), sha256 }),
        })
    }

    /// Number of classes of the model; 0 before the array of predictions exists.
    fn classes(&self) -> usize {
        let predictions = self.get(name::PREDICTIONS).unwrap_or(json!({}));
        predictions["shape"][1].as_u64().unwrap_or_default() as usize
    }

    fn labels(&self) -> Labels {
        let shape = self.get(name::LABELS).unwrap_or(json!({}))["shape"].clone();
        let classes = self.children(MEANS.path).iter().filter_map(|member| class_of_mean(member)).collect();
        Labels { width: shape[1].as_u64().unwrap_or(1) as usize, classes }
    }
}
