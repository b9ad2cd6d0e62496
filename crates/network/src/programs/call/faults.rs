//! What is wrong with a call, told with its operator, its node and its module.

use super::Call;
use crate::programs::ExportError;
use crate::programs::nodes::module::{module, unsupported};

impl Call<'_> {
    /// That no image is counted elsewhere than where every output says.
    pub(in crate::programs) fn fixed_batch(&self) -> ExportError {
        ExportError::FixedBatch { node: self.node_name(), module: module(self.node).said() }
    }

    /// An error about the argument `name`.
    pub(crate) fn fault(&self, name: &str, reason: &str) -> ExportError {
        ExportError::Argument {
            operator: self.node.target.clone(),
            node: self.node_name(),
            module: module(self.node).said(),
            argument: name.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// The error that no operation does this.
    pub(crate) fn unsupported(&self) -> ExportError {
        unsupported(self.node)
    }

    fn node_name(&self) -> String {
        self.node.name.clone().unwrap_or_default()
    }
}
