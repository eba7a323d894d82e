//! The smoothed contours and their deltas, as the functionals see them.
//!
//! In:  what [`super::smoothing`] and [`super::deltas`] deliver, one column per descriptor.
//! Out: [`Contours`], and how many of their frames each functional group reads ([`FrameCounts`]).
//! Source: `compare2016.md`, sections 9.1 to 9.3. The functionals are computed at the moment the input ends, before the
//! lagging stages have delivered their last frames; the six groups therefore read different numbers of frames.

/// Columns of one level: `[descriptor][frame]`, all of one length.
pub type Columns = Vec<Vec<f32>>;

/// The three levels after smoothing, and their deltas, column by column.
///
/// Every column holds at least as many frames as [`FrameCounts`] says that a group reads of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contours {
    /// Level NZ, `[6][n60 + 1]`: F0, voicing, jitter (local, DDP), shimmer, logHNR.
    pub pitch: Columns,
    /// Deltas of level NZ, `[6][frames]`.
    pub pitch_deltas: Columns,
    /// Level A, `[4][n60 + 1]`: auditory spectrum, RASTA spectrum, RMS energy, zero-crossing rate.
    pub energy: Columns,
    /// Deltas of level A, `[4][frames]`.
    pub energy_deltas: Columns,
    /// Level B, `[55][n20 + 1]`: 26 RASTA bands, 15 spectral descriptors, 14 MFCC.
    pub spectral: Columns,
    /// Deltas of level B, `[55][frames]`.
    pub spectral_deltas: Columns,
    /// How many frames of these columns each functional group reads.
    pub counts: FrameCounts,
}

/// Frames that each functional group reads, from the first on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounts {
    /// Group A: level A and its deltas.
    pub energy: usize,
    /// Group B: level B and its deltas.
    pub spectral: usize,
    /// Group Nz: level NZ and its deltas.
    pub nonzero: usize,
    /// Group F0: smoothed F0 only.
    pub pitch: usize,
    /// Group LLD: levels A and B.
    pub descriptors: usize,
    /// Group Delta: deltas of levels A and B.
    pub deltas: usize,
}

impl FrameCounts {
    /// Counts for `long_frames` frames of 60 ms (n60), `short_frames` of 20 ms (n20) and `decided_frames` (M), the
    /// frames whose pitch was decided before the end of the input. No count is below 1 as long as there is a frame.
    pub fn new(long_frames: usize, short_frames: usize, decided_frames: usize) -> Self {
        if long_frames == 0 {
            return Self::default();
        }
        let without_lag = |frames: usize| frames.saturating_sub(2).max(1);
        let pitch = if decided_frames == 0 { long_frames } else { decided_frames };
        Self {
            energy: without_lag(long_frames),
            spectral: without_lag(short_frames),
            nonzero: without_lag(pitch),
            pitch,
            descriptors: long_frames,
            deltas: without_lag(long_frames),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FrameCounts;

    #[test]
    fn groups_read_different_numbers_of_frames() {
        // n60 = 100, n20 = 104, M = 97: section 9.3, line by line.
        let counts = FrameCounts::new(100, 104, 97);
        let expected = FrameCounts { energy: 98, spectral: 102, nonzero: 95, pitch: 97, descriptors: 100, deltas: 98 };
        assert_eq!(counts, expected);
    }

    #[test]
    fn without_a_decided_frame_pitch_counts_come_from_the_long_frames() {
        // n60 = 3, M = 0 (the 80 ms golden case): Nz reads n60 - 2, F0 reads n60.
        let counts = FrameCounts::new(3, 7, 0);
        assert_eq!((counts.nonzero, counts.pitch), (1, 3));
        assert_eq!(FrameCounts::new(1, 5, 0).energy, 1);
    }
}
