//! The front door: a clip is opened once, then its frames and its sound are read, as often as needed.
//!
//! In:  a path to an mp4.
//! Out: [`Movie`]; only its tables are in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::{Container, Track};
use super::sound::{LONGEST_SECS, sound_from_track};
use super::video::VideoTrack;
use super::{Frames, FramesAt, MediaError, Sound};

/// An opened mp4 with a picture that can be decoded.
#[derive(Debug)]
pub struct Movie {
    path: PathBuf,
    video: Arc<VideoTrack>,
    sound: Option<Track>,
}

impl Movie {
    /// Opens a clip and checks its tables against the file.
    ///
    /// # Errors
    /// No such file, no mp4, cut short, damaged, no video track, a codec or picture format that is not decoded here,
    /// longer than an hour. A missing sound track is no error yet: see [`Movie::sound`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        let path = path.as_ref();
        let container = Container::read(&mut crate::files::open(path)?)?;
        let video = VideoTrack::new(&container.video.ok_or(MediaError::NoVideo)?)?;
        let found_secs = video.end.max(0) as u64 / u64::from(video.timescale);
        if found_secs > LONGEST_SECS {
            return Err(MediaError::TooLong { found_secs, limit_secs: LONGEST_SECS });
        }
        Ok(Self { path: path.to_owned(), video: Arc::new(video), sound: container.sound })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.video.format.width
    }

    /// Rows of a picture.
    pub fn height(&self) -> usize {
        self.video.format.height
    }

    /// Frames that are shown.
    pub fn frame_count(&self) -> usize {
        self.video.shown.len()
    }

    /// How long the picture lasts, from time 0 of the movie.
    pub fn duration_secs(&self) -> f64 {
        self.video.end as f64 / f64::from(self.video.timescale)
    }

    /// Frames per second, mean over the clip; 0 for a clip that lasts no time.
    pub fn frame_rate(&self) -> f64 {
        let first = self.video.shown.first().map_or(0, |shown| shown.time);
        let ticks = self.video.end - first;
        if ticks > 0 { self.frame_count() as f64 * f64::from(self.video.timescale) / ticks as f64 } else { 0.0 }
    }

    /// All frames in the order in which they are shown, each at its own time.
    pub fn frames(&self) -> Result<Frames, MediaError> {
        Ok(Frames::new(Arc::clone(&self.video), crate::files::open(&self.path)?))
    }

    /// Frames at a fixed rate: number `k` is what is shown at `k / rate_hz` seconds.
    pub fn frames_at(&self, rate_hz: u32) -> Result<FramesAt, MediaError> {
        Ok(FramesAt::new(self.frames()?, rate_hz))
    }

    /// Whether there is a sound track.
    pub fn has_sound(&self) -> bool {
        self.sound.is_some()
    }

    /// The whole sound.
    ///
    /// # Errors
    /// [`MediaError::NoSound`] if the clip has no sound track.
    pub fn sound(&self) -> Result<Sound, MediaError> {
        let track = self.sound.as_ref().ok_or(MediaError::NoSound)?;
        sound_from_track(track, &mut crate::files::open(&self.path)?)
    }
}
