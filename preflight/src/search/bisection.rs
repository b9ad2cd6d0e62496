//! Plain bisection: the sizes that it would try, with which reports compare the search.

/// Sizes of a batch that plain bisection tries, each in a process of its own, to find that `fits` of at most `most` images fit:
/// doubled until a batch does not fit or there are no more images, then halved between the last two.
pub(crate) fn bisection(fits: usize, most: usize) -> Vec<usize> {
    let (mut good, mut tried) = (0, vec![1_usize.min(most)]);
    while let Some(&last) = tried.last().filter(|last| **last <= fits) {
        good = last;
        if last == most {
            return tried;
        }
        tried.push((2 * last).min(most));
    }
    let mut bad = tried[tried.len() - 1];
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        tried.push(middle);
        if middle <= fits { good = middle } else { bad = middle }
    }
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_doubles_and_then_halves_what_is_between() {
        assert_eq!(bisection(64, 64), [1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(bisection(5, 64), [1, 2, 4, 8, 6, 5]);
        assert_eq!(bisection(24, 24), [1, 2, 4, 8, 16, 24]);
        assert_eq!((bisection(1, 64), bisection(1, 1), bisection(3, 3)), (vec![1, 2], vec![1], vec![1, 2, 3]));
    }
}
