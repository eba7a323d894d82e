//! Clips as numbers: an mp4 becomes frames in display order and sound, a WAV becomes sound.
//!
//! In:  a path.
//! Out: [`Frame`]s, planar as decoded, each with its time; [`Sound`], one row per channel. Time 0 of both is time 0
//!      of the movie: edit lists are applied here and nowhere else.
//! Source: ISO/IEC 14496-12 (boxes), 14496-10 (H.264), 14496-3 (AAC); pixels as section 2 of the face path has them.
//!
//! Decoders eat bytes that somebody else wrote. Everything they are given is checked against the real size of the file
//! first, and a panic inside one of them ends here as an error.

mod boxes;
mod color;
mod container;
mod error;
mod image;
mod movie;
mod panics;
mod sequence;
mod sound;
mod timeline;
mod video;
mod wave;

pub use color::{ColorMatrix, ColorSpace, Picture};
pub use error::MediaError;
pub use image::{ColorImage, GrayImage};
pub use movie::Movie;
pub use panics::caught;
pub use sound::{Sound, read_first_channel, read_sound};
pub use video::{Frame, Frames, FramesAt};
