//! Seeded streams of random numbers: each use of chance has its own.
//!
//! A stream is a pure function of the run's seed, its owner and up to three numbers that say where the
//! run stands (step, row, reaction …). Nothing is carried from one draw to the next, so a resumed run
//! draws what an unbroken one would have drawn, and a checkpoint needs only the seed and the step.
//!
//! Departure: the published code seeds Python, NumPy and PyTorch once with 100 and restarts all three
//! streams after a resume (defect 14).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Who draws. The numbers are part of the file format of runs: never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Owner {
    /// Initial weights of the model.
    Weights = 1,
    /// Which listener tokens are masked, and which tokens count besides.
    Masking = 2,
    /// Which listener is the appropriate and which the inappropriate one.
    Listeners = 3,
    /// The order of rows in a prepared training file.
    Shuffling = 4,
    /// Dropout in the model.
    Dropout = 5,
    /// Tokens drawn while predicting.
    Sampling = 6,
    /// Starting centres of k-means.
    Clustering = 7,
    /// The synthetic corpus.
    Synthesis = 8,
    /// Random baselines of the metrics.
    Baselines = 9,
}

/// Opens the stream of `owner` at `place` under `seed`.
///
/// `place` is up to the owner, e.g. `[step, row, 0]`; equal arguments give equal streams.
pub fn stream(seed: u64, owner: Owner, place: [u64; 3]) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    // Four words of the key hold the seed and the mixed owner and place: a collision needs equal inputs
    // or a collision of the mixer below, which is a bijection of each word given the ones before.
    let mut state = mixed(seed ^ (owner as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for (word, number) in key[8..].chunks_exact_mut(8).zip(place) {
        state = mixed(state ^ number);
        word.copy_from_slice(&state.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// One number out of a stream's address, for kernels that make their own bits from a seed.
pub fn seed_of(seed: u64, owner: Owner, place: [u64; 3]) -> u64 {
    place
        .into_iter()
        .fold(mixed(seed ^ (owner as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)), |state, number| mixed(state ^ number))
}

/// The finaliser of splitmix64: every input bit reaches every output bit.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // First two outputs of splitmix64 seeded with 0, from its author's reference program.
        assert_eq!(mixed(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mixed(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn streams_differ_by_seed_owner_and_place_and_repeat_otherwise() {
        let first = |seed, owner, place| stream(seed, owner, place).random::<u64>();
        let base = first(1, Owner::Masking, [2, 3, 4]);
        assert_eq!(base, first(1, Owner::Masking, [2, 3, 4]));
        for other in [
            first(2, Owner::Masking, [2, 3, 4]),
            first(1, Owner::Sampling, [2, 3, 4]),
            first(1, Owner::Masking, [3, 2, 4]),
            first(1, Owner::Masking, [2, 3, 5]),
        ] {
            assert_ne!(base, other);
        }
    }
}
