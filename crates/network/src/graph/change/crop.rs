//! Parts of a value with changed boxes in them.

use tch::{Device, Kind, TchError, Tensor};

use super::boxes::Area;
use super::patch::Patch;
use crate::tensors::simd::{Combine, run};
use crate::tensors::slices::{each_run, values, values_mut};

/// Origin of a row of a crop.
pub(super) struct Source<'a> {
    /// Row of the clean value.
    pub(super) image: i64,
    /// Area of the clean value; pixels outside of the clean value are filled.
    pub(super) area: Area,
    pub(super) patch: Option<&'a Patch>,
}

impl<'a> Source<'a> {
    fn row_of(&self, clean: &Tensor) -> i64 {
        self.image.min(clean.size()[0] - 1)
    }

    /// The patch as the first of its planes.
    fn in_memory(&self, planes: usize, lanes: usize) -> Result<Option<Plane<'a>>, TchError> {
        let Some(Patch { values: boxes, row, area, .. }) = self.patch else { return Ok(None) };
        let each = planes * area.pixels() * lanes;
        Ok(Some(Plane { values: &values::<f32>(boxes)?[row * each..], area: *area }))
    }
}

/// Crops, a row for each source, all areas of one size: a row of `clean` with the patch over it. Constants have one row for all
/// images.
pub(super) fn crop(clean: &Tensor, sources: &[Source<'_>], outside: f64) -> Result<Tensor, TchError> {
    let size = sources.first().map_or([0, 0], |source| [source.area.height, source.area.width]);
    let mut shape = clean.size();
    shape[0] = sources.len() as i64;
    shape[2..4].copy_from_slice(&size);
    let options = (clean.f_kind()?, clean.device());
    if options == (Kind::Float, Device::Cpu) && clean.is_contiguous() {
        let mut crop = Tensor::f_empty(&shape, options)?;
        fill(&mut crop, clean, sources, outside as f32)?;
        return Ok(crop);
    }
    let crop = Tensor::f_full(&shape, outside, options)?;
    for (row, source) in (0..).zip(sources) {
        let row = crop.f_narrow(0, row, 1)?;
        place(&row, source.area, &clean.f_narrow(0, source.row_of(clean), 1)?, whole(clean))?;
        if let Some(patch) = source.patch {
            place(&row, source.area, &patch.values.f_narrow(0, patch.row as i64, 1)?, patch.area)?;
        }
    }
    Ok(crop)
}

/// The change alone, in values that are blocked: the patches less what was there, and zero around them.
pub(super) fn difference(clean: &Tensor, sources: &[Source<'_>]) -> Result<Tensor, TchError> {
    let (mut shape, area) = (clean.size(), sources.first().map_or(Area::default(), |source| source.area));
    shape[0] = sources.len() as i64;
    shape[2..4].copy_from_slice(&[area.height, area.width]);
    let mut out = Tensor::f_empty(&shape, (Kind::Float, Device::Cpu))?;
    let (map, size) = (values::<f32>(clean)?, whole(clean));
    let (planes, lanes) = (shape[1] as usize, shape[4] as usize);
    let images: Vec<usize> = sources.iter().map(|source| source.row_of(clean) as usize).collect();
    let patches = sources.iter().map(|source| source.in_memory(planes, lanes)).collect::<Result<Vec<_>, _>>()?;
    let seen: Vec<Area> = sources.iter().map(|source| source.area).collect();
    let all = Plane { values: map, area: size };
    let length = area.pixels() * lanes;
    each_run(values_mut(&mut out)?, length, |index, out| {
        let (row, at) = (index / planes, index % planes);
        let clean = all.plane(images[row] * planes + at, lanes);
        let Area { top, left, width, .. } = seen[row];
        let Some(patch) = patches[row].as_ref().map(|patch| patch.plane(at, lanes)) else { return out.fill(0.0) };
        for (line, y) in out.chunks_exact_mut(width as usize * lanes).zip(top..) {
            patch.write(line, y, left, lanes, Some(0.0));
            if let Some((from, count)) = patch.shared(y, left, width) {
                let x = &mut line[(from - left) as usize * lanes..][..count * lanes];
                run(lanes, Combine { x, y: clean.line(y, from, count, lanes), sign: -1.0 });
            }
        }
    });
    Ok(out)
}

/// Parts of a clean value that is blocked, to be added to what changed.
pub(super) struct Before<'a> {
    all: Plane<'a>,
    /// Image and box of each row.
    rows: Vec<(usize, Area)>,
    planes: usize,
    lanes: usize,
}

impl<'a> Before<'a> {
    pub(super) fn of(clean: &'a Tensor, rows: Vec<(i64, Area)>) -> Result<Self, TchError> {
        let (planes, lanes) = (clean.size()[1] as usize, clean.size()[4] as usize);
        let all = Plane { values: values(clean)?, area: whole(clean) };
        let rows = rows.into_iter().map(|(image, area)| (image as usize, area)).collect();
        Ok(Self { all, rows, planes, lanes })
    }

    /// Adds to the plane number `index` of all rows what stood there.
    pub(super) fn add_to(&self, index: usize, out: &mut [f32]) {
        let ((image, area), lanes) = (self.rows[index / self.planes], self.lanes);
        let clean = self.all.plane(image * self.planes + index % self.planes, lanes);
        for (x, y) in out.chunks_exact_mut(area.width as usize * lanes).zip(area.top..) {
            run(lanes, Combine { x, y: clean.line(y, area.left, area.width as usize, lanes), sign: 1.0 });
        }
    }
}

fn whole(tensor: &Tensor) -> Area {
    let size = tensor.size();
    Area { top: 0, left: 0, height: size[2], width: size[3] }
}

/// Copies what `to` and `from` share of `values`, which are those of `from`, into `row`, which are those of `to`.
fn place(row: &Tensor, to: Area, values: &Tensor, from: Area) -> Result<(), TchError> {
    let (top, left) = (to.top.max(from.top), to.left.max(from.left));
    let height = (to.top + to.height).min(from.top + from.height) - top;
    let width = (to.left + to.width).min(from.left + from.width) - left;
    if height > 0 && width > 0 {
        let part = |tensor: &Tensor, area: Area| {
            tensor.f_narrow(2, top - area.top, height)?.f_narrow(3, left - area.left, width)
        };
        part(row, to)?.f_copy_(&part(values, from)?)?;
    }
    Ok(())
}

/// Fills the crop in the host's memory: every value is written once, line by line.
fn fill(crop: &mut Tensor, clean: &Tensor, sources: &[Source<'_>], outside: f32) -> Result<(), TchError> {
    let (map, [height, width]) = (values::<f32>(clean)?, [clean.size()[2], clean.size()[3]]);
    // Values of a pixel that stand together: the channels of a block.
    let lanes = clean.size().get(4).map_or(1, |block| *block as usize);
    let planes = clean.size()[1] as usize;
    let images: Vec<usize> = sources.iter().map(|source| source.row_of(clean) as usize).collect();
    let patches = sources.iter().map(|source| source.in_memory(planes, lanes)).collect::<Result<Vec<_>, _>>()?;
    // Threads may not share tensors: only slices and numbers go along.
    let seen: Vec<Area> = sources.iter().map(|source| source.area).collect();
    let all = Plane { values: map, area: Area { top: 0, left: 0, height, width } };
    let length = crop.numel() / (sources.len() * planes).max(1);
    each_run(values_mut(crop)?, length, |index, out| {
        let (row, at) = (index / planes, index % planes);
        let clean = all.plane(images[row] * planes + at, lanes);
        let patch = patches[row].as_ref().map(|patch| patch.plane(at, lanes));
        let Area { top, left, width, .. } = seen[row];
        for (line, y) in out.chunks_exact_mut(width as usize * lanes).zip(top..) {
            clean.write(line, y, left, lanes, Some(outside));
            if let Some(patch) = &patch {
                patch.write(line, y, left, lanes, None);
            }
        }
    });
    Ok(())
}

/// A plane of a value, or of a box of a value.
struct Plane<'a> {
    values: &'a [f32],
    area: Area,
}

impl Plane<'_> {
    /// The plane number `at` from this one on.
    fn plane(&self, at: usize, lanes: usize) -> Self {
        Self { values: &self.values[at * self.area.pixels() * lanes..], area: self.area }
    }

    /// Pixels of row `y`: `count` of them from column `left` on, all inside.
    fn line(&self, y: i64, left: i64, count: usize, lanes: usize) -> &[f32] {
        let Area { top, left: first, width, .. } = self.area;
        &self.values[((y - top) * width + left - first) as usize * lanes..][..count * lanes]
    }

    /// The first of the `width` columns from `left` on that lies on row `y`, and how many such columns lie there; `None` if
    /// none does.
    fn shared(&self, y: i64, left: i64, width: i64) -> Option<(i64, usize)> {
        let Area { top, left: first, height, width: own } = self.area;
        let (from, to) = (left.max(first), (left + width).min(first + own));
        (y >= top && y < top + height && to > from).then_some((from, (to - from) as usize))
    }

    /// Writes row `y` from column `left` on into `line`. What is outside of the plane is filled, or left.
    fn write(&self, line: &mut [f32], y: i64, left: i64, lanes: usize, outside: Option<f32>) {
        let Area { top, left: first, height, width } = self.area;
        let count = (line.len() / lanes) as i64;
        let inside = y >= top && y < top + height;
        let start = if inside { (first - left).clamp(0, count) } else { count };
        let end = if inside { (first + width - left).clamp(start, count) } else { count };
        let (start_at, end_at) = (start as usize * lanes, end as usize * lanes);
        if let Some(outside) = outside {
            line[..start_at].fill(outside);
            line[end_at..].fill(outside);
        }
        if end_at > start_at {
            let from = ((y - top) * width + left + start - first) as usize * lanes;
            line[start_at..end_at].copy_from_slice(&self.values[from..][..end_at - start_at]);
        }
    }
}
