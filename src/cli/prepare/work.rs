//! Many clips on all cores, handed over in order, with what went wrong noted and the rest going on.
//!
//! In:  paths, [`CheckedOptions`].
//! Out: each [`Prepared`] clip to the caller, in the order of the paths; [`Done`].

use std::path::PathBuf;
use std::time::Duration;

use rayon::prelude::*;

use super::super::Verdict;
use super::options::CheckedOptions;
use crate::features::{Prepared, StageTimes, prepare_clip};
use crate::report::{Problems, Progress};

/// Clips per core that are prepared before the next are begun: their features wait in memory to be written in order.
const CLIPS_PER_CORE: usize = 4;

/// What became of all clips.
#[derive(Default)]
pub struct Done {
    /// Clips whose features were handed over.
    pub kept_count: usize,
    frame_count: usize,
    times: StageTimes,
}

/// Prepares `paths` and hands each clip with its position to `keep`.
///
/// A clip that cannot be prepared is noted in `problems`. An error of `keep` ends the work.
pub fn prepare_all(
    paths: &[PathBuf],
    options: &CheckedOptions,
    problems: &Problems,
    mut keep: impl FnMut(usize, &Prepared) -> anyhow::Result<()>,
) -> anyhow::Result<Done> {
    let progress = Progress::new("preparing", "clips", paths.len() as u64);
    let mut done = Done::default();
    let at_once = CLIPS_PER_CORE * rayon::current_num_threads();
    for start in (0..paths.len()).step_by(at_once) {
        let group = &paths[start..paths.len().min(start + at_once)];
        let prepared: Vec<_> = group
            .par_iter()
            .map(|path| {
                let prepared = prepare_clip(path, &options.prepare);
                progress.advance(1);
                prepared
            })
            .collect();
        for (position, result) in (start..).zip(prepared) {
            let name = paths[position].display().to_string();
            match result {
                Ok(clip) => {
                    warn_of_length(&name, &clip);
                    done.add(&clip);
                    keep(position, &clip)?;
                }
                Err(error) => problems.add(name, &error),
            }
        }
    }
    progress.finish();
    done.log_speed();
    Ok(done)
}

/// The verdict on work on `total` clips, with every problem named in the log.
pub fn verdict_of(problems: &Problems, total: usize) -> Verdict {
    match problems.summary(total, "clips") {
        None => Verdict::AllWell,
        Some(summary) => {
            log::warn!("{summary}");
            Verdict::SomeBad
        }
    }
}

fn warn_of_length(name: &str, clip: &Prepared) {
    let (kept, padded) = (clip.length.kept_count, clip.length.padded_count());
    if padded > 0 {
        log::warn!("`{name}` has {kept} frames; the last {padded} are filled up without a face and with silence");
    }
    if clip.cut_count > 0 {
        log::warn!("`{name}` has {} frames; the last {} are cut", kept + clip.cut_count, clip.cut_count);
    }
    if clip.faceless_count() == kept {
        log::warn!("`{name}` shows no face in any frame");
    }
}

impl Done {
    fn add(&mut self, clip: &Prepared) {
        self.kept_count += 1;
        self.frame_count += clip.length.kept_count;
        self.times.add(&clip.times);
    }

    /// One line for each stage; the rates are those of one core.
    fn log_speed(&self) {
        let rate = |time: Duration| self.frame_count as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE);
        for (stage, time) in self.times.named() {
            if self.frame_count > 0 {
                log::info!("{stage}: {:.0} frames/s", rate(time));
            }
        }
        if self.frame_count > 0 {
            let total = self.times.named().iter().map(|(_, time)| *time).sum();
            log::info!("all stages: {:.0} frames/s on one core", rate(total));
        }
    }
}
