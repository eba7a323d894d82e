//! Clips of the media folder against what ffmpeg made of them: every frame's checksum, the sound, one frame in colour.
//!
//! For each `NAME.mp4`: `NAME.framemd5`, `NAME.audio_*i16.npy` and `NAME.frameNNNN.png`, where they exist. The folder is
//! `$UNIFR_MEDIA_DIR`, by default `../shared/media`; without it everything here is reported as ignored.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use md5::{Digest, Md5};
use unifr::media::{Movie, Picture};

mod golden_cases;

/// AAC decoders differ in the last bit of 16.
const SOUND_TOLERANCE: f64 = 2.0;
/// The pictures were made by libswscale's fast path, 1 to 1.5 levels darker than the formula.
const COLOR_MEAN_TOLERANCE: f64 = 2.0;

fn main() {
    let folder = golden_cases::media_folder();
    let mut trials = Vec::new();
    for clip in golden_cases::files_in(&folder, "mp4") {
        let stem = clip.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let checksums = clip.with_extension("framemd5");
        if checksums.exists() {
            trials.push(golden_cases::trial(format!("{stem}: frames"), {
                let clip = clip.clone();
                move || frames_equal(&clip, &checksums)
            }));
        }
        for (path, name) in beside(&folder, &stem) {
            let clip = clip.clone();
            if name.starts_with("audio_") && name.ends_with("i16.npy") {
                trials.push(golden_cases::trial(format!("{stem}: {name}"), move || sound_equal(&clip, &path)));
            } else if let Some(frame) = frame_number(&name) {
                trials.push(golden_cases::trial(format!("{stem}: {name}"), move || color_close(&clip, frame, &path)));
            }
        }
    }
    if trials.is_empty() {
        let name = format!("media: no clips under {}", folder.display());
        trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
    }
    golden_cases::run(trials).exit()
}

/// Files named `STEM.something`, with that something.
fn beside(folder: &Path, stem: &str) -> Vec<(PathBuf, String)> {
    let files = ["npy", "png"].iter().flat_map(|extension| golden_cases::files_in(folder, extension));
    let named = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_prefix(stem)?.strip_prefix('.')?.to_owned();
        Some((path, name))
    };
    files.filter_map(named).collect()
}

/// `frame0100.png` is frame 100.
fn frame_number(name: &str) -> Option<usize> {
    name.strip_prefix("frame")?.strip_suffix(".png")?.parse().ok()
}

fn frames_equal(clip: &Path, checksums: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(checksums).map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let expected: Vec<&str> = lines.filter_map(|line| line.rsplit(',').next().map(str::trim)).collect();
    let movie = Movie::open(clip).map_err(|error| error.to_string())?;
    let mut found = 0;
    for (place, frame) in movie.frames_at(25).map_err(|error| error.to_string())?.enumerate() {
        let frame = frame.map_err(|error| format!("frame {place}: {error}"))?;
        let sum = checksum(&frame.picture);
        match expected.get(place) {
            Some(expected) if *expected == sum => found += 1,
            other => return Err(format!("frame {place} has checksum {sum}, expected {other:?}")),
        }
    }
    if found == expected.len() && found == movie.frame_count() {
        Ok(())
    } else {
        Err(format!("{found} frames, {} announced, {} expected", movie.frame_count(), expected.len()))
    }
}

fn checksum(picture: &Picture) -> String {
    let mut sum = Md5::new();
    for plane in [&picture.y, &picture.u, &picture.v] {
        sum.update(plane);
    }
    format!("{:032x}", u128::from_be_bytes(sum.finalize().into()))
}

fn sound_equal(clip: &Path, expected: &Path) -> Result<(), String> {
    let movie = Movie::open(clip).map_err(|error| error.to_string())?;
    let sound = movie.sound().map_err(|error| error.to_string())?;
    let expected = sixteen_bit_samples(expected)?;
    let found: Vec<f64> = sound.interleaved_i16().iter().take(expected.len()).map(|value| f64::from(*value)).collect();
    golden_cases::close("sample", &found, &expected, |_| SOUND_TOLERANCE)
}

/// A version 1 file of 16-bit integers: ten bytes, of which the last two say how long the header is, then the samples.
fn sixteen_bit_samples(path: &Path) -> Result<Vec<f64>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let header_bytes = 10 + usize::from(*bytes.get(8).ok_or("too short")?) + 256 * usize::from(bytes[9]);
    let samples = bytes.get(header_bytes..).ok_or("too short")?.chunks_exact(2);
    Ok(samples.map(|sample| f64::from(i16::from_le_bytes([sample[0], sample[1]]))).collect())
}

fn color_close(clip: &Path, number: usize, picture: &Path) -> Result<(), String> {
    let movie = Movie::open(clip).map_err(|error| error.to_string())?;
    let frame = movie.frames().map_err(|error| error.to_string())?.nth(number).ok_or("the clip is too short")?;
    let found = frame.map_err(|error| error.to_string())?.picture.to_color();
    let expected = red_green_blue(picture)?;
    if expected.len() != found.pixels.len() {
        return Err(format!("{} values, expected {}", found.pixels.len(), expected.len()));
    }
    let pixels = found.pixels.chunks_exact(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]);
    let difference: f64 = pixels.zip(&expected).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    let mean = difference / expected.len() as f64;
    if mean <= COLOR_MEAN_TOLERANCE {
        return Ok(());
    }
    Err(format!("mean difference {mean:.2} levels, allowed {COLOR_MEAN_TOLERANCE}"))
}

fn red_green_blue(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut decoder = zune_png::PngDecoder::new(zune_png::zune_core::bytestream::ZCursor::new(bytes));
    decoder.decode_raw().map_err(|error| format!("{error:?}"))
}
