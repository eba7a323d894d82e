//! The model's sizes, in plain numbers, and what makes them impossible.

use unifr_kernels::MaskRule;

use crate::features::FeatureDims;
use crate::tokens::VocabularySizes;

/// Everything that decides shapes and behaviour of a [`super::Transformer`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Frames of the longest clip; the time table has `6 * frames + 1` rows.
    pub frames: usize,
    /// Widths of the speaker's streams.
    pub dims: FeatureDims,
    /// Sizes of the three codebooks.
    pub vocabulary: VocabularySizes,
    /// Number of blocks.
    pub blocks: usize,
    /// Attention heads in each block.
    pub heads: usize,
    /// Width of a token inside the model.
    pub width: usize,
    /// Dropout after the embeddings.
    pub embedding_dropout: f32,
    /// Dropout of what attention and MLP add.
    pub residual_dropout: f32,
    /// Dropout of the attention weights.
    pub attention_dropout: f32,
    /// The mask of the causal direction.
    pub causal_rule: MaskRule,
}

/// Sizes that cannot be, or inputs that do not fit the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The width cannot be split.
    #[error("the model's width is {width}, expected a multiple of 2 and of its {heads} heads")]
    Width {
        /// Width found.
        width: usize,
        /// Heads asked for.
        heads: usize,
    },
    /// A size is 0.
    #[error("`{name}` of the model is 0, expected at least 1")]
    Zero {
        /// Which size.
        name: &'static str,
    },
    /// A batch does not fit.
    #[error("`{name}` of the batch has shape {found:?}, expected {expected:?}")]
    Batch {
        /// Which tensor.
        name: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape the model was built for.
        expected: Vec<usize>,
    },
    /// More frames than the time table has rows.
    #[error("the batch has {found} frames, expected at most {limit}: the model's `max_n_frame`")]
    TooLong {
        /// Frames found.
        found: usize,
        /// Frames the time table allows.
        limit: usize,
    },
}

impl ModelConfig {
    /// Rows of the time table: six tokens per frame and one at the end.
    pub fn positions(&self) -> usize {
        6 * self.frames + 1
    }

    /// Widths of the three parts of a face token: expression, action units, valence-arousal.
    pub fn face_parts(&self) -> [usize; 3] {
        let part = self.width / 3;
        [part, part, self.width - 2 * part]
    }

    /// Refuses sizes that cannot be.
    pub fn check(&self) -> Result<(), ModelError> {
        let sizes = [
            ("frames", self.frames),
            ("blocks", self.blocks),
            ("heads", self.heads),
            ("width", self.width),
            ("action unit codes", self.vocabulary.action_units),
            ("expression codes", self.vocabulary.expression),
            ("valence-arousal codes", self.vocabulary.valence_arousal),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(ModelError::Zero { name });
        }
        if !self.width.is_multiple_of(self.heads) || !self.width.is_multiple_of(2) {
            return Err(ModelError::Width { width: self.width, heads: self.heads });
        }
        Ok(())
    }
}
