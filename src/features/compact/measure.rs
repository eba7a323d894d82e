//! Measures `marginals.csv` again, when a descriptor has changed.
//!
//! In:  the clips of `$UNIFR_MEDIA_DIR`, by default `../shared/media` beside the repository.
//! Out: `src/features/compact/marginals.csv`.
//!
//! `cargo test --release --lib measure_the_marginals -- --ignored`

use std::path::{Path, PathBuf};

use super::marginals::{FACELESS, HEADER, Marginal, STREAM_NAMES, widths};
use super::voice::Voice;
use crate::audio::mono_signal;
use crate::features::{PrepareOptions, SpeakerFeatures, prepare_clip};
use crate::media::read_sound;

/// Frames of a piece for the clip streams: 6 s, the length of the shorter clip.
const PIECE_FRAMES: usize = 150;
/// Streams that have rows over time; the others have one row a clip.
const TIMED_STREAMS: usize = 5;

#[test]
#[ignore = "writes marginals.csv from clips that are not part of the repository"]
fn measure_the_marginals() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("UNIFR_MEDIA_DIR").map_or_else(|| repository.join("../shared/media"), PathBuf::from);
    let paths = ["clip_high.mp4", "clip_baseline.mp4"].map(|name| folder.join(name));
    let clips: Vec<SpeakerFeatures> =
        paths.iter().map(|path| prepare_clip(path, &PrepareOptions::default()).unwrap().features).collect();
    let pieces: Vec<SpeakerFeatures> = paths.iter().flat_map(|path| voices_of_pieces(path)).collect();
    let table = repository.join("src/features/compact/marginals.csv");
    std::fs::write(table, measured_table(&clips, &pieces)).unwrap();
}

fn voices_of_pieces(path: &Path) -> Vec<SpeakerFeatures> {
    let signal = mono_signal(&read_sound(path).unwrap()).unwrap();
    let pieces = signal.chunks_exact(PIECE_FRAMES * 1764).map(|piece| Voice::new(piece, PIECE_FRAMES));
    let features = pieces.map(|voice| SpeakerFeatures {
        functionals: voice.functionals(),
        descriptors: voice.descriptors(),
        ..SpeakerFeatures::default()
    });
    features.collect()
}

/// Measures marginals over `clips`, with the clip streams of `pieces`, and writes them as a table.
fn measured_table(clips: &[SpeakerFeatures], pieces: &[SpeakerFeatures]) -> String {
    let mut lines = vec![HEADER.to_owned()];
    for (place, (name, width)) in STREAM_NAMES.iter().zip(widths()).enumerate() {
        let tracks = if place < TIMED_STREAMS { clips } else { pieces };
        for number in 0..width {
            let rows: Vec<Vec<Option<f64>>> = tracks.iter().map(|clip| track(clip, place, width, number)).collect();
            let Marginal { mean, spread, low, high, lag } = measured(&rows);
            lines.push(format!("{name},{number},{mean:.5},{spread:.5},{low:.5},{high:.5},{lag:.3}"));
        }
    }
    for (number, clip) in clips.iter().enumerate() {
        let faceless = clip.has_face.iter().filter(|has_face| !**has_face).count();
        let share = faceless as f64 / clip.frame_count as f64;
        lines.push(format!("{FACELESS},{number},{share:.5},0,0,0,0"));
    }
    lines.join("\n") + "\n"
}

/// One number of a stream over time; none where there is no face to look at.
fn track(clip: &SpeakerFeatures, place: usize, width: usize, number: usize) -> Vec<Option<f64>> {
    let streams = [
        &clip.expression,
        &clip.action_units,
        &clip.valence_arousal,
        &clip.pose,
        &clip.filterbank,
        &clip.functionals,
        &clip.descriptors,
    ];
    let looks_at_faces = place < 3;
    let rows = streams[place].chunks_exact(width).enumerate();
    rows.map(|(row, values)| (!looks_at_faces || clip.has_face[row]).then(|| f64::from(values[number]))).collect()
}

fn measured(rows: &[Vec<Option<f64>>]) -> Marginal {
    let values: Vec<f64> = rows.iter().flatten().flatten().copied().collect();
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mean = mean_of(&values);
    let square = mean_of(&values.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>());
    let neighbours = rows.iter().flat_map(|rows| rows.windows(2)).filter_map(|pair| Some((pair[0]?, pair[1]?)));
    let products: Vec<f64> = neighbours.map(|(now, next)| (now - mean) * (next - mean)).collect();
    Marginal {
        mean,
        spread: square.sqrt(),
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        lag: if square > 0.0 { (mean_of(&products) / square).clamp(-1.0, 1.0) } else { 0.0 },
    }
}

#[test]
fn a_track_with_a_gap_is_measured_around_it() {
    let marginal = measured(&[vec![Some(1.0), Some(3.0), None, Some(3.0), Some(1.0)]]);
    // Mean 2, squared distances all 1; both pairs go from one side to the other.
    assert_eq!(marginal, Marginal { mean: 2.0, spread: 1.0, low: 1.0, high: 3.0, lag: -1.0 });
}
