//! Attribution methods. Each is one file in `methods` with one line in its list.

mod attribution;
mod baseline;
mod integral;
pub mod methods;
mod origin;
mod pass;
mod quadrature;
mod regression;
mod windows;

pub use attribution::Attribution;
pub use baseline::Known;
pub use methods::{Entry, METHODS, Method, MethodError, Together, build};
pub use origin::Origin;
pub use pass::Pass;
