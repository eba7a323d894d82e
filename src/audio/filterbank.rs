//! Log mel filterbank of the speaker's voice: 26 numbers per window.
//!
//! In:  one signal at the settings' rate, on the scale of 16-bit samples.
//! Out: `[windows, filter_count]` natural logarithms of filter energies.
//! Source: `logfbank` of python_speech_features. The published code calls this "MFCC"; no cosine transform is
//! applied there, and none is applied here ([`super::cepstrum_rows`] is the true one).

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::AudioError;
use super::mel::{MelFilter, mel_filters};
use super::reading::RATE_HZ;

/// What an energy of exactly zero becomes before the logarithm: the float64 epsilon; its logarithm is -36.0437.
pub const ENERGY_FLOOR: f64 = f64::EPSILON;

/// One video frame at 25 fps, in seconds: window and step of the published README.
const FRAME_SECS: f64 = 0.04;

/// A filterbank in plain numbers; the names of python_speech_features stand beside them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilterbankSettings {
    /// Samples per second (`samplerate`).
    pub rate_hz: f64,
    /// Length of a window in seconds (`winlen`).
    pub window_secs: f64,
    /// From one window to the next, in seconds (`winstep`).
    pub step_secs: f64,
    /// How many filters (`nfilt`).
    pub filter_count: usize,
    /// Points of the Fourier transform (`nfft`); a longer window is cut to this many samples, as in the reference.
    pub fft_size: usize,
    /// Lower end of the first filter (`lowfreq`).
    pub low_hz: f64,
    /// Upper end of the last filter (`highfreq`).
    pub high_hz: f64,
    /// Weight of the previous sample that is taken off each sample (`preemph`).
    pub pre_emphasis: f64,
}

impl FilterbankSettings {
    /// 40 ms windows that are seen whole: 1764 samples in a transform of 2048 points.
    ///
    /// Departure: the published code most likely cuts each window to 512 samples (defect 8).
    pub const fn correct() -> Self {
        Self {
            rate_hz: RATE_HZ as f64,
            window_secs: FRAME_SECS,
            step_secs: FRAME_SECS,
            filter_count: 26,
            fft_size: 2048,
            low_hz: 0.0,
            high_hz: RATE_HZ as f64 / 2.0,
            pre_emphasis: 0.97,
        }
    }

    /// Published behaviour: a transform of 512 points, so 1764 samples are cut to their first 512 (defect 8).
    pub const fn published() -> Self {
        Self { fft_size: 512, ..Self::correct() }
    }

    fn check(&self) -> Result<(), AudioError> {
        let positive = [
            ("rate_hz", self.rate_hz),
            ("window_secs", self.window_secs),
            ("step_secs", self.step_secs),
            ("high_hz", self.high_hz - self.low_hz.max(0.0)),
            ("filter_count", self.filter_count as f64),
        ];
        for (name, found) in positive {
            if !(found > 0.0 && found.is_finite()) {
                return Err(AudioError::Setting { name, found, expected: "a positive number" });
            }
        }
        if self.high_hz > self.rate_hz / 2.0 {
            return Err(AudioError::Setting {
                name: "high_hz",
                found: self.high_hz,
                expected: "at most half the rate",
            });
        }
        if self.fft_size < 2 || self.window_samples() == 0 || self.step_samples() == 0 {
            let found = self.fft_size as f64;
            return Err(AudioError::Setting {
                name: "fft_size",
                found,
                expected: "at least 2, with one sample a window",
            });
        }
        Ok(())
    }

    /// Samples of a window, halves rounded up as in the reference.
    pub fn window_samples(&self) -> usize {
        (self.window_secs * self.rate_hz + 0.5).floor() as usize
    }

    /// Samples from one window to the next.
    pub fn step_samples(&self) -> usize {
        (self.step_secs * self.rate_hz + 0.5).floor() as usize
    }
}

/// A filterbank ready to run; cheap to share between threads.
#[derive(Clone)]
pub struct Filterbank {
    settings: FilterbankSettings,
    filters: Vec<MelFilter>,
    transform: Arc<dyn RealToComplex<f64>>,
}

impl Filterbank {
    /// Checks the settings and prepares filters and transform.
    pub fn new(settings: FilterbankSettings) -> Result<Self, AudioError> {
        settings.check()?;
        let FilterbankSettings { filter_count, fft_size, rate_hz, low_hz, high_hz, .. } = settings;
        let filters = mel_filters(filter_count, fft_size, rate_hz, low_hz, high_hz);
        let transform = RealFftPlanner::new().plan_fft_forward(fft_size);
        Ok(Self { settings, filters, transform })
    }

    /// [`FilterbankSettings::correct`], ready to run.
    pub fn correct() -> Self {
        Self::new(FilterbankSettings::correct()).expect("the correct settings are valid")
    }

    /// [`FilterbankSettings::published`], ready to run.
    pub fn published() -> Self {
        Self::new(FilterbankSettings::published()).expect("the published settings are valid")
    }

    /// What it was made from.
    pub fn settings(&self) -> &FilterbankSettings {
        &self.settings
    }

    /// Log energies of every window: `[windows, filter_count]`, row-major.
    ///
    /// A signal of at most one window gives one row; the last window is filled up with zeros.
    pub fn log_rows(&self, signal: &[f64]) -> Vec<f64> {
        let mut rows = Vec::new();
        self.for_each_spectrum(signal, |power| rows.extend(self.log_energies(power)));
        rows
    }

    /// Logarithms of the filter energies of one power spectrum.
    pub fn log_energies<'power>(&'power self, power: &'power [f64]) -> impl Iterator<Item = f64> + 'power {
        self.filters.iter().map(|filter| log_above_floor(filter.energy(power)))
    }

    /// Calls `use_power` with the power spectrum (`fft_size / 2 + 1` bins) of one window after the other.
    pub fn for_each_spectrum(&self, signal: &[f64], mut use_power: impl FnMut(&[f64])) {
        let emphasised = with_pre_emphasis(signal, self.settings.pre_emphasis);
        let mut window = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut power = vec![0.0; spectrum.len()];
        let seen = self.settings.window_samples().min(self.settings.fft_size);
        for start in (0..self.window_count(signal.len())).map(|row| row * self.settings.step_samples()) {
            let found = emphasised.get(start..).unwrap_or_default();
            let found = &found[..found.len().min(seen)];
            window.fill(0.0);
            window[..found.len()].copy_from_slice(found);
            self.transform
                .process_with_scratch(&mut window, &mut spectrum, &mut scratch)
                .expect("the buffers were made by the transform itself");
            for (power, bin) in power.iter_mut().zip(&spectrum) {
                *power = bin.norm_sqr() / self.settings.fft_size as f64;
            }
            use_power(&power);
        }
    }

    /// Windows of a signal: 1 for at most one window of samples, else as many steps as touch the signal.
    pub fn window_count(&self, sample_count: usize) -> usize {
        let window = self.settings.window_samples();
        1 + sample_count.saturating_sub(window).div_ceil(self.settings.step_samples())
    }
}

/// The natural logarithm, with zeros replaced by [`ENERGY_FLOOR`].
pub(super) fn log_above_floor(energy: f64) -> f64 {
    if energy == 0.0 { ENERGY_FLOOR.ln() } else { energy.ln() }
}

/// `e[0] = s[0]`, `e[n] = s[n] - weight * s[n - 1]`.
fn with_pre_emphasis(signal: &[f64], weight: f64) -> Vec<f64> {
    let previous = std::iter::once(0.0).chain(signal.iter().copied());
    signal.iter().zip(previous).map(|(sample, previous)| sample - weight * previous).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_the_reference_counts_them() {
        let bank = Filterbank::correct();
        // 1764 samples a window: up to 1764 one window, one more sample begins the next.
        assert_eq!([0, 1, 1764, 1765, 3528, 3529].map(|samples| bank.window_count(samples)), [1, 1, 1, 2, 2, 3]);
        assert_eq!(bank.window_count(30 * 44_100), 750);
    }

    #[test]
    fn silence_is_the_floor_and_ten_times_the_loudness_is_ln_100_more() {
        let bank = Filterbank::correct();
        assert!(bank.log_rows(&vec![0.0; 4000]).iter().all(|value| (value - -36.0437).abs() < 1e-4));
        let tone: Vec<f64> = (0..1764).map(|n| (f64::from(n) * 0.1).sin()).collect();
        let louder: Vec<f64> = tone.iter().map(|sample| sample * 10.0).collect();
        for (quiet, loud) in bank.log_rows(&tone).iter().zip(bank.log_rows(&louder)) {
            assert!((loud - quiet - 100f64.ln()).abs() < 1e-9);
        }
    }

    #[test]
    fn the_published_transform_hears_the_first_512_samples_only() {
        let mut signal = vec![0.0; 1764];
        signal[600] = 1000.0;
        assert!(Filterbank::published().log_rows(&signal).iter().all(|value| *value < -36.0));
        assert!(Filterbank::correct().log_rows(&signal).iter().all(|value| *value > -10.0));
    }

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let settings = FilterbankSettings { high_hz: 30_000.0, ..FilterbankSettings::correct() };
        let message = Filterbank::new(settings).err().unwrap().to_string();
        assert!(message.contains("`high_hz` = 30000"), "{message}");
        let nothing = FilterbankSettings { step_secs: 0.0, ..FilterbankSettings::correct() };
        assert!(Filterbank::new(nothing).is_err());
    }
}
