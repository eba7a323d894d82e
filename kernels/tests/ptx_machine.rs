//! The PTX machine against hand-written kernels whose results are known.

mod ptx;

use ptx::{Argument, Checks, Fault, Grid, Memory, Module, Report, launch, launch_checked};

/// A module around the body of one kernel.
fn module(parameters: &str, body: &str) -> Module {
    let text = format!(
        ".version 7.8\n.target sm_90\n.address_size 64\n.extern .shared .align 16 .b8 dynamic[];\n\
         .visible .entry kernel({parameters})\n{{\n.reg .pred %p<9>;\n.reg .b16 %h<40>;\n.reg .b32 %r<60>;\n\
         .reg .b64 %d<20>;\n{body}\n}}\n"
    );
    Module::parse(&text).expect("the kernel is sound")
}

fn one_cube(units: u32) -> Grid {
    Grid { cubes: [1, 1, 1], units: [units, 1, 1] }
}

fn run(module: &Module, grid: Grid, shared: usize, pointers: &[u64], memory: &mut Memory) -> Result<Report, Fault> {
    let arguments: Vec<Argument> = pointers.iter().copied().map(Argument::Pointer).collect();
    launch(module, "", grid, shared, &arguments, memory)
}

fn message(result: Result<Report, Fault>) -> String {
    result.expect_err("the launch must fail").to_string()
}

const POINTERS_3: &str = ".param .u64 a, .param .u64 b, .param .u64 c";
const POINTERS_2: &str = ".param .u64 a, .param .u64 b";
const POINTERS_1: &str = ".param .u64 a";

#[test]
fn vectors_add_and_units_outside_stay_out() {
    let text = format!("{POINTERS_3}, .param .u32 n");
    let module = module(
        &text,
        "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b]; ld.param.b64 %d3, [c]; ld.param.b32 %r9, [n];
         mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;
         mad.lo.s32 %r4, %r1, %r2, %r3;
         setp.ge.u32 %p1, %r4, %r9;
         @%p1 bra $L_end;
         mul.wide.u32 %d4, %r4, 4;
         add.s64 %d5, %d1, %d4; ld.global.nc.b32 %r5, [%d5];
         add.s64 %d5, %d2, %d4; ld.global.nc.b32 %r6, [%d5];
         add.rn.f32 %r7, %r5, %r6;
         add.s64 %d5, %d3, %d4; st.global.b32 [%d5], %r7;
         $L_end: ret;",
    );
    let count = 1000;
    let values: Vec<f32> = (0..count).map(|value| value as f32).collect();
    let mut memory = Memory::new();
    let [a, b, c] = [memory.upload_f32(&values), memory.upload_f32(&values), memory.alloc(4 * count)];
    let mut arguments = [a, b, c].map(Argument::Pointer).to_vec();
    arguments.push(Argument::Bytes((count as u32).to_le_bytes().to_vec()));
    let grid = Grid { cubes: [8, 1, 1], units: [128, 1, 1] };
    let report = launch(&module, "kernel", grid, 0, &arguments, &mut memory).expect("the kernel runs");
    let expected: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
    assert_eq!(memory.read_f32(c, count), expected);
    // 32 planes, of which the last one has 8 lanes inside; 125 sectors of 32 bytes per vector.
    assert_eq!(report.opcodes["add.rn.f32"].executions, 32);
    assert_eq!(report.opcodes["add.rn.f32"].lanes, 1000);
    assert_eq!(report.opcodes["st.global.b32"].sectors, 125);
}

/// Sums 128 floats: within planes by shuffles, over planes through shared memory.
fn reduction(barrier: &str) -> Module {
    let steps: String = [16, 8, 4, 2, 1]
        .map(|by| format!("shfl.sync.bfly.b32 %r3, %r2, {by}, 31, -1; add.f32 %r2, %r2, %r3;\n"))
        .concat();
    module(
        POINTERS_2,
        &format!(
            "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b];
             mov.u32 %r1, %tid.x; mul.wide.u32 %d3, %r1, 4; add.s64 %d4, %d1, %d3; ld.global.b32 %r2, [%d4];
             {steps}
             and.b32 %r4, %r1, 31; setp.ne.s32 %p1, %r4, 0;
             @%p1 bra $L_join;
             shr.u32 %r5, %r1, 5; mul.wide.u32 %d5, %r5, 4; mov.b64 %d6, dynamic; add.s64 %d6, %d6, %d5;
             st.shared.b32 [%d6], %r2;
             $L_join:
             {barrier}
             ld.shared.v4.b32 {{%r10, %r11, %r12, %r13}}, [dynamic];
             add.f32 %r10, %r10, %r11; add.f32 %r12, %r12, %r13; add.f32 %r10, %r10, %r12;
             add.s64 %d4, %d2, %d3; st.global.b32 [%d4], %r10;
             ret;"
        ),
    )
}

fn sum_of_128(barrier: &str) -> (Result<Report, Fault>, Vec<f32>) {
    let mut memory = Memory::new();
    let values: Vec<f32> = (1..=128).map(|value| value as f32).collect();
    let [input, output] = [memory.upload_f32(&values), memory.alloc(512)];
    let result = run(&reduction(barrier), one_cube(128), 16, &[input, output], &mut memory);
    (result, memory.read_f32(output, 128))
}

#[test]
fn shuffles_and_a_barrier_sum_a_cube() {
    let (result, sums) = sum_of_128("bar.sync 0;");
    result.expect("the kernel runs");
    assert_eq!(sums, [8256.0; 128]); // 128 * 129 / 2
}

#[test]
fn a_missing_barrier_is_a_race_or_a_read_of_nothing() {
    let message = message(sum_of_128("bar.warp.sync -1;").0);
    assert!(message.contains("nobody has written"), "{message}");
}

#[test]
fn reading_what_another_plane_just_wrote_is_a_race() {
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; mov.b64 %d3, dynamic;
         add.s64 %d4, %d3, %d2; st.shared.b32 [%d4], %r1;
         xor.b32 %r2, %r1, 32; setp.lt.u32 %p1, %r1, 32;
         @%p1 bra $L_end;
         mul.wide.u32 %d5, %r2, 4; add.s64 %d6, %d3, %d5; ld.shared.b32 %r3, [%d6];
         $L_end: ret;",
    );
    let mut memory = Memory::new();
    let pointer = memory.alloc(4);
    let found = message(run(&module, one_cube(64), 256, &[pointer], &mut memory));
    assert!(found.contains("races: reads what cube 0 plane 0"), "{found}");
    let unchecked = Checks { shared_races: false, ..Checks::default() };
    let argument = [Argument::Pointer(pointer)];
    launch_checked(&module, "", one_cube(64), 256, &argument, &mut memory, unchecked).expect("nobody looks");
}

#[test]
fn cubes_that_write_the_same_global_bytes_race() {
    let module = module(POINTERS_1, "ld.param.b64 %d1, [a]; mov.u32 %r1, %ctaid.x; st.global.b32 [%d1], %r1; ret;");
    let mut memory = Memory::new();
    let pointer = memory.alloc(4);
    let found = message(run(&module, Grid { cubes: [2, 1, 1], units: [1, 1, 1] }, 0, &[pointer], &mut memory));
    assert!(found.contains("races: overwrites what cube 0"), "{found}");
}

#[test]
fn parted_lanes_loop_for_themselves_and_meet_again() {
    // Each lane counts down from its number; then all shuffle together.
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.u32 %r1, %tid.x; mov.b32 %r2, 0; mov.b32 %r3, %r1;
         $L_loop:
         setp.eq.s32 %p1, %r3, 0;
         @%p1 bra $L_after;
         and.b32 %r4, %r3, 1; setp.eq.s32 %p2, %r4, 1;
         @%p2 bra $L_odd;
         add.s32 %r2, %r2, 10; bra.uni $L_next;
         $L_odd: add.s32 %r2, %r2, 1;
         $L_next: add.s32 %r3, %r3, -1; bra.uni $L_loop;
         $L_after:
         activemask.b32 %r5;
         shfl.sync.idx.b32 %r6|%p3, %r2, 31, 31, -1;
         mul.wide.u32 %d2, %r1, 8; add.s64 %d3, %d1, %d2; st.global.v2.b32 [%d3], {%r2, %r6};
         setp.ne.b32 %p4, %r5, -1; @%p4 trap;
         ret;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(256);
    run(&module, one_cube(32), 0, &[output], &mut memory).expect("the kernel runs");
    let words = memory.read_u32(output, 64);
    for lane in 0..32 {
        // As many odd numbers up to the lane as it has pairs, and the even ones above zero.
        assert_eq!(words[2 * lane], (lane as u32).div_ceil(2) + 10 * (lane as u32 / 2), "lane {lane}");
        assert_eq!(words[2 * lane + 1], 16 + 150, "lane {lane}");
    }
}

#[test]
fn a_shuffle_of_some_lanes_with_a_full_mask_is_refused() {
    let module = module(
        POINTERS_1,
        "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 16;
         @%p1 bra $L_end;
         shfl.sync.idx.b32 %r2, %r1, 0, 31, -1;
         $L_end: bar.warp.sync -1; ret;",
    );
    let mut memory = Memory::new();
    let pointer = memory.alloc(4);
    let found = message(run(&module, one_cube(32), 0, &[pointer], &mut memory));
    assert!(found.contains("executed by lanes 0xffff0000 alone"), "{found}");
}

#[test]
fn a_barrier_that_nobody_completes_is_found() {
    let module = module(
        POINTERS_1,
        "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 32;
         @%p1 bra $L_other;
         bar.sync 1; bra.uni $L_end;
         $L_other: bar.sync 2;
         $L_end: ret;",
    );
    let mut memory = Memory::new();
    let pointer = memory.alloc(4);
    let found = message(run(&module, one_cube(64), 0, &[pointer], &mut memory));
    assert!(found.contains("all planes wait"), "{found}");
}

#[test]
fn accesses_outside_and_misaligned_are_found() {
    let at =
        |offset: i32| module(POINTERS_1, &format!("ld.param.b64 %d1, [a]; ld.global.b32 %r1, [%d1+{offset}]; ret;"));
    let mut memory = Memory::new();
    let pointer = memory.upload_f32(&[1.0, 2.0]);
    let mut found = |offset| run(&at(offset), one_cube(1), 0, &[pointer], &mut memory);
    assert!(found(4).is_ok());
    assert!(message(found(8)).contains("out of bounds"));
    assert!(message(found(-4)).contains("out of bounds"));
    assert!(message(found(2)).contains("misaligned"));
    let shared = module(POINTERS_1, "mov.b32 %r1, 0; st.shared.b32 [dynamic+16], %r1; ret;");
    assert!(message(run(&shared, one_cube(1), 16, &[pointer], &mut memory)).contains("out of bounds"));
}

#[test]
fn registers_nobody_wrote_and_opcodes_nobody_knows_are_found() {
    let mut memory = Memory::new();
    let pointer = memory.alloc(4);
    let unwritten = module(POINTERS_1, "add.s32 %r1, %r2, 1; ret;");
    assert!(message(run(&unwritten, one_cube(1), 0, &[pointer], &mut memory)).contains("reads `%r2` before"));
    let unknown = Module::parse(".entry k()\n{\n.reg .b32 %r<2>;\nadd.weird.s32 %r1, %r1, 1;\nret;\n}");
    assert_eq!(unknown.expect_err("unknown").line, 4);
}

/// Small whole numbers, so that every product and sum is exact in every format.
fn small(place: usize) -> f32 {
    ((place * 7 + place / 5) % 9) as f32 - 4.0
}

fn product(a: &[f32], b: &[f32], rows: usize, columns: usize, depth: usize) -> Vec<f32> {
    (0..rows * columns)
        .map(|place| {
            let (row, column) = (place / columns, place % columns);
            (0..depth).map(|step| a[row * depth + step] * b[step * columns + column]).sum::<f32>() + small(place)
        })
        .collect()
}

/// Loads fragments word by word from A by rows, B by columns and C by rows, and multiplies.
fn tile_kernel(kind: &str, depth: usize) -> Module {
    let words = depth / 2; // 32-bit words of a row of A or a column of B
    let a_load = |register: usize| {
        let (row, word) = (8 * (register % 2), 4 * (register / 2));
        format!("ld.global.b32 %r{}, [%d6+{}];\n", 10 + register, 4 * (row * words + word))
    };
    let b_load = |register: usize| format!("ld.global.b32 %r{}, [%d7+{}];\n", 20 + register, 16 * register);
    let a = (0..depth / 4).map(a_load).collect::<Vec<_>>().concat();
    let b = (0..depth / 8).map(b_load).collect::<Vec<_>>().concat();
    let list = |first: usize, count: usize| {
        (first..first + count).map(|register| format!("%r{register}")).collect::<Vec<_>>().join(", ")
    };
    module(
        POINTERS_3,
        &format!(
            "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b]; ld.param.b64 %d3, [c];
             mov.u32 %r1, %laneid; shr.u32 %r2, %r1, 2; and.b32 %r3, %r1, 3;
             mad.lo.u32 %r4, %r2, {words}, %r3; mul.wide.u32 %d4, %r4, 4;
             add.s64 %d6, %d1, %d4; add.s64 %d7, %d2, %d4;
             shl.b32 %r5, %r2, 3; shl.b32 %r6, %r3, 1; add.s32 %r5, %r5, %r6; mul.wide.u32 %d5, %r5, 4;
             add.s64 %d8, %d3, %d5;
             {a}{b}
             ld.global.v2.b32 {{%r30, %r31}}, [%d8]; ld.global.v2.b32 {{%r32, %r33}}, [%d8+256];
             mma.sync.aligned.m16n8k{depth}.row.col.f32.{kind}.{kind}.f32
                {{%r40, %r41, %r42, %r43}}, {{{}}}, {{{}}}, {{%r30, %r31, %r32, %r33}};
             st.global.v2.b32 [%d8], {{%r40, %r41}}; st.global.v2.b32 [%d8+256], {{%r42, %r43}};
             ret;",
            list(10, depth / 4),
            list(20, depth / 8),
        ),
    )
}

#[test]
fn a_tile_multiplies_like_three_loops() {
    for kind in ["f16", "bf16"] {
        for depth in [8, 16] {
            let a: Vec<f32> = (0..16 * depth).map(small).collect();
            let b: Vec<f32> = (0..depth * 8).map(|place| small(place + 3)).collect();
            let columns: Vec<f32> = (0..8 * depth).map(|place| b[place % depth * 8 + place / depth]).collect();
            let c: Vec<f32> = (0..128).map(small).collect();
            let mut memory = Memory::new();
            let [a_at, b_at] = [&a, &columns].map(|values| match kind {
                "f16" => memory.upload_f16(values),
                _ => memory.upload_bf16(values),
            });
            let c_at = memory.upload_f32(&c);
            run(&tile_kernel(kind, depth), one_cube(32), 0, &[a_at, b_at, c_at], &mut memory).expect("it runs");
            assert_eq!(memory.read_f32(c_at, 128), product(&a, &b, 16, 8, depth), "{kind}, depth {depth}");
        }
    }
}

/// A from shared memory by `ldmatrix`, B (stored by rows) by `ldmatrix.trans`, as a kernel without a copy of B by
/// columns does it.
#[test]
fn matrices_loaded_plain_and_transposed_multiply_like_three_loops() {
    let module = module(
        POINTERS_3,
        "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b]; ld.param.b64 %d3, [c]; mov.u32 %r1, %laneid;
         mul.wide.u32 %d4, %r1, 16; mov.b64 %d9, dynamic; add.s64 %d5, %d9, %d4;
         add.s64 %d6, %d1, %d4; ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%d6];
         st.shared.v4.b32 [%d5], {%r10, %r11, %r12, %r13};
         and.b32 %r2, %r1, 15; mul.wide.u32 %d7, %r2, 16;
         add.s64 %d6, %d2, %d7; ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%d6];
         add.s64 %d8, %d9, %d7; st.shared.v4.b32 [%d8+512], {%r10, %r11, %r12, %r13};
         bar.sync 0;
         mul.wide.u32 %d10, %r2, 32; add.s64 %d10, %d9, %d10; shr.u32 %r3, %r1, 4; mul.wide.u32 %d11, %r3, 16;
         add.s64 %d10, %d10, %d11;
         ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r20, %r21, %r22, %r23}, [%d10];
         ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r24, %r25}, [%d8+512];
         mov.b32 %r30, 0f00000000;
         mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
            {%r40, %r41, %r42, %r43}, {%r20, %r21, %r22, %r23}, {%r24, %r25}, {%r30, %r30, %r30, %r30};
         shr.u32 %r2, %r1, 2; and.b32 %r3, %r1, 3;
         shl.b32 %r5, %r2, 3; shl.b32 %r6, %r3, 1; add.s32 %r5, %r5, %r6; mul.wide.u32 %d5, %r5, 4;
         add.s64 %d8, %d3, %d5;
         st.global.v2.b32 [%d8], {%r40, %r41}; st.global.v2.b32 [%d8+256], {%r42, %r43};
         ret;",
    );
    let a: Vec<f32> = (0..256).map(small).collect();
    let b: Vec<f32> = (0..128).map(|place| small(place + 3)).collect();
    let mut memory = Memory::new();
    let [a_at, b_at, c_at] = [memory.upload_bf16(&a), memory.upload_bf16(&b), memory.alloc(512)];
    let report = run(&module, one_cube(32), 768, &[a_at, b_at, c_at], &mut memory).expect("it runs");
    let expected: Vec<f32> =
        product(&a, &b, 16, 8, 16).iter().enumerate().map(|(place, sum)| sum - small(place)).collect();
    assert_eq!(memory.read_f32(c_at, 128), expected);
    // Rows of A lie 32 bytes apart: eight of them meet in 16 banks, two passes per matrix. Those of B touch all banks.
    let plain = report.starting_with("ldmatrix.sync.aligned.m8n8.x4.shared");
    assert_eq!((plain.wavefronts, plain.least_wavefronts), (8, 4));
    assert_eq!(report.starting_with("ldmatrix.sync.aligned.m8n8.x2.trans").wavefronts, 2);
}

fn copying(wait: &str) -> Result<Report, Fault> {
    let module = module(
        POINTERS_2,
        &format!(
            "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b]; mov.u32 %r1, %tid.x; mul.wide.u32 %d3, %r1, 16;
             mov.b64 %d4, dynamic; add.s64 %d4, %d4, %d3; add.s64 %d5, %d1, %d3;
             mov.b32 %r2, 8;
             cp.async.cg.shared.global [%d4], [%d5], 16, %r2;
             cp.async.commit_group;
             {wait}
             ld.shared.v4.b32 {{%r10, %r11, %r12, %r13}}, [%d4];
             add.s64 %d6, %d2, %d3; st.global.v4.b32 [%d6], {{%r10, %r11, %r12, %r13}}; ret;"
        ),
    );
    let mut memory = Memory::new();
    let values: Vec<f32> = (0..128).map(|value| value as f32).collect();
    let [input, output] = [memory.upload_f32(&values), memory.alloc(512)];
    let report = run(&module, one_cube(32), 512, &[input, output], &mut memory)?;
    let expected: Vec<f32> = (0..128).map(|place| if place % 4 < 2 { place as f32 } else { 0.0 }).collect();
    assert_eq!(memory.read_f32(output, 128), expected);
    Ok(report)
}

#[test]
fn asynchronous_copies_arrive_when_they_are_waited_for() {
    copying("cp.async.wait_group 0;").expect("waited for");
    copying("cp.async.wait_all;").expect("waited for");
    for too_little in ["", "cp.async.wait_group 1;"] {
        let found = message(copying(too_little));
        assert!(found.contains("was not waited for"), "{found}");
    }
}

#[test]
fn wide_fragments_multiply_like_three_loops() {
    let registers =
        |first: usize| (first..first + 8).map(|register| format!("%r{register}")).collect::<Vec<_>>().join(", ");
    let [a_list, b_list, c_list] = [registers(10), registers(20), registers(30)];
    let module = module(
        POINTERS_3,
        &format!(
            "ld.param.b64 %d1, [a]; ld.param.b64 %d2, [b]; ld.param.b64 %d3, [c]; mov.b32 %r1, 16;
             wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {{{a_list}}}, [%d1], %r1;
             wmma.load.b.sync.aligned.row.m16n16k16.global.f16 {{{b_list}}}, [%d2], %r1;
             wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {{{c_list}}}, [%d3], %r1;
             wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32 {{{c_list}}}, {{{a_list}}}, {{{b_list}}}, {{{c_list}}};
             wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%d3], {{{c_list}}}, %r1; ret;"
        ),
    );
    let (a, b): (Vec<f32>, Vec<f32>) = (0..256).map(|place| (small(place), small(place + 3))).unzip();
    let c: Vec<f32> = (0..256).map(small).collect();
    let mut memory = Memory::new();
    let pointers = [memory.upload_f16(&a), memory.upload_f16(&b), memory.upload_f32(&c)];
    run(&module, one_cube(32), 0, &pointers, &mut memory).expect("it runs");
    assert_eq!(memory.read_f32(pointers[2], 256), product(&a, &b, 16, 16, 16));
}

#[test]
fn functions_are_called_with_their_own_variables() {
    let text = ".version 7.8\n.target sm_80\n.address_size 64
        .func (.param .b32 result) square(.param .b32 value)
        {
            .local .align 4 .b8 depot[8]; .reg .b32 %r<4>; .reg .b64 %d<2>;
            ld.param.b32 %r1, [value]; mov.b64 %d1, depot; st.local.b32 [%d1+4], %r1; ld.local.b32 %r2, [%d1+4];
            mul.lo.s32 %r3, %r1, %r2; st.param.b32 [result], %r3; ret;
        }
        .visible .entry kernel(.param .u64 a)
        {
            .reg .b32 %r<5>; .reg .b64 %d<4>; .reg .pred %p<2>;
            ld.param.b64 %d1, [a]; mov.u32 %r1, %tid.x; mov.b32 %r2, 0; setp.lt.u32 %p1, %r1, 8;
            @%p1 bra $L_end;
            { .param .b32 param0; .param .b32 retval0; st.param.b32 [param0], %r1;
              call.uni (retval0), square, (param0); ld.param.b32 %r2, [retval0]; }
            $L_end: mul.wide.u32 %d2, %r1, 4; add.s64 %d3, %d1, %d2; st.global.b32 [%d3], %r2; ret;
        }";
    let module = Module::parse(text).expect("sound");
    let mut memory = Memory::new();
    let output = memory.alloc(128);
    run(&module, one_cube(32), 0, &[output], &mut memory).expect("it runs");
    let expected: Vec<u32> = (0..32).map(|lane| if lane < 8 { 0 } else { lane * lane }).collect();
    assert_eq!(memory.read_u32(output, 32), expected);
}

#[test]
fn atomics_of_all_cubes_add_up() {
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.b32 %r1, 0f3F800000; atom.global.add.f32 %r2, [%d1], %r1;
         red.global.add.u32 [%d1+4], 2; ret;",
    );
    let mut memory = Memory::new();
    let pointer = memory.upload_u32(&[0, 0]);
    run(&module, Grid { cubes: [3, 1, 1], units: [40, 1, 1] }, 0, &[pointer], &mut memory).expect("it runs");
    assert_eq!(memory.read_f32(pointer, 1), [120.0]);
    assert_eq!(memory.read_u32(pointer + 4, 1), [240]);
}

#[test]
fn halves_compute_in_pairs_and_round_once() {
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.b32 %r1, 0f3FC00000; mov.b32 %r2, 0fC0000000;
         cvt.rn.bf16x2.f32 %r3, %r1, %r2; cvt.rn.f16x2.f32 %r4, %r1, %r2;
         mul.rn.bf16x2 %r5, %r3, %r3; fma.rn.f16x2 %r6, %r4, %r4, %r4; max.f16x2 %r7, %r4, %r6; neg.bf16x2 %r8, %r3;
         mov.b32 {%h1, %h2}, %r5; cvt.f32.bf16 %r9, %h1; cvt.f32.bf16 %r10, %h2;
         mov.b32 {_, %h3}, %r6; cvt.f32.f16 %r11, %h3; cvt.rn.f16.f32 %h4, 0f477FF000; mov.b32 %r12, {%h4, %h3};
         st.global.v4.b32 [%d1], {%r9, %r10, %r11, %r7}; st.global.v2.b32 [%d1+16], {%r8, %r12}; ret;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(24);
    run(&module, one_cube(1), 0, &[output], &mut memory).expect("it runs");
    // The first of the two values goes to the upper half: -2 below, 1.5 above.
    assert_eq!(memory.read_f32(output, 3), [4.0, 2.25, 3.75]); // 1.5 * 1.5 + 1.5
    assert_eq!(memory.read_f16(output + 12, 2), [2.0, 3.75]); // (-2) * (-2) - 2 = 2
    assert_eq!(memory.read_bf16(output + 16, 2), [2.0, -1.5]);
    // 65520 is the first number that is infinite as a half.
    assert_eq!(memory.read_f16(output + 20, 2), [f32::INFINITY, 3.75]);
}

#[test]
fn a_table_of_branches_sends_every_lane_its_way() {
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.u32 %r1, %tid.x; rem.u32 %r2, %r1, 3;
         $L_table: .branchtargets $L_0, $L_1, $L_2;
         brx.idx %r2, $L_table;
         $L_0: mov.b32 %r3, 100; bra.uni $L_end;
         $L_1: mov.b32 %r3, 200; bra.uni $L_end;
         $L_2: mov.b32 %r3, 300;
         $L_end: redux.sync.add.u32 %r4, %r3, -1; add.s32 %r3, %r3, %r4;
         mul.wide.u32 %d2, %r1, 4; add.s64 %d3, %d1, %d2; st.global.b32 [%d3], %r3; ret;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(128);
    run(&module, one_cube(32), 0, &[output], &mut memory).expect("it runs");
    // 11 lanes of the first and second kind, 10 of the third: 1100 + 2200 + 3000.
    let expected: Vec<u32> = (0..32).map(|lane| 6300 + 100 * (lane % 3 + 1)).collect();
    assert_eq!(memory.read_u32(output, 32), expected);
}

#[test]
fn words_carry_into_the_next() {
    // 0xffff_ffff_ffff_ffff + 1 in two words, the first of which is overwritten by its own sum.
    let module = module(
        POINTERS_1,
        "ld.param.b64 %d1, [a]; mov.b32 %r1, -1; mov.b32 %r2, -1;
         add.cc.u32 %r1, %r1, 1; addc.cc.u32 %r2, %r2, 0; addc.u32 %r3, 7, 0;
         st.global.b32 [%d1], %r1; st.global.b32 [%d1+4], %r2; st.global.b32 [%d1+8], %r3; ret;",
    );
    let mut memory = Memory::new();
    let output = memory.alloc(12);
    run(&module, one_cube(1), 0, &[output], &mut memory).expect("it runs");
    assert_eq!(memory.read_u32(output, 3), [0, 0, 8]);
}

#[test]
fn a_matrix_stored_and_loaded_comes_back_turned_or_not() {
    // Lane l holds 2l and 2l + 1 as integers of 16 bits.
    let kernel = |load: &str| {
        module(
            POINTERS_1,
            &format!(
                "ld.param.b64 %d1, [a]; mov.u32 %r1, %laneid; shl.b32 %r2, %r1, 1; add.s32 %r3, %r2, 1;
                 shl.b32 %r3, %r3, 16; or.b32 %r2, %r2, %r3; and.b32 %r4, %r1, 7; mul.wide.u32 %d2, %r4, 16;
                 mov.b64 %d3, dynamic; add.s64 %d3, %d3, %d2;
                 stmatrix.sync.aligned.m8n8.x1.shared.b16 [%d3], {{%r2}}; bar.warp.sync -1;
                 ldmatrix.sync.aligned.m8n8.x1.{load}shared.b16 {{%r5}}, [%d3];
                 mul.wide.u32 %d4, %r1, 4; add.s64 %d5, %d1, %d4; st.global.b32 [%d5], %r5; ret;"
            ),
        )
    };
    let mut memory = Memory::new();
    let output = memory.alloc(128);
    let mut halves = |load: &str| {
        run(&kernel(load), one_cube(32), 128, &[output], &mut memory).expect("it runs");
        let words = memory.read_u32(output, 32);
        words.iter().flat_map(|word| [word & 0xffff, word >> 16]).collect::<Vec<_>>()
    };
    assert_eq!(halves(""), (0..64).collect::<Vec<_>>());
    // Element (row, column) of the turned matrix is 8 * column + row.
    assert_eq!(halves("trans."), (0..64).map(|place| place % 8 * 8 + place / 8).collect::<Vec<_>>());
}

#[test]
fn arguments_lie_as_cubecl_passes_them() {
    let mut memory = Memory::new();
    let buffer = memory.alloc(4);
    let whole = ptx::cubecl_arguments(&[buffer], &[7, 8, 9], None, &mut memory);
    let Argument::Pointer(info) = whole[1] else { panic!("the block is a buffer") };
    assert_eq!(memory.read_u32(info, 6), [7, 0, 8, 0, 9, 0]);
    let split = ptx::cubecl_arguments(&[buffer], &[7, 8, 9], Some(2), &mut memory);
    let Argument::Pointer(shapes) = split[1] else { panic!("the shapes are a buffer") };
    assert_eq!((memory.read_u32(shapes, 2), split.len()), (vec![9, 0], 3));
    assert_eq!(split[2], Argument::Bytes([7_u64, 8].map(u64::to_le_bytes).concat()));
}
