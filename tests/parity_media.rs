//! Clips of the media folder against what ffmpeg made of them: every frame's checksum, the sound, one frame in colour;
//! and the faces in them against the boxes that were written down.
//!
//! For each `NAME.mp4`: `NAME.framemd5`, `NAME.audio_*i16.npy`, `NAME.frameNNNN.png` and `NAME.rustface.csv`, where they
//! exist. The folder is
//! `$UNIFR_MEDIA_DIR`, by default `../shared/media`; without it everything here is reported as ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use md5::{Digest, Md5};
use unifr::faces::{FaceBox, Finder, Follow, Search};
use unifr::media::{Movie, Picture};

mod golden_cases;

/// AAC decoders differ in the last bit of 16.
const SOUND_TOLERANCE: f64 = 2.0;
/// The pictures were made by libswscale's fast path, 1 to 1.5 levels darker than the formula.
const COLOR_MEAN_TOLERANCE: f64 = 2.0;
/// The full search is looked at on every tenth frame; the quick one needs them all.
const FULL_SEARCH_STEP: usize = 10;
/// The listed boxes come from frames that libswscale made 1.5 levels darker; that alone moves a box this much.
const LEAST_MEAN_OVERLAP: f64 = 0.82;
/// Share of frames in which a face may be found here and not there.
const MOST_DIFFERENT: f64 = 0.05;

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
        let faces = clip.with_extension("rustface.csv");
        if faces.exists() {
            for (search, step) in [(Search::Full, FULL_SEARCH_STEP), (Search::Near, 1)] {
                let (clip, faces) = (clip.clone(), faces.clone());
                let run = move || faces_agree(&clip, &faces, search, step);
                trials.push(golden_cases::trial(format!("{stem}: faces, {search:?}"), run));
            }
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

fn faces_agree(clip: &Path, listed: &Path, search: Search, step: usize) -> Result<(), String> {
    let listed = listed_faces(listed)?;
    let movie = Movie::open(clip).map_err(|error| error.to_string())?;
    let mut finder = Finder::new(search, Follow::Nearest).map_err(|error| error.to_string())?;
    let (mut overlaps, mut different, mut count) = (Vec::new(), Vec::new(), 0);
    for (number, frame) in movie.frames().map_err(|error| error.to_string())?.enumerate().step_by(step) {
        let picture = frame.map_err(|error| error.to_string())?.picture;
        let found = finder.find(&picture.to_gray()).map_err(|error| error.to_string())?;
        let expected = listed.get(&number).map_or(&[] as &[FaceBox], Vec::as_slice);
        match found {
            Some(face) if !expected.is_empty() => {
                overlaps.push(expected.iter().map(|other| face.overlap(other)).fold(0.0, f64::max));
            }
            None if expected.is_empty() => {}
            _ => different.push(number),
        }
        count += 1;
    }
    let mean = overlaps.iter().sum::<f64>() / overlaps.len().max(1) as f64;
    if mean >= LEAST_MEAN_OVERLAP && different.len() as f64 <= MOST_DIFFERENT * f64::from(count) {
        return Ok(());
    }
    Err(format!(
        "mean overlap {mean:.3}, least {LEAST_MEAN_OVERLAP}; found or not differs in frames {different:?} of {count}"
    ))
}

/// `frame,x,y,width,height,score`, any number of boxes a frame.
fn listed_faces(path: &Path) -> Result<BTreeMap<usize, Vec<FaceBox>>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut faces: BTreeMap<usize, Vec<FaceBox>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let numbers: Vec<f64> = line.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        let &[frame, x, y, width, height, score] = numbers.as_slice() else { return Err(format!("`{line}`")) };
        let face = FaceBox { x: x as i32, y: y as i32, width: width as i32, height: height as i32, score };
        faces.entry(frame as usize).or_default().push(face);
    }
    Ok(faces)
}
