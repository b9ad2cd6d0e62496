//! Entry of an operation: its name, and the operators of programs that become the operation.

use super::call::Call;
use super::error::ExportError;
use super::value::Value;

/// A kind of operation, for the catalogue.
pub struct Entry {
    /// Name of the operation.
    pub name: &'static str,
    /// The operation in one sentence.
    pub summary: &'static str,
    /// Rule of `DeepLIFT` for the operation.
    pub deep_lift: &'static str,
    /// The `ATen` operators of exported programs that become the operation: every overload, and the variant in place.
    pub aten: &'static [&'static str],
    /// Makes the operation from a call of one of these operators.
    pub(crate) import: Import,
}

/// Function that makes operations of a graph from a call of an operator.
pub(crate) type Import = fn(&mut Call<'_>) -> Result<Value, ExportError>;

impl Entry {
    /// The value that `call`, of one of the operators in `aten`, becomes.
    pub(crate) fn import(&self, call: &mut Call<'_>) -> Result<Value, ExportError> {
        (self.import)(call)
    }
}
