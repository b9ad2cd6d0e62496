//! A shard on a device that is asked ahead, as a GPU is, played by the CPU: its marks are reached when somebody waits for them.

mod counted;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use data::preprocess;
use network::models::load;
use network::{Graph, Weights};
use serde_json::json;
use store::Ledger;
use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::{Dtype, Group};
use sweep::variant::Variant;
use tch::{Device, Kind, TchError, Tensor};

use self::counted::variant;
use super::batch_sizes::BatchSizes;
use super::leaving::Leaving;
use super::rounds::rounds;
use super::shard_run::ShardRun;
use crate::device::pinned::Pinned;
use crate::device::tests::ALONE;
use crate::device::traffic::{Away, Mark, Traffic};
use crate::libtorch::copy::copy;
use crate::stages::computed::{Computed, MapValues};
use crate::stages::images::Pixels;
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

/// Images of most shards; batches have two.
const IMAGES: u64 = 6;

/// What was asked of the marks, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Set(usize),
    Reached(usize),
}

#[derive(Default)]
struct Log {
    asked: RefCell<Vec<Asked>>,
    set: RefCell<usize>,
    /// Copies that the device was asked for and has not made, each with the number of the next mark.
    copies: RefCell<Vec<(usize, Tensor, Tensor)>>,
    /// Number of copies so far, and of their bytes.
    left: RefCell<[usize; 2]>,
}

struct Late(Rc<Log>, usize, Option<&'static str>);

impl Mark for Late {
    /// The device is as late as it may be: what it was asked to copy it copies now.
    fn reach(&self) -> Result<(), TchError> {
        self.0.asked.borrow_mut().push(Asked::Reached(self.1));
        self.0.copies.borrow_mut().retain(|(mark, to, from)| {
            if *mark <= self.1 {
                copy(to, from).unwrap();
            }
            *mark > self.1
        });
        self.2.map_or(Ok(()), |text| Err(TchError::Torch(text.to_owned())))
    }
}

impl Log {
    /// Traffic of a device that is two batches behind. Setting mark number `full` fails for want of memory, the first time; when mark
    /// number `lost` is waited for, the device is lost.
    fn traffic(self: &Rc<Self>, full: usize, lost: usize) -> Traffic {
        let log = Rc::clone(self);
        let mark = move || {
            let number = log.set.replace_with(|number| *number + 1);
            log.asked.borrow_mut().push(Asked::Set(number));
            if number == full {
                return Err(TchError::Torch("CUDA out of memory. Tried to allocate 2.00 GiB".into()));
            }
            let text = (number == lost).then_some("CUDA error: an illegal memory access was encountered");
            Ok(Box::new(Late(Rc::clone(&log), number, text)) as Box<dyn Mark>)
        };
        let log = Rc::clone(self);
        let carry = move |to: &Tensor, from: &Tensor| {
            let bytes = from.numel() * from.kind().elt_size_in_bytes();
            log.left.replace_with(|[copies, all]| [*copies + 1, *all + bytes]);
            log.copies.borrow_mut().push((*log.set.borrow(), to.shallow_clone(), from.shallow_clone()));
            Ok(())
        };
        // Nothing that was not copied may be read: it is not a number, in either type.
        let memory = Pinned::of(Device::Cpu, |bytes, _| Tensor::f_full([bytes], 0xff, (Kind::Uint8, Device::Cpu)));
        Traffic {
            device: Device::Cpu,
            resident: 1 << 20,
            on_the_way: 2,
            staging: Some(Pinned::of(Device::Cpu, |bytes, _| Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu)))),
            mark: Box::new(mark),
            away: Some(Away { memory, carry: Box::new(carry) }),
        }
    }
}

const NEVER: usize = usize::MAX;

struct Case {
    graph: Graph,
    group: Arc<Group>,
    shard: Shard,
}

impl Case {
    fn new(dtype: Dtype) -> Self {
        let variants = vec![
            variant("Saliency", json!({})),
            variant("InputXGradient", json!({})),
            variant("IntegratedGradients", json!({"baselines": "zero", "method": "gausslegendre", "n_steps": 2})),
            variant("DeepLiftShap", json!({"baselines": "zero", "n_noise_baselines": 1})),
        ];
        Self::of(("cifar_resnet18", 16), variants, (IMAGES, dtype))
    }

    /// So many images of `side` pixels, for `variants` of `model`.
    fn of((model, side): (&str, usize), variants: Vec<Variant>, (images, dtype): (u64, Dtype)) -> Self {
        let group = testkit::group::group().images(images, images).shape([3, side, side]);
        let group = group.variants(variants).dtype(dtype).share();
        let pixels = (0..images * group.shape.iter().product::<usize>() as u64).map(|at| (at * 31 % 251) as u8);
        let pixels = Pixels::new(&group, 0, [side, side, 3], preprocess::Pixels::Bytes(pixels.collect()));
        let shard = Shard {
            index: 0,
            pixels,
            labels: Vec::new(),
            ledger: Ledger::default(),
            predictions: None,
            predictions_missing: false,
            mean: None,
            masks: None,
        };
        let graph = load(model, &Weights::random(3, 2), (Device::Cpu, Kind::Float)).unwrap();
        Self { graph, group, shard }
    }

    /// Values of each array in their order, and the ends of arrays.
    fn run(&self, traffic: &Traffic) -> Result<BTreeMap<String, Vec<f32>>, UnitError> {
        let mut arrays: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        let mut lost = Vec::new();
        let mut emit = |computed| {
            let (name, values) = match computed {
                Computed::Image(values) => ("images".to_owned(), values),
                Computed::Floats { array, values } => (array.to_owned(), values),
                Computed::Map { key, values } => (key.clone(), self.stored(&key, values, &mut lost)),
                Computed::MapsEnd { key, completeness } => {
                    // A worker that ends here leaves no map whose prediction is made anew.
                    assert!(arrays.contains_key(store::name::PREDICTIONS), "{key} is in place before what it explains");
                    let whole = self.shard.pixels.len() * self.group.shape.iter().product::<usize>();
                    assert_eq!(arrays[&key].len(), whole, "{key} has ended");
                    (format!("{key} deltas"), completeness.map(|all| all.deltas).unwrap_or_default())
                }
                _ => return,
            };
            arrays.entry(name).or_default().extend(values);
        };
        let size = GrantedBatch { images: 2, grows: false };
        let batches = GrantedBatches(self.group.variants.iter().map(|one| (one.key.clone(), size)).collect());
        let mut run = ShardRun::new(&self.graph, &self.group, traffic, &self.shard)?;
        run.images_missing = true;
        let (mut sizes, mut leaving) = (BatchSizes::default(), Leaving::new(traffic, &mut emit));
        let rounds = rounds(self.group.variants.iter(), &batches)?;
        let asked = rounds.iter().try_for_each(|round| run.round(round, &mut sizes, &|| false, &mut leaving));
        leaving.end(asked)?;
        arrays.insert("lost".to_owned(), lost);
        Ok(arrays)
    }

    /// Values of a map as the store has them; what half precision loses goes to `lost`.
    fn stored(&self, key: &str, values: MapValues, lost: &mut Vec<f32>) -> Vec<f32> {
        match &values {
            MapValues::Own(own) if self.group.numerics.dtype == Dtype::Float16 => {
                let narrowed = store::narrow(key, own, own.len(), 0).unwrap();
                lost.extend(&narrowed.underflow);
                narrowed.values.iter().map(|value| value.to_f32()).collect()
            }
            MapValues::Shared(map) => {
                assert_eq!(map.unrounded.is_some(), self.group.numerics.dtype == Dtype::Float16);
                lost.extend(map.unrounded.map(|unrounded| store::lost(key, map.bytes(), unrounded, 0).unwrap()));
                values.into_floats()
            }
            MapValues::Own(_) => values.into_floats(),
        }
    }
}

#[test]
fn a_device_that_is_asked_ahead_gives_what_one_gives_that_is_asked_step_by_step() {
    let _alone = ALONE.lock();
    [Dtype::Float16, Dtype::Float32].into_iter().for_each(asked_ahead);
}

fn asked_ahead(dtype: Dtype) {
    let (case, log) = (Case::new(dtype), Rc::new(Log::default()));
    let expected = case.run(&Traffic::of(Device::Cpu)).unwrap();
    // Images, predictions, what is lost, and for each variant its maps and its deltas.
    assert_eq!(expected.len(), 3 + 4 * 2);
    assert_eq!(case.run(&log.traffic(NEVER, NEVER)).unwrap(), expected);
    let asked = log.asked.borrow();
    // A batch of the first round has logits and two parts, and each round an end: three batches and the end of a round before
    // its first batch is waited for.
    let first = asked.iter().position(|asked| *asked == Asked::Reached(0)).unwrap();
    assert_eq!(asked[..first], [0, 1, 2, 3, 4, 5, 6].map(Asked::Set));
    let set: Vec<usize> = (0..3 * 3 + 1 + 2 * (3 + 1)).collect();
    for number in &set {
        let places =
            [Asked::Set(*number), Asked::Reached(*number)].map(|what| asked.iter().position(|asked| *asked == what));
        assert!(places[0] < places[1] && places[0].is_some(), "mark {number}: {places:?}");
    }
    assert_eq!(asked.len(), 2 * set.len());
    let place = |what| asked.iter().position(|asked| *asked == what).unwrap();
    // The next round is asked for before the last one has left.
    assert!(place(Asked::Set(10)) < place(Asked::Reached(9)));
}

#[test]
fn a_batch_that_runs_out_of_memory_anywhere_is_tried_again_and_nothing_is_missing_or_there_twice() {
    let _alone = ALONE.lock();
    let case = Case::new(Dtype::Float32);
    let expected = case.run(&Traffic::of(Device::Cpu)).unwrap();
    // Logits, each part of a first and of a later batch, and parts of later rounds. The end of a round takes nothing of the device.
    for full in [0, 1, 2, 4, 8, 10, 14] {
        let found = case.run(&Rc::new(Log::default()).traffic(full, NEVER));
        let found = found.unwrap_or_else(|error| panic!("mark {full}: {error}"));
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, values) in &expected {
            // Other numbers of images at once, other last bits.
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 + 1e-4 * b.abs();
            assert_eq!(found[name].len(), values.len(), "{name} after mark {full}");
            assert!(found[name].iter().zip(values).all(near), "{name} after mark {full}");
        }
    }
}

#[test]
fn a_lost_device_ends_the_unit_with_its_error() {
    let _alone = ALONE.lock();
    let case = Case::new(Dtype::Float32);
    for lost in [0, 4, 12] {
        let error = case.run(&Rc::new(Log::default()).traffic(NEVER, lost)).unwrap_err();
        assert!(error.is_sticky(), "mark {lost}: {error}");
    }
}
