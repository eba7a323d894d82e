//! What drives every feature of a speaker: a few plain signals per frame.
//!
//! In:  the speaker's [`Script`] and its own answers to the partner ([`FaceState`]).
//! Out: [`Signals`]: tone, cues, voice and the own face, per frame.
//! Source: our own. The listener depends on the script alone, so tone and cues are all that there is to find.

use super::reaction::{FaceState, TOP_LEVEL};
use super::script::{Cue, Script, Tone};

/// Signals per frame: 4 of the tone, 4 of the cues, 1 of the voice, 4 of the own face.
pub const SIGNAL_COUNT: usize = 13;
/// Which signals belong together, in the order of [`super::mixing`]'s shares: tone, cues, voice, own face.
pub const GROUPS: [std::ops::Range<usize>; 4] = [0..4, 4..8, 8..9, 9..13];

/// A cue is at full strength in its third frame …
const CUE_RISE_FRAMES: i32 = 3;
/// … stays there until a typical answer has begun to rise …
const CUE_HOLD_FRAMES: i32 = 14;
/// … and fades by a sixteenth per frame, as a look is held until it is answered: a typical answer begins at 1.0 of
/// the cue's strength, is half through at 0.4 and ends at 0.16. So the past cue is still to be seen in the same frame
/// as its answer, and the delay shows in how far it has faded.
const CUE_FADE: f64 = 15.0 / 16.0;
/// A phrase starts this long before its cue …
const PHRASE_BEFORE: i32 = 16;
/// … and ends this long after it; the speaker then waits.
const PHRASE_AFTER: i32 = 6;
/// Syllables: 25 fps / 5 frames = 5 a second, as in fluent speech.
const SYLLABLE_FRAMES: i32 = 5;
/// Loudness of the frames of a syllable.
const SYLLABLE: [f64; SYLLABLE_FRAMES as usize] = [0.6, 0.9, 1.0, 0.9, 0.6];

/// All signals of one clip.
pub type Signals = Vec<[f64; SIGNAL_COUNT]>;

/// The signals of a speaker that acts `script` and answers its partner with `own_reaction`, one row per frame.
pub fn signals(script: &Script, own_reaction: &[FaceState]) -> Signals {
    let row = |(frame, state): (usize, &FaceState)| {
        let mut row = [0.0_f64; SIGNAL_COUNT];
        row[Tone::ALL.iter().position(|tone| *tone == script.tone).unwrap_or(0)] = 1.0;
        for event in &script.cues {
            let since = frame as i32 - event.onset;
            let place = GROUPS[1].start + event.cue as usize;
            row[place] = f64::max(row[place], cue_strength(since));
            row[GROUPS[2].start] += loudness(since);
        }
        row[GROUPS[3].start + state.cue as usize] = f64::from(state.level) / f64::from(TOP_LEVEL);
        row
    };
    own_reaction.iter().enumerate().map(row).collect()
}

/// Whether the mouth of somebody who gives a cue is open: the stressed syllable that carries it.
pub fn is_stressed(script: &Script, frame: i32) -> bool {
    script.cues.iter().any(|event| (0..PHRASE_AFTER).contains(&(frame - event.onset)))
}

/// The cue that is plain to see in `frame`: while it is at its strongest and before it is answered.
pub fn visible_cue(script: &Script, frame: i32) -> Option<Cue> {
    let is_visible = |since: i32| (0..CUE_HOLD_FRAMES - PHRASE_AFTER).contains(&since);
    script.cues.iter().find(|event| is_visible(frame - event.onset)).map(|event| event.cue)
}

fn cue_strength(since: i32) -> f64 {
    match since {
        ..0 => 0.0,
        0..CUE_HOLD_FRAMES => (f64::from(since + 1) / f64::from(CUE_RISE_FRAMES)).min(1.0),
        _ => CUE_FADE.powi(since - CUE_HOLD_FRAMES + 1),
    }
}

fn loudness(since: i32) -> f64 {
    let is_spoken = (-PHRASE_BEFORE..PHRASE_AFTER).contains(&since);
    if is_spoken { SYLLABLE[since.rem_euclid(SYLLABLE_FRAMES) as usize] } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic::script::CueEvent;

    #[test]
    fn a_cue_rises_holds_and_fades() {
        let script = Script { tone: Tone::Sober, cues: vec![CueEvent { onset: 20, cue: Cue::Trouble }] };
        let signals = signals(&script, &[FaceState { cue: Cue::Claim, level: 3 }; 60]);
        let strength: Vec<f64> = signals.iter().map(|row| row[4 + 2]).collect();
        assert_eq!(strength[19..23], [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
        assert!((strength[33] - 1.0).abs() < 1e-12 && (strength[35] - 0.9375 * 0.9375).abs() < 1e-12);
        // Spoken from frame 4 to 25, silent before and after; the tone is the third of four, the own face full of doubt.
        assert!(signals[3][8] < 0.1 && signals[4][8] > 0.5 && signals[25][8] > 0.5 && signals[26][8] < 0.1);
        assert_eq!((signals[0][2], signals[0][12]), (1.0, 1.0));
    }
}
