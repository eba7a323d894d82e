//! The best that can be said about a listener from the speaker's script: what a model could at most learn.
//!
//! In:  a [`Script`].
//! Out: [`best_guess`], attributes frame by frame, from cues at least ten frames old.
//! Source: our own; `tests/synthetic_corpus.rs` scores it against ceiling and baselines.

use rand::Rng;

use super::face::visible;
use super::reaction::{Manner, typical_reaction};
use super::script::Script;
use crate::tokens::Attributes;

/// The answer of an open listener without noise: the likeliest delay, strength and length, no missed cue, and nothing
/// of what the listener does as a speaker, which the script does not tell.
pub fn best_guess(script: &Script, frame_count: usize, chance: &mut impl Rng) -> Vec<Attributes> {
    let silent = Script { tone: script.tone, cues: Vec::new() };
    visible(&silent, &typical_reaction(script, Manner::Open, frame_count), chance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic::script::{Cue, CueEvent, Tone};
    use crate::random::{Owner, stream};

    #[test]
    fn the_best_guess_needs_no_look_ahead() {
        let early = CueEvent { onset: 5, cue: Cue::News };
        let known = Script { tone: Tone::Tense, cues: vec![early] };
        let whole = Script { tone: Tone::Tense, cues: vec![early, CueEvent { onset: 45, cue: Cue::Joke }] };
        let guess = |script| best_guess(script, 80, &mut stream(1, Owner::Synthesis, [0, 0, 0]));
        let (known, whole) = (guess(&known), guess(&whole));
        assert_eq!(known.iter().zip(&whole).position(|(a, b)| (a[16] - b[16]).abs() > 0.1), Some(57));
    }
}
