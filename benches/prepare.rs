//! Times the stages of `unifr prepare` on one clip, on one thread.
//!
//! `cargo bench --bench prepare [-- CLIP]`; without a clip the demo's (6 s, 640x480).

use std::io::Write;
use std::path::{Path, PathBuf};

use unifr::audio::FilterbankReading;
use unifr::faces::{CropStyle, FaceBox, Finder, Follow, Search, face_from_frame};
use unifr::features::compact::CompactExtractor;
use unifr::features::{ClipLength, FRAME_RATE_HZ, PrepareOptions, prepare_clip};
use unifr::media::{Frame, GrayImage, Movie};

#[allow(dead_code, reason = "this bench runs on one thread")]
mod timing;

/// What the descriptors are given for one frame.
type Seen = (GrayImage, Option<(GrayImage, FaceBox)>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clip = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let demo = || Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/speaker.mp4");
    let clip = clip.map_or_else(demo, PathBuf::from);
    let movie = Movie::open(&clip)?;
    let decode = || movie.frames_at(FRAME_RATE_HZ)?.collect::<Result<Vec<Frame>, _>>();
    let frames = decode()?;
    let seen = detect(&frames, Search::Near)?;
    let rows = [
        timing::row("decode", || drop(decode().expect("the clip was decoded before"))),
        timing::row("detect, near the last face", || drop(detect(&frames, Search::Near).expect("it worked before"))),
        timing::row("detect, every frame whole", || drop(detect(&frames, Search::Full).expect("it worked before"))),
        timing::row("describe", || drop(described(&seen))),
        timing::row("decode and describe the sound", || sound(&movie, frames.len()).expect("the clip has sound")),
        timing::row("all of it", || drop(prepare_clip(&clip, &PrepareOptions::default()).expect("it worked before"))),
    ];
    writeln!(std::io::stdout(), "{}: {} frames; 25 frames/s is real time", clip.display(), frames.len())?;
    Ok(timing::print("one thread, the whole clip", &rows)?)
}

fn detect(frames: &[Frame], search: Search) -> Result<Vec<Seen>, Box<dyn std::error::Error>> {
    let mut finder = Finder::new(search, Follow::Nearest)?;
    let mut seen = Vec::with_capacity(frames.len());
    for frame in frames {
        let color = frame.picture.to_color();
        let gray = color.to_gray();
        let face = finder.find(&gray)?.and_then(|face_box| {
            let crop = face_from_frame(&color, &face_box, CropStyle::Published)?;
            Some((crop.to_gray(), face_box))
        });
        seen.push((gray, face));
    }
    Ok(seen)
}

fn described(seen: &[Seen]) -> CompactExtractor {
    let mut extractor = CompactExtractor::new();
    for (gray, face) in seen {
        extractor.push_frame(gray, face.as_ref().map(|(crop, face_box)| (crop, face_box)));
    }
    extractor
}

/// The sound alone: a clip whose frames were never pushed.
fn sound(movie: &Movie, frame_count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let length = ClipLength::Own.fitted(frame_count)?;
    CompactExtractor::new().finish(&movie.sound()?, FilterbankReading::Mono, length)?;
    Ok(())
}
