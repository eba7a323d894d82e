//! The words instructions are made of: types, hardware values, operands, addresses, memories.
//!
//! In:  names.
//! Out: plain values.

use std::cmp::Ordering;

/// The type an instruction names in its last parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Type {
    Pred,
    B8,
    B16,
    B32,
    B64,
    U8,
    U16,
    U32,
    U64,
    U16x2,
    S8,
    S16,
    S32,
    S64,
    S16x2,
    F16,
    F16x2,
    Bf16,
    Bf16x2,
    Tf32,
    F32,
    F64,
}

impl Type {
    /// The type of a name without its dot.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "pred" => Self::Pred,
            "b8" => Self::B8,
            "b16" => Self::B16,
            "b32" => Self::B32,
            "b64" => Self::B64,
            "u8" => Self::U8,
            "u16" => Self::U16,
            "u32" => Self::U32,
            "u64" => Self::U64,
            "u16x2" => Self::U16x2,
            "s16x2" => Self::S16x2,
            "s8" => Self::S8,
            "s16" => Self::S16,
            "s32" => Self::S32,
            "s64" => Self::S64,
            "f16" => Self::F16,
            "f16x2" => Self::F16x2,
            "bf16" => Self::Bf16,
            "bf16x2" => Self::Bf16x2,
            "tf32" => Self::Tf32,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => return None,
        })
    }

    /// Bytes in memory.
    pub fn bytes(self) -> usize {
        match self {
            Self::Pred | Self::B8 | Self::U8 | Self::S8 => 1,
            Self::B16 | Self::U16 | Self::S16 | Self::F16 | Self::Bf16 => 2,
            Self::B32
            | Self::U32
            | Self::S32
            | Self::U16x2
            | Self::S16x2
            | Self::F16x2
            | Self::Bf16x2
            | Self::Tf32
            | Self::F32 => 4,
            Self::B64 | Self::U64 | Self::S64 | Self::F64 => 8,
        }
    }

    /// Whether narrower values are widened with their sign.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::S8 | Self::S16 | Self::S32 | Self::S64)
    }

    /// Whether values are numbers with a fraction.
    pub fn is_float(self) -> bool {
        use Type::{Bf16, Bf16x2, F16, F16x2, F32, F64, Tf32};
        matches!(self, F16 | F16x2 | Bf16 | Bf16x2 | Tf32 | F32 | F64)
    }
}

/// What a register can be named as besides a number: the values the hardware hands each unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Special {
    Tid(usize),
    Ntid(usize),
    Ctaid(usize),
    Nctaid(usize),
    LaneId,
    WarpId,
    WarpCount,
    WarpSize,
    GridId,
    LaneMask(Ordering, bool),
    SharedBytes { dynamic_only: bool },
    Clock,
}

/// Where an operand's value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// A register of the function that runs.
    Register(u32),
    /// The same bits in every lane.
    Immediate(u64),
    /// The address of a variable in the frame of the function that runs.
    Frame(u32),
    /// A value the hardware hands out.
    Special(Special),
}

/// An address: a base and bytes added to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Address {
    /// The register or variable.
    pub base: Source,
    /// Bytes added.
    pub offset: i64,
}

/// Which memory an instruction says it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Space {
    Generic,
    Global,
    Shared,
    Local,
    Param,
    Const,
}

/// First address of the shared memory given at launch.
pub const DYNAMIC_SHARED: u64 = 0x0100_0000;
/// First address of shared variables with a size; far from the other, so that no overrun goes unseen.
pub const STATIC_SHARED: u64 = 0x0180_0000;
/// First address of a lane's own variables.
pub const LOCAL: u64 = 0x0200_0000;
/// First address of the kernel's parameters.
pub const PARAMETERS: u64 = 0x0300_0000;
/// First address of the module's constants and variables.
pub const IMAGE: u64 = 0x0400_0000;
/// First address of global memory.
pub const GLOBAL: u64 = 0x7f00_0000_0000;
