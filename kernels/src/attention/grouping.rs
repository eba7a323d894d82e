//! Speaker tokens first, listener tokens after them: then every query of every rule sees two unbroken ranges of
//! keys, one of the speaker and one of the listener, and blocks of neighbouring queries see nearly the same ones.
//!
//! In:  a rule, the numbers of queries and keys.
//! Out: *slots* (places of keys in the new order), blocks of queries, and what each of them sees.

use std::ops::Range;

use super::problem::{AttentionProblem, MaskRule, SPEAKER_TOKENS, TOKENS_PER_FRAME};

const LISTENER_TOKENS: usize = TOKENS_PER_FRAME - SPEAKER_TOKENS;
/// Scores of one block: 512 kB, so that two of them stay in the second-level cache of a core.
const BLOCK_SCORES: usize = 131_072;
/// Rows of a block: enough to make products of matrices worth while, few enough to skip what is masked.
const BLOCK_ROWS: Range<usize> = 16..64;

/// Queries that are worked on together, and the slots that at least one of them sees.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Query numbers.
    pub(crate) queries: Vec<usize>,
    /// Of the speaker and of the listener.
    pub(crate) slots: [Range<usize>; 2],
}

impl Block {
    /// Number of columns of the block's scores: the slots of both ranges side by side.
    pub(crate) fn columns(&self) -> usize {
        self.slots[0].len() + self.slots[1].len()
    }

    /// The two ranges of slots, each with its first column.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        let second = self.slots[0].len();
        [(self.slots[0].clone(), 0), (self.slots[1].clone(), second)].into_iter().filter(|(slots, _)| !slots.is_empty())
    }
}

/// The order of keys and queries under a rule.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    rule: MaskRule,
    /// Where the first query stands among the keys.
    first_query: usize,
    /// How many keys come first: all of them where the rule makes no difference between them.
    speaker_keys: usize,
    /// Slots at or behind these are seen by nobody: of the keys that come first, and of the others.
    ends: [usize; 2],
    /// Position of the key in each slot.
    pub(crate) positions: Vec<u32>,
    /// All queries, in blocks.
    pub(crate) blocks: Vec<Block>,
}

impl Grouping {
    pub(crate) fn new(problem: &AttentionProblem, queries: usize, keys: usize) -> Self {
        let is_first = |position: usize| problem.rule == MaskRule::Full || is_speaker(position);
        let positions = grouped(0..keys, is_first).map(|position| position as u32).collect();
        let speaker_keys = (0..keys).filter(|position| is_first(*position)).count();
        let limit = problem.key_limit.unwrap_or(keys).min(keys);
        let first_seen = (0..limit).filter(|position| is_first(*position)).count();
        let mut grouping = Self {
            rule: problem.rule,
            first_query: problem.first_query,
            speaker_keys,
            ends: [first_seen, speaker_keys + limit - first_seen],
            positions,
            blocks: Vec::new(),
        };
        let rows = (BLOCK_SCORES / keys.max(1)).next_multiple_of(8).clamp(BLOCK_ROWS.start, BLOCK_ROWS.end);
        let order: Vec<usize> = grouped(0..queries, |query| is_first(problem.first_query + query)).collect();
        grouping.blocks = order
            .chunk_by(|a, b| is_first(problem.first_query + a) == is_first(problem.first_query + b))
            .flat_map(|group| group.chunks(rows))
            .map(|queries| grouping.block(queries.to_vec()))
            .collect();
        grouping
    }

    /// The slots that a query sees.
    pub(crate) fn visible(&self, query: usize) -> [Range<usize>; 2] {
        let (speaker, listener) = self.visible_places(self.first_query + query);
        let [first_end, other_end] = self.ends;
        let slot = |place: usize| (self.speaker_keys + place).min(other_end);
        [speaker.start.min(first_end)..speaker.end.min(first_end), slot(listener.start)..slot(listener.end)]
    }

    /// The same as counts of speaker tokens and of listener tokens, without regard to where the keys end.
    fn visible_places(&self, position: usize) -> (Range<usize>, Range<usize>) {
        let (MaskRule::Published { online_step } | MaskRule::FrameCausal { online_step }) = self.rule else {
            return (0..self.speaker_keys, 0..0);
        };
        let chunk = position / (TOKENS_PER_FRAME * online_step);
        let own = |tokens: usize| chunk * online_step * tokens..(chunk + 1) * online_step * tokens;
        let (speaker, listener) = (own(SPEAKER_TOKENS), own(LISTENER_TOKENS));
        match (self.rule, is_speaker(position)) {
            (MaskRule::Published { .. }, true) => (0..speaker.end, listener),
            (MaskRule::Published { .. }, false) => (speaker, listener),
            (_, true) => (0..speaker.end, 0..listener.start),
            (_, false) => (0..speaker.end, 0..listener.end),
        }
    }

    fn block(&self, queries: Vec<usize>) -> Block {
        let ranges: Vec<_> = queries.iter().map(|query| self.visible(*query)).collect();
        let union = |side: usize| {
            let seen = || ranges.iter().map(|ranges| &ranges[side]).filter(|range| !range.is_empty());
            let start = seen().map(|range| range.start).min().unwrap_or(0);
            start..seen().map(|range| range.end).max().unwrap_or(0)
        };
        Block { slots: [union(0), union(1)], queries }
    }
}

fn is_speaker(position: usize) -> bool {
    position % TOKENS_PER_FRAME < SPEAKER_TOKENS
}

/// The numbers for which the condition holds, then the others.
fn grouped(numbers: Range<usize>, is_first: impl Fn(usize) -> bool + Copy) -> impl Iterator<Item = usize> {
    numbers.clone().filter(move |number| is_first(*number)).chain(numbers.filter(move |number| !is_first(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_say_the_same_as_the_rule() {
        let steps = [1, 2, 5];
        let rules = steps.iter().flat_map(|step| {
            [MaskRule::Published { online_step: *step }, MaskRule::FrameCausal { online_step: *step }]
        });
        for rule in rules.chain([MaskRule::Full]) {
            let (queries, keys) = (47, 51);
            let problem = AttentionProblem { first_query: 4, ..AttentionProblem::whole(rule) };
            let grouping = Grouping::new(&problem, queries, keys);
            for query in 0..queries {
                let mut seen: Vec<usize> = grouping
                    .visible(query)
                    .into_iter()
                    .flatten()
                    .map(|slot| grouping.positions[slot] as usize)
                    .collect();
                seen.sort_unstable();
                let expected: Vec<usize> = (0..keys).filter(|key| rule.allows(4 + query, *key)).collect();
                assert_eq!(seen, expected, "{rule:?}, query {query}");
            }
        }
    }

    #[test]
    fn blocks_hold_every_query_once() {
        let problem = AttentionProblem::whole(MaskRule::Published { online_step: 1 });
        let grouping = Grouping::new(&problem, 301, 301);
        let mut queries: Vec<usize> = grouping.blocks.iter().flat_map(|block| block.queries.clone()).collect();
        queries.sort_unstable();
        assert_eq!(queries, (0..301).collect::<Vec<_>>());
    }

    #[test]
    fn published_listener_blocks_compute_a_fraction_of_all_scores() {
        // 4500 tokens: a full matrix has 20.25 million scores, the rule allows an eighth of them.
        let problem = AttentionProblem::whole(MaskRule::Published { online_step: 1 });
        let grouping = Grouping::new(&problem, 4500, 4500);
        let scores: usize = grouping.blocks.iter().map(|block| block.queries.len() * block.columns()).sum();
        assert!(scores < 4500 * 4500 * 15 / 100, "{scores}");
    }
}
