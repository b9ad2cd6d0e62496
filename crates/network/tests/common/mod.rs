//! A small program of `torch.export`, and its archive.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly; in unit tests they may anyway")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::io::Write;
use std::path::PathBuf;

use network::{Graph, NetworkError, models};
use serde_json::{Value, json};
use tch::{Device, Kind};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A program: the mean of each channel, and a linear layer of weights `[2, 3]`.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) model: Value,
    pub(crate) weights: Value,
    pub(crate) bytes: Vec<u8>,
    pub(crate) compression: CompressionMethod,
}

pub(crate) const BATCH: &str = "Symbol('s77', positive=True, integer=True)";

pub(crate) fn symbol() -> Value {
    json!({"as_expr": {"expr_str": BATCH, "hint": {"as_int": 2}}})
}

pub(crate) fn meta(sizes: &[Value], strides: &[i64]) -> Value {
    let strides: Vec<Value> = strides.iter().map(|stride| json!({"as_int": stride})).collect();
    json!({"dtype": 7, "sizes": sizes, "strides": strides, "storage_offset": {"as_int": 0}})
}

pub(crate) fn int(size: i64) -> Value {
    json!({"as_int": size})
}

pub(crate) fn tensor(name: &str) -> Value {
    json!({"as_tensor": {"name": name}})
}

pub(crate) fn node(operator: &str, name: &str, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else { panic!("arguments by name") };
    let inputs: Vec<Value> = arguments.iter().map(|(name, value)| json!({"name": name, "arg": value})).collect();
    let stack = "L__self__,,mine.Net;L__self__head,head,torch.nn.modules.linear.Linear";
    json!({
        "target": format!("torch.ops.aten.{operator}"), "inputs": inputs, "outputs": [tensor(name)],
        "metadata": {"nn_module_stack": stack}, "name": name,
    })
}

impl Program {
    pub(crate) fn new() -> Self {
        let nodes = json!([
            node("mean.dim", "mean", json!({"self": tensor("x"), "dim": {"as_ints": [2, 3]}})),
            node("linear.default", "linear", json!({"input": tensor("mean"), "weight": tensor("p_w")})),
        ]);
        let values = json!({
            "x": meta(&[symbol(), int(3), int(4), int(4)], &[48, 16, 4, 1]),
            "mean": meta(&[symbol(), int(3)], &[3, 1]),
            "linear": meta(&[symbol(), int(2)], &[2, 1]),
            "p_w": meta(&[int(2), int(3)], &[3, 1]),
        });
        let signature = json!({
            "input_specs": [
                {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "head.weight"}},
                {"user_input": {"arg": tensor("x")}},
            ],
            "output_specs": [{"user_output": {"arg": tensor("linear")}}],
        });
        let model = json!({
            "schema_version": {"major": 8, "minor": 17},
            "graph_module": {"graph": {"nodes": nodes, "tensor_values": values}, "signature": signature},
        });
        let weights = json!({"config": {"head.weight": {
            "path_name": "weight_0", "use_pickle": false, "tensor_meta": meta(&[int(2), int(3)], &[3, 1]),
        }}});
        let bytes = [1_f32, 0.0, 0.0, 0.0, 1.0, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let folder = tempfile::tempdir().unwrap();
        Self { folder, model, weights, bytes, compression: CompressionMethod::Stored }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("x.pt2")
    }

    pub(crate) fn write(&self) -> PathBuf {
        let mut zip = ZipWriter::new(std::fs::File::create(self.file()).unwrap());
        let options = SimpleFileOptions::default().compression_method(self.compression);
        let entries = [
            ("any/models/model.json", self.model.to_string().into_bytes()),
            ("any/data/weights/model_weights_config.json", self.weights.to_string().into_bytes()),
            ("any/data/constants/model_constants_config.json", br#"{"config": {}}"#.to_vec()),
            ("any/data/weights/weight_0", self.bytes.clone()),
        ];
        for (name, bytes) in entries {
            zip.start_file(name, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        self.file()
    }

    pub(crate) fn load(&self) -> Result<Graph, NetworkError> {
        models::open("any", &self.write(), (Device::Cpu, Kind::Float))
    }

    /// Why it is refused.
    pub(crate) fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }

    /// The program with the node at `index` replaced.
    pub(crate) fn with_node(mut self, index: usize, node: Value) -> Self {
        self.model["graph_module"]["graph"]["nodes"][index] = node;
        self
    }

    pub(crate) fn payload(&mut self) -> &mut Value {
        &mut self.weights["config"]["head.weight"]
    }
}
