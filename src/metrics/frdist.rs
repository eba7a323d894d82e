//! FRDist: how far each predicted reaction is from the nearest of the appropriate real ones, time warped.
//!
//! In:  predictions, real listeners, neighbour lists.
//! Out: one value per reaction, the smallest distance over the neighbours.
//! Source: section 8, `FRD` of the challenge.
//!
//! The minimum is exact, yet most tables are never filled in double precision. Neighbours are tried in the order of
//! a cheap lower bound; each is warped in `f32`, whose result is known to be right within [`slack`], and given up
//! as soon as it cannot win; only those that may still be nearest are warped again in `f64`.

use pulp::Arch;
use rayon::prelude::*;

use super::arrays::{Clips, Predictions, Watcher, columns_in_f32};
use super::dtw::{Columns, Diagonals, warped_cost};
use super::hamming;
use crate::dataset::Appropriateness;
use crate::tokens::{ACTION_UNIT_COUNT, ATTRIBUTE_COUNT, EXPRESSION_COUNT, VALENCE_AROUSAL_COUNT};

/// The first column of valence and arousal.
const AFFECT: usize = ACTION_UNIT_COUNT;
/// The first column of the expressions.
const EXPRESSIONS: usize = AFFECT + VALENCE_AROUSAL_COUNT;

/// What the distance of each group is divided by, in the order action units, valence and arousal, expressions.
const DIVISORS: [f64; 3] = [ACTION_UNIT_COUNT as f64, 1.0, EXPRESSION_COUNT as f64];

/// The smallest distance of every reaction from an appropriate real one, `[clips * reactions]`.
///
/// Published behaviour: inputs are rounded to `f32` before they are compared; the score sums over the ten reactions
/// of a clip before it averages over clips (defect 34). Golden: `per_reaction_FRD`.
///
/// Departure: the published code cuts off trailing frames that are all NaN; here NaN is refused on entry.
pub fn frdist(
    predictions: &Predictions,
    listeners: &Clips,
    neighbours: &Appropriateness,
    watcher: Watcher<'_>,
) -> Vec<f64> {
    let listeners: Vec<Sequence> = (0..listeners.clip_count())
        .into_par_iter()
        .map(|clip| Sequence::new(listeners.clip(clip), Direction::Backwards))
        .collect();
    let room = || Workspace::new(predictions.frame_count());
    predictions.each_reaction("FRDist", watcher, room, |room, clip, reaction| {
        let prediction = Sequence::new(predictions.reaction(clip, reaction), Direction::Forwards);
        let candidates: Vec<&Sequence> =
            neighbours.appropriate(clip).iter().map(|&neighbour| &listeners[neighbour as usize]).collect();
        nearest(room, &prediction, &candidates)
    })
}

/// `DTW(action units)/15 + DTW(valence, arousal) + DTW(expressions)/8` between two clips `[frames, 25]`.
pub fn distance(prediction: &[f64], listener: &[f64]) -> f64 {
    let prediction = Sequence::new(prediction, Direction::Forwards);
    let listener = Sequence::new(listener, Direction::Backwards);
    Workspace::new(prediction.frame_count).exact(&prediction, &listener)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forwards,
    Backwards,
}

/// One clip, ready to be warped: the prediction forwards, the listener backwards in time.
struct Sequence {
    frame_count: usize,
    direction: Direction,
    /// `[25, frames]`
    columns: Vec<f32>,
    lowest: [f32; ATTRIBUTE_COUNT],
    highest: [f32; ATTRIBUTE_COUNT],
    /// Where all action units are 0 or 1.
    masks: Option<Vec<u16>>,
    affect: Columns<f32, VALENCE_AROUSAL_COUNT>,
    expressions: Columns<f32, EXPRESSION_COUNT>,
}

impl Sequence {
    fn new(frames: &[f64], direction: Direction) -> Self {
        let columns = columns_in_f32(frames);
        let frame_count = frames.len() / ATTRIBUTE_COUNT;
        let of_column = |better: fn(f32, f32) -> f32| {
            std::array::from_fn(|column| {
                let values = &columns[column * frame_count..][..frame_count];
                values.iter().copied().reduce(better).expect("shapes without frames are refused on entry")
            })
        };
        let mut masks = hamming::masks_from_columns(&columns[..ACTION_UNIT_COUNT * frame_count], frame_count);
        if let (Some(masks), Direction::Backwards) = (&mut masks, direction) {
            masks.reverse();
        }
        Self {
            frame_count,
            direction,
            lowest: of_column(f32::min),
            highest: of_column(f32::max),
            masks,
            affect: group(&columns, frame_count, AFFECT, direction),
            expressions: group(&columns, frame_count, EXPRESSIONS, direction),
            columns,
        }
    }

    fn group<N: super::lanes::Lanes, const D: usize>(&self, first: usize) -> Columns<N, D> {
        group(&self.columns, self.frame_count, first, self.direction)
    }
}

/// Columns `first..first + D` of all 25.
fn group<N: super::lanes::Lanes, const D: usize>(
    columns: &[f32],
    frame_count: usize,
    first: usize,
    direction: Direction,
) -> Columns<N, D> {
    let column = |d: usize| &columns[(first + d) * frame_count..][..frame_count];
    match direction {
        Direction::Forwards => Columns::forwards(frame_count, column),
        Direction::Backwards => Columns::backwards(frame_count, column),
    }
}

/// The smallest exact distance of `prediction` from any of the `candidates`.
fn nearest(room: &mut Workspace, prediction: &Sequence, candidates: &[&Sequence]) -> f64 {
    if let [only] = candidates {
        return room.exact(prediction, only);
    }
    let mut bounded: Vec<([f64; 3], &Sequence)> =
        candidates.iter().map(|candidate| (lower_bounds(prediction, candidate), *candidate)).collect();
    bounded.sort_by(|(a, _), (b, _)| sum(*a).total_cmp(&sum(*b)));
    let slack = slack(prediction.frame_count, candidates[0].frame_count);
    let mut within = f64::INFINITY; // no distance above this one can be the smallest
    let mut rough: Vec<(f64, &Sequence)> = Vec::new();
    for (bounds, candidate) in bounded {
        if let Some(distance) = room.rough(prediction, candidate, bounds, within * slack) {
            within = within.min(distance * slack);
            rough.push((distance, candidate));
        }
    }
    rough.retain(|(distance, _)| *distance <= within * slack);
    rough.iter().map(|(_, candidate)| room.exact(prediction, candidate)).fold(f64::INFINITY, f64::min)
}

fn sum([action_units, affect, expressions]: [f64; 3]) -> f64 {
    action_units + affect + expressions
}

/// A distance computed in `f32` is within this factor of the true one, either way.
///
/// Along a warping every cost is a sum of up to 15 squares of rounded differences (3 + 15 roundings) and at most
/// `rows + columns` costs are added; each rounding is within 2⁻²⁴. That holds for the sum, so also for its root. The
/// factor is four times as far from 1, which leaves room for the roundings of bounds and limits.
fn slack(rows: usize, columns: usize) -> f64 {
    1.0 + 2.0 * (rows + columns + 18) as f64 * f64::from(f32::EPSILON)
}

/// For each group a distance that warping cannot undercut: every frame of either clip meets some frame of the other,
/// and no frame lies outside the box around its own clip.
fn lower_bounds(a: &Sequence, b: &Sequence) -> [f64; 3] {
    let one_way = |from: &Sequence, to: &Sequence, column: usize| {
        let (low, high) = (to.lowest[column], to.highest[column]);
        let values = &from.columns[column * from.frame_count..][..from.frame_count];
        if low <= from.lowest[column] && from.highest[column] <= high {
            return 0.0;
        }
        let outside = |&value: &f32| f64::from(value) - f64::from(value.clamp(low, high));
        values.iter().map(|value| outside(value).powi(2)).sum::<f64>()
    };
    let bound = |first: usize, count: usize| {
        let total = |from, to| (first..first + count).map(|column| one_way(from, to, column)).sum::<f64>();
        total(a, b).max(total(b, a)).sqrt()
    };
    let bounds = [bound(0, AFFECT), bound(AFFECT, VALENCE_AROUSAL_COUNT), bound(EXPRESSIONS, EXPRESSION_COUNT)];
    std::array::from_fn(|group| bounds[group] / DIVISORS[group])
}

/// The working memory of one thread.
struct Workspace {
    arch: Arch,
    rough: Diagonals<f32>,
    exact: Diagonals<f64>,
    masks: [Vec<u16>; 3],
}

impl Workspace {
    fn new(frame_count: usize) -> Self {
        Self {
            arch: Arch::new(),
            rough: Diagonals::new(frame_count),
            exact: Diagonals::new(frame_count),
            masks: [const { Vec::new() }; 3],
        }
    }

    /// The distance in `f32`, right within [`slack`], or none once it is above `within`.
    fn rough(&mut self, a: &Sequence, b: &Sequence, mut known: [f64; 3], within: f64) -> Option<f64> {
        // Cheap groups first: what they add is taken off the limit of the dear one.
        let affect = self.rough_group(&a.affect, &b.affect, allowance(known, 1, within)?)?;
        known[1] = known[1].max(affect / DIVISORS[1]);
        let units = if let Some(count) = self.differing_units(a, b) {
            count.sqrt()
        } else {
            let (a, b) = (a.group::<f32, ACTION_UNIT_COUNT>(0), b.group::<f32, ACTION_UNIT_COUNT>(0));
            self.rough_group(&a, &b, allowance(known, 0, within)?)?
        };
        known[0] = known[0].max(units / DIVISORS[0]);
        let expressions = self.rough_group(&a.expressions, &b.expressions, allowance(known, 2, within)?)?;
        known[2] = known[2].max(expressions / DIVISORS[2]);
        Some(sum(known))
    }

    fn rough_group<const D: usize>(&mut self, a: &Columns<f32, D>, b: &Columns<f32, D>, limit: f64) -> Option<f64> {
        let cost = warped_cost(self.arch, a, b, &mut self.rough, (limit * limit) as f32)?;
        Some(f64::from(cost).sqrt())
    }

    /// The distance in `f64`.
    fn exact(&mut self, a: &Sequence, b: &Sequence) -> f64 {
        let units = self.differing_units(a, b).unwrap_or_else(|| self.exact_group::<ACTION_UNIT_COUNT>(a, b, 0));
        let affect = self.exact_group::<VALENCE_AROUSAL_COUNT>(a, b, AFFECT);
        let expressions = self.exact_group::<EXPRESSION_COUNT>(a, b, EXPRESSIONS);
        units.sqrt() / DIVISORS[0] + affect.sqrt() / DIVISORS[1] + expressions.sqrt() / DIVISORS[2]
    }

    fn exact_group<const D: usize>(&mut self, a: &Sequence, b: &Sequence, first: usize) -> f64 {
        let (a, b) = (a.group::<f64, D>(first), b.group::<f64, D>(first));
        warped_cost(self.arch, &a, &b, &mut self.exact, f64::INFINITY).expect("nothing is above infinity")
    }

    /// The cost of the action units where all of them are 0 or 1: exact, and the cheapest of all.
    fn differing_units(&mut self, a: &Sequence, b: &Sequence) -> Option<f64> {
        let (first, backwards) = (a.masks.as_ref()?, b.masks.as_ref()?);
        if first.len() + backwards.len() > hamming::MOST_FRAMES {
            return None;
        }
        Some(f64::from(hamming::warped_cost(self.arch, first, backwards, &mut self.masks)))
    }
}

/// How large the distance of `group` may be, before division, for the whole to stay `within`; none if it is already above.
fn allowance(known: [f64; 3], group: usize, within: f64) -> Option<f64> {
    if within.is_infinite() {
        return Some(within);
    }
    let others = sum(known) - known[group];
    let left = (within - others) * DIVISORS[group];
    (left >= 0.0).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};
    use rand::Rng;

    /// The definition: fill the table.
    fn filled_table(a: &[f64], b: &[f64], first: usize, count: usize) -> f64 {
        let (rows, columns) = (a.len() / ATTRIBUTE_COUNT, b.len() / ATTRIBUTE_COUNT);
        let cost = |i: usize, j: usize| {
            let difference = |d: usize| {
                let value =
                    |frames: &[f64], frame: usize| f64::from(frames[frame * ATTRIBUTE_COUNT + first + d] as f32);
                value(a, i) - value(b, j)
            };
            (0..count).map(|d| difference(d).powi(2)).sum::<f64>()
        };
        let mut table = vec![vec![f64::INFINITY; columns + 1]; rows + 1];
        table[0][0] = 0.0;
        for i in 0..rows {
            for j in 0..columns {
                table[i + 1][j + 1] = cost(i, j) + table[i][j].min(table[i][j + 1]).min(table[i + 1][j]);
            }
        }
        table[rows][columns].sqrt()
    }

    fn by_definition(a: &[f64], b: &[f64]) -> f64 {
        filled_table(a, b, 0, 15) / 15.0 + filled_table(a, b, 15, 2) + filled_table(a, b, 17, 8) / 8.0
    }

    fn random_frames(place: u64, frame_count: usize, binary: bool) -> Vec<f64> {
        let mut random = stream(5, Owner::Baselines, [place, 0, 0]);
        let mut value = |column: usize| match column {
            0..ACTION_UNIT_COUNT if binary => f64::from(u8::from(random.random::<f64>() < 0.4)),
            _ => random.random::<f64>(),
        };
        (0..frame_count * ATTRIBUTE_COUNT).map(|index| value(index % ATTRIBUTE_COUNT)).collect()
    }

    #[test]
    fn the_nearest_neighbour_equals_brute_force() {
        for (round, (frame_count, binary)) in
            [(1, true), (17, true), (33, false), (50, true), (64, false)].into_iter().enumerate()
        {
            let frames = |place: usize| random_frames((100 * round + place) as u64, frame_count, binary);
            let (clip_count, reaction_count) = (6, 2);
            let predictions: Vec<Vec<f64>> = (0..clip_count * reaction_count).map(frames).collect();
            let listeners: Vec<Vec<f64>> = (0..clip_count).map(|clip| frames(50 + clip)).collect();
            let found = frdist(
                &Predictions::new(&[clip_count, reaction_count, frame_count, ATTRIBUTE_COUNT], predictions.concat())
                    .unwrap(),
                &Clips::new("listeners", &[clip_count, frame_count, ATTRIBUTE_COUNT], listeners.concat()).unwrap(),
                &Appropriateness::from_rows(vec![(0..clip_count as u32).collect(); clip_count]).unwrap(),
                &|_| (),
            );
            for (prediction, found) in predictions.iter().zip(found) {
                let expected =
                    listeners.iter().map(|listener| by_definition(prediction, listener)).fold(f64::INFINITY, f64::min);
                assert!(
                    (found - expected).abs() <= 1e-12 * expected,
                    "{frame_count} frames: {found}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn bounds_stay_below_the_distance_and_rough_results_within_the_slack() {
        for place in 0..20 {
            let binary = place % 2 == 0;
            let a = random_frames(place, 40, binary);
            let b: Vec<f64> = random_frames(1000 + place, 40, binary).iter().map(|value| value * 0.7 + 0.3).collect();
            let (first, second) = (Sequence::new(&a, Direction::Forwards), Sequence::new(&b, Direction::Backwards));
            let expected = by_definition(&a, &b);
            assert!(sum(lower_bounds(&first, &second)) <= expected);
            let mut room = Workspace::new(40);
            let rough = room.rough(&first, &second, lower_bounds(&first, &second), f64::INFINITY).unwrap();
            assert!(rough <= expected * slack(40, 40) && expected <= rough * slack(40, 40));
            assert_eq!(room.rough(&first, &second, lower_bounds(&first, &second), expected * 0.5), None);
        }
    }

    #[test]
    fn a_reaction_is_at_distance_zero_from_itself() {
        let frames = random_frames(3, 60, true);
        assert!(distance(&frames, &frames) == 0.0);
        let frames = random_frames(3, 60, false);
        assert!(distance(&frames, &frames) == 0.0);
    }

    #[test]
    fn groups_are_divided_by_their_width_except_valence_and_arousal() {
        // One frame: 15 units differ by 1, valence and arousal by 3 and 4, expressions by 1.
        let mut frame = vec![1.0; ATTRIBUTE_COUNT];
        (frame[15], frame[16]) = (3.0, 4.0);
        let found = distance(&frame, &[0.0; ATTRIBUTE_COUNT]);
        assert!((found - (15f64.sqrt() / 15.0 + 5.0 + 8f64.sqrt() / 8.0)).abs() < 1e-15);
    }
}
