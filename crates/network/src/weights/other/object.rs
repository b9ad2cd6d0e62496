//! What a pickle is made of, as data: numbers into lists that the machine keeps, so that no object owns another one.

use std::ops::Range;

use tch::Kind;

/// A value on the stack or in the memo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Object {
    Mark,
    Number(i64),
    Text(Span),
    Bytes(Raw),
    /// A name that the pickle would import: its module and its name there.
    Global(Span, Span),
    /// A list, a tuple or a set.
    Items(usize),
    /// A dictionary: keys and values in turn.
    Pairs(usize),
    Storage(usize),
    Element(usize),
    /// A tensor of torch, or an array of numpy.
    Leaf(usize),
    /// An object of any other kind: the reader never looks into such an object.
    Opaque,
}

/// Place of a text or of bytes in the pickle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Bytes in the pickle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Raw {
    pub(super) span: Span,
    /// Each character of the text is one byte, as protocol 2 spells them.
    pub(super) latin: bool,
}

impl Raw {
    /// Number of bytes of the values.
    pub(super) fn count(self, pickle: &[u8]) -> usize {
        let text = &pickle[self.span.range()];
        // What continues a character of UTF-8 begins with the bits 10.
        if self.latin { text.iter().filter(|byte| *byte & 0xc0 != 0x80).count() } else { text.len() }
    }

    /// The bytes themselves; `None` where a character is no byte.
    pub(super) fn read(self, pickle: &[u8]) -> Option<Vec<u8>> {
        let text = &pickle[self.span.range()];
        if !self.latin {
            return Some(text.to_vec());
        }
        std::str::from_utf8(text).ok()?.chars().map(|character| u8::try_from(character).ok()).collect()
    }
}

/// Values of a tensor in the order of memory.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Name of the storage in the container.
    pub(super) key: String,
    pub(super) kind: Kind,
    /// Offset of the first value, for views of early files.
    pub(super) offset: i64,
}

/// Type of the numbers of an array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) kind: Option<Kind>,
    pub(super) big_endian: bool,
}

/// A tensor or an array.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) kind: Kind,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<i64>,
    pub(super) offset: i64,
    pub(super) values: Values,
}

/// Place of the values of a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// The storage of this number, as torch has values.
    Storage(usize),
    /// The pickle itself, as numpy has values.
    Pickle(Raw),
    /// A place that is not said yet.
    Unknown,
}

impl Leaf {
    /// Bytes of its values; `None` for more than there can be.
    pub(super) fn bytes(&self) -> Option<u64> {
        super::super::bytes_of(&self.shape, self.kind).map(|bytes| bytes as u64)
    }

    /// Values of the leaf one after the other, out of the `bytes` of its storage; `None` where the strides lead out of these
    /// bytes.
    pub(super) fn gather(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let width = self.kind.elt_size_in_bytes();
        let count = self.bytes()? as usize / width;
        if self.strides == dense(&self.shape, false) {
            let start = usize::try_from(self.offset).ok()?.checked_mul(width)?;
            return Some(bytes.get(start..start.checked_add(count * width)?)?.to_vec());
        }
        let mut values = Vec::with_capacity(count.min(bytes.len() / width) * width);
        let mut index = vec![0_i64; self.shape.len()];
        for _ in 0..count {
            let steps = index.iter().zip(&self.strides).map(|(index, stride)| index.checked_mul(*stride));
            let place = steps.into_iter().try_fold(self.offset, |place, step| place.checked_add(step?))?;
            let start = usize::try_from(place).ok()?.checked_mul(width)?;
            values.extend_from_slice(bytes.get(start..start.checked_add(width)?)?);
            // The next index, as an odometer turns.
            for at in (0..index.len()).rev() {
                index[at] += 1;
                if index[at] < self.shape[at] {
                    break;
                }
                index[at] = 0;
            }
        }
        Some(values)
    }
}

/// Strides of values that lie one after the other: the last dimension runs fastest, or the first dimension as Fortran has it.
pub(super) fn dense(shape: &[i64], fortran: bool) -> Vec<i64> {
    let mut strides = vec![1_i64; shape.len()];
    let mut step = 1_i64;
    let mut of = |at: usize| {
        strides[at] = step;
        step = step.saturating_mul(shape[at].max(1));
    };
    if fortran {
        (0..shape.len()).for_each(&mut of);
    } else {
        (0..shape.len()).rev().for_each(&mut of);
    }
    strides
}
