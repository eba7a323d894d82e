//! SeetaFace: all faces of one grey image.
//!
//! In:  a grey image.
//! Out: square boxes, the surest first. Faces under 40 pixels are not found: the detector never enlarges an image.
//! Source: `rustface` 0.1.7 with its own model (`data/models`, BSD-2-Clause). `tests/parity_images.rs` and
//! `tests/parity_media.rs` compare with boxes written down from it.

use rustface::{ImageData, Model};

use super::{FaceBox, FacesError};
use crate::media::{GrayImage, caught};

/// The detector's own default: it keeps faces it is this sure of.
pub const SCORE_THRESHOLD: f64 = 3.85;
/// The side of the window that slides over the image.
pub(super) const WINDOW_SIDE: usize = 40;

const MODEL: &[u8] = include_bytes!("../../data/models/seeta_fd_frontal_v1.0.bin");
/// Each level of the pyramid is this much smaller than the one before; the usual value.
const PYRAMID_FACTOR: f32 = 0.8;
/// Pixels from window to window.
const STRIDE: u32 = 4;

/// Finds faces in grey images.
pub struct Detector {
    inner: Box<dyn rustface::Detector>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Detector")
    }
}

impl Detector {
    /// Loads the model; faces below `score_threshold` are dropped ([`SCORE_THRESHOLD`] is the usual one).
    pub fn new(score_threshold: f64) -> Result<Self, FacesError> {
        let model: Model = rustface::read_model(MODEL)?;
        let mut inner = rustface::create_detector_with_model(model);
        inner.set_pyramid_scale_factor(PYRAMID_FACTOR);
        inner.set_slide_window_step(STRIDE, STRIDE);
        inner.set_score_thresh(score_threshold.max(f64::MIN_POSITIVE));
        Ok(Self { inner })
    }

    /// All faces, the surest first.
    pub fn detect(&mut self, image: &GrayImage) -> Result<Vec<FaceBox>, FacesError> {
        let (width, height) = (image.width, image.height);
        if width.min(height) < WINDOW_SIDE {
            return Ok(Vec::new());
        }
        let data = ImageData::new(&image.pixels, width as u32, height as u32);
        let found = caught(|| self.inner.detect(&data));
        let found = found.map_err(|reason| FacesError::Detector { width, height, reason })?;
        let mut boxes: Vec<FaceBox> = found.iter().map(box_from_detector).collect();
        boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(boxes)
    }
}

fn box_from_detector(face: &rustface::FaceInfo) -> FaceBox {
    let found = face.bbox();
    FaceBox {
        x: found.x(),
        y: found.y(),
        width: found.width() as i32,
        height: found.height() as i32,
        score: face.score(),
    }
}
