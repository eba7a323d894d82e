//! From a box to a crop of 128x128.
//!
//! In:  a frame in colour and a box.
//! Out: the crop in colour, the grey of 224x224 that networks are fed, or nothing where the box lies outside.
//! Source: section 2.4 of the face path. `tests/parity_images.rs` holds the published crop against
//! `crop_square.json` and the steps after it against `pre/`, all without tolerance.
//!
//! Published behaviour: the square is cut at the image's border and the rest is stretched to 128x128
//! ([`CropStyle::Published`]). Departure: [`CropStyle::Padded`] keeps the square and fills what lies outside with black.
//! Departure: a box wholly outside the image counts as no face; the published slice counts from the far edge there, or
//! stops the run.

use std::ops::Range;

use super::FaceBox;
use crate::media::{ColorImage, GrayImage};

/// The side of a face crop.
pub const FACE_SIDE: usize = 128;
/// The side of what the published face networks are fed.
pub const NETWORK_SIDE: usize = 224;

/// What happens to a square that leaves the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CropStyle {
    /// Cut at the border, then stretched.
    #[default]
    Published,
    /// Kept square; outside is black.
    Padded,
}

/// Columns and rows of the published crop in an image of that size; `None` where nothing of the square is inside.
pub fn crop_bounds(face: &FaceBox, width: usize, height: usize) -> Option<(Range<usize>, Range<usize>)> {
    let [columns, rows] = square(face);
    Some((inside(&columns, width)?, inside(&rows, height)?))
}

/// The square round the centre of a box: half the longer side each way, in whole pixels.
fn square(face: &FaceBox) -> [Range<i64>; 2] {
    let half = i64::from(face.width.max(face.height)).div_euclid(2);
    let around = |start: i32, length: i32| {
        let center = i64::from(start) + i64::from(length).div_euclid(2);
        center - half..center + half
    };
    [around(face.x, face.width), around(face.y, face.height)]
}

fn inside(range: &Range<i64>, length: usize) -> Option<Range<usize>> {
    let (start, end) = (range.start.max(0), range.end.min(length as i64));
    (start < end).then_some(start as usize..end as usize)
}

/// The face of a frame, 128x128, in colour; `None` where nothing of the box is inside the frame.
pub fn face_from_frame(frame: &ColorImage, face: &FaceBox, style: CropStyle) -> Option<ColorImage> {
    let (columns, rows) = crop_bounds(face, frame.width, frame.height)?;
    let crop = match style {
        CropStyle::Published => cut(frame, columns, rows),
        CropStyle::Padded => padded(frame, face, columns, rows),
    };
    Some(crop.resized(FACE_SIDE, FACE_SIDE))
}

fn cut(frame: &ColorImage, columns: Range<usize>, rows: Range<usize>) -> ColorImage {
    let line =
        |row: usize| &frame.pixels[(row * frame.width + columns.start) * 3..(row * frame.width + columns.end) * 3];
    ColorImage { width: columns.len(), height: rows.len(), pixels: rows.clone().flat_map(line).copied().collect() }
}

/// The whole square, black outside the frame. A square much larger than the frame is first cut to a frame's length
/// beyond it on each side, so that a wild box cannot ask for memory.
fn padded(frame: &ColorImage, face: &FaceBox, columns: Range<usize>, rows: Range<usize>) -> ColorImage {
    let [wide, high] = square(face);
    let limit = 3 * frame.width.max(frame.height) as i64;
    let side = (wide.end - wide.start).min(limit) as usize;
    let place = |start: usize, outer: &Range<i64>| ((start as i64 - outer.start).max(0) as usize).min(side);
    let (left, top) = (place(columns.start, &wide), place(rows.start, &high));
    let mut crop = ColorImage::black(side, side);
    for (row, target) in rows.clone().zip(top..side) {
        let count = columns.len().min(side - left) * 3;
        let source = (row * frame.width + columns.start) * 3;
        crop.pixels[(target * side + left) * 3..][..count].copy_from_slice(&frame.pixels[source..source + count]);
    }
    crop
}

/// What the published networks see of a face crop: its grey, enlarged to 224x224.
pub fn network_gray(face: &ColorImage) -> GrayImage {
    face.to_gray().resized(NETWORK_SIDE, NETWORK_SIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: i32, y: i32, width: i32, height: i32) -> FaceBox {
        FaceBox { x, y, width, height, score: 1.0 }
    }

    #[test]
    fn an_odd_side_loses_one_pixel() {
        // L = 95, half = 47, centre = 201 + 47 = 248: columns 201 to 294, 94 of them
        assert_eq!(crop_bounds(&face(201, 101, 95, 95), 640, 480), Some((201..295, 101..195)));
    }

    #[test]
    fn a_box_outside_the_image_is_no_face() {
        let frame = ColorImage::black(64, 48);
        for outside in [face(-90, 0, 40, 40), face(0, -90, 40, 40), face(64, 0, 40, 40), face(3, 3, 1, 1)] {
            assert_eq!(face_from_frame(&frame, &outside, CropStyle::Published), None, "{outside:?}");
            assert_eq!(face_from_frame(&frame, &outside, CropStyle::Padded), None, "{outside:?}");
        }
    }

    #[test]
    fn at_the_border_published_stretches_and_padded_stays_square() {
        // a white frame; the right half of the square lies outside
        let frame = ColorImage { pixels: vec![255; 64 * 64 * 3], ..ColorImage::black(64, 64) };
        let half_outside = face(44, 10, 40, 40);
        let published = face_from_frame(&frame, &half_outside, CropStyle::Published).expect("half of it is inside");
        assert!(published.pixels.iter().all(|value| *value >= 254), "only frame is seen");
        let padded = face_from_frame(&frame, &half_outside, CropStyle::Padded).expect("half of it is inside");
        let row = &padded.pixels[64 * FACE_SIDE * 3..][..FACE_SIDE * 3];
        assert!(row[..60 * 3].iter().all(|value| *value == 255), "the left half is frame");
        assert!(row[68 * 3..].iter().all(|value| *value == 0), "the right half is black");
    }

    #[test]
    fn a_box_inside_is_cropped_alike_in_both_styles() {
        let pixels = (0..64 * 64 * 3).map(|place| (place * 7 % 251) as u8).collect();
        let frame = ColorImage { pixels, ..ColorImage::black(64, 64) };
        let inside = face(8, 9, 40, 40);
        let both = [CropStyle::Published, CropStyle::Padded].map(|style| face_from_frame(&frame, &inside, style));
        assert_eq!(both[0], both[1]);
    }
}
