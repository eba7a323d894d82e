//! Every kernel for tensor cores as PTX for sm_80 and sm_90, without a GPU: what instructions it has, and, interpreted
//! instruction by instruction, what it computes.
//!
//! `libdevice.10.bc` is named by `UNIFR_LIBDEVICE`, or lies where CubeCL looks for it; without it everything here is
//! skipped. With `UNIFR_PTXAS`, or `ptxas` in the path, its judgement of each kernel is printed as a table.
#![cfg(feature = "cuda")]

mod noise;
mod oracle;
mod ptx;

use std::process::Command;
use std::sync::OnceLock;

use burn::tensor::{DType, Tensor};
use noise::noise;
use oracle::Oracle;
use ptx::{Grid, Memory, Module, cubecl_arguments, launch};
use unifr_kernels::Dropout;
use unifr_kernels::attention::{AttentionProblem, MaskRule};
use unifr_kernels::lowering::{self, Lowered};

/// As `paths::HALF` and `paths::BRAIN` of the attention tests: weights, results and differences of sums are rounded to
/// 2^-11 and 2^-8, and each is one of a sum.
const TOLERANCES: [(DType, f64); 2] = [(DType::F16, 8e-3), (DType::BF16, 6.4e-2)];

/// For sm_90a the assembler stops three kernels at 128 or 168 registers, which lets one more cube in, and puts up to six values
/// aside for that. For sm_80 there is none.
const MOST_SPILLED_BYTES: u32 = 24;

/// Whether kernels can be lowered here; CubeCL is told where `libdevice` is the first time.
#[allow(unsafe_code, reason = "CubeCL reads the environment, and there is no other way to tell it")]
fn can_lower() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if let Some(file) = std::env::var_os("UNIFR_LIBDEVICE") {
            let folder = std::env::temp_dir().join(format!("unifr-libdevice-{}", std::process::id()));
            let inside = folder.join("nvvm/libdevice");
            std::fs::create_dir_all(&inside).expect("a temporary folder");
            std::fs::copy(file, inside.join("libdevice.10.bc")).expect("`UNIFR_LIBDEVICE` names a file");
            // SAFETY: every test comes here first, and the others wait for the first.
            unsafe { std::env::set_var("CUDA_PATH", &folder) };
        }
        let problem = AttentionProblem::whole(MaskRule::Full);
        match lowering::attention(&problem, [1, 1, 16, 16, 16], DType::F16, 80) {
            Ok(_) => true,
            Err(message) if message.contains("libdevice.10.bc was not found") => {
                eprintln!("skipped: no `libdevice.10.bc` here; name one with `UNIFR_LIBDEVICE`");
                false
            }
            Err(message) => panic!("{message}"),
        }
    })
}

fn rules() -> [MaskRule; 5] {
    [
        MaskRule::Full,
        MaskRule::Published { online_step: 1 },
        MaskRule::Published { online_step: 5 },
        MaskRule::FrameCausal { online_step: 1 },
        MaskRule::FrameCausal { online_step: 5 },
    ]
}

fn lower(problem: &AttentionProblem, sizes: [usize; 5], element: DType, architecture: u32) -> Vec<Lowered> {
    lowering::attention(problem, sizes, element, architecture).expect("the kernel lowers")
}

#[test]
fn products_are_on_tensor_cores_and_nothing_is_in_local_memory() {
    if !can_lower() {
        return;
    }
    for architecture in [80, 90] {
        for (element, _) in TOLERANCES {
            for rule in rules() {
                for kernel in lower(&AttentionProblem::whole(rule), [1, 1, 150, 150, 64], element, architecture) {
                    let what = format!("{} of {rule:?}, {element:?}, sm_{architecture}", kernel.name);
                    let name = if element == DType::F16 { "f16" } else { "bf16" };
                    let product = format!("mma.sync.aligned.m16n8k16.row.col.f32.{name}.{name}.f32");
                    assert!(kernel.ptx.contains(&product), "{what} has no `{product}`");
                    assert!(kernel.ptx.contains("ldmatrix.sync.aligned.m8n8.x4.shared"), "{what} has no `ldmatrix`");
                    assert!(kernel.ptx.contains("ldmatrix.sync.aligned.m8n8.x4.trans.shared"), "{what}");
                    assert!(!kernel.ptx.contains("atom"), "{what} has atomics");
                    assert!(!kernel.ptx.contains(".local "), "{what} has arrays in local memory");
                    assert!(kernel.ptx.contains("ld.global.nc.v4"), "{what} does not read 16 bytes at a time");
                }
            }
        }
    }
}

/// Tensors of one problem in a type, and as the type rounds them.
struct Data {
    element: DType,
    memory: Memory,
}

impl Data {
    fn upload(&mut self, values: &[f32]) -> (u64, Vec<f64>) {
        let address = match self.element {
            DType::F16 => self.memory.upload_f16(values),
            _ => self.memory.upload_bf16(values),
        };
        (address, self.read(address, values.len()).into_iter().map(f64::from).collect())
    }

    fn read(&self, address: u64, count: usize) -> Vec<f32> {
        match self.element {
            DType::F16 => self.memory.read_f16(address, count),
            _ => self.memory.read_bf16(address, count),
        }
    }

    /// Runs a kernel over buffers.
    fn launch(&mut self, kernel: &Lowered, buffers: &[u64]) {
        let module = Module::parse(&kernel.ptx).expect("the interpreter knows every instruction");
        let arguments = cubecl_arguments(buffers, &kernel.info, Some(kernel.info.len()), &mut self.memory);
        let grid = Grid { cubes: kernel.cubes, units: [kernel.units, 1, 1] };
        launch(&module, &kernel.entry, grid, kernel.shared_bytes, &arguments, &mut self.memory)
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", kernel.name));
    }
}

/// `[batch, tokens, heads, width]` as `[batch, heads, tokens, width]`.
fn split(values: &[f32], [batch, tokens, heads, width]: [usize; 4]) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for batch in 0..batch {
        for head in 0..heads {
            for token in 0..tokens {
                let start = ((batch * tokens + token) * heads + head) * width;
                result.extend_from_slice(&values[start..start + width]);
            }
        }
    }
    result
}

fn values(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

fn compare(what: &str, tolerance: f64, found: &[f32], expected: &[f64]) {
    let scale = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(
            difference <= tolerance * scale,
            "{what}: element {place} is {found}, expected {expected}, within {}",
            tolerance * scale
        );
    }
}

/// Forward and backward of one problem, interpreted, against the definition.
fn check(problem: &AttentionProblem, sizes: [usize; 5], element: DType, tolerance: f64, architecture: u32) {
    let [batch, heads, queries, keys, width] = sizes;
    let [of_queries, of_keys] = [batch * heads * queries * width, batch * heads * keys * width];
    let mut data = Data { element, memory: Memory::new() };
    let mut given = |count: usize, seed: u64| data.upload(&values(&noise::<1>([count], seed)));
    let (query, key, value, gradient) =
        (given(of_queries, 1), given(of_keys, 2), given(of_keys, 3), given(of_queries, 4));
    let kernels = lower(problem, sizes, element, architecture);
    let output = data.memory.alloc(of_queries * 2);
    let levels = data.memory.alloc(batch * heads * queries * 4);
    data.launch(&kernels[0], &[query.0, key.0, value.0, output, levels]);
    let found = split(&data.read(output, of_queries), [batch, queries, heads, width]);
    // Δ as the host's kernel gives it: from the output as it was rounded.
    let dots: Vec<f32> = found
        .chunks(width)
        .zip(gradient.1.chunks(width))
        .map(|(output, gradient)| output.iter().zip(gradient).map(|(a, b)| f64::from(*a) * b).sum::<f64>() as f32)
        .collect();
    let dots = data.memory.upload_f32(&dots);
    let read = [query.0, key.0, value.0, gradient.0, levels, dots];
    let [query_gradient, key_gradient, value_gradient] =
        [of_queries, of_keys, of_keys].map(|count| data.memory.alloc(count * 2));
    data.launch(&kernels[1], &[&read[..], &[query_gradient]].concat());
    data.launch(&kernels[2], &[&read[..], &[key_gradient, value_gradient]].concat());
    let gradients =
        [(query_gradient, queries), (key_gradient, keys), (value_gradient, keys)].map(|(address, tokens)| {
            split(&data.read(address, batch * heads * tokens * width), [batch, tokens, heads, width])
        });
    let oracle = Oracle { problem: *problem, heads: batch * heads, queries, keys, width };
    let expected = oracle.run(&query.1, &key.1, &value.1, &gradient.1);
    let what = format!("{sizes:?}, {element:?}, {problem:?}");
    compare(&format!("result of {what}"), tolerance, &found, &expected[0]);
    for (part, (found, expected)) in ["queries", "keys", "values"].iter().zip(gradients.iter().zip(&expected[1..])) {
        compare(&format!("{part} of {what}"), tolerance, found, expected);
    }
}

fn dropout() -> Option<Dropout> {
    Some(Dropout { probability: 0.1, seed: 5 })
}

#[test]
fn interpreted_kernels_compute_the_definition_under_every_rule() {
    if !can_lower() {
        return;
    }
    for (element, tolerance) in TOLERANCES {
        for rule in rules() {
            for dropout in [None, dropout()] {
                let problem = AttentionProblem::whole(rule).with_dropout(dropout);
                check(&problem, [1, 2, 151, 151, 64], element, tolerance, 80);
            }
        }
    }
}

#[test]
fn interpreted_kernels_take_other_widths_and_sizes() {
    if !can_lower() {
        return;
    }
    let (element, tolerance) = TOLERANCES[0];
    for sizes in [[2, 1, 1, 1, 16], [1, 1, 70, 70, 32], [1, 1, 131, 131, 128], [1, 1, 65, 65, 48]] {
        let problem = AttentionProblem::whole(MaskRule::FrameCausal { online_step: 1 }).with_dropout(dropout());
        check(&problem, sizes, element, tolerance, 90);
    }
}

#[test]
fn interpreted_kernels_take_fewer_queries_and_a_limit_of_keys() {
    if !can_lower() {
        return;
    }
    let (element, tolerance) = TOLERANCES[0];
    for rule in rules() {
        for (first_query, key_limit) in [(0, None), (13, Some(140)), (110, Some(1)), (110, Some(0))] {
            let problem = AttentionProblem { first_query, key_limit, ..AttentionProblem::whole(rule) };
            check(&problem.with_dropout(dropout()), [1, 1, 40, 150, 64], element, tolerance, 80);
        }
    }
}

#[test]
fn the_assembler_finds_room_for_everything() {
    if !can_lower() {
        return;
    }
    let assembler = std::env::var_os("UNIFR_PTXAS").unwrap_or_else(|| "ptxas".into());
    if Command::new(&assembler).arg("--version").output().is_err() {
        eprintln!("skipped: no `ptxas` here; name one with `UNIFR_PTXAS`");
        return;
    }
    let folder = tempfile();
    let mut spilling = Vec::new();
    println!("| kernel | rule | width | dropout | part | registers | shared memory | spilled |");
    for architecture in [80, 90] {
        for rule in [rules()[0], rules()[1], rules()[3]] {
            for (width, dropout) in [(64, None), (64, dropout()), (128, None)] {
                let problem = AttentionProblem::whole(rule).with_dropout(dropout);
                for kernel in lower(&problem, [1, 1, 150, 150, width], DType::BF16, architecture) {
                    let file = folder.join("kernel.ptx");
                    std::fs::write(&file, &kernel.ptx).expect("a temporary file");
                    // For Hopper the compiler asks for `sm_90a`.
                    let target = kernel.ptx.lines().find_map(|line| line.strip_prefix(".target "));
                    let part =
                        target.and_then(|parts| parts.split(',').next()).expect("PTX names its target").to_owned();
                    let run = Command::new(&assembler)
                        .args(["-v", "-arch", part.trim(), "-o"])
                        .arg(folder.join("kernel.cubin"))
                        .arg(&file)
                        .output()
                        .expect("the assembler starts");
                    let told = String::from_utf8_lossy(&run.stderr).into_owned();
                    assert!(run.status.success(), "{told}");
                    let (registers, spilled) =
                        (number_before(&told, " registers"), number_before(&told, " bytes spill stores"));
                    let drops = if dropout.is_some() { "yes" } else { "no" };
                    println!(
                        "| {} | {rule:?} | {width} | {drops} | {part} | {registers} | {} B | {spilled} B |",
                        kernel.name, kernel.shared_bytes
                    );
                    if spilled > MOST_SPILLED_BYTES {
                        spilling.push(format!("{} of {rule:?}, width {width}, dropout {drops}, {part}", kernel.name));
                    }
                }
            }
        }
    }
    std::fs::remove_dir_all(folder).expect("a temporary folder");
    assert!(spilling.is_empty(), "registers spill to memory in {spilling:?}");
}

/// A kernel's data is read by planes as the banks of shared memory like it, and not much is done beside the products: the
/// table that `kernels/README.md` works out times from.
#[test]
fn banks_do_not_collide_and_few_instructions_stand_beside_each_product() {
    if !can_lower() {
        return;
    }
    const TOKENS: usize = 384;
    println!(
        "| kernel | rule | dropout | instructions a product | shared passes a product | sectors read and written |"
    );
    for rule in [rules()[0], rules()[1], rules()[3]] {
        for dropout in [None, dropout()] {
            let problem = AttentionProblem::whole(rule).with_dropout(dropout);
            for kernel in lower(&problem, [1, 1, TOKENS, TOKENS, 64], DType::BF16, 90) {
                let report = on_constant_data(&kernel, TOKENS);
                let products = report.starting_with("mma.sync").executions as f64;
                let share = |count: u64| count as f64 / products;
                let drops = if dropout.is_some() { "yes" } else { "no" };
                println!(
                    "| {} | {rule:?} | {drops} | {:.2} | {:.2} | {} |",
                    kernel.name,
                    share(report.total.executions),
                    share(report.total.wavefronts),
                    report.total.sectors
                );
                let what = format!("{} of {rule:?}, dropout {drops}", kernel.name);
                assert_eq!(report.total.wavefronts, report.total.least_wavefronts, "{what}: banks collide");
                assert!(share(report.total.executions) < 25.0, "{what}: {} instructions", report.total.executions);
            }
        }
    }
}

/// What a kernel does with queries, keys and values that are all one half.
fn on_constant_data(kernel: &Lowered, tokens: usize) -> ptx::Report {
    let mut memory = Memory::new();
    let half = vec![0.5; tokens * 64];
    let is_forward = kernel.name == "forward";
    let mut buffers: Vec<u64> = (0..if is_forward { 3 } else { 4 }).map(|_| memory.upload_bf16(&half)).collect();
    if !is_forward {
        buffers.extend((0..2).map(|_| memory.upload_f32(&vec![0.0; tokens])));
    }
    buffers.extend((0..2).map(|_| memory.alloc(tokens * 64 * 2)));
    buffers.truncate(if kernel.name == "query gradient" { 7 } else { buffers.len() });
    let arguments = cubecl_arguments(&buffers, &kernel.info, Some(kernel.info.len()), &mut memory);
    let module = Module::parse(&kernel.ptx).expect("the interpreter knows every instruction");
    let grid = Grid { cubes: kernel.cubes, units: [kernel.units, 1, 1] };
    launch(&module, &kernel.entry, grid, kernel.shared_bytes, &arguments, &mut memory).expect("the kernel runs")
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("unifr-ptx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// The number in front of some words.
fn number_before(text: &str, words: &str) -> u32 {
    let end = text.find(words).unwrap_or_else(|| panic!("`{words}` in {text}"));
    let digits: String = text[..end].chars().rev().take_while(char::is_ascii_digit).collect();
    digits.chars().rev().collect::<String>().parse().expect("digits")
}
