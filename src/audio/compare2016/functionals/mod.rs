//! 6373 functionals: each descriptor's contour over the whole clip in a few dozen numbers.
//!
//! In:  [`Contours`], the smoothed descriptors and their deltas.
//! Out: 6373 numbers in the reference's order; [`super::names::functional_names`] names them.
//! Source: `compare2016.md`, section 11. Every file below is one family of functionals; `groups.rs` says which
//! contour gets which.
//!
//! Measured: 8.5 ms for the 130 contours of 30 s, 14.3 ms with sorted values (one core of a 2.6 GHz Xeon).
#![cfg_attr(test, expect(clippy::float_cmp, reason = "the hand-worked results are exact"))]

mod contour;
mod extrema;
mod extremes;
mod groups;
mod limit;
mod lpc;
mod means;
mod moments;
mod peaks;
mod percentiles;
mod regression;
mod segments;
mod slopes;
mod times;

pub(super) use groups::{GROUPS, Level};

use super::contours::Contours;
use contour::Scratch;

/// How many functionals a clip has.
pub const FUNCTIONAL_COUNT: usize = 6373;

/// The nominal time between two frames in seconds, also where the hop in samples is not exactly 10 ms.
const FRAME_SECS: f32 = 0.01;

/// All functionals of a clip, [`FUNCTIONAL_COUNT`] numbers; NaN throughout for a clip without a frame (below 60 ms).
///
/// `contours` has as many columns in each level, and as many frames in each column, as [`Contours`] promises.
pub fn functionals(contours: &Contours) -> Vec<f32> {
    if contours.counts.descriptors == 0 {
        return vec![f32::NAN; FUNCTIONAL_COUNT];
    }
    let mut results = Vec::with_capacity(FUNCTIONAL_COUNT);
    let mut scratch = Scratch::default();
    for group in &GROUPS {
        let frames = (group.frames)(&contours.counts);
        for column in group.levels.iter().flat_map(|level| level.columns(contours)) {
            group.append(&column[..frames.min(column.len())], &mut scratch, &mut results);
        }
    }
    debug_assert_eq!(results.len(), FUNCTIONAL_COUNT, "a level has more or fewer columns than it should");
    results
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::contours::FrameCounts;
    use super::super::names::functional_names;
    use super::*;

    /// Every descriptor and every delta with the same values, all of which every group reads.
    fn contours_of(values: &[f32]) -> Contours {
        let level = |width: usize| vec![values.to_vec(); width];
        let frames = values.len();
        Contours {
            pitch: level(6),
            pitch_deltas: level(6),
            energy: level(4),
            energy_deltas: level(4),
            spectral: level(55),
            spectral_deltas: level(55),
            counts: FrameCounts {
                energy: frames,
                spectral: frames,
                nonzero: frames,
                pitch: frames,
                descriptors: frames,
                deltas: frames,
            },
        }
    }

    /// The results with the names of their functionals.
    fn named(values: &[f32]) -> Vec<(String, f32)> {
        let functional = |name: String| name.rsplit_once('_').unwrap().1.to_owned();
        functional_names().into_iter().map(functional).zip(functionals(&contours_of(values))).collect()
    }

    /// Between 0 and 1, so that they and their sums are exact.
    fn noise(frames: usize) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        (0..frames).map(|_| random.random_range(1..1024_u16)).map(|value| f32::from(value) / 1024.0).collect()
    }

    #[test]
    fn without_a_frame_nothing_is_a_number() {
        let results = functionals(&Contours::default());
        assert_eq!(results.len(), FUNCTIONAL_COUNT);
        assert!(results.iter().all(|result| result.is_nan()));
    }

    #[test]
    fn silence_gives_what_the_definitions_give_for_zeros() {
        for (place, (name, result)) in named(&[0.0; 50]).into_iter().enumerate() {
            let has_no_value = (3658..4126).contains(&place); // group Nz, where the zeros are removed
            let expected = match name.as_str() {
                "flatness" if !has_no_value => 1.0,
                "peakMeanRel" => 20.0,
                _ => 0.0,
            };
            assert_eq!(result, expected, "{name} at {place}");
        }
    }

    #[test]
    fn zeros_count_but_in_one_group() {
        let values: Vec<f32> = (0..50).map(|frame| if frame % 2 == 0 { 0.0 } else { 2.0 }).collect();
        for (place, (name, result)) in named(&values).into_iter().enumerate() {
            let is_without_zeros = (3658..4126).contains(&place);
            let expected = match (name.as_str(), is_without_zeros) {
                ("range", false) | ("amean" | "rqmean", true) => 2.0,
                ("range", true) => 0.0,
                ("amean", false) => 1.0,
                ("rqmean", false) => 2.0_f32.sqrt(),
                ("nnz", false) => 0.5,
                _ => continue,
            };
            assert_eq!(result, expected, "{name} at {place}");
        }
    }

    #[test]
    fn constant_contours_only_have_a_level() {
        let expected = [
            ("range", 0.0),
            ("quartile2", 3.0),
            ("iqr1-3", 0.0),
            ("stddev", 0.0),
            ("amean", 3.0),
            ("rqmean", 3.0),
            ("flatness", 1.0),
            ("upleveltime50", 0.0),
            ("linregc1", 0.0),
            ("centroid", 49.0 / 100.0), // (N - 1)/2N
            ("peakMeanAbs", 0.0),
            ("peakMeanMeanDist", -3.0),
        ];
        let results = named(&[3.0; 50]);
        for (name, expected) in expected {
            let mut of_name = results.iter().filter(|(functional, _)| functional == name);
            assert!(of_name.all(|(_, result)| (result - expected).abs() < 1e-6), "{name}");
        }
    }

    #[test]
    fn twice_the_gain_doubles_what_has_the_unit_of_the_descriptor() {
        let once = noise(60);
        let twice: Vec<f32> = once.iter().map(|value| value * 2.0).collect();
        for ((name, once), (_, twice)) in named(&once).into_iter().zip(named(&twice)) {
            let has_unit = ["range", "quartile", "iqr", "percentile", "pctl", "stddev", "amean", "posamean", "rqmean"]
                .iter()
                .any(|start| name.starts_with(start))
                || ["peakRangeAbs", "peakMeanAbs", "peakMeanMeanDist"].contains(&name.as_str())
                || name.ends_with("Slope");
            let factor = if name == "lpgain" { 4.0 } else { 1.0 + f32::from(u8::from(has_unit)) };
            assert!((twice - once * factor).abs() <= 1e-6 * once.abs(), "{name}: {once} becomes {twice}");
        }
    }

    #[test]
    fn an_offset_moves_levels_and_keeps_distances() {
        let before = noise(60);
        let after: Vec<f32> = before.iter().map(|value| value + 4.0).collect();
        let moved = ["quartile1", "quartile2", "quartile3", "percentile1.0", "percentile99.0", "amean", "posamean"];
        let kept = ["range", "maxPos", "minPos", "iqr", "pctl", "stddev", "skew", "kurt", "uplevel", "rise", "left"];
        let fitted = ["linreg", "qreg"];
        for ((name, before), (_, after)) in named(&before).into_iter().zip(named(&after)) {
            let is_kept = kept.iter().chain(&fitted).any(|start| name.starts_with(start));
            if is_kept || moved.contains(&name.as_str()) {
                let expected = if is_kept { before } else { before + 4.0 };
                assert!((after - expected).abs() < 2e-5 * expected.abs().max(1.0), "{name}: {before} becomes {after}");
            }
        }
    }

    #[test]
    fn few_frames_give_numbers() {
        for frames in 1..=7 {
            assert!(named(&noise(frames)).iter().all(|(_, result)| result.is_finite()), "{frames} frames");
        }
    }

    #[test]
    fn columns_shorter_than_their_count_are_read_to_their_end() {
        let mut contours = contours_of(&noise(9));
        let expected = functionals(&contours);
        contours.counts = FrameCounts::new(1000, 1000, 1000);
        assert_eq!(functionals(&contours), expected);
    }

    #[test]
    fn no_values_make_the_functionals_panic() {
        let mut random = ChaCha8Rng::seed_from_u64(2016);
        let odd = [0.0, -0.0, 1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e-45, 1e-20, 1e20];
        for _ in 0..300 {
            let frames = random.random_range(0..40);
            let kinds = random.random_range(1..=odd.len());
            let mut value = |_| match random.random_range(0..3) {
                0 => odd[random.random_range(0..kinds)],
                1 => f32::from_bits(random.random()),
                _ => random.random_range(-1.0..1.0),
            };
            let values: Vec<f32> = (0..frames).map(&mut value).collect();
            assert_eq!(functionals(&contours_of(&values)).len(), FUNCTIONAL_COUNT);
        }
    }
}
