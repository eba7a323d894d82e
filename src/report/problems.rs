//! Problems with single clips: the work goes on without the clip, the summary names every one.
//!
//! In:  a clip's name and the error, from any thread.
//! Out: a text that is the same whatever the order of the threads.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

/// The problems of one piece of work.
#[derive(Debug, Default)]
pub struct Problems {
    found: Mutex<Vec<(String, String)>>,
}

impl Problems {
    /// Notes what went wrong with `clip`, with the error's causes.
    pub fn add(&self, clip: impl Into<String>, error: &(dyn Error + 'static)) {
        self.add_text(clip, with_causes(error));
    }

    /// Notes what is wrong with `clip` in words.
    pub fn add_text(&self, clip: impl Into<String>, text: impl Into<String>) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push((clip.into(), text.into()));
    }

    /// How many were noted.
    pub fn count(&self) -> usize {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Each clip with what is wrong with it, sorted by clip.
    pub fn sorted(&self) -> Vec<(String, String)> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        found.sort();
        found
    }

    /// The text for the end of the work on `total` things, e.g. `clips`; none if all went well.
    pub fn summary(&self, total: usize, unit: &str) -> Option<String> {
        let found = self.sorted();
        if found.is_empty() {
            return None;
        }
        let mut clips: Vec<&String> = found.iter().map(|(clip, _)| clip).collect();
        clips.dedup();
        let lines = found.iter().map(|(clip, text)| format!("\n  `{clip}`: {text}"));
        Some(format!("{} of {total} {unit} could not be used:{}", clips.len(), lines.collect::<Vec<_>>().concat()))
    }
}

/// An error and its causes in one line. A cause that the line says already is not said again.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not open `a.mp4`")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_summary_names_every_clip_in_order() {
        let problems = Problems::default();
        problems.add_text("b", "no sound");
        problems.add("a", &Outer(std::io::Error::other("no such file")));
        problems.add_text("b", "no picture");
        let summary = problems.summary(40, "clips").unwrap();
        assert_eq!(
            summary,
            "2 of 40 clips could not be used:\n  `a`: could not open `a.mp4`: no such file\n  `b`: no picture\n  `b`: no sound"
        );
    }

    #[test]
    fn work_without_problems_has_no_summary() {
        assert_eq!(Problems::default().summary(40, "clips"), None);
    }
}
