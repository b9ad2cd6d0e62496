//! The making of a plan, value by value: which boxes are computed, what they see, and how much work that is.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::boxes::{Area, groups};
use super::cutter::{COLUMNS, GROUPS};
use super::input::{Input, local_of, reached};
use super::patch::{Change, plane};
use super::step::{Group, Source, Step};
use crate::graph::{Graph, Node, Reach};

/// Products and sums that take as long as reading and writing a value: at its peaks in single precision, an H200 makes 25
/// products and sums in the time in which it reads and writes half a value.
const OF_VALUE: usize = 50;

/// Change of a value by each window.
enum Planned {
    Not,
    Boxes(Vec<Place>),
    Whole,
}

/// The box of a value that a window changes: its group, its number there, the box as it is computed, and the part of the box
/// that may have changed.
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
pub(super) struct Planner<'a> {
    graph: &'a Graph,
    clean: &'a [Tensor],
    windows: &'a [Area],
    sizes: usize,
    changes: Vec<Planned>,
    /// Rows of [`super::cutter::Cut::sources`] so far.
    pub(super) table: Vec<i32>,
    /// Bytes of the largest step: of a window, and of a whole image.
    pub(super) bytes: [usize; 2],
    /// Work for all windows: in boxes, and in whole images.
    pub(super) work: [f64; 2],
}

impl<'a> Planner<'a> {
    /// A plan of nothing yet, for a graph whose values for some images are `clean`.
    pub(super) fn of((graph, clean): (&'a Graph, &'a [Tensor]), windows: &'a [Area], sizes: usize) -> Self {
        let (changes, table) = (Vec::new(), Vec::new());
        Self { graph, clean, windows, sizes, changes, table, bytes: [0; 2], work: [0.0; 2] }
    }

    /// Step of the next value, number `id`; `None` where the value cannot be planned.
    pub(super) fn step(&mut self, id: usize) -> Option<Step> {
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

    /// Source of the part of an input that `boxes` of an output see.
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

    /// Counts the work and the memory of a step: an output takes products of all that it sees, as if each channel saw all of the input's.
    fn count(&mut self, planned: Option<&(Step, Planned)>, inputs: &[Input<'_, Planned>], output: &Tensor) {
        let products: usize = inputs.iter().map(products).sum();
        let values_of = |size: [i64; 2]| of_area(output, size);
        let mut add = |windows: usize, outputs: usize, seen: usize, copied: usize, which: usize| {
            let work = outputs * products + (outputs + copied) * OF_VALUE;
            self.work[which] += windows as f64 * work as f64;
            self.bytes[which] = self.bytes[which].max((outputs + seen) * size_of::<f32>());
        };
        let (outputs, seen) = (of_row(output), inputs.iter().map(|input| of_row(input.clean)).sum());
        add(self.windows.len(), outputs, seen, 0, 1);
        match planned {
            Some((Step::Boxes(groups), _)) => {
                for group in groups {
                    let cut: usize =
                        group.seen.iter().zip(inputs).map(|(source, input)| source.values(input.clean)).sum();
                    add(group.members.len(), values_of(group.size), cut, cut, 0);
                }
            }
            Some((Step::Whole(sources), _)) => {
                let cut = sources.iter().zip(inputs);
                let cut = cut.map(|(source, input)| source.map_or(0, |source| source.values(input.clean))).sum();
                add(self.windows.len(), outputs, seen, cut, 0);
            }
            _ => {}
        }
    }
}

/// Products that a value of an output takes of an input.
fn products(input: &Input<'_, Planned>) -> usize {
    match input.reach {
        Reach::Window { kernel: [down, across], .. } => (input.clean.size()[1] * down * across) as usize,
        Reach::Pixel | Reach::Everywhere => 0,
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

impl Source {
    /// Values of `input` that are cut out for a box.
    fn values(self, input: &Tensor) -> usize {
        match self {
            Self::Patches(_) => 0,
            Self::Cut { size, .. } => of_area(input, size),
        }
    }
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
