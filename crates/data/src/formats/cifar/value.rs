//! Values of a pickle.

use std::io;
use std::rc::Rc;

/// Most values inside one another: the pickles of CIFAR have six.
const DEEPEST: usize = 16;

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A whole number.
    Int(i64),
    Flag(bool),
    /// A short text, or short bytes.
    Text(Rc<str>),
    /// Bytes of the file: where they start, and how many there are.
    Bytes(u64, u64),
    /// A list, as far as it was filled.
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    /// Arguments of a call of a function, and the state that was set afterwards.
    Made(Vec<Value>, Box<Value>),
    Mark,
    /// A value without a meaning here.
    Other,
}

impl Value {
    /// Number of values inside one another.
    fn depth(&self) -> usize {
        let deepest = |values: &[Self]| values.iter().map(Self::depth).max().unwrap_or(0);
        match self {
            Self::List(values) | Self::Tuple(values) => 1 + deepest(values),
            Self::Dictionary(entries) => {
                1 + entries.iter().map(|(key, value)| key.depth().max(value.depth())).max().unwrap_or(0)
            }
            Self::Made(given, state) => 1 + deepest(given).max(state.depth()),
            Self::Int(_) | Self::Flag(_) | Self::Text(_) | Self::Bytes(..) | Self::Mark | Self::Other => 0,
        }
    }
}

/// The `items` of a value, which may be no deeper: values are measured and dropped one inside the other, on the stack of the thread.
pub(super) fn shallow(items: Vec<Value>) -> io::Result<Vec<Value>> {
    if items.iter().all(|item| item.depth() < DEEPEST) {
        return Ok(items);
    }
    Err(io::Error::other(format!("more than {DEEPEST} values inside one another")))
}
