//! Centres of expressions by k-means: seeded like k-means++, then Lloyd's rounds until they settle.
//!
//! In:  samples of eight `f32`, a seed.
//! Out: the same centres for the same samples and seed, whatever the number of threads.
//! Source: Arthur and Vassilvitskii 2007 for the start; Lloyd 1982 for the rounds; the tolerance is scikit-learn's.
//!
//! Both stages skip what cannot change the result: the start by the triangle inequality (Raff 2021), the rounds by
//! [`NearestCentre`], each search beginning at the sample's centre of the round before.

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
    let (mut centres, mut nearest) = starting_centres(&samples, settings);
    let smallest_move = TOLERANCE * mean_variance(&samples);
    let mut round_count = 0;
    while round_count < settings.round_limit {
        round_count += 1;
        let moved = round(&samples, &mut centres, &mut nearest);
        if moved <= smallest_move {
            break;
        }
    }
    let inertia = nearest.iter().map(|nearest| nearest.distance).sum();
    KMeans { centres, round_count, inertia }
}

/// One round: every sample goes to its nearest centre, every centre to the mean of its samples.
///
/// Returns the sum of the centres' squared moves.
fn round(samples: &[Expression], centres: &mut [Expression], nearest: &mut [Nearest]) -> f64 {
    let search = NearestCentre::new(centres);
    let known_centres = &*centres;
    nearest.par_chunks_mut(TASK_SAMPLES).zip(samples.par_chunks(TASK_SAMPLES)).for_each(|(nearest, samples)| {
        for (nearest, sample) in nearest.iter_mut().zip(samples) {
            let centre = nearest.centre;
            let distance = squared_distance(sample, &known_centres[centre as usize]);
            *nearest = search.find_nearer(sample, Nearest { distance, centre });
        }
    });
    let means = means(samples, nearest, centres.len());
    let moved = centres.iter().zip(&means).map(|(old, new)| squared_distance(old, new)).sum();
    centres.copy_from_slice(&means);
    moved
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
/// its squared distance from the nearest centre so far. Returns each sample's nearest centre as well.
fn starting_centres(samples: &[Expression], settings: KMeansSettings) -> (Vec<Expression>, Vec<Nearest>) {
    let mut chance = stream(settings.seed, Owner::Clustering, [0; 3]);
    let first = chance.random_range(0..samples.len());
    let mut start = Start::new(samples, first);
    while start.centres.len() < settings.centre_count {
        let Some(place) = start.draw(chance.random()) else { break };
        start.add(place);
    }
    (start.centres, start.nearest)
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
    fn round_trying_every_centre(samples: &[Expression], centres: &mut [Expression], nearest: &mut [Nearest]) {
        for (nearest, sample) in nearest.iter_mut().zip(samples) {
            let distances = centres.iter().map(|centre| squared_distance(sample, centre)).enumerate();
            let (centre, distance) = distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            *nearest = Nearest { distance, centre: centre as u32 };
        }
        centres.copy_from_slice(&means(samples, nearest, centres.len()));
    }

    #[test]
    fn the_rounds_are_those_of_trying_every_centre() {
        for (count, steps, centre_count) in [(400, 4.0, 60), (3000, 1e6, 150), (50, 8.0, 49)] {
            let samples: Vec<Expression> = samples(count, steps).iter().map(|sample| sample.map(f64::from)).collect();
            let (mut centres, mut nearest) = starting_centres(&samples, settings(centre_count));
            let (mut plain_centres, mut plain_nearest) = (centres.clone(), nearest.clone());
            for number in 0..12 {
                round(&samples, &mut centres, &mut nearest);
                round_trying_every_centre(&samples, &mut plain_centres, &mut plain_nearest);
                assert_eq!(nearest, plain_nearest, "round {number} of {count} samples");
                assert_eq!(centres, plain_centres, "round {number} of {count} samples");
            }
        }
    }

    #[test]
    fn the_start_knows_each_samples_nearest_centre() {
        let samples: Vec<Expression> = samples(700, 1e6).iter().map(|sample| sample.map(f64::from)).collect();
        let (centres, nearest) = starting_centres(&samples, settings(80));
        assert_eq!(centres.len(), 80);
        for (sample, nearest) in samples.iter().zip(&nearest) {
            let best = centres.iter().map(|centre| squared_distance(sample, centre)).fold(f64::INFINITY, f64::min);
            assert_eq!(nearest.distance.to_bits(), best.to_bits());
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
        let mut centres = vec![[0.0; 8], [99.0; 8]];
        let mut nearest = vec![Nearest { distance: 0.0, centre: 0 }; 4];
        round(&samples, &mut centres, &mut nearest);
        assert_eq!(centres, [[1.0; 8], [10.0; 8]]);
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
