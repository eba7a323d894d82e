//! One partition of the corpus as numbers in memory: who talks to whom, from which script, and what faces do.
//!
//! In:  a seed, the partition, how many clips and how many frames.
//! Out: script, reaction, attributes and signals of any row, each a pure function of seed, partition and row.
//! Source: rows and partners as in the published index files: line `i` and line `i + n/2` are one dyad.
//!
//! A *scenario* is a pair of scripts in one tone. [`TAKES`] dyads act it, each with other people, so rows of one
//! scenario and one role have speakers that behave alike, and the listener of each is appropriate for all.

use super::face;
use super::reaction::{self, FaceState, Manner};
use super::script::{Script, Tone};
use super::signals::{self, Signals};
use crate::dataset::Partition;
use crate::random::{Owner, stream};
use crate::tokens::Attributes;
use rand_chacha::ChaCha8Rng;

/// Dyads that act one scenario, and so appropriate reactions per speaker. Among four, a speaker has an open listener
/// with probability 1 - 0.6⁴ = 0.87; more takes would leave fewer scripts among as many clips.
pub const TAKES: usize = 4;

/// What a stream of chance is for; the numbers are part of the corpus: never renumber them.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Script = 0,
    Reaction = 1,
    Attributes = 2,
    Features = 3,
    Faces = 4,
}

/// A partition's rows before they become a file.
#[derive(Clone, Copy, Debug)]
pub struct Conversations {
    /// Seed of the corpus.
    pub seed: u64,
    /// Which partition; each has its own streams, hence its own scripts and people.
    pub partition: Partition,
    /// Rows: a multiple of twice [`TAKES`].
    pub clip_count: usize,
    /// Frames of every clip.
    pub frame_count: usize,
}

impl Conversations {
    /// The row of the other person of the dyad.
    pub fn partner(&self, row: usize) -> usize {
        (row + self.clip_count / 2) % self.clip_count
    }

    /// Which scenario the row's dyad acts.
    pub fn scenario(&self, row: usize) -> usize {
        row % (self.clip_count / 2) / TAKES
    }

    /// Which of the two people of the dyad: 0 for the first half of the rows, 1 for the second.
    pub fn role(&self, row: usize) -> usize {
        row / (self.clip_count / 2)
    }

    /// The line of the index file; partners differ in exactly one component of the path.
    pub fn id(&self, row: usize) -> String {
        let take = row % (self.clip_count / 2) % TAKES;
        format!("SYNTHETIC/scenario-{:04}/P{}/{take}", self.scenario(row), self.role(row) + 1)
    }

    /// Rows whose speakers act the same script, the row itself among them, in order.
    pub fn appropriate(&self, row: usize) -> Vec<usize> {
        let first = self.role(row) * (self.clip_count / 2) + self.scenario(row) * TAKES;
        (first..first + TAKES).collect()
    }

    /// What the row's speaker does. Tones take turns, so that every partition holds all of them alike.
    pub fn script(&self, row: usize) -> Script {
        let scenario = self.scenario(row);
        let tone = Tone::ALL[scenario % Tone::ALL.len()];
        let place = scenario * 2 + self.role(row);
        Script::draw(tone, self.frame_count, &mut self.chance(Purpose::Script, place))
    }

    /// How the row's person answers the partner's script; `listener(row)` is `reaction(partner(row))`.
    pub fn reaction(&self, row: usize) -> Vec<FaceState> {
        let mut chance = self.chance(Purpose::Reaction, row);
        let manner = Manner::draw(&mut chance);
        reaction::reaction(&self.script(self.partner(row)), manner, self.frame_count, &mut chance)
    }

    /// What the row's person shows: answers to the partner, own cues where the face is at rest, lips that speak.
    pub fn attributes(&self, row: usize) -> Vec<Attributes> {
        let mut chance = self.chance(Purpose::Attributes, row);
        face::visible(&self.script(row), &self.reaction(row), &mut chance)
    }

    /// What drives every feature of the row's person, as speaker.
    pub fn signals(&self, row: usize) -> Signals {
        signals::signals(&self.script(row), &self.reaction(row))
    }

    pub(super) fn chance(&self, purpose: Purpose, place: usize) -> ChaCha8Rng {
        let partition = Partition::ALL.iter().position(|known| *known == self.partition);
        let partition = partition.expect("`Partition::ALL` holds every partition") as u64;
        stream(self.seed, Owner::Synthesis, [partition, purpose as u64, place as u64])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Conversations = Conversations { seed: 3, partition: Partition::Val, clip_count: 32, frame_count: 100 };

    #[test]
    fn partners_stand_half_the_list_apart_and_share_a_scenario() {
        assert_eq!((ROWS.partner(3), ROWS.partner(19)), (19, 3));
        assert_eq!(ROWS.id(6), "SYNTHETIC/scenario-0001/P1/2");
        assert_eq!(ROWS.id(22), "SYNTHETIC/scenario-0001/P2/2");
        assert_eq!(ROWS.script(6).tone, ROWS.script(22).tone);
        assert_ne!(ROWS.script(6).cues, ROWS.script(22).cues);
    }

    #[test]
    fn appropriate_rows_are_those_with_the_same_script() {
        for row in 0..ROWS.clip_count {
            let same: Vec<usize> =
                (0..ROWS.clip_count).filter(|other| ROWS.script(*other) == ROWS.script(row)).collect();
            assert_eq!(ROWS.appropriate(row), same);
        }
    }

    #[test]
    fn appropriate_listeners_react_alike_but_not_equally() {
        let reactions: Vec<_> = ROWS.appropriate(0).into_iter().map(|row| ROWS.reaction(ROWS.partner(row))).collect();
        assert!(reactions.iter().skip(1).any(|other| *other != reactions[0]));
    }
}
