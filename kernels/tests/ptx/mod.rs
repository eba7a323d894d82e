//! A machine that runs PTX without a GPU, so that kernels are tested as LLVM lowered them.
//!
//! In:  the text of a PTX module, the size of a launch, arguments as bytes, and a [`Memory`].
//! Out: the memory as the kernel leaves it and a [`Report`] of what it did; or a [`Fault`] that names the line: an
//! access outside its memory or misaligned, a register read before it was written, a race, a barrier nobody completes,
//! or an instruction that is not known. Nothing is passed over in silence.
//!
//! Planes of 32 lanes run in lockstep. Lanes that part at a branch meet again at the nearest instruction every way
//! leads through, as the hardware's compiler arranges it. Cubes run one after the other, planes in turn; a run is the
//! same every time.
//! Source: NVIDIA, "PTX ISA", versions 7 and 8.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of this")]

mod access;
mod arithmetic;
mod bits;
mod carries;
mod compare;
mod convert;
mod core;
mod cursor;
mod decode;
mod floats;
mod flow;
mod fragments;
mod kinds;
mod lexer;
mod machine;
mod matrix;
mod matrix_forms;
mod memory;
mod memory_forms;
mod moves;
mod numbers;
mod operand;
mod parse;
mod plane;
mod plane_forms;
mod program;
mod registers;
mod report;
mod routine;
mod shadow;
mod ways;

pub use machine::{Argument, Checks, Grid, cubecl_arguments, launch, launch_checked};
pub use memory::Memory;
pub use program::{Fault, Module};
pub use report::{Report, Tally};
