//! The whole model and its three passes.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use unifr_kernels::{Dropout, MaskRule};

use super::attention::Direction;
use super::block::{Block, normalised};
use super::config::{ModelConfig, ModelError};
use super::embedding::{self, Embedding, Last};
use super::heads::{Heads, TokenLogits};
use super::initialize::initialize;
use crate::batches::{ListenerBatch, SpeakerBatch};
use crate::device::Precision;
use crate::random::{Owner, seed_of};

/// Whether elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is dropped.
    Inference,
    /// Each dropout takes its bits from this seed and its own place in the model.
    Training {
        /// Of one pass; another pass has another seed.
        seed: u64,
    },
}

impl Mode {
    pub(super) fn dropout(self, place: u64, probability: f32) -> Option<Dropout> {
        let Self::Training { seed } = self else { return None };
        (probability > 0.0).then(|| Dropout { probability, seed: seed_of(seed, Owner::Dropout, [place, 0, 0]) })
    }

    /// In which format logits are computed.
    ///
    /// Departure: predicted ones are always `f32`, since equal 16-bit logits would let more than `top_k` tokens
    /// through (defect 30).
    fn of_logits(self, precision: Precision) -> Precision {
        if self == Self::Inference { Precision::F32 } else { precision }
    }
}

/// Which rows of the last block somebody reads. The others need not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Every token.
    All,
    /// The last token.
    Last,
    /// The three speaker tokens of every frame.
    Speaker,
    /// The three listener tokens of every frame.
    Listener,
    /// The three speaker tokens of the last frames, that many.
    LastSpeaker(usize),
}

impl Rows {
    /// # Shapes
    /// - `hidden`: `[batch, frames * 6 (+ 1), width]`
    /// - returns: `[batch, picked, width]`
    pub(super) fn pick(self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, width] = hidden.dims();
        let frames = tokens / 6;
        let first = match self {
            Self::All => return hidden,
            Self::Last => return hidden.narrow(1, tokens - 1, 1),
            Self::Speaker => 0,
            Self::Listener => 3,
            Self::LastSpeaker(last) => {
                return Self::Speaker.pick(hidden.narrow(1, 6 * (frames - last), 6 * last));
            }
        };
        let frames_only = if tokens == 6 * frames { hidden } else { hidden.narrow(1, 0, 6 * frames) };
        frames_only.reshape([batch, frames, 6, width]).narrow(2, first, 3).reshape([batch, 3 * frames, width])
    }
}

/// Everything between the input and the heads, for whoever wants to look inside.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The tokens before the first block, then after each block, `[batch, tokens, width]`.
    pub hidden: Vec<Tensor<3>>,
    /// After the last norm.
    pub normed: Tensor<3>,
}

/// The published transformer: shared blocks, two directions of attention, four heads.
#[derive(Module, Debug)]
pub struct Transformer {
    /// In front of the blocks.
    pub embedding: Embedding,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// After the last block.
    pub final_norm: LayerNorm,
    /// The read-outs.
    pub heads: Heads,
    #[module(skip)]
    config: ModelConfig,
    #[module(skip)]
    precision: Precision,
}

/// What one pass looks like.
#[derive(Clone, Copy)]
struct Pass {
    direction: Direction,
    last: Last,
    rows: Rows,
    mode: Mode,
}

impl ModelConfig {
    /// A model with initial weights drawn from the seed.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Transformer, ModelError> {
        self.check()?;
        let model = Transformer {
            embedding: Embedding::new(self, device),
            blocks: (0..self.blocks).map(|_| Block::new(self, device)).collect(),
            final_norm: LayerNormConfig::new(self.width).init(device),
            heads: Heads::new(self, device),
            config: self.clone(),
            precision: Precision::F32,
        };
        Ok(initialize(model, seed))
    }
}

impl Transformer {
    /// The sizes the model was built with.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The same model under another causal mask; the mask has no weights.
    #[must_use]
    pub fn with_causal_rule(mut self, rule: MaskRule) -> Self {
        self.config.causal_rule = rule;
        self
    }

    /// The same model with products and attention in another number format; it begins with `f32`.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// The number format of products and attention.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Does this listener belong to this speaker: logits of no and yes.
    ///
    /// # Shapes
    /// - returns: `[batch, 2]`
    pub fn matching(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        mode: Mode,
    ) -> Result<Tensor<2>, ModelError> {
        let pass = Pass { direction: Direction::Bidirectional, last: Last::Matching, rows: Rows::Last, mode };
        Ok(self.heads.matching(self.hidden(speaker, listener, pass)?, mode.of_logits(self.precision)))
    }

    /// Logits of the listener's tokens from the whole clip, read at the listener's own tokens.
    pub fn masked(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        mode: Mode,
    ) -> Result<TokenLogits, ModelError> {
        let pass = Pass { direction: Direction::Bidirectional, last: Last::Voice, rows: Rows::Listener, mode };
        Ok(self.heads.tokens(self.hidden(speaker, listener, pass)?, mode.of_logits(self.precision)))
    }

    /// Logits of the listener's tokens from the past, read at the speaker's tokens of the same frame.
    pub fn causal(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        mode: Mode,
    ) -> Result<TokenLogits, ModelError> {
        let pass = Pass { direction: Direction::Causal, last: Last::Nothing, rows: Rows::Speaker, mode };
        Ok(self.heads.tokens(self.hidden(speaker, listener, pass)?, mode.of_logits(self.precision)))
    }

    /// The same for the last frames only, `frames` of them: the online task reads no others.
    ///
    /// # Shapes
    /// - logits: `[batch, frames, codes]`
    pub fn causal_end(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        frames: usize,
    ) -> Result<TokenLogits, ModelError> {
        let rows = Rows::LastSpeaker(frames);
        let pass = Pass { direction: Direction::Causal, last: Last::Nothing, rows, mode: Mode::Inference };
        Ok(self.heads.tokens(self.hidden(speaker, listener, pass)?, Precision::F32))
    }

    /// All hidden states of a pass, for tests and for the curious.
    pub fn trace(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        direction: Direction,
        last: Last,
    ) -> Result<Trace, ModelError> {
        embedding::check(speaker, listener, &self.config)?;
        let mut hidden = vec![self.embed(speaker, listener, last, Mode::Inference)];
        for index in 0..self.blocks.len() {
            let before = hidden[index].clone();
            hidden.push(self.block(index, before, direction, Rows::All, Mode::Inference));
        }
        let normed = normalised(&self.final_norm, hidden[self.blocks.len()].clone());
        Ok(Trace { hidden, normed })
    }

    fn hidden(&self, speaker: &SpeakerBatch, listener: &ListenerBatch, pass: Pass) -> Result<Tensor<3>, ModelError> {
        embedding::check(speaker, listener, &self.config)?;
        let mut hidden = self.embed(speaker, listener, pass.last, pass.mode);
        for index in 0..self.blocks.len() {
            let rows = if index + 1 == self.blocks.len() { pass.rows } else { Rows::All };
            hidden = self.block(index, hidden, pass.direction, rows, pass.mode);
        }
        Ok(normalised(&self.final_norm, hidden))
    }

    fn embed(&self, speaker: &SpeakerBatch, listener: &ListenerBatch, last: Last, mode: Mode) -> Tensor<3> {
        self.embedding.forward(speaker, listener, last, &self.config, mode, self.precision)
    }

    fn block(&self, index: usize, hidden: Tensor<3>, direction: Direction, rows: Rows, mode: Mode) -> Tensor<3> {
        let drops = Block::drops(index, &self.config, mode);
        self.blocks[index].forward(hidden, direction, self.config.causal_rule, rows, drops, self.precision)
    }
}
