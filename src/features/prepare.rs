//! One mp4 to the features of its speaker.
//!
//! In:  a path and [`PrepareOptions`].
//! Out: [`Prepared`]: the features, what was cut, filled up and not found, and how long each stage took.
//! Source: the order of `scripts/Data_Script.py`: decode, detect, describe, sound. One pass over the frames feeds face
//! and pose stream, where the published script decodes twice and holds the whole clip in memory (defect C21).

use std::path::Path;
use std::time::{Duration, Instant};

use super::compact::CompactExtractor;
use super::{ClipLength, FeatureSet, FeaturesError, FittedLength, SpeakerFeatures};
use crate::audio::{AudioError, FilterbankReading};
use crate::config::{self, PrepareConfig};
use crate::faces::{CropStyle, FacesError, Finder, Follow, Search, face_from_frame};
use crate::media::{MediaError, Movie, Picture};

/// Frames per second of every prepared clip.
pub const FRAME_RATE_HZ: u32 = 25;

/// How a clip is turned into features; part of what a prepared file means, so it is stored with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepareOptions {
    /// Which descriptors.
    pub feature_set: FeatureSet,
    /// How many frames.
    pub length: ClipLength,
    /// Which signal the filterbank reads.
    pub filterbank: FilterbankReading,
    /// What happens to faces at the border of the frame.
    pub crop: CropStyle,
    /// Where faces are looked for.
    pub search: Search,
    /// Which of several faces is taken.
    pub follow: Follow,
}

impl Default for PrepareOptions {
    /// The corrected reading of the voice, the published crop, the quick search that follows one face.
    fn default() -> Self {
        Self {
            feature_set: FeatureSet::Compact,
            length: ClipLength::Own,
            filterbank: FilterbankReading::Mono,
            crop: CropStyle::Published,
            search: Search::Near,
            follow: Follow::Nearest,
        }
    }
}

impl PrepareOptions {
    /// What a config asks for; the search is the quick one that follows one face.
    pub fn from_config(config: &PrepareConfig, length: ClipLength) -> Self {
        Self {
            feature_set: match config.feature_set {
                config::Features::React2023 => FeatureSet::React2023,
                config::Features::Compact => FeatureSet::Compact,
            },
            length,
            filterbank: match config.filterbank {
                config::Filterbank::Mono => FilterbankReading::Mono,
                config::Filterbank::Published => FilterbankReading::Published,
            },
            crop: match config.crop {
                config::Crop::Published => CropStyle::Published,
                config::Crop::Padded => CropStyle::Padded,
            },
            ..Self::default()
        }
    }
}

/// A prepared clip.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The features.
    pub features: SpeakerFeatures,
    /// Frames of the result, and how many the clip had for it.
    pub length: FittedLength,
    /// Frames of the clip at 25 Hz that the length left out.
    pub cut_count: usize,
    /// Where the time went.
    pub times: StageTimes,
}

impl Prepared {
    /// Frames of the clip itself in which no face was found.
    pub fn faceless_count(&self) -> usize {
        self.features.has_face[..self.length.kept_count].iter().filter(|has_face| !**has_face).count()
    }
}

/// Time spent in each stage of one clip or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Frames out of the mp4.
    pub decode: Duration,
    /// Colour conversion, detector and crop.
    pub detect: Duration,
    /// Descriptors of faces and frames.
    pub describe: Duration,
    /// Decoding and describing the sound.
    pub sound: Duration,
}

impl StageTimes {
    /// Adds the times of another clip.
    pub fn add(&mut self, other: &Self) {
        self.decode += other.decode;
        self.detect += other.detect;
        self.describe += other.describe;
        self.sound += other.sound;
    }

    /// The stages with their names.
    pub fn named(&self) -> [(&'static str, Duration); 4] {
        [("decode", self.decode), ("detect", self.detect), ("describe", self.describe), ("sound", self.sound)]
    }
}

/// Why a clip could not be prepared; the caller knows which one and says so.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The clip cannot be opened or decoded.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The detector failed.
    #[error(transparent)]
    Faces(#[from] FacesError),
    /// The sound cannot be described.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The feature set or the length does not work.
    #[error(transparent)]
    Features(#[from] FeaturesError),
}

/// Prepares one clip.
pub fn prepare_clip(path: impl AsRef<Path>, options: &PrepareOptions) -> Result<Prepared, PrepareError> {
    options.feature_set.require_computable()?;
    options.length.check()?;
    let movie = Movie::open(path)?;
    let mut times = StageTimes::default();
    // The sound first: a clip without it is refused before the long work on its frames.
    let sound = timed(&mut times.sound, || movie.sound())?;
    let extractor = described_frames(&movie, options, &mut times)?;
    let found_count = (movie.duration_secs() * f64::from(FRAME_RATE_HZ)).ceil() as usize;
    let length = options.length.fitted(extractor.frame_count())?;
    let features = timed(&mut times.sound, || extractor.finish(&sound, options.filterbank, length))?;
    features.check(&options.feature_set.dims())?;
    Ok(Prepared { features, length, cut_count: found_count.saturating_sub(length.kept_count), times })
}

/// Pushes the frames through, up to the most that are of use.
fn described_frames(
    movie: &Movie,
    options: &PrepareOptions,
    times: &mut StageTimes,
) -> Result<CompactExtractor, PrepareError> {
    let mut finder = Finder::new(options.search, options.follow)?;
    let mut extractor = CompactExtractor::new();
    let mut frames = movie.frames_at(FRAME_RATE_HZ)?.take(options.length.limit());
    while let Some(frame) = timed(&mut times.decode, || frames.next()) {
        describe_frame(&frame?.picture, &mut finder, options.crop, &mut extractor, times)?;
    }
    Ok(extractor)
}

fn describe_frame(
    picture: &Picture,
    finder: &mut Finder,
    crop: CropStyle,
    extractor: &mut CompactExtractor,
    times: &mut StageTimes,
) -> Result<(), PrepareError> {
    let began = Instant::now();
    let color = picture.to_color();
    let gray = color.to_gray();
    let found = finder.find(&gray)?;
    let face = found.and_then(|face_box| Some((face_from_frame(&color, &face_box, crop)?.to_gray(), face_box)));
    times.detect += began.elapsed();
    let face = face.as_ref().map(|(face, face_box)| (face, face_box));
    timed(&mut times.describe, || extractor.push_frame(&gray, face));
    Ok(())
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    *total += began.elapsed();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_networks_are_refused_before_the_clip_is_opened() {
        let options = PrepareOptions { feature_set: FeatureSet::React2023, ..PrepareOptions::default() };
        let message = prepare_clip("no such clip.mp4", &options).unwrap_err().to_string();
        assert!(message.contains("not in this build yet"), "{message}");
    }

    #[test]
    fn a_missing_clip_is_named() {
        let message = prepare_clip("no such clip.mp4", &PrepareOptions::default()).unwrap_err().to_string();
        assert!(message.contains("no such clip.mp4"), "{message}");
    }

    #[test]
    fn times_of_clips_add_up() {
        let second = Duration::from_secs(1);
        let mut times = StageTimes { decode: second, ..StageTimes::default() };
        times.add(&StageTimes { decode: second, sound: second, ..StageTimes::default() });
        assert_eq!(times.named().map(|(_, time)| time.as_secs()), [2, 0, 0, 1]);
    }
}
