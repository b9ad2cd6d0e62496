//! Boxes of values with patches over them, cut out with one launch for each size.

use std::ffi::c_void;
use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use super::launch::Launch;
use super::launch::arguments::{arguments, ask};
use super::memory::{MOST, Order, Part, dense, fit_four, pointer};
use crate::graph::{Cut, Cutter, GROUPS, Patches};

/// Channels of a thread where they lie apart: it finds the place of its pixel once.
const SOME: i64 = 8;

/// Patches as crop.cu has them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct OfKernel {
    values: *const c_void,
    pub(super) height: u32,
    width: u32,
    first: u32,
    unused: u32,
}

/// The same as crop.cu has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Crop {
    pub(super) patches: [OfKernel; GROUPS],
    sources: *const c_void,
    images: u32,
    pub(super) whole: u32,
    channels: u32,
    height: u32,
    width: u32,
    map_height: u32,
    map_width: u32,
    pub(super) outside: f32,
}

arguments!(Crop);

/// What cuts boxes out on one device.
#[derive(Debug)]
pub(super) struct Crops {
    launch: Rc<dyn Launch>,
    /// Most values of a launch.
    pub(super) most: i64,
}

impl Cutter for Crops {
    fn cut(&self, cut: &Cut<'_>) -> Result<Tensor, TchError> {
        check(cut)?;
        let (map, order) = dense(cut.map)?;
        let values = |patches: &Patches<'_>| patches.values.map(|values| order.of(values)).transpose();
        // Held until the kernel is asked for: some are copies.
        let values = cut.patches.iter().map(values).collect::<Result<Vec<_>, _>>()?;
        let (rows, (whole, channels, height, width)) = (cut.sources.size()[0] * cut.images, map.size4()?);
        let mut patches = [OfKernel { values: std::ptr::null(), height: 0, width: 0, first: 0, unused: 0 }; GROUPS];
        for (place, (of, values)) in patches.iter_mut().zip(cut.patches.iter().zip(&values)) {
            let Some(values) = values else { continue };
            let [height, width] = of.size.map(|size| size as u32);
            *place = OfKernel { values: pointer(values), height, width, first: of.first as u32, unused: 0 };
        }
        let crop = Crop {
            patches,
            sources: pointer(cut.sources),
            images: cut.images as u32,
            whole: whole as u32,
            channels: channels as u32,
            height: cut.size[0] as u32,
            width: cut.size[1] as u32,
            map_height: height as u32,
            map_width: width as u32,
            outside: cut.outside as f32,
        };
        let to = order.empty([rows, channels, cut.size[0], cut.size[1]], (Kind::Float, map.device()))?;
        for part in Part::of(&to, self.most) {
            self.part(&part, (&to, order), pointer(&map), &crop)?;
        }
        Ok(to)
    }
}

impl Crops {
    /// What has kernels run by `launch`.
    pub(super) fn by(launch: Rc<dyn Launch>) -> Self {
        Self { launch, most: MOST }
    }

    /// Some of the rows.
    fn part(
        &self,
        part: &Part,
        (to, order): (&Tensor, Order),
        map: *const c_void,
        crop: &Crop,
    ) -> Result<(), TchError> {
        let (place, begin) = (part.place(to), (part.first / part.row) as u32);
        if order == Order::First {
            let (channels, rows) = (i64::from(crop.channels), part.values / part.row);
            let threads = rows * (part.row / channels) * (channels as u64).div_ceil(SOME as u64) as i64;
            return ask(&self.launch, c"crop", threads as u32, &[&place, &map, crop, &begin, &(SOME as u32)]);
        }
        let places = crop.patches.map(|patches| patches.values);
        let four = fit_four(i64::from(crop.channels), &[place, map]) && fit_four(0, &places);
        let kernel = if four { c"crop_last_four" } else { c"crop_last" };
        ask(&self.launch, kernel, part.count(four), &[&place, &map, crop, &begin])
    }
}

/// Whether the tensors have what the kernel will read of them.
fn check(cut: &Cut<'_>) -> Result<(), TchError> {
    let shape = cut.map.size();
    let is_single = |values: &Tensor| values.f_kind().is_ok_and(|kind| kind == Kind::Float);
    let (&[whole, channels, ..], 4) = (&shape[..], shape.len()) else {
        return Err(TchError::Shape(format!("boxes of a value of the shape {shape:?}")));
    };
    let fit = |patches: &Patches<'_>| {
        let Some(values) = patches.values else { return true };
        let size = values.size();
        is_single(values) && size.len() == 4 && size[1] == channels && size[2..] == patches.size
    };
    let rows = cut.sources.size().first().copied().unwrap_or(0) * cut.images;
    let is_right = is_single(cut.map)
        && (whole == 1 || whole == cut.images)
        && cut.patches.len() <= GROUPS
        && cut.patches.iter().all(fit)
        && cut.sources.is_contiguous()
        && (1..MOST).contains(&rows);
    if is_right {
        return Ok(());
    }
    let patches: Vec<_> = cut.patches.iter().map(|of| (of.values.map(Tensor::size), of.size)).collect();
    Err(TchError::Shape(format!("{rows} boxes of {} images of the shape {shape:?}, under {patches:?}", cut.images)))
}
