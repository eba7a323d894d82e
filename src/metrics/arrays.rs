//! The arrays that are scored, checked once on entry, and the loop over all reactions.
//!
//! In:  row-major numbers with their shape.
//! Out: [`Predictions`] and [`Clips`] whose values are finite and whose shapes fit each other.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::MetricsError;
use crate::dataset::Appropriateness;
use crate::files::npy;
use crate::tokens::{ATTRIBUTE_COUNT, Codebooks, TokenArray};

/// How far the scoring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The score being computed.
    pub score: &'static str,
    /// Reactions done.
    pub done: usize,
    /// Reactions in all.
    pub total: usize,
}

/// Who is told about the progress, from any thread.
pub type Watcher<'a> = &'a (dyn Fn(Progress) + Sync);

/// The attributes of one person per clip: `[clips, frames, 25]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clips {
    clip_count: usize,
    frame_count: usize,
    values: Vec<f64>,
}

impl Clips {
    /// Takes row-major `values` of shape `[clips, frames, 25]`; `what` names them in errors (`listeners`, `speakers`).
    pub fn new(what: &'static str, shape: &[usize], values: Vec<f64>) -> Result<Self, MetricsError> {
        let &[clip_count, frame_count, ATTRIBUTE_COUNT] = shape else {
            return Err(wrong_shape(what, shape, "[clips, frames, 25]"));
        };
        check_values(what, shape, &values)?;
        Ok(Self { clip_count, frame_count, values })
    }

    /// Reads a `.npy` file of any number type.
    pub fn read(what: &'static str, path: &Path) -> Result<Self, MetricsError> {
        let (shape, values) = npy::read_f64(path)?;
        Self::new(what, &shape, values)
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many clips there are.
    pub fn clip_count(&self) -> usize {
        self.clip_count
    }

    /// Frames of every clip.
    pub fn frame_count(&self) -> usize {
        self.frame_count
    }

    /// One clip, `[frames, 25]`.
    pub fn clip(&self, clip: usize) -> &[f64] {
        &self.values[clip * self.frame_count * ATTRIBUTE_COUNT..][..self.frame_count * ATTRIBUTE_COUNT]
    }
}

/// The predicted reactions: `[clips, reactions, frames, 25]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    clip_count: usize,
    reaction_count: usize,
    frame_count: usize,
    values: Vec<f64>,
}

impl Predictions {
    /// Takes row-major `values` of shape `[clips, reactions, frames, 25]`.
    pub fn new(shape: &[usize], values: Vec<f64>) -> Result<Self, MetricsError> {
        let &[clip_count, reaction_count, frame_count, ATTRIBUTE_COUNT] = shape else {
            return Err(wrong_shape("predictions", shape, "[clips, reactions, frames, 25]"));
        };
        check_values("predictions", shape, &values)?;
        Ok(Self { clip_count, reaction_count, frame_count, values })
    }

    /// Decodes tokens.
    pub fn from_tokens(tokens: &TokenArray, codebooks: &Codebooks) -> Result<Self, MetricsError> {
        let mut values = Vec::with_capacity(tokens.values.len() / 3 * ATTRIBUTE_COUNT);
        for clip in 0..tokens.clip_count {
            values.extend(codebooks.attributes_from_clip(tokens, clip)?.as_flattened());
        }
        Self::new(&[tokens.clip_count, tokens.reaction_count, tokens.frame_count, ATTRIBUTE_COUNT], values)
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many clips there are.
    pub fn clip_count(&self) -> usize {
        self.clip_count
    }

    /// Reactions of every clip.
    pub fn reaction_count(&self) -> usize {
        self.reaction_count
    }

    /// Frames of every reaction.
    pub fn frame_count(&self) -> usize {
        self.frame_count
    }

    /// All reactions of one clip, `[reactions, frames, 25]`.
    pub fn clip(&self, clip: usize) -> &[f64] {
        let count = self.reaction_count * self.frame_count * ATTRIBUTE_COUNT;
        &self.values[clip * count..][..count]
    }

    /// One reaction, `[frames, 25]`.
    pub fn reaction(&self, clip: usize, reaction: usize) -> &[f64] {
        let count = self.frame_count * ATTRIBUTE_COUNT;
        &self.clip(clip)[reaction * count..][..count]
    }

    /// Says whether `others` hold one person for each clip and frame of the predictions.
    pub(super) fn check_beside(&self, what: &'static str, others: &Clips) -> Result<(), MetricsError> {
        if (others.clip_count, others.frame_count) == (self.clip_count, self.frame_count) {
            return Ok(());
        }
        let expected = format!("[{}, {}, 25] like the predictions", self.clip_count, self.frame_count);
        Err(wrong_shape(what, &[others.clip_count, others.frame_count, ATTRIBUTE_COUNT], &expected))
    }

    /// Says whether the matrix is about these clips and leaves none of them without a reaction.
    pub(super) fn check_neighbours(&self, neighbours: &Appropriateness) -> Result<(), MetricsError> {
        let checks = neighbours.require_clip_count(self.clip_count).and_then(|()| neighbours.require_appropriate());
        checks.map_err(MetricsError::Neighbours)
    }

    /// Calls `of_reaction(room, clip, reaction)` for all reactions, on all cores; results are in row-major order.
    ///
    /// A reaction that equals the one before it is not computed again: the naive baselines repeat one reaction
    /// ten times. `room` makes the working memory of one thread.
    pub(super) fn each_reaction<R: Send, T: Clone + Send>(
        &self,
        score: &'static str,
        watcher: Watcher<'_>,
        room: impl Fn() -> R + Sync + Send,
        of_reaction: impl Fn(&mut R, usize, usize) -> T + Sync + Send,
    ) -> Vec<T> {
        let total = self.clip_count * self.reaction_count;
        let done = AtomicUsize::new(0);
        let place = |index: usize| (index / self.reaction_count, index % self.reaction_count);
        let computed: Vec<Option<T>> = (0..total)
            .into_par_iter()
            .map_init(room, |room, index| {
                let (clip, reaction) = place(index);
                let result = (!self.repeats(clip, reaction)).then(|| of_reaction(room, clip, reaction));
                watcher(Progress { score, done: done.fetch_add(1, Ordering::Relaxed) + 1, total });
                result
            })
            .collect();
        let mut results: Vec<T> = Vec::with_capacity(total);
        for result in computed {
            let repeated = || results.last().cloned().expect("the first reaction of a clip repeats none");
            let result = result.unwrap_or_else(repeated);
            results.push(result);
        }
        results
    }

    fn repeats(&self, clip: usize, reaction: usize) -> bool {
        reaction > 0 && self.reaction(clip, reaction) == self.reaction(clip, reaction - 1)
    }
}

fn wrong_shape(what: &'static str, found: &[usize], expected: &str) -> MetricsError {
    MetricsError::Shape { what, found: found.to_vec(), expected: expected.to_owned() }
}

fn check_values(what: &'static str, shape: &[usize], values: &[f64]) -> Result<(), MetricsError> {
    if shape.contains(&0) {
        return Err(wrong_shape(what, shape, "at least one of each"));
    }
    if values.len() != shape.iter().product::<usize>() {
        return Err(wrong_shape(what, shape, &format!("as many as there are values, {}", values.len())));
    }
    // Distances are taken between values rounded to f32 (published), so they must be finite there too.
    let Some(bad) = values.iter().position(|&value| !(value as f32).is_finite()) else { return Ok(()) };
    Err(MetricsError::NotFinite { what, value: values[bad], place: place_in_words(shape, bad) })
}

/// `clip 3, reaction 0, frame 17, attribute 5`
fn place_in_words(shape: &[usize], index: usize) -> String {
    let names: &[&str] =
        if shape.len() == 4 { &["clip", "reaction", "frame", "attribute"] } else { &["clip", "frame", "attribute"] };
    let mut rest = index;
    let mut words = Vec::new();
    for (name, size) in names.iter().zip(shape).rev() {
        words.push(format!("{name} {}", rest % size));
        rest /= size;
    }
    words.reverse();
    words.join(", ")
}

/// Columns of row-major frames, rounded to `f32`: `[frames, 25]` → `[25, frames]`.
pub(super) fn columns_in_f32(frames: &[f64]) -> Vec<f32> {
    let frame_count = frames.len() / ATTRIBUTE_COUNT;
    let mut columns = vec![0.0; frames.len()];
    for (frame, attributes) in frames.chunks_exact(ATTRIBUTE_COUNT).enumerate() {
        for (attribute, &value) in attributes.iter().enumerate() {
            columns[attribute * frame_count + frame] = value as f32;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_value_that_is_no_number_is_named_with_its_place() {
        let mut values = vec![0.0; 2 * 3 * 4 * ATTRIBUTE_COUNT];
        // Clip 1, reaction 2, frame 3, attribute 5.
        values[((3 + 2) * 4 + 3) * ATTRIBUTE_COUNT + 5] = f64::NAN;
        let error = Predictions::new(&[2, 3, 4, ATTRIBUTE_COUNT], values).unwrap_err().to_string();
        assert_eq!(
            error,
            "the predictions hold `NaN` at clip 1, reaction 2, frame 3, attribute 5, and no score is defined there"
        );
        assert!(Clips::new("listeners", &[1, 1, ATTRIBUTE_COUNT], vec![1e39; ATTRIBUTE_COUNT]).is_err());
    }

    #[test]
    fn shapes_are_refused_with_both_shapes_in_the_message() {
        let error = Predictions::new(&[2, 3, 4], vec![0.0; 24]).unwrap_err().to_string();
        assert_eq!(error, "the predictions have shape [2, 3, 4], expected [clips, reactions, frames, 25]");
        assert!(Predictions::new(&[0, 3, 4, ATTRIBUTE_COUNT], Vec::new()).is_err());
        assert!(Clips::new("speakers", &[1, 2, ATTRIBUTE_COUNT], vec![0.0; ATTRIBUTE_COUNT]).is_err());
        let predictions = Predictions::new(&[1, 1, 2, ATTRIBUTE_COUNT], vec![0.0; 2 * ATTRIBUTE_COUNT]).unwrap();
        let others = Clips::new("speakers", &[1, 1, ATTRIBUTE_COUNT], vec![0.0; ATTRIBUTE_COUNT]).unwrap();
        let error = predictions.check_beside("speakers", &others).unwrap_err().to_string();
        assert_eq!(error, "the speakers have shape [1, 1, 25], expected [1, 2, 25] like the predictions");
    }

    #[test]
    fn a_row_without_neighbours_is_named_and_other_counts_are_refused() {
        let predictions = Predictions::new(&[2, 1, 1, ATTRIBUTE_COUNT], vec![0.0; 2 * ATTRIBUTE_COUNT]).unwrap();
        let check = |rows: &[&[u32]]| {
            let rows = rows.iter().map(|row| row.to_vec()).collect();
            predictions.check_neighbours(&Appropriateness::from_rows(rows).unwrap())
        };
        let cause = |rows: &[&[u32]]| check(rows).unwrap_err().source().unwrap().to_string();
        assert!(cause(&[&[0], &[]]).starts_with("row 1 has no appropriate reaction"));
        assert!(cause(&[&[0]]).starts_with("it has shape [1, 1], expected [2, 2]"));
        assert!(check(&[&[0], &[0, 1]]).is_ok());
    }

    #[test]
    fn repeated_reactions_take_the_result_of_the_first() {
        let mut values = vec![0.0; 2 * 3 * ATTRIBUTE_COUNT];
        values[2 * ATTRIBUTE_COUNT] = 1.0; // the last reaction of clip 0 differs
        let predictions = Predictions::new(&[2, 3, 1, ATTRIBUTE_COUNT], values).unwrap();
        let calls = AtomicUsize::new(0);
        let results = predictions.each_reaction(
            "test",
            &|_| (),
            || (),
            |(), clip, reaction| {
                calls.fetch_add(1, Ordering::Relaxed);
                (clip, reaction)
            },
        );
        assert_eq!(results, [(0, 0), (0, 0), (0, 2), (1, 0), (1, 0), (1, 0)]);
        assert_eq!(calls.into_inner(), 3);
    }
}
