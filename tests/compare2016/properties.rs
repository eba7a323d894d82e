//! What must hold for any sound, the reference aside.

use std::f32::consts::TAU;
use std::path::Path;

use libtest_mimic::Trial;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use unifr::audio::compare2016::{
    self, Compare2016, DESCRIPTOR_COUNT, Extractor, FUNCTIONAL_COUNT, Llds, VoiceError, functionals,
};
use unifr::media::read_sound;
use unifr::random::{Owner, stream};

use super::{golden_cases, text};

const RATE_HZ: u32 = 16_000;
/// Sounds of the fuzz test.
const FUZZED_SOUNDS: u64 = 150;

/// What holds, or why not.
type Claim = fn() -> Result<(), String>;

pub fn trials() -> Vec<Trial> {
    let claims: [(&str, Claim); 9] = [
        ("half_the_gain_halves_energies_and_leaves_the_voice_alone", gain),
        ("silence_is_constant_and_unvoiced", silence),
        ("less_than_60_ms_is_one_row_of_nan", too_short),
        ("a_constant_has_no_voice", constant),
        ("a_clipped_sound_is_finite", clipped),
        ("broken_samples_and_rates_are_refused", refused),
        ("pieces_give_what_the_whole_gives", pieces),
        ("bits_and_channels_of_a_wav_do_not_matter", files),
        ("no_sound_makes_it_panic", fuzzed),
    ];
    claims.into_iter().map(|(name, run)| golden_cases::trial(format!("properties/{name}"), run)).collect()
}

fn ensure(holds: bool, claim: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(claim()) }
}

fn extracted(samples: &[f32], rate_hz: u32) -> Result<Compare2016, String> {
    compare2016::extract(samples, rate_hz).map_err(text)
}

/// A made-up voice in whole, even 16-bit steps: pulses at 110 to 150 Hz through a resonance, with pauses.
fn voice(secs: f32) -> Vec<f32> {
    let mut phase = 0.0;
    let count = (secs * RATE_HZ as f32) as usize;
    let sample = |n: usize| {
        let time = n as f32 / RATE_HZ as f32;
        phase = (phase + (130.0 + 20.0 * (TAU * 1.3 * time).sin()) / RATE_HZ as f32) % 1.0;
        let is_pause = (time * 2.0) % 1.0 > 0.8;
        let value = (-phase * 18.0).exp() * (TAU * 700.0 * phase / 130.0).sin() * 0.7;
        if is_pause { 0.0 } else { f32::from((value * 16_384.0) as i16 * 2) / 32_768.0 }
    };
    (0..count).map(sample).collect()
}

fn gain() -> Result<(), String> {
    let loud = voice(1.5);
    let quiet: Vec<f32> = loud.iter().map(|sample| sample / 2.0).collect();
    let (loud, quiet) = (extracted(&loud, RATE_HZ)?.llds, extracted(&quiet, RATE_HZ)?.llds);
    ensure(loud.rows().any(|row| row[0] > 100.0), || "the voice has no pitch".to_owned())?;
    // F0 to HNR, zero crossings, roll-offs, centroid to kurtosis without the entropy, sharpness: no unit of loudness.
    let untouched = (0..6).chain([9]).chain(38..42).chain([43, 45, 46, 47, 49]);
    let halved = [8, 42];
    let quartered = [36, 37, 48, 50];
    let factors = untouched.map(|column| (column, 1.0));
    let factors = factors.chain(halved.map(|column| (column, 0.5))).chain(quartered.map(|column| (column, 0.25)));
    for (column, factor) in factors {
        for (row, (loud, quiet)) in loud.rows().zip(quiet.rows()).enumerate() {
            ensure((loud[column] * factor).to_bits() == quiet[column].to_bits() || loud[column] == 0.0, || {
                format!("row {row}, column {column}: {} became {}", loud[column], quiet[column])
            })?;
        }
    }
    Ok(())
}

fn silence() -> Result<(), String> {
    for rate_hz in [8000, 22_050, 96_000] {
        let found = extracted(&vec![0.0; rate_hz as usize / 2], rate_hz)?;
        let first = found.llds.rows().next().ok_or("no rows")?.to_vec();
        ensure(first[..6] == [0.0, 0.0, 0.0, 0.0, 0.0, -100.0], || format!("{rate_hz} Hz: {:?}", &first[..6]))?;
        for row in found.llds.rows() {
            let far = row.iter().zip(&first).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            ensure(far < 1e-5, || format!("{rate_hz} Hz: a row is {far} away from the first"))?;
        }
        ensure(found.functionals.iter().all(|value| value.is_finite()), || format!("{rate_hz} Hz: not finite"))?;
    }
    Ok(())
}

fn too_short() -> Result<(), String> {
    for count in [0, 1, 800, 959] {
        let found = extracted(&vec![0.1; count], RATE_HZ)?;
        ensure(found.llds.row_count() == 1 && found.functionals.len() == FUNCTIONAL_COUNT, || {
            format!("{count} samples")
        })?;
        let all = found.llds.values.iter().chain(&found.functionals);
        ensure(all.into_iter().all(|value| value.is_nan()), || format!("{count} samples: a number"))?;
    }
    let found = extracted(&vec![0.1; 960], RATE_HZ)?;
    ensure(found.llds.row_count() == 2 && is_finite(&found), || "60 ms are two rows".to_owned())
}

fn constant() -> Result<(), String> {
    let found = extracted(&vec![0.25; 16_000], RATE_HZ)?;
    ensure(is_finite(&found), || "not finite".to_owned())?;
    let row = found.llds.rows().nth(40).ok_or("no rows")?;
    // RMS: 8192 / 32767; no sample crosses zero; no period is found in a constant.
    ensure((row[8] - 8192.0 / 32_767.0).abs() < 1e-6 && row[9] == 0.0, || format!("energy {}, {}", row[8], row[9]))?;
    ensure(row[2] == 0.0 && row[3] == 0.0 && row[4] == 0.0, || format!("jitter and shimmer {:?}", &row[2..5]))
}

fn clipped() -> Result<(), String> {
    let square = |n: usize| if (n / 70).is_multiple_of(2) { 32_767.0 / 32_768.0 } else { -1.0 };
    let found = extracted(&(0..16_000).map(square).collect::<Vec<_>>(), RATE_HZ)?;
    let f0 = found.llds.rows().nth(50).ok_or("no rows")?[0];
    // 140 samples a period: 114.3 Hz.
    ensure(is_finite(&found) && (f0 - 114.3).abs() < 1.0, || format!("F0 {f0}"))
}

fn refused() -> Result<(), String> {
    let mut samples = voice(0.2);
    samples[1234] = f32::NAN;
    let expected = Err(VoiceError::NotFinite { position: 1234 });
    ensure(compare2016::extract(&samples, RATE_HZ) == expected, || "NaN was taken".to_owned())?;
    samples[1234] = f32::NEG_INFINITY;
    ensure(compare2016::llds(&samples, RATE_HZ).is_err(), || "infinity was taken".to_owned())?;
    for rate_hz in [0, 7999, 96_001, u32::MAX] {
        ensure(compare2016::functionals(&samples, rate_hz) == Err(VoiceError::Rate { rate_hz }), || {
            rate_hz.to_string()
        })?;
    }
    Ok(())
}

fn pieces() -> Result<(), String> {
    let samples = voice(0.8);
    let whole = extracted(&samples, RATE_HZ)?;
    for length in [1, 160, 961, 5000] {
        let mut extractor = Extractor::new(RATE_HZ).map_err(text)?;
        for piece in samples.chunks(length) {
            extractor.push(piece).map_err(text)?;
        }
        let contours = extractor.finish().into_contours();
        let found =
            Compare2016 { llds: Llds::from_contours(&contours), functionals: functionals::functionals(&contours) };
        ensure(found == whole, || format!("pieces of {length} samples give something else"))?;
    }
    Ok(())
}

/// One sound as 16, 24 and 32 bits, as floats, and as the left channel of two.
fn files() -> Result<(), String> {
    let integers: Vec<i16> = voice(0.5).iter().map(|sample| (sample * 32_768.0) as i16).collect();
    let each = |bytes: fn(i16) -> Vec<u8>| integers.iter().flat_map(|sample| bytes(*sample)).collect::<Vec<u8>>();
    let forms = [
        ("24 bits", wav(1, 1, 24, &each(|sample| (i32::from(sample) << 8).to_le_bytes()[..3].to_vec()))),
        ("32 bits", wav(1, 1, 32, &each(|sample| (i32::from(sample) << 16).to_le_bytes().to_vec()))),
        ("floats", wav(3, 1, 32, &each(|sample| (f32::from(sample) / 32_768.0).to_le_bytes().to_vec()))),
        ("stereo", wav(1, 2, 16, &each(|sample| [sample.to_le_bytes(), (sample / 3).to_le_bytes()].concat()))),
    ];
    let folder = tempfile::tempdir().map_err(text)?;
    let path = folder.path().join("voice.wav");
    let expected = read(&path, &wav(1, 1, 16, &each(|sample| sample.to_le_bytes().to_vec())))?;
    for (form, bytes) in forms {
        ensure(read(&path, &bytes)? == expected, || format!("{form} give something else than 16 bits"))?;
    }
    Ok(())
}

fn read(path: &Path, bytes: &[u8]) -> Result<Compare2016, String> {
    std::fs::write(path, bytes).map_err(text)?;
    let sound = read_sound(path).map_err(text)?;
    extracted(&sound.channels[0], sound.rate_hz)
}

/// A WAV; format 1 is integers, 3 is floats.
fn wav(format: u16, channel_count: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let block = channel_count * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend([format, channel_count].map(u16::to_le_bytes).concat());
    bytes.extend([RATE_HZ, RATE_HZ * u32::from(block)].map(u32::to_le_bytes).concat());
    bytes.extend([block, bits].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Random lengths, rates and kinds of samples; each sound is the same on every run.
fn fuzzed() -> Result<(), String> {
    for number in 0..FUZZED_SOUNDS {
        let mut random = stream(0, Owner::Synthesis, [2016, number, 0]);
        let rates = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000];
        let rate_hz = match random.random_range(0..3) {
            0 => random.random_range(8000..=96_000),
            _ => rates[random.random_range(0..rates.len())],
        };
        let most = if random.random_bool(0.3) { rate_hz as usize / 12 } else { rate_hz as usize / 2 };
        let length = random.random_range(0..=most);
        let samples = odd_sound(&mut random, length);
        let found = extracted(&samples, rate_hz)?;
        let long_frames = length.checked_sub((0.06 * f64::from(rate_hz)).round() as usize);
        let what = || format!("sound {number}: {length} samples at {rate_hz} Hz");
        ensure(found.functionals.len() == FUNCTIONAL_COUNT, what)?;
        ensure(found.llds.values.len() == found.llds.row_count() * DESCRIPTOR_COUNT, what)?;
        ensure(long_frames.is_none() == found.functionals[0].is_nan(), what)?;
        ensure(long_frames.is_none() || is_finite(&found), || format!("{}: not finite", what()))?;
    }
    Ok(())
}

/// Noise, a wave, sparse clicks, steps, or values far beyond full scale; loud or hardly there.
fn odd_sound(random: &mut ChaCha8Rng, length: usize) -> Vec<f32> {
    let kind = random.random_range(0..6);
    let gain = 10f32.powf(random.random_range(-5.0..0.0));
    let (mut step, frequency) = (0.0, random.random_range(0.001..0.5));
    let extremes = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1.0, -1.0, 1e-40, -0.0, 65_536.0];
    let sample = |n: usize| match kind {
        0 => gain * random.random_range(-1.0..1.0),
        1 => gain * (n as f32 * frequency).sin(),
        2 => f32::from(u8::from(random.random_bool(0.005))) * gain,
        3 => {
            if random.random_bool(0.01) {
                step = gain * random.random_range(-1.0..1.0);
            }
            step
        }
        4 => extremes[random.random_range(0..extremes.len())],
        _ => gain * (n as f32 * frequency).sin().signum() * f32::from(u8::from(n % 3000 < 1500)),
    };
    (0..length).map(sample).collect()
}

fn is_finite(found: &Compare2016) -> bool {
    found.llds.values.iter().chain(&found.functionals).all(|value| value.is_finite())
}
