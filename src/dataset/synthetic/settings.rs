//! What may be asked of the synthetic corpus, and what goes wrong with it.
//!
//! In:  numbers from a config or the command line.
//! Out: [`SyntheticSettings`], checked before the first byte is written; [`SyntheticError`].

use super::conversations::{Conversations, TAKES};
use crate::dataset::{DatasetError, Partition};
use crate::features::FRAMES_PER_POSE;
use crate::files::FileError;
use crate::tokens::TokensError;

/// Fewest frames of a clip: one cue, its delay and its answer fit.
const FEWEST_FRAMES: usize = 50;
/// Rows of one scenario: [`TAKES`] dyads of two people.
const ROWS_PER_SCENARIO: usize = 2 * TAKES;

/// Size and seed of a synthetic corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticSettings {
    /// Same seed, same bytes.
    pub seed: u64,
    /// Frames of every clip, 25 a second; a multiple of 5, at least 50.
    pub frames: usize,
    /// Clips to train with, a multiple of 8.
    pub train_clips: usize,
    /// Clips to score on, a multiple of 8; 32 hold every tone.
    pub val_clips: usize,
    /// Clips of the test part, a multiple of 8.
    pub test_clips: usize,
}

impl Default for SyntheticSettings {
    /// Clips of 4.8 s, and 32 scenarios to learn from, eight in each tone.
    fn default() -> Self {
        Self { seed: 100, frames: 120, train_clips: 256, val_clips: 32, test_clips: 16 }
    }
}

impl SyntheticSettings {
    /// Refuses what cannot be made.
    pub fn check(&self) -> Result<(), SyntheticError> {
        if self.frames < FEWEST_FRAMES || !self.frames.is_multiple_of(FRAMES_PER_POSE) {
            let expected = format!("at least {FEWEST_FRAMES} and a multiple of {FRAMES_PER_POSE}");
            return Err(SyntheticError::Setting { name: "frames", found: self.frames, expected });
        }
        for partition in Partition::ALL {
            let (name, found) = self.clips(partition);
            if found == 0 || !found.is_multiple_of(ROWS_PER_SCENARIO) {
                let expected =
                    format!("a multiple of {ROWS_PER_SCENARIO}: {TAKES} dyads of two people act each scenario");
                return Err(SyntheticError::Setting { name, found, expected });
            }
        }
        Ok(())
    }

    /// The rows of one partition.
    pub fn conversations(&self, partition: Partition) -> Conversations {
        let clip_count = self.clips(partition).1;
        Conversations { seed: self.seed, partition, clip_count, frame_count: self.frames }
    }

    fn clips(&self, partition: Partition) -> (&'static str, usize) {
        match partition {
            Partition::Train => ("train", self.train_clips),
            Partition::Val => ("val", self.val_clips),
            Partition::Test => ("test", self.test_clips),
        }
    }
}

/// What goes wrong with a synthetic corpus.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// A number that no corpus can have.
    #[error("`{name}` is {found}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: usize,
        /// What it should be.
        expected: String,
    },
    /// The prepared files.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The codebooks.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The index files.
    #[error(transparent)]
    File(#[from] FileError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_made_are_refused_in_words() {
        assert!(SyntheticSettings::default().check().is_ok());
        let odd = SyntheticSettings { val_clips: 12, ..SyntheticSettings::default() };
        let message = odd.check().unwrap_err().to_string();
        assert_eq!(message, "`val` is 12, expected a multiple of 8: 4 dyads of two people act each scenario");
        let short = SyntheticSettings { frames: 52, ..SyntheticSettings::default() };
        assert_eq!(short.check().unwrap_err().to_string(), "`frames` is 52, expected at least 50 and a multiple of 5");
    }
}
