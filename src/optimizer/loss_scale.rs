//! The factor on losses that keeps gradients in `f16` from vanishing.
//!
//! In:  whether the gradients of an update were finite.
//! Out: the factor for the next update.
//! Source: PyTorch's `GradScaler` with its default constants, as the published training uses it.

use serde::{Deserialize, Serialize};

/// The first factor.
const FIRST_SCALE: f64 = 65_536.0;
/// What the factor is multiplied with after so many good updates in a row.
const GROWTH: f64 = 2.0;
/// What it is multiplied with after an update whose gradients are not finite; that update is skipped.
const BACKOFF: f64 = 0.5;
/// Good updates in a row after which it grows.
const GROWTH_INTERVAL: u64 = 2000;
/// Losses are `f32`, so the factor has to be one too.
const LARGEST_SCALE: f64 = f32::MAX as f64;

/// The factor, and how long it has been good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScaler {
    /// What losses are multiplied with, and gradients divided by.
    pub scale: f64,
    /// Good updates in a row since it last changed.
    pub good_updates: u64,
}

impl Default for LossScaler {
    fn default() -> Self {
        Self { scale: FIRST_SCALE, good_updates: 0 }
    }
}

impl LossScaler {
    /// The scaler after an update whose gradients were finite, or not.
    #[must_use]
    pub fn after(self, is_finite: bool) -> Self {
        if !is_finite {
            return Self { scale: self.scale * BACKOFF, good_updates: 0 };
        }
        if self.good_updates + 1 < GROWTH_INTERVAL {
            return Self { good_updates: self.good_updates + 1, ..self };
        }
        let grown = self.scale * GROWTH;
        Self { scale: if grown > LARGEST_SCALE { self.scale } else { grown }, good_updates: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_doubles_after_2000_good_updates_in_a_row() {
        let mut scaler = LossScaler::default();
        for good_updates in 1..2000 {
            scaler = scaler.after(true);
            assert_eq!(scaler, LossScaler { scale: 65_536.0, good_updates });
        }
        assert_eq!(scaler.after(true), LossScaler { scale: 131_072.0, good_updates: 0 });
    }

    #[test]
    fn an_overflow_halves_the_scale_and_the_count_starts_again() {
        let scaler = LossScaler { scale: 65_536.0, good_updates: 1999 };
        let halved = scaler.after(false);
        assert_eq!(halved, LossScaler { scale: 32_768.0, good_updates: 0 });
        assert_eq!(halved.after(false).after(true), LossScaler { scale: 16_384.0, good_updates: 1 });
    }

    #[test]
    fn the_scale_stays_a_number_of_f32() {
        // 2^127 doubled is beyond the largest f32.
        let scaler = LossScaler { scale: 2.0_f64.powi(127), good_updates: 1999 };
        assert_eq!(scaler.after(true), LossScaler { scale: 2.0_f64.powi(127), good_updates: 0 });
    }
}
