//! What a speaker does: a tone that lasts for the clip, and cues in time.
//!
//! In:  a stream of chance and the number of frames.
//! Out: [`Script`], which several people act: their listeners' reactions are each other's valid alternatives.
//! Source: our own. Every length is in frames of 40 ms.

use std::ops::RangeInclusive;

use rand::Rng;

/// Frames before the clip in which cues may fall: longer than any reaction, so a clip starts in mid conversation.
const LEAD_FRAMES: i32 = 72;
/// From cue to cue, 1.4 to 2.4 s. The mean of 48 is the typical delay (10), rise (6), hold (15) and fall (9) of a
/// reaction and a short rest, so a listener's face moves for about 60 % of the time: near the half at which a column
/// varies most, and concordance says most.
const GAP_FRAMES: RangeInclusive<i32> = 36..=60;

/// The mood in which two people talk. It shifts both faces at rest, and colours voice, posture and face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Friendly and at ease.
    Warm,
    /// Friendly and excited.
    Lively,
    /// Downcast and quiet.
    Sober,
    /// Unfriendly and excited.
    Tense,
}

impl Tone {
    /// All tones: one for each quarter of the valence-arousal plane, so that four suffice to tell faces at rest apart.
    pub const ALL: [Self; 4] = [Self::Warm, Self::Lively, Self::Sober, Self::Tense];
}

/// Something a speaker does that calls for a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cue {
    /// Answered by a smile.
    Joke,
    /// Answered by surprise.
    News,
    /// Answered by concern.
    Trouble,
    /// Answered by doubt.
    Claim,
}

impl Cue {
    /// All cues; their answers use all 15 action units between them.
    pub const ALL: [Self; 4] = [Self::Joke, Self::News, Self::Trouble, Self::Claim];
}

/// One cue in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CueEvent {
    /// First frame of the cue; negative before the clip.
    pub onset: i32,
    /// What is done.
    pub cue: Cue,
}

/// One speaker's part of a conversation, as several people act it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    /// The mood of the conversation.
    pub tone: Tone,
    /// Cues by time; no two neighbours are of one kind.
    pub cues: Vec<CueEvent>,
}

impl Script {
    /// Draws the cues of a clip of `frame_count` frames.
    pub fn draw(tone: Tone, frame_count: usize, chance: &mut impl Rng) -> Self {
        let mut onset = chance.random_range(-LEAD_FRAMES..-LEAD_FRAMES + GAP_FRAMES.end());
        let mut cue = Cue::ALL[chance.random_range(0..Cue::ALL.len())];
        let mut cues = Vec::new();
        while onset < frame_count as i32 {
            cues.push(CueEvent { onset, cue });
            onset += chance.random_range(GAP_FRAMES);
            let others = chance.random_range(1..Cue::ALL.len());
            cue = Cue::ALL[(cue as usize + others) % Cue::ALL.len()];
        }
        Self { tone, cues }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};

    #[test]
    fn cues_keep_their_distance_and_change_their_kind() {
        let script = Script::draw(Tone::Warm, 3000, &mut stream(1, Owner::Synthesis, [0, 0, 0]));
        assert!(script.cues.len() >= 3000 / 60);
        for pair in script.cues.windows(2) {
            assert!(GAP_FRAMES.contains(&(pair[1].onset - pair[0].onset)));
            assert_ne!(pair[0].cue, pair[1].cue);
        }
    }
}
