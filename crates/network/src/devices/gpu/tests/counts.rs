//! What passes ask a GPU for, held against the table in docs/benchmarks.md; and what they keep, and what is left where memory ran out.

use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::rc::Rc;

use sweep::semantics::Semantics;
use tch::{TchError, Tensor};

use super::graphs::{images, on_gpu, plain};
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::launch::{Launch, LaunchError};
use crate::graph::{Gradient, Graph, Keep, Trace};
use crate::tensors::operators::Operators;
use crate::tensors::settings;

const TABLE: &str = include_str!("../../../../../../docs/benchmarks.md");

/// Numbers of the row that begins with `name`.
fn row(name: &str) -> Vec<usize> {
    let begin = format!("| {name} |");
    // Another table has rows of the same names, with times.
    let table = TABLE.split_once("| pass of |").unwrap().1;
    let line = table.lines().find_map(|line| line.strip_prefix(&begin)).unwrap();
    line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect()
}

/// Number of launches of kernels of ours, and of libtorch's, in which copies to other types and layouts are.
fn asked(launch: &Emulated, act: impl Fn() -> Result<(), TchError>) -> ([usize; 2], Operators) {
    // Proofs and what is made of the weights are made once.
    act().unwrap();
    let ours = || launch.launches.borrow().values().sum::<usize>();
    let before = ours();
    let (done, operators) = Operators::of(act);
    done.unwrap();
    assert_eq!(operators.read(), 0, "the host waits: {operators:?}");
    assert_eq!(operators.ours(), ours() - before);
    ([operators.ours(), operators.launches() - operators.ours()], operators)
}

fn gradient(graph: &Graph, trace: &Trace, targets: &Tensor) -> Result<(), TchError> {
    graph.backward(trace, &graph.select(trace.logits(), targets)?, &Gradient).map(drop)
}

/// In a process in which a CPU plays a GPU: else a CPU multiplies matrices in blocks of rows.
#[test]
fn passes_ask_a_gpu_for_as_much_as_the_table_says() {
    if !settings::emulates_gpu() {
        let name = "devices::gpu::tests::counts::passes_ask_a_gpu_for_as_much_as_the_table_says";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let again = again.args([name, "--exact", "--test-threads=1"]).env_remove(settings::MAX_CPU_ISA);
        let again = again.env(settings::EMULATE_GPU, "1").output().unwrap();
        let told = [again.stdout, again.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
        assert!(again.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let launch = Rc::new(Emulated::default());
    let graph = on_gpu("resnet18", Rc::clone(&launch) as Rc<dyn Launch>);
    let images = images(&graph, 2);
    let targets = Tensor::from_slice(&[0_i64, 1]);
    let baseline = images.narrow(0, 0, 1).full_like(0.25);
    let there = graph.trace_reference(&baseline, 2).unwrap();
    let lift = || {
        let here = graph.trace_values(&images)?;
        let seed = graph.select(here.logits(), &targets)?;
        graph.multipliers(&here, &there, &seed, Semantics::Exact).map(drop)
    };
    let found = [
        ("predictions", asked(&launch, || graph.trace(&images).map(drop))),
        ("Saliency", asked(&launch, || gradient(&graph, &graph.trace(&images)?, &targets))),
        ("DeepLIFT", asked(&launch, lift)),
    ];
    for (name, (found, operators)) in &found {
        assert_eq!(row(name), found, "{name}: {operators:#?}");
    }
}

/// A plain graph keeps the same signs, but the input of each ReLU beside them for `DeepLIFT`.
#[test]
fn of_a_relu_a_byte_a_value_is_kept_and_of_a_batch_norm_nothing() {
    let graph = on_gpu("resnet18", Rc::new(Emulated::default()));
    let images = images(&graph, 2);
    let lowered = graph.trace(&images).unwrap();
    let signs: usize = lowered.kept.iter().flat_map(|kept| &kept.tensors).map(Tensor::numel).sum();
    let plain = plain("resnet18").run(&images, Keep::Trace(None)).unwrap();
    assert!(lowered.is_lowered() && lowered.bytes() <= plain.bytes(), "{} {}", lowered.bytes(), plain.bytes());
    // Winners of the pooling have more bytes than one: the rest is signs.
    let winners: usize = lowered
        .kept
        .iter()
        .flat_map(|kept| &kept.tensors)
        .filter(|kept| kept.kind() == tch::Kind::Int64)
        .map(Tensor::numel)
        .sum();
    assert_eq!(lowered.bytes(), signs - winners + 8 * winners);
}

/// A GPU that has no memory left for launch number `full`, as the driver says it.
#[derive(Debug)]
struct Full {
    emulated: Emulated,
    full: Cell<Option<usize>>,
}

impl Launch for Full {
    #[expect(unsafe_code, reason = "as the emulation")]
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError> {
        let left = self.full.get();
        self.full.set(left.and_then(|left| left.checked_sub(1)));
        if left == Some(0) {
            return Err(LaunchError::Call { library: "the driver", call: "cuLaunchKernel", code: 2 });
        }
        // SAFETY: the caller's word for the arguments.
        unsafe { self.emulated.launch(kernel, blocks, packed) }
    }
}

#[test]
fn where_a_kernel_finds_no_memory_the_pass_says_so_and_is_made_again() {
    let launch = Rc::new(Full { emulated: Emulated::default(), full: Cell::new(None) });
    let graph = on_gpu("cifar_resnet18", Rc::clone(&launch) as Rc<dyn Launch>);
    let images = images(&graph, 2);
    let map = || {
        let trace = graph.trace(&images)?;
        graph.backward(&trace, &graph.select(trace.logits(), &Tensor::from_slice(&[0_i64, 1]))?, &Gradient)
    };
    let expected = map().unwrap();
    // The first kernel, one in the middle of the pass, and one on the way back.
    for full in [0, 7, 25] {
        launch.full.set(Some(full));
        let error = map().unwrap_err();
        // The first of these words are those by which a worker tells that a smaller batch may fit.
        assert!(error.to_string().contains("out of memory"), "{error}");
        assert!(graph.forget(), "weights of the way back");
        assert!(map().unwrap() == expected && graph.is_lowered() && graph.disproof().is_none());
    }
}
