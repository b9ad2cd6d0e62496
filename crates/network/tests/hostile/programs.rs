//! Programs that were mutated, or ask for more than they bring.

use crate::common::{Program, int, meta, node, symbol, tensor};
use crate::{METER, MOST};
use network::models;
use serde_json::{Value, json};
use tch::{Device, Kind};
use testkit::hostile::{below, mutated, survive};

#[test]
fn mutated_programs_are_refused_or_read_in_little_memory() {
    let program = Program::new();
    let model = program.model.to_string().into_bytes();
    let whole = std::fs::read(program.write()).unwrap();
    survive(&METER, MOST, |random| {
        if below(random, 2) == 0 {
            std::fs::write(program.file(), mutated(&whole, random)).unwrap();
        } else {
            // A description that is still JSON reaches the importer.
            let Ok(model) = serde_json::from_slice(&mutated(&model, random)) else { return };
            let mut other = Program::new();
            other.model = model;
            let bytes = std::fs::read(other.write()).unwrap();
            std::fs::write(program.file(), bytes).unwrap();
        }
        let _ = models::open("any", &program.file(), (Device::Cpu, Kind::Float));
    });
}

fn ints(numbers: &[i64]) -> Value {
    json!({"as_ints": numbers})
}

/// A constant of ones called `name`.
fn ones(name: &str, shape: &[i64]) -> Value {
    node("full.default", name, json!({"size": ints(shape), "fill_value": {"as_float": 1.0}}))
}

fn declared(shape: &[i64]) -> Value {
    let sizes: Vec<Value> = shape.iter().map(|size| json!({"as_int": size})).collect();
    meta(&sizes, &vec![1; shape.len()])
}

/// Calls, the shapes that the program says, and why it is refused.
type Bomb = (Vec<Value>, Vec<(String, Vec<i64>)>, &'static str);

/// Programs of a few hundred bytes that ask for far more.
fn bombs() -> Vec<Bomb> {
    let count = |start: i64, end: i64, step: i64| {
        let arguments = json!({"start": {"as_int": start}, "end": {"as_int": end}, "step": {"as_int": step}});
        (vec![node("arange.start_step", "c", arguments)], vec![("c".to_owned(), vec![1])], "too large for a constant")
    };
    let one = |shape: &[i64], why| (vec![ones("c", shape)], vec![("c".to_owned(), shape.to_vec())], why);
    let join = |at: usize| {
        let twice = json!({"tensors": {"as_tensors": [{"name": format!("c{at}")}, {"name": format!("c{at}")}]}});
        node("cat.default", &format!("c{}", at + 1), twice)
    };
    let joined = [ones("c0", &[1 << 20])].into_iter().chain((0..40).map(join)).collect();
    let joined_shapes = (0..41).map(|at: usize| (format!("c{at}"), vec![1_i64 << (20 + at)])).collect();
    let many = (0..40).map(|at: usize| ones(&format!("c{at}"), &[1 << 23])).collect();
    let many_shapes = (0..40).map(|at: usize| (format!("c{at}"), vec![1_i64 << 23])).collect();
    let too_many = "one of too many constants";
    let small = vec![("c".to_owned(), vec![1_i64])];
    let call = |operator: &str, arguments: Value| {
        let calls = vec![ones("a", &[1 << 20]), ones("b", &[1 << 20, 1]), node(operator, "c", arguments)];
        (calls, small.clone(), "is too large")
    };
    let (line, column) = (|name: &str| json!({name: tensor("a")}), tensor("b"));
    let with = |mut arguments: Value, name: &str, value: Value| {
        arguments[name] = value;
        arguments
    };
    vec![
        call("repeat.default", with(line("self"), "repeats", ints(&[1 << 20]))),
        call("repeat_interleave.self_int", with(with(line("self"), "repeats", int(1 << 40)), "dim", int(0))),
        call("pad.default", with(line("self"), "pad", ints(&[1 << 40, 0]))),
        call("pad.default", with(line("self"), "pad", ints(&[i64::MAX, i64::MAX]))),
        call("add.Tensor", with(line("self"), "other", column.clone())),
        call("maximum.default", with(line("self"), "other", column.clone())),
        call("pow.Tensor_Tensor", with(line("self"), "exponent", column.clone())),
        call("gt.Tensor", with(line("self"), "other", column.clone())),
        call("floor_divide.default", with(line("self"), "other", column.clone())),
        call(
            "einsum.default",
            json!({"equation": {"as_string": "i,j->ij"}, "tensors": {"as_tensors": [{"name": "a"}, {"name": "a"}]}}),
        ),
        call("outer.default", with(line("self"), "vec2", tensor("a"))),
        call("eye.default", json!({"n": int(1 << 20)})),
        call("linspace.default", json!({"start": int(0), "end": int(1), "steps": int(1 << 40)})),
        call("meshgrid.indexing", json!({"tensors": {"as_tensors": [{"name": "a"}, {"name": "a"}]}})),
        call("arange.start_step", json!({"start": int(0), "end": int(1), "step": {"as_float": 1e-12}})),
        one(&[1 << 40], "too large for a constant"),
        one(&[1 << 32, 1 << 32], "too large for a constant"),
        one(&[-5], "too large for a constant"),
        count(0, 1 << 40, 1),
        count(0, i64::MIN, -1),
        count(i64::MIN, i64::MAX, 1),
        count(0, 5, 0),
        (joined, joined_shapes, too_many),
        (many, many_shapes, too_many),
    ]
}

#[test]
fn constants_that_a_program_makes_up_are_refused_before_they_fill_the_memory() {
    for (calls, shapes, why) in bombs() {
        let mut program = Program::new();
        let graph = &mut program.model["graph_module"]["graph"];
        // Read by the logits: what feeds none is not even made.
        let names: Vec<Value> = shapes.iter().map(|(name, _)| json!({"name": name})).collect();
        let all = node("cat.default", "all", json!({"tensors": {"as_tensors": names}}));
        let sum = node("add.Tensor", "sum", json!({"self": tensor("mean"), "other": tensor("all")}));
        let nodes = graph["nodes"].as_array_mut().unwrap();
        nodes[1] = node("linear.default", "linear", json!({"input": tensor("sum"), "weight": tensor("p_w")}));
        nodes.splice(1..1, [all, sum]);
        nodes.splice(0..0, calls);
        for (name, shape) in
            shapes.into_iter().chain([("a".to_owned(), vec![1 << 20]), ("b".to_owned(), vec![1 << 20, 1])])
        {
            graph["tensor_values"][name] = declared(&shape);
        }
        let refusal = program.refusal();
        assert!(refusal.contains(why), "{refusal}");
    }
}

/// Calls on the images themselves, the shape that the program says of the result, and the argument that is refused.
fn large_values() -> Vec<(Value, [i64; 2])> {
    let call = |operator: &str, mut arguments: Value, own: Value| {
        let own = own.as_object().cloned().unwrap_or_default();
        arguments.as_object_mut().into_iter().for_each(|all| all.extend(own.clone()));
        node(operator, "y", arguments)
    };
    let (of_input, of_self) = (json!({"input": tensor("x")}), json!({"self": tensor("x")}));
    let side = 1 << 14;
    let large = ints(&[side, side]);
    let pool = |padding: i64| json!({"kernel_size": ints(&[1]), "stride": ints(&[1]), "padding": ints(&[padding])});
    vec![
        (call("upsample_bilinear2d.vec", of_input.clone(), json!({"output_size": large})), [side; 2]),
        (call("_upsample_bilinear2d_aa.default", of_self.clone(), json!({"output_size": large})), [side; 2]),
        (call("adaptive_avg_pool2d.default", of_self.clone(), json!({"output_size": large})), [side; 2]),
        (call("adaptive_max_pool2d.default", of_self.clone(), json!({"output_size": large})), [side; 2]),
        // What the program says of the shape is not believed.
        (call("avg_pool2d.default", of_self.clone(), pool(side)), [4; 2]),
        (call("max_pool2d.default", of_self.clone(), pool(i64::MAX)), [4; 2]),
        (call("max_pool2d.default", of_self, pool(-side)), [4; 2]),
    ]
}

#[test]
fn values_larger_than_any_model_has_are_refused_before_they_are_computed() {
    for (call, [height, width]) in large_values() {
        let mut program = Program::new();
        let graph = &mut program.model["graph_module"]["graph"];
        graph["tensor_values"]["y"] = meta(&[symbol(), int(3), int(height), int(width)], &[1, 1, 1, 1]);
        let nodes = graph["nodes"].as_array_mut().unwrap();
        let text = nodes[0].to_string().replace("\"name\":\"x\"", "\"name\":\"y\"");
        nodes[0] = serde_json::from_str(&text).unwrap();
        nodes.insert(0, call);
        let refusal = program.refusal();
        assert!(refusal.contains("is too large"), "{refusal}");
    }
}

/// As those of two dimensions, on the first row of the images.
#[test]
fn lines_longer_than_any_model_has_are_refused_before_they_are_computed() {
    let long = 1 << 40;
    let row = json!({"self": tensor("r")});
    let pool = |padding: i64| json!({"self": tensor("r"), "kernel_size": ints(&[1]), "stride": ints(&[1]), "padding": ints(&[padding])});
    let adaptive = || {
        let mut arguments = row.clone();
        arguments["output_size"] = ints(&[long]);
        arguments
    };
    for (operator, arguments, length) in [
        ("avg_pool1d.default", pool(long), 4),
        ("max_pool1d.default", pool(i64::MAX), 4),
        ("max_pool1d.default", pool(-1), 4),
        ("adaptive_avg_pool1d.default", adaptive(), long),
        ("adaptive_max_pool1d.default", adaptive(), long),
    ] {
        let mut program = Program::new();
        let graph = &mut program.model["graph_module"]["graph"];
        graph["tensor_values"]["r"] = meta(&[symbol(), int(3), int(4)], &[1, 1, 1]);
        graph["tensor_values"]["y"] = meta(&[symbol(), int(3), int(length)], &[1, 1, 1]);
        let nodes = graph["nodes"].as_array_mut().unwrap();
        let text = nodes[0].to_string().replace("\"name\":\"x\"", "\"name\":\"y\"");
        nodes[0] = serde_json::from_str(&text).unwrap();
        nodes.insert(0, node(operator, "y", arguments));
        nodes.insert(0, node("select.int", "r", json!({"self": tensor("x"), "dim": int(2), "index": int(0)})));
        let refusal = program.refusal();
        assert!(refusal.contains("is too large"), "{operator}: {refusal}");
    }
}

/// Values that are parts of themselves would be followed for ever.
#[test]
fn values_that_are_given_twice_are_refused() {
    let part = |of: &str, name: &str| {
        let arguments = json!({"self": tensor(of), "dim": int(2), "index": int(0)});
        node("select.int", name, arguments)
    };
    let change = |of: &str, name: &str| node("mul_.Tensor", name, json!({"self": tensor(of), "other": int(2)}));
    for calls in [
        vec![part("x", "x")],
        vec![part("x", "a"), part("a", "b"), part("b", "a"), change("a", "c")],
        vec![part("x", "a"), change("a", "a")],
    ] {
        let mut program = Program::new();
        let graph = &mut program.model["graph_module"]["graph"];
        for name in ["a", "b", "c"] {
            graph["tensor_values"][name] = meta(&[symbol(), int(3), int(4)], &[12, 4, 1]);
        }
        graph["nodes"].as_array_mut().unwrap().splice(0..0, calls);
        let refusal = program.refusal();
        assert!(refusal.contains("is given by a call, and read or given before it"), "{refusal}");
    }
}

#[test]
fn images_larger_than_any_dataset_has_are_refused_before_a_trial_makes_them() {
    for side in [1_000_000, 0, -4] {
        let mut program = Program::new();
        let values = &mut program.model["graph_module"]["graph"]["tensor_values"];
        values["x"] = meta(&[symbol(), int(3), int(side), int(side)], &[1, 1, 1, 1]);
        let refusal = program.refusal();
        assert!(refusal.contains("1 to 4096 channels and pixels a side"), "{side}: {refusal}");
    }
}
