//! Logits of images with windows hidden, in boxes that were planned.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use tch::{TchError, Tensor};

use super::Clean;
use super::boxes::Area;
use super::cutter::{Cut, Cutter, Patches};
use super::plan::Plan;
use super::step::{Group, Source, Step};
use crate::graph::{Graph, How, Id};
use crate::tensors::settings;

/// Sizes along an axis where the environment names no other number: more take more launches.
const SIZES: usize = 1;

/// Size of images, and windows.
type Key = ([i64; 2], Vec<Area>);

/// The program that cuts boxes out for a graph, and the plans that were made.
#[derive(Debug)]
pub(crate) struct Cutting {
    cutter: Box<dyn Cutter>,
    /// Plans; `None` where boxes do not pay.
    plans: RefCell<HashMap<Key, Option<Rc<Plan>>>>,
}

impl Cutting {
    pub(crate) fn by(cutter: Box<dyn Cutter>) -> Self {
        Self { cutter, plans: RefCell::default() }
    }

    /// Gives back the tables on the device. Whether there were any.
    pub(crate) fn forget(&self) -> bool {
        !self.plans.take().is_empty()
    }
}

impl Graph {
    /// A plan for hiding windows, each `[top, left, height, width]` in pixels, of images as `images` `[n, c, h, w]`; made once. `None`
    /// where passes of the graph do not cut boxes out, or where whole images are less work.
    pub fn plan(&self, images: &Tensor, windows: &[[i64; 4]]) -> Result<Option<Rc<Plan>>, TchError> {
        let graph = self.running();
        let sizes = settings::box_sizes().unwrap_or(SIZES);
        let Some(cutting) = graph.cutting.as_ref().filter(|_| sizes > 0) else { return Ok(None) };
        let areas = windows.iter().map(|&window| Area::from(window));
        let key = (crate::graph::plane(images)?, areas.collect::<Vec<_>>());
        if let Some(plan) = cutting.plans.borrow().get(&key) {
            return Ok(plan.clone());
        }
        let plan = Plan::of(graph, &self.clean(&images.f_narrow(0, 0, 1)?)?, &key.1, sizes)?;
        let plan = plan.filter(Plan::pays).map(Rc::new);
        cutting.plans.borrow_mut().insert(key, plan.clone());
        Ok(plan)
    }

    /// Logits `[k, n, classes]` of the n images of `clean` with one each of k `windows` of `plan` hidden: there they are as in `hidden`,
    /// `[n, c, h, w]`.
    pub fn hiding(
        &self,
        clean: &Clean,
        hidden: &Tensor,
        (plan, windows): (&Plan, Range<usize>),
    ) -> Result<Tensor, TchError> {
        if let Some(lowered) = self.lowered.as_ref().filter(|_| self.is_lowered()) {
            lowered.prover.hiding(self, hidden.size()[0], plan, windows.len())?;
        }
        self.running().hide(clean, hidden, (plan, windows))
    }

    /// Hides windows like [`Graph::hiding`], on this very graph and without a proof.
    pub(crate) fn hide(
        &self,
        clean: &Clean,
        hidden: &Tensor,
        (plan, windows): (&Plan, Range<usize>),
    ) -> Result<Tensor, TchError> {
        let hidden = self.enter(hidden)?;
        let cutting = self.cutting.as_ref().ok_or_else(|| TchError::Shape("a plan without a cutter".to_owned()))?;
        if plan.steps.len() != self.nodes.len() || windows.end > plan.windows() || windows.is_empty() {
            let of = format!("{} windows in {} values", plan.windows(), plan.steps.len());
            return Err(TchError::Shape(format!("windows {windows:?} of a plan of {of}")));
        }
        let (images, classes) = (hidden.size()[0], self.shape.classes);
        let mut run =
            Run { graph: self, plan, clean, images, windows, cutter: cutting.cutter.as_ref(), values: Vec::new() };
        for id in 0..self.nodes.len() {
            let value = run.value(id, &hidden)?;
            run.values.push(value);
            for &input in &self.nodes[id].inputs {
                if self.last_use[input] == id {
                    run.values[input] = Value::Not;
                }
            }
        }
        let count = run.windows.len() as i64;
        match run.values.pop() {
            Some(Value::Whole(logits)) => self.leave(logits)?.f_view([count, images, classes]),
            _ => Err(TchError::Shape("the logits do not depend on the images".to_owned())),
        }
    }
}

/// A value of some windows of all images.
enum Value {
    /// A value without a change, or a value that was freed.
    Not,
    /// A tensor for each group, if some windows are of that group.
    Boxes(Vec<Option<Tensor>>),
    /// A row for each window and image.
    Whole(Tensor),
}

/// A pass of some windows.
struct Run<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    clean: &'a Clean,
    images: i64,
    windows: Range<usize>,
    cutter: &'a dyn Cutter,
    values: Vec<Value>,
}

impl Run<'_> {
    fn value(&self, id: Id, hidden: &Tensor) -> Result<Value, TchError> {
        let node = &self.graph.nodes[id];
        match &self.plan.steps[id] {
            Step::Not => Ok(Value::Not),
            Step::Whole(sources) => {
                let inputs = node.inputs.iter().zip(sources).map(|(input, source)| self.whole(*input, source.as_ref()));
                let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
                let how = How { images: self.windows.len() as i64 * self.images, ..How::FORWARD };
                Ok(Value::Whole(node.operation.run(&inputs.iter().collect::<Vec<_>>(), how)?.0))
            }
            Step::Boxes(groups) => {
                let boxes = groups.iter().map(|group| {
                    let numbers = group.of(&self.windows);
                    (!numbers.is_empty()).then(|| self.boxes(id, group, &numbers, hidden)).transpose()
                });
                Ok(Value::Boxes(boxes.collect::<Result<_, _>>()?))
            }
        }
    }

    /// The boxes of a group that have these numbers in it.
    fn boxes(&self, id: Id, group: &Group, numbers: &Range<usize>, hidden: &Tensor) -> Result<Tensor, TchError> {
        let node = &self.graph.nodes[id];
        if id == 0 {
            let Some(&Source::Cut { first, size }) = group.seen.first() else { return Err(no_boxes(&node.name)) };
            return self.cut(hidden, Vec::new(), (first, numbers), (size, 0.0));
        }
        let local = node.operation.local().ok_or_else(|| no_boxes(&node.name))?;
        let seen = node
            .inputs
            .iter()
            .zip(&group.seen)
            .map(|(input, source)| self.seen(*input, *source, numbers, local.outside()));
        let seen = seen.collect::<Result<Vec<_>, _>>()?;
        local.run_inside(&seen.iter().collect::<Vec<_>>())
    }

    /// The boxes of an input that have these numbers.
    fn seen(&self, input: Id, source: Source, numbers: &Range<usize>, outside: f64) -> Result<Tensor, TchError> {
        match (source, &self.values[input]) {
            (Source::Patches(group), Value::Boxes(groups)) => {
                groups[group].as_ref().map(Tensor::shallow_clone).ok_or_else(|| no_boxes(&self.graph.nodes[input].name))
            }
            (Source::Cut { first, size }, _) => {
                let map = &self.clean.values[input];
                self.cut(map, self.patches(input), (first, numbers), (size, outside))
            }
            _ => Err(no_boxes(&self.graph.nodes[input].name)),
        }
    }

    /// An input of which all is needed: of one row where it does not change.
    fn whole(&self, input: Id, source: Option<&Source>) -> Result<Tensor, TchError> {
        match (&self.values[input], source) {
            (Value::Whole(values), _) => Ok(values.shallow_clone()),
            (_, Some(source)) => self.seen(input, *source, &self.windows, 0.0),
            (_, None) => Ok(self.clean.values[input].shallow_clone()),
        }
    }

    /// Patches that lie over the clean value of `input`.
    fn patches(&self, input: Id) -> Vec<Patches<'_>> {
        let (Value::Boxes(values), Step::Boxes(groups)) = (&self.values[input], &self.plan.steps[input]) else {
            return Vec::new();
        };
        let patches = values.iter().zip(groups).map(|(values, group)| Patches {
            values: values.as_ref(),
            size: group.size,
            first: group.of(&self.windows).start,
        });
        patches.collect()
    }

    /// Boxes of `map` by the rows with these numbers in the part of the table that begins at `first`.
    fn cut(
        &self,
        map: &Tensor,
        patches: Vec<Patches<'_>>,
        (first, numbers): (usize, &Range<usize>),
        (size, outside): ([i64; 2], f64),
    ) -> Result<Tensor, TchError> {
        let sources = self.plan.table.f_narrow(0, (first + numbers.start) as i64, numbers.len() as i64)?;
        self.cutter.cut(&Cut { map, images: self.images, patches, sources: &sources, size, outside })
    }
}

fn no_boxes(name: &str) -> TchError {
    TchError::Shape(format!("no boxes of `{name}` were planned"))
}
