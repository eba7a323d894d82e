//! How the numbers of each stream are distributed over real clips: what a synthetic corpus has to look like.
//!
//! In:  `marginals.csv`, which stands inside the program.
//! Out: [`Marginals`].
//! Source: the two clips of `tests/parity_media.rs`, one person each: 30 s of a portrait moved by a camera with spoken
//! English, 6 s of a man in a car. So the spread between people is that of two people, and no more.
//!
//! Faces count where there is one; pose rows all. Clip streams are measured over pieces of 6 s, which is what the shorter
//! clip has: two clips alone would give no spread. `measure.rs` writes the file.

use super::DIMS;
use crate::features::FeatureDims;

/// Streams in the order of [`crate::features::SpeakerFeatures`].
pub const STREAM_NAMES: [&str; 7] =
    ["expression", "action_units", "valence_arousal", "pose", "filterbank", "functionals", "descriptors"];

/// Rows of the table that hold a clip's share of faceless frames instead of a number's distribution.
pub(super) const FACELESS: &str = "faceless";

/// First line of the table.
pub(super) const HEADER: &str = "stream,number,mean,spread,low,high,lag";

/// How one number of a stream is distributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marginal {
    /// Mean over all rows.
    pub mean: f64,
    /// Standard deviation over all rows.
    pub spread: f64,
    /// Least value.
    pub low: f64,
    /// Greatest value.
    pub high: f64,
    /// Correlation with the next row; 0 for numbers of a whole clip.
    pub lag: f64,
}

/// The marginals of every number of every stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Marginals {
    /// By stream, in the order of [`STREAM_NAMES`]; each as wide as [`DIMS`] says.
    pub streams: [Vec<Marginal>; 7],
    /// Share of frames without a face, clip by clip.
    pub faceless_shares: Vec<f64>,
}

/// The measured marginals.
pub fn marginals() -> Marginals {
    parsed(include_str!("marginals.csv")).expect("the table inside the program is whole, as a test checks")
}

/// Widths of the streams in the order of [`STREAM_NAMES`].
pub(super) fn widths() -> [usize; 7] {
    let FeatureDims { expression, action_units, valence_arousal, pose, filterbank, functionals, descriptors } = DIMS;
    [expression, action_units, valence_arousal, pose, filterbank, functionals, descriptors]
}

/// Reads a table; none if a row is missing, out of order or not a number.
fn parsed(text: &str) -> Option<Marginals> {
    let mut lines = text.lines();
    (lines.next()? == HEADER).then_some(())?;
    let mut streams: [Vec<Marginal>; 7] = Default::default();
    let mut faceless_shares = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let &[stream, number, ref values @ ..] = fields.as_slice() else { return None };
        let values: Vec<f64> = values.iter().map(|value| value.parse().ok()).collect::<Option<_>>()?;
        let &[mean, spread, low, high, lag] = values.as_slice() else { return None };
        let place = STREAM_NAMES.iter().position(|name| *name == stream);
        let count = place.map_or(faceless_shares.len(), |place| streams[place].len());
        (number.parse() == Ok(count)).then_some(())?;
        match place {
            Some(place) => streams[place].push(Marginal { mean, spread, low, high, lag }),
            None if stream == FACELESS => faceless_shares.push(mean),
            None => return None,
        }
    }
    let is_whole = streams.iter().zip(widths()).all(|(stream, width)| stream.len() == width);
    (is_whole && !faceless_shares.is_empty()).then_some(Marginals { streams, faceless_shares })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_the_streams_of_this_build() {
        let marginals = marginals();
        for (stream, name) in marginals.streams.iter().zip(STREAM_NAMES) {
            for (number, marginal) in stream.iter().enumerate() {
                let Marginal { mean, spread, low, high, lag } = *marginal;
                assert!(low <= mean && mean <= high && spread >= 0.0, "{name} {number}: {marginal:?}");
                assert!((-1.0..=1.0).contains(&lag), "{name} {number}: {marginal:?}");
            }
        }
        assert_eq!(marginals.faceless_shares.len(), 2);
    }

    #[test]
    fn a_table_with_a_missing_row_is_refused() {
        let text = include_str!("marginals.csv");
        let without_one: Vec<&str> = text.lines().filter(|line| !line.starts_with("pose,3,")).collect();
        assert!(parsed(text).is_some() && parsed(&without_one.join("\n")).is_none());
    }
}
