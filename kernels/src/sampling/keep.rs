//! One unmask step of the offline task: of all tokens of a reaction the surest stay, the rest is drawn again.
//!
//! In:  what is known so far ([`Unmasked`]), what was just drawn for every place, how many places stay masked.
//! Out: what is known then, on the same device; the host is not asked.
//! Source: MaskGIT's decoding as published, section 7.2 of the specification.

use burn::backend::Dispatch;
use burn::tensor::{Bool, Device, Int, Tensor};
use rayon::prelude::*;

use super::{Drawn, SamplingError, SamplingOps};

/// Codebooks that share a frame: the places of a reaction are `frame * 3 + codebook`.
pub const CODEBOOKS: usize = 3;

/// Which of equally sure tokens are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// None that is as sure as the cut, so that more places than asked can stay masked.
    ///
    /// Published behaviour: golden case `offline_s8_top1_ties`; with one token left by the filter all are equally sure, and
    /// nothing is accepted before the last step (defect 26).
    Published,
    /// The earlier first, so that exactly as many stay masked as asked.
    Ordered,
}

/// How many places stay masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masking {
    /// Places of a reaction that stay masked; 0 accepts everything.
    pub left: usize,
    /// Which of equally sure tokens are accepted.
    pub ties: Ties,
}

/// Reactions of which some tokens are known.
#[derive(Clone, Debug)]
pub struct Unmasked {
    /// `[reactions, places]` of `i32`; 0 where nothing is known.
    pub tokens: Tensor<2, Int>,
    /// With which probability each was accepted, `[reactions, places]`; 0 where nothing is known, below 0 where
    /// nothing could be drawn ([`SamplingError::of`]).
    pub probabilities: Tensor<2>,
}

impl Unmasked {
    /// Reactions of that many frames of which nothing is known.
    pub fn nothing(reactions: usize, frames: usize, device: &Device) -> Self {
        let shape = [reactions, frames * CODEBOOKS];
        Self { tokens: Tensor::zeros(shape, device), probabilities: Tensor::zeros(shape, device) }
    }

    /// Where tokens are known, `[reactions, places]`.
    pub fn is_known(&self) -> Tensor<2, Bool> {
        self.probabilities.clone().greater_elem(0.0)
    }

    /// The first row that could not be drawn, as reaction, frame and reason; asks the device.
    pub fn first_error(probabilities: &[f32], places: usize) -> Option<(usize, usize, SamplingError)> {
        let error = |(number, probability): (usize, &f32)| {
            Some((number / places, number % places / CODEBOOKS, SamplingError::of(*probability)?))
        };
        probabilities.iter().enumerate().find_map(error)
    }

    /// Accepts the surest of the tokens just drawn, `[reactions * frames]` of each codebook.
    ///
    /// A token that could not be drawn leaves its error in the place of its probability, once and for all.
    #[must_use]
    pub fn keep(self, drawn: [Drawn; CODEBOOKS], masking: Masking) -> Self {
        let [first, second, third] =
            drawn.map(|drawn| (drawn.tokens.into_dispatch(), drawn.probabilities.into_dispatch()));
        let (tokens, probabilities) = <Dispatch as SamplingOps>::keep_surest(
            self.probabilities.into_dispatch(),
            first.1,
            second.1,
            third.1,
            self.tokens.into_dispatch(),
            first.0,
            second.0,
            third.0,
            masking,
        );
        Self { tokens: Tensor::from_dispatch(tokens), probabilities: Tensor::from_dispatch(probabilities) }
    }
}

/// How sure a known token is: surer than any other.
pub(crate) const KNOWN: u32 = 0x7f80_0000;

/// Whole numbers in the order of confidence.
pub(crate) fn confidence(known: f32, drawn: f32) -> u32 {
    let drawn = if drawn < 0.0 { 0 } else { drawn.to_bits() };
    if known > 0.0 { KNOWN } else { drawn }
}

/// Tokens and probabilities on the processor; each `[reactions * frames]` of a codebook.
pub(crate) struct HostDrawn<'a> {
    pub(crate) tokens: [&'a [i32]; CODEBOOKS],
    pub(crate) probabilities: [&'a [f32]; CODEBOOKS],
}

/// Changes tokens and probabilities, `[reactions, places]`, in place.
pub(crate) fn keep(
    tokens: &mut [i32],
    probabilities: &mut [f32],
    places: usize,
    drawn: &HostDrawn<'_>,
    masking: Masking,
) {
    let rows = tokens.par_chunks_mut(places).zip(probabilities.par_chunks_mut(places)).enumerate();
    rows.for_each(|(reaction, (tokens, probabilities))| {
        let at = |place: usize| (place % CODEBOOKS, (reaction * places + place) / CODEBOOKS);
        let sure: Vec<u32> = (0..places)
            .map(|place| {
                let (codebook, row) = at(place);
                confidence(probabilities[place], drawn.probabilities[codebook][row])
            })
            .collect();
        let mut cut = Cut::of(&sure, masking);
        for place in 0..places {
            let (codebook, row) = at(place);
            let probability = drawn.probabilities[codebook][row];
            let is_unknown = probabilities[place] == 0.0;
            if is_unknown && (cut.accepts(sure[place]) || probability < 0.0) {
                tokens[place] = drawn.tokens[codebook][row];
                probabilities[place] = probability;
            }
        }
    });
}

/// What parts the accepted from the rest.
struct Cut {
    /// Whatever is surer is accepted.
    at: Option<u32>,
    /// So many as sure as the cut are accepted too, the earlier first.
    ties: usize,
}

impl Cut {
    fn of(sure: &[u32], Masking { left, ties }: Masking) -> Self {
        if left == 0 {
            return Self { at: None, ties: 0 };
        }
        let mut sorted = sure.to_vec();
        let (_, cut, _) = sorted.select_nth_unstable(left.min(sure.len()) - 1);
        let at = *cut;
        let ties = match ties {
            Ties::Published => 0,
            Ties::Ordered => sure.iter().filter(|sure| **sure <= at).count() - left.min(sure.len()),
        };
        Self { at: Some(at), ties }
    }

    fn accepts(&mut self, sure: u32) -> bool {
        let Some(at) = self.at else { return true };
        let is_tie = sure == at && self.ties > 0;
        self.ties -= usize::from(is_tie);
        sure > at || is_tie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places that are newly accepted; a known place has the confidence infinity.
    fn accepted(confidence: &[f32], left: usize, ties: Ties) -> Vec<usize> {
        let sure: Vec<u32> = confidence.iter().map(|confidence| confidence.to_bits()).collect();
        let mut cut = Cut::of(&sure, Masking { left, ties });
        (0..sure.len()).filter(|place| cut.accepts(sure[*place]) && sure[*place] < KNOWN).collect()
    }

    #[test]
    fn ties_at_the_cut_wait_as_published_and_go_in_order_otherwise() {
        let confidence = [1.0, 1.0, f32::INFINITY, 1.0, 0.5];
        assert_eq!(accepted(&confidence, 2, Ties::Published), Vec::<usize>::new());
        assert_eq!(accepted(&confidence, 2, Ties::Ordered), vec![0, 1]);
    }

    #[test]
    fn the_last_step_accepts_everything_unknown() {
        assert_eq!(accepted(&[0.1, f32::INFINITY, 0.1], 0, Ties::Published), vec![0, 2]);
    }

    #[test]
    fn exactly_as_many_stay_masked_as_asked() {
        let confidence: Vec<f32> = (0..300).map(|place| (place * 7 % 11) as f32 / 10.0 + 0.05).collect();
        for left in [1, 17, 150, 299, 300] {
            assert_eq!(accepted(&confidence, left, Ties::Ordered).len(), 300 - left);
        }
    }
}
