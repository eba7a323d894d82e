//! A real transform in f32 that rounds as the reference's does.
//!
//! In:  `length` samples, a power of two.
//! Out: real and imaginary part of `length / 2 + 1` bins, not normalised.
//! Source: Takuya Ooura's freely usable FFT package (split radix, `rdft` forward), its order of operations written anew
//! from the structure below; `compare2016.md`, section 4, says how its tables are rounded.
//!
//! An even and an odd sample are one complex number, so a real transform is a complex one of half the length and one
//! unpacking. The complex one takes a block apart into quarters, which are blocks themselves:
//!
//! - a *plain* block of `n` has the quarters plain, turned, plain, plain;
//! - a *turned* block is a transform whose bins lie half a bin higher; its quarters are plain, turned, plain, turned;
//! - at the end the bins stand in the order of their reversed binary digits.
//!
//! Any other transform is as good in f32. With this one nearly all magnitudes are bit by bit those of the reference, and
//! with them what amplifies rounding: bands with 1e-6 of the loudest band's power, and linear prediction.

/// pi / 4, from which all angles are made.
const EIGHTH_TURN: f32 = std::f32::consts::FRAC_PI_4;

/// Complex factors of a quarter.
#[derive(Debug, Clone, Default)]
struct Factors {
    real: Vec<f32>,
    imaginary: Vec<f32>,
}

impl Factors {
    fn collected(factors: impl Iterator<Item = (f32, f32)>) -> Self {
        let (real, imaginary) = factors.unzip();
        Self { real, imaginary }
    }

    #[inline]
    fn times(&self, place: usize, (real, imaginary): (f32, f32)) -> (f32, f32) {
        let (cosine, sine) = (self.real[place], self.imaginary[place]);
        (cosine * real - sine * imaginary, cosine * imaginary + sine * real)
    }
}

/// How a block of one length is taken apart.
#[derive(Debug, Clone)]
struct Step {
    length: usize,
    /// Factors of quarters 2 and 3 of a plain block.
    plain: [Factors; 2],
    /// Factors of the four quarters of a turned block before they are added.
    turned: [Factors; 4],
}

/// Cosine and sine of an angle and of its triple.
#[derive(Debug, Clone, Copy)]
struct Angle {
    cosine: f32,
    sine: f32,
    triple_cosine: f32,
    triple_sine: f32,
}

/// Kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Turned,
}

/// A transform of one length.
#[derive(Debug, Clone)]
pub struct SplitRadix {
    steps: Vec<Step>,
    /// cos(pi / 4), rounded as the tables are.
    diagonal: f32,
    /// Where each bin stands.
    reversed: Vec<u32>,
    /// Factors of the unpacking.
    halves: Factors,
    real: Vec<f32>,
    imaginary: Vec<f32>,
}

impl SplitRadix {
    /// For `length` samples: a power of two, at least 128.
    pub fn new(length: usize) -> Self {
        assert!(length.is_power_of_two() && length >= 128, "frames of 20 ms at 8 kHz or more have 128 samples or more");
        let half = length / 2;
        let bits = half.trailing_zeros();
        let lengths = std::iter::successors(Some(half), |block| Some(block / 4).filter(|quarter| *quarter >= 4));
        Self {
            steps: lengths.map(|block| Step::new(half, block)).collect(),
            diagonal: rounded_cosine(EIGHTH_TURN / (half / 4) as f32 * (half / 4) as f32),
            reversed: (0..half as u32).map(|bin| bin.reverse_bits() >> (32 - bits)).collect(),
            halves: halves(half),
            real: vec![0.0; half],
            imaginary: vec![0.0; half],
        }
    }

    /// Transforms samples; writes real and imaginary parts of all bins, `length / 2 + 1` of each.
    pub fn transform(&mut self, samples: &[f32], real: &mut [f32], imaginary: &mut [f32]) {
        for ((pair, even), odd) in samples.chunks_exact(2).zip(&mut self.real).zip(&mut self.imaginary) {
            (*even, *odd) = (pair[0], pair[1]);
        }
        take_apart(&self.steps, self.diagonal, Kind::Plain, &mut self.real, &mut self.imaginary);
        for ((real, imaginary), place) in real.iter_mut().zip(imaginary.iter_mut()).zip(&self.reversed) {
            (*real, *imaginary) = (self.real[*place as usize], self.imaginary[*place as usize]);
        }
        self.unpack(real, imaginary);
    }

    /// From the complex transform of pairs to the transform of samples.
    fn unpack(&self, real: &mut [f32], imaginary: &mut [f32]) {
        let half = self.real.len();
        for bin in 1..half / 2 {
            let mirrored = half - bin;
            let difference = (real[bin] - real[mirrored], imaginary[bin] + imaginary[mirrored]);
            let (change, turn) = self.halves.times(bin, difference);
            real[bin] -= change;
            imaginary[bin] -= turn;
            real[mirrored] += change;
            imaginary[mirrored] -= turn;
        }
        (real[0], real[half]) = (real[0] + imaginary[0], real[0] - imaginary[0]);
        (imaginary[0], imaginary[half]) = (0.0, 0.0);
    }
}

fn rounded_cosine(angle: f32) -> f32 {
    f64::from(angle).cos() as f32
}

/// Factors of the unpacking: `0.5 - 0.5 sin` and `0.5 cos` of the bin's angle, mirrored at an eighth of a turn.
fn halves(half: usize) -> Factors {
    let quarter = half / 2;
    let step = EIGHTH_TURN / (quarter / 2) as f32;
    let half_of = |bin: usize| {
        let angle = |bin: usize| f64::from(step * bin as f32);
        match bin {
            _ if bin < quarter / 2 => (0.5 * angle(bin).cos()) as f32,
            _ if bin == quarter / 2 => 0.5 * rounded_cosine(step * bin as f32),
            _ => (0.5 * angle(quarter - bin).sin()) as f32,
        }
    };
    Factors::collected(
        (0..quarter).map(|bin| if bin == 0 { (0.0, 0.0) } else { (0.5 - half_of(quarter - bin), half_of(bin)) }),
    )
}

/// The table that all blocks share: angle `4 place` steps, of which there are `half / 4` in an eighth of a turn.
fn table(half: usize, place: usize) -> Angle {
    let step = EIGHTH_TURN / (half / 4) as f32;
    let (angle, triple) = (f64::from(step * (4 * place) as f32), f64::from(3.0 * step * (4 * place) as f32));
    Angle {
        cosine: angle.cos() as f32,
        sine: angle.sin() as f32,
        triple_cosine: triple.cos() as f32,
        triple_sine: triple.sin() as f32,
    }
}

/// Angles of the whole transform: the table has every second one, the others lie between two of it.
fn outermost(half: usize, place: usize) -> Angle {
    if place.is_multiple_of(2) {
        return table(half, place / 2);
    }
    let step = EIGHTH_TURN / (half / 4) as f32;
    let scale = |angle: f32| (0.5 / f64::from(angle).cos()) as f32;
    let (single, triple) = (scale(step * 2.0), scale(step * 6.0));
    let below = table(half, place / 2);
    let above = if place + 1 == half / 8 {
        let diagonal = rounded_cosine(step * (half / 4) as f32);
        Angle { cosine: diagonal, sine: diagonal, triple_cosine: -diagonal, triple_sine: diagonal }
    } else {
        table(half, place / 2 + 1)
    };
    Angle {
        cosine: single * (below.cosine + above.cosine),
        sine: single * (below.sine + above.sine),
        triple_cosine: triple * (below.triple_cosine + above.triple_cosine),
        triple_sine: triple * (below.triple_sine + above.triple_sine),
    }
}

impl Step {
    /// For blocks of `length` in a complex transform of `half`.
    fn new(half: usize, length: usize) -> Self {
        let plain = (0..length / 4).map(|place| plain_angle(half, length, place));
        let plain: Vec<Angle> = plain.collect();
        let turned: Vec<Angle> = match length {
            _ if length == half => Vec::new(), // the outermost block is plain
            _ => (0..length / 4).map(|place| turned_angle(half, length, place)).collect(),
        };
        let mirrored = || (0..turned.len()).map(|place| turned.get(turned.len() - place).copied());
        let mirrored =
            |of: fn(Angle) -> (f32, f32)| Factors::collected(mirrored().map(move |angle| angle.map_or((0.0, 0.0), of)));
        let straight = |of: fn(&Angle) -> (f32, f32)| Factors::collected(turned.iter().map(of));
        Self {
            length,
            plain: [
                Factors::collected(plain.iter().map(|angle| (angle.cosine, angle.sine))),
                Factors::collected(plain.iter().map(|angle| (angle.triple_cosine, angle.triple_sine))),
            ],
            turned: [
                straight(|angle| (angle.cosine, angle.sine)),
                mirrored(|angle| (angle.sine, angle.cosine)),
                straight(|angle| (angle.triple_cosine, angle.triple_sine)),
                mirrored(|angle| (-angle.triple_sine, -angle.triple_cosine)),
            ],
        }
    }
}

/// Angle `place` of a plain block. Beyond an eighth of a turn the table is read backwards.
fn plain_angle(half: usize, length: usize, place: usize) -> Angle {
    if place > length / 8 {
        let angle = plain_angle(half, length, length / 4 - place);
        let (triple_cosine, triple_sine) = (-angle.triple_sine, -angle.triple_cosine);
        return Angle { cosine: angle.sine, sine: angle.cosine, triple_cosine, triple_sine };
    }
    if length == half {
        return outermost(half, place);
    }
    let angle = table(half, place * (half / length) / 2);
    if length == 16 && place == 1 {
        // Three times an eighth of a half turn is the same as what is missing to a quarter turn.
        return Angle { triple_cosine: angle.sine, triple_sine: angle.cosine, ..angle };
    }
    angle
}

/// Angle `place` of a turned block, half as large.
fn turned_angle(half: usize, length: usize, place: usize) -> Angle {
    let angle = table(half, place * (half / length) / 4);
    if place == length / 8 {
        return Angle { triple_cosine: angle.sine, triple_sine: angle.cosine, ..angle };
    }
    if length == 16 && place == 3 {
        let first = turned_angle(half, length, 1);
        return Angle {
            cosine: first.triple_cosine,
            sine: first.triple_sine,
            triple_cosine: -first.sine,
            triple_sine: first.cosine,
        };
    }
    angle
}

/// Transforms a block in place, except for the order of its bins.
fn take_apart(steps: &[Step], diagonal: f32, kind: Kind, real: &mut [f32], imaginary: &mut [f32]) {
    let Some((step, smaller)) = steps.split_first() else {
        if real.len() == 2 {
            pair(kind, real, imaginary);
        }
        return;
    };
    let quarter = step.length / 4;
    match kind {
        Kind::Plain => plain_quarters(step, diagonal, real, imaginary),
        Kind::Turned => turned_quarters(step, diagonal, real, imaginary),
    }
    let kinds = [Kind::Plain, Kind::Turned, Kind::Plain, kind];
    let blocks = real.chunks_exact_mut(quarter).zip(imaginary.chunks_exact_mut(quarter));
    for ((real, imaginary), kind) in blocks.zip(kinds) {
        take_apart(smaller, diagonal, kind, real, imaginary);
    }
}

/// The transform of two numbers.
#[inline]
fn pair(kind: Kind, real: &mut [f32], imaginary: &mut [f32]) {
    let ([a, b], [c, d]) = ([real[0], real[1]], [imaginary[0], imaginary[1]]);
    let (turned, turned_imaginary) = if kind == Kind::Plain { (b, d) } else { (-d, b) };
    (real[0], real[1]) = (a + turned, a - turned);
    (imaginary[0], imaginary[1]) = (c + turned_imaginary, c - turned_imaginary);
}

/// Quarters of the real or the imaginary parts of a block.
fn quarters(values: &mut [f32]) -> [&mut [f32]; 4] {
    let (front, back) = values.split_at_mut(values.len() / 2);
    let (first, second) = front.split_at_mut(front.len() / 2);
    let (third, fourth) = back.split_at_mut(back.len() / 2);
    [first, second, third, fourth]
}

type Complex = (f32, f32);

/// Sums and differences of the numbers at one place of the quarters of a plain block.
#[inline]
fn spread([a, b, c, d]: [Complex; 4]) -> [Complex; 4] {
    let (sum, difference) = ((a.0 + c.0, a.1 + c.1), (a.0 - c.0, a.1 - c.1));
    let (other_sum, other) = ((b.0 + d.0, b.1 + d.1), (b.0 - d.0, b.1 - d.1));
    [
        (sum.0 + other_sum.0, sum.1 + other_sum.1),
        (sum.0 - other_sum.0, sum.1 - other_sum.1),
        (difference.0 - other.1, difference.1 + other.0),
        (difference.0 + other.1, difference.1 - other.0),
    ]
}

/// Sum and difference of a number and another one a quarter turn on.
#[inline]
fn across(a: Complex, b: Complex) -> [Complex; 2] {
    [(a.0 - b.1, a.1 + b.0), (a.0 + b.1, a.1 - b.0)]
}

#[allow(clippy::needless_range_loop, reason = "one place of eight slices at once")]
fn plain_quarters(step: &Step, diagonal: f32, real: &mut [f32], imaginary: &mut [f32]) {
    let (quarter, middle) = (step.length / 4, step.length / 8);
    let ([r0, r1, r2, r3], [i0, i1, i2, i3]) = (quarters(real), quarters(imaginary));
    let [singles, triples] = &step.plain;
    let on_diagonal =
        [(r0[middle], i0[middle]), (r1[middle], i1[middle]), (r2[middle], i2[middle]), (r3[middle], i3[middle])];
    // Slices of one known length let the compiler take several places at once.
    let [r0, r1, r2, r3, i0, i1, i2, i3] = [r0, r1, r2, r3, i0, i1, i2, i3].map(|part| &mut part[..quarter]);
    for k in 0..quarter {
        let [sum, difference, up, down] = spread([(r0[k], i0[k]), (r1[k], i1[k]), (r2[k], i2[k]), (r3[k], i3[k])]);
        (r0[k], i0[k]) = sum;
        (r1[k], i1[k]) = difference;
        (r2[k], i2[k]) = singles.times(k, up);
        (r3[k], i3[k]) = triples.times(k, down);
    }
    if middle > 0 {
        let [_, _, up, down] = spread(on_diagonal);
        (r2[middle], i2[middle]) = (diagonal * (up.0 - up.1), diagonal * (up.1 + up.0));
        (r3[middle], i3[middle]) = (-diagonal * (down.0 + down.1), -diagonal * (down.1 - down.0));
    }
}

#[allow(clippy::needless_range_loop, reason = "one place of eight slices at once")]
fn turned_quarters(step: &Step, diagonal: f32, real: &mut [f32], imaginary: &mut [f32]) {
    let quarter = step.length / 4;
    let ([r0, r1, r2, r3], [i0, i1, i2, i3]) = (quarters(real), quarters(imaginary));
    let [singles, others, triples, other_triples] = &step.turned;
    let [r0, r1, r2, r3, i0, i1, i2, i3] = [r0, r1, r2, r3, i0, i1, i2, i3].map(|part| &mut part[..quarter]);
    let first = [(r0[0], i0[0]), (r1[0], i1[0]), (r2[0], i2[0]), (r3[0], i3[0])];
    for k in 1..quarter {
        let [up, down] = across((r0[k], i0[k]), (r2[k], i2[k]));
        let [other_up, other_down] = across((r1[k], i1[k]), (r3[k], i3[k]));
        let (a, b) = (singles.times(k, up), others.times(k, other_up));
        let (c, d) = (triples.times(k, down), other_triples.times(k, other_down));
        (r0[k], i0[k]) = (a.0 + b.0, a.1 + b.1);
        (r1[k], i1[k]) = (a.0 - b.0, a.1 - b.1);
        (r2[k], i2[k]) = (c.0 + d.0, c.1 + d.1);
        (r3[k], i3[k]) = (c.0 - d.0, c.1 - d.1);
    }
    let [up, down] = across(first[0], first[2]);
    let [other_up, other_down] = across(first[1], first[3]);
    let b = (diagonal * (other_up.0 - other_up.1), diagonal * (other_up.1 + other_up.0));
    let d = (diagonal * (other_down.0 - other_down.1), diagonal * (other_down.1 + other_down.0));
    (r0[0], i0[0]) = (up.0 + b.0, up.1 + b.1);
    (r1[0], i1[0]) = (up.0 - b.0, up.1 - b.1);
    [(r2[0], i2[0]), (r3[0], i3[0])] = across(down, d);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn it_is_the_fourier_transform() {
        for length in [128, 256, 512, 1024, 2048, 4096, 8192] {
            let samples: Vec<f32> = (0..length).map(|n| ((n * n * 31 + n * 17) % 201) as f32 / 100.0 - 1.0).collect();
            let (mut real, mut imaginary) = (vec![0.0; length / 2 + 1], vec![0.0; length / 2 + 1]);
            SplitRadix::new(length).transform(&samples, &mut real, &mut imaginary);
            for bin in [0, 1, 2, 3, length / 4 - 1, length / 4, length / 4 + 1, length / 2 - 1, length / 2] {
                let angle = |n: usize| TAU * ((n * bin) % length) as f64 / length as f64;
                let sum = |of: fn(f64) -> f64| -> f64 {
                    samples.iter().enumerate().map(|(n, sample)| f64::from(*sample) * of(angle(n))).sum()
                };
                let expected = (sum(f64::cos), sum(f64::sin));
                let tolerance = 1e-5 * length as f64;
                assert!((f64::from(real[bin]) - expected.0).abs() < tolerance, "{length}, bin {bin}");
                assert!((f64::from(imaginary[bin]) - expected.1).abs() < tolerance, "{length}, bin {bin}");
            }
        }
    }

    #[test]
    fn a_single_sample_is_flat() {
        let mut samples = [0.0; 128];
        samples[0] = 1.0;
        let (mut real, mut imaginary) = ([0.0; 65], [0.0; 65]);
        SplitRadix::new(128).transform(&samples, &mut real, &mut imaginary);
        assert_eq!((real, imaginary), ([1.0; 65], [0.0; 65]));
    }
}
