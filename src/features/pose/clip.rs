//! Five frames as the video network sees them.
//!
//! In:  frames of any size, blue, green, red.
//! Out: `[clips, 3, 4, 224, 224]`, red, green, blue, in [0, 1].
//! Source: section 7.1 of the published preparation; `resize_only.npy` and `frames_resized_first.npy` hold it.

use burn::tensor::{Device, Tensor, TensorData};

use crate::faces::NETWORK_SIDE;
use crate::features::FRAMES_PER_POSE;
use crate::media::ColorImage;

/// Frames of a clip that the network sees: two pairs; the fifth is left out by its first layer.
pub const SEEN_FRAMES: usize = 4;

/// Numbers of a plane.
const PLANE: usize = NETWORK_SIDE * NETWORK_SIDE;

/// What the network sees of five frames.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseClip {
    /// `[3, 4, 224, 224]`, row-major.
    values: Vec<f32>,
}

impl PoseClip {
    /// From the five frames of one row of the stream, in order.
    pub fn from_frames(frames: [&ColorImage; FRAMES_PER_POSE]) -> Self {
        let mut values = vec![0.0; 3 * SEEN_FRAMES * PLANE];
        for (number, frame) in frames.into_iter().take(SEEN_FRAMES).enumerate() {
            for (channel, plane) in squashed(frame).chunks_exact(PLANE).enumerate() {
                values[(channel * SEEN_FRAMES + number) * PLANE..][..PLANE].copy_from_slice(plane);
            }
        }
        Self { values }
    }
}

/// # Shapes
/// - returns: `[clips, 3, 4, 224, 224]`
pub fn input_from_clips(clips: &[PoseClip], device: &Device) -> Tensor<5> {
    let values: Vec<f32> = clips.iter().flat_map(|clip| &clip.values).copied().collect();
    let shape = [clips.len(), 3, SEEN_FRAMES, NETWORK_SIDE, NETWORK_SIDE];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A frame of 224x224 in [0, 1]: bilinear without anti-aliasing, half-pixel centres, nothing rounded.
///
/// # Shapes
/// - returns: `[3, 224, 224]`, red first
pub fn squashed(frame: &ColorImage) -> Vec<f32> {
    let (columns, rows) = (taps(frame.width, NETWORK_SIDE), taps(frame.height, NETWORK_SIDE));
    let mut values = vec![0.0; 3 * PLANE];
    if frame.pixels.is_empty() {
        return values;
    }
    for (y, row) in rows.iter().enumerate() {
        for (x, column) in columns.iter().enumerate() {
            for (channel, value) in pixel(frame, row, column).into_iter().enumerate() {
                values[channel * PLANE + y * NETWORK_SIDE + x] = value;
            }
        }
    }
    values
}

/// Two neighbours on an axis, and the weight of the second.
struct Tap {
    first: usize,
    second: usize,
    weight: f32,
}

fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    let tap = |place: usize| {
        let exact = ((place as f32 + 0.5) * scale - 0.5).max(0.0);
        let first = (exact as usize).min(from.saturating_sub(1));
        Tap { first, second: (first + 1).min(from.saturating_sub(1)), weight: exact - first as f32 }
    };
    (0..to).map(tap).collect()
}

/// Red, green and blue between four pixels.
fn pixel(frame: &ColorImage, row: &Tap, column: &Tap) -> [f32; 3] {
    let at = |y: usize, x: usize, channel: usize| {
        // Stored are blue, green, red.
        f32::from(frame.pixels[(y * frame.width + x) * 3 + 2 - channel]) / 255.0
    };
    let between = |a: f32, b: f32, weight: f32| (1.0 - weight) * a + weight * b;
    std::array::from_fn(|channel| {
        let line = |y: usize| between(at(y, column.first, channel), at(y, column.second, channel), column.weight);
        between(line(row.first), line(row.second), row.weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_comes_first_and_borders_repeat() {
        // two columns: pure blue, pure red
        let frame = ColorImage { width: 2, height: 1, pixels: vec![255, 0, 0, 0, 0, 255] };
        let values = squashed(&frame);
        let row = |channel: usize| &values[channel * PLANE..][..NETWORK_SIDE];
        assert_eq!((row(0)[0], row(0)[223], row(2)[0], row(2)[223]), (0.0, 1.0, 1.0, 0.0));
        // target 112: (112.5 * 2 / 224 - 0.5) = 0.504464 of the way from blue to red
        assert!((row(0)[112] - 0.504_464_3).abs() < 1e-6);
        assert!(row(1).iter().all(|green| *green == 0.0));
    }

    #[test]
    fn the_fifth_frame_is_not_seen() {
        let (black, white) =
            (ColorImage::black(8, 8), ColorImage { pixels: vec![255; 192], ..ColorImage::black(8, 8) });
        let clip = |fifth| PoseClip::from_frames([&black, &black, &black, &white, fifth]);
        assert_eq!(clip(&black), clip(&white));
        let input = input_from_clips(&[clip(&black)], &Device::flex());
        assert_eq!(input.dims(), [1, 3, 4, 224, 224]);
        let frame = |number: usize| input.clone().slice([0..1, 1..2, number..number + 1]).mean().into_scalar::<f32>();
        assert_eq!(vec![frame(2), frame(3)], [0.0, 1.0]);
    }
}
