//! Boxes of hidden windows, planned once for a model, a size of images and a set of windows.
//!
//! Every image has the same windows, so that a box lies where it lies in all of them: a plan knows neither the images nor how many there
//! are. Boxes of one value have one size, or a few: a launch for each size cuts out those of all windows and images.

use tch::{TchError, Tensor};

use super::Clean;
use super::boxes::Area;
use super::cutter::COLUMNS;
use super::patch::plane;
use super::planner::Planner;
use super::step::Step;
use crate::graph::Graph;

/// Share of the work of whole images up to which boxes are worth their launches.
const PAYS: f64 = 0.9;

/// Boxes that a set of windows changes in every value of a graph.
#[derive(Debug)]
pub struct Plan {
    /// Height and width of the images.
    pub(crate) size: [i64; 2],
    pub(crate) windows: Vec<Area>,
    /// Sizes along an axis.
    pub(crate) sizes: usize,
    /// Steps, one for each value of the graph.
    pub(super) steps: Vec<Step>,
    /// Rows of [`super::cutter::Cut::sources`], on the device.
    pub(super) table: Tensor,
    /// Bytes of the largest step: of a window, and of a whole image.
    bytes: [usize; 2],
    /// Work for all windows: in boxes, and in whole images.
    work: [f64; 2],
}

impl Plan {
    /// A plan for `windows` of the images of `clean`, with up to `sizes` sizes along each axis; `None` where boxes cannot be planned:
    /// there are no windows or too many sizes of them, or they change a value that is not `[n, c, h, w]` in single precision.
    pub(super) fn of(graph: &Graph, clean: &Clean, windows: &[Area], sizes: usize) -> Result<Option<Self>, TchError> {
        let clean = &clean.values;
        let mut planner = Planner::of((graph, clean), windows, sizes);
        let steps: Option<Vec<Step>> = (0..graph.nodes.len()).map(|id| planner.step(id)).collect();
        let (Some(steps), Some(size)) = (steps, plane(&clean[0])) else { return Ok(None) };
        let Planner { table, bytes, work, .. } = planner;
        let table = Tensor::f_from_slice(&table)?.f_view([-1, COLUMNS as i64])?.f_to_device(clean[0].device())?;
        Ok(Some(Self { size, windows: windows.to_vec(), sizes, steps, table, bytes, work }))
    }

    /// A plan for windows `[top, left, height, width]`, whether boxes pay or not.
    #[cfg(test)]
    pub(crate) fn for_test(graph: &Graph, clean: &Clean, windows: &[[i64; 4]], sizes: usize) -> Option<Self> {
        let areas: Vec<Area> = windows.iter().map(|&window| Area::from(window)).collect();
        Self::of(graph, clean, &areas, sizes).ok()?
    }

    /// Whether boxes are clearly less work than whole images.
    pub(super) fn pays(&self) -> bool {
        self.work[0] < PAYS * self.work[1]
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Number of windows, each of one image, whose values take as much memory as the values of `images` whole images.
    pub fn rows(&self, images: i64) -> usize {
        (images.max(1) as usize * self.bytes[1] / self.bytes[0].max(1)).max(1)
    }
}
