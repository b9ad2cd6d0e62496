//! The calls that a pickle describes: those that rebuild tensors and arrays, told by their names.

use tch::Kind;

use super::machine::{Machine, as_pairs};
use super::object::{Element, Leaf, Object, Raw, Span, Storage, Values, dense};
use super::refusal::Refusal;

/// The storages of torch, by the names of their classes.
const STORAGES: [(&str, Kind); 10] = [
    ("DoubleStorage", Kind::Double),
    ("FloatStorage", Kind::Float),
    ("HalfStorage", Kind::Half),
    ("BFloat16Storage", Kind::BFloat16),
    ("LongStorage", Kind::Int64),
    ("IntStorage", Kind::Int),
    ("ShortStorage", Kind::Int16),
    ("CharStorage", Kind::Int8),
    ("ByteStorage", Kind::Uint8),
    ("BoolStorage", Kind::Bool),
];

/// The numbers of numpy that libtorch has too.
const ELEMENTS: [(&str, Kind); 9] = [
    ("f8", Kind::Double),
    ("f4", Kind::Float),
    ("f2", Kind::Half),
    ("i8", Kind::Int64),
    ("i4", Kind::Int),
    ("i2", Kind::Int16),
    ("i1", Kind::Int8),
    ("u1", Kind::Uint8),
    ("b1", Kind::Bool),
];

/// Longest tuple that is looked into: arguments, states and shapes have a few items.
const MOST_FIELDS: usize = 64;

impl Machine<'_> {
    fn word(&self, span: Span) -> &str {
        std::str::from_utf8(&self.pickle[span.range()]).unwrap_or_default()
    }

    /// A text, or bytes that are one, as Python 2 wrote names.
    pub(super) fn text(&self, object: Object) -> Option<&str> {
        match object {
            Object::Text(span) | Object::Bytes(Raw { span, latin: false }) => {
                std::str::from_utf8(&self.pickle[span.range()]).ok()
            }
            _ => None,
        }
    }

    /// Items of a tuple of a few items.
    fn fields(&self, object: Object) -> Option<&[Object]> {
        match object {
            Object::Items(list) => Some(&*self.items[list]).filter(|items| items.len() <= MOST_FIELDS),
            _ => None,
        }
    }

    fn numbers(&self, object: Object) -> Option<Vec<i64>> {
        let of = |object: &Object| if let Object::Number(number) = object { Some(*number) } else { None };
        self.fields(object)?.iter().map(of).collect()
    }

    fn leaf(&mut self, leaf: Leaf) -> Object {
        self.leaves.push(leaf);
        Object::Leaf(self.leaves.len() - 1)
    }

    /// Object that a persistent id names: `('storage', class, key, device, elements[, view])`, or a class with its source.
    pub(super) fn persistent(&mut self) -> Result<Object, Refusal> {
        let id = self.pop()?;
        let fields = self.fields(id).ok_or(Refusal::Broken)?.to_vec();
        let [tag, class, key, ..] = fields[..] else { return Err(Refusal::Broken) };
        if self.text(tag) == Some("module") {
            return Err(Refusal::Module);
        }
        let Object::Global(_, class) = class else { return Err(Refusal::Broken) };
        let class = self.word(class);
        let (_, kind) = STORAGES.into_iter().find(|(name, _)| *name == class).ok_or(Refusal::Broken)?;
        let key = self.text(key).ok_or(Refusal::Broken)?.to_owned();
        // `(key, offset, elements)` of a view in the storage, as files before PyTorch 1.0 have them.
        let view = fields.get(5).and_then(|view| self.fields(*view)).and_then(|view| view.get(1).copied());
        let offset = if let Some(Object::Number(offset)) = view { offset } else { 0 };
        self.storages.push(Storage { key, kind, offset });
        Ok(Object::Storage(self.storages.len() - 1))
    }

    /// Makes the call on top of the stack, if the function is known; else an object that nobody looks into.
    pub(super) fn call(&mut self) -> Result<Object, Refusal> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Object::Global(module, name) = function else { return Ok(Object::Opaque) };
        let Some(given) = self.fields(arguments).map(<[Object]>::to_vec) else { return Ok(Object::Opaque) };
        let (module, name) = (self.word(module).to_owned(), self.word(name).to_owned());
        let made = match (&*module, &*name, &given[..]) {
            ("collections", "OrderedDict", []) => self.list(0).map(as_pairs)?,
            ("collections", "OrderedDict", [list]) => return self.dictionary(*list),
            ("torch._utils", "_rebuild_parameter", [tensor, ..]) => *tensor,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
                self.tensor(*storage, *offset, *shape, *strides).ok_or(Refusal::Broken)?
            }
            ("_codecs", "encode", [Object::Text(span), _]) => Object::Bytes(Raw { span: *span, latin: true }),
            ("numpy", "dtype", [name, ..]) => self.element(*name),
            (_, "_reconstruct", _) if module.starts_with("numpy.") => self.leaf(Leaf {
                kind: Kind::Float,
                shape: Vec::new(),
                strides: Vec::new(),
                offset: 0,
                values: Values::Unknown,
            }),
            (_, "_frombuffer", [values, element, shape, order]) if module.starts_with("numpy.") => {
                let fortran = self.text(*order) == Some("F");
                let leaf = self.array(*shape, *element, fortran, *values)?;
                self.leaf(leaf)
            }
            _ => Object::Opaque,
        };
        Ok(made)
    }

    /// The dictionary of a list of keys and values.
    fn dictionary(&mut self, list: Object) -> Result<Object, Refusal> {
        let Object::Items(list) = list else { return Err(Refusal::Broken) };
        self.look_at(self.items[list].len())?;
        let pairs = self.items[list].clone();
        let mut all = Vec::new();
        for pair in pairs {
            all.extend_from_slice(self.fields(pair).filter(|pair| pair.len() == 2).ok_or(Refusal::Broken)?);
        }
        self.items.push(all);
        Ok(Object::Pairs(self.items.len() - 1))
    }

    fn tensor(&mut self, storage: Object, offset: Object, shape: Object, strides: Object) -> Option<Object> {
        let (Object::Storage(storage), Object::Number(offset)) = (storage, offset) else { return None };
        let (shape, strides) = (self.numbers(shape)?, self.numbers(strides)?);
        let of = &self.storages[storage];
        let (kind, offset) = (of.kind, of.offset.checked_add(offset)?);
        let values = Values::Storage(storage);
        (shape.len() == strides.len()).then(|| self.leaf(Leaf { kind, shape, strides, offset, values }))
    }

    fn element(&mut self, name: Object) -> Object {
        let name = self.text(name).unwrap_or_default();
        let kind = ELEMENTS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        self.elements.push(Element { kind, big_endian: false });
        Object::Element(self.elements.len() - 1)
    }

    /// The array of `values` in a shape.
    fn array(&mut self, shape: Object, element: Object, fortran: bool, values: Object) -> Result<Leaf, Refusal> {
        let (Object::Element(element), Object::Bytes(raw)) = (element, values) else { return Err(Refusal::Numbers) };
        let Element { kind: Some(kind), big_endian: false } = self.elements[element] else {
            return Err(Refusal::Numbers);
        };
        let shape = self.numbers(shape).ok_or(Refusal::Broken)?;
        let strides = dense(&shape, fortran);
        let leaf = Leaf { kind, shape, strides, offset: 0, values: Values::Pickle(raw) };
        self.look_at(raw.span.range().len())?;
        let fits = leaf.bytes() == Some(raw.count(self.pickle) as u64);
        if fits { Ok(leaf) } else { Err(Refusal::Broken) }
    }

    /// Gives the object below the top of the stack its state.
    pub(super) fn build(&mut self) -> Result<(), Refusal> {
        let state = self.pop()?;
        match *self.stack.last().ok_or(Refusal::Broken)? {
            Object::Leaf(leaf) => {
                // `(version, shape, element, Fortran's order, values)`, as numpy has it.
                let fields = self.fields(state).unwrap_or_default().to_vec();
                let [_, shape, element, Object::Number(fortran), values] = fields[..] else {
                    return Err(Refusal::Broken);
                };
                self.leaves[leaf] = self.array(shape, element, fortran != 0, values)?;
            }
            Object::Element(element) => {
                let order = self.fields(state).and_then(|fields| fields.get(1).copied());
                self.elements[element].big_endian = order.and_then(|order| self.text(order)) == Some(">");
            }
            Object::Opaque if self.is_module(state) => return Err(Refusal::Module),
            _ => {}
        }
        Ok(())
    }

    /// Whether `state` is what a `torch.nn.Module` has.
    fn is_module(&self, state: Object) -> bool {
        let Object::Pairs(list) = state else { return false };
        if self.items[list].len() > MOST_FIELDS * 4 {
            return false;
        }
        let has = |table: &str| self.items[list].chunks(2).any(|pair| self.text(pair[0]) == Some(table));
        has("_parameters") && has("_modules")
    }
}
