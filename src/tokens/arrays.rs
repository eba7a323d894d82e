//! Token arrays of whole predictions.
//!
//! In:  `[3, clips, reactions, frames]` integers in the order action units, expression, valence-arousal.
//! Out: attributes `[clips, reactions, frames, 25]`, and the other way round.

use std::path::Path;

use super::{ATTRIBUTE_COUNT, Attributes, Codebooks, FrameTokens, Replacements, TokensError};
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
        let &[
            MODALITY_COUNT,
            clip_count @ 1..=usize::MAX,
            reaction_count @ 1..=usize::MAX,
            frame_count @ 1..=usize::MAX,
        ] = shape.as_slice()
        else {
            let expected = "[3, clips, reactions, frames], none of them 0";
            return Err(TokensError::Shape { path: path.into(), found: shape, expected });
        };
        Ok(Self { clip_count, reaction_count, frame_count, values })
    }

    /// Writes a `.npy` file of integers of 64 bits.
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

impl Codebooks {
    /// The attributes of one clip of a token array: `[reactions, frames]`.
    pub fn attributes_from_clip(&self, tokens: &TokenArray, clip: usize) -> Result<Vec<Attributes>, TokensError> {
        let mut rows = Vec::with_capacity(tokens.reaction_count * tokens.frame_count);
        for reaction in 0..tokens.reaction_count {
            for frame in 0..tokens.frame_count {
                let place = || format!("clip {clip}, reaction {reaction}, frame {frame}");
                rows.push(self.attributes_of(tokens.frame(clip, reaction, frame), place)?);
            }
        }
        Ok(rows)
    }

    /// The token array of attributes `[clips, reactions, frames]`, whose number of clips follows from the others.
    pub fn token_array_from_attributes(
        &self,
        rows: &[Attributes],
        reaction_count: usize,
        frame_count: usize,
    ) -> Result<(TokenArray, Replacements), TokensError> {
        let (tokens, replacements) = self.tokens_from_attributes(rows)?;
        let per_clip = reaction_count * frame_count;
        let mut array = TokenArray::zeros(rows.len().checked_div(per_clip).unwrap_or(0), reaction_count, frame_count);
        for (place, tokens) in tokens.into_iter().enumerate().take(array.clip_count * per_clip) {
            array.set_frame(place / per_clip, place / frame_count % reaction_count, place % frame_count, tokens);
        }
        Ok((array, replacements))
    }

    /// Decodes a token array into a `.npy` file: `[clips, reactions, frames, 25]` as `f64`, one clip after the other.
    pub fn write_attributes(&self, path: &Path, tokens: &TokenArray) -> Result<(), TokensError> {
        let shape = [tokens.clip_count, tokens.reaction_count, tokens.frame_count, ATTRIBUTE_COUNT];
        let clips = (0..tokens.clip_count).map(|clip| self.attributes_from_clip(tokens, clip));
        npy::write_blocks(path, &shape, clips.map(|rows| rows.map(Vec::into_flattened)))
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
        for shape in [[2, 1, 1, 1], [3, 4, 0, 1]] {
            npy::write(&path, &shape, &vec![0_i64; shape.iter().product()]).unwrap();
            let text = TokenArray::read(&path).unwrap_err().to_string();
            let expected = format!("has shape {shape:?}, expected [3, clips, reactions, frames], none of them 0");
            assert!(text.ends_with(&expected), "{text}");
        }
    }
}
