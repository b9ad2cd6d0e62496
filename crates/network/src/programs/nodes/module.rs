//! Where in the user's model a node stands: for names of layers, and for errors.

use crate::programs::ExportError;
use crate::programs::file::schema::Node;

/// Where in the model a node stands.
#[derive(Clone, Copy)]
pub(in crate::programs) struct Module<'a> {
    pub(in crate::programs) path: &'a str,
    pub(in crate::programs) class: &'a str,
}

/// The innermost module of `node`: the last of `key,path,class;key,path,class`.
pub(in crate::programs) fn module(node: &Node) -> Module<'_> {
    let stack = node.metadata.get("nn_module_stack").map_or("", String::as_str);
    let mut parts = stack.rsplit(';').next().unwrap_or_default().split(',').skip(1);
    Module { path: parts.next().unwrap_or_default(), class: parts.next().unwrap_or_default() }
}

impl Module<'_> {
    /// For errors.
    pub(in crate::programs) fn said(self) -> String {
        match (self.path, self.class) {
            ("", "") => "in no module".to_owned(),
            ("", class) => format!("in the model itself, {class}"),
            (path, class) => format!("in module `{path}`, {class}"),
        }
    }
}

/// The error that no operation does what `node` does.
pub(in crate::programs) fn unsupported(node: &Node) -> ExportError {
    let operator = node.target.trim_start_matches("torch.ops.").to_owned();
    let node_name = node.name.clone().unwrap_or_default();
    ExportError::Unsupported { operator, node: node_name, module: module(node).said() }
}
