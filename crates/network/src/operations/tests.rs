//! A toy operation that is added as others are: by its file and one line in a list of entries.

use tch::{Device, Kind, TchError, Tensor};

use crate::graph::{How, Kept, Local, Operation, Reach, Replacement};
use crate::operations::OPERATIONS;
use crate::programs::{self, Call, Entry, ExportError, Value};
use program::{Program, int, meta, node, symbol, tensor};

#[path = "../../tests/common/mod.rs"]
pub(crate) mod program;

const ENTRY: Entry =
    Entry { name: "cube", summary: "x^3", deep_lift: "plain gradient: not complete", aten: &["aten.cube"], import };

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    call.apply(Cube, &[input])
}

/// The third power of every value.
#[derive(Debug)]
struct Cube;

impl Operation for Cube {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let kept = if how.keep { vec![inputs[0].shallow_clone()] } else { Vec::new() };
        Ok((inputs[0].f_pow_tensor_scalar(3.0)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![kept.tensor(0)?.f_square()?.f_mul_scalar(3.0)?.f_mul(gradient)?])
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Cube {
    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }
}

/// The program of the tests, whose first node takes the third power of the images.
fn program() -> Program {
    let mut program = Program::new().with_node(
        0,
        node("mean.dim", "mean", serde_json::json!({"self": tensor("cube"), "dim": {"as_ints": [2, 3]}})),
    );
    let graph = &mut program.model["graph_module"]["graph"];
    let cube = node("cube.default", "cube", serde_json::json!({"self": tensor("x")}));
    graph["nodes"].as_array_mut().unwrap().insert(0, cube);
    graph["tensor_values"]["cube"] = meta(&[symbol(), int(3), int(4), int(4)], &[48, 16, 4, 1]);
    program
}

#[test]
fn an_operation_is_one_entry_in_the_list() {
    let program = program();
    assert!(program.refusal().contains("aten.cube"), "without the entry no operation does what the program asks");
    let operators: Vec<&Entry> = OPERATIONS.iter().copied().chain([&ENTRY]).collect();
    let graph = programs::open(&program.write(), (Device::Cpu, Kind::Float), &operators).unwrap();
    let rows = |values: &[f32], size: i64| Tensor::from_slice(values).view([1, -1, 1, 1]).repeat([1, 1, size, size]);

    // Channels 2, 1 and 3 have the cubes 8, 1 and 27; the weights are (1, 0, 0) and (0, 1, -1).
    let images = rows(&[2.0, 1.0, 3.0], 4);
    let trace = graph.trace(&images).unwrap();
    assert_eq!(*trace.logits(), Tensor::from_slice(&[8_f32, -26.0]).view([1, 2]));

    // The gradient of a mean of 16 cubes is 3 x^2 / 16.
    let seed = Tensor::from_slice(&[1_f32, 1.0]).view([1, 2]);
    let gradient = graph.backward(&trace, &seed, &crate::Gradient).unwrap();
    assert_eq!(gradient, rows(&[0.75, 0.1875, -1.6875], 4));

    // Without one of 16 pixels a mean is 15/16 of what it was.
    let pixels = rows(&[0.0; 3], 1);
    let hidden = [Replacement { image: 0, top: 2, left: 1, pixels }];
    let changed = graph.changed(&graph.clean(&images).unwrap(), &hidden).unwrap();
    assert_eq!(changed, Tensor::from_slice(&[7.5_f32, -24.375]).view([1, 2]));
}
