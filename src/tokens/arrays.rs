//! Token arrays of whole predictions.
//!
//! In/Out: `[3, clips, reactions, frames]` integers in the order action units, expression, valence-arousal.

use std::path::Path;

use super::{FrameTokens, TokensError};
use crate::files::npy;

/// The three codes of a frame; the first axis of an array.
pub(super) const MODALITY_COUNT: usize = 3;

/// Tokens of several reactions to several clips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenArray {
    /// Clips.
    pub clip_count: usize,
    /// Reactions per clip.
    pub reaction_count: usize,
    /// Frames per reaction.
    pub frame_count: usize,
    /// `[3, clips, reactions, frames]`, row-major.
    pub values: Vec<i64>,
}

impl TokenArray {
    /// An array of zeros.
    pub fn zeros(clip_count: usize, reaction_count: usize, frame_count: usize) -> Self {
        let values = vec![0; MODALITY_COUNT * clip_count * reaction_count * frame_count];
        Self { clip_count, reaction_count, frame_count, values }
    }

    /// Reads a `.npy` file of integers.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let (shape, values) = npy::read_i64(path)?;
        let &[MODALITY_COUNT, clip_count, reaction_count, frame_count] = shape.as_slice() else {
            let expected = "[3, clips, reactions, frames]";
            return Err(TokensError::Shape { path: path.into(), found: shape, expected });
        };
        Ok(Self { clip_count, reaction_count, frame_count, values })
    }

    /// Writes a `.npy` file of `i8` integers (64 bits).
    pub fn write(&self, path: &Path) -> Result<(), TokensError> {
        let shape = [MODALITY_COUNT, self.clip_count, self.reaction_count, self.frame_count];
        Ok(npy::write(path, &shape, &self.values)?)
    }

    /// The tokens of one frame as they stand in the array: action units, expression, valence-arousal.
    pub fn frame(&self, clip: usize, reaction: usize, frame: usize) -> [i64; MODALITY_COUNT] {
        std::array::from_fn(|modality| self.values[self.place(modality, clip, reaction, frame)])
    }

    /// Puts in the tokens of one frame.
    pub fn set_frame(&mut self, clip: usize, reaction: usize, frame: usize, tokens: FrameTokens) {
        let FrameTokens { action_units, expression, valence_arousal } = tokens;
        for (modality, token) in [action_units, expression, valence_arousal].into_iter().enumerate() {
            let place = self.place(modality, clip, reaction, frame);
            self.values[place] = i64::from(token);
        }
    }

    fn place(&self, modality: usize, clip: usize, reaction: usize, frame: usize) -> usize {
        ((modality * self.clip_count + clip) * self.reaction_count + reaction) * self.frame_count + frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_go_in_and_come_out_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.npy");
        let mut array = TokenArray::zeros(2, 3, 4);
        array.set_frame(1, 2, 3, FrameTokens { action_units: 7, expression: 8, valence_arousal: 9 });
        array.write(&path).unwrap();
        let found = TokenArray::read(&path).unwrap();
        assert_eq!(found, array);
        assert_eq!(found.frame(1, 2, 3), [7, 8, 9]);
        // The last frame of each of the three parts of 24.
        assert_eq!([23, 47, 71].map(|place| found.values[place]), [7, 8, 9]);
    }

    #[test]
    fn arrays_of_another_shape_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.npy");
        npy::write(&path, &[2, 1, 1, 1], &[0_i64; 2]).unwrap();
        let text = TokenArray::read(&path).unwrap_err().to_string();
        assert!(text.ends_with("has shape [2, 1, 1, 1], expected [3, clips, reactions, frames]"), "{text}");
    }
}
