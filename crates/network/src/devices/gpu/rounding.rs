//! Maps that a device rounds to half precision, and what is to be known of each before that: two kernels of ours where kernels run,
//! else six of libtorch's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;

use tch::{Device, Kind, TchError, Tensor};

use super::launch::Launch;
use super::launch::arguments::ask;
use super::lower::launcher;
use super::memory::{MOST, pointer};

/// Threads that share a map, at most.
const LANES: i64 = 1024;
/// Bytes of what a thread has seen: three numbers.
const FACTS: i64 = 12;
/// Maps by which kernels are proved.
const PROVED_MAPS: i64 = 4;

thread_local! {
    /// Whether the kernels gave what libtorch gives, by device and number of values of a map.
    static PROVED: RefCell<HashMap<(Device, i64), bool>> = RefCell::default();
}

/// Maps in half precision.
#[derive(Debug)]
pub struct Halves {
    /// `[maps, values]`: rounded to the nearest half, of two that are as near to the even one.
    pub values: Tensor,
    /// `[3, maps]`, in single precision: the largest size of the values of a map, which is NaN where one is; how many are not zero; the
    /// first one that is infinite as a half, and any value where none is.
    pub facts: Tensor,
    /// Whether kernels of ours have just been found to give something else for maps of so many values. They are not asked for such maps any
    /// more.
    pub is_disproof: bool,
}

/// Rounds `maps` `[maps, values]`, without gaps and in single precision, where they are. Of a map there are at most 2^24 values.
pub fn halves(maps: &Tensor) -> Result<Halves, TchError> {
    let Some(Ok(launch)) = launcher(maps.device()).filter(|_| maps.numel() > 0 && (maps.numel() as i64) < MOST) else {
        return by_libtorch(maps);
    };
    let (rows, values) = maps.size2()?;
    let key = (maps.device(), values);
    if let Some(is_right) = PROVED.with_borrow(|proved| proved.get(&key).copied()) {
        return if is_right { by_kernels(&launch, maps) } else { by_libtorch(maps) };
    }
    // Each map is rounded by itself: a few tell of any number, and take no memory that a batch would miss.
    let is_right = is_right(&launch, &maps.f_narrow(0, 0, rows.min(PROVED_MAPS))?)?;
    PROVED.with_borrow_mut(|proved| proved.insert(key, is_right));
    let found = if is_right { by_kernels(&launch, maps) } else { by_libtorch(maps) };
    Ok(Halves { is_disproof: !is_right, ..found? })
}

/// Whether the kernels give the bits of libtorch for values of many sizes, in the shape of `maps`. The device is waited for, once.
fn is_right(launch: &Rc<dyn Launch>, maps: &Tensor) -> Result<bool, TchError> {
    let place = Tensor::f_arange(maps.numel() as i64, (Kind::Float, maps.device()))?;
    // From what is zero as a half to what is infinite, in steps that no row has at the same places as the next.
    let size = place.f_remainder(43.0)?.f_add_scalar(-26.0)?.f_exp2()?;
    let trial = place.f_square()?.f_sin()?.f_mul(&size)?.f_view(maps.size().as_slice())?;
    let (found, expected) = (by_kernels(launch, &trial)?, by_libtorch(&trial)?);
    // Where no value is infinite as a half, the last number says nothing.
    let told = |halves: &Halves| -> Result<Tensor, TchError> {
        let last = halves.facts.f_select(0, 2)?;
        let told = last.f_mul(&last.f_abs()?.f_ge(65520.0)?)?;
        Tensor::f_cat(&[halves.facts.f_narrow(0, 0, 2)?, told.f_unsqueeze(0)?], 0)
    };
    let bits = |halves: &Halves| halves.values.f_view_dtype(Kind::Int16);
    Ok(bits(&found)?.f_equal(&bits(&expected)?)? && told(&found)?.f_equal(&told(&expected)?)?)
}

/// By two kernels: each thread has some values of a map, and then one thread what all of them have seen.
pub(super) fn by_kernels(launch: &Rc<dyn Launch>, maps: &Tensor) -> Result<Halves, TchError> {
    let ((rows, values), device) = (maps.size2()?, maps.device());
    let lanes = LANES.min(values);
    let halves = Tensor::f_empty([rows, values], (Kind::Half, device))?;
    let seen = Tensor::f_empty([lanes * rows * FACTS], (Kind::Uint8, device))?;
    let facts = Tensor::f_empty([3, rows], (Kind::Float, device))?;
    let [from, to, seen_at, told]: [*const c_void; 4] = [maps, &halves, &seen, &facts].map(pointer);
    let [values, lanes, rows] = [values, lanes, rows].map(|count| count as u32);
    ask(launch, c"narrow", lanes * rows, &[&to, &seen_at, &from, &values, &lanes, &rows])?;
    ask(launch, c"narrow_told", rows, &[&told, &seen_at, &from, &values, &lanes])?;
    Ok(Halves { values: halves, facts, is_disproof: false })
}

/// By libtorch's: one that rounds, and five for the numbers.
fn by_libtorch(maps: &Tensor) -> Result<Halves, TchError> {
    let (rows, values) = (maps.size2()?.0, maps.f_to_kind(Kind::Half)?);
    let facts = Tensor::f_empty([3, rows], (Kind::Float, maps.device()))?;
    let _ = maps.f_norm_out(&facts.f_select(0, 0)?, f64::INFINITY, [1_i64], false)?;
    let _ = maps.f_norm_out(&facts.f_select(0, 1)?, 0.0, [1_i64], false)?;
    let first = values.f_abs()?.f_argmax(1, true)?;
    let _ = maps.f_gather_out(&facts.f_select(0, 2)?.f_view([rows, 1])?, 1, &first, false)?;
    Ok(Halves { values, facts, is_disproof: false })
}
