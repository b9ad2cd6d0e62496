//! Archives as `torch.export.save` writes them, sound and hostile. Real programs are tested from Python.

mod common;

use std::collections::BTreeSet;

use network::models;
use network::operations::OPERATIONS;
use serde_json::json;
use sweep::semantics::Semantics;
use tch::{Device, Kind, Tensor};
use zip::CompressionMethod;

use common::{BATCH, Program, int, meta, node, symbol, tensor};

#[test]
fn a_program_becomes_a_graph_that_computes_what_it_says() {
    let graph = Program::new().load().unwrap();
    assert_eq!((graph.channels(), graph.classes(), graph.size()), (3, 2, Some([4, 4])));
    let images = Tensor::from_slice(&[5_f32, 7.0, 4.0]).view([1, 3, 1, 1]).expand([1, 3, 4, 4], false);
    // Means 5, 7, 4 by weights (1, 0, 0) and (0, 1, -1).
    assert_eq!(graph.forward(&images).unwrap(), Tensor::from_slice(&[5_f32, 3.0]).view([1, 2]));
    assert!(graph.layer("head").is_some());
}

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let program = Program::new();
    let whole = std::fs::read(program.write()).unwrap();
    for length in (0..whole.len()).step_by(97) {
        std::fs::write(program.file(), &whole[..length]).unwrap();
        let error = models::open("any", &program.file(), (Device::Cpu, Kind::Float)).unwrap_err().to_string();
        assert!(error.contains("not an archive of torch.export.save"), "{length}: {error}");
    }
}

#[test]
fn another_schema_is_refused_before_anything_else_of_it_is_read() {
    let mut program = Program::new();
    program.model = json!({"schema_version": {"major": 9, "minor": 0}, "graph_module": "another world"});
    assert!(program.refusal().contains("its schema is version 9, and version 8 is understood"));
}

#[test]
fn a_tensor_has_as_many_values_as_there_are_bytes_for() {
    // (sizes, strides): too many; repeated; beyond the end; a product that overflows; less than nothing.
    let absurd: [([i64; 2], [i64; 2]); 5] = [
        ([1 << 40, 1 << 20], [1 << 20, 1]),
        ([1 << 40, 1], [0, 0]),
        ([2, 3], [4, 1]),
        ([i64::MAX; 2], [1; 2]),
        ([-1, 3], [3, 1]),
    ];
    for (sizes, strides) in absurd {
        let mut program = Program::new();
        program.payload()["tensor_meta"] = meta(&sizes.map(int), &strides);
        let error = program.refusal();
        assert!(error.contains("the tensor `head.weight` has"), "{sizes:?}: {error}");
    }
}

#[test]
fn a_compressed_entry_is_refused_before_it_is_unpacked() {
    let mut program = Program::new();
    program.compression = CompressionMethod::Deflated;
    program.bytes = vec![0; 1 << 20];
    assert!(program.refusal().contains("is compressed or larger than its archive"));
}

#[test]
fn a_pickled_tensor_is_refused() {
    let mut program = Program::new();
    program.payload()["use_pickle"] = json!(true);
    assert!(program.refusal().contains("the tensor `head.weight` is pickled; pickles are not read"));
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    let mut program = Program::new();
    program.bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(program.refusal().contains("the tensor `head.weight` holds NaN or infinity"));
}

#[test]
fn an_unknown_operator_is_told_with_node_and_module() {
    let program = Program::new().with_node(0, node("fft_rfft.default", "mean", json!({"self": tensor("x")})));
    let error = program.refusal();
    assert!(error.contains("the operator aten.fft_rfft.default (node `mean`, in module `head`, torch.nn"), "{error}");
    assert!(error.contains("docs/catalogue.md"), "{error}");
}

#[test]
fn all_that_is_not_understood_is_told_at_once_and_what_feeds_no_logit_is_not_read() {
    let mut program = Program::new().with_node(0, node("fft_rfft.default", "y", json!({"self": tensor("x")})));
    let graph = &mut program.model["graph_module"]["graph"];
    let next = [
        // Of a value that is lost already: no fault of its own, unless nobody knows it.
        node("mean.dim", "m", json!({"self": tensor("y"), "dim": {"as_ints": [7]}})),
        node("fft_rfft.default", "z", json!({"self": tensor("m")})),
        node("erfinv.default", "e", json!({"self": tensor("z")})),
        node("fft_ifft.default", "nobody_reads_this", json!({"self": tensor("x")})),
        node("mean.dim", "n", json!({"self": tensor("x"), "dim": {"as_string": "all"}})),
        node("add.Tensor", "mean", json!({"self": tensor("e"), "other": tensor("n")})),
    ];
    graph["nodes"].as_array_mut().unwrap().splice(1..1, next);
    let error = program.refusal();
    let first = "the operators aten.fft_rfft.default (2 calls, the first is node `y`, in module `head`, torch.nn";
    assert!(error.contains(first), "{error}");
    assert!(error.contains("), aten.erfinv.default (node `e`, in module `head`"), "{error}");
    assert!(error.contains("(\"Operations\"); the argument `dim` of torch.ops.aten.mean.dim (node `n`"), "{error}");
    assert!(!error.contains("fft_ifft") && !error.contains("node `m`"), "{error}");
}

#[test]
fn an_argument_of_the_wrong_kind_is_told_by_name() {
    let arguments = json!({"self": tensor("x"), "dim": {"as_string": "all"}});
    let error = Program::new().with_node(0, node("mean.dim", "mean", arguments)).refusal();
    assert!(error.contains("the argument `dim` of torch.ops.aten.mean.dim"), "{error}");
    let arguments = json!({"self": tensor("x"), "dim": {"as_ints": [2, 7]}});
    let error = Program::new().with_node(0, node("mean.dim", "mean", arguments)).refusal();
    assert!(error.contains("self has 4 dimensions"), "{error}");
}

#[test]
fn a_program_that_mixes_images_is_refused() {
    // Each image gets the means of the one before it.
    let mut program = Program::new().with_node(0, {
        node("roll.default", "mean", json!({"self": tensor("y"), "shifts": {"as_ints": [1]}, "dims": {"as_ints": [0]}}))
    });
    let mean = node("mean.dim", "y", json!({"self": tensor("x"), "dim": {"as_ints": [2, 3]}}));
    let graph = &mut program.model["graph_module"]["graph"];
    graph["tensor_values"]["y"] = meta(&[symbol(), int(3)], &[3, 1]);
    graph["nodes"].as_array_mut().unwrap().insert(0, mean);
    assert!(program.refusal().contains("the logits of an image change with the images beside it"));
}

#[test]
fn a_value_that_is_read_after_it_was_changed_in_place_is_refused() {
    let mut program = Program::new();
    let change = node("relu_.default", "changed", json!({"self": tensor("mean")}));
    let graph = &mut program.model["graph_module"]["graph"];
    graph["tensor_values"]["changed"] = meta(&[symbol(), int(3)], &[3, 1]);
    graph["nodes"].as_array_mut().unwrap().insert(1, change);
    assert!(program.refusal().contains("changes `mean` in place, and `linear` reads it afterwards"));
    // Reading what the change gave is what programs do.
    let last = node("linear.default", "linear", json!({"input": tensor("changed"), "weight": tensor("p_w")}));
    assert!(program.with_node(2, last).load().is_ok());
}

/// An image falls into four windows here, and they go into the operations as rows.
#[test]
fn one_baseline_serves_all_images_where_images_have_several_rows() {
    let windows = json!({"as_expr": {"expr_str": format!("Mul(Integer(4), {BATCH})"), "hint": {"as_int": 8}}});
    let mut program = Program::new();
    let graph = &mut program.model["graph_module"]["graph"];
    for (name, sizes) in [("rows", [windows.clone(), int(12)]), ("curved", [windows, int(12)])] {
        graph["tensor_values"][name] = meta(&sizes, &[12, 1]);
    }
    graph["tensor_values"]["back"] = meta(&[symbol(), int(3), int(4), int(4)], &[48, 16, 4, 1]);
    graph["nodes"] = json!([
        node("view.default", "rows", json!({"self": tensor("x")})),
        node("gelu.default", "curved", json!({"self": tensor("rows")})),
        node("view.default", "back", json!({"self": tensor("curved")})),
        node("mean.dim", "mean", json!({"self": tensor("back"), "dim": {"as_ints": [2, 3]}})),
        node("linear.default", "linear", json!({"input": tensor("mean"), "weight": tensor("p_w")})),
    ]);
    let graph = program.load().unwrap();
    let images = Tensor::arange(3 * 48, (Kind::Float, Device::Cpu)).sin().view([3, 3, 4, 4]);
    let trace = graph.trace_values(&images).unwrap();
    let seed = trace.logits().ones_like();
    let maps = [1, 3].map(|rows| {
        let reference = graph.trace_reference(&images.zeros_like().narrow(0, 0, rows), 3).unwrap();
        graph.multipliers(&trace, &reference, &seed, Semantics::Exact).unwrap()
    });
    assert_eq!(maps[0], maps[1]);
}

#[test]
fn an_operator_belongs_to_one_operation() {
    let mut seen = BTreeSet::new();
    for name in OPERATIONS.iter().flat_map(|entry| entry.aten) {
        // `add_` is `add` in place; `__and__` is not.
        let in_place = name.ends_with('_') && !name.ends_with("__");
        assert!(name.starts_with("aten.") && !in_place, "{name}");
        assert!(seen.insert(name), "{name} is there twice");
    }
}
