//! The pickle of a bare tensor, as `torch.save(tensor)` writes it: read as data, never executed.
//!
//! Opcodes that describe a tensor are the only ones of the pickle machine that are known. The functions that a pickle
//! names are compared with the two that rebuild a tensor; anything else is refused.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Description of a tensor, as its pickle has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    /// Type of the elements.
    pub(super) element: ElementType,
    /// Name of the storage in the archive.
    pub(super) storage: String,
    /// Elements of the storage.
    pub(super) elements: u64,
    /// First element of the tensor in the storage.
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    /// Elements between neighbours along each dimension.
    pub(super) strides: Vec<u64>,
}

/// Object on the stack of the pickle machine. Large objects are shared, as a pickle can copy one from its memo many times.
#[derive(Clone, Debug, PartialEq)]
enum Object {
    Mark,
    Global(Rc<str>),
    Text(Rc<str>),
    Integer(i64),
    Boolean,
    Tuple(Rc<[Object]>),
    Hooks,
    Storage { element: ElementType, name: Rc<str>, elements: u64 },
    Tensor(Rc<Tensor>),
}

/// Reads the tensor of float32 or float64 that the whole of `bytes` describes. The error is one sentence.
pub(super) fn tensor(bytes: &[u8]) -> Result<Tensor, String> {
    read(bytes, &[ElementType::Float32, ElementType::Float64])
}

/// Reads the tensor of any known type that the whole of `bytes` describes. The error is one sentence.
pub(super) fn of_any_type(bytes: &[u8]) -> Result<Tensor, String> {
    read(bytes, &ELEMENTS)
}

fn read(bytes: &[u8], known: &'static [ElementType]) -> Result<Tensor, String> {
    let mut machine = Machine { rest: bytes, stack: Vec::new(), memo: BTreeMap::new(), known };
    while let Some(opcode) = machine.take(1)?.first() {
        if *opcode == b'.' {
            break;
        }
        machine.step(*opcode)?;
    }
    match machine.stack.as_slice() {
        [Object::Tensor(tensor)] => Ok(Tensor::clone(tensor)),
        _ => Err("it holds something else than one tensor".to_owned()),
    }
}

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// IEEE half precision.
    Float16,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Bytes from 0 to 255.
    Byte,
    /// Signed integers of 32 bits.
    Int32,
    /// Signed integers of 64 bits.
    Int64,
}

/// Every element type.
const ELEMENTS: [ElementType; 6] = [
    ElementType::Float16,
    ElementType::Float32,
    ElementType::Float64,
    ElementType::Byte,
    ElementType::Int32,
    ElementType::Int64,
];

impl ElementType {
    /// Size of an element in bytes.
    pub fn size(self) -> u64 {
        match self {
            Self::Byte => 1,
            Self::Float16 => 2,
            Self::Float32 | Self::Int32 => 4,
            Self::Float64 | Self::Int64 => 8,
        }
    }

    /// Name of the type in PyTorch.
    fn name(self) -> &'static str {
        match self {
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Byte => "uint8",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }

    /// Name of PyTorch's class of storages.
    fn storage(self) -> &'static str {
        match self {
            Self::Float16 => "HalfStorage",
            Self::Float32 => "FloatStorage",
            Self::Float64 => "DoubleStorage",
            Self::Byte => "ByteStorage",
            Self::Int32 => "IntStorage",
            Self::Int64 => "LongStorage",
        }
    }
}

/// The pickle of a contiguous tensor of `shape` in storage `0`, as torch.save writes it but for its memo.
pub fn bytes(element: ElementType, shape: &[u64]) -> Vec<u8> {
    let mut bytes = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    push_text(&mut bytes, "storage");
    bytes.extend(format!("ctorch\n{}\n", element.storage()).bytes());
    push_text(&mut bytes, "0");
    push_text(&mut bytes, "cpu");
    push_number(&mut bytes, shape.iter().product());
    bytes.extend(b"tQ");
    push_number(&mut bytes, 0);
    let strides: Vec<u64> = (1..=shape.len()).map(|at| shape[at..].iter().product()).collect();
    push_tuple(&mut bytes, shape);
    push_tuple(&mut bytes, &strides);
    bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR.");
    bytes
}

/// Appends a tuple. One of three numbers has an opcode of its own.
fn push_tuple(bytes: &mut Vec<u8>, numbers: &[u64]) {
    let short = numbers.len() == 3;
    if !short {
        bytes.push(b'(');
    }
    for number in numbers {
        push_number(bytes, *number);
    }
    bytes.push(if short { 0x87 } else { b't' });
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'X');
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Appends `number` in eight bytes, two's complement.
fn push_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend([0x8a, 8]);
    bytes.extend(number.to_le_bytes());
}

struct Machine<'a> {
    /// Types of elements that are expected.
    known: &'static [ElementType],
    rest: &'a [u8],
    stack: Vec<Object>,
    memo: BTreeMap<u32, Object>,
}

impl<'a> Machine<'a> {
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
            "torch._utils._rebuild_tensor_v2" => rebuilt(&arguments),
            other => Err(format!("it holds a `{other}`, expected a plain tensor")),
        }
    }
}

/// Tensor of the arguments `(storage, offset, shape, strides, requires_grad, hooks)`.
fn rebuilt(arguments: &[Object]) -> Result<Object, String> {
    let [
        Object::Storage { element, name, elements },
        Object::Integer(offset),
        Object::Tuple(shape),
        Object::Tuple(strides),
        Object::Boolean,
        Object::Hooks,
    ] = arguments
    else {
        return Err("its pickle describes a tensor in another way than torch.save does".to_owned());
    };
    let number = |object: &Object| match object {
        Object::Integer(number) => u64::try_from(*number).map_err(|_| format!("its tensor has a size {number}")),
        _ => Err("its tensor has a size that is no number".to_owned()),
    };
    Ok(Object::Tensor(Rc::new(Tensor {
        element: *element,
        storage: name.to_string(),
        elements: *elements,
        offset: number(&Object::Integer(*offset))?,
        shape: shape.iter().map(number).collect::<Result<_, _>>()?,
        strides: strides.iter().map(number).collect::<Result<_, _>>()?,
    })))
}

#[cfg(test)]
mod tests;
