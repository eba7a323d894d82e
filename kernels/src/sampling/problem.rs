//! What is asked of each row of logits, and what can come out of it: plain numbers, no tensors.

/// How the logits of one position are narrowed before a token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter {
    /// Logits are divided by it; 0 takes the most probable token.
    pub temperature: f64,
    /// Number of most probable tokens that stay; 0 keeps all.
    pub top_k: usize,
    /// Probability that stays at least; 1 keeps all, 0 one token.
    pub top_p: f64,
}

impl Filter {
    /// Keeps every token.
    pub const OPEN: Self = Self { temperature: 1.0, top_k: 0, top_p: 1.0 };

    /// The same with the temperature 0 spelled out: the most probable token alone, the lower one of equals.
    pub(crate) fn spelled_out(self) -> Self {
        let is_greedy = self.temperature as f32 <= 0.0;
        if is_greedy { Self { temperature: 1.0, top_k: 0, top_p: 0.0 } } else { self }
    }

    /// p as a fraction of 2^64; [`u64::MAX`] keeps all.
    pub(crate) fn top_p_bits(self) -> u64 {
        fraction_bits(self.top_p)
    }
}

/// A number in [0, 1) as a fraction of 2^64, exact from 2^-11 on; everything from 1 on is the largest fraction.
pub fn fraction_bits(number: f64) -> u64 {
    (number * 18_446_744_073_709_551_616.0) as u64 // 2^64; the conversion saturates
}

/// How some rows that follow each other are drawn: one reaction of one clip, in one unmask step, for one codebook.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// How their logits are narrowed.
    pub filter: Filter,
    /// Where their chance comes from: the draw of a row depends on this and on its place among the rows of this
    /// sampler, on nothing else.
    pub seed: u64,
}

/// Numbers of one sampler as a kernel reads them: temperature, top k, top p (low, high), seed (low, high).
#[cfg(feature = "cubecl")]
pub(crate) const SAMPLER_WORDS: usize = 6;

#[cfg(feature = "cubecl")]
impl Sampler {
    pub(crate) fn words(self) -> [u32; SAMPLER_WORDS] {
        let Filter { temperature, top_k, .. } = self.filter.spelled_out();
        let top_p = self.filter.spelled_out().top_p_bits();
        let top_k = u32::try_from(top_k).unwrap_or(u32::MAX);
        let halves = |number: u64| [number as u32, (number >> 32) as u32];
        let [[p_low, p_high], [seed_low, seed_high]] = [halves(top_p), halves(self.seed)];
        [(temperature as f32).to_bits(), top_k, p_low, p_high, seed_low, seed_high]
    }
}

/// A drawn token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Its number in the vocabulary.
    pub token: usize,
    /// Its probability after filtering.
    pub probability: f32,
}

/// Why no token can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// Some logit is not a number, or infinite after it was divided by the temperature.
    #[error("the logit of token {token} is not a finite number")]
    NotFinite {
        /// The first such token.
        token: usize,
    },
    /// Nothing can be drawn.
    #[error("all logits are -inf, so that no token can be drawn")]
    Nothing,
}

/// Stands for [`SamplingError::Nothing`] in the place of a probability.
pub(crate) const NOTHING: f32 = -1.0;
/// This minus the token stands for [`SamplingError::NotFinite`]: exact, since a vocabulary is far below 2^24.
pub(crate) const NOT_FINITE: f32 = -2.0;

impl SamplingError {
    /// What stands in the place of the probability where a row could not be drawn; its token is 0, so that it can
    /// go on through a model whose result is thrown away.
    pub fn code(self) -> f32 {
        match self {
            Self::Nothing => NOTHING,
            Self::NotFinite { token } => NOT_FINITE - token as f32,
        }
    }

    /// The error that stands in the place of a probability, if any.
    pub fn of(probability: f32) -> Option<Self> {
        if probability >= 0.0 {
            return None;
        }
        let token = (NOT_FINITE - probability) as usize;
        Some(if probability > NOT_FINITE { Self::Nothing } else { Self::NotFinite { token } })
    }
}

/// Largest vocabulary: sums of as many weights stay within 64 bits.
pub const LARGEST_VOCABULARY: usize = 65_536;

/// Logits that do not fit what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// Rows cannot be shared out evenly.
    #[error("{rows} rows of logits do not divide among {samplers} samplers")]
    Rows {
        /// Rows of the logits.
        rows: usize,
        /// Samplers.
        samplers: usize,
    },
    /// Too many tokens, or none.
    #[error("a vocabulary of {found} tokens, expected 1 to {LARGEST_VOCABULARY}")]
    Vocabulary {
        /// Tokens of a row.
        found: usize,
    },
}

/// Rows of each sampler.
pub(crate) fn rows_per_sampler([rows, vocabulary]: [usize; 2], samplers: usize) -> Result<usize, DrawError> {
    if vocabulary == 0 || vocabulary > LARGEST_VOCABULARY {
        return Err(DrawError::Vocabulary { found: vocabulary });
    }
    if samplers == 0 || !rows.is_multiple_of(samplers) {
        return Err(DrawError::Rows { rows, samplers });
    }
    Ok(rows / samplers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_survive_the_way_through_a_probability() {
        for error in
            [SamplingError::Nothing, SamplingError::NotFinite { token: 0 }, SamplingError::NotFinite { token: 65_535 }]
        {
            assert_eq!(SamplingError::of(error.code()), Some(error));
        }
        assert_eq!(SamplingError::of(0.0), None);
        assert_eq!(SamplingError::of(1.0), None);
    }

    #[test]
    fn fractions_are_exact() {
        // 1/2 and 3/4 of 2^64; 1 and more, and less than 0, end at the ends.
        assert_eq!(fraction_bits(0.5), 1 << 63);
        assert_eq!(fraction_bits(0.75), 3 << 62);
        assert_eq!([fraction_bits(1.0), fraction_bits(2.0), fraction_bits(-1.0)], [u64::MAX, u64::MAX, 0]);
    }
}
