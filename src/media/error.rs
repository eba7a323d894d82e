//! What goes wrong with a clip.
//!
//! The texts speak of "the file": the caller knows which one and says so, as every command does.

use crate::files::FileError;

/// Why a clip could not be opened or decoded.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file is not there, or may not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Reading stopped in the middle of the file.
    #[error("reading the file failed: {0}")]
    Read(#[from] std::io::Error),
    /// Nothing was ever written into the file.
    #[error("the file has 0 bytes; copy or export it again")]
    Empty,
    /// The first bytes belong to another kind of file.
    #[error(
        "the file is not an mp4: it starts with `{found}`, expected a box such as `ftyp`; convert it with `ffmpeg -i FILE out.mp4`"
    )]
    NotMp4 {
        /// The first bytes, readable.
        found: String,
    },
    /// The bytes are neither an mp4 nor a WAV.
    #[error("the file holds no sound UniFR can read: it starts with `{found}`, expected a WAV or an mp4")]
    NotSound {
        /// The first bytes, readable.
        found: String,
    },
    /// The file ends before what its own tables promise.
    #[error("the file is cut short: it has {found} bytes, its tables need {expected}; copy it again")]
    Truncated {
        /// Bytes in the file.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// The table of contents is missing, as when a recording was interrupted.
    #[error("the file has no `moov` box: it was cut short or its recording never finished; copy or export it again")]
    NoTable,
    /// A table contradicts itself.
    #[error("the file is damaged: {what}; copy or export it again")]
    Damaged {
        /// What contradicts.
        what: String,
    },
    /// Samples live in `moof` boxes.
    #[error(
        "the mp4 is fragmented, expected one table for the whole clip; rewrite it with `ffmpeg -i FILE -c copy out.mp4`"
    )]
    Fragmented,
    /// The edit list does more than shift and cut.
    #[error("the edit list of the file joins {found} pieces, expected 1; export the clip again as one piece")]
    EditList {
        /// Pieces of the medium.
        found: usize,
    },
    /// There is no picture.
    #[error("the file has no video track; a speaker's clip needs picture and sound")]
    NoVideo,
    /// There is nothing to hear.
    #[error("the file has no sound track; a speaker's clip needs picture and sound")]
    NoSound,
    /// The pictures are coded otherwise.
    #[error(
        "the video is coded as `{found}`, expected H.264 (`avc1`); convert it with `ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p out.mp4`"
    )]
    VideoCodec {
        /// Four letters of the codec.
        found: String,
    },
    /// The sound is coded otherwise.
    #[error(
        "the sound is coded as `{found}`, expected AAC-LC with one or two channels; convert it with `ffmpeg -i FILE -c:v copy -c:a aac -ac 2 out.mp4`"
    )]
    SoundCodec {
        /// What was found.
        found: String,
    },
    /// H.264, but of a kind that is not decoded here.
    #[error(
        "the H.264 video has {found}, expected {expected}; convert it with `ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p out.mp4`"
    )]
    PictureFormat {
        /// What the stream says.
        found: String,
        /// What is decoded.
        expected: &'static str,
    },
    /// The decoder gave up.
    #[error(
        "picture {sample} of the video cannot be decoded: {reason}; convert the file with `ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p out.mp4` or copy it again"
    )]
    Picture {
        /// Position in the file, from 0.
        sample: usize,
        /// The decoder's words.
        reason: String,
    },
    /// The decoder gave up.
    #[error("packet {sample} of the sound cannot be decoded: {reason}; copy or export the file again")]
    Packet {
        /// Position in the file, from 0.
        sample: usize,
        /// The decoder's words.
        reason: String,
    },
    /// Longer than anything this program is for.
    #[error("the clip lasts {found_secs} s, expected at most {limit_secs} s; cut it into pieces")]
    TooLong {
        /// Seconds found.
        found_secs: u64,
        /// Seconds allowed.
        limit_secs: u64,
    },
}

impl MediaError {
    /// A table that contradicts itself.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
