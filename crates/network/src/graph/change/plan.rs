//! Boxes of hidden windows, planned once for a model, a size of images and a set of windows.
//!
//! Every image has the same windows, so that a box lies where it lies in all of them: a plan knows neither the images nor how many there
//! are. Boxes of one value have one size, or a few: a launch for each size cuts out those of all windows and images.

use std::collections::BTreeMap;
use std::ops::Range;

use tch::{Kind, TchError, Tensor};

use super::Clean;
use super::boxes::{Area, groups};
use super::cutter::{COLUMNS, GROUPS};
use super::input::{Change, Input, local_of, reached};
use super::patch::plane;
use crate::graph::{Graph, Node, Reach};

/// Boxes that a set of windows changes in every value of a graph.
#[derive(Debug)]
pub struct Plan {
    /// Height and width of the images.
    pub(crate) size: [i64; 2],
    pub(crate) windows: Vec<Area>,
    /// Sizes along an axis.
    pub(crate) sizes: usize,
    /// For each value of the graph.
    pub(super) steps: Vec<Step>,
    /// Rows of [`super::cutter::Cut::sources`], on the device.
    pub(super) table: Tensor,
    /// Bytes of the largest step: of a window, and of a whole image.
    bytes: [usize; 2],
    /// Values that are written for all windows: by boxes, and by whole images.
    written: [usize; 2],
}

/// What is computed of a value.
#[derive(Debug)]
pub(super) enum Step {
    /// No image feeds the value.
    Not,
    /// Boxes, in groups of one size.
    Boxes(Vec<Group>),
    /// All of it, from all of the inputs: those that have boxes are put together.
    Whole(Vec<Option<Source>>),
}

/// Boxes of one size.
#[derive(Debug)]
pub(super) struct Group {
    /// Height and width.
    pub(super) size: [i64; 2],
    /// Their windows, in rising order.
    members: Vec<usize>,
    /// What is seen of each input.
    pub(super) seen: Vec<Source>,
}

/// Where boxes of an input come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// They are the patches of this group of the input.
    Patches(usize),
    /// They are cut out, of this height and width, by rows of the table from this one on.
    Cut { first: usize, size: [i64; 2] },
}

impl Group {
    /// Which of the group are of `windows`.
    pub(super) fn of(&self, windows: &Range<usize>) -> Range<usize> {
        let before = |end: usize| self.members.partition_point(|member| *member < end);
        before(windows.start)..before(windows.end)
    }
}

/// Change of a value by each window.
enum Planned {
    Not,
    Boxes(Vec<Place>),
    Whole,
}

/// The box of a value that a window changes: its group, its number there, the box as it is computed, and the part of it that may
/// have changed.
#[derive(Clone, Copy, Default)]
struct Place {
    group: usize,
    number: usize,
    area: Area,
    changed: Area,
}

impl Change for Planned {
    fn is_none(&self) -> bool {
        matches!(self, Self::Not)
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    fn changed(&self, at: usize) -> Option<Area> {
        if let Self::Boxes(places) = self { Some(places[at].changed) } else { None }
    }
}

/// A plan that is being made.
struct Planner<'a> {
    graph: &'a Graph,
    clean: &'a [Tensor],
    windows: &'a [Area],
    sizes: usize,
    changes: Vec<Planned>,
    table: Vec<i32>,
    bytes: [usize; 2],
    written: [usize; 2],
}

impl Plan {
    /// A plan for `windows` of the images of `clean`, with up to `sizes` sizes along each axis; `None` where boxes cannot be planned:
    /// there are no windows or too many sizes of them, or they change a value that is not `[n, c, h, w]` in single precision.
    pub(super) fn of(graph: &Graph, clean: &Clean, windows: &[Area], sizes: usize) -> Result<Option<Self>, TchError> {
        let clean = &clean.values;
        let mut planner = Planner {
            graph,
            clean,
            windows,
            sizes,
            changes: Vec::new(),
            table: Vec::new(),
            bytes: [0; 2],
            written: [0; 2],
        };
        let steps: Option<Vec<Step>> = (0..graph.nodes.len()).map(|id| planner.step(id)).collect();
        let (Some(steps), Some(size)) = (steps, plane(&clean[0])) else { return Ok(None) };
        let Planner { table, bytes, written, .. } = planner;
        let table = Tensor::f_from_slice(&table)?.f_view([-1, COLUMNS as i64])?.f_to_device(clean[0].device())?;
        Ok(Some(Self { size, windows: windows.to_vec(), sizes, steps, table, bytes, written }))
    }

    /// A plan for windows `[top, left, height, width]`, whether boxes pay or not.
    #[cfg(test)]
    pub(crate) fn for_test(graph: &Graph, clean: &Clean, windows: &[[i64; 4]], sizes: usize) -> Option<Self> {
        let areas: Vec<Area> = windows.iter().map(|&window| Area::from(window)).collect();
        Self::of(graph, clean, &areas, sizes).ok()?
    }

    /// Whether boxes write fewer values than whole images.
    pub(super) fn pays(&self) -> bool {
        self.written[0] < self.written[1]
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Number of windows, one of an image each, whose values take as much memory as those of so many whole images.
    pub fn rows(&self, images: i64) -> usize {
        (images.max(1) as usize * self.bytes[1] / self.bytes[0].max(1)).max(1)
    }
}

impl Planner<'_> {
    /// What is computed of value `id`.
    fn step(&mut self, id: usize) -> Option<Step> {
        let node = &self.graph.nodes[id];
        let (step, change) = if id == 0 {
            self.images()?
        } else if node.inputs.is_empty() {
            (Step::Not, Planned::Not)
        } else {
            self.node(id, node)?
        };
        self.changes.push(change);
        Some(step)
    }

    /// The windows themselves, by size.
    fn images(&mut self) -> Option<(Step, Planned)> {
        let mut sizes: BTreeMap<[i64; 2], Vec<(usize, Area)>> = BTreeMap::new();
        for (at, area) in self.windows.iter().enumerate() {
            sizes.entry([area.height, area.width]).or_default().push((at, *area));
        }
        self.boxes(self.windows, sizes.into_values().collect(), &[])
    }

    fn node(&mut self, id: usize, node: &Node) -> Option<(Step, Planned)> {
        let changes = std::mem::take(&mut self.changes);
        let inputs = Input::all(node, &changes, self.clean);
        let output = &self.clean[id];
        let planned = if local_of(node, &inputs, output).is_some() {
            let size = plane(output)?;
            let reached = reached(&inputs, self.windows.len(), size);
            self.boxes(&reached, groups(&reached, size, self.sizes), &inputs)
        } else {
            self.whole(&inputs)
        };
        self.count(planned.as_ref(), &inputs, output);
        self.changes = changes;
        planned
    }

    /// Boxes of a value, of which `reached` is changed, in `groups`.
    fn boxes(
        &mut self,
        reached: &[Area],
        groups: Vec<Vec<(usize, Area)>>,
        inputs: &[Input<'_, Planned>],
    ) -> Option<(Step, Planned)> {
        if groups.is_empty() || groups.len() > GROUPS {
            return None;
        }
        let mut places = vec![Place::default(); reached.len()];
        let mut planned = Vec::with_capacity(groups.len());
        for (group, boxes) in groups.into_iter().enumerate() {
            for (number, &(window, area)) in boxes.iter().enumerate() {
                places[window] = Place { group, number, area, changed: reached[window] };
            }
            let seen = match inputs {
                // The pixels that are hidden.
                [] => vec![self.cut(None, &boxes)],
                inputs => inputs.iter().map(|input| self.seen(input, &boxes)).collect::<Option<_>>()?,
            };
            let size = boxes.first().map_or([0; 2], |(_, area)| [area.height, area.width]);
            planned.push(Group { size, members: boxes.into_iter().map(|(window, _)| window).collect(), seen });
        }
        Some((Step::Boxes(planned), Planned::Boxes(places)))
    }

    /// A value that changes everywhere.
    fn whole(&mut self, inputs: &[Input<'_, Planned>]) -> Option<(Step, Planned)> {
        let all = |input: &Input<'_, Planned>| {
            let (Planned::Boxes(_), Some([height, width])) = (input.change, plane(input.clean)) else {
                return Some(None);
            };
            let area = Area { top: 0, left: 0, height, width };
            let boxes: Vec<_> = (0..self.windows.len()).map(|window| (window, area)).collect();
            self.seen(&Input { reach: Reach::Pixel, ..*input }, &boxes).map(Some)
        };
        Some((Step::Whole(inputs.iter().map(all).collect::<Option<_>>()?), Planned::Whole))
    }

    /// What `boxes` of an output see of an input.
    fn seen(&mut self, input: &Input<'_, Planned>, boxes: &[(usize, Area)]) -> Option<Source> {
        let is_planes = input.clean.dim() == 4 && input.clean.f_kind().is_ok_and(|kind| kind == Kind::Float);
        let seen: Vec<(usize, Area)> = boxes.iter().map(|&(at, area)| (at, area.seen(input.reach))).collect();
        let places = if let Planned::Boxes(places) = input.change { Some(&places[..]) } else { None };
        let group = places.and_then(|places| as_they_are(places, &seen));
        is_planes.then(|| group.map_or_else(|| self.cut(places, &seen), Source::Patches))
    }

    /// Adds `boxes` with the patches at `places` to the table.
    fn cut(&mut self, places: Option<&[Place]>, boxes: &[(usize, Area)]) -> Source {
        let first = self.table.len() / COLUMNS;
        for &(window, Area { top, left, .. }) in boxes {
            let patch = places.map(|places| places[window]);
            let [group, number] = patch.map_or([-1; 2], |place| [place.group as i64, place.number as i64]);
            let patch = patch.map_or_else(Area::default, |place| place.area);
            self.table.extend([top, left, group, number, patch.top, patch.left].map(|number| number as i32));
        }
        let size = boxes.first().map_or([0; 2], |(_, area)| [area.height, area.width]);
        Source::Cut { first, size }
    }

    /// Counts what a step writes and holds.
    fn count(&mut self, planned: Option<&(Step, Planned)>, inputs: &[Input<'_, Planned>], output: &Tensor) {
        let of_inputs: usize = inputs.iter().map(|input| of_row(input.clean)).sum();
        let whole = of_row(output) + of_inputs;
        let cut = |seen: &[&Source]| -> usize {
            let values = |(source, input): (&&Source, &Input<'_, Planned>)| match source {
                Source::Patches(_) => 0,
                Source::Cut { size, .. } => of_area(input.clean, *size),
            };
            seen.iter().zip(inputs).map(values).sum()
        };
        let each: Vec<(usize, usize)> = match planned {
            Some((Step::Boxes(groups), _)) => {
                let of = |group: &Group| cut(&group.seen.iter().collect::<Vec<_>>()) + of_area(output, group.size);
                groups.iter().map(|group| (group.members.len(), of(group))).collect()
            }
            _ => vec![(self.windows.len(), whole)],
        };
        let largest = each.iter().map(|(_, values)| *values).max().unwrap_or(0);
        self.bytes = [self.bytes[0].max(largest * size_of::<f32>()), self.bytes[1].max(whole * size_of::<f32>())];
        self.written[0] += each.iter().map(|(windows, values)| windows * values).sum::<usize>();
        self.written[1] += self.windows.len() * of_row(output);
    }
}

/// The group whose patches `boxes` are, all of them in their order.
fn as_they_are(places: &[Place], boxes: &[(usize, Area)]) -> Option<usize> {
    let group = places[boxes.first()?.0].group;
    let is = |(number, (window, area)): (usize, &(usize, Area))| {
        let place = places[*window];
        (place.group, place.number, place.area) == (group, number, *area)
    };
    let all = places.iter().filter(|place| place.group == group).count();
    (all == boxes.len() && boxes.iter().enumerate().all(is)).then_some(group)
}

/// Values of an image.
fn of_row(value: &Tensor) -> usize {
    value.numel() / value.size().first().copied().unwrap_or(1).max(1) as usize
}

/// Values of a box of `[height, width]`.
fn of_area(value: &Tensor, [height, width]: [i64; 2]) -> usize {
    let pixels = plane(value).map_or(1, |[height, width]| height * width).max(1) as usize;
    of_row(value) / pixels * (height * width) as usize
}
