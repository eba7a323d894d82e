//! The kernels of sampling as PTX for sm_80 and sm_90, without a GPU: what instructions they have, and, interpreted
//! instruction by instruction, that they draw and keep the same tokens as the processor, to the last bit, with any number of
//! units.
//!
//! With `UNIFR_PTXAS`, or `ptxas` in the path, its judgement of each kernel is printed.
#![cfg(feature = "cuda")]

mod noise;
mod ptx;

use std::process::Command;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use noise::noise;
use ptx::{Argument, Grid, Memory, Module, Report, launch};
use unifr_kernels::lowering::Lowered;
use unifr_kernels::sampling::{Drawn, Filter, Masking, Sampler, Ties, Unmasked, draw, lowered};

const ARCHITECTURES: [u32; 2] = [80, 90];
const ELEMENTS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

/// Runs a kernel over buffers.
fn run(kernel: &Lowered, buffers: &[u64], memory: &mut Memory) -> Report {
    let module = Module::parse(&kernel.ptx).expect("the interpreter knows every instruction");
    let bytes: Vec<u8> = kernel.info.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut arguments: Vec<_> = buffers.iter().copied().map(Argument::Pointer).collect();
    arguments.push(Argument::Bytes(bytes));
    let grid = Grid { cubes: kernel.cubes, units: [kernel.units, 1, 1] };
    launch(&module, &kernel.entry, grid, kernel.shared_bytes, &arguments, memory)
        .unwrap_or_else(|fault| panic!("{}: {fault:?}", kernel.name))
}

fn values(shape: [usize; 1], seed: u64) -> Vec<f32> {
    noise::<1>(shape, seed).into_data().iter::<f32>().collect()
}

/// Draws on the interpreter and on the processor; what the interpreter did.
fn draw_both(vocabulary: usize, filters: &[Filter], element: DType, units: u32) -> Report {
    let rows = 2 * filters.len();
    let mut logits: Vec<f32> = values([rows * vocabulary], 9).iter().map(|noise| 3.0 * noise).collect();
    // Ties, and a row that cannot be drawn.
    for token in 0..vocabulary / 3 {
        logits[token] = logits[token].round();
    }
    if vocabulary > 2 {
        logits[(rows - 1) * vocabulary + vocabulary / 2] = f32::NAN;
    }
    let samplers: Vec<Sampler> =
        filters.iter().zip(5..).map(|(filter, seed)| Sampler { filter: *filter, seed }).collect();
    let mut memory = Memory::new();
    let (address, logits) = match element {
        DType::F16 => {
            let address = memory.upload_f16(&logits);
            (address, memory.read_f16(address, logits.len()))
        }
        DType::BF16 => {
            let address = memory.upload_bf16(&logits);
            (address, memory.read_bf16(address, logits.len()))
        }
        _ => (memory.upload_f32(&logits), logits),
    };
    let words = memory.upload_u32(&lowered::words(&samplers));
    let [tokens, probabilities] = [memory.alloc(4 * rows), memory.alloc(4 * rows)];
    let kernel = lowered::draw([rows, vocabulary], samplers.len(), element, units, 80).expect("the kernel lowers");
    let report = run(&kernel, &[address, words, tokens, probabilities], &mut memory);

    let logits = Tensor::<2>::from_data(TensorData::new(logits, [rows, vocabulary]), &Device::flex());
    let expected = draw(logits.cast(FloatDType::F32), &samplers).expect("the problem is sound");
    let expected_tokens: Vec<u32> = expected.tokens.into_data().iter::<i32>().map(|token| token as u32).collect();
    let expected: Vec<f32> = expected.probabilities.into_data().iter::<f32>().collect();
    let what = format!("{vocabulary} tokens, {element:?}, {units} units");
    assert_eq!(memory.read_u32(tokens, rows), expected_tokens, "{what}");
    assert_eq!(memory.read_f32(probabilities, rows), expected, "{what}");
    report
}

fn filters() -> Vec<Filter> {
    let filter = |temperature, top_k, top_p| Filter { temperature, top_k, top_p };
    vec![
        Filter::OPEN,
        filter(0.0, 0, 1.0),
        filter(0.33, 5, 1.0),
        filter(1.3, 0, 0.9),
        filter(0.912, 5, 0.05),
        filter(2.0, 100, 0.9),
    ]
}

#[test]
fn a_lowered_draw_is_the_processors_to_the_last_bit() {
    for (vocabulary, element, units) in [
        (1, DType::F32, 32),
        (2, DType::F32, 64),
        (37, DType::F16, 256),
        (2710, DType::BF16, 512),
        (2710, DType::F32, 1024),
        (5976, DType::F32, 512),
    ] {
        draw_both(vocabulary, &filters(), element, units);
    }
    // Longer than shared memory: read again at every pass.
    draw_both(65_536, &filters()[3..4], DType::F32, 320);
}

#[test]
fn a_lowered_draw_reads_its_logits_once_and_prints_what_it_did() {
    for (name, filter) in ["open", "greedy", "top 5", "0.9", "top 5 and 0.05", "top 100 and 0.9"].iter().zip(filters())
    {
        let report = draw_both(8000, &[filter], DType::F32, 256);
        println!("8000 tokens, {name}: {:?}", report.total);
    }
}

/// An unmask step on the interpreter and on the processor.
fn keep_both(frames: usize, masking: Masking, units: u32) {
    let (reactions, places) = (2, 3 * frames);
    let count = reactions * places;
    let sure = |seed: u64| -> Vec<f32> {
        values([count], seed).iter().map(|noise| (noise.abs() * 8.0).round().clamp(1.0, 20.0) / 20.0).collect()
    };
    let known: Vec<f32> = sure(1).iter().map(|sure| if *sure > 0.3 { *sure } else { 0.0 }).collect();
    let known_tokens: Vec<u32> =
        (0..count as u32).map(|place| if known[place as usize] > 0.0 { place } else { 0 }).collect();
    let drawn = sure(2);
    let codebook = |codebook: usize| (0..count).filter(move |place| place % 3 == codebook);
    let mut memory = Memory::new();
    let mut buffers = vec![memory.upload_f32(&known), memory.upload_u32(&known_tokens)];
    for number in 0..3 {
        buffers.push(memory.upload_f32(&codebook(number).map(|place| drawn[place]).collect::<Vec<_>>()));
    }
    for number in 0..3 {
        buffers.push(memory.upload_u32(&codebook(number).map(|place| 1000 + place as u32).collect::<Vec<_>>()));
    }
    let [tokens, probabilities] = [memory.alloc(4 * count), memory.alloc(4 * count)];
    buffers.extend([tokens, probabilities]);
    let kernel = lowered::keep([reactions, places], masking, units, 80).expect("the kernel lowers");
    run(&kernel, &buffers, &mut memory);

    let device = Device::flex();
    let whole = |values: Vec<u32>| values.into_iter().map(|value| value as i32).collect::<Vec<_>>();
    let state = Unmasked {
        tokens: Tensor::from_data(TensorData::new(whole(known_tokens), [reactions, places]), &device),
        probabilities: Tensor::from_data(TensorData::new(known, [reactions, places]), &device),
    };
    let drawn = [0, 1, 2].map(|number| {
        let tokens: Vec<i32> = codebook(number).map(|place| 1000 + place as i32).collect();
        let probabilities: Vec<f32> = codebook(number).map(|place| drawn[place]).collect();
        let length = [tokens.len()];
        Drawn {
            tokens: Tensor::from_data(TensorData::new(tokens, length), &device),
            probabilities: Tensor::from_data(TensorData::new(probabilities, length), &device),
        }
    });
    let expected = state.keep(drawn, masking);
    let expected_tokens: Vec<u32> = expected.tokens.into_data().iter::<i32>().map(|token| token as u32).collect();
    let expected: Vec<f32> = expected.probabilities.into_data().iter::<f32>().collect();
    assert_eq!(memory.read_u32(tokens, count), expected_tokens, "{frames} frames, {masking:?}");
    assert_eq!(memory.read_f32(probabilities, count), expected, "{frames} frames, {masking:?}");
}

#[test]
fn a_lowered_unmask_step_is_the_processors() {
    for ties in [Ties::Published, Ties::Ordered] {
        for (frames, left, units) in [(1, 1, 32), (7, 0, 64), (7, 9, 32), (750, 861, 256), (750, 2250, 256)] {
            keep_both(frames, Masking { left, ties }, units);
        }
    }
}

fn kernels(architecture: u32) -> Vec<Lowered> {
    let draw = |element, vocabulary, units| lowered::draw([750, vocabulary], 1, element, units, architecture);
    let keep = |ties| lowered::keep([10, 2250], Masking { left: 861, ties }, 256, architecture);
    let draws = ELEMENTS
        .iter()
        .flat_map(|element| [(8000, 256), (65_536, 320)].map(|(long, units)| draw(*element, long, units)));
    draws.chain([Ties::Published, Ties::Ordered].map(keep)).collect::<Result<_, _>>().expect("the kernels lower")
}

#[test]
fn no_sum_is_of_floats_and_nothing_is_in_local_memory() {
    for kernel in ARCHITECTURES.into_iter().flat_map(kernels) {
        assert!(!kernel.ptx.contains(".local "), "{} has arrays in local memory", kernel.name);
        let is_float_atomic = |line: &str| (line.contains("atom.") || line.contains("red.")) && line.contains(".f32");
        assert!(!kernel.ptx.lines().any(is_float_atomic), "{} adds floats atomically", kernel.name);
        assert!(!kernel.ptx.contains("div.full.f32") && !kernel.ptx.contains("div.approx.f32"), "{}", kernel.name);
        // The hardware's compiler may contract a product with the sum it goes into, and then the bits are others.
        let written = |line: &str| {
            line.contains("mul.f32")
                .then(|| line.split(['\t', ',', ' ']).find(|word| word.starts_with('%')).map(str::to_owned))
        };
        let products: Vec<String> = kernel.ptx.lines().filter_map(written).flatten().collect();
        let is_sum = |line: &&str| ["add.f32", "sub.f32"].iter().any(|opcode| line.contains(opcode));
        let reads = |line: &str, product: &String| line.split([',', ';', ' ', '\t']).any(|word| word == product);
        let contracted =
            kernel.ptx.lines().filter(is_sum).find(|line| products.iter().any(|product| reads(line, product)));
        assert_eq!(contracted, None, "{}: a product goes into a sum", kernel.name);
    }
}

/// The architecture that a text names, features of the part included.
fn target(ptx: &str) -> &str {
    ptx.lines().find_map(|line| line.strip_prefix(".target ")).expect("a module names its target").trim()
}

#[test]
fn no_kernel_spills() {
    let ptxas = std::env::var_os("UNIFR_PTXAS").unwrap_or_else(|| "ptxas".into());
    if Command::new(&ptxas).arg("--version").output().is_err() {
        eprintln!("skipped: no `ptxas` here; name one with `UNIFR_PTXAS`");
        return;
    }
    let folder = std::env::temp_dir().join(format!("unifr-sampling-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    for architecture in ARCHITECTURES {
        for (number, kernel) in kernels(architecture).iter().enumerate() {
            let file = folder.join(format!("{architecture}-{number}.ptx"));
            std::fs::write(&file, &kernel.ptx).expect("a temporary file");
            let output = Command::new(&ptxas)
                .args(["-v", &format!("-arch={}", target(&kernel.ptx)), "-o"])
                .args([file.with_extension("cubin"), file])
                .output()
                .expect("`ptxas` runs");
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{} for sm_{architecture}: {text}", kernel.name);
            let used = text.lines().find(|line| line.contains("Used")).unwrap_or_default();
            println!("{}, {} bytes shared, sm_{architecture}: {used}", kernel.name, kernel.shared_bytes);
            // Rows longer than any codebook, which do not fit into shared memory, may spill a few.
            let is_hot = kernel.name == "keep" || kernel.units == 256;
            let is_spilling = !text.contains(" 0 bytes spill stores, 0 bytes spill loads");
            assert!(!(is_hot && is_spilling), "{}: {text}", kernel.name);
        }
    }
    std::fs::remove_dir_all(&folder).expect("a temporary folder");
}
