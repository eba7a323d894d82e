//! Memory of attention in training grows with the tokens, not with their square: the most that is held at once, counted by
//! the allocator, for some tokens and for twice as many.
#![allow(unsafe_code, reason = "an allocator that counts is an allocator")]

mod noise;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use burn::tensor::Device;
use noise::noise_on;
use unifr_kernels::{AttentionProblem, Dropout, MaskRule, attention};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on as it came; only numbers are kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), SeqCst) + layout.size(), SeqCst);
        // SAFETY: the caller keeps the allocator's rules.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller keeps the allocator's rules.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes that forward and backward hold at most, beyond what was held before.
fn most_bytes(tokens: usize, rule: MaskRule) -> usize {
    let problem = AttentionProblem::whole(rule).with_dropout(Some(Dropout { probability: 0.1, seed: 1 }));
    let device = Device::flex();
    let inputs = [1, 2, 3].map(|seed| noise_on::<4>([1, tokens, 2, 64], seed, &device).swap_dims(1, 2));
    let held = HELD.load(SeqCst);
    MOST.store(held, SeqCst);
    let [query, key, value] = inputs.map(|input| input.autodiff().require_grad());
    let output = attention(query, key, value, &problem).expect("shapes fit");
    drop(output.sum().backward());
    MOST.load(SeqCst) - held
}

#[test]
fn memory_grows_with_the_tokens_and_not_with_their_square() {
    for rule in [MaskRule::Full, MaskRule::Published { online_step: 1 }, MaskRule::FrameCausal { online_step: 1 }] {
        most_bytes(300, rule);
        let [some, twice] = [1500, 3000].map(|tokens| most_bytes(tokens, rule));
        eprintln!("{rule:?}: {} bytes a token of 2 heads of 64", twice / 3000);
        assert!(twice < some * 5 / 2, "{rule:?}: {some} bytes, then {twice}");
        // One copy of all scores of both heads in `f32` would be this many, and the composition keeps three.
        assert!(twice < 2 * 3000 * 3000 * 4, "{rule:?}: {twice} bytes");
    }
}
