//! Weights and programs that were mutated: refused or read, in little memory, and nothing of them is executed.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::io::{Cursor, Write};

use common::{Program, int, meta, node, symbol, tensor};
use network::{Weights, models};
use serde_json::{Value, json};
use tch::{Device, Kind};
use testkit::hostile::{Meter, below, mutated, survive};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static METER: Meter = Meter::new();

/// What reading a file of a few kilobytes may take.
const MOST: usize = 8 << 20;

/// What the reader of checkpoints copies of its memo before it refuses to go on.
const UNFOLDED: usize = 128 << 20;

/// The pickle of `{'net': {'w': float32 [2, 3]}}` as torch.save writes it, but for its memo.
fn state_dict() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    [b"\x80\x02}(".to_vec(), text("net"), b"}(".to_vec(), text("w"), tensor.concat(), b"uu.".to_vec()].concat()
}

/// The pickle of `(x, {'w': array})` as torch.save writes it, where `x` is the dictionary of above: protocol 2 spells the
/// bytes of an array as a text.
fn pair() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let bytes = |values: &str| [b"c_codecs\nencode\n", &text(values)[..], &text("latin1"), b"\x86R"].concat();
    let array = [
        b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85".to_vec(),
        bytes("b"),
        b"\x87R(K\x01K\x01K\x02\x86cnumpy\ndtype\n".to_vec(),
        text("f4"),
        b"\x89\x88\x87R(K\x03".to_vec(),
        text("<"),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89".to_vec(),
        bytes("\u{0}\u{0}\u{80}?\u{0}\u{0}\u{0}\u{c0}"),
        b"tb".to_vec(),
    ];
    let state = state_dict();
    let state = &state[2..state.len() - 1];
    [b"\x80\x02", state, b"}(", &text("w"), &array.concat(), b"u\x86."].concat()
}

fn archive(pickle: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let values = [0_u8; 24];
    for (name, bytes) in
        [("x/data.pkl", pickle), ("x/byteorder", b"little"), ("x/data/0", &values), ("x/version", b"3\n")]
    {
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn mutated_checkpoints_are_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    std::fs::write(&file, archive(&state_dict(), CompressionMethod::Stored)).unwrap();
    Weights::open(&file).unwrap();
    std::fs::write(&file, archive(&pair(), CompressionMethod::Stored)).unwrap();
    Weights::open(&file).unwrap();
    survive(&METER, MOST, |random| {
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][below(random, 2)];
        let pickle = if below(random, 2) == 0 { state_dict() } else { pair() };
        let bytes = match below(random, 3) {
            0 => mutated(&archive(&pickle, method), random),
            // The bare pickle, as before PyTorch 1.6.
            1 => mutated(&pickle, random),
            _ => archive(&mutated(&pickle, random), method),
        };
        std::fs::write(&file, bytes).unwrap();
        let _ = models::open("lenet", &file, (Device::Cpu, Kind::Float));
    });
}

#[test]
fn mutated_safetensors_are_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.safetensors");
    let header = br#"{"net.w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    let whole = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 24]].concat();
    std::fs::write(&file, &whole).unwrap();
    Weights::open(&file).unwrap();
    survive(&METER, MOST, |random| {
        std::fs::write(&file, mutated(&whole, random)).unwrap();
        let _ = models::open("lenet", &file, (Device::Cpu, Kind::Float));
    });
}

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

/// What a few hundred bytes can ask for.
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

/// A pickle of a hundred bytes whose lists hold each other twice over: 2^40 items for whoever unfolds them.
#[test]
fn a_pickle_that_doubles_itself_is_not_unfolded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for memo in 1..=40_u8 {
        // A list of the last list, twice.
        pickle.extend([b']', b'(', b'h', memo - 1, b'h', memo - 1, b'e', b'q', memo]);
    }
    pickle.push(b'.');
    std::fs::write(&file, archive(&pickle, CompressionMethod::Stored)).unwrap();
    let mut refused = None;
    survive(&METER, UNFOLDED, |_| {
        refused.get_or_insert_with(|| Weights::open(&file).is_err());
    });
    assert_eq!(refused, Some(true));
}

/// Two hundred kilobytes in which a list of 8000 pairs is made a dictionary 4000 times: gigabytes for whoever copies it each time.
#[test]
fn a_pickle_whose_calls_look_at_the_same_list_again_and_again_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    let pair = [b"X\x01\x00\x00\x00aN\x86", &b"X\x01\x00\x00\x00bN\x86"[..]].concat();
    let list = [b"](".to_vec(), pair.repeat(4000), b"eq\x00".to_vec()].concat();
    let calls = b"ccollections\nOrderedDict\nh\x00\x85R".repeat(4000);
    let pickle = [b"\x80\x02(", &list[..], &calls, b"t."].concat();
    std::fs::write(&file, archive(&pickle, CompressionMethod::Stored)).unwrap();
    let mut refused = None;
    survive(&METER, UNFOLDED, |_| {
        refused.get_or_insert_with(|| Weights::open(&file).is_err());
    });
    assert_eq!(refused, Some(true));
}

/// A `float32` tensor of this shape and these strides as torch.save writes it, of a storage with six values.
fn view(name: &str, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let tuple = |numbers: &[i64]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|n| [&[0x8a_u8, 8][..], &n.to_le_bytes()].concat()).collect();
        [b"(".to_vec(), numbers, b"t".to_vec()].concat()
    };
    let parts = [
        text(name),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x06tQK\x00".to_vec(),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    parts.concat()
}

fn checkpoint(tensors: &[Vec<u8>]) -> Vec<u8> {
    archive(&[b"\x80\x02}(", &tensors.concat()[..], b"u."].concat(), CompressionMethod::Stored)
}

/// What opening `bytes` as `model` says; in little memory.
fn refusal(name: &str, model: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let mut told = None;
    survive(&METER, MOST, |_| {
        let opened = || models::open(model, &file, (Device::Cpu, Kind::Float)).err().unwrap().to_string();
        told.get_or_insert_with(opened);
    });
    told.unwrap()
}

/// Two kilobytes that are four gigabytes for whoever gathers them.
#[test]
fn a_tensor_that_sees_one_value_many_times_is_refused_before_it_is_gathered() {
    let rows = 2_000_000;
    let tensors = [view("layer1.0.conv1.weight", &[2, 3], &[3, 1]), view("fc.weight", &[rows, 512], &[0, 0])];
    let told = refusal("x.pth", "resnet18", &checkpoint(&tensors));
    assert!(told.contains("`fc.weight` claims 4096000000 bytes"), "{told}");
    let many: Vec<_> = (0..400).map(|at| view(&format!("w{at}"), &[900], &[0])).collect();
    let told = refusal("x.pth", "resnet18", &checkpoint(&many));
    assert!(told.contains("claims 3600 bytes, all so far"), "{told}");
}

fn safetensors(tensors: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<_> = tensors
        .iter()
        .map(|(name, shape)| format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}"#))
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

/// A tensor without any values can have any number of rows.
#[test]
fn more_classes_than_any_model_has_are_refused_before_a_layer_is_made_for_them() {
    for (classes, shape) in [(65_537, "[65537,0]"), (1_i64 << 50, "[1125899906842624,0]"), (0, "[0,512]")] {
        let bytes = safetensors(&[("fc.weight", shape), ("layer1.0.conv1.weight", "[0]")]);
        let told = refusal("x.safetensors", "resnet18", &bytes);
        assert!(told.ends_with(&format!("x.safetensors` have {classes} classes, expected 1 to 65536")), "{told}");
    }
    let empty = [view("layer1.0.conv1.weight", &[0], &[1]), view("fc.weight", &[1 << 40, 0], &[0, 1])];
    let told = refusal("x.pth", "resnet18", &checkpoint(&empty));
    assert!(told.ends_with("x.pth` have 1099511627776 classes, expected 1 to 65536"), "{told}");
}

#[test]
fn layers_whose_sizes_an_empty_tensor_makes_up_are_told_and_not_made() {
    let wide = safetensors(&[("features.0.weight", "[0]"), ("classifier.0.weight", "[1000000,0]")]);
    let told = refusal("x.safetensors", "vgg11", &wide);
    assert!(told.contains("classifier.0.weight [1000000, 0] instead of [1000000, 25088]"), "{told}");
    let kernel = safetensors(&[("c.weight", "[16,0,1099511627776,1]")]);
    let told = refusal("x.safetensors", "lenet", &kernel);
    assert!(told.contains("are not those of lenet"), "{told}");
}
