//! Counts of the operators that libtorch is asked for. On a GPU each one that computes is a launch, and a few make the host wait:
//! what passes and methods ask for can be held against a table without a GPU.

#![expect(unsafe_code, reason = "the C++ half")]

mod names;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};

use self::names::{COPY, OURS, OUTER, READ, has_kernel, kernels};

/// Takes an operator with how many compute of those that it has asked, and whether the program itself has asked for it. Gives how many
/// compute with it.
type Seen = extern "C" fn(*mut c_void, *const c_char, usize, bool) -> usize;

unsafe extern "C" {
    fn operators_begin(seen: Seen, context: *mut c_void) -> u64;
    fn operators_end(handle: u64);
}

/// Ways between host and device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Values that a device copies from the host's memory when it comes to that.
    Sent,
    /// Values that a device is given from memory that it cannot read by itself: the host may have to wait.
    Pageable,
    /// Values that a device copies to the host's memory when it comes to that.
    Left,
    /// Values that the host waits for until they are there.
    Read,
    /// A mark in the work of a device that the host waits for.
    Mark,
}

impl Crossing {
    /// Names of the count of such crossings and of their bytes.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Sent => ["host: sent", "host: sent bytes"],
            Self::Pageable => ["host: pageable", "host: pageable bytes"],
            Self::Left => ["host: left", "host: left bytes"],
            Self::Read => ["host: read", "host: read bytes"],
            Self::Mark => ["host: mark", "host: mark bytes"],
        }
    }
}

thread_local! {
    /// What this thread asks for besides operators, while somebody counts.
    static BESIDE: RefCell<Option<BTreeMap<String, usize>>> = const { RefCell::new(None) };
}

/// Notes that `bytes` go a way between host and device.
pub fn crossed(how: Crossing, bytes: usize) {
    let [count, size] = how.names();
    note(count, 1);
    note(size, bytes);
}

/// Notes a launch of a kernel of ours.
pub(crate) fn launched(kernel: &CStr) {
    if BESIDE.with_borrow(Option::is_some) {
        note(&format!("{OURS}{}", kernel.to_string_lossy()), 1);
    }
}

fn note(name: &str, count: usize) {
    BESIDE.with_borrow_mut(|beside| {
        if let Some(beside) = beside {
            *beside.entry(name.to_owned()).or_default() += count;
        }
    });
}

/// Counts by name: operators of libtorch, launches of kernels of ours, and crossings. An operator that asks a computing operator
/// does not count beside that operator: most operators are made of others, and the rest first fill or convert their inputs,
/// which a GPU does within one kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operators(pub BTreeMap<String, usize>);

impl Operators {
    /// Runs `act`, and counts what this thread asks libtorch for meanwhile.
    pub fn of<T>(act: impl FnOnce() -> T) -> (T, Self) {
        extern "C" fn seen(context: *mut c_void, name: *const c_char, asked: usize, is_outer: bool) -> usize {
            // SAFETY: the counts of the call below, which ends before they do, and a name that libtorch gives.
            let (counts, name) = unsafe { (&mut *context.cast::<Operators>(), CStr::from_ptr(name)) };
            let name = name.to_string_lossy();
            if is_outer && kernels(&name, asked) > 0 {
                *counts.0.entry(format!("{OUTER}{name}")).or_default() += kernels(&name, asked);
            }
            if asked > 0 {
                return asked;
            }
            let computes = has_kernel(&name);
            *counts.0.entry(name.into_owned()).or_default() += 1;
            usize::from(computes)
        }
        struct Ended(u64);
        impl Drop for Ended {
            fn drop(&mut self) {
                // SAFETY: begun below, and ended once.
                unsafe { operators_end(self.0) };
                BESIDE.set(None);
            }
        }
        let counts = Box::into_raw(Box::<Self>::default());
        // SAFETY: the counts live until they are taken back below, after the end; `seen` gets them as they are.
        let ended = Ended(unsafe { operators_begin(seen, counts.cast()) });
        BESIDE.set(Some(BTreeMap::new()));
        let done = act();
        let beside = BESIDE.take().unwrap_or_default();
        drop(ended);
        // SAFETY: made above, and nobody else has them any more.
        let mut counts = *unsafe { Box::from_raw(counts) };
        counts.0.extend(beside);
        (done, counts)
    }

    /// Number of launches of kernels of ours.
    pub fn ours(&self) -> usize {
        self.0.iter().filter(|(name, _)| name.starts_with(OURS)).map(|(_, count)| count).sum()
    }

    /// Number of kernels that a GPU runs: launches of ours, and those of libtorch for operators and for copies that stay on the device. A
    /// convolution counts as one: what cuDNN launches for it only a GPU can say.
    pub fn launches(&self) -> usize {
        let outer = self.0.iter().filter(|(name, _)| name.starts_with(OUTER)).map(|(_, count)| count).sum::<usize>();
        let across = self.crossings(Crossing::Sent)[0] + self.crossings(Crossing::Left)[0];
        self.ours() + outer.saturating_sub(across)
    }

    /// Number of crossings of this kind, and their bytes.
    pub fn crossings(&self, how: Crossing) -> [usize; 2] {
        how.names().map(|name| self.0.get(name).copied().unwrap_or(0))
    }

    /// Number of operators that compute: kernels of a GPU. Copies are not among them.
    pub fn computing(&self) -> usize {
        self.0.iter().filter(|(name, _)| *name != COPY && has_kernel(name)).map(|(_, count)| count).sum()
    }

    /// Number of copies, to another type or layout or to another device.
    pub fn copies(&self) -> usize {
        self.0.get(COPY).copied().unwrap_or(0)
    }

    /// Number of operators whose result the host waits for, and of values that it reads back. Marks are not among them.
    pub fn read(&self) -> usize {
        let operators: usize = READ.iter().filter_map(|name| self.0.get(*name)).sum();
        operators + self.crossings(Crossing::Read)[0]
    }

    /// Operators that this set has beyond `other`; `None` where `other` asks for an operator that is not in this set.
    pub fn beyond(&self, other: &Self) -> Option<Self> {
        let left = |(name, count): (&String, &usize)| {
            let left = count.checked_sub(other.0.get(name).copied().unwrap_or(0))?;
            Some((name.clone(), left))
        };
        let all_here = other.0.iter().all(|(name, count)| *count == 0 || self.0.contains_key(name));
        let left: Option<BTreeMap<String, usize>> = self.0.iter().map(left).collect();
        left.filter(|_| all_here).map(|left| Self(left.into_iter().filter(|(_, count)| *count > 0).collect()))
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn what_computes_what_is_copied_and_what_is_read_is_told_apart_from_views() {
        let values = Tensor::ones([2, 3], (Kind::Float, Device::Cpu));
        let (sum, asked) = Operators::of(|| {
            let sizes = values.abs().view([3, 2]).transpose(0, 1).narrow(0, 0, 1);
            sizes.to_kind(Kind::Double).contiguous().sum(Kind::Double).double_value(&[])
        });
        assert_eq!(sum, 3.0);
        // The sizes and their sum; to double precision, and the number is read.
        assert_eq!((asked.computing(), asked.copies(), asked.read()), (2, 1, 1), "{asked:?}");
        assert_eq!((asked.launches(), asked.ours()), (3, 0), "{asked:?}");
        let other = || drop(Tensor::ones([2, 3], (Kind::Float, Device::Cpu)) * 3.0);
        let ((), nothing) = Operators::of(|| std::thread::spawn(other).join().unwrap());
        assert_eq!(nothing, Operators::default(), "what other threads ask for");
        let once = Operators::of(|| values.abs()).1;
        let twice = Operators::of(|| (values.abs(), values.abs())).1;
        assert_eq!((twice.beyond(&once), once.beyond(&twice)), (Some(once), None));
    }
}
