//! From face crops to what the three face networks are fed.
//!
//! In:  crops of 128x128 in colour.
//! Out: `[faces, 3, 224, 224]`: the crop's grey, enlarged, three times, each normalised with another channel's statistics.
//! Source: steps 6 and 7 of the face path; `pre/normalise_lut.npy` and the cases of the golden networks hold it.
//!
//! Published behaviour: all three networks see the same grey tensor, although one was trained on plain grey in [0, 1] and
//! the other two on colour (defects 7 and 8).

use burn::tensor::{Device, Tensor, TensorData};

use crate::faces::{NETWORK_SIDE, network_gray};
use crate::media::{ColorImage, GrayImage};

/// Mean of red, green and blue over ImageNet.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation likewise.
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// What a grey level becomes in each channel.
pub fn normalised_levels() -> [[f32; 256]; 3] {
    let level = |channel: usize, level: usize| (level as f32 / 255.0 - MEAN[channel]) / DEVIATION[channel];
    std::array::from_fn(|channel| std::array::from_fn(|grey| level(channel, grey)))
}

/// The input of the face networks.
///
/// # Shapes
/// - returns: `[faces, 3, 224, 224]`
pub fn input_from_faces(crops: &[ColorImage], device: &Device) -> Tensor<4> {
    let grays: Vec<GrayImage> = crops.iter().map(network_gray).collect();
    input_from_grays(&grays, device)
}

/// The same from the enlarged grey of each face, 224x224.
pub fn input_from_grays(grays: &[GrayImage], device: &Device) -> Tensor<4> {
    let levels = normalised_levels();
    let mut values = Vec::with_capacity(grays.len() * 3 * NETWORK_SIDE * NETWORK_SIDE);
    for gray in grays {
        for channel in &levels {
            values.extend(gray.pixels.iter().map(|level| channel[usize::from(*level)]));
        }
    }
    let shape = [grays.len(), 3, NETWORK_SIDE, NETWORK_SIDE];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_channels_are_one_grey_normalised_three_ways() {
        let black = ColorImage::black(128, 128);
        let white = ColorImage { pixels: vec![255; 128 * 128 * 3], ..black.clone() };
        let input = input_from_faces(&[black, white], &Device::flex());
        assert_eq!(input.dims(), [2, 3, 224, 224]);
        // (0 - 0.485) / 0.229, and (1 - 0.406) / 0.225 in the middle, away from the darker border rows
        let pixel = |face: usize, channel: usize| {
            let part = input.clone().slice([face..face + 1, channel..channel + 1, 100..101, 100..101]);
            part.into_scalar::<f32>()
        };
        assert!((pixel(0, 0) + 2.117_904).abs() < 1e-5);
        assert!((pixel(1, 2) - 2.64).abs() < 1e-5);
    }
}
