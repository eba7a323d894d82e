//! Times ComParE_2016: the share of each stage, one sound on one thread, and many sounds on all cores.
//!
//! `cargo bench --bench compare2016 [-- FILE.wav]`; the default is the 30 s clip of the golden cases.
//! `benches/rivals/compare2016.py` times the reference and this program's `--once` in the same run, on the same samples.
//! Processor time of one thread, so that other programs on the machine disturb little; many sounds on the wall.

use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Instant;

use rayon::prelude::*;
use unifr::audio::compare2016::auditory::{self, Rasta};
use unifr::audio::compare2016::cepstrum::Cepstrum;
use unifr::audio::compare2016::energy::{root_mean_square, zero_crossings};
use unifr::audio::compare2016::framing::Framing;
use unifr::audio::compare2016::mel::MelBank;
use unifr::audio::compare2016::pitch::octave::{OctaveScale, OctaveSpectrum};
use unifr::audio::compare2016::pitch::subharmonics::Subharmonics;
use unifr::audio::compare2016::pitch::viterbi::PitchPaths;
use unifr::audio::compare2016::samples::Samples;
use unifr::audio::compare2016::spectral::SpectralDescriptors;
use unifr::audio::compare2016::spectrum::{Spectrum, gaussian, hamming};
use unifr::audio::compare2016::voice_quality::PeriodFollower;
use unifr::audio::compare2016::{Extractor, Levels, Llds, extract, functionals};
use unifr::media::read_sound;

/// Runs of which the fastest counts.
const RUNS: usize = 5;
/// Sounds that are described at once.
const SOUNDS: usize = 16;
/// Pieces of the golden clip that make ten minutes.
const TEN_MINUTES: usize = 20;

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_once = arguments.iter().position(|argument| argument == "--once").map(|at| arguments.remove(at)).is_some();
    let default = "tests/golden/compare2016/11_speech30_44k_stereo.wav";
    let path = PathBuf::from(arguments.first().map_or(default, String::as_str));
    let mut sound = read_sound(&path)?;
    let samples = sound.channels.swap_remove(0);
    if is_once {
        return once(&samples, sound.rate_hz);
    }
    let mut out = std::io::stdout().lock();
    let secs = samples.len() as f64 / f64::from(sound.rate_hz);
    writeln!(out, "{secs:.1} s at {} Hz, one thread, the fastest of {RUNS} runs", sound.rate_hz)?;
    let whole = millis(|| extract(&samples, sound.rate_hz));
    writeln!(out, "  {:44} {whole:8.1} ms, {:6.0} times real time", "all of it", secs * 1e3 / whole)?;
    for (stage, millis) in stages(&samples, sound.rate_hz)? {
        writeln!(out, "  {stage:44} {millis:8.1} ms, {:4.1} %", 100.0 * millis / whole)?;
    }
    let clock = Instant::now();
    (0..SOUNDS).into_par_iter().for_each(|_| drop(black_box(extract(&samples, sound.rate_hz))));
    let threads = rayon::current_num_threads();
    writeln!(
        out,
        "  {SOUNDS} such sounds on {threads} threads: {:.2} a second",
        SOUNDS as f64 / clock.elapsed().as_secs_f64()
    )?;
    let before = peak_mebibytes();
    let mut extractor = Extractor::new(sound.rate_hz)?;
    for _ in 0..TEN_MINUTES {
        extractor.push(&samples)?;
    }
    let contours = extractor.finish().into_contours();
    black_box((Llds::from_contours(&contours), functionals::functionals(&contours)));
    writeln!(out, "  {TEN_MINUTES} of them as one sound: at most {:.0} MiB, {before:.0} MiB before", peak_mebibytes())?;
    Ok(())
}

/// One warm-up, then the processor seconds of each run on a line of its own: what the rival's script reads.
fn once(samples: &[f32], rate_hz: u32) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    black_box(extract(samples, rate_hz)?);
    for _ in 0..RUNS {
        let start = thread_secs();
        black_box(extract(samples, rate_hz)?);
        writeln!(out, "{}", thread_secs() - start)?;
    }
    Ok(())
}

fn millis<T>(mut run: impl FnMut() -> T) -> f64 {
    let secs = |_| {
        let start = thread_secs();
        black_box(run());
        thread_secs() - start
    };
    (0..RUNS).map(secs).fold(f64::INFINITY, f64::min) * 1e3
}

/// Every stage alone over the whole sound, on what the stage before gave.
fn stages(samples: &[f32], rate_hz: u32) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let framing = Framing::new(rate_hz)?;
    let mut scaled = Samples::default();
    scaled.append(samples);
    let frames =
        |count: usize, length: usize| (0..count).map(move |frame| frame * framing.hop..frame * framing.hop + length);
    let long: Vec<&[f32]> =
        frames(framing.long_frames(samples.len()), framing.long_length).map(|place| scaled.slice(place)).collect();
    let short: Vec<&[f32]> =
        frames(framing.short_frames(samples.len()), framing.short_length).map(|place| scaled.slice(place)).collect();
    let mut long_spectrum = Spectrum::new(gaussian(framing.long_length), framing.long_transform());
    let mut short_spectrum = Spectrum::new(hamming(framing.short_length), framing.short_transform());
    let magnitudes = |spectrum: &mut Spectrum, frames: &[&[f32]]| -> Vec<Vec<f32>> {
        let of = |frame: &&[f32]| {
            spectrum.take(frame);
            spectrum.magnitudes().to_vec()
        };
        frames.iter().map(of).collect()
    };
    let (long_magnitudes, short_magnitudes) =
        (magnitudes(&mut long_spectrum, &long), magnitudes(&mut short_spectrum, &short));
    let mut octaves = OctaveSpectrum::new(&framing);
    let spectra: Vec<Vec<f32>> = long_magnitudes.iter().map(|frame| octaves.of(frame).to_vec()).collect();
    let mut subharmonics = Subharmonics::new(&OctaveScale::new(&framing));
    let candidates: Vec<_> = spectra.iter().map(|spectrum| subharmonics.candidates(spectrum)).collect();
    let bank = MelBank::new(&framing);
    let powers: Vec<_> = short_magnitudes.iter().map(|frame| bank.powers(frame)).collect();
    let equal_loudness = auditory::equal_loudness(&bank);
    let cepstrum = Cepstrum::default();
    let levels = levels(samples, rate_hz)?;
    let contours = levels.clone().into_contours();
    Ok(vec![
        (
            "energies and zero crossings",
            millis(|| {
                let crossings: f32 = long.iter().map(|frame| zero_crossings(frame) + root_mean_square(frame)).sum();
                crossings + short.iter().map(|frame| root_mean_square(frame)).sum::<f32>()
            }),
        ),
        ("window and transform, 60 ms", millis(|| long.iter().for_each(|frame| long_spectrum.take(frame)))),
        ("window and transform, 20 ms", millis(|| short.iter().for_each(|frame| short_spectrum.take(frame)))),
        ("octave spectrum", millis(|| long_magnitudes.iter().map(|frame| octaves.of(frame)[9]).sum::<f32>())),
        ("subharmonics", millis(|| spectra.iter().map(|frame| subharmonics.candidates(frame)[0].score).sum::<f32>())),
        (
            "paths of the pitch",
            millis(|| {
                let (mut paths, mut decided) = (PitchPaths::default(), Vec::new());
                for frame in &candidates {
                    paths.take(*frame, &mut decided);
                }
                decided.len()
            }),
        ),
        (
            "jitter, shimmer, HNR",
            millis(|| {
                let mut periods = PeriodFollower::new(framing);
                levels.pitch[0].iter().map(|frequency| periods.take(&scaled, *frequency).jitter).sum::<f32>()
            }),
        ),
        ("mel bands", millis(|| short_magnitudes.iter().map(|frame| bank.powers(frame)[3]).sum::<f32>())),
        (
            "auditory spectra",
            millis(|| {
                let mut rasta = Rasta::new(&equal_loudness);
                let bands =
                    powers.iter().map(|powers| auditory::loudness(powers, &equal_loudness)[3] + rasta.take(powers)[3]);
                bands.sum::<f32>()
            }),
        ),
        ("cepstrum", millis(|| powers.iter().map(|powers| cepstrum.of(powers)[3]).sum::<f32>())),
        (
            "spectral descriptors",
            millis(|| {
                let mut descriptors = SpectralDescriptors::new(&framing);
                short_magnitudes.iter().map(|frame| descriptors.take(frame)[3]).sum::<f32>()
            }),
        ),
        ("smoothing and deltas", millis(|| levels.clone().into_contours())),
        ("functionals", millis(|| functionals::functionals(&contours))),
    ])
}

fn levels(samples: &[f32], rate_hz: u32) -> anyhow::Result<Levels> {
    let mut extractor = Extractor::new(rate_hz)?;
    extractor.push(samples)?;
    Ok(extractor.finish())
}

/// Processor time of this thread as Linux counts it; elsewhere the time on the wall.
fn thread_secs() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = counted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| START.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// The most memory that the program has held, as Linux counts it; elsewhere 0.
fn peak_mebibytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
