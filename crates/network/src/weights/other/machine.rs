//! The stack machine of pickles. Names are compared, never imported, and calls are described, never made.

use std::collections::HashMap;

use super::object::{Element, Leaf, Object, Raw, Span, Storage};
use super::refusal::Refusal;

/// Longest pickle in steps: models have some thirty for each tensor, and their optimisers as many again.
const MOST_STEPS: usize = 1 << 20;

/// Largest length that the calls of a pickle look through, as a multiple of the length of the pickle.
const MOST_LOOKS: usize = 4;

/// Machine that reads a pickle, and the objects that the pickle has made so far.
#[derive(Default)]
pub(super) struct Machine<'a> {
    pub(super) pickle: &'a [u8],
    at: usize,
    pub(super) stack: Vec<Object>,
    memo: HashMap<u32, Object>,
    /// Items of lists, tuples and dictionaries, by the number of the list.
    pub(super) items: Vec<Vec<Object>>,
    pub(super) storages: Vec<Storage>,
    pub(super) elements: Vec<Element>,
    pub(super) leaves: Vec<Leaf>,
    /// Number of bytes and objects that calls have looked through, each counted as often as a call has looked at it.
    looked_at: usize,
}

impl<'a> Machine<'a> {
    /// A machine that reads `pickle` from its byte `at` on.
    pub(super) fn new(pickle: &'a [u8], at: usize) -> Self {
        Self { pickle, at, ..Self::default() }
    }

    /// Runs the pickle. Returns the object that it stands for, and the byte behind its end.
    pub(super) fn run(&mut self) -> Result<(Object, usize), Refusal> {
        for _ in 0..MOST_STEPS {
            let opcode = self.take(1)?.start;
            match self.pickle[opcode] {
                b'.' => return Ok((self.pop()?, self.at)),
                opcode => self.step(opcode)?,
            }
        }
        Err(Refusal::Broken)
    }

    fn step(&mut self, opcode: u8) -> Result<(), Refusal> {
        match opcode {
            0x80 => return self.take(1).map(|_| ()),
            0x95 => return self.take(8).map(|_| ()),
            b'q' => return self.number(1).and_then(|place| self.remember(place as u32)),
            b'r' => return self.number(4).and_then(|place| self.remember(place as u32)),
            0x94 => return self.remember(self.memo.len() as u32),
            b'0' => return self.pop().map(|_| ()),
            b'a' => return self.extend(1),
            b's' => return self.extend(2),
            b'e' | b'u' | 0x90 => {
                let count = self.above_mark()?;
                self.stack.remove(self.stack.len() - count - 1);
                return self.extend(count);
            }
            b'b' => return self.build(),
            _ => {}
        }
        let object = self.value(opcode)?;
        self.stack.push(object);
        Ok(())
    }

    /// The value that `opcode` puts on the stack.
    fn value(&mut self, opcode: u8) -> Result<Object, Refusal> {
        Ok(match opcode {
            b'(' => Object::Mark,
            b'N' => Object::Opaque,
            0x88 => Object::Number(1),
            b'K' => Object::Number(self.number(1)?),
            b'M' => Object::Number(self.number(2)?),
            b'J' => Object::Number(i64::from((self.number(4)? as u32).cast_signed())),
            0x8a => self.long()?,
            0x89 => Object::Number(0),
            b'G' => self.take(8).map(|_| Object::Opaque)?,
            b'X' => Object::Text(self.counted(4)?),
            0x8c => Object::Text(self.counted(1)?),
            0x8d => Object::Text(self.counted(8)?),
            b'B' | b'T' => Object::Bytes(Raw { span: self.counted(4)?, latin: false }),
            b'C' | b'U' => Object::Bytes(Raw { span: self.counted(1)?, latin: false }),
            0x8e | 0x96 => Object::Bytes(Raw { span: self.counted(8)?, latin: false }),
            b']' | b')' | 0x8f => self.list(0)?,
            b't' | b'l' | 0x91 => {
                let count = self.above_mark()?;
                let list = self.list(count)?;
                self.stack.pop();
                list
            }
            0x85..=0x87 => self.list(usize::from(opcode - 0x84))?,
            b'}' => self.list(0).map(as_pairs)?,
            b'd' => {
                let count = self.above_mark()?;
                let list = self.list(count)?;
                self.stack.pop();
                as_pairs(list)
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'c' => Object::Global(self.line()?, self.line()?),
            0x93 => match (self.pop()?, self.pop()?) {
                (Object::Text(name), Object::Text(module)) => Object::Global(module, name),
                _ => return Err(Refusal::Broken),
            },
            b'Q' => self.persistent()?,
            b'R' => self.call()?,
            0x81 => self.drop_and_make(2)?,
            0x92 => self.drop_and_make(3)?,
            _ => return Err(Refusal::Broken),
        })
    }

    /// The next `count` bytes.
    fn take(&mut self, count: usize) -> Result<Span, Refusal> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.pickle.len()).ok_or(Refusal::Broken)?;
        let span = Span { start: self.at, end };
        self.at = end;
        Ok(span)
    }

    /// A little-endian number of `width` bytes, at most eight.
    fn number(&mut self, width: usize) -> Result<i64, Refusal> {
        let span = self.take(width)?;
        Ok(self.pickle[span.range()].iter().rev().fold(0, |number, byte| number << 8 | i64::from(*byte)))
    }

    /// Bytes whose number stands before them, in `width` bytes.
    fn counted(&mut self, width: usize) -> Result<Span, Refusal> {
        let count = self.number(width)?;
        self.take(usize::try_from(count).map_err(|_| Refusal::Broken)?)
    }

    fn line(&mut self) -> Result<Span, Refusal> {
        let length = self.pickle[self.at..].iter().position(|byte| *byte == b'\n').ok_or(Refusal::Broken)?;
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    /// A number in two's complement; one that is too long is nothing that is looked at.
    fn long(&mut self) -> Result<Object, Refusal> {
        let span = self.counted(1)?;
        let bytes = &self.pickle[span.range()];
        let mut wide = [if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 }; 8];
        if bytes.len() > wide.len() {
            return Ok(Object::Opaque);
        }
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Object::Number(i64::from_le_bytes(wide)))
    }

    /// Counts `more` that a call looks through: it cannot be many times the pickle.
    pub(super) fn look_at(&mut self, more: usize) -> Result<(), Refusal> {
        self.looked_at = self.looked_at.saturating_add(more);
        if self.looked_at > MOST_LOOKS * self.pickle.len() { Err(Refusal::Broken) } else { Ok(()) }
    }

    pub(super) fn pop(&mut self) -> Result<Object, Refusal> {
        self.stack.pop().ok_or(Refusal::Broken)
    }

    fn remember(&mut self, place: u32) -> Result<(), Refusal> {
        let top = *self.stack.last().ok_or(Refusal::Broken)?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<Object, Refusal> {
        let place = self.number(width)? as u32;
        self.memo.get(&place).copied().ok_or(Refusal::Broken)
    }

    /// Number of objects above the last mark.
    fn above_mark(&self) -> Result<usize, Refusal> {
        self.stack.iter().rev().position(|object| *object == Object::Mark).ok_or(Refusal::Broken)
    }

    /// A list of the `count` objects on top.
    pub(super) fn list(&mut self, count: usize) -> Result<Object, Refusal> {
        let start = self.stack.len().checked_sub(count).ok_or(Refusal::Broken)?;
        let items = self.stack.split_off(start);
        self.items.push(items);
        Ok(Object::Items(self.items.len() - 1))
    }

    /// Adds the `count` objects on top to the list or dictionary below them.
    fn extend(&mut self, count: usize) -> Result<(), Refusal> {
        let start = self.stack.len().checked_sub(count).ok_or(Refusal::Broken)?;
        let more = self.stack.split_off(start);
        // What a class of somebody's own is filled with is not looked at.
        if let Object::Items(list) | Object::Pairs(list) = *self.stack.last().ok_or(Refusal::Broken)? {
            self.items[list].extend(more);
        }
        Ok(())
    }

    /// An object of a class of somebody's own, of the `count` objects on top.
    fn drop_and_make(&mut self, count: usize) -> Result<Object, Refusal> {
        let start = self.stack.len().checked_sub(count).ok_or(Refusal::Broken)?;
        self.stack.truncate(start);
        Ok(Object::Opaque)
    }
}

/// The list as keys and values in turn.
pub(super) fn as_pairs(list: Object) -> Object {
    match list {
        Object::Items(list) => Object::Pairs(list),
        other => other,
    }
}
