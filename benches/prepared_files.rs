//! Times writing and reading clips of the published widths, 82.8 MB each: one line a way.
//!
//! `cargo bench --bench prepared_files [-- FOLDER]` leaves its file in FOLDER (default: `unifr-bench-prepared-files` in
//! the system's temporary folder); `benches/rivals/prepared_files.py FOLDER` times h5py on the same file. Reading is
//! from the page cache, so it is the program that is timed and not the disk.

use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use unifr::batches::SpeakerItem;
use unifr::dataset::layout::ACTION_UNITS;
use unifr::dataset::{DatasetError, Layout, Partition, Reader, Writer};
use unifr::features::{FeatureSet, SpeakerFeatures};

const CLIPS: usize = 12;
const FRAMES: usize = 750;
/// The fastest of so many runs counts.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(|| std::env::temp_dir().join("unifr-bench-prepared-files"), PathBuf::from);
    let path = folder.join("train_shuffled.h5");
    let layout = Layout { dims: FeatureSet::React2023.dims(), frame_count: FRAMES, has_tokens: true };
    let megabytes = layout.columns().iter().map(|column| column.row_bytes() as f64).sum::<f64>() / 1e6;
    let speaker = speaker(&layout);

    let mut out = std::io::stdout().lock();
    let mut print = |what: &str, seconds: f64, size: f64| {
        writeln!(out, "{what:<40} {:>8.1} ms a clip {:>8.0} MB/s", seconds * 1e3, size / seconds)
    };
    print("write, safely on the disk", fastest(1, || write(&path, &speaker))?, megabytes)?;
    let reader = Reader::open(&path)?;
    print("read a speaker", fastest(RUNS, || read(&reader, 0, 1))?, megabytes)?;
    print("read an item, standardised", fastest(RUNS, || read_items(&reader))?, megabytes)?;
    print("read a speaker, two threads", fastest(RUNS, || two_threads(&reader))?, megabytes)?;
    let size = (FRAMES * layout.dims.action_units * 4) as f64 / 1e6;
    print("the largest stream alone, hdf5-pure", fastest(RUNS, || library(&path))?, size)?;
    Ok(())
}

/// Seconds per clip of the fastest run over all clips.
fn fastest<E>(runs: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best / CLIPS as f64)
}

fn speaker(layout: &Layout) -> SpeakerFeatures {
    let mut streams = layout.columns().into_iter().map(|column| (0..column.row_count()).map(|n| n as f32).collect());
    let mut stream = || streams.next().unwrap_or_default();
    SpeakerFeatures {
        frame_count: FRAMES,
        expression: stream(),
        action_units: stream(),
        valence_arousal: stream(),
        pose: stream(),
        filterbank: stream(),
        functionals: stream(),
        descriptors: stream(),
        has_face: vec![true; FRAMES],
    }
}

fn write(path: &Path, speaker: &SpeakerFeatures) -> Result<(), DatasetError> {
    let tokens = [vec![1; FRAMES], vec![2; FRAMES], vec![3; FRAMES]];
    let mut writer = Writer::create(path, Partition::Train, FeatureSet::React2023.dims(), FRAMES, &[])?;
    (0..CLIPS).try_for_each(|row| writer.append(&format!("clip/{row}"), speaker, Some(&tokens)))?;
    writer.finish()
}

fn read(reader: &Reader, first: usize, step: usize) -> Result<(), DatasetError> {
    (first..CLIPS).step_by(step).try_for_each(|row| reader.speaker(row).map(|speaker| drop(black_box(speaker))))
}

fn read_items(reader: &Reader) -> Result<(), DatasetError> {
    (0..CLIPS).try_for_each(|row| SpeakerItem::read(reader, row, 0).map(|item| drop(black_box(item))))
}

fn two_threads(reader: &Reader) -> Result<(), DatasetError> {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| read(reader, 1, 2));
        read(reader, 0, 2)?;
        other.join().expect("reading does not panic")
    })
}

fn library(path: &Path) -> Result<(), hdf5::Error> {
    let dataset = hdf5::File::open_streaming(path)?.dataset(ACTION_UNITS)?;
    (0..CLIPS as u64).try_for_each(|row| dataset.read_raw_rows(row, 1).map(|bytes| drop(black_box(bytes))))
}
