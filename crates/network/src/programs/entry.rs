//! What an operation's file says of itself: its name, and the operators of programs that become the operation.

use super::call::Call;
use super::error::ExportError;
use super::value::Value;

/// A kind of operation, for the catalogue.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What `DeepLIFT` does with it.
    pub deep_lift: &'static str,
    /// The `ATen` operators of exported programs that become it: every overload, and the variant in place.
    pub aten: &'static [&'static str],
    /// Makes it from a call of one of them.
    pub(crate) import: Import,
}

/// How a call of an operator becomes operations of a graph.
pub(crate) type Import = fn(&mut Call<'_>) -> Result<Value, ExportError>;

impl Entry {
    /// What `call`, of one of the operators in `aten`, becomes.
    pub(crate) fn import(&self, call: &mut Call<'_>) -> Result<Value, ExportError> {
        (self.import)(call)
    }
}
