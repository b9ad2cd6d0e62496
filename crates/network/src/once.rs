//! Values that are made when they are first asked for.

use std::cell::OnceCell;

/// `OnceCell::get_or_try_init`, which is not stable.
pub fn once<T, E>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}
