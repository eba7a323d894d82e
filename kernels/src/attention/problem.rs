//! What one attention is asked to do, in plain numbers: who may look at whom, and which weights are dropped.
//!
//! Source of the rules: the mask buffers of the published checkpoints (`Published`), and the rule the online
//! task needs (`FrameCausal`): what predicts a window sees no listener token of the same or a later window.

use crate::dropout::Dropout;

/// Tokens of one frame: three of the speaker, then three of the listener.
pub const TOKENS_PER_FRAME: usize = 6;
/// How many of them are the speaker's; they come first.
pub const SPEAKER_TOKENS: usize = 3;

/// Which keys a query may look at. Positions count tokens from the start of the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskRule {
    /// Everything.
    Full,
    /// The published rule: a query sees its own chunk whole; a speaker token also every earlier speaker token.
    ///
    /// Published behaviour: what predicts a frame sees that frame's listener tokens, so the causal training
    /// objective leaks its labels (defect 19).
    Published {
        /// Frames in a chunk, at least 1.
        online_step: usize,
    },
    /// Listener tokens are seen by later chunks, and by the listener tokens of their own chunk.
    FrameCausal {
        /// Frames in a chunk, at least 1.
        online_step: usize,
    },
}

impl MaskRule {
    /// Whether the token at position `query` may look at the token at position `key`.
    pub fn allows(self, query: usize, key: usize) -> bool {
        let is_speaker = |position: usize| position % TOKENS_PER_FRAME < SPEAKER_TOKENS;
        match self {
            Self::Full => true,
            Self::Published { online_step } => {
                let chunk = |position: usize| position / (TOKENS_PER_FRAME * online_step);
                chunk(query) == chunk(key) || (key <= query && is_speaker(query) && is_speaker(key))
            }
            Self::FrameCausal { online_step } => {
                let chunk = |position: usize| position / (TOKENS_PER_FRAME * online_step);
                if is_speaker(key) {
                    chunk(key) <= chunk(query)
                } else {
                    chunk(key) < chunk(query) || (chunk(key) == chunk(query) && !is_speaker(query))
                }
            }
        }
    }

    /// Frames in a chunk; none if the rule has no chunks.
    pub fn online_step(self) -> Option<usize> {
        match self {
            Self::Full => None,
            Self::Published { online_step } | Self::FrameCausal { online_step } => Some(online_step),
        }
    }
}

/// One attention, without its data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionProblem {
    /// Who may look at whom.
    pub rule: MaskRule,
    /// Position of the first query among the keys: 0 in training, the cache's length in cached decoding.
    pub first_query: usize,
    /// Which weights are dropped after the softmax; none outside training.
    pub dropout: Option<Dropout>,
    /// Keys at this position and later are seen by nobody, as in a cache that is not full yet. A query that sees no
    /// key at all gives zeros, and takes and gives no gradient.
    pub key_limit: Option<usize>,
}

impl AttentionProblem {
    /// As many queries as keys, nothing dropped.
    pub fn whole(rule: MaskRule) -> Self {
        Self { rule, first_query: 0, dropout: None, key_limit: None }
    }

    /// Whether the query in that row may look at that key.
    pub fn allows(&self, row: usize, key: usize) -> bool {
        key < self.key_limit.unwrap_or(usize::MAX) && self.rule.allows(self.first_query + row, key)
    }

    /// The same with dropped weights.
    #[must_use]
    pub fn with_dropout(self, dropout: Option<Dropout>) -> Self {
        Self { dropout, ..self }
    }
}

/// Why an attention was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// Two tensors do not fit together.
    #[error("attention: `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Which tensor.
        name: &'static str,
        /// Its shape.
        found: [usize; 4],
        /// The shape that would fit.
        expected: [usize; 4],
    },
    /// A query stands behind the last key.
    #[error("attention: the last query is at position {last_query}, but there are only {keys} keys")]
    QueryBehindKeys {
        /// Position of the last query.
        last_query: usize,
        /// Number of keys.
        keys: usize,
    },
    /// A chunk without frames.
    #[error("attention: `online_step` is 0, expected at least 1")]
    EmptyChunk,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_listener_sees_its_chunk_and_nothing_else() {
        let rule = MaskRule::Published { online_step: 1 };
        // Position 9 is the first listener token of frame 1, whose tokens are 6..12.
        let seen: Vec<usize> = (0..18).filter(|key| rule.allows(9, *key)).collect();
        assert_eq!(seen, (6..12).collect::<Vec<_>>());
    }

    #[test]
    fn a_published_speaker_sees_its_own_chunks_listener_tokens() {
        let rule = MaskRule::Published { online_step: 1 };
        let seen: Vec<usize> = (0..18).filter(|key| rule.allows(6, *key)).collect();
        assert_eq!(seen, vec![0, 1, 2, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn a_frame_causal_speaker_sees_no_listener_token_of_its_chunk() {
        let rule = MaskRule::FrameCausal { online_step: 1 };
        let seen: Vec<usize> = (0..18).filter(|key| rule.allows(6, *key)).collect();
        assert_eq!(seen, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn a_frame_causal_listener_sees_its_chunk_and_the_past() {
        let rule = MaskRule::FrameCausal { online_step: 2 };
        let seen: Vec<usize> = (0..36).filter(|key| rule.allows(15, *key)).collect();
        assert_eq!(seen, (0..24).collect::<Vec<_>>());
    }
}
