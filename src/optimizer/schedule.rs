//! The learning rate's multiplier: linear warm-up, a constant phase, half a cosine.
//!
//! In:  the schedule of the config, in iterations, and the iterations per update.
//! Out: a pure function of the update's number, so a resumed run continues where an unbroken one would be.
//!
//! Published behaviour: with [`Keep::Published`] the keep steps are not divided by the iterations per update and the
//! rate jumps where they end (defect 16); `parity_schedule` holds it.
//! Departure: the published object remembers the rate it repeats, and forgets it when a run is resumed, so that the
//! rate is 0 from then on (defect 17). Here nothing is remembered.

use std::f64::consts::PI;

use crate::config::{Keep, SchedulerParams};

/// Why a schedule can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Nothing is left between the warm-up and the end of the cosine.
    #[error(
        "`warm_up_steps` is {warm_up_steps} and `max_decay_steps` {max_decay_steps} in updates of {accumulation} \
         iterations, expected fewer warm-up steps"
    )]
    NoDecay {
        /// Updates of warm-up.
        warm_up_steps: u64,
        /// Updates until the end of the cosine.
        max_decay_steps: u64,
        /// Iterations per update.
        accumulation: u64,
    },
    /// The published keep phase repeats the rate before it; without a warm-up that is 0.
    #[error(
        "`warm_up_steps` is less than one update of {accumulation} iterations, so that the published keep phase has no \
         rate to keep; set `keep: continuous` or a longer warm-up"
    )]
    NothingToKeep {
        /// Iterations per update.
        accumulation: u64,
    },
}

/// The schedule in updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmupKeepCosine {
    warm_up: u64,
    keep: u64,
    end: u64,
    start: f64,
    peak: f64,
    floor: f64,
    kind: Keep,
}

impl WarmupKeepCosine {
    /// Counts the steps of `schedule`, which are iterations, in updates of `accumulation` iterations.
    pub fn new(schedule: &SchedulerParams, accumulation: u64) -> Result<Self, ScheduleError> {
        let updates = |iterations: u64| iterations / accumulation.max(1);
        let this = Self {
            warm_up: updates(schedule.warm_up_steps),
            keep: match schedule.keep {
                Keep::Published => schedule.keep_steps,
                Keep::Continuous => updates(schedule.keep_steps),
            },
            end: updates(schedule.max_decay_steps),
            start: schedule.lr_start,
            peak: schedule.lr_max,
            floor: schedule.lr_min,
            kind: schedule.keep,
        };
        if this.warm_up >= this.end {
            let (warm_up_steps, max_decay_steps) = (this.warm_up, this.end);
            return Err(ScheduleError::NoDecay { warm_up_steps, max_decay_steps, accumulation });
        }
        if this.kind == Keep::Published && this.warm_up == 0 && this.keep > 0 {
            return Err(ScheduleError::NothingToKeep { accumulation });
        }
        Ok(this)
    }

    /// The multiplier of update `step`, the first being 0.
    pub fn multiplier(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.rising(step);
        }
        if step < self.keep {
            return match self.kind {
                Keep::Published => self.rising(self.warm_up - 1),
                Keep::Continuous => self.peak,
            };
        }
        let from = match self.kind {
            Keep::Published => self.warm_up,
            Keep::Continuous => self.warm_up.max(self.keep),
        };
        self.falling(step - from, self.end.saturating_sub(from))
    }

    fn rising(&self, step: u64) -> f64 {
        (self.peak - self.start) / self.warm_up as f64 * step as f64 + self.start
    }

    /// Half a cosine from the peak to the floor in `length` steps, then the floor.
    fn falling(&self, step: u64, length: u64) -> f64 {
        let part = if length == 0 { 1.0 } else { (step as f64 / length as f64).min(1.0) };
        self.floor + 0.5 * (self.peak - self.floor) * (1.0 + (part * PI).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(keep: Keep) -> SchedulerParams {
        SchedulerParams {
            warm_up_steps: 4,
            keep_steps: 8,
            max_decay_steps: 16,
            lr_start: 0.2,
            lr_max: 1.0,
            lr_min: 0.1,
            keep,
        }
    }

    fn multipliers(keep: Keep, accumulation: u64) -> Vec<f64> {
        let schedule = WarmupKeepCosine::new(&schedule(keep), accumulation).unwrap();
        (0..17).map(|step| schedule.multiplier(step)).collect()
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-12
    }

    #[test]
    fn the_published_rate_stays_below_its_peak_and_jumps_at_the_end_of_the_keep_phase() {
        let found = multipliers(Keep::Published, 1);
        // (1 - 0.2)/4 = 0.2 a step: 0.2, 0.4, 0.6, 0.8, then 0.8 is kept.
        assert!(close(found[3], 0.8) && close(found[4], 0.8) && close(found[7], 0.8));
        // At step 8 the cosine has gone (8-4)/(16-4) = a third of its way: 0.1 + 0.45·(1 + cos 60°) = 0.775.
        assert!(close(found[8], 0.775));
        assert!(close(found[16], 0.1));
    }

    #[test]
    fn the_continuous_rate_keeps_its_peak_and_falls_from_it() {
        let found = multipliers(Keep::Continuous, 1);
        assert!(close(found[4], 1.0) && close(found[7], 1.0) && close(found[8], 1.0));
        // Half way between 8 and 16: the middle of 1.0 and 0.1.
        assert!(close(found[12], 0.55));
        assert!(close(found[16], 0.1));
        assert!(found[8..].windows(2).all(|pair| pair[0] > pair[1]), "it never rises again: {found:?}");
    }

    #[test]
    fn only_the_published_keep_steps_are_left_undivided() {
        // In updates of 2: warm-up 2, end 8; keep 8 as published, 4 corrected.
        let published = multipliers(Keep::Published, 2);
        assert!(close(published[7], 0.6) && close(published[8], 0.1));
        let continuous = multipliers(Keep::Continuous, 2);
        assert!(close(continuous[4], 1.0) && close(continuous[6], 0.55) && close(continuous[8], 0.1));
    }

    #[test]
    fn schedules_without_a_decay_or_without_a_rate_to_keep_are_refused() {
        let error = WarmupKeepCosine::new(&schedule(Keep::Published), 20).unwrap_err();
        assert_eq!(error, ScheduleError::NoDecay { warm_up_steps: 0, max_decay_steps: 0, accumulation: 20 });
        let error = WarmupKeepCosine::new(&schedule(Keep::Published), 5).unwrap_err();
        assert_eq!(error, ScheduleError::NothingToKeep { accumulation: 5 });
        assert!(WarmupKeepCosine::new(&schedule(Keep::Continuous), 5).is_ok());
    }
}
