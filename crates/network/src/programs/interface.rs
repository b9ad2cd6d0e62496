//! Input and output of a program: one batch of images, and their logits.

use std::collections::BTreeMap;

use super::ExportError;
use super::file::schema::{Argument, Input, Node, Output, Signature, TensorMeta};
use super::nodes::alias;
use super::sizes::Batch;

/// Names and sizes of the input and the output.
pub(super) struct Interface {
    /// Name of the images in the program.
    pub(super) images: String,
    pub(super) logits: String,
    pub(super) batch: Batch,
    pub(super) channels: i64,
    /// Size `[height, width]` of the images, where the program takes no other size.
    pub(super) size: Option<[i64; 2]>,
}

/// Most pixels of a side, and channels: a trial makes images of what the program says.
const MOST_SIDE: i64 = 4096;

impl Interface {
    /// The interface of a program, by the shapes that the program gives its values.
    pub(super) fn of(
        signature: &Signature,
        nodes: &[Node],
        metas: &BTreeMap<String, TensorMeta>,
    ) -> Result<Self, ExportError> {
        let images = images(signature)?;
        let sizes = metas.get(images).map_or(&[][..], |meta| meta.sizes.as_slice());
        let not_images = || {
            let found = format!("the input has {} dimensions", sizes.len());
            let expected = "one batch of images, [images, channels, height, width]";
            ExportError::Interface { found, expected }
        };
        let [batch, channels, height, width] = sizes else { return Err(not_images()) };
        let numbers = [channels, height, width].map(super::file::schema::Size::number);
        if numbers.into_iter().flatten().any(|size| !(1..=MOST_SIDE).contains(&size)) {
            let sizes: Vec<i64> = numbers.into_iter().flatten().collect();
            let found = format!("images of the sizes {sizes:?}");
            return Err(ExportError::Interface { found, expected: "1 to 4096 channels and pixels a side" });
        }
        Ok(Self {
            images: images.to_owned(),
            logits: logits(signature, nodes)?.to_owned(),
            batch: Batch::of(batch).ok_or_else(not_images)?,
            channels: channels.number().ok_or_else(not_images)?,
            size: height.number().zip(width.number()).map(|(height, width)| [height, width]),
        })
    }
}

/// The only tensor that the user gives.
fn images(signature: &Signature) -> Result<&str, ExportError> {
    let inputs = signature.input_specs.iter().filter_map(user_input);
    let tensors: Vec<&str> = inputs.flat_map(alias::tensors).collect();
    let [images] = tensors[..] else {
        let found = format!("the program takes {} tensors", tensors.len());
        let expected = "one batch of images; wrap the model in a module whose `forward` takes the images alone and gives the rest itself";
        return Err(ExportError::Interface { found, expected });
    };
    Ok(images)
}

/// The only output, or the first one if no node computes another.
fn logits<'a>(signature: &'a Signature, nodes: &[Node]) -> Result<&'a str, ExportError> {
    let outputs = signature.output_specs.iter().filter_map(user_output);
    let outputs: Vec<&str> = outputs.flat_map(alias::tensors).collect();
    let computed =
        |name: &str| nodes.iter().flat_map(|node| &node.outputs).any(|output| alias::tensors(output).contains(&name));
    match outputs[..] {
        [logits, ref others @ ..] if others.iter().all(|other| *other == logits || !computed(other)) => Ok(logits),
        _ => {
            let found = format!("the program gives {} tensors", outputs.len());
            Err(ExportError::Interface { found, expected: "the logits alone" })
        }
    }
}

/// Where the tensors lie that are no inputs of the user's.
pub(super) fn stored(signature: Signature) -> BTreeMap<String, (String, bool)> {
    let of = |input: Input| match input {
        Input::Parameter { arg, parameter_name } => Some((arg.name, (parameter_name, true))),
        Input::Buffer { arg, buffer_name } => Some((arg.name, (buffer_name, false))),
        Input::TensorConstant { arg, tensor_constant_name } => Some((arg.name, (tensor_constant_name, false))),
        _ => None,
    };
    signature.input_specs.into_iter().filter_map(of).collect()
}

fn user_input(input: &Input) -> Option<&Argument> {
    match input {
        Input::UserInput { arg } => Some(arg),
        _ => None,
    }
}

fn user_output(output: &Output) -> Option<&Argument> {
    match output {
        Output::UserOutput { arg } => Some(arg),
        _ => None,
    }
}
