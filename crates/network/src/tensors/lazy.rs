//! Values that are made when they are first asked for.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// `OnceCell::get_or_try_init`, which is not stable.
pub fn once<T, E>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

/// A value that is made when it is first asked for, and again if it was forgotten in between.
#[derive(Debug)]
pub(crate) struct Lazy<T>(RefCell<Option<Rc<T>>>);

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T> Lazy<T> {
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Rc<T>, E> {
        if let Some(made) = self.0.borrow().as_ref() {
            return Ok(Rc::clone(made));
        }
        let value = Rc::new(make()?);
        Ok(Rc::clone(self.0.borrow_mut().insert(value)))
    }

    /// Gives back what was made; whether there was anything.
    pub(crate) fn forget(&self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_until_it_is_forgotten_and_not_by_a_failure() {
        let (lazy, mut made) = (Lazy::default(), 0);
        let mut get = |works: bool| {
            lazy.get(|| {
                made += 1;
                if works { Ok(made) } else { Err(made) }
            })
            .map(|value| *value)
        };
        assert_eq!((get(false), get(true), get(true)), (Err(1), Ok(2), Ok(2)));
        assert!(lazy.forget() && !lazy.forget());
        let again = lazy.get(|| Ok::<_, i32>(7)).map(|value| *value);
        assert_eq!(again, Ok(7));
    }
}
