//! A PTX module after parsing: instructions as plain numbers, nothing left to look up while it runs.
//!
//! In:  what [`super::parse`] and the families of instructions made.
//! Out: what [`super::machine`] runs.

use super::fragments::{MatrixCopy, MatrixProduct, WideFragment};
pub use super::kinds::{
    Address, DYNAMIC_SHARED, GLOBAL, IMAGE, LOCAL, PARAMETERS, STATIC_SHARED, Source, Space, Special, Type,
};
use std::collections::BTreeMap;

/// Lanes of a plane (a warp).
pub const LANES: usize = 32;
/// One value per lane.
pub type Lanes = [u64; LANES];

/// Why a module was refused or a launch stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the PTX text, counted from one; 0 where none is to blame.
    pub line: usize,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl Fault {
    /// A fault of a line.
    pub fn new(line: u32, message: impl Into<String>) -> Self {
        Self { line: line as usize, message: message.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PTX line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Fault {}

/// One value into another: what is done to operands before and to a result after.
pub type Touch = fn(u64) -> u64;

/// One lane's arithmetic: up to four operands in, the destination's bits out.
pub type Function = fn([u64; 4]) -> u64;

/// Arithmetic lane by lane.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// The operation.
    pub function: Function,
    /// Its operands; those not needed are immediates.
    pub sources: [Source; 4],
    /// The register written.
    pub destination: u32,
    /// Applied to every operand first: `.ftz`.
    pub before: Option<Touch>,
    /// Applied to the result: `.ftz`, `.sat`, `.relu`.
    pub after: Option<Touch>,
}

/// A load or store of one to eight elements.
#[derive(Clone, Debug)]
pub struct Access {
    /// The memory named.
    pub space: Space,
    /// Where.
    pub address: Address,
    /// The type of one element.
    pub kind: Type,
    /// The registers read or written, in order; `None` is the sink `_`.
    pub values: Vec<Option<Source>>,
    /// Bytes of a destination register, to which narrower values are widened.
    pub register_bytes: usize,
    /// Whether the access is ordered like an atomic one (`.relaxed`, `.acquire`, `.release`, `.volatile`).
    pub is_ordered: bool,
}

/// A read-modify-write.
#[derive(Clone, Copy, Debug)]
pub struct Atomic {
    /// The memory named.
    pub space: Space,
    /// Where.
    pub address: Address,
    /// Bytes changed.
    pub bytes: usize,
    /// New value from the old one and the operands.
    pub function: Function,
    /// The operands.
    pub operands: [Source; 2],
    /// Where the old value goes.
    pub destination: Option<u32>,
}

/// How a shuffle finds its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum ShuffleMode {
    Up,
    Down,
    Bfly,
    Idx,
}

/// What a vote or a reduction over lanes computes.
#[derive(Clone, Copy, Debug)]
pub enum Gathering {
    /// `vote.all`.
    All,
    /// `vote.any`.
    Any,
    /// `vote.uni`.
    Uniform,
    /// `vote.ballot`.
    Ballot,
    /// `match.any`, by this many bits.
    MatchAny(u32),
    /// `match.all`, by this many bits; the second register tells whether all agree.
    MatchAll(u32, Option<u32>),
    /// `redux`: two values into one.
    Reduce(Function),
}

/// An asynchronous copy from global to shared memory.
#[derive(Clone, Copy, Debug)]
pub struct CopyAsync {
    /// Shared memory written.
    pub target: Address,
    /// Global memory read.
    pub origin: Address,
    /// Bytes written.
    pub bytes: usize,
    /// Bytes read; the rest becomes zero.
    pub read_bytes: Source,
}

/// Everything a plane can be told to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Arithmetic.
    Scalar(Scalar),
    /// A register the compiler left open on purpose: it gets a pattern that is NaN in every float format.
    Open(u32),
    /// Memory to registers.
    Load(Access),
    /// Registers to memory.
    Store(Access),
    /// Read-modify-write.
    Atomic(Atomic),
    /// Go on at a label; only while a routine is read.
    BranchTo(String),
    /// Go on at a label of a named table; only while a routine is read.
    BranchInto(Source, String),
    /// Go on at an instruction.
    Branch(u32),
    /// Go on at the instruction of the table that the register chooses.
    BranchTable(Source, Vec<u32>),
    /// Run a function: its number, pairs of frame offsets and lengths `(from, to, bytes)` into and out of it.
    Call {
        /// The function's name until the module is whole.
        name: String,
        /// The function's number.
        function: usize,
        /// Offsets of the arguments in the caller's frame.
        arguments: Vec<u32>,
        /// Offsets of the results in the caller's frame.
        results: Vec<u32>,
    },
    /// Back to the caller, or the end of the kernel.
    Return,
    /// The end of the kernel.
    Exit,
    /// A stop on purpose.
    Trap,
    /// Waits for the units of the cube: number, and units expected where not all.
    Barrier {
        /// The barrier's number.
        number: Source,
        /// How many units take part.
        units: Option<Source>,
    },
    /// Waits for lanes of the plane.
    PlaneBarrier(Source),
    /// The lanes that execute together.
    ActiveMask(u32),
    /// A value of another lane.
    Shuffle {
        /// How the partner is found.
        mode: ShuffleMode,
        /// Register for the value.
        destination: u32,
        /// Register for whether the partner was in range.
        in_range: Option<u32>,
        /// Value, lane operand, clamp, member mask.
        sources: [Source; 4],
    },
    /// One result from a value of every lane.
    Gather {
        /// What is computed.
        gathering: Gathering,
        /// Register for the result.
        destination: u32,
        /// The value.
        source: Source,
        /// The lanes that take part.
        members: Source,
    },
    /// The lane chosen by `elect.sync`.
    Elect {
        /// Register for its number.
        lane: Option<u32>,
        /// Register for whether this lane is it.
        is_chosen: u32,
        /// The lanes that take part.
        members: Source,
    },
    /// Asynchronous copy.
    CopyAsync(CopyAsync),
    /// Closes a group of asynchronous copies.
    CommitCopies,
    /// Waits until at most this many groups are open; `None` waits for all copies, committed or not.
    WaitCopies(Option<u64>),
    /// `ldmatrix`.
    LoadMatrix(MatrixCopy),
    /// `stmatrix`.
    StoreMatrix(MatrixCopy),
    /// `mma` and `wmma.mma`.
    Product(MatrixProduct),
    /// `wmma.load`.
    LoadFragment(WideFragment),
    /// `wmma.store`.
    StoreFragment(WideFragment),
    /// Fences and hints: memory is in order here.
    Nothing,
}

/// One instruction, or a part of one that writes several registers.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The predicate and whether it is negated.
    pub guard: Option<(u32, bool)>,
    /// What is done.
    pub action: Action,
    /// Line of the text.
    pub line: u32,
    /// Index of the opcode's name; `None` for further parts of one instruction.
    pub opcode: Option<u32>,
    /// For branches: where lanes that part here meet again.
    pub meeting: u32,
}

/// A parameter or result: its place and size.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Byte offset in the kernel's parameters or the function's frame.
    pub offset: u32,
    /// Bytes.
    pub bytes: u32,
}

/// A kernel or a device function.
#[derive(Clone, Debug, Default)]
pub struct Routine {
    /// Its name.
    pub name: String,
    /// Whether it can be launched.
    pub is_entry: bool,
    /// What it takes.
    pub parameters: Vec<Slot>,
    /// What it gives back.
    pub results: Vec<Slot>,
    /// Registers it needs.
    pub register_count: u32,
    /// Names of the registers, for messages.
    pub register_names: Vec<String>,
    /// Bytes per lane for its variables.
    pub frame_bytes: u32,
    /// Instructions in order; the last one returns.
    pub code: Vec<Instruction>,
    /// Index of its first instruction among all of the module.
    pub first: usize,
    /// Units of a cube where the kernel fixes them.
    pub required_units: Option<[u32; 3]>,
}

/// A parsed module, ready to run.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Kernels and functions.
    pub routines: Vec<Routine>,
    /// Constants and module variables as they are at the start of a launch.
    pub image: Vec<u8>,
    /// Bytes of shared memory with a fixed size.
    pub static_shared_bytes: usize,
    /// Names of the opcodes met.
    pub opcodes: Vec<String>,
    /// Bytes of the narrowest element that loads and stores move.
    pub granule: usize,
    /// Instructions of all routines.
    pub instruction_count: usize,
    pub(super) names: BTreeMap<String, usize>,
}

/// The register every routine has for the carry of extended arithmetic.
pub const CARRY: u32 = 0;
/// Its spare, for a carry that is found before the result is written.
pub const NEXT_CARRY: u32 = 1;
