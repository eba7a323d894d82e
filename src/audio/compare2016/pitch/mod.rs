//! Pitch: from the spectrum of a 60 ms frame to F0 and voicing.
//!
//! In:  magnitudes of each frame, and its energy under the window.
//! Out: F0 in Hz (0 is unvoiced) and voicing (0 to 1) per frame, a few frames late.
//! Source: `compare2016.md`, section 5. The way of a frame: [`octave`] → [`subharmonics`] → [`viterbi`] → the gate here.

pub mod octave;
pub mod spline;
pub mod subharmonics;
pub mod viterbi;

use std::collections::VecDeque;

use self::octave::{OctaveScale, OctaveSpectrum};
use self::subharmonics::Subharmonics;
use self::viterbi::{Pitch, PitchPaths};
use super::framing::Framing;

/// Frames with less energy have no pitch.
const QUIETEST: f32 = 0.001;

/// Follows the pitch of a sound from frame to frame.
#[derive(Debug, Clone)]
pub struct PitchTracker {
    octaves: OctaveSpectrum,
    subharmonics: Subharmonics,
    paths: PitchPaths,
    /// Energies of the frames that are not decided yet.
    energies: VecDeque<f32>,
    decided: Vec<Pitch>,
}

impl PitchTracker {
    /// For the 60 ms stream.
    pub fn new(framing: &Framing) -> Self {
        Self {
            octaves: OctaveSpectrum::new(framing),
            subharmonics: Subharmonics::new(&OctaveScale::new(framing)),
            paths: PitchPaths::default(),
            energies: VecDeque::new(),
            decided: Vec::new(),
        }
    }

    /// Takes a frame's magnitudes and its RMS energy under the window; returns the frames decided by it, in order.
    pub fn take(&mut self, magnitudes: &[f32], energy: f32) -> impl Iterator<Item = Pitch> + '_ {
        self.energies.push_back(energy);
        let candidates = self.subharmonics.candidates(self.octaves.of(magnitudes));
        self.paths.take(candidates, &mut self.decided);
        self.gated()
    }

    /// Decides what is left, at the end of the sound.
    pub fn finish(&mut self) -> impl Iterator<Item = Pitch> + '_ {
        self.paths.finish(&mut self.decided);
        self.gated()
    }

    fn gated(&mut self) -> impl Iterator<Item = Pitch> + '_ {
        let energies = self.energies.drain(..self.decided.len());
        self.decided.drain(..).zip(energies).map(|(pitch, energy)| gated(pitch, energy))
    }
}

/// The pitch, or none where the frame is too quiet.
pub fn gated(pitch: Pitch, energy: f32) -> Pitch {
    if energy > QUIETEST { pitch } else { Pitch::default() }
}
