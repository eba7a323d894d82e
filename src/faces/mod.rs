//! The speaker's face: from a frame to a square crop of 128x128, or to none.
//!
//! In:  frames ([`crate::media`]).
//! Out: a [`FaceBox`] or none ([`Finder`]), and the crop in colour ([`face_from_frame`]).
//! Source: sections 2.1, 2.4 and 2.6 of the face path; the detector is SeetaFace through `rustface`.
//!
//! Departure: the published preparation detects with OpenCV's Haar cascade and, where that fails, with dlib; the boxes
//! of the three detectors differ in size. Here one detector does all of it, so that crops do not jump in scale.
//!
//! Measured: every fifth frame of the two test clips, the boxes of OpenCV 4.14 and dlib 19.24 and ours as they lie beside
//! the clips (`benches/rivals/face_detectors.py`). *Cascade*: Haar, and dlib where Haar finds nothing.
//!
//! | Clip | Frames | Cascade finds (dlib) | Ours finds | Both | Overlap: mean, lowest | Side: median | Centres apart |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | `clip_high` | 150 | 122 (1) | 119 | 119 | 0.879, 0.546 | 1.000 | 3.9 % of the side |
//! | `clip_baseline` | 30 | 28 (18) | 30 | 28 | 0.748, 0.611 | 1.000 | 5.9 % of the side |
//!
//! The medians of the sides being equal, a crop needs no correction in scale. Thresholds of 3.85 and 5 agree best about
//! whether there is a face (147 of 150 and 28 of 30 frames); from 8 on faces are lost (20 of 30). So it stays at the
//! detector's own 3.85. The three frames of `clip_high` in which only the cascade finds something show no face: 215 is
//! covered, 485 and 490 are empty.

mod crop;
mod detector;
mod finder;

pub use crop::{CropStyle, FACE_SIDE, NETWORK_SIDE, crop_bounds, face_from_frame, network_gray};
pub use detector::{Detector, SCORE_THRESHOLD};
pub use finder::{Finder, Follow, Search};

/// A square or rectangle of pixels that holds a face; it may leave the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceBox {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// How sure the detector is; larger is surer.
    pub score: f64,
}

impl FaceBox {
    /// Twice the centre, which is whole for every box.
    fn double_center(&self) -> [i64; 2] {
        let double = |start: i32, length: i32| 2 * i64::from(start) + i64::from(length);
        [double(self.x, self.width), double(self.y, self.height)]
    }

    fn area(&self) -> i64 {
        i64::from(self.width.max(0)) * i64::from(self.height.max(0))
    }

    /// Shared area over joint area, 0 to 1.
    pub fn overlap(&self, other: &Self) -> f64 {
        let shared = |a: i32, a_length: i32, b: i32, b_length: i32| {
            let end = (i64::from(a) + i64::from(a_length)).min(i64::from(b) + i64::from(b_length));
            (end - i64::from(a.max(b))).max(0)
        };
        let both =
            shared(self.x, self.width, other.x, other.width) * shared(self.y, self.height, other.y, other.height);
        let joint = self.area() + other.area() - both;
        if joint == 0 { 0.0 } else { both as f64 / joint as f64 }
    }
}

/// What goes wrong in this room; a frame without a face is not an error.
#[derive(Debug, thiserror::Error)]
pub enum FacesError {
    /// The detector's model inside the program cannot be read.
    #[error("the face detector inside the program cannot be read: {0}; install UniFR again")]
    Model(#[from] std::io::Error),
    /// The detector stopped on an image.
    #[error("the face detector failed on an image of {width} x {height} pixels: {reason}; please report this clip")]
    Detector {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Its words.
        reason: String,
    },
}
