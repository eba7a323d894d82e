//! The nearest of many centres in eight dimensions, exactly, without trying every one.
//!
//! In:  centres; a sample of eight `f32`.
//! Out: the centre at the smallest squared distance, the lowest index where several are equally near.
//!
//! The centres lie in boxes of at most [`LEAF_SIZE`], the boxes in larger boxes. A box is skipped if its distance
//! is beyond the best found. That distance and those of the centres are sums of the same eight terms in the same
//! order, and rounding never reverses an order, so a skipped box cannot hold the answer: the result is that
//! of trying every centre, to the last bit.

use super::EXPRESSION_COUNT as DIMENSIONS;
use super::expression::Expression;

/// Centres per smallest box: eight distances at once keep the vector units busy.
const LEAF_SIZE: usize = 8;

/// A search structure over centres.
#[derive(Clone, Debug)]
pub struct NearestCentre {
    /// The root first; none where there are no centres.
    boxes: Vec<Box>,
    leaves: Vec<Leaf>,
}

/// A box around centres and what is in it.
#[derive(Clone, Debug)]
struct Box {
    low: Expression,
    high: Expression,
    inside: Inside,
}

#[derive(Clone, Copy, Debug)]
enum Inside {
    Boxes(usize, usize),
    Leaf(usize),
}

/// Up to eight centres, one dimension after the other.
#[derive(Clone, Debug)]
struct Leaf {
    values: [[f64; LEAF_SIZE]; DIMENSIONS],
    /// Ascending; unused places repeat the last one.
    centres: [u32; LEAF_SIZE],
}

/// A centre and its squared distance from the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// The squared distance.
    pub distance: f64,
    /// The index of the centre.
    pub centre: u32,
}

impl Nearest {
    fn is_beaten_by(&self, distance: f64, centre: u32) -> bool {
        // Squares are never negative zero, so the total order is the usual one.
        distance.total_cmp(&self.distance).then(centre.cmp(&self.centre)).is_lt()
    }
}

/// Squared distance of a sample from a centre, summed from the first dimension to the last.
pub(super) fn squared_distance(sample: &Expression, centre: &Expression) -> f64 {
    sample.iter().zip(centre).fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b))
}

impl NearestCentre {
    /// Builds the boxes around all centres, which are finite.
    pub fn new(centres: &[Expression]) -> Self {
        Self::of_some(centres, (0..centres.len() as u32).collect())
    }

    /// Builds the boxes around some of the centres, each named once.
    pub(super) fn of_some(centres: &[Expression], mut some: Vec<u32>) -> Self {
        let mut result = Self { boxes: Vec::new(), leaves: Vec::new() };
        if !some.is_empty() {
            result.add_box(centres, &mut some);
        }
        result
    }

    /// Adds a box around the centres in `order` with all that is in it, and returns its number.
    fn add_box(&mut self, centres: &[Expression], order: &mut [u32]) -> usize {
        let (low, high) = bounds(centres, order);
        let number = self.boxes.len();
        self.boxes.push(Box { low, high, inside: Inside::Leaf(self.leaves.len()) });
        if order.len() <= LEAF_SIZE {
            self.leaves.push(Leaf::new(centres, order));
            return number;
        }
        let widest = (0..DIMENSIONS).max_by(|&a, &b| (high[a] - low[a]).total_cmp(&(high[b] - low[b]))).unwrap_or(0);
        let half = order.len() / 2;
        order.select_nth_unstable_by(half, |&a, &b| {
            centres[a as usize][widest].total_cmp(&centres[b as usize][widest]).then(a.cmp(&b))
        });
        let (left, right) = order.split_at_mut(half);
        let children = (self.add_box(centres, left), self.add_box(centres, right));
        self.boxes[number].inside = Inside::Boxes(children.0, children.1);
        number
    }

    /// The nearest centre of a finite sample; without centres, one at an infinite distance.
    pub fn find(&self, sample: &Expression) -> Nearest {
        self.find_nearer(sample, Nearest { distance: f64::INFINITY, centre: u32::MAX })
    }

    /// The nearest centre, given one that is known already together with its [`squared_distance`].
    pub(super) fn find_nearer(&self, sample: &Expression, mut best: Nearest) -> Nearest {
        if !self.boxes.is_empty() {
            self.search(0, sample, &mut best);
        }
        best
    }

    fn search(&self, number: usize, sample: &Expression, best: &mut Nearest) {
        match self.boxes[number].inside {
            Inside::Leaf(leaf) => self.leaves[leaf].search(sample, best),
            Inside::Boxes(left, right) => {
                let distances = [left, right].map(|child| self.boxes[child].distance(sample));
                let mut children = [(distances[0], left), (distances[1], right)];
                if distances[1] < distances[0] {
                    children.swap(0, 1);
                }
                for (distance, child) in children {
                    // An equal distance may belong to a centre of lower index.
                    if distance <= best.distance {
                        self.search(child, sample, best);
                    }
                }
            }
        }
    }
}

fn bounds(centres: &[Expression], order: &[u32]) -> (Expression, Expression) {
    let mut low = [f64::INFINITY; DIMENSIONS];
    let mut high = [f64::NEG_INFINITY; DIMENSIONS];
    for &centre in order {
        for (dimension, &value) in centres[centre as usize].iter().enumerate() {
            low[dimension] = low[dimension].min(value);
            high[dimension] = high[dimension].max(value);
        }
    }
    (low, high)
}

impl Box {
    /// At most the [`squared_distance`] of any centre inside.
    fn distance(&self, sample: &Expression) -> f64 {
        let mut sum = 0.0;
        for ((value, low), high) in sample.iter().zip(&self.low).zip(&self.high) {
            let gap = (low - value).max(value - high).max(0.0);
            sum += gap * gap;
        }
        sum
    }
}

impl Leaf {
    fn new(centres: &[Expression], order: &mut [u32]) -> Self {
        order.sort_unstable();
        let centres_of = std::array::from_fn(|place| order[place.min(order.len() - 1)]);
        let values = std::array::from_fn(|dimension| {
            std::array::from_fn(|place| centres[centres_of[place] as usize][dimension])
        });
        Self { values, centres: centres_of }
    }

    fn search(&self, sample: &Expression, best: &mut Nearest) {
        let mut distances = [0.0; LEAF_SIZE];
        for (values, value) in self.values.iter().zip(sample) {
            for (distance, centre_value) in distances.iter_mut().zip(values) {
                let gap = value - centre_value;
                *distance += gap * gap;
            }
        }
        for (distance, centre) in distances.into_iter().zip(self.centres) {
            if best.is_beaten_by(distance, centre) {
                *best = Nearest { distance, centre };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};
    use rand::Rng;

    fn trying_every(centres: &[Expression], sample: &Expression) -> Nearest {
        let mut best = Nearest { distance: f64::INFINITY, centre: u32::MAX };
        for (number, centre) in centres.iter().enumerate() {
            let distance = squared_distance(sample, centre);
            if best.is_beaten_by(distance, number as u32) {
                best = Nearest { distance, centre: number as u32 };
            }
        }
        best
    }

    #[test]
    fn the_answer_is_that_of_trying_every_centre() {
        let mut chance = stream(3, Owner::Clustering, [0; 3]);
        for count in [1, 2, 8, 9, 63, 500] {
            // On a coarse grid equal distances and equal centres are common.
            for steps in [2.0, 5.0, 1e9] {
                let mut draw = || -> Expression {
                    std::array::from_fn(|_| f64::from((chance.random::<f32>() * steps).floor() / steps))
                };
                let centres: Vec<_> = (0..count).map(|_| draw()).collect();
                let search = NearestCentre::new(&centres);
                for _ in 0..200 {
                    let sample = draw();
                    let expected = trying_every(&centres, &sample);
                    assert_eq!(search.find(&sample), expected);
                    let other = chance_of(&centres, &sample);
                    assert_eq!(search.find_nearer(&sample, other), expected);
                }
            }
        }
    }

    /// Some centre with its distance, not the nearest as a rule.
    fn chance_of(centres: &[Expression], sample: &Expression) -> Nearest {
        let centre = (sample[0] * 1000.0) as usize % centres.len();
        Nearest { distance: squared_distance(sample, &centres[centre]), centre: centre as u32 }
    }
}
