//! The descriptors of a sound before smoothing, column by column, and what becomes of them at its end.
//!
//! In:  values of each frame, as the [extractor](super::extractor) computes them.
//! Out: [`Contours`] for the functionals, and the rows of [`Llds`].
//! Source: `compare2016.md`, sections 9 and 10.

use super::cepstrum::COEFFICIENT_COUNT;
use super::contours::{Columns, Contours, FrameCounts};
use super::deltas::{deltas, deltas_of_nonzero};
use super::mel::BAND_COUNT;
use super::smoothing::{EarlyEnd, averaged, averaged_nonzero};
use super::spectral::SPECTRAL_COUNT;

/// Columns of level NZ: F0, voicing, jitter, DDP, shimmer, logHNR.
pub const PITCH_COLUMNS: usize = 6;
/// Columns of level A: loudness, RASTA loudness, RMS energy, zero crossings.
pub const ENERGY_COLUMNS: usize = 4;
/// Columns of level B: RASTA bands, spectral descriptors, MFCC.
pub const SPECTRAL_COLUMNS: usize = BAND_COUNT + SPECTRAL_COUNT + COEFFICIENT_COUNT;
/// Descriptors of a row.
pub const DESCRIPTOR_COUNT: usize = PITCH_COLUMNS + ENERGY_COLUMNS + SPECTRAL_COLUMNS;

/// Columns 0 and 1 of level NZ come from the pitch, the others from the periods.
const PITCH_ONLY_COLUMNS: usize = 2;

/// Values of every frame before smoothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Level NZ, `[6][n60]`.
    pub pitch: Columns,
    /// Level A, `[4][frames]`: n20 frames of the first three columns, n60 of the zero crossings.
    pub energy: Columns,
    /// Level B, `[55][n20]`.
    pub spectral: Columns,
    /// Frames whose pitch was decided before the end of the sound (M).
    pub decided_frames: usize,
}

impl Default for Levels {
    fn default() -> Self {
        let empty = |count: usize| vec![Vec::new(); count];
        Self {
            pitch: empty(PITCH_COLUMNS),
            energy: empty(ENERGY_COLUMNS),
            spectral: empty(SPECTRAL_COLUMNS),
            decided_frames: 0,
        }
    }
}

/// Appends one value to each of the columns.
pub fn append(columns: &mut [Vec<f32>], values: impl IntoIterator<Item = f32>) {
    for (column, value) in columns.iter_mut().zip(values) {
        column.push(value);
    }
}

impl Levels {
    /// Smoothed contours and their deltas; nothing in them if there is no frame of 60 ms.
    pub fn into_contours(self) -> Contours {
        let (long, short) = (self.pitch[0].len(), self.spectral[0].len());
        if long == 0 {
            return Contours::default();
        }
        let counts = FrameCounts::new(long, short, self.decided_frames);
        let early_end = EarlyEnd { decided_frames: self.decided_frames };
        let smoothed_pitch = |(column, values): (usize, Vec<f32>)| {
            averaged_nonzero(&values, (column >= PITCH_ONLY_COLUMNS).then_some(early_end))
        };
        let smoothed = |columns: Columns, frame_count: usize| -> Columns {
            columns.into_iter().map(|values| averaged(&values, frame_count)).collect()
        };
        let pitch: Columns = self.pitch.into_iter().enumerate().map(smoothed_pitch).collect();
        let energy = smoothed(self.energy, long + 1);
        let spectral = smoothed(self.spectral, short + 1);
        Contours {
            pitch_deltas: deltas_of_nonzero(&pitch, counts.nonzero, counts.pitch),
            energy_deltas: energy.iter().map(|values| deltas(values, counts.energy, long)).collect(),
            spectral_deltas: spectral.iter().map(|values| deltas(values, counts.spectral, short)).collect(),
            pitch,
            energy,
            spectral,
            counts,
        }
    }
}

/// Low-level descriptors: a row of 65 values every 10 ms.
#[derive(Debug, Clone, PartialEq)]
pub struct Llds {
    /// `[rows, 65]`, row-major; [`super::names::descriptor_names`] names the columns.
    pub values: Vec<f32>,
}

impl Llds {
    /// Rows of smoothed contours, one more than frames of 60 ms.
    ///
    /// Published behaviour: a sound without such a frame has one row of NaN. Held by the golden case of 50 ms.
    pub fn from_contours(contours: &Contours) -> Self {
        let columns: Vec<&Vec<f32>> =
            [&contours.pitch, &contours.energy, &contours.spectral].into_iter().flatten().collect();
        if columns.is_empty() {
            return Self { values: vec![f32::NAN; DESCRIPTOR_COUNT] };
        }
        let row_count = contours.pitch[0].len();
        let rows = (0..row_count).flat_map(|row| columns.iter().map(move |column| column[row]));
        Self { values: rows.collect() }
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.values.len() / DESCRIPTOR_COUNT
    }

    /// One row of 65 values.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(DESCRIPTOR_COUNT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_one_more_than_long_frames() {
        let mut levels = Levels::default();
        for frame in 0..9 {
            let value = frame as f32;
            if frame < 5 {
                append(&mut levels.pitch, [value; PITCH_COLUMNS]);
                levels.energy[3].push(value);
            }
            append(&mut levels.energy[..3], [value; 3]);
            append(&mut levels.spectral, [value; SPECTRAL_COLUMNS]);
        }
        let contours = levels.into_contours();
        assert_eq!((contours.pitch[0].len(), contours.energy[0].len(), contours.spectral[0].len()), (6, 6, 10));
        let llds = Llds::from_contours(&contours);
        assert_eq!(llds.row_count(), 6);
        // Row 5: of five long frames the last is 4; short ones go on: (5 + 4 + 6) / 3.
        let last = llds.rows().last().unwrap();
        assert_eq!((last[0], last[6], last[9], last[64]), (4.0, 5.0, 4.0, 5.0));
    }

    #[test]
    fn no_frame_is_one_row_of_nan() {
        let llds = Llds::from_contours(&Levels::default().into_contours());
        assert_eq!(llds.row_count(), 1);
        assert!(llds.values.iter().all(|value| value.is_nan()));
    }
}
