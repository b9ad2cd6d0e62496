//! Parts of a value with changed boxes in them, taken by their indices: a few calls of libtorch for all rows, as each
//! costs a GPU some microseconds.

use std::rc::Rc;

use tch::{TchError, Tensor};

use super::Area;
use super::crop::{Source, whole};
use crate::device::sent;

/// As [`super::crop::crop`], of values `[n, c, h, w]` on any device and in any type.
pub(super) fn crop(clean: &Tensor, sources: &[Source<'_>], outside: f64) -> Result<Tensor, TchError> {
    let all = whole(clean);
    let rows: Vec<Row> = sources.iter().map(|source| Row::new(source.row_of(clean), source.area, all)).collect();
    let taken = Taken::of(clean, &rows)?;
    let beyond = sources.iter().any(|source| source.area.with(all) != all);
    let mut crop = taken.values;
    if beyond {
        let fill = Tensor::f_full(&[] as &[i64], outside, (crop.f_kind()?, crop.device()))?;
        crop = crop.f_where_self(&taken.inside, &fill)?;
    }
    for (boxes, at) in patches(sources) {
        let patch = |&at: &i64| Some((sources[at as usize].patch?, sources[at as usize].area));
        let row = |(patch, area): (&super::Patch, Area)| Row::new(patch.row as i64, area, patch.area);
        let rows: Vec<Row> = at.iter().filter_map(patch).map(row).collect();
        let taken = Taken::of(boxes, &rows)?;
        if rows.len() == sources.len() {
            crop = taken.values.f_where_self(&taken.inside, &crop)?;
        } else {
            let index = sent(&Tensor::f_from_slice(&at)?, crop.device())?;
            let changed = taken.values.f_where_self(&taken.inside, &crop.f_index_select(0, &index)?)?;
            crop = crop.f_index_copy(0, &index, &changed)?;
        }
    }
    Ok(crop)
}

/// The tensors that hold the patches of `sources`, and which sources each one serves.
fn patches<'a>(sources: &[Source<'a>]) -> Vec<(&'a Tensor, Vec<i64>)> {
    let mut found: Vec<(&Rc<Tensor>, Vec<i64>)> = Vec::new();
    for (at, source) in (0..).zip(sources) {
        let Some(patch) = source.patch else { continue };
        match found.iter_mut().find(|(boxes, _)| Rc::ptr_eq(boxes, &patch.values)) {
            Some((_, served)) => served.push(at),
            None => found.push((&patch.values, vec![at])),
        }
    }
    found.into_iter().map(|(boxes, served)| (boxes.as_ref(), served)).collect()
}

/// The part `area` of row `row` of some values, which themselves are the part `of` of a map.
struct Row {
    row: i64,
    area: Area,
    of: Area,
}

impl Row {
    fn new(row: i64, area: Area, of: Area) -> Self {
        Self { row, area, of }
    }

    /// For each line, or column, of the part which of the values it is, the nearest one if it has none.
    fn indices(&self, axis: usize) -> impl Iterator<Item = i64> {
        let ((start, length), (first, count)) = (self.area.axes()[axis], self.of.axes()[axis]);
        (start..start + length).map(move |at| (at - first).clamp(0, count - 1))
    }

    /// For each line, or column, of the part one if the values have it, else zero.
    fn hits(&self, axis: usize) -> impl Iterator<Item = i64> {
        let ((start, length), (first, count)) = (self.area.axes()[axis], self.of.axes()[axis]);
        (start..start + length).map(move |at| i64::from((first..first + count).contains(&at)))
    }
}

/// What was taken of some values, `[rows, c, h, w]`.
struct Taken {
    values: Tensor,
    /// Where there was something to take, `[rows, 1, h, w]`.
    inside: Tensor,
}

impl Taken {
    fn of(values: &Tensor, rows: &[Row]) -> Result<Self, TchError> {
        let [height, width] = rows.first().map_or([0, 0], |row| [row.area.height, row.area.width]);
        let count = rows.len() as i64;
        // One copy to the device for all numbers.
        let numbers = rows.iter().map(|row| row.row);
        let along = |axis: usize| rows.iter().flat_map(move |row| row.indices(axis));
        let hits = |axis: usize| rows.iter().flat_map(move |row| row.hits(axis));
        let numbers = numbers.chain(along(0)).chain(along(1)).chain(hits(0)).chain(hits(1)).collect::<Vec<i64>>();
        let numbers = sent(&Tensor::f_from_slice(&numbers)?, values.device())?;
        let (tall, wide) = (count * height, count * width);
        let part = |start: i64, length: i64, shape: [i64; 4]| numbers.f_narrow(0, start, length)?.f_view(shape);
        let down = |start: i64| part(start, tall, [count, 1, height, 1]);
        let across = |start: i64| part(start, wide, [count, 1, 1, width]);
        let index = [part(0, count, [count, 1, 1, 1])?, down(count)?, across(count + tall)?];
        let behind = count + tall + wide;
        let inside = down(behind)?.f_logical_and(&across(behind + tall)?)?;
        Ok(Self { values: take(values, index)?, inside })
    }
}

/// The values at `[row, line, column]`, each to be broadcast to `[rows, 1, h, w]`: `[rows, c, h, w]`.
fn take(values: &Tensor, [row, line, column]: [Tensor; 3]) -> Result<Tensor, TchError> {
    let channels = values.size().get(1).copied().unwrap_or(0);
    if channels > 1 && values.stride()[1] == 1 {
        // Channels stand together: they are copied together, and stay so.
        let [row, line, column] = [row.f_squeeze_dim(1)?, line.f_squeeze_dim(1)?, column.f_squeeze_dim(1)?];
        let taken = values.f_permute([0, 2, 3, 1])?.f_index(&[Some(row), Some(line), Some(column)])?;
        return taken.f_permute([0, 3, 1, 2]);
    }
    let channel = Tensor::f_arange(channels, (tch::Kind::Int64, values.device()))?.f_view([1, -1, 1, 1])?;
    values.f_index(&[Some(row), Some(channel), Some(line), Some(column)])
}
