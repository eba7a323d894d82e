//! What a face shows: the 25 attributes of a frame from the state it is in.
//!
//! In:  [`Tone`], [`FaceState`], whether the mouth is open to speak, and a little noise.
//! Out: [`Attributes`] in the published column order: 15 action units, valence, arousal, 8 expressions.
//! Source: our own; the action units of each answer are those of the expression it stands for in FACS (Ekman and
//! Friesen 1978). The columns are REACT's: AU 1 2 4 6 7 9 10 12 14 15 17 23 24 25 26, valence, arousal, and
//! neutral, happy, sad, surprise, fear, disgust, anger, contempt.

use rand::Rng;

use super::reaction::{FaceState, TOP_LEVEL};
use super::script::{Cue, Script, Tone};
use super::signals;
use crate::tokens::{ACTION_UNIT_COUNT, Attributes, EXPRESSION_COUNT};

/// Number of the action unit in each of the first 15 columns.
const ACTION_UNITS: [u8; ACTION_UNIT_COUNT] = [1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 23, 24, 25, 26];
/// The parted lips of somebody who speaks.
const SPEAKING_UNIT: u8 = 25;
/// Width of the published valence-arousal cells (80 per axis over -1 to 1).
const CELL: f64 = 0.025;
/// Valence and arousal move by up to this much inside their cell: noise that costs no vocabulary.
const VALENCE_NOISE: f64 = 0.008;
/// Standard deviation of the noise on the logits of the expressions: about a twentieth of what a level changes.
const EXPRESSION_NOISE: f64 = 0.05;

/// What a person shows who acts `script` and answers the partner with `reaction`: one row per frame.
///
/// A face that answers shows the answer; one at rest shows the own cue, weakly; the lips move with the own voice.
pub fn visible(script: &Script, reaction: &[FaceState], chance: &mut impl Rng) -> Vec<Attributes> {
    let row = |(frame, answer): (usize, &FaceState)| {
        let own_cue = signals::visible_cue(script, frame as i32).filter(|_| answer.level == 0);
        let state = own_cue.map_or(*answer, |cue| FaceState { cue, level: 1 });
        attributes(script.tone, state, signals::is_stressed(script, frame as i32), chance)
    };
    reaction.iter().enumerate().map(row).collect()
}

/// All 25 attributes of one frame.
pub fn attributes(tone: Tone, state: FaceState, is_speaking: bool, chance: &mut impl Rng) -> Attributes {
    let mut row = [0.0; 25];
    for (shown, unit) in row.iter_mut().zip(ACTION_UNITS) {
        let is_shown = units(state).contains(&unit) || (is_speaking && unit == SPEAKING_UNIT);
        *shown = f64::from(u8::from(is_shown));
    }
    for (shown, centre) in row[ACTION_UNIT_COUNT..].iter_mut().zip(valence_arousal(tone, state)) {
        *shown = centre + chance.random_range(-VALENCE_NOISE..VALENCE_NOISE);
    }
    row[ACTION_UNIT_COUNT + 2..].copy_from_slice(&expressions(tone, state, chance));
    row
}

/// Action units that a state adds to a face at rest; each level keeps those of the one below.
const fn units(state: FaceState) -> &'static [u8] {
    match (state.cue, state.level) {
        (_, 0) => &[],
        (Cue::Joke, 1) => &[12],
        (Cue::Joke, 2) => &[6, 12],
        (Cue::Joke, _) => &[6, 7, 12, 25],
        (Cue::News, 1) => &[1, 2],
        (Cue::News, 2) => &[1, 2, 26],
        (Cue::News, _) => &[1, 2, 25, 26],
        (Cue::Trouble, 1) => &[4],
        (Cue::Trouble, 2) => &[4, 15, 17],
        (Cue::Trouble, _) => &[4, 9, 10, 15, 17],
        (Cue::Claim, 1) => &[14],
        (Cue::Claim, 2) => &[14, 24],
        (Cue::Claim, _) => &[14, 17, 23, 24],
    }
}

/// Centres of the cells that hold the state's valence and arousal: 4 tones of 13 states make at most 52 tokens.
fn valence_arousal(tone: Tone, state: FaceState) -> [f64; 2] {
    let rest = match tone {
        Tone::Warm => [0.25, -0.15],
        Tone::Lively => [0.2, 0.3],
        Tone::Sober => [-0.2, -0.2],
        Tone::Tense => [-0.25, 0.25],
    };
    let full = match state.cue {
        Cue::Joke => [0.5, 0.2],
        Cue::News => [0.1, 0.5],
        Cue::Trouble => [-0.45, 0.15],
        Cue::Claim => [-0.3, -0.3],
    };
    let share = f64::from(state.level) / f64::from(TOP_LEVEL);
    std::array::from_fn(|axis| {
        let value: f64 = rest[axis] + share * full[axis];
        ((value / CELL).floor() + 0.5) * CELL
    })
}

/// Softmax over eight logits; a face at rest is mostly neutral, one at the top level mostly what it answers with.
fn expressions(tone: Tone, state: FaceState, chance: &mut impl Rng) -> [f64; EXPRESSION_COUNT] {
    let rest = match tone {
        Tone::Warm => [2.5, 1.2, -0.5, 0.0, -1.0, -1.0, -1.0, -0.5],
        Tone::Lively => [2.0, 0.8, -1.0, 1.0, -0.5, -1.0, -0.5, -0.5],
        Tone::Sober => [2.5, -1.0, 1.2, -0.5, 0.0, -0.5, -0.5, -0.5],
        Tone::Tense => [2.0, -1.0, 0.0, -0.5, 0.8, 0.0, 1.0, 0.5],
    };
    let full = match state.cue {
        Cue::Joke => [-1.0, 4.0, -1.0, 0.5, -0.5, -0.5, -0.5, -0.5],
        Cue::News => [-1.0, 0.0, -0.5, 4.0, 1.5, -0.5, -0.5, -0.5],
        Cue::Trouble => [-1.0, -1.0, 3.5, 0.0, 1.5, 1.5, 0.5, -0.5],
        Cue::Claim => [-1.0, -1.0, 0.5, -0.5, -0.5, 1.0, 1.5, 4.0],
    };
    let share = f64::from(state.level) / f64::from(TOP_LEVEL);
    let spread = EXPRESSION_NOISE * 3.0_f64.sqrt(); // a uniform number in ±√3 s has standard deviation s
    let weights: [f64; EXPRESSION_COUNT] = std::array::from_fn(|column| {
        let logit: f64 = rest[column] + share * full[column] + chance.random_range(-spread..spread);
        logit.exp()
    });
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};

    #[test]
    fn the_answers_use_all_action_units_and_their_levels_grow() {
        let mut used = [false; ACTION_UNIT_COUNT];
        for cue in Cue::ALL {
            for level in 1..=TOP_LEVEL {
                let below = units(FaceState { cue, level: level - 1 });
                let here = units(FaceState { cue, level });
                assert!(here.len() > below.len());
                for unit in here {
                    used[ACTION_UNITS.iter().position(|known| known == unit).unwrap()] = true;
                }
            }
        }
        assert_eq!(used, [true; ACTION_UNIT_COUNT]);
    }

    #[test]
    fn a_laughing_face_shows_a_smile_with_open_lips_and_is_happy() {
        let mut chance = stream(1, Owner::Synthesis, [0, 0, 0]);
        let row = attributes(Tone::Warm, FaceState { cue: Cue::Joke, level: 3 }, false, &mut chance);
        // Columns 3, 4, 7 and 13 are AU 6, 7, 12 and 25.
        let shown: Vec<usize> = (0..15).filter(|column| row[*column] > 0.5).collect();
        assert_eq!(shown, [3, 4, 7, 13]);
        // 0.25 + 0.5 = 0.75 lies in the cell from 0.75 to 0.775.
        assert!((row[15] - 0.7625).abs() < VALENCE_NOISE);
        assert!(row[18] > 0.8 && (row[17..].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
