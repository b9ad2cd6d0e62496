//! The part of `model.json` that is read. Schema: `torch/_export/serde/schema.py`, version 8.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Read before all else: another version may differ in everything below.
#[derive(Deserialize)]
pub(in crate::programs) struct Versioned {
    pub(in crate::programs) schema_version: Version,
}

#[derive(Deserialize)]
pub(in crate::programs) struct Version {
    pub(in crate::programs) major: i64,
}

#[derive(Deserialize)]
pub(in crate::programs) struct Program {
    pub(in crate::programs) graph_module: GraphModule,
}

#[derive(Deserialize)]
pub(in crate::programs) struct GraphModule {
    pub(in crate::programs) graph: Graph,
    pub(in crate::programs) signature: Signature,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Graph {
    /// Inputs and outputs of a graph inside of another graph.
    #[serde(default)]
    pub(in crate::programs) inputs: Vec<Argument>,
    #[serde(default)]
    pub(in crate::programs) outputs: Vec<Argument>,
    pub(in crate::programs) nodes: Vec<Node>,
    pub(in crate::programs) tensor_values: BTreeMap<String, TensorMeta>,
}

/// A graph that an operator is called with.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Inner {
    pub(in crate::programs) graph: Graph,
}

/// A call of an operator.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::programs) struct Node {
    pub(in crate::programs) target: String,
    pub(in crate::programs) inputs: Vec<NamedArgument>,
    pub(in crate::programs) outputs: Vec<Argument>,
    #[serde(default)]
    pub(in crate::programs) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(in crate::programs) name: Option<String>,
    /// Whether it runs under `torch.no_grad`.
    #[serde(skip)]
    pub(in crate::programs) detached: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::programs) struct NamedArgument {
    pub(in crate::programs) name: String,
    pub(in crate::programs) arg: Argument,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the schema's names")]
pub(crate) enum Argument {
    AsNone(IgnoredAny),
    AsTensor(Named),
    AsTensors(Vec<Named>),
    AsOptionalTensor(OptionalTensor),
    AsOptionalTensors(Vec<OptionalTensor>),
    AsInt(i64),
    AsInts(Vec<i64>),
    AsFloat(Float),
    AsFloats(Vec<Float>),
    AsBool(bool),
    AsString(String),
    AsScalarType(i64),
    AsSymInts(Vec<SymInt>),
    AsGraph(Box<Inner>),
    // What no operation reads.
    AsSymInt(IgnoredAny),
    AsSymFloat(IgnoredAny),
    AsSymFloats(IgnoredAny),
    AsSymBool(IgnoredAny),
    AsSymBools(IgnoredAny),
    AsBools(IgnoredAny),
    AsStrings(IgnoredAny),
    AsMemoryFormat(IgnoredAny),
    AsLayout(IgnoredAny),
    AsDevice(IgnoredAny),
    AsCustomObj(IgnoredAny),
    AsOperator(IgnoredAny),
    AsComplex(IgnoredAny),
    AsNestedTensors(IgnoredAny),
    AsIntLists(IgnoredAny),
    AsStringToArgument(IgnoredAny),
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OptionalTensor {
    AsTensor(Named),
    AsNone(IgnoredAny),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SymInt {
    AsInt(i64),
    AsName(IgnoredAny),
}

/// JSON has no infinities: the schema writes them as words.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Float(pub(crate) f64);

impl TryFrom<serde_json::Value> for Float {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let number = value.as_f64().or_else(|| value.as_str().and_then(|word| word.parse().ok()));
        number.map(Self).ok_or_else(|| format!("found `{value}`, expected a number"))
    }
}

/// Shape and type of a tensor.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::programs) struct TensorMeta {
    /// As the schema numbers types.
    pub(in crate::programs) dtype: i64,
    pub(in crate::programs) sizes: Vec<Size>,
    pub(in crate::programs) strides: Vec<Size>,
    pub(in crate::programs) storage_offset: Size,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::programs) enum Size {
    AsInt(i64),
    AsExpr(Expression),
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::programs) struct Expression {
    pub(in crate::programs) expr_str: String,
}

impl Size {
    /// The size, if it is a number.
    pub(in crate::programs) fn number(&self) -> Option<i64> {
        match self {
            Self::AsInt(size) => Some(*size),
            Self::AsExpr(_) => None,
        }
    }
}

/// Kinds of the inputs and outputs of the graph: maps with one key, the kind.
#[derive(Deserialize)]
pub(in crate::programs) struct Signature {
    pub(in crate::programs) input_specs: Vec<Input>,
    pub(in crate::programs) output_specs: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the schema's names")]
pub(in crate::programs) enum Input {
    UserInput { arg: Argument },
    Parameter { arg: Named, parameter_name: String },
    Buffer { arg: Named, buffer_name: String },
    TensorConstant { arg: Named, tensor_constant_name: String },
    // Who reads one of these is refused.
    CustomObj(IgnoredAny),
    Token(IgnoredAny),
    ConstantInput(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the schema's names")]
pub(in crate::programs) enum Output {
    UserOutput { arg: Argument },
    // Effects beside the logits.
    LossOutput(IgnoredAny),
    BufferMutation(IgnoredAny),
    ParameterMutation(IgnoredAny),
    GradientToParameter(IgnoredAny),
    GradientToUserInput(IgnoredAny),
    UserInputMutation(IgnoredAny),
    Token(IgnoredAny),
}

/// Where the tensors of a folder lie.
#[derive(Deserialize)]
pub(in crate::programs) struct Payloads {
    pub(in crate::programs) config: BTreeMap<String, Payload>,
}

#[derive(Deserialize)]
pub(in crate::programs) struct Payload {
    pub(in crate::programs) path_name: String,
    pub(in crate::programs) use_pickle: bool,
    pub(in crate::programs) tensor_meta: Option<TensorMeta>,
}
