//! In which number format a run multiplies matrices.
//!
//! In:  what the config or the command line says, an opened device.
//! Out: a [`Precision`] and the reason in a few words.
//!
//! Whatever it is, weights, moments, norms, softmax, losses and everything between two products stay in `f32`.

use std::fmt;

use burn::tensor::FloatDType;

use super::{DeviceError, Opened};
use crate::config::PrecisionChoice;

/// The number format of matrix products and attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits everywhere.
    #[default]
    F32,
    /// 16 bits with the range of `f32` and 8 bits of precision.
    Bf16,
    /// 16 bits with 11 bits of precision and a small range: training scales its losses.
    F16,
}

impl Precision {
    /// The 16-bit type that operands are cast to; none for `f32`.
    pub fn half(self) -> Option<FloatDType> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(FloatDType::BF16),
            Self::F16 => Some(FloatDType::F16),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

impl Opened {
    /// The format to compute in, if all devices have it, and why that one.
    pub fn precision(&self, asked: PrecisionChoice) -> Result<(Precision, String), DeviceError> {
        let has = |precision: Precision| {
            let supports = |half: FloatDType| self.devices.iter().all(|device| device.supports_dtype(half));
            precision.half().is_none_or(supports)
        };
        let (precision, reason) = match asked {
            PrecisionChoice::F32 => (Precision::F32, "as asked"),
            PrecisionChoice::Bf16 => (Precision::Bf16, "as asked"),
            PrecisionChoice::F16 => (Precision::F16, "as asked"),
            PrecisionChoice::Auto if !self.is_gpu => (Precision::F32, "which a processor is fastest with"),
            PrecisionChoice::Auto if has(Precision::Bf16) => (Precision::Bf16, "which the device has"),
            PrecisionChoice::Auto => (Precision::F32, "since the device has no bf16"),
        };
        if !has(precision) {
            return Err(DeviceError::Precision { precision });
        }
        Ok((precision, format!("{precision}, {reason}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn opened(is_gpu: bool) -> Opened {
        Opened { devices: vec![Device::flex()], reason: String::new(), is_gpu }
    }

    #[test]
    fn a_processor_computes_in_f32_unless_asked_otherwise_and_a_gpu_in_bf16() {
        let chosen = |is_gpu, asked| opened(is_gpu).precision(asked).unwrap();
        let why = "f32, which a processor is fastest with".to_owned();
        assert_eq!(chosen(false, PrecisionChoice::Auto), (Precision::F32, why));
        assert_eq!(chosen(true, PrecisionChoice::Auto), (Precision::Bf16, "bf16, which the device has".into()));
        assert_eq!(chosen(false, PrecisionChoice::F16), (Precision::F16, "f16, as asked".into()));
        assert_eq!(chosen(true, PrecisionChoice::F32), (Precision::F32, "f32, as asked".into()));
    }
}
