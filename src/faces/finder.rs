//! Which face is the speaker's, frame after frame, fast enough to keep up with a camera.
//!
//! In:  grey frames of one clip, in order.
//! Out: at most one box a frame.
//!
//! [`Search::Full`] looks at every frame whole, as the published preparation does. [`Search::Near`] looks round the last
//! box in a reduced region; where that finds nothing it looks at the whole frame, reduced; and once a second it looks
//! at the whole frame in full, so that a small face is found and a wrong one is not followed for ever.
//!
//! Measured: processor time on one core of a shared x86-64 machine, release build. `clip_high` (640x480): full 43 ms a
//! frame, near 8.5 ms. Both found the face in 600 of 750 frames, near in one more; mean overlap of the two boxes 0.903,
//! lowest 0.74. `clip_baseline` (352x288): 14.3 and 5.4 ms; full 145 of 150, near 150; mean overlap 0.860. The detector's
//! boxes are that loose by themselves: the full search on frames 1.5 levels darker overlaps by 0.924 and 0.899.

use super::detector::{Detector, SCORE_THRESHOLD, WINDOW_SIDE};
use super::{FaceBox, FacesError};
use crate::media::GrayImage;

/// Where a face is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// Every frame whole.
    Full,
    /// Round the last box first; the whole frame now and then.
    #[default]
    Near,
}

/// Which of several faces is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// The detector's first, on each frame alone (published).
    First,
    /// The one nearest to the last frame's; without one, the largest.
    #[default]
    Nearest,
}

/// Frames between two full searches: one second.
const FULL_SEARCH_EVERY: u32 = 25;
/// A face is followed through this many frames without it; after that the largest counts again.
const REMEMBERED_FRAMES: u32 = 25;
/// The region round the last box has this many times its side.
const REGION_SIDES: f64 = 2.0;
/// In the region the face is reduced to this many pixels: enough for a box that is exact to one or two pixels.
const REGION_FACE_SIDE: f64 = 72.0;
/// Pixels of a reduced frame, about 320 x 240.
const REDUCED_PIXELS: f64 = 76_800.0;

/// Finds the speaker's face in each frame of a clip.
#[derive(Debug)]
pub struct Finder {
    detector: Detector,
    search: Search,
    follow: Follow,
    last: Option<FaceBox>,
    frames_since_last: u32,
    frames_since_full: u32,
}

impl Finder {
    /// A finder for one clip.
    pub fn new(search: Search, follow: Follow) -> Result<Self, FacesError> {
        let detector = Detector::new(SCORE_THRESHOLD)?;
        Ok(Self { detector, search, follow, last: None, frames_since_last: 0, frames_since_full: FULL_SEARCH_EVERY })
    }

    /// The face of the next frame.
    pub fn find(&mut self, frame: &GrayImage) -> Result<Option<FaceBox>, FacesError> {
        let found = match self.search {
            Search::Full => self.in_part(frame, Part::whole(frame, 1.0))?,
            Search::Near => self.near(frame)?,
        };
        self.remember(found);
        Ok(found)
    }

    fn near(&mut self, frame: &GrayImage) -> Result<Option<FaceBox>, FacesError> {
        self.frames_since_full += 1;
        if self.frames_since_full > FULL_SEARCH_EVERY {
            self.frames_since_full = 0;
            return self.in_part(frame, Part::whole(frame, 1.0));
        }
        if let Some(last) = self.last.filter(|_| self.frames_since_last == 0) {
            let found = self.in_part(frame, Part::round(frame, &last))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let pixels = (frame.width * frame.height) as f64;
        self.in_part(frame, Part::whole(frame, (REDUCED_PIXELS / pixels).sqrt().min(1.0)))
    }

    /// Detects in a part of the frame and chooses.
    fn in_part(&mut self, frame: &GrayImage, part: Part) -> Result<Option<FaceBox>, FacesError> {
        let image = part.image(frame);
        let boxes = self.detector.detect(&image)?;
        let boxes: Vec<FaceBox> = boxes.iter().map(|face| part.in_frame(face)).collect();
        Ok(self.choose(&boxes))
    }

    fn choose(&self, boxes: &[FaceBox]) -> Option<FaceBox> {
        match (self.follow, self.last) {
            (Follow::First, _) => boxes.first().copied(),
            (Follow::Nearest, Some(last)) => boxes.iter().min_by_key(|face| distance(face, &last)).copied(),
            // the first of equally large ones, which is the surest
            (Follow::Nearest, None) => boxes.iter().rev().max_by_key(|face| face.area()).copied(),
        }
    }

    fn remember(&mut self, found: Option<FaceBox>) {
        if found.is_some() {
            self.last = found;
            self.frames_since_last = 0;
            return;
        }
        self.frames_since_last += 1;
        if self.frames_since_last > REMEMBERED_FRAMES {
            self.last = None;
        }
    }
}

/// Squared distance of the centres, in quarter pixels.
fn distance(a: &FaceBox, b: &FaceBox) -> i64 {
    let ([a_x, a_y], [b_x, b_y]) = (a.double_center(), b.double_center());
    (a_x - b_x).pow(2) + (a_y - b_y).pow(2)
}

/// A rectangle of the frame and how much it is reduced for the detector.
#[derive(Clone, Copy)]
struct Part {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    reduced: [usize; 2],
}

impl Part {
    fn whole(frame: &GrayImage, scale: f64) -> Self {
        Self::new([0, 0], [frame.width, frame.height], scale)
    }

    /// A square round `face`, cut at the border.
    fn round(frame: &GrayImage, face: &FaceBox) -> Self {
        let side = f64::from(face.width.max(face.height).max(WINDOW_SIDE as i32));
        let half = (side * REGION_SIDES / 2.0) as i64;
        let [x, y] = face.double_center();
        let cut = |double: i64, length: usize| {
            let clamp = |place: i64| place.clamp(0, length as i64) as usize;
            (clamp(double / 2 - half), clamp(double / 2 + half))
        };
        let ((left, right), (top, bottom)) = (cut(x, frame.width), cut(y, frame.height));
        Self::new([left, top], [right - left, bottom - top], (REGION_FACE_SIDE / side).min(1.0))
    }

    fn new([left, top]: [usize; 2], [width, height]: [usize; 2], scale: f64) -> Self {
        let reduced = [width, height].map(|side| (side as f64 * scale).round() as usize);
        Self { left, top, width, height, reduced }
    }

    /// The part as the detector sees it. Halving first keeps the reduction from skipping pixels.
    fn image(&self, frame: &GrayImage) -> GrayImage {
        let line = |row: usize| &frame.pixels[row * frame.width + self.left..][..self.width];
        let pixels = (self.top..self.top + self.height).flat_map(line).copied().collect();
        let mut image = GrayImage { width: self.width, height: self.height, pixels };
        while image.width >= 2 * self.reduced[0] && image.height >= 2 * self.reduced[1] && self.reduced[0] > 0 {
            let (width, height) = (image.width / 2, image.height / 2);
            image = even(image).resized(width, height);
        }
        image.resized(self.reduced[0], self.reduced[1])
    }

    /// A box of the reduced part as a box of the frame.
    fn in_frame(&self, face: &FaceBox) -> FaceBox {
        let scales = [self.width as f64 / self.reduced[0] as f64, self.height as f64 / self.reduced[1] as f64];
        let along = |value: i32, axis: usize| (f64::from(value) * scales[axis]).round() as i32;
        FaceBox {
            x: along(face.x, 0) + self.left as i32,
            y: along(face.y, 1) + self.top as i32,
            width: along(face.width, 0),
            height: along(face.height, 1),
            score: face.score,
        }
    }
}

/// Without the last column or row where their number is odd, so that halving is exact.
fn even(image: GrayImage) -> GrayImage {
    let (width, height) = (image.width & !1, image.height & !1);
    if (width, height) == (image.width, image.height) {
        return image;
    }
    let pixels = image.pixels.chunks_exact(image.width).take(height).flat_map(|row| &row[..width]).copied().collect();
    GrayImage { width, height, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Movie;

    fn face(x: i32, y: i32, side: i32, score: f64) -> FaceBox {
        FaceBox { x, y, width: side, height: side, score }
    }

    #[test]
    fn the_nearest_face_is_followed_and_the_largest_starts() {
        let mut finder = Finder::new(Search::Full, Follow::Nearest).expect("the model is inside");
        let both = [face(0, 0, 40, 9.0), face(100, 100, 60, 5.0)];
        assert_eq!(finder.choose(&both), Some(both[1]));
        finder.remember(Some(face(10, 10, 40, 1.0)));
        assert_eq!(finder.choose(&both), Some(both[0]));
    }

    #[test]
    fn published_takes_the_first_whatever_came_before() {
        let mut finder = Finder::new(Search::Full, Follow::First).expect("the model is inside");
        finder.remember(Some(face(100, 100, 60, 1.0)));
        let both = [face(0, 0, 40, 9.0), face(100, 100, 60, 5.0)];
        assert_eq!(finder.choose(&both), Some(both[0]));
    }

    #[test]
    fn a_face_that_is_gone_for_a_second_is_forgotten() {
        let mut finder = Finder::new(Search::Full, Follow::Nearest).expect("the model is inside");
        finder.remember(Some(face(0, 0, 40, 1.0)));
        (0..REMEMBERED_FRAMES).for_each(|_| finder.remember(None));
        assert!(finder.last.is_some());
        finder.remember(None);
        assert!(finder.last.is_none());
    }

    #[test]
    fn a_box_of_a_part_lands_where_it_was_in_the_frame() {
        let frame = GrayImage::black(640, 480);
        // a face of 144 pixels is reduced to 72: scale 1/2; the region is 288 wide and starts at 300 - 144 = 156
        let part = Part::round(&frame, &face(228, 128, 144, 1.0));
        assert_eq!((part.left, part.top, part.width, part.height, part.reduced), (156, 56, 288, 288, [144, 144]));
        let back = part.in_frame(&face(36, 36, 72, 1.0));
        assert_eq!((back.x, back.y, back.width), (228, 128, 144));
    }

    #[test]
    fn a_region_at_the_corner_is_cut() {
        let frame = GrayImage::black(200, 100);
        let part = Part::round(&frame, &face(180, 80, 40, 1.0));
        assert_eq!((part.left, part.top, part.width, part.height), (160, 60, 40, 40));
        assert_eq!((part.image(&frame).width, part.image(&frame).height), (40, 40));
    }

    #[test]
    fn the_panel_in_the_demo_clip_hides_the_face() {
        let clip = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/speaker.mp4");
        let mut finder = Finder::new(Search::Near, Follow::Nearest).expect("the model is inside");
        let frames = Movie::open(clip).and_then(|movie| movie.frames()).expect("the demo clip is whole");
        let found: Vec<bool> = frames
            .map(|frame| finder.find(&frame.expect("it is whole").picture.to_gray()).expect("no panic").is_some())
            .collect();
        // 204 to 236 of the original, from frame 125 on, are wholly covered
        assert!(found[..70].iter().all(|found| *found), "the face is there: {found:?}");
        assert!(found[204 - 125..=236 - 125].iter().all(|found| !found), "the panel is there: {found:?}");
        assert!(found[122..].iter().all(|found| *found), "the face is back: {found:?}");
    }
}
