//! Which contour gets which functionals: six groups, in the order of the results.
//!
//! In:  [`Contours`].
//! Out: the results of one contour after the other; in each, one family after the other.
//! Source: `compare2016.md`, section 11.1. Group Nz sees the values other than zero only; a contour that has none gives
//! zeros.

use super::super::contours::{Contours, FrameCounts};
use super::contour::{Contour, Scratch};
use super::means::Mean;
use super::regression::TimeUnit;
use super::{extremes, lpc, moments, peaks, percentiles, regression, segments, times};

/// Columns that go together through the functionals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// [`Contours::pitch`].
    Pitch,
    /// [`Contours::pitch_deltas`].
    PitchDeltas,
    /// The first column of [`Contours::pitch`].
    FundamentalAlone,
    /// [`Contours::energy`].
    Energy,
    /// [`Contours::energy_deltas`].
    EnergyDeltas,
    /// [`Contours::spectral`].
    Spectral,
    /// [`Contours::spectral_deltas`].
    SpectralDeltas,
}

impl Level {
    /// Its columns.
    pub fn columns(self, contours: &Contours) -> &[Vec<f32>] {
        match self {
            Level::Pitch => &contours.pitch,
            Level::PitchDeltas => &contours.pitch_deltas,
            Level::FundamentalAlone => contours.pitch.get(..1).unwrap_or_default(),
            Level::Energy => &contours.energy,
            Level::EnergyDeltas => &contours.energy_deltas,
            Level::Spectral => &contours.spectral,
            Level::SpectralDeltas => &contours.spectral_deltas,
        }
    }
}

/// The functionals of one file.
#[derive(Debug, Clone, Copy)]
pub enum Family {
    /// [`extremes`]
    Extremes,
    /// [`percentiles`]
    Percentiles,
    /// [`moments`]
    Moments,
    /// [`segments::relative_segments`]
    RelativeSegments,
    /// [`segments::nonzero_segments`]
    NonzeroSegments,
    /// [`times`]
    Times,
    /// [`lpc`]
    Lpc,
    /// [`Mean`]
    Means(&'static [Mean]),
    /// [`regression`]
    Regression(TimeUnit),
    /// [`peaks`]
    Peaks,
}

impl Family {
    /// The names of its results.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Family::Extremes => extremes::NAMES.to_vec(),
            Family::Percentiles => percentiles::NAMES.to_vec(),
            Family::Moments => moments::NAMES.to_vec(),
            Family::RelativeSegments | Family::NonzeroSegments => segments::NAMES.to_vec(),
            Family::Times => times::NAMES.to_vec(),
            Family::Lpc => lpc::NAMES.to_vec(),
            Family::Means(means) => means.iter().map(|mean| mean.name()).collect(),
            Family::Regression(_) => regression::NAMES.to_vec(),
            Family::Peaks => peaks::NAMES.to_vec(),
        }
    }

    /// Appends its results.
    fn append(self, contour: &Contour, scratch: &mut Scratch, results: &mut Vec<f32>) {
        match self {
            Family::Extremes => results.extend(extremes::extremes(contour)),
            Family::Percentiles => results.extend(percentiles::percentiles(contour, &mut scratch.sorted)),
            Family::Moments => results.extend(moments::moments(contour)),
            Family::RelativeSegments => results.extend(segments::relative_segments(contour)),
            Family::NonzeroSegments => results.extend(segments::nonzero_segments(contour)),
            Family::Times => results.extend(times::times(contour)),
            Family::Lpc => results.extend(lpc::lpc(contour)),
            Family::Means(means) => results.extend(means.iter().map(|mean| mean.of(contour))),
            Family::Regression(unit) => results.extend(regression::regression(contour, unit)),
            Family::Peaks => results.extend(peaks::peaks(contour, &mut scratch.extrema)),
        }
    }
}

/// Contours that get the same functionals over the same number of frames.
pub struct Group {
    /// Whose columns, one after the other.
    pub levels: &'static [Level],
    /// What each column gets.
    pub families: &'static [Family],
    /// How many of its frames are read.
    pub frames: fn(&FrameCounts) -> usize,
    /// Whether zeros are removed first.
    pub skips_zeros: bool,
}

impl Group {
    /// How many results each contour has.
    pub fn width(&self) -> usize {
        self.families.iter().map(|family| family.names().len()).sum()
    }

    /// Appends the results of one contour; zeros where it has no value.
    pub(super) fn append(&self, values: &[f32], scratch: &mut Scratch, results: &mut Vec<f32>) {
        let mut nonzero = std::mem::take(&mut scratch.nonzero);
        nonzero.clear();
        if self.skips_zeros {
            nonzero.extend(values.iter().filter(|value| **value != 0.0));
        }
        match Contour::new(if self.skips_zeros { &nonzero } else { values }) {
            Some(contour) => self.families.iter().for_each(|family| family.append(&contour, scratch, results)),
            None => results.resize(results.len() + self.width(), 0.0),
        }
        scratch.nonzero = nonzero;
    }
}

/// What most contours get.
const SHAPE: &[Family] =
    &[Family::Extremes, Family::Percentiles, Family::Moments, Family::RelativeSegments, Family::Times, Family::Lpc];

/// The groups A, B, Nz, F0, LLD and Delta of the reference.
pub const GROUPS: [Group; 6] = [
    Group {
        levels: &[Level::Energy, Level::EnergyDeltas],
        families: SHAPE,
        frames: |counts| counts.energy,
        skips_zeros: false,
    },
    Group {
        levels: &[Level::Spectral, Level::SpectralDeltas],
        families: SHAPE,
        frames: |counts| counts.spectral,
        skips_zeros: false,
    },
    Group {
        levels: &[Level::Pitch, Level::PitchDeltas],
        families: &[
            Family::Means(&[Mean::Arithmetic, Mean::Flatness, Mean::OfPositive, Mean::Quadratic]),
            Family::Extremes,
            Family::Regression(TimeUnit::Frame),
            Family::Percentiles,
            Family::Moments,
            Family::Times,
            Family::Lpc,
        ],
        frames: |counts| counts.nonzero,
        skips_zeros: true,
    },
    Group {
        levels: &[Level::FundamentalAlone],
        families: &[Family::Means(&[Mean::NonzeroShare]), Family::NonzeroSegments],
        frames: |counts| counts.pitch,
        skips_zeros: false,
    },
    Group {
        levels: &[Level::Energy, Level::Spectral],
        families: &[
            Family::Means(&[Mean::Arithmetic, Mean::Flatness, Mean::Quadratic]),
            Family::Peaks,
            Family::Regression(TimeUnit::Second),
        ],
        frames: |counts| counts.descriptors,
        skips_zeros: false,
    },
    Group {
        levels: &[Level::EnergyDeltas, Level::SpectralDeltas],
        families: &[Family::Means(&[Mean::Flatness, Mean::OfPositive, Mean::Quadratic]), Family::Peaks],
        frames: |counts| counts.deltas,
        skips_zeros: false,
    },
];
