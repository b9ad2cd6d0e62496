//! Assignments into parts of a value, as functions: `x[:, i] = y` becomes a new value, which is read from then on instead of `x`.
//!
//! A program takes parts of `x` (`select`, `slice`) and changes the last part in place. Here the change gives a new part, which
//! is put into the value that the part was taken from (`select_scatter`, `slice_scatter`), and so on up to `x`. Whoever reads another
//! part that was taken before the change is refused. What no image reaches stays as it is, and is changed in truth.

use std::collections::{BTreeMap, BTreeSet};

use super::alias;
use crate::programs::ExportError;
use crate::programs::file::schema::{Argument, Named, NamedArgument, Node, TensorMeta};

/// Operators that give every element a new value.
const REPLACE: &[&str] = &["copy_", "fill_", "zero_"];

/// Makes functions of the assignments among `nodes` that the batch of images called `images`, or their number, has to do with.
/// `stored` says which values are tensors of the model. Shapes of new values are added to `metas`; `logits` may have another name
/// afterwards.
pub(in crate::programs) fn functional(
    nodes: Vec<Node>,
    metas: &mut BTreeMap<String, TensorMeta>,
    (images, logits): (&str, &mut String),
    stored: impl Fn(&str) -> bool,
) -> Result<Vec<Node>, ExportError> {
    let mut rewriting = Rewriting {
        nodes: Vec::with_capacity(nodes.len()),
        metas,
        of_images: BTreeSet::from([images.to_owned()]),
        seen: BTreeSet::from([images.to_owned()]),
        views: BTreeMap::new(),
        renamed: BTreeMap::new(),
        stale: BTreeMap::new(),
    };
    for node in nodes {
        rewriting.take(node, &stored)?;
    }
    rewriting.rename(logits);
    Ok(rewriting.nodes)
}

/// A part of a value, or another view of it.
#[derive(Clone)]
struct View {
    base: String,
    /// Operator that took the part, with its arguments behind the first, if something can be put there again.
    taken: Option<(&'static str, Vec<NamedArgument>)>,
}

/// A program while its assignments are made functions.
struct Rewriting<'a> {
    nodes: Vec<Node>,
    metas: &'a mut BTreeMap<String, TensorMeta>,
    /// Values that depend on the images, or on their number.
    of_images: BTreeSet<String>,
    /// Values that were read or given so far.
    seen: BTreeSet<String>,
    views: BTreeMap<String, View>,
    /// Values that are read instead of others.
    renamed: BTreeMap<String, String>,
    /// Values whose memory was changed behind them, by the names of the nodes that did it, and their modules.
    stale: BTreeMap<String, (String, String)>,
}

impl Rewriting<'_> {
    fn take(&mut self, mut node: Node, stored: &impl Fn(&str) -> bool) -> Result<(), ExportError> {
        for name in node.inputs.iter_mut().flat_map(|input| alias::tensors_mut(&mut input.arg)) {
            self.rename(name);
        }
        self.refuse_stale(&node)?;
        let reads: Vec<String> =
            node.inputs.iter().flat_map(|input| alias::tensors(&input.arg)).map(str::to_owned).collect();
        let outputs: Vec<String> = node.outputs.iter().flat_map(alias::tensors).map(str::to_owned).collect();
        self.see(&reads, &outputs)?;
        if reads.iter().any(|name| self.of_images.contains(name)) || outputs.iter().any(|name| self.has_images(name)) {
            self.of_images.extend(outputs.iter().cloned());
        }
        let operator = alias::operator(&node.target).unwrap_or_default().to_owned();
        // Under `torch.no_grad` the program keeps the gradient of what was there: no function does.
        if let Some(part) = reads.first().filter(|_| alias::in_place(&operator) && !node.detached) {
            let parts = self.parts(part);
            let is_part = parts.len() > 1 || REPLACE.contains(&operator.as_str());
            let whole = parts.last().cloned().unwrap_or_default();
            let of_images = self.of_images.contains(&whole) || outputs.iter().any(|name| self.of_images.contains(name));
            if is_part && of_images && !stored(&whole) && self.can_be_put(&parts) {
                return self.assign(node, &operator, &parts);
            }
        }
        self.follow(&node, &operator, &reads, &outputs);
        self.nodes.push(node);
        Ok(())
    }

    /// Notes what a call reads and gives. Each value is given once, so that no value is a part of itself.
    fn see(&mut self, reads: &[String], outputs: &[String]) -> Result<(), ExportError> {
        self.seen.extend(reads.iter().cloned());
        match outputs.iter().find(|name| !self.seen.insert((*name).clone())) {
            None => Ok(()),
            Some(name) => {
                let found = format!("the value `{name}` is given by a call, and read or given before it");
                Err(ExportError::Interface { found, expected: "calls in the order of what they read" })
            }
        }
    }

    /// Makes `name` the name of the value that is read instead.
    fn rename(&self, name: &mut String) {
        while let Some(newer) = self.renamed.get(name) {
            name.clone_from(newer);
        }
    }

    /// Whether the first size of the value `name` depends on the number of images, as that of zeros for each image does. Of a program for
    /// one number of images that cannot be told from a table of as many rows.
    fn has_images(&self, name: &str) -> bool {
        let first = self.metas.get(name).and_then(|meta| meta.sizes.first());
        first.is_some_and(|size| size.number().is_none())
    }

    /// The value `name`, the value that it is a part of, and so on to the whole.
    fn parts(&self, name: &str) -> Vec<String> {
        let mut parts = vec![name.to_owned()];
        while let Some(View { base, .. }) = parts.last().and_then(|last| self.views.get(last)) {
            parts.push(base.clone());
        }
        parts
    }

    /// Whether each of `parts` but the last can be put where it was taken.
    fn can_be_put(&self, parts: &[String]) -> bool {
        let taken = |part: &String| self.views.get(part).is_some_and(|view| view.taken.is_some());
        parts[..parts.len() - 1].iter().all(taken)
    }

    /// Notes the views that `node` makes.
    fn follow(&mut self, node: &Node, operator: &str, reads: &[String], outputs: &[String]) {
        let Some(base) = reads.first() else { return };
        // What is changed as a whole is another value from then on.
        if !alias::is_view(operator) {
            return;
        }
        let put = match operator {
            "select" => Some("select_scatter"),
            "slice" => Some("slice_scatter"),
            _ => None,
        };
        let taken = put.map(|put| (put, node.inputs[1..].to_vec()));
        for output in outputs {
            self.views.insert(output.clone(), View { base: base.clone(), taken: taken.clone() });
        }
    }

    fn refuse_stale(&self, node: &Node) -> Result<(), ExportError> {
        let mut reads = node.inputs.iter().flat_map(|input| alias::tensors(&input.arg));
        let Some((value, (change, module))) = reads.find_map(|name| Some((name, self.stale.get(name)?))) else {
            return Ok(());
        };
        let reader = node.name.clone().unwrap_or_else(|| node.target.clone());
        let (node, module) = (change.clone(), module.clone());
        Err(ExportError::Mutated { node, module, value: value.to_owned(), reader })
    }

    /// Puts the result of `node`, which changes the first of `parts`, into each of the others.
    fn assign(&mut self, mut node: Node, operator: &str, parts: &[String]) -> Result<(), ExportError> {
        let name = node.name.clone().unwrap_or_else(|| node.target.clone());
        let by = (name.clone(), super::module::module(&node).said());
        let (part, whole) = (&parts[0], &parts[parts.len() - 1]);
        let Some(result) = node.outputs.iter().flat_map(alias::tensors).next().map(str::to_owned) else {
            return Err(super::module::unsupported(&node));
        };
        // All other views of the memory are of what was there before.
        let others = self.views.keys().filter(|view| !parts.contains(view) && self.parts(view).last() == Some(whole));
        let others: Vec<String> = others.cloned().collect();
        self.stale.extend(others.into_iter().map(|view| (view, by.clone())));
        (node.target, node.inputs) = as_function(operator, &node.target, node.inputs);
        self.of_images.insert(result.clone());
        let (metadata, detached) = (node.metadata.clone(), node.detached);
        self.nodes.push(node);
        self.renamed.insert(part.clone(), result.clone());
        let mut current = result;
        for pair in parts.windows(2) {
            let [from, base] = pair else { continue };
            let Some(View { taken: Some((put, arguments)), .. }) = self.views.get(from).cloned() else { continue };
            let mut made = format!("{base}/{}", self.nodes.len());
            while !self.seen.insert(made.clone()) {
                made.push('/');
            }
            let tensor = |name: &str, of: &str| NamedArgument {
                name: name.to_owned(),
                arg: Argument::AsTensor(Named { name: of.to_owned() }),
            };
            let inputs = [tensor("self", base), tensor("src", &current)].into_iter().chain(arguments.clone()).collect();
            self.nodes.push(Node {
                target: format!("torch.ops.aten.{put}.default"),
                inputs,
                outputs: vec![Argument::AsTensor(Named { name: made.clone() })],
                metadata: metadata.clone(),
                name: Some(name.clone()),
                detached,
            });
            if let Some(meta) = self.metas.get(base).cloned() {
                self.metas.insert(made.clone(), meta);
            }
            self.of_images.insert(made.clone());
            // The new part lies in the new whole.
            self.views.insert(current, View { base: made.clone(), taken: Some((put, arguments)) });
            self.renamed.insert(base.clone(), made.clone());
            current = made;
        }
        Ok(())
    }
}

/// The operator and the arguments of the call that gives as a new value what `operator` makes in place; `target` is its name with
/// its overload.
fn as_function(operator: &str, target: &str, mut inputs: Vec<NamedArgument>) -> (String, Vec<NamedArgument>) {
    let of = |name: &str| format!("torch.ops.aten.{name}.default");
    let named = |name: &str, input: NamedArgument| NamedArgument { name: name.to_owned(), arg: input.arg };
    if operator == "zero_" {
        return (of("zeros_like"), inputs);
    }
    if !REPLACE.contains(&operator) || inputs.len() < 2 {
        return (target.replacen(operator, operator.trim_end_matches('_'), 1), inputs);
    }
    let (changed, source) = (inputs.remove(0), inputs.remove(0));
    if alias::tensors(&source.arg).is_empty() {
        return (of("full_like"), vec![changed, named("fill_value", source)]);
    }
    (of("expand_as"), vec![named("self", source), named("other", changed)])
}
