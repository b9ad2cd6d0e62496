//! Metadata of an array: `zarr.json` of version 3 and `.zarray` of version 2.
//!
//! <https://zarr-specs.readthedocs.io>

use serde_json::Value;

use super::packers::Packer;
use crate::numpy::Element;

/// Largest size in bytes that is decoded at once: a chunk, or a chunk inside a shard.
pub(super) const MOST_AT_ONCE: u64 = 1 << 30;

/// Most axes of an array.
const MOST_AXES: usize = 8;

/// Most chunks inside a shard: their index is held in memory.
const MOST_INNER: u64 = 1 << 20;

/// Layout of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metadata {
    /// Sizes of the axes.
    pub(crate) shape: Vec<u64>,
    /// Type of the elements, if these are numbers.
    pub(crate) element: Option<Element>,
    /// Name of the type, as the metadata has it.
    pub(crate) type_name: String,
    /// Sizes of a chunk: of a file, if there are no shards.
    pub(super) chunk: Vec<u64>,
    /// Whether missing chunks are zeros.
    pub(super) zeros: bool,
    /// Names of the files of chunks.
    pub(super) names: Names,
    /// Shards, each a file of several chunks.
    pub(super) shards: Option<Shards>,
    /// Encoding of a chunk.
    pub(super) encoding: Encoding,
}

/// Names of the files of chunks: what stands before and between the indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) prefix: String,
    pub(super) separator: String,
}

/// Shards of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shards {
    /// Sizes of a shard.
    pub(super) shape: Vec<u64>,
    /// Whether the index stands before the chunks and not behind them.
    pub(super) index_first: bool,
    /// Whether the index has a checksum.
    pub(super) index_checksum: bool,
}

/// Encoding of a chunk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Encoding {
    /// Order in which the axes are stored, the slowest first; `None` is the order of the array.
    pub(super) order: Option<Vec<usize>>,
    /// Codecs from bytes to bytes, in the order in which they were applied.
    pub(super) packers: Vec<Packer>,
}

impl Metadata {
    /// Reads `zarr.json`. The error is one sentence.
    pub(super) fn v3(json: &Value) -> Result<Self, String> {
        if json["node_type"] != "array" {
            return Err("a group, expected an array".to_owned());
        }
        let shape = sizes(&json["shape"], "shape")?;
        if json["chunk_grid"]["name"] != "regular" {
            return Err(format!("chunks of the kind {}, expected regular ones", json["chunk_grid"]["name"]));
        }
        let file = sizes(&json["chunk_grid"]["configuration"]["chunk_shape"], "chunk_shape")?;
        let (type_name, codecs) = (text(&json["data_type"]), list(&json["codecs"])?);
        let sharded = codecs.first().is_some_and(|codec| codec["name"] == "sharding_indexed");
        let (chunk, shards, inside) = if sharded {
            if codecs.len() > 1 {
                return Err(format!("codecs behind its shards ({}), expected none", text(&codecs[1]["name"])));
            }
            let (shards, chunk) = shards(&codecs[0]["configuration"], &file)?;
            (chunk, Some(shards), list(&codecs[0]["configuration"]["codecs"])?)
        } else {
            (file, None, codecs)
        };
        let (encoding, big) = encoding(inside, shape.len())?;
        let element = descr(&type_name, big).and_then(|descr| Element::parse(&descr));
        let (kind, configuration) = (&json["chunk_key_encoding"]["name"], &json["chunk_key_encoding"]["configuration"]);
        let separator = configuration["separator"].as_str();
        let names = match kind.as_str() {
            Some("default") => Names { prefix: "c".to_owned(), separator: separator.unwrap_or("/").to_owned() },
            Some("v2") => Names { prefix: String::new(), separator: separator.unwrap_or(".").to_owned() },
            _ => return Err(format!("chunk keys of the kind {kind}, expected `default` or `v2`")),
        };
        let zeros = is_zero(&json["fill_value"]);
        Self { shape, element, type_name, chunk, zeros, names, shards, encoding }.checked()
    }

    /// Reads `.zarray`. The error is one sentence.
    pub(super) fn v2(json: &Value) -> Result<Self, String> {
        let shape = sizes(&json["shape"], "shape")?;
        let chunk = sizes(&json["chunks"], "chunks")?;
        if json["filters"].as_array().is_some_and(|filters| !filters.is_empty()) {
            return Err(format!("filters ({}), which are not read; save it without", text(&json["filters"][0]["id"])));
        }
        let order = match json["order"].as_str() {
            Some("F") => Some((0..shape.len()).rev().collect()),
            _ => None,
        };
        let compressor = &json["compressor"];
        let packers = if compressor.is_null() { Vec::new() } else { vec![Packer::of(&text(&compressor["id"]))?] };
        let type_name = text(&json["dtype"]);
        let separator = json["dimension_separator"].as_str().unwrap_or(".").to_owned();
        let (element, names) = (Element::parse(&type_name), Names { prefix: String::new(), separator });
        let zeros = is_zero(&json["fill_value"]);
        let encoding = Encoding { order, packers };
        Self { shape, element, type_name, chunk, zeros, names, shards: None, encoding }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let Self { shape, chunk, .. } = &self;
        if shape.len() != chunk.len() || shape.is_empty() || chunk.contains(&0) {
            return Err(format!("the shape {shape:?} and chunks of the shape {chunk:?}"));
        }
        if !matches!(self.names.separator.as_str(), "/" | ".") {
            return Err(format!("chunk keys separated by `{}`, expected `/` or `.`", self.names.separator));
        }
        if self.bytes().is_none_or(|bytes| bytes > MOST_AT_ONCE) {
            return Err(format!(
                "chunks of the shape {chunk:?}, at most {} MiB are decoded at once; make smaller ones",
                MOST_AT_ONCE >> 20
            ));
        }
        Ok(self)
    }

    /// Size of a chunk in bytes, decoded; `None` where it does not fit into 64 bits.
    pub(super) fn bytes(&self) -> Option<u64> {
        let width = self.element.map_or(8, Element::size);
        self.chunk.iter().try_fold(width, |product, size| product.checked_mul(*size))
    }
}

/// Shards whose files have the shape `file`, and the shape of the chunks inside.
fn shards(configuration: &Value, file: &[u64]) -> Result<(Shards, Vec<u64>), String> {
    let chunk = sizes(&configuration["chunk_shape"], "chunk_shape")?;
    let fits =
        chunk.len() == file.len() && chunk.iter().zip(file).all(|(inner, outer)| *inner > 0 && outer % inner == 0);
    let count = || chunk.iter().zip(file).try_fold(1_u64, |count, (inner, outer)| count.checked_mul(outer / inner));
    if !fits || count().is_none_or(|count| count > MOST_INNER) {
        return Err(format!("shards of the shape {file:?} with chunks of the shape {chunk:?}"));
    }
    let codecs = list(&configuration["index_codecs"])?;
    let names: Vec<String> = codecs.iter().map(|codec| text(&codec["name"])).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let little = codecs.first().is_some_and(|codec| codec["configuration"]["endian"] != "big");
    let index_checksum = match names[..] {
        ["bytes"] if little => false,
        ["bytes", "crc32c"] if little => true,
        _ => return Err(format!("an index of its shards that is encoded by {}", configuration["index_codecs"])),
    };
    let index_first = configuration["index_location"] == "start";
    Ok((Shards { shape: file.to_vec(), index_first, index_checksum }, chunk))
}

/// Encoding by `codecs`, and whether numbers are stored with the highest byte first.
fn encoding(codecs: &[Value], axes: usize) -> Result<(Encoding, bool), String> {
    let mut encoding = Encoding::default();
    let mut big = None;
    for codec in codecs {
        let (name, configuration) = (text(&codec["name"]), &codec["configuration"]);
        match (name.as_str(), big) {
            ("transpose", None) if encoding.order.is_none() => {
                let order = sizes(&configuration["order"], "order")?;
                let mut sorted = order.clone();
                sorted.sort_unstable();
                if !sorted.iter().copied().eq(0..axes as u64) {
                    return Err(format!("axes in the order {order:?}"));
                }
                encoding.order = Some(order.into_iter().map(|axis| axis as usize).collect());
            }
            ("bytes", None) => big = Some(configuration["endian"] == "big"),
            (_, Some(_)) => encoding.packers.push(Packer::of(name.strip_prefix("numcodecs.").unwrap_or(&name))?),
            _ => return Err(format!("the codec `{name}`, which is not read here")),
        }
    }
    Ok((encoding, big.ok_or("codecs without `bytes`")?))
}

/// NumPy's notation of a type of version 3; `None` for what is no number.
fn descr(name: &str, big: bool) -> Option<String> {
    let kind = match name.trim_end_matches(|letter: char| letter.is_ascii_digit()) {
        "uint" => 'u',
        "int" => 'i',
        "float" => 'f',
        "bool" => return Some("|b1".to_owned()),
        _ => return None,
    };
    let bits: usize = name.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).parse().ok()?;
    Some(format!(
        "{}{kind}{}",
        if big {
            '>'
        } else if bits == 8 {
            '|'
        } else {
            '<'
        },
        bits / 8
    ))
}

fn is_zero(fill: &Value) -> bool {
    fill.is_null() || fill == false || fill.as_f64() == Some(0.0)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| "no list of codecs".to_owned())
}

fn sizes(value: &Value, key: &str) -> Result<Vec<u64>, String> {
    let sizes: Option<Vec<u64>> = value.as_array().and_then(|sizes| sizes.iter().map(Value::as_u64).collect());
    sizes
        .filter(|sizes| sizes.len() <= MOST_AXES)
        .ok_or_else(|| format!("`{key}` {value}, expected at most {MOST_AXES} sizes"))
}
