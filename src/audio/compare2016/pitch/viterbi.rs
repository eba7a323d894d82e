//! The pitch contour as the cheapest path through the candidates of all frames.
//!
//! In:  six candidates per frame.
//! Out: one pitch and voicing per frame, as soon as all paths agree on it.
//! Source: `compare2016.md`, section 5.4. Seven states: the candidates, and unvoiced.

use std::collections::VecDeque;

use super::subharmonics::{CANDIDATE_COUNT, Candidate, Candidates};

/// The candidates, and behind them the unvoiced state.
const STATES: usize = CANDIDATE_COUNT + 1;
/// Candidates above are voiced; the reference keeps it in f32.
const VOICING_THRESHOLD: f32 = 0.7;
/// Cost of calling a frame unvoiced that has a voiced candidate.
const MISSED_VOICE: f64 = 8.0;
/// Cost of a jump of pitch, per unit of its logarithm.
const JUMP: f64 = 10.0;
/// Cost of beginning or ending to be voiced.
const CHANGE: f64 = 10.0;
/// Cost of staying unvoiced.
const REST: f64 = 1.0;
/// Cost of going to or from a candidate that is not there.
const IMPOSSIBLE: f64 = 999.0;
/// Frames that may wait for a decision.
const LONGEST_WAIT: usize = 30;

/// Pitch of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pitch {
    /// F0 in Hz; 0 is unvoiced.
    pub frequency: f32,
    /// Voicing of the chosen candidate; of the best one where the frame is unvoiced.
    pub voicing: f32,
}

/// Cheapest paths to each state of the latest frame.
#[derive(Debug, Clone)]
pub struct PitchPaths {
    costs: [f64; STATES],
    /// States of the frames that are not decided yet, on the cheapest path to each state.
    paths: [VecDeque<u8>; STATES],
    /// Candidates of the frames that are not decided yet.
    waiting: VecDeque<Candidates>,
    previous: Option<Candidates>,
    /// Logarithm of the last ratio of pitches that was looked at (rho).
    ///
    /// Published behaviour: there is one for all pairs of states, so the order in which pairs are looked at is part of
    /// the definition. Held by the stage `viterbi` in `tests/parity_compare.rs`.
    last_ratio: f64,
}

impl Default for PitchPaths {
    fn default() -> Self {
        Self {
            costs: [0.0; STATES],
            paths: std::array::from_fn(|_| VecDeque::new()),
            waiting: VecDeque::new(),
            previous: None,
            last_ratio: 1.0,
        }
    }
}

impl PitchPaths {
    /// Goes on by one frame, and appends the frames that are decided by it.
    pub fn take(&mut self, candidates: Candidates, decided: &mut Vec<Pitch>) {
        match self.previous {
            Some(previous) => self.extend(&previous, &candidates),
            None => self.begin(&candidates),
        }
        self.previous = Some(candidates);
        self.waiting.push_back(candidates);
        if self.waiting.len() + 1 > LONGEST_WAIT {
            decided.extend(self.release(self.cheapest()));
            return;
        }
        while !self.waiting.is_empty() && self.agree() {
            decided.extend(self.release(0));
        }
    }

    /// Decides what is left, at the end of the sound.
    pub fn finish(&mut self, decided: &mut Vec<Pitch>) {
        let cheapest = self.cheapest();
        while let Some(pitch) = self.release(cheapest) {
            decided.push(pitch);
        }
    }

    fn begin(&mut self, candidates: &Candidates) {
        for state in 0..STATES {
            self.costs[state] = local_cost(candidates, state);
            self.paths[state].push_back(state as u8);
        }
    }

    fn extend(&mut self, previous: &Candidates, current: &Candidates) {
        let steps: [(f64, usize); STATES] =
            std::array::from_fn(|state| self.cheapest_step(previous, current.get(state)));
        self.costs = std::array::from_fn(|state| steps[state].0 + local_cost(current, state));
        self.paths = std::array::from_fn(|state| {
            let mut path = self.paths[steps[state].1].clone();
            path.push_back(state as u8);
            path
        });
    }

    /// The cheapest way to a state of this frame, and the state of the frame before that it comes from.
    fn cheapest_step(&mut self, previous: &Candidates, to: Option<&Candidate>) -> (f64, usize) {
        let mut cheapest = (f64::INFINITY, 0);
        for origin in 0..STATES {
            let cost = self.transition(previous.get(origin), to) + self.costs[origin];
            if cost < cheapest.0 {
                cheapest = (cost, origin);
            }
        }
        cheapest
    }

    /// Cost of going from one state to another; no candidate is the unvoiced state.
    ///
    /// Published behaviour: both jumps weigh 10, though the published settings ask for 5 for the second, and staying
    /// unvoiced costs 1. Held by the stage `viterbi` in `tests/parity_compare.rs`.
    fn transition(&mut self, from: Option<&Candidate>, to: Option<&Candidate>) -> f64 {
        match (from, to) {
            (None, None) => REST,
            (Some(from), Some(to)) if from.frequency == 0.0 || to.frequency == 0.0 => IMPOSSIBLE,
            (Some(from), Some(to)) => {
                let ratio = f64::from(to.frequency / from.frequency).ln();
                let cost = JUMP * ratio.abs() + JUMP * (ratio - self.last_ratio).abs();
                self.last_ratio = ratio;
                cost
            }
            _ => {
                self.last_ratio = 0.0;
                CHANGE
            }
        }
    }

    /// All paths go through the same state in the oldest undecided frame.
    fn agree(&self) -> bool {
        self.paths.iter().all(|path| path.front() == self.paths[0].front())
    }

    fn cheapest(&self) -> usize {
        (1..STATES).fold(0, |best, state| if self.costs[state] < self.costs[best] { state } else { best })
    }

    /// Decides the oldest frame as the path to `state` has it.
    fn release(&mut self, state: usize) -> Option<Pitch> {
        let candidates = self.waiting.pop_front()?;
        let fronts: [_; STATES] = std::array::from_fn(|path| self.paths[path].pop_front());
        let chosen = usize::from(fronts[state]?);
        Some(match candidates.get(chosen) {
            Some(candidate) => Pitch { frequency: candidate.frequency, voicing: candidate.voicing },
            None => Pitch { frequency: 0.0, voicing: candidates[0].voicing },
        })
    }
}

/// What it costs to be in a state, whatever came before.
fn local_cost(candidates: &Candidates, state: usize) -> f64 {
    let threshold = f64::from(VOICING_THRESHOLD);
    let Some(candidate) = candidates.get(state) else {
        let has_voice = candidates.iter().any(|candidate| f64::from(candidate.voicing) >= threshold);
        return if has_voice { MISSED_VOICE } else { 0.0 };
    };
    let voicing = f64::from(candidate.voicing).clamp(0.01, 1.0);
    let doubt = if voicing < threshold { 4.0 } else { 0.0 };
    2.0 * (-voicing.ln() + doubt) + frequency_cost(f64::from(candidate.frequency))
}

/// Pitches of 100 to 350 Hz cost nothing.
fn frequency_cost(hz: f64) -> f64 {
    match hz {
        _ if hz <= 0.0 => 2.0,
        _ if hz < 100.0 => 1.0 - hz / 100.0,
        _ if hz < 350.0 => 0.0,
        _ if hz < 600.0 => (hz - 350.0) / 250.0,
        _ => 1.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(frequency: f32, voicing: f32) -> Candidates {
        let mut candidates = Candidates::default();
        candidates[0] = Candidate { frequency, voicing, score: 1.0 };
        candidates
    }

    fn contour(frames: &[Candidates]) -> Vec<f32> {
        let (mut paths, mut decided) = (PitchPaths::default(), Vec::new());
        for candidates in frames {
            paths.take(*candidates, &mut decided);
        }
        paths.finish(&mut decided);
        decided.iter().map(|pitch| pitch.frequency).collect()
    }

    #[test]
    fn costs_are_those_of_the_formulas() {
        // Voicing 0.8 at 200 Hz: -2 ln 0.8 = 0.4463; 0.5 at 50 Hz: 2 (0.6931 + 4) + 0.5 = 9.8863; nothing: 2 (4.6052 + 4) + 2.
        assert!((local_cost(&frame(200.0, 0.8), 0) - 0.4463).abs() < 1e-4);
        assert!((local_cost(&frame(50.0, 0.5), 0) - 9.8863).abs() < 1e-4);
        assert!((local_cost(&frame(50.0, 0.5), 1) - 19.2103).abs() < 1e-4);
        assert_eq!((local_cost(&frame(200.0, 0.8), 6), local_cost(&frame(200.0, 0.5), 6)), (8.0, 0.0));
        assert_eq!((frequency_cost(475.0), frequency_cost(620.0)), (0.5, 1.2));
    }

    #[test]
    fn a_steady_voice_is_kept_and_silence_is_unvoiced() {
        let voice = [frame(150.0, 0.9); 8];
        assert_eq!(contour(&voice), [150.0; 8]);
        assert_eq!(contour(&[Candidates::default(); 5]), [0.0; 5]);
    }

    #[test]
    fn every_frame_is_decided_once_and_none_waits_longer_than_allowed() {
        let (mut paths, mut decided) = (PitchPaths::default(), Vec::new());
        for seen in 1..=200 {
            paths.take(frame(100.0 + (seen * 37 % 90) as f32, (seen % 10) as f32 / 10.0), &mut decided);
            assert!(decided.len() <= seen && seen - decided.len() < LONGEST_WAIT, "{seen}: {}", decided.len());
        }
        paths.finish(&mut decided);
        assert_eq!(decided.len(), 200);
    }
}
