//! The pickle machine: a stack, a memo, and the opcodes that describe a tensor.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::objects::Object;
use crate::torch::element_type::ElementType;

/// The machine, in the midst of a pickle.
pub(super) struct Machine<'a> {
    /// Types of elements that are expected.
    known: &'static [ElementType],
    rest: &'a [u8],
    stack: Vec<Object>,
    memo: BTreeMap<u32, Object>,
}

impl<'a> Machine<'a> {
    /// Machine with the whole of a pickle before it. Elements of tensors have one of the types `known`.
    pub(super) fn new(rest: &'a [u8], known: &'static [ElementType]) -> Self {
        Self { known, rest, stack: Vec::new(), memo: BTreeMap::new() }
    }

    /// Runs the pickle up to its end, and takes the objects that are on the stack then.
    pub(super) fn run(mut self) -> Result<Vec<Object>, String> {
        while let Some(opcode) = self.take(1)?.first() {
            if *opcode == b'.' {
                break;
            }
            self.step(*opcode)?;
        }
        Ok(self.stack)
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        let object = match opcode {
            0x80 => return self.protocol(),
            b'q' => return self.remember(1),
            b'r' => return self.remember(4),
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'(' => Object::Mark,
            b'c' => Object::Global(format!("{}.{}", self.line()?, self.line()?).into()),
            b'X' => {
                let length = self.unsigned(4)?;
                Object::Text(String::from_utf8_lossy(self.take(length as usize)?).into())
            }
            b'K' => Object::Integer(i64::from(self.unsigned(1)?)),
            b'M' => Object::Integer(i64::from(self.unsigned(2)?)),
            b'J' => Object::Integer(i64::from(self.unsigned(4)?.cast_signed())),
            0x8a => self.long()?,
            0x88 | 0x89 => Object::Boolean,
            b')' => Object::Tuple(Rc::new([])),
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
            b't' => self.tuple_from_mark()?,
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            other => return Err(format!("it holds something else than a tensor (pickle opcode 0x{other:02x})")),
        };
        self.stack.push(object);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("its pickle is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    /// A little-endian number of `width` bytes, at most 4.
    fn unsigned(&mut self, width: usize) -> Result<u32, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let length = self.rest.iter().position(|byte| *byte == b'\n').ok_or("its pickle is cut off")?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| "its pickle has a name that is no text".to_owned())
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.unsigned(1)? {
            0..=3 => Ok(()),
            other => Err(format!("its pickle has protocol {other}, expected 2 (torch.save's own)")),
        }
    }

    fn remember(&mut self, width: usize) -> Result<(), String> {
        let place = self.unsigned(width)?;
        let top = self.stack.last().ok_or("its pickle is broken")?;
        self.memo.insert(place, top.clone());
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<Object, String> {
        let place = self.unsigned(width)?;
        self.memo.get(&place).cloned().ok_or_else(|| "its pickle is broken".to_owned())
    }

    /// A number of up to eight bytes, two's complement.
    fn long(&mut self) -> Result<Object, String> {
        let length = self.unsigned(1)? as usize;
        if length > 8 {
            return Err(format!("its pickle has a number of {length} bytes"));
        }
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..length].copy_from_slice(bytes);
        Ok(Object::Integer(i64::from_le_bytes(wide)))
    }

    fn tuple(&mut self, count: usize) -> Result<Object, String> {
        let start = self.stack.len().checked_sub(count).ok_or("its pickle is broken")?;
        Ok(Object::Tuple(self.stack.drain(start..).collect()))
    }

    fn tuple_from_mark(&mut self) -> Result<Object, String> {
        let mark = self.stack.iter().rposition(|object| *object == Object::Mark).ok_or("its pickle is broken")?;
        let items = self.stack.drain(mark + 1..).collect();
        self.stack.pop();
        Ok(Object::Tuple(items))
    }

    /// The storage that a persistent id names: `('storage', type, name, device, elements)`.
    fn storage(&mut self) -> Result<Object, String> {
        let Some(Object::Tuple(id)) = self.stack.pop() else { return Err("its pickle is broken".to_owned()) };
        let [Object::Text(tag), Object::Global(kind), Object::Text(name), Object::Text(_), Object::Integer(elements)] =
            &*id
        else {
            return Err("its pickle names a storage in another way than torch.save does".to_owned());
        };
        let element = kind.strip_prefix("torch.").filter(|_| &**tag == "storage");
        let element = element.and_then(|kind| self.known.iter().find(|element| element.storage() == kind)).copied();
        let element = element.ok_or_else(|| {
            let names: Vec<&str> = self.known.iter().map(|element| element.name()).collect();
            format!("its elements are of `{kind}`, expected {}", names.join(" or "))
        })?;
        let elements = u64::try_from(*elements).map_err(|_| "its storage has a negative size")?;
        Ok(Object::Storage { element, name: Rc::clone(name), elements })
    }

    /// A call of one of the two functions that rebuild a tensor: compared by name, not made.
    fn call(&mut self) -> Result<Object, String> {
        let (arguments, function) = (self.stack.pop(), self.stack.pop());
        let (Some(Object::Tuple(arguments)), Some(Object::Global(function))) = (arguments, function) else {
            return Err("its pickle is broken".to_owned());
        };
        match &*function {
            "collections.OrderedDict" if arguments.is_empty() => Ok(Object::Hooks),
            "torch._utils._rebuild_tensor_v2" => Object::tensor(&arguments),
            other => Err(format!("it holds a `{other}`, expected a plain tensor")),
        }
    }
}
