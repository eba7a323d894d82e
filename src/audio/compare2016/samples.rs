//! Samples as the descriptors read them: whole 16-bit steps over 32767, and only as many as are still needed.
//!
//! In:  samples with full scale 1.0, in blocks of any length.
//! Out: slices by absolute position.
//! Source: `compare2016.md`, section 2.

use std::ops::Range;

/// Full scale of the integers.
const INTEGER_SCALE: f32 = 32_768.0;
/// What integers are divided by: the lowest one lies a little below -1.
const DIVISOR: f32 = 32_767.0;

/// One sample in 16-bit steps, cut toward zero, over 32767.
///
/// Published behaviour: beyond full scale the integer wraps around (exactly 1.0 becomes the lowest sample). Held by
/// `samples_beyond_full_scale_wrap_around`.
pub fn scaled(sample: f32) -> f32 {
    f32::from((sample * INTEGER_SCALE) as i64 as i16) / DIVISOR
}

/// The latest samples of a sound that is still growing.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    values: Vec<f32>,
    /// Position of the first kept value.
    first: usize,
}

impl Samples {
    /// Appends samples with full scale 1.0.
    pub fn append(&mut self, samples: &[f32]) {
        self.values.extend(samples.iter().map(|sample| scaled(*sample)));
    }

    /// How many samples the sound has so far.
    pub fn end(&self) -> usize {
        self.first + self.values.len()
    }

    /// The samples of `range` that exist and are still kept.
    pub fn slice(&self, range: Range<usize>) -> &[f32] {
        let end = range.end.saturating_sub(self.first).min(self.values.len());
        let start = range.start.saturating_sub(self.first).min(end);
        &self.values[start..end]
    }

    /// Lets go of everything before `position`.
    pub fn forget_before(&mut self, position: usize) {
        let count = position.saturating_sub(self.first).min(self.values.len());
        self.values.drain(..count);
        self.first += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_whole_and_fractions_are_cut() {
        assert_eq!(scaled(16_384.0 / 32_768.0).to_bits(), (16_384.0f32 / 32_767.0).to_bits());
        assert_eq!(scaled(1.9 / 32_768.0).to_bits(), (1.0f32 / 32_767.0).to_bits());
        assert_eq!(scaled(-1.9 / 32_768.0).to_bits(), (-1.0f32 / 32_767.0).to_bits());
    }

    #[test]
    fn samples_beyond_full_scale_wrap_around() {
        let lowest = -32_768.0f32 / 32_767.0;
        assert_eq!(scaled(-1.0).to_bits(), lowest.to_bits());
        assert_eq!(scaled(1.0).to_bits(), lowest.to_bits());
        // 1.5 is the integer 49152, which is -16384 in 16 bits.
        assert_eq!(scaled(1.5).to_bits(), (-16_384.0f32 / 32_767.0).to_bits());
    }

    #[test]
    fn slices_are_found_by_absolute_position() {
        let mut samples = Samples::default();
        samples.append(&[0.0, 0.25, 0.5, 0.75]);
        samples.forget_before(2);
        assert_eq!(samples.end(), 4);
        assert_eq!(samples.slice(2..4), [scaled(0.5), scaled(0.75)]);
        assert_eq!(samples.slice(3..9), [scaled(0.75)]);
        assert!(samples.slice(7..9).is_empty());
    }
}
