//! Checkpoints that are no dictionary of tensors: tuples, lists of names and tensors, arrays of numpy. The pickle is read as
//! data; what only Python can read is told with the way out.

mod calls;
mod container;
mod machine;
mod object;
mod refusal;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use container::Container;
use machine::Machine;
use object::{Leaf, Object, Values};

use crate::weights::Stored;

pub(super) use refusal::Refusal;

/// Deepest nesting that is looked into, and how many objects: lists may hold each other many times over.
const DEPTH: usize = 16;
const MOST_VISITS: usize = 1 << 20;
/// Most tensors, and the longest name of one.
const MOST_TENSORS: usize = 1 << 16;
const LONGEST: usize = 512;

/// The tensors of `file` by their names, with their bytes; where there are none, the arrays of numpy.
pub(super) fn open(file: &Path) -> Result<Vec<(String, u64, Stored)>, Refusal> {
    let mut container = Container::open(file)?;
    let pickle = Arc::clone(&container.pickle);
    let mut machine = Machine::new(&pickle, container.start);
    let (root, end) = machine.run()?;
    container.find_behind(end, &machine.storages)?;
    let mut found = Found { machine: &machine, visits: 0, tensors: BTreeMap::new(), arrays: BTreeMap::new() };
    found.visit(root, &mut Vec::new())?;
    let Found { tensors, arrays, .. } = found;
    let container = Arc::new(container);
    let leaves = if tensors.is_empty() { arrays } else { tensors };
    leaves.into_iter().map(|(name, leaf)| stored(name, leaf, &machine, &container)).collect()
}

fn stored(
    name: String,
    leaf: &Leaf,
    machine: &Machine<'_>,
    container: &Arc<Container>,
) -> Result<(String, u64, Stored), Refusal> {
    let (leaf, container) = (leaf.clone(), Arc::clone(container));
    let bytes = leaf.bytes().ok_or(Refusal::Broken)?;
    let key = match leaf.values {
        Values::Storage(storage) => machine.storages[storage].key.clone(),
        Values::Pickle(_) | Values::Unknown => String::new(),
    };
    let (shape, kind) = (leaf.shape.clone(), leaf.kind);
    let read = move || {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "its values are not all in the file");
        let values = match leaf.values {
            Values::Storage(_) => container.storage(&key)?,
            Values::Pickle(raw) => raw.read(&container.pickle).ok_or_else(broken)?,
            Values::Unknown => return Err(broken()),
        };
        leaf.gather(&values).ok_or_else(broken)
    };
    Ok((name, bytes, Stored { shape, kind, read: Box::new(read) }))
}

/// Tensors and arrays below an object.
struct Found<'a> {
    machine: &'a Machine<'a>,
    visits: usize,
    tensors: BTreeMap<String, &'a Leaf>,
    arrays: BTreeMap<String, &'a Leaf>,
}

impl Found<'_> {
    fn visit(&mut self, object: Object, path: &mut Vec<String>) -> Result<(), Refusal> {
        self.visits += 1;
        if self.visits > MOST_VISITS {
            return Err(Refusal::Broken);
        }
        match object {
            Object::Leaf(_) if self.tensors.len() + self.arrays.len() >= MOST_TENSORS => Err(Refusal::Broken),
            Object::Leaf(leaf) => {
                let leaf = &self.machine.leaves[leaf];
                let of_torch = matches!(leaf.values, Values::Storage(_));
                let all = if of_torch { &mut self.tensors } else { &mut self.arrays };
                // Which one of two with the same name is meant, nobody can tell.
                if all.insert(path.join("."), leaf).is_some() { Err(Refusal::Broken) } else { Ok(()) }
            }
            // Nobody nests weights so deep.
            _ if path.len() > DEPTH => Ok(()),
            Object::Pairs(list) => {
                let machine = self.machine;
                machine.items[list].chunks(2).try_for_each(|pair| self.below(pair, path))
            }
            Object::Items(list) => self.items(list, path),
            _ => Ok(()),
        }
    }

    /// A list of names with tensors is a dictionary; of other lists the places are names.
    fn items(&mut self, list: usize, path: &mut Vec<String>) -> Result<(), Refusal> {
        let machine = self.machine;
        let items = &machine.items[list];
        let pair = |item: &Object| match item {
            Object::Items(pair) => matches!(machine.items[*pair][..], [Object::Text(_), Object::Leaf(_)]),
            _ => false,
        };
        let named = !items.is_empty() && items.iter().all(pair);
        for (place, item) in items.iter().enumerate() {
            match item {
                Object::Items(pair) if named => self.below(&machine.items[*pair], path)?,
                item => self.below(&[Object::Number(place as i64), *item], path)?,
            }
        }
        Ok(())
    }

    /// Visits the value of a key and a value; a key that is neither a text nor a number names no tensor.
    fn below(&mut self, pair: &[Object], path: &mut Vec<String>) -> Result<(), Refusal> {
        let [key, value] = *pair else { return Err(Refusal::Broken) };
        let name = match key {
            Object::Number(number) => number.to_string(),
            key => match self.machine.text(key) {
                Some(text) if text.len() <= LONGEST => text.to_owned(),
                _ => return Ok(()),
            },
        };
        path.push(name);
        self.visit(value, path)?;
        path.pop();
        Ok(())
    }
}
