//! Attribution methods. Each is one file in `methods` with one line in its list.

mod baseline;
pub mod methods;
mod pass;
mod quadrature;

pub use methods::{Entry, METHODS, Method, MethodError, build};
pub use pass::Pass;
