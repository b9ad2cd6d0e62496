//! Arrays in Fortran order, in which the first index is the fastest (pandas), turned into C order.

use super::{Member, SCRATCH};
use crate::DataError;

/// Largest size in bytes of an array that is turned: the whole array is in memory.
pub(super) const MOST: u64 = 1 << 27;

impl Member {
    /// Reads the whole array in C order.
    pub(super) fn in_c_order(&mut self) -> Result<Vec<u8>, DataError> {
        let width = self.element.map_or(1, |element| element.size() as usize);
        let length = self.size.saturating_sub(self.header.length) as usize;
        let mut place = Place::new(&self.header.shape, width);
        let (mut turned, mut slice) = (vec![0; length], vec![0; SCRATCH]);
        self.seek(self.header.length)?;
        let mut left = length;
        while left > 0 {
            let step = left.min(SCRATCH);
            self.fill(&mut slice[..step])?;
            for element in slice[..step].chunks_exact(width) {
                if let Some(target) = turned.get_mut(place.at..place.at + width) {
                    target.copy_from_slice(element);
                }
                place.next();
            }
            left -= step;
        }
        Ok(turned)
    }
}

/// Place of an element in C order, while elements come in Fortran order.
struct Place {
    /// Position of the element in bytes.
    at: usize,
    /// Index in each dimension, with the size of the dimension and the distance in bytes from one index to the next.
    indices: Vec<(usize, usize, usize)>,
}

impl Place {
    fn new(shape: &[u64], width: usize) -> Self {
        let mut stride = width;
        let mut indices: Vec<_> = shape
            .iter()
            .rev()
            .map(|size| {
                let index = (0, *size as usize, stride);
                stride *= *size as usize;
                index
            })
            .collect();
        indices.reverse();
        Self { at: 0, indices }
    }

    fn next(&mut self) {
        for (index, size, stride) in &mut self.indices {
            *index += 1;
            self.at += *stride;
            if *index < *size {
                return;
            }
            self.at -= *stride * *size;
            *index = 0;
        }
    }
}
