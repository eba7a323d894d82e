//! Centres of expressions by k-means: seeded like k-means++, then Lloyd's rounds until they settle.
//!
//! In:  samples of eight `f32`, a seed.
//! Out: the same centres for the same samples and seed, whatever the number of threads.
//! Source: Arthur and Vassilvitskii 2007 for the start; Lloyd 1982 for the rounds; the tolerance is scikit-learn's.
//!
//! Both stages skip what cannot change the result: the start by the triangle inequality (Raff 2021), the rounds by
//! [`NearestCentre`] and by looking only at centres that have moved where the others cannot win ([`Search`]).

use rand::Rng;
use rayon::prelude::*;

use super::nearest_centre::{Nearest, squared_distance};
use super::{EXPRESSION_COUNT, Expression, NearestCentre};
use crate::random::{Owner, stream};

/// A sample as it is stored: eight probabilities.
pub type Sample = [f32; EXPRESSION_COUNT];

/// How to cluster.
#[derive(Clone, Copy, Debug)]
pub struct KMeansSettings {
    /// Centres wanted; there are fewer where there are fewer distinct samples.
    pub centre_count: usize,
    /// Seed of the start.
    pub seed: u64,
    /// Rounds at most.
    pub round_limit: usize,
}

/// Rounds end when the centres' summed squared moves are below this share of the samples' mean variance;
/// scikit-learn's default.
const TOLERANCE: f64 = 1e-4;
/// Samples that one task works on; a constant, so that threads do not change the result.
const TASK_SAMPLES: usize = 1024;

/// Result of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    /// The centres in the order in which they were drawn.
    pub centres: Vec<Expression>,
    /// Rounds that were needed.
    pub round_count: usize,
    /// Sum over the samples of the squared distance from the nearest centre, before the last move.
    pub inertia: f64,
}

/// Clusters the samples, at least one, all finite.
pub fn kmeans(samples: &[Sample], settings: KMeansSettings) -> KMeans {
    let samples: Vec<Expression> = samples.iter().map(|sample| sample.map(f64::from)).collect();
    let mut state = starting_centres(&samples, settings);
    let smallest_move = TOLERANCE * mean_variance(&samples);
    let mut round_count = 0;
    while round_count < settings.round_limit {
        round_count += 1;
        if state.round(&samples) <= smallest_move {
            break;
        }
    }
    let inertia = state.nearest.iter().map(|nearest| nearest.distance).sum();
    KMeans { centres: state.centres, round_count, inertia }
}

/// Between two rounds.
#[derive(Clone)]
struct State {
    centres: Vec<Expression>,
    /// Each sample's nearest centre, as of before the centres' last move.
    nearest: Vec<Nearest>,
    /// The centres which that move has changed; all of them before the first round.
    moved: Vec<u32>,
}

impl State {
    /// One round: every sample goes to its nearest centre, every centre to the mean of its samples.
    ///
    /// Returns the sum of the centres' squared moves.
    fn round(&mut self, samples: &[Expression]) -> f64 {
        let search = Search::new(&self.centres, std::mem::take(&mut self.moved));
        let tasks = self.nearest.par_chunks_mut(TASK_SAMPLES).zip(samples.par_chunks(TASK_SAMPLES));
        tasks.for_each(|(nearest, samples)| {
            for (nearest, sample) in nearest.iter_mut().zip(samples) {
                *nearest = search.nearest(sample, *nearest);
            }
        });
        let means = means(samples, &self.nearest, self.centres.len());
        let moves: Vec<f64> = self.centres.iter().zip(&means).map(|(old, new)| squared_distance(old, new)).collect();
        self.moved = (0..).zip(&moves).filter(|&(_, &way)| way > 0.0).map(|(centre, _)| centre).collect();
        self.centres = means;
        moves.iter().sum()
    }
}

/// The centres of one round.
struct Search<'a> {
    centres: &'a [Expression],
    all: NearestCentre,
    moved: NearestCentre,
}

impl<'a> Search<'a> {
    fn new(centres: &'a [Expression], moved: Vec<u32>) -> Self {
        Self { centres, all: NearestCentre::new(centres), moved: NearestCentre::of_some(centres, moved) }
    }

    /// The nearest centre now, given the nearest before the last move.
    fn nearest(&self, sample: &Expression, before: Nearest) -> Nearest {
        let distance = squared_distance(sample, &self.centres[before.centre as usize]);
        let now = Nearest { distance, ..before };
        // If the own centre has not moved away, those that have stayed are still no nearer: they lost before.
        if distance <= before.distance {
            self.moved.find_nearer(sample, now)
        } else {
            self.all.find_nearer(sample, now)
        }
    }
}

/// The mean of each centre's samples. A centre without samples moves to the sample farthest from its own centre,
/// which is taken from there; the lowest among several, each once, and never a centre's only one.
fn means(samples: &[Expression], nearest: &[Nearest], centre_count: usize) -> Vec<Expression> {
    let mut sums = vec![[0.0; EXPRESSION_COUNT]; centre_count];
    let mut counts = vec![0_usize; centre_count];
    for (sample, nearest) in samples.iter().zip(nearest) {
        let centre = nearest.centre as usize;
        counts[centre] += 1;
        add(&mut sums[centre], sample, 1.0);
    }
    let empty: Vec<usize> = (0..centre_count).filter(|&centre| counts[centre] == 0).collect();
    if !empty.is_empty() {
        let mut farthest = by_distance(nearest).into_iter();
        for centre in empty {
            let Some(place) = farthest.find(|&place| counts[nearest[place].centre as usize] > 1) else { break };
            let donor = nearest[place].centre as usize;
            counts[donor] -= 1;
            add(&mut sums[donor], &samples[place], -1.0);
            counts[centre] = 1;
            sums[centre] = samples[place];
        }
    }
    sums.into_iter().zip(counts).map(|(sum, count)| sum.map(|value| value / count.max(1) as f64)).collect()
}

fn add(sum: &mut Expression, sample: &Expression, sign: f64) {
    for (sum, value) in sum.iter_mut().zip(sample) {
        *sum += sign * value;
    }
}

/// Places of the samples, the farthest from its centre first.
fn by_distance(nearest: &[Nearest]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..nearest.len()).collect();
    places.sort_by(|&a, &b| nearest[b].distance.total_cmp(&nearest[a].distance));
    places
}

/// Mean over the dimensions of the samples' variance.
fn mean_variance(samples: &[Expression]) -> f64 {
    let count = samples.len() as f64;
    let mut mean = [0.0; EXPRESSION_COUNT];
    for sample in samples {
        add(&mut mean, sample, 1.0 / count);
    }
    samples.iter().map(|sample| squared_distance(sample, &mean)).sum::<f64>() / (count * EXPRESSION_COUNT as f64)
}

/// The start: the first centre is any sample, each further one a sample drawn with a probability in proportion to
/// its squared distance from the nearest centre so far.
fn starting_centres(samples: &[Expression], settings: KMeansSettings) -> State {
    let mut chance = stream(settings.seed, Owner::Clustering, [0; 3]);
    let first = chance.random_range(0..samples.len());
    let mut start = Start::new(samples, first);
    while start.centres.len() < settings.centre_count {
        let Some(place) = start.draw(chance.random()) else { break };
        start.add(place);
    }
    let moved = (0..start.centres.len() as u32).collect();
    State { centres: start.centres, nearest: start.nearest, moved }
}

/// The centres so far and the samples of each.
struct Start<'a> {
    samples: &'a [Expression],
    centres: Vec<Expression>,
    nearest: Vec<Nearest>,
    groups: Vec<Group>,
}

/// The samples nearest to one centre.
struct Group {
    members: Vec<u32>,
    /// Sum of their squared distances.
    weight: f64,
    /// The largest of their squared distances.
    reach: f64,
}

impl Group {
    fn new(members: Vec<u32>, nearest: &[Nearest]) -> Self {
        let distances = || members.iter().map(|&member| nearest[member as usize].distance);
        Self { weight: distances().sum(), reach: distances().fold(0.0, f64::max), members }
    }
}

impl<'a> Start<'a> {
    fn new(samples: &'a [Expression], first: usize) -> Self {
        let centre = samples[first];
        let nearest: Vec<Nearest> =
            samples.iter().map(|sample| Nearest { distance: squared_distance(sample, &centre), centre: 0 }).collect();
        let group = Group::new((0..samples.len() as u32).collect(), &nearest);
        Self { samples, centres: vec![centre], nearest, groups: vec![group] }
    }

    /// The sample at the share `uniform` of the summed squared distances; none if every sample is a centre.
    fn draw(&self, uniform: f64) -> Option<usize> {
        let mut rest = uniform * self.groups.iter().map(|group| group.weight).sum::<f64>();
        let mut last = None;
        for group in &self.groups {
            if rest >= group.weight {
                rest -= group.weight;
                continue;
            }
            for &member in &group.members {
                let distance = self.nearest[member as usize].distance;
                last = if distance > 0.0 { Some(member as usize) } else { last };
                if rest < distance {
                    return last;
                }
                rest -= distance;
            }
        }
        // Rounding has carried the share past the end: the last sample that counts.
        last.or_else(|| self.nearest.iter().rposition(|nearest| nearest.distance > 0.0))
    }

    fn add(&mut self, place: usize) {
        let centre = self.samples[place];
        let number = self.centres.len() as u32;
        let mut members = Vec::new();
        for (group, other) in self.groups.iter_mut().zip(&self.centres) {
            // A sample at d from its centre can only be nearer to one that is less than 2 d from that centre.
            let apart = squared_distance(&centre, other);
            if apart >= 4.0 * group.reach {
                continue;
            }
            let before = members.len();
            group.members.retain(|&member| {
                let known = &mut self.nearest[member as usize];
                let distance = squared_distance(&self.samples[member as usize], &centre);
                let stays = distance >= known.distance;
                if !stays {
                    *known = Nearest { distance, centre: number };
                    members.push(member);
                }
                stays
            });
            if members.len() > before {
                *group = Group::new(std::mem::take(&mut group.members), &self.nearest);
            }
        }
        self.groups.push(Group::new(members, &self.nearest));
        self.centres.push(centre);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities around a few corners, on a grid coarse enough for equal samples and equal distances.
    fn samples(count: usize, steps: f32) -> Vec<Sample> {
        let mut chance = stream(11, Owner::Synthesis, [count as u64, 0, 0]);
        (0..count)
            .map(|number| {
                std::array::from_fn(|dimension| {
                    let corner = if number % EXPRESSION_COUNT == dimension { 0.6 } else { 0.1 };
                    ((corner + 0.3 * chance.random::<f32>()) * steps).round() / steps
                })
            })
            .collect()
    }

    fn settings(centre_count: usize) -> KMeansSettings {
        KMeansSettings { centre_count, seed: 5, round_limit: 30 }
    }

    /// One round as the textbook has it.
    fn round_trying_every_centre(samples: &[Expression], state: &mut State) {
        for (nearest, sample) in state.nearest.iter_mut().zip(samples) {
            let distances = state.centres.iter().map(|centre| squared_distance(sample, centre)).enumerate();
            let (centre, distance) = distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            *nearest = Nearest { distance, centre: centre as u32 };
        }
        state.centres = means(samples, &state.nearest, state.centres.len());
    }

    #[test]
    fn the_rounds_are_those_of_trying_every_centre() {
        for (count, steps, centre_count) in [(400, 4.0, 60), (3000, 1e6, 150), (50, 8.0, 49)] {
            let samples: Vec<Expression> = samples(count, steps).iter().map(|sample| sample.map(f64::from)).collect();
            let mut state = starting_centres(&samples, settings(centre_count));
            let mut plain = state.clone();
            for number in 0..12 {
                state.round(&samples);
                round_trying_every_centre(&samples, &mut plain);
                assert_eq!(state.nearest, plain.nearest, "round {number} of {count} samples");
                assert_eq!(state.centres, plain.centres, "round {number} of {count} samples");
            }
        }
    }

    #[test]
    fn the_start_knows_each_samples_nearest_centre() {
        for (count, steps, centre_count) in [(700, 1e6, 80), (400, 4.0, 60)] {
            let samples: Vec<Expression> = samples(count, steps).iter().map(|sample| sample.map(f64::from)).collect();
            let State { centres, nearest, .. } = starting_centres(&samples, settings(centre_count));
            assert_eq!(centres.len(), centre_count);
            let search = NearestCentre::new(&centres);
            for (sample, nearest) in samples.iter().zip(&nearest) {
                assert_eq!(*nearest, search.find(sample));
            }
        }
    }

    #[test]
    fn threads_do_not_change_the_result() {
        let samples = samples(5000, 1e6);
        let with_threads = |count| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            pool.install(|| kmeans(&samples, settings(40)))
        };
        assert_eq!(with_threads(1), with_threads(3));
    }

    #[test]
    fn another_seed_starts_elsewhere() {
        let samples = samples(500, 1e6);
        let other = KMeansSettings { seed: 6, ..settings(20) };
        assert_ne!(kmeans(&samples, settings(20)).centres, kmeans(&samples, other).centres);
    }

    #[test]
    fn distinct_samples_limit_the_centres() {
        let samples = vec![[0.0; 8], [1.0; 8], [0.0; 8], [1.0; 8], [0.5; 8]];
        let found = kmeans(&samples, settings(8000));
        let mut centres: Vec<f64> = found.centres.iter().map(|centre| centre[0]).collect();
        centres.sort_by(f64::total_cmp);
        assert_eq!(centres, [0.0, 0.5, 1.0]);
        assert_eq!((found.inertia, found.round_count), (0.0, 1));
    }

    #[test]
    fn an_empty_centre_moves_to_the_farthest_sample() {
        // On a line: samples 0, 1, 2 and 10 at centre 0; centre 1 is far from all.
        let samples: Vec<Expression> = [0.0, 1.0, 2.0, 10.0].map(|value| [value; 8]).to_vec();
        let nearest = vec![Nearest { distance: 0.0, centre: 0 }; 4];
        let mut state = State { centres: vec![[0.0; 8], [99.0; 8]], nearest, moved: vec![0, 1] };
        state.round(&samples);
        assert_eq!(state.centres, [[1.0; 8], [10.0; 8]]);
    }

    #[test]
    fn a_centre_keeps_its_only_sample() {
        // 150 is the farthest from its centre, but alone there; the next one is 1.
        let samples: Vec<Expression> = [0.0, 1.0, 150.0].map(|value| [value; 8]).to_vec();
        let nearest = vec![Nearest { distance: 0.0, centre: 0 }; 3];
        let mut state = State { centres: vec![[0.0; 8], [100.0; 8], [999.0; 8]], nearest, moved: vec![0, 1, 2] };
        state.round(&samples);
        assert_eq!(state.centres, [[0.0; 8], [150.0; 8], [1.0; 8]]);
    }

    #[test]
    fn settled_centres_are_the_means_of_two_heaps() {
        let samples = vec![[0.0_f32; 8], [0.2; 8], [0.9; 8], [1.1; 8]];
        let found = kmeans(&samples, settings(2));
        let mut centres: Vec<f64> = found.centres.iter().map(|centre| centre[3]).collect();
        centres.sort_by(f64::total_cmp);
        assert!((centres[0] - 0.1).abs() < 1e-6 && (centres[1] - 1.0).abs() < 1e-6, "{centres:?}");
    }
}
