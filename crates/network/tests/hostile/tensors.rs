//! Tensors that claim more than their bytes.

use crate::{METER, MOST, archive};
use network::{Weights, models};
use tch::{Device, Kind};
use testkit::hostile::{mutated, survive};
use zip::CompressionMethod;

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

/// Message of opening `bytes` as `model`, which must take little memory.
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
