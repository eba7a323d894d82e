//! How a listener answers a script: what its face does in every frame.
//!
//! In:  a [`Script`], the listener's [`Manner`] and a stream of chance.
//! Out: one [`FaceState`] per frame.
//! Source: our own. Delays of 8 to 17 frames (0.3 to 0.7 s) are those of seen, understood and answered expressions.

use std::ops::RangeInclusive;

use rand::Rng;

use super::script::{Cue, CueEvent, Script};

/// Strongest movement of a face; 0 is a face at rest.
pub const TOP_LEVEL: u8 = 3;
/// A listener does not answer every cue: the first of the corpus' three kinds of noise.
const MISSED_SHARE: f64 = 0.08;
/// Delays differ from answer to answer by up to this much either way: the second kind.
const DELAY_JITTER: i32 = 2;
/// Frames at the strongest level; the third kind.
const HOLD_FRAMES: RangeInclusive<i32> = 12..=18;
/// The level of a manner without noise holds for the middle of [`HOLD_FRAMES`].
const TYPICAL_HOLD: i32 = 15;
/// Frames that each level lasts on the way up.
const RISE_FRAMES: i32 = 2;
/// Frames that each level lasts on the way down: faces relax slower than they move.
const FALL_FRAMES: i32 = 3;

/// One of the valid ways to answer; it belongs to the listener, and nothing of the speaker tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manner {
    /// Early and strong.
    Open,
    /// Early and weaker.
    Reserved,
    /// Late and strong.
    Late,
}

impl Manner {
    /// Draws a manner: four in ten are open, so that the likeliest answer is also a typical one.
    pub fn draw(chance: &mut impl Rng) -> Self {
        match chance.random_range(0..10) {
            0..4 => Self::Open,
            4..7 => Self::Reserved,
            _ => Self::Late,
        }
    }

    /// Frames from a cue to the first movement, without jitter.
    const fn delay(self) -> i32 {
        match self {
            Self::Open | Self::Reserved => 10,
            Self::Late => 15,
        }
    }

    const fn peak(self) -> u8 {
        match self {
            Self::Open | Self::Late => TOP_LEVEL,
            Self::Reserved => TOP_LEVEL - 1,
        }
    }
}

/// What a face answers with in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FaceState {
    /// The cue that is answered; without meaning at level 0.
    pub cue: Cue,
    /// 0 (at rest) to `TOP_LEVEL`.
    pub level: u8,
}

impl FaceState {
    /// A face that does nothing.
    pub const REST: Self = Self { cue: Cue::Joke, level: 0 };
}

/// One answer: when it starts, how strong it gets, how long that lasts.
#[derive(Clone, Copy)]
struct Answer {
    cue: Cue,
    start: i32,
    peak: u8,
    hold: i32,
}

impl Answer {
    fn level(&self, frame: i32) -> u8 {
        let since = frame - self.start;
        if since < 0 {
            return 0;
        }
        let rising = since / RISE_FRAMES + 1;
        let top_until = (i32::from(self.peak) - 1) * RISE_FRAMES + self.hold;
        let fallen = if since < top_until { 0 } else { (since - top_until) / FALL_FRAMES + 1 };
        rising.min(i32::from(self.peak)).saturating_sub(fallen).max(0) as u8
    }
}

/// A listener's answer to every cue of `script`, with all its noise.
pub fn reaction(script: &Script, manner: Manner, frame_count: usize, chance: &mut impl Rng) -> Vec<FaceState> {
    let answers: Vec<Answer> = script
        .cues
        .iter()
        .filter_map(|event| {
            // Drawn for missed cues as well, so that a miss does not shift what follows.
            let is_missed = chance.random_bool(MISSED_SHARE);
            let start = event.onset + manner.delay() + chance.random_range(-DELAY_JITTER..=DELAY_JITTER);
            let hold = chance.random_range(HOLD_FRAMES);
            (!is_missed).then_some(Answer { cue: event.cue, start, peak: manner.peak(), hold })
        })
        .collect();
    states(&answers, frame_count)
}

/// The answer of a manner without noise.
pub fn typical_reaction(script: &Script, manner: Manner, frame_count: usize) -> Vec<FaceState> {
    let answer = |event: &CueEvent| Answer {
        cue: event.cue,
        start: event.onset + manner.delay(),
        peak: manner.peak(),
        hold: TYPICAL_HOLD,
    };
    states(&script.cues.iter().map(answer).collect::<Vec<_>>(), frame_count)
}

/// The latest answer that has begun rules the face.
fn states(answers: &[Answer], frame_count: usize) -> Vec<FaceState> {
    let state = |frame: i32| {
        let ruling = answers.iter().rev().find(|answer| answer.start <= frame);
        ruling.map_or(FaceState::REST, |answer| FaceState { cue: answer.cue, level: answer.level(frame) })
    };
    (0..frame_count as i32).map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic::script::Tone;

    fn one_joke() -> Script {
        Script { tone: Tone::Warm, cues: vec![CueEvent { onset: 2, cue: Cue::Joke }] }
    }

    #[test]
    fn a_typical_answer_starts_after_its_delay_and_rises_holds_and_falls() {
        let levels: Vec<u8> = typical_reaction(&one_joke(), Manner::Open, 48).iter().map(|state| state.level).collect();
        // Cue at 2, delay 10: 2 frames each of levels 1 and 2, 15 of level 3, then 3 frames each of 2 and 1.
        let mut expected = vec![0; 12];
        for (level, frames) in [(1, 2), (2, 2), (3, 15), (2, 3), (1, 3), (0, 11)] {
            expected.extend(std::iter::repeat_n(level, frames));
        }
        assert_eq!(levels, expected);
    }

    #[test]
    fn manners_differ_in_delay_and_strength() {
        let late = typical_reaction(&one_joke(), Manner::Late, 48);
        assert_eq!((late[16].level, late[17].level), (0, 1));
        let reserved = typical_reaction(&one_joke(), Manner::Reserved, 48);
        assert_eq!(reserved.iter().map(|state| state.level).max(), Some(2));
    }
}
