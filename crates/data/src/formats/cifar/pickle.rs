//! Pickles of Python as data: numbers, texts, lists, dictionaries and where the bytes of arrays lie. Nothing is executed.
//!
//! <https://docs.python.org/3/library/pickletools.html>. A function call of the pickle is kept as what it is called with.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::value::{Value, shallow};

/// Longest text that is kept; longer ones are kept as their place in the file.
const LONGEST: u64 = 4096;

/// Most steps of a pickle: CIFAR-100 has 300 thousand.
const MOST_STEPS: usize = 1 << 22;

/// Place of the bytes of an array.
pub(super) struct Array {
    pub(super) shape: Vec<u64>,
    pub(super) start: u64,
    pub(super) length: u64,
}

/// Content of a pickle: a dictionary.
pub(super) struct Pickle(Vec<(Value, Value)>);

impl Pickle {
    /// Reads `file`. The error is one sentence.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let opened = File::open(file).map_err(|error| error.to_string())?;
        let mut machine =
            Machine { reader: BufReader::with_capacity(1 << 16, opened), stack: Vec::new(), memo: Vec::new() };
        for _ in 0..MOST_STEPS {
            let done = machine.step().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
                _ => format!("no pickle of CIFAR: {error}"),
            })?;
            if done {
                return match machine.stack.pop() {
                    Some(Value::Dictionary(entries)) => Ok(Self(entries)),
                    _ => Err("no dictionary in its pickle".to_owned()),
                };
            }
        }
        Err(format!("a pickle of more than {MOST_STEPS} steps"))
    }

    /// Value under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| matches!(name, Value::Text(name) if **name == *key)).map(|(_, value)| value)
    }

    /// Keys, for messages.
    pub(super) fn keys(&self) -> String {
        let keys =
            self.0.iter().filter_map(|(name, _)| if let Value::Text(name) = name { Some(&**name) } else { None });
        keys.collect::<Vec<_>>().join(", ")
    }

    /// Array of bytes under `key`, as NumPy pickles it. The error is one sentence.
    pub(super) fn array(&self, key: &str) -> Result<Array, String> {
        let refused = || format!("`{key}` is no array of bytes as the authors of CIFAR have pickled it");
        let Some(Value::Made(_, state)) = self.get(key) else { return Err(refused()) };
        let Value::Tuple(state) = &**state else { return Err(refused()) };
        // Version, shape, type, whether the order is Fortran's, bytes.
        let [_, Value::Tuple(shape), Value::Made(of_type, _), order, Value::Bytes(start, length)] = &state[..] else {
            return Err(refused());
        };
        if !matches!(of_type.first(), Some(Value::Text(name)) if **name == *"u1") {
            return Err(format!("`{key}` is no array of the type uint8"));
        }
        match order {
            Value::Flag(false) | Value::Int(0) => {}
            Value::Flag(true) | Value::Int(_) => {
                return Err(format!("`{key}` is in the order of Fortran; save `numpy.ascontiguousarray({key})`"));
            }
            _ => return Err(refused()),
        }
        let shape = shape.iter().map(|size| if let Value::Int(size) = size { u64::try_from(*size).ok() } else { None });
        let shape = shape.collect::<Option<Vec<u64>>>().ok_or_else(refused)?;
        Ok(Array { shape, start: *start, length: *length })
    }
}

struct Machine {
    reader: BufReader<File>,
    stack: Vec<Value>,
    /// Texts and numbers that the pickle refers to again.
    memo: Vec<(u64, Value)>,
}

impl Machine {
    /// Takes one step. Returns whether this step was the last step.
    fn step(&mut self) -> io::Result<bool> {
        let value = match self.number(1)? as u8 {
            b'.' => return Ok(true),
            0x80 => return self.number(1).map(|_| false),
            0x95 => return self.number(8).map(|_| false),
            b'q' => return self.number(1).map(|at| self.remember(at)),
            b'r' => return self.number(4).map(|at| self.remember(at)),
            0x94 => return Ok(self.remember(self.memo.len() as u64)),
            b'e' | b'u' => return self.pop_marked().and_then(|items| self.fill(items)),
            b'a' => return self.pop_many(1).and_then(|items| self.fill(items)),
            b's' => return self.pop_many(2).and_then(|items| self.fill(items)),
            b'b' => return self.build().map(|()| false),
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'U' | b'C' | 0x8c => self.text(1)?,
            b'T' | b'X' | b'B' => self.text(4)?,
            0x8d | 0x8e => self.text(8)?,
            b'K' => Value::Int(self.number(1)? as i64),
            b'M' => Value::Int(self.number(2)? as i64),
            b'J' => Value::Int(i64::from((self.number(4)? as u32).cast_signed())),
            b'(' => Value::Mark,
            b']' => Value::List(Vec::new()),
            b'}' => Value::Dictionary(Vec::new()),
            b')' => Value::Tuple(Vec::new()),
            code @ 0x85..=0x87 => Value::Tuple(shallow(self.pop_many(usize::from(code) - 0x84)?)?),
            b't' => Value::Tuple(shallow(self.pop_marked()?)?),
            b'N' => Value::Other,
            code @ (0x88 | 0x89) => Value::Flag(code == 0x88),
            b'c' => self.lines(2)?,
            0x93 => self.pop_many(2).map(|_| Value::Other)?,
            b'R' => match &mut self.pop_many(2)?[..] {
                [_, Value::Tuple(given)] => Value::Made(std::mem::take(given), Box::new(Value::Other)),
                _ => return Err(io::Error::other("a call without arguments")),
            },
            code => return Err(io::Error::other(format!("its step 0x{code:02x} has no meaning here"))),
        };
        self.stack.push(value);
        Ok(false)
    }

    /// Little-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes[..width])?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Text or bytes behind a length of `width` bytes. Long ones are skipped.
    fn text(&mut self, width: usize) -> io::Result<Value> {
        let length = self.number(width)?;
        if length > LONGEST {
            let start = self.reader.stream_position()?;
            let end = start.checked_add(length).and_then(|end| i64::try_from(end).ok());
            let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.reader.seek(SeekFrom::Start(end as u64))?;
            return Ok(Value::Bytes(start, length));
        }
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes)?;
        Ok(Value::Text(String::from_utf8_lossy(&bytes).into()))
    }

    /// Skips `n` lines: the name of a function.
    fn lines(&mut self, n: usize) -> io::Result<Value> {
        for _ in 0..n {
            while self.number(1)? as u8 != b'\n' {}
        }
        Ok(Value::Other)
    }

    fn remember(&mut self, at: u64) -> bool {
        // Lists and dictionaries are filled later, and nothing in these files refers to them.
        let value = match self.stack.last() {
            Some(value @ (Value::Text(_) | Value::Int(_))) => value.clone(),
            _ => Value::Other,
        };
        self.memo.push((at, value));
        false
    }

    fn recall(&mut self, width: usize) -> io::Result<Value> {
        let at = self.number(width)?;
        // Numbers are given in rising order, so that the place is the number, or else it is looked for.
        let known = self.memo.get(at as usize).filter(|(number, _)| *number == at);
        let known = known.or_else(|| self.memo.iter().rev().take(1024).find(|(number, _)| *number == at));
        known.map(|(_, value)| value.clone()).ok_or_else(|| io::Error::other("it refers to what is not there"))
    }

    fn pop_many(&mut self, n: usize) -> io::Result<Vec<Value>> {
        let at = self.stack.len().checked_sub(n).ok_or_else(|| io::Error::other("it takes more than there is"))?;
        Ok(self.stack.split_off(at))
    }

    fn pop_marked(&mut self) -> io::Result<Vec<Value>> {
        let at = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
        let at = at.ok_or_else(|| io::Error::other("it has no mark"))?;
        let items = self.stack.split_off(at + 1);
        self.stack.pop();
        Ok(items)
    }

    /// Adds `items` to the list or dictionary on top.
    fn fill(&mut self, items: Vec<Value>) -> io::Result<bool> {
        let items = shallow(items)?;
        match self.stack.last_mut() {
            Some(Value::List(list)) => list.extend(items),
            Some(Value::Dictionary(entries)) => {
                let mut items = items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    entries.push((key, value));
                }
            }
            _ => return Err(io::Error::other("it fills what is no list and no dictionary")),
        }
        Ok(false)
    }

    fn build(&mut self) -> io::Result<()> {
        let state = shallow(self.pop_many(1)?)?.pop();
        match (self.stack.last_mut(), state) {
            (Some(Value::Made(_, of)), Some(state)) => **of = state,
            _ => return Err(io::Error::other("it sets what is no object")),
        }
        Ok(())
    }
}
