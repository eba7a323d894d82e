//! What a device can do at most, and how near to it a piece of work came.
//!
//! On CUDA the limits come from the driver's numbers: multiprocessors, clocks and the width of the memory's bus. On a
//! processor nobody tells them, so a large product of matrices and a large copy are timed in the same run instead.
#![allow(dead_code, reason = "without a feature for a device nothing is timed")]

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use burn::tensor::{DType, Device, Tensor};
use unifr_kernels::driver::cuda_limits;

/// Work is repeated until this time is over, at least twice.
const LEAST_SECS: f64 = 1.0;

/// The most a device can do.
#[derive(Clone, Debug)]
pub struct Peak {
    /// Operations a second on 16-bit numbers with sums in `f32`; products and sums count one each.
    pub half_flops: f64,
    /// The same on `f32`.
    pub single_flops: f64,
    /// Bytes a second from and to memory.
    pub bytes: f64,
    /// Where the numbers come from.
    pub source: String,
}

/// Dense products on tensor cores, 16 bits in, `f32` sums: multiply-adds a clock and multiprocessor.
/// Source: NVIDIA's white papers of the architectures.
fn tensor_rate(capability: u32) -> u32 {
    match capability {
        70..=75 | 86..=89 => 512,
        80 => 1024,
        _ => 2048,
    }
}

/// `f32` lanes of a multiprocessor.
fn single_rate(capability: u32) -> u32 {
    if matches!(capability, 70..=80) { 64 } else { 128 }
}

impl Peak {
    /// Of the first CUDA device, if a driver answers.
    pub fn of_cuda() -> Option<Self> {
        let limits = cuda_limits(0)?;
        let clocks = f64::from(limits.multiprocessors) * f64::from(limits.clock_khz) * 1e3;
        Some(Self {
            half_flops: 2.0 * clocks * f64::from(tensor_rate(limits.capability)),
            single_flops: 2.0 * clocks * f64::from(single_rate(limits.capability)),
            // Memory transfers twice a clock.
            bytes: 2.0 * f64::from(limits.memory_clock_khz) * 1e3 * f64::from(limits.memory_bus_bits) / 8.0,
            source: format!(
                "{} multiprocessors at {} MHz, {} bits of memory at {} MHz, capability {}",
                limits.multiprocessors,
                limits.clock_khz / 1000,
                limits.memory_bus_bits,
                limits.memory_clock_khz / 1000,
                limits.capability
            ),
        })
    }

    /// Of any device, measured.
    pub fn measured(device: &Device) -> Self {
        const SIDE: usize = 1024;
        const NUMBERS: usize = 1 << 24;
        let matrix = Tensor::<2>::ones([SIDE, SIDE], device);
        let product = seconds(device, || drop(matrix.clone().matmul(matrix.clone())));
        let long = Tensor::<1>::ones([NUMBERS], device);
        let copy = seconds(device, || drop(long.clone().add_scalar(1.0)));
        let flops = 2.0 * (SIDE as f64).powi(3) / product;
        Self {
            half_flops: flops,
            single_flops: flops,
            bytes: 2.0 * 4.0 * NUMBERS as f64 / copy,
            source: format!("a product of matrices of {SIDE} x {SIDE} and a sum over 64 MB, timed here"),
        }
    }

    /// Seconds that the work takes at least.
    pub fn floor(&self, work: &Work) -> f64 {
        let flops = if work.element == DType::F32 { self.single_flops } else { self.half_flops };
        (work.flops / flops).max(work.bytes / self.bytes)
    }
}

/// What a piece of work cannot do without.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Operations.
    pub flops: f64,
    /// Bytes read and written once.
    pub bytes: f64,
    /// Type of the numbers.
    pub element: DType,
}

/// One timed piece of work.
pub struct Timed {
    pub name: String,
    pub shape: String,
    pub work: Work,
    pub seconds: f64,
}

/// The fastest of several runs, each until the device is done.
pub fn seconds(device: &Device, mut run: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        run();
        device.sync().expect("the device finishes");
        start.elapsed().as_secs_f64()
    };
    once();
    let clock = Instant::now();
    let (mut runs, mut fastest) = (0, f64::INFINITY);
    while runs < 2 || clock.elapsed().as_secs_f64() < LEAST_SECS {
        fastest = fastest.min(once());
        runs += 1;
    }
    fastest
}

/// Prints a table, and writes it as JSON where `--json FILE` asks for that.
pub fn report(device: &str, peak: &Peak, rows: &[Timed]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{device}: {}", peak.source)?;
    writeln!(
        out,
        "| What | Shape | ms | TFLOP/s | GB/s | share of the floor |\n| --- | --- | --- | --- | --- | --- |"
    )?;
    for Timed { name, shape, work, seconds } in rows {
        writeln!(
            out,
            "| {name} | {shape} | {:.3} | {:.3} | {:.1} | {:.0} % |",
            seconds * 1e3,
            work.flops / seconds / 1e12,
            work.bytes / seconds / 1e9,
            100.0 * peak.floor(work) / seconds
        )?;
    }
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--json") {
        let path = arguments.get(place + 1).map_or("bench.json", String::as_str);
        append(Path::new(path), device, peak, rows)?;
    }
    Ok(())
}

/// One line of JSON for each row.
fn append(path: &Path, device: &str, peak: &Peak, rows: &[Timed]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    for Timed { name, shape, work, seconds } in rows {
        writeln!(
            file,
            "{{\"device\": {device:?}, \"what\": {name:?}, \"shape\": {shape:?}, \"seconds\": {seconds:e}, \"flops\": {:e}, \
             \"bytes\": {:e}, \"floor_seconds\": {:e}}}",
            work.flops,
            work.bytes,
            peak.floor(work)
        )?;
    }
    Ok(())
}
