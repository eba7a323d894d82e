//! What an H.264 stream says about its pictures before the first one.
//!
//! In:  a sequence parameter set, as it stands in the `avcC` box.
//! Out: size and colour space, or an error that names what is not decoded here.
//! Source: ISO/IEC 14496-10, sections 7.3.2.1.1 and E.1.1.

use super::{ColorMatrix, ColorSpace, MediaError};

/// Size and colours of all pictures of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceFormat {
    /// Pixels in a row, after cropping.
    pub width: usize,
    /// Rows, after cropping.
    pub height: usize,
    /// What the numbers mean.
    pub color: ColorSpace,
}

/// Level 5.2 ends here; a larger picture would cost the decoder gigabytes.
const MOST_MACROBLOCKS: u64 = 36_864;
/// Profiles whose parameter sets name chroma format and bit depth.
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

impl SequenceFormat {
    /// Reads a parameter set, its NAL header included.
    pub fn read(unit: &[u8]) -> Result<Self, MediaError> {
        let mut bits = Bits::new(unit.get(1..).unwrap_or_default());
        let parsed = Self::parse(&mut bits);
        if bits.is_beyond_end() {
            return Err(MediaError::damaged("its H.264 parameter set is too short"));
        }
        parsed
    }

    fn parse(bits: &mut Bits) -> Result<Self, MediaError> {
        let profile = bits.number(8);
        bits.number(16); // constraints, level
        bits.golomb(); // id
        if HIGH_PROFILES.contains(&profile) {
            check_samples(bits)?;
        }
        bits.golomb(); // log2_max_frame_num
        skip_picture_order(bits);
        bits.golomb(); // reference frames
        bits.number(1);
        let width = u64::from(bits.golomb()) + 1;
        let mut height = u64::from(bits.golomb()) + 1;
        let is_progressive = bits.flag();
        if !is_progressive {
            height *= 2;
            if bits.flag() {
                let found = "interlaced pictures".to_owned();
                return Err(MediaError::PictureFormat { found, expected: "progressive pictures" });
            }
        }
        if width.saturating_mul(height) > MOST_MACROBLOCKS {
            let found = format!("pictures of {} x {} pixels", width * 16, height * 16);
            return Err(MediaError::PictureFormat { found, expected: "at most 9.4 million pixels" });
        }
        bits.number(1); // direct_8x8_inference
        let rows_per_crop = if is_progressive { 2 } else { 4 };
        let (width, height) = cropped(bits, width as usize * 16, height as usize * 16, rows_per_crop)?;
        let color = if bits.flag() { color_space(bits) } else { ColorSpace::default() };
        Ok(Self { width, height, color })
    }
}

/// Only 8 bits and one chroma sample per 2x2 pixels are decoded.
fn check_samples(bits: &mut Bits) -> Result<(), MediaError> {
    let chroma = bits.golomb();
    if chroma != 1 {
        let found = match chroma {
            0 => "no colour (4:0:0)".to_owned(),
            2 => "4:2:2 colour".to_owned(),
            3 => "4:4:4 colour".to_owned(),
            other => format!("chroma format {other}"),
        };
        return Err(MediaError::PictureFormat { found, expected: "4:2:0 colour" });
    }
    let depths = [bits.golomb(), bits.golomb()];
    if depths != [0, 0] {
        let found = format!("{} bits a sample", depths[0].saturating_add(8));
        return Err(MediaError::PictureFormat { found, expected: "8 bits a sample" });
    }
    bits.number(1);
    if bits.flag() {
        (0..8).for_each(|list| skip_scaling_list(bits, if list < 6 { 16 } else { 64 }));
    }
    Ok(())
}

fn skip_scaling_list(bits: &mut Bits, length: usize) {
    if !bits.flag() {
        return;
    }
    let (mut last, mut next) = (8, 8);
    for _ in 0..length {
        if next != 0 {
            next = bits.signed_golomb().wrapping_add(last).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
}

fn skip_picture_order(bits: &mut Bits) {
    match bits.golomb() {
        0 => {
            bits.golomb();
        }
        1 => {
            bits.number(1);
            bits.golomb();
            bits.golomb();
            let cycle = bits.golomb().min(255); // the standard's limit
            (0..cycle).for_each(|_| {
                bits.golomb();
            });
        }
        _ => {}
    }
}

/// Width and height after cropping at the right and at the bottom.
fn cropped(bits: &mut Bits, width: usize, height: usize, rows: usize) -> Result<(usize, usize), MediaError> {
    if !bits.flag() {
        return Ok((width, height));
    }
    let [left, right, top, bottom] = [0; 4].map(|_: u8| bits.golomb() as usize);
    if left != 0 || top != 0 {
        let found = "a picture cropped at the left or at the top".to_owned();
        return Err(MediaError::PictureFormat { found, expected: "cropping at the right and at the bottom only" });
    }
    if right * 2 >= width || bottom * rows >= height {
        return Err(MediaError::damaged("its H.264 parameter set crops the whole picture away"));
    }
    Ok((width - right * 2, height - bottom * rows))
}

/// The colour part of the usability information; what follows it does not matter here.
fn color_space(bits: &mut Bits) -> ColorSpace {
    const EXTENDED_ASPECT: u32 = 255;
    if bits.flag() && bits.number(8) == EXTENDED_ASPECT {
        bits.number(32);
    }
    if bits.flag() {
        bits.number(1); // overscan
    }
    let mut color = ColorSpace::default();
    if bits.flag() {
        bits.number(3); // video format
        color.is_full_range = bits.flag();
        if bits.flag() {
            bits.number(16); // primaries, transfer
            color.matrix = match bits.number(8) {
                1 => ColorMatrix::Bt709,
                9 | 10 => ColorMatrix::Bt2020,
                _ => ColorMatrix::Bt601,
            };
        }
    }
    color
}

/// Bits of a parameter set; beyond the end they read as 0.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    /// Takes out the bytes that keep start codes from appearing inside: the 3 of each 0, 0, 3.
    fn new(unit: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for &byte in unit {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn is_beyond_end(&self) -> bool {
        self.at > self.bytes.len() * 8
    }

    fn flag(&mut self) -> bool {
        let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        bit == 1
    }

    fn number(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |value, _| value << 1 | u32::from(self.flag()))
    }

    /// An unsigned Exp-Golomb number; at most 31 leading zeros are counted.
    fn golomb(&mut self) -> u32 {
        let mut zeros = 0;
        while zeros < 31 && !self.flag() {
            zeros += 1;
        }
        ((1_u32 << zeros) - 1).saturating_add(self.number(zeros))
    }

    fn signed_golomb(&mut self) -> i32 {
        let code = self.golomb();
        let size = code.div_ceil(2) as i32;
        if code % 2 == 1 { size } else { -size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golomb_numbers_count_their_zeros() {
        // 1 -> 0, 010 -> 1, 011 -> 2, 00100 -> 3; then signed 010 -> 1, 011 -> -1
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0100, 0b1100_0000]);
        assert_eq!([0; 4].map(|_: u8| bits.golomb()), [0, 1, 2, 3]);
        assert_eq!([0; 2].map(|_: u8| bits.signed_golomb()), [1, -1]);
    }

    #[test]
    fn a_full_color_stream_is_refused_by_name() {
        // profile 244, constraints and level, then golomb 0 (id), golomb 3 (chroma 4:4:4)
        let error = SequenceFormat::read(&[0x67, 244, 0, 30, 0b1001_0000, 0, 0]).expect_err("4:4:4");
        assert!(error.to_string().contains("4:4:4"), "{error}");
    }

    #[test]
    fn a_short_parameter_set_is_damage() {
        let error = SequenceFormat::read(&[0x67, 66, 0]).expect_err("nothing follows");
        assert!(matches!(error, MediaError::Damaged { .. }), "{error}");
    }
}
