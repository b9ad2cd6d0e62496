//! Stores of other programs in the folder of the stores: left alone, unless they were adopted.
//!
//! Where a record of an adoption lies beside such a store, the store is the base of a group with the maps that it lacks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use data::formats::{self, Options};
use data::stored::Stored;
use serde_json::Value;
use store::{FORMATS, Labels, StoreError};
use sweep::config::Config;
use sweep::group::Group;
use sweep::preprocessing::Preprocessing;
use sweep::problem::Problems;

use crate::adoption::{ADOPTED, Adoption};
use crate::check::grid;

/// A group of which another program has left a store.
#[derive(Clone, Debug)]
pub struct Theirs {
    /// The store.
    pub place: PathBuf,
    /// The group as the config has it.
    pub group: Group,
    /// The group with images, labels and predictions of the store, or a sentence on why they cannot be taken. After an adoption,
    /// its variants are those that the store lacks.
    pub based: Result<Box<(Group, Labels)>, String>,
    /// Record of the adoption, if the store was adopted.
    pub record: Option<Adoption>,
}

/// Takes the groups out of `groups` that have a store of another program, and puts those back which are to be computed beside one. Without
/// `adopts`, stores that nobody has adopted stay what they were.
pub(in crate::check) fn sort(
    groups: Vec<(Group, Labels)>,
    config: &Config,
    adopts: bool,
    problems: &mut Problems,
) -> (Vec<(Group, Labels)>, Vec<Theirs>) {
    let (mut kept, mut theirs) = (Vec::new(), Vec::new());
    let places = places(&groups, config);
    for (group, labels) in groups {
        let Some(place) = places.get(&group.name()) else {
            kept.push((group, labels));
            continue;
        };
        let found = of(group, place, config, adopts);
        match found {
            Ok(theirs_of_group) => {
                if let (Ok(based), true) = (&theirs_of_group.based, theirs_of_group.is_to_do(adopts)) {
                    kept.push(based.as_ref().clone());
                }
                theirs.push(theirs_of_group);
            }
            Err(text) => problems.add(0, "paths.final_output_dir", text),
        }
    }
    (kept, theirs)
}

/// Gives each group that is to be compared back to its store; the others are returned.
pub(in crate::check) fn give_back(groups: Vec<(Group, Labels)>, theirs: &mut [Theirs]) -> Vec<(Group, Labels)> {
    let mut others = Vec::new();
    for (group, labels) in groups {
        let of = |theirs: &&mut Theirs| theirs.based.as_ref().is_ok_and(|based| based.0.store == group.store);
        match theirs.iter_mut().find(of) {
            Some(theirs) => theirs.based = Ok(Box::new((group, labels))),
            None => others.push((group, labels)),
        }
    }
    others
}

impl Theirs {
    /// Warning for whoever runs a sweep that leaves the store alone.
    pub fn warning(&self) -> StoreError {
        let path = self.place.clone();
        store::theirs(path)
    }

    /// Whether the group is among those that are checked further: to be computed, or, where it is to be adopted, to be compared.
    fn is_to_do(&self, adopts: bool) -> bool {
        let lacks = self.based.as_ref().is_ok_and(|based| !based.0.variants.is_empty());
        lacks && (adopts || self.record.is_some())
    }
}

/// Stores of other programs, by the names of their groups. A folder that would be that of several groups is that of none.
fn places(groups: &[(Group, Labels)], config: &Config) -> BTreeMap<String, PathBuf> {
    let find = |name: String| FORMATS.theirs(&config.paths.output_dir, &name).map(|place| (name, place));
    let found: Vec<(String, PathBuf)> = groups.iter().filter_map(|(group, _)| find(group.name())).collect();
    let count = |place: &PathBuf| found.iter().filter(|(_, other)| other == place).count();
    found.iter().filter(|(_, place)| count(place) == 1).cloned().collect()
}

/// The store at `place`, of `group`. The error is one sentence.
fn of(group: Group, place: &Path, config: &Config, adopts: bool) -> Result<Theirs, String> {
    let file = Adoption::file(&config.paths.output_dir, &group.name());
    let record = if adopts { None } else { Adoption::read(&file)? };
    let mut based = if adopts || record.is_some() {
        based(&group, place, config).map(Box::new)
    } else {
        Err("it was not adopted".to_owned())
    };
    if let Some(record) = &record {
        let again = "`scheduler adopt` checks it again";
        let (group, _) = &mut **based.as_mut().map_err(|reason| format!("`{}`: {reason}", place.display()))?;
        let told = record.differences(group, config.settings.mean_of);
        if !told.is_empty() {
            return Err(format!("`{}` does not fit the config: {}; {again}", file.display(), told.join("; ")));
        }
        let stored = Stored::open(place).map_err(|error| error.to_string())?;
        let is_same = |key: &str, content: &Value| {
            stored.rows(&store::attribution(key)).is_ok_and(|rows| rows.content() == *content)
        };
        if let Some((key, _)) = record.maps.iter().find(|(key, maps)| !is_same(key, &maps.content)) {
            return Err(format!("`{}`: its maps of {key} have changed since it was adopted; {again}", place.display()));
        }
        let lacking = group.variants.iter().filter(|variant| !record.has(group, variant)).cloned().collect();
        group.variants = lacking;
    }
    Ok(Theirs { place: place.to_owned(), group, based, record })
}

/// `group` with images, labels and predictions of the store at `place`. The error is one sentence.
pub(in crate::check) fn based(group: &Group, place: &Path, config: &Config) -> Result<(Group, Labels), String> {
    let told = |error: data::DataError| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    let facts = formats::base_facts(place).map_err(told)?;
    let names = [&group.dataset, &group.model, &group.noise.name, &group.split];
    for (wanted, found) in names.into_iter().zip(&facts.names) {
        if let Some(found) = found.as_ref().filter(|found| *found != wanted) {
            return Err(format!("it says that it is of `{found}`, expected `{wanted}`"));
        }
    }
    let normalize = config.settings.normalize.of(&group.dataset, &group.model);
    let preprocessing = Preprocessing::default().normalized(normalize);
    let options = Options { indices: None, float_range: None, size: group.shape[1] };
    let mut source = formats::open(formats::BASE, place, &group.split, &options).map_err(told)?;
    let ([height, width, channels], images) = (source.shape(), source.len());
    let [c, h, w] = group.shape;
    if [channels, height, width] != group.shape {
        return Err(format!("it has images of shape ({channels}, {height}, {width}), expected ({c}, {h}, {w})"));
    }
    if images < group.images {
        return Err(format!("it has {images} images, and the config asks for {}", group.images));
    }
    let mut labels = source.labels().map_err(told)?;
    labels.values.truncate(group.images as usize * labels.width);
    let mut based = Group { suffix: format!("{}{ADOPTED}", group.suffix), preprocessing, ..group.clone() };
    place.clone_into(&mut based.input.images_file);
    formats::BASE.clone_into(&mut based.input.format);
    based.input.data = source.content();
    let predicted = source.predictions(0..1).map_err(told)?.map_or(0, |logits| logits.len());
    if predicted != group.classes {
        return Err(format!("it has predictions of {predicted} classes, and the weights have {}", group.classes));
    }
    if let Some(at) = (0..group.images).find(|at| group.original(*at) != based.original(*at)) {
        let (found, wanted) = (based.original(at), group.original(at));
        return Err(format!("its image {at} is image {found} of the split, expected image {wanted}"));
    }
    based.store = FORMATS.place(&config.paths.output_dir, &based.name());
    Ok((based, grid::classes(&labels)))
}
