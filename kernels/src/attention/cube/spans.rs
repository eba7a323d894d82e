//! Which keys a query sees, and which queries see a key, as two unbroken spans each: the arithmetic of
//! [`crate::attention::grouping`], inside the kernels.
//!
//! Speaker tokens are *group* 0, listener tokens group 1; a *place* counts the tokens of a group from the start of
//! the sequence. Under [`MaskRule::Full`] all tokens are group 0. Both ends of a span grow with the place, so what
//! a block of neighbours sees is found from its first and its last member.

use cubecl::prelude::*;

use crate::attention::problem::{MaskRule, SPEAKER_TOKENS, TOKENS_PER_FRAME};

const FRAME: u32 = TOKENS_PER_FRAME as u32;
const HALF: u32 = SPEAKER_TOKENS as u32;

/// Groups that a rule tells apart.
pub(crate) fn groups(rule: MaskRule) -> u32 {
    if rule == MaskRule::Full { 1 } else { 2 }
}

fn is_published(rule: MaskRule) -> bool {
    matches!(rule, MaskRule::Published { .. })
}

/// Tokens of one group in a chunk.
fn chunk_tokens(rule: MaskRule) -> u32 {
    HALF * rule.online_step().unwrap_or(1) as u32
}

/// Position in the sequence of a place of a group.
#[cube]
pub(crate) fn position(group: u32, place: u32, #[comptime] rule: MaskRule) -> u32 {
    if comptime!(rule == MaskRule::Full) { place } else { (place / HALF) * FRAME + group * HALF + place % HALF }
}

/// How many tokens of a group stand before a position.
#[cube]
pub(crate) fn places_before(group: u32, position: u32, #[comptime] rule: MaskRule) -> u32 {
    if comptime!(rule == MaskRule::Full) {
        position
    } else {
        let first = group * HALF;
        let within = position % FRAME;
        (position / FRAME) * HALF + min(max(within, first) - first, HALF)
    }
}

/// First place of `key_group` that a query sees.
#[cube]
pub(crate) fn first_key(
    query_group: u32,
    query_place: u32,
    key_group: u32,
    end: u32,
    #[comptime] rule: MaskRule,
) -> u32 {
    if comptime!(is_published(rule)) {
        let own = (query_place / comptime!(chunk_tokens(rule))) * comptime!(chunk_tokens(rule));
        min(select(query_group + key_group == 0, 0u32, own), end)
    } else {
        0u32.runtime()
    }
}

/// The place after the last one of `key_group` that a query sees; `end` is where the group's keys end.
#[cube]
pub(crate) fn end_key(query_group: u32, query_place: u32, key_group: u32, end: u32, #[comptime] rule: MaskRule) -> u32 {
    if comptime!(rule == MaskRule::Full) {
        end
    } else {
        let own = (query_place / comptime!(chunk_tokens(rule))) * comptime!(chunk_tokens(rule));
        let next = own + comptime!(chunk_tokens(rule));
        if comptime!(is_published(rule)) {
            min(next, end)
        } else {
            // A frame-causal speaker token sees no listener token of its own chunk.
            min(select(query_group < key_group, own, next), end)
        }
    }
}

/// First place of `query_group` that sees a key; `start..end` are the queries there are.
#[cube]
pub(crate) fn first_query(
    key_group: u32,
    key_place: u32,
    query_group: u32,
    start: u32,
    end: u32,
    #[comptime] rule: MaskRule,
) -> u32 {
    if comptime!(rule == MaskRule::Full) {
        start
    } else {
        let own = (key_place / comptime!(chunk_tokens(rule))) * comptime!(chunk_tokens(rule));
        if comptime!(is_published(rule)) {
            min(max(own, start), end)
        } else {
            let next = own + comptime!(chunk_tokens(rule));
            min(max(select(query_group < key_group, next, own), start), end)
        }
    }
}

/// The place after the last one of `query_group` that sees a key.
#[cube]
pub(crate) fn end_query(
    key_group: u32,
    key_place: u32,
    query_group: u32,
    start: u32,
    end: u32,
    #[comptime] rule: MaskRule,
) -> u32 {
    if comptime!(is_published(rule)) {
        let next =
            (key_place / comptime!(chunk_tokens(rule))) * comptime!(chunk_tokens(rule)) + comptime!(chunk_tokens(rule));
        select(query_group + key_group == 0, end, min(max(next, start), end))
    } else {
        end
    }
}
