//! The order of the rows of a training file: drawn once, from a seed, and stored.
//!
//! In:  the number of clips and a seed.
//! Out: a permutation: row `r` of the file holds clip `order[r]` of the index file.
//! Source: `scripts/Data_Script.py`, the branch for the training part.
//!
//! Departure: the published permutation is drawn without a seed and kept only implicitly in the clips' names
//! (defect 2); ours is in the file, as the dataset `clip_order`.

use rand::seq::SliceRandom;

use super::DatasetError;
use crate::random::{self, Owner};

/// The order of `clip_count` clips that `seed` draws; every order is equally likely.
pub fn shuffled_order(seed: u64, clip_count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..clip_count).collect();
    order.shuffle(&mut random::stream(seed, Owner::Shuffling, [clip_count as u64, 0, 0]));
    order
}

/// Refuses a list that does not hold each of `0..order.len()` once.
pub fn require_permutation(order: &[usize]) -> Result<(), DatasetError> {
    let count = order.len();
    let mut was_seen = vec![false; count];
    for (place, clip) in order.iter().enumerate() {
        let reason = match was_seen.get_mut(*clip) {
            None => format!("entry {place} is `{clip}`"),
            Some(true) => format!("entry {place} names `{clip}` again"),
            Some(seen) => {
                *seen = true;
                continue;
            }
        };
        return Err(DatasetError::Permutation { count, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_orders_and_others_do_not() {
        let order = shuffled_order(7, 100);
        require_permutation(&order).unwrap();
        assert_eq!(order, shuffled_order(7, 100));
        assert_ne!(order, shuffled_order(8, 100));
    }

    #[test]
    fn what_is_no_permutation_is_named() {
        assert!(require_permutation(&[0, 2]).unwrap_err().to_string().contains("entry 1 is `2`"));
        assert!(require_permutation(&[0, 0]).unwrap_err().to_string().contains("entry 1 names `0` again"));
    }
}
