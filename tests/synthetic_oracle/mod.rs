//! Scores, linear readings and marginals, plain and slow, for the test of the synthetic corpus.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use unifr::dataset::synthetic::{Conversations, Language, speaker};
use unifr::features::SpeakerFeatures;
use unifr::features::compact::Marginal;
use unifr::tokens::Attributes;

/// One reaction.
pub type Clip = Vec<Attributes>;

/// A stream of the speaker.
pub type StreamOf = fn(&SpeakerFeatures) -> &[f32];

/// All streams, in the order of the marginals.
pub const STREAMS: [(&str, StreamOf); 7] = [
    ("expression", |clip| &clip.expression),
    ("action units", |clip| &clip.action_units),
    ("valence-arousal", |clip| &clip.valence_arousal),
    ("pose", |clip| &clip.pose),
    ("filterbank", |clip| &clip.filterbank),
    ("functionals", |clip| &clip.functionals),
    ("descriptors", |clip| &clip.descriptors),
];

/// Both scores, as sums over ten equal reactions.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    pub frcorr: f64,
    pub frdist: f64,
}

/// Scores one reaction per row against the appropriate listeners, without that of row `without[row]`.
pub fn scored(rows: &Conversations, predictions: &[Clip], without: Option<&[usize]>) -> Scored {
    let own: Vec<Clip> = (0..rows.clip_count).map(|row| rows.attributes(row)).collect();
    let (mut frcorr, mut frdist) = (0.0, 0.0);
    for (row, prediction) in predictions.iter().enumerate() {
        let listeners: Vec<&Clip> = rows
            .appropriate(row)
            .into_iter()
            .filter(|other| without.is_none_or(|without| without[row] != *other))
            .map(|other| &own[rows.partner(other)])
            .collect();
        frcorr += listeners.iter().map(|clip| concordance(clip, prediction)).fold(f64::MIN, f64::max);
        frdist += listeners.iter().map(|clip| distance(clip, prediction)).fold(f64::MAX, f64::min);
    }
    let scale = 10.0 / rows.clip_count as f64;
    Scored { frcorr: scale * frcorr, frdist: scale * frdist }
}

/// Concordance, mean over the 25 columns; a constant column counts 0.
pub fn concordance(a: &Clip, b: &Clip) -> f64 {
    (0..25).map(|column| column_concordance(a, b, column)).sum::<f64>() / 25.0
}

fn column_concordance(a: &Clip, b: &Clip, column: usize) -> f64 {
    let count = a.len() as f64;
    let mean = |clip: &Clip| clip.iter().map(|row| row[column]).sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &Clip, mean_x: f64, y: &Clip, mean_y: f64| {
        x.iter().zip(y).map(|(p, q)| (p[column] - mean_x) * (q[column] - mean_y)).sum::<f64>()
    };
    let (variance_a, variance_b) = (product(a, mean_a, a, mean_a) / count, product(b, mean_b, b, mean_b) / count);
    if variance_a < 1e-15 || variance_b < 1e-15 {
        return 0.0;
    }
    // The covariance is the unbiased one, the deviations are not, as in the published code.
    let deviations = variance_a.sqrt() * variance_b.sqrt();
    let correlation = (product(a, mean_a, b, mean_b) / (count - 1.0) / deviations).clamp(-1.0, 1.0);
    2.0 * correlation * deviations / (variance_a + variance_b + (mean_a - mean_b).powi(2) + 1e-8)
}

fn distance(a: &Clip, b: &Clip) -> f64 {
    warped(a, b, 0..15) / 15.0 + warped(a, b, 15..17) + warped(a, b, 17..25) / 8.0
}

fn warped(a: &Clip, b: &Clip, columns: Range<usize>) -> f64 {
    let mut before = vec![f64::INFINITY; b.len() + 1];
    before[0] = 0.0;
    for x in a {
        let mut now = vec![f64::INFINITY; b.len() + 1];
        for (place, y) in b.iter().enumerate() {
            let cost: f64 = columns.clone().map(|column| (x[column] - y[column]).powi(2)).sum();
            now[place + 1] = cost + before[place].min(before[place + 1]).min(now[place]);
        }
        before = now;
    }
    before[b.len()].sqrt()
}

/// Shares of the variance of tone and cue signals that a linear reading of one row of a stream explains: weights by
/// least squares on `train`, shares on `held_out`. `step` frames share a row.
pub fn linear_reading(
    train: &Conversations,
    held_out: &Conversations,
    language: &Language,
    stream_of: StreamOf,
    step: usize,
) -> [f64; 2] {
    let rows_of = |rows: &Conversations| {
        let mut pairs = Vec::new();
        for row in 0..rows.clip_count {
            let (clip, signals) = (speaker(rows, language, row), rows.signals(row));
            let stream = stream_of(&clip);
            let width = stream.len() / (clip.frame_count / step);
            for (place, numbers) in stream.chunks(width).enumerate() {
                let frames = &signals[place * step..][..step];
                if frames.iter().enumerate().all(|(frame, _)| clip.has_face[place * step + frame]) {
                    let inputs: Vec<f64> =
                        numbers.iter().map(|number| f64::from(*number)).chain(std::iter::once(1.0)).collect();
                    let mean = |signal: usize| frames.iter().map(|row| row[signal]).sum::<f64>() / step as f64;
                    pairs.push((inputs, (0..8).map(mean).collect::<Vec<f64>>()));
                }
            }
        }
        pairs
    };
    let weights = least_squares(&rows_of(train));
    let held_out = rows_of(held_out);
    let explained = |signal: usize| {
        let mean = held_out.iter().map(|(_, targets)| targets[signal]).sum::<f64>() / held_out.len() as f64;
        let (mut left, mut all) = (0.0, 0.0);
        for (inputs, targets) in &held_out {
            let read: f64 = inputs.iter().zip(&weights).map(|(input, weights)| input * weights[signal]).sum();
            left += (targets[signal] - read).powi(2);
            all += (targets[signal] - mean).powi(2);
        }
        1.0 - left / all
    };
    [0..4, 4..8].map(|signals: Range<usize>| signals.map(explained).sum::<f64>() / 4.0)
}

/// Solves the normal equations by elimination; a small ridge keeps constant columns harmless.
fn least_squares(pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<Vec<f64>> {
    let (width, target_count) = (pairs[0].0.len(), pairs[0].1.len());
    let mut system = vec![vec![0.0; width + target_count]; width];
    for (inputs, targets) in pairs {
        for (row, input) in system.iter_mut().zip(inputs) {
            row.iter_mut().zip(inputs.iter().chain(targets)).for_each(|(sum, value)| *sum += input * value);
        }
    }
    for pivot in 0..width {
        system[pivot][pivot] += 1e-6 * pairs.len() as f64;
        let row = system[pivot].clone();
        for (place, other) in system.iter_mut().enumerate().filter(|(place, _)| *place != pivot) {
            let factor = other[pivot] / row[pivot];
            if factor != 0.0 || place == pivot {
                other.iter_mut().zip(&row).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    system
        .iter()
        .enumerate()
        .map(|(place, row)| row[width..].iter().map(|value| value / row[place]).collect())
        .collect()
}

/// The marginal of one number of a stream over all clips, over frames with a face only where `of_faces`.
pub fn marginal_of(
    clips: &[SpeakerFeatures],
    stream_of: StreamOf,
    width: usize,
    number: usize,
    of_faces: bool,
) -> Marginal {
    let series: Vec<Vec<Option<f64>>> = clips
        .iter()
        .map(|clip| {
            let rows = stream_of(clip).chunks(width).enumerate();
            rows.map(|(row, values)| (!of_faces || clip.has_face[row]).then(|| f64::from(values[number]))).collect()
        })
        .collect();
    let values: Vec<f64> = series.iter().flatten().flatten().copied().collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let pairs: Vec<(f64, f64)> =
        series.iter().flat_map(|clip| clip.windows(2).filter_map(|pair| pair[0].zip(pair[1]))).collect();
    let covariance = pairs.iter().map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / pairs.len().max(1) as f64;
    let fold = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).unwrap_or(mean);
    Marginal { mean, spread: variance.sqrt(), low: fold(f64::min), high: fold(f64::max), lag: covariance / variance }
}

/// Every file below `folder` by its relative path.
pub fn all_bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(all_bytes(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}
