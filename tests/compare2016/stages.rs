//! Each stage alone, on the reference's own input of that stage.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use unifr::audio::compare2016::auditory::{self, Rasta};
use unifr::audio::compare2016::cepstrum::Cepstrum;
use unifr::audio::compare2016::contours::Columns;
use unifr::audio::compare2016::energy::{root_mean_square, zero_crossings};
use unifr::audio::compare2016::framing::Framing;
use unifr::audio::compare2016::levels::{ENERGY_COLUMNS, Levels, PITCH_COLUMNS, SPECTRAL_COLUMNS};
use unifr::audio::compare2016::mel::{BAND_COUNT, MelBank};
use unifr::audio::compare2016::pitch::gated;
use unifr::audio::compare2016::pitch::octave::{OctaveScale, OctaveSpectrum};
use unifr::audio::compare2016::pitch::subharmonics::{CANDIDATE_COUNT, Candidate, Candidates, Subharmonics};
use unifr::audio::compare2016::pitch::viterbi::{Pitch, PitchPaths};
use unifr::audio::compare2016::samples::Samples;
use unifr::audio::compare2016::spectral::{SPECTRAL_COUNT, SpectralDescriptors};
use unifr::audio::compare2016::spectrum::{Spectrum, gaussian, hamming};
use unifr::audio::compare2016::voice_quality::PeriodFollower;
use unifr::files::npy;
use unifr::media::read_sound;

use super::{distance, golden_cases, largest, tell, text};

/// Of a column's largest magnitude; the cases' own bound for a stage on the reference's own input.
const TOLERANCE: f64 = 1e-6;

/// A stage: what its values are called, how many there are in a row, and how they are computed.
type Stage = (&'static str, usize, fn(&Case) -> Result<Vec<f32>, String>);

const STAGES: [Stage; 22] = [
    ("mag60_sel", 0, long_magnitudes),
    ("mag20_sel", 0, short_magnitudes),
    ("octspec_sel", 0, octave_spectra),
    ("shs", 3 * CANDIDATE_COUNT, candidates),
    ("viterbi", 2, paths),
    ("rms60", 1, gate_energies),
    ("pitch", 2, pitches),
    ("jitter", 4, voice_qualities),
    ("rms20", 1, short_energies),
    ("zcr", 1, crossings),
    ("mel", BAND_COUNT, mel_powers),
    ("audspec", BAND_COUNT, loudness),
    ("audspec_sum", 1, mean_loudness),
    ("audspec_rasta", BAND_COUNT, changes),
    ("audspec_rasta_sum", 1, mean_changes),
    ("mfcc", 14, cepstra),
    ("spectral", SPECTRAL_COUNT, spectral_descriptors),
    ("nz_sma", PITCH_COLUMNS, |case| Ok(rows(&case.contours()?.pitch))),
    ("a_sma", ENERGY_COLUMNS, |case| Ok(rows(&case.contours()?.energy))),
    ("b_sma", SPECTRAL_COLUMNS, |case| Ok(rows(&case.contours()?.spectral))),
    ("nz_de", PITCH_COLUMNS, |case| Ok(rows(&case.contours()?.pitch_deltas))),
    ("a_de", ENERGY_COLUMNS, |case| Ok(rows(&case.contours()?.energy_deltas))),
];

/// The stages of every sound whose samples are there.
pub fn trials(folder: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    for stages in golden_cases::folders_in(&folder.join("stages")) {
        let name = stages.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sound = folder.join(format!("{name}.wav"));
        let last: Stage = ("b_de", SPECTRAL_COLUMNS, |case| Ok(rows(&case.contours()?.spectral_deltas)));
        for stage in STAGES.into_iter().chain([last]) {
            if sound.is_file() && stages.join(format!("{}.npy", stage.0)).is_file() {
                let case = Case { name: name.clone(), sound: sound.clone(), stages: stages.clone() };
                trials.push(golden_cases::trial(format!("compare2016/stages/{name}/{}", stage.0), move || {
                    case.run(stage)
                }));
            }
        }
    }
    trials
}

struct Case {
    name: String,
    sound: PathBuf,
    stages: PathBuf,
}

impl Case {
    fn run(&self, (stage, width, compute): Stage) -> Result<(), String> {
        let (width, expected) = self.expected(stage, width)?;
        let found: Vec<f64> = compute(self)?.into_iter().map(f64::from).collect();
        if found.len() != expected.len() {
            return Err(format!("{} values, expected {}", found.len(), expected.len()));
        }
        let largest = largest(&expected, width);
        let far = |place: usize| distance(found[place], expected[place]) / largest[place % width];
        let at = |place: usize| format!("row {}, column {}", place / width, place % width);
        tell(&self.name, &format!("stage {stage}"), &found, &expected, |place| (far(place), at(place)));
        match (0..found.len()).find(|place| far(*place) > TOLERANCE) {
            None => Ok(()),
            Some(place) => Err(format!("{}: found {}, expected {}", at(place), found[place], expected[place])),
        }
    }

    /// What a stage has to give: of candidates only frequencies, voicings and scores.
    fn expected(&self, stage: &str, width: usize) -> Result<(usize, Vec<f64>), String> {
        let (shape, values) = npy::read_f64(&self.stages.join(format!("{stage}.npy"))).map_err(text)?;
        let found_width = shape.get(1).copied().unwrap_or(1);
        let first = usize::from(stage == "shs");
        let width = if width == 0 { found_width } else { width };
        let rows = values.chunks_exact(found_width).flat_map(|row| row[first..first + width].to_vec());
        Ok((width, rows.collect()))
    }

    fn stage(&self, stage: &str) -> Result<(usize, Vec<f32>), String> {
        let (shape, values) = npy::read_f32(&self.stages.join(format!("{stage}.npy"))).map_err(text)?;
        Ok((shape.get(1).copied().unwrap_or(1), values))
    }

    fn column(&self, stage: &str) -> Result<Vec<f32>, String> {
        Ok(self.stage(stage)?.1)
    }

    fn columns(&self, stage: &str) -> Result<Columns, String> {
        let (width, values) = self.stage(stage)?;
        Ok((0..width).map(|column| values.iter().skip(column).step_by(width).copied().collect()).collect())
    }

    fn selected(&self) -> Result<Vec<usize>, String> {
        let (_, frames) = npy::read_i64(&self.stages.join("frame_index.npy")).map_err(text)?;
        Ok(frames.into_iter().map(|frame| frame as usize).collect())
    }

    fn samples(&self) -> Result<(Framing, Samples), String> {
        let sound = read_sound(&self.sound).map_err(text)?;
        let mut samples = Samples::default();
        samples.append(&sound.channels[0]);
        Ok((Framing::new(sound.rate_hz).map_err(text)?, samples))
    }

    fn framing(&self) -> Result<Framing, String> {
        Ok(self.samples()?.0)
    }

    /// Frames of 60 ms, each seen by `see`.
    fn long<T>(&self, see: impl FnMut(&[f32]) -> T) -> Result<Vec<T>, String> {
        let (framing, samples) = self.samples()?;
        let starts = (0..framing.long_frames(samples.end())).map(|frame| frame * framing.hop);
        Ok(starts.map(|start| samples.slice(start..start + framing.long_length)).map(see).collect())
    }

    /// Frames of 20 ms, each seen by `see`.
    fn short<T>(&self, see: impl FnMut(&[f32]) -> T) -> Result<Vec<T>, String> {
        let (framing, samples) = self.samples()?;
        let starts = (0..framing.short_frames(samples.end())).map(|frame| frame * framing.hop);
        Ok(starts.map(|start| samples.slice(start..start + framing.short_length)).map(see).collect())
    }

    /// Mel powers of all frames as the reference has them.
    fn bands(&self) -> Result<Vec<[f32; BAND_COUNT]>, String> {
        let values = self.column("mel")?;
        Ok(values.as_chunks().0.to_vec())
    }

    /// Smoothed contours and deltas from the levels of the reference.
    fn contours(&self) -> Result<unifr::audio::compare2016::Contours, String> {
        let mut pitch = self.columns("pitch")?;
        pitch.extend(self.columns("jitter")?);
        let mut energy = Columns::new();
        for stage in ["audspec_sum", "audspec_rasta_sum", "rms20", "zcr"] {
            energy.extend(self.columns(stage)?);
        }
        let mut spectral = Columns::new();
        for stage in ["audspec_rasta", "spectral", "mfcc"] {
            spectral.extend(self.columns(stage)?);
        }
        // The reference has deltas of the frames that are used: two fewer than were decided in time.
        let decided_frames = self.columns("nz_de")?[0].len() + 2;
        Ok(Levels { pitch, energy, spectral, decided_frames }.into_contours())
    }
}

fn rows(columns: &[Vec<f32>]) -> Vec<f32> {
    (0..columns[0].len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
}

fn selected_rows(case: &Case, rows: &[Vec<f32>]) -> Result<Vec<f32>, String> {
    Ok(case.selected()?.into_iter().flat_map(|frame| rows[frame].clone()).collect())
}

fn long_magnitudes(case: &Case) -> Result<Vec<f32>, String> {
    let framing = case.framing()?;
    let mut spectrum = Spectrum::new(gaussian(framing.long_length), framing.long_transform());
    let rows = case.long(|frame| {
        spectrum.take(frame);
        spectrum.magnitudes().to_vec()
    })?;
    selected_rows(case, &rows)
}

fn short_magnitudes(case: &Case) -> Result<Vec<f32>, String> {
    let framing = case.framing()?;
    let mut spectrum = Spectrum::new(hamming(framing.short_length), framing.short_transform());
    let rows = case.short(|frame| {
        spectrum.take(frame);
        spectrum.magnitudes().to_vec()
    })?;
    selected_rows(case, &rows)
}

fn octave_spectra(case: &Case) -> Result<Vec<f32>, String> {
    let mut octaves = OctaveSpectrum::new(&case.framing()?);
    let (width, magnitudes) = case.stage("mag60_sel")?;
    Ok(magnitudes.chunks_exact(width).flat_map(|frame| octaves.of(frame).to_vec()).collect())
}

/// Of the selected frames from the reference's spectra; of the others, which it does not give, from the samples.
fn candidates(case: &Case) -> Result<Vec<f32>, String> {
    let framing = case.framing()?;
    let mut octaves = OctaveSpectrum::new(&framing);
    let mut subharmonics = Subharmonics::new(&OctaveScale::new(&framing));
    let mut spectrum = Spectrum::new(gaussian(framing.long_length), framing.long_transform());
    let mut found = case.long(|frame| {
        spectrum.take(frame);
        subharmonics.candidates(octaves.of(spectrum.magnitudes()))
    })?;
    let (width, spectra) = case.stage("octspec_sel")?;
    for (frame, spectrum) in case.selected()?.into_iter().zip(spectra.chunks_exact(width)) {
        found[frame] = subharmonics.candidates(spectrum);
    }
    let row = |candidates: Candidates| {
        let values = [|c: &Candidate| c.frequency, |c: &Candidate| c.voicing, |c: &Candidate| c.score];
        values.into_iter().flat_map(move |value| candidates.map(|candidate| value(&candidate)))
    };
    Ok(found.into_iter().flat_map(row).collect())
}

fn paths(case: &Case) -> Result<Vec<f32>, String> {
    let (mut paths, mut decided) = (PitchPaths::default(), Vec::new());
    let (width, values) = case.stage("shs")?;
    for row in values.chunks_exact(width) {
        let candidate = |place: usize| Candidate {
            frequency: row[1 + place],
            voicing: row[1 + CANDIDATE_COUNT + place],
            score: row[1 + 2 * CANDIDATE_COUNT + place],
        };
        paths.take(std::array::from_fn(candidate), &mut decided);
    }
    paths.finish(&mut decided);
    Ok(decided.into_iter().flat_map(|pitch| [pitch.frequency, pitch.voicing]).collect())
}

fn gate_energies(case: &Case) -> Result<Vec<f32>, String> {
    let window = gaussian(case.framing()?.long_length);
    case.long(|frame| {
        let windowed: Vec<f32> = frame.iter().zip(&window).map(|(sample, weight)| sample * weight).collect();
        root_mean_square(&windowed)
    })
}

fn pitches(case: &Case) -> Result<Vec<f32>, String> {
    let (path, energies) = (case.column("viterbi")?, case.column("rms60")?);
    let pitches = path.chunks_exact(2).map(|pair| Pitch { frequency: pair[0], voicing: pair[1] });
    let gated = pitches.zip(energies).map(|(pitch, energy)| gated(pitch, energy));
    Ok(gated.flat_map(|pitch| [pitch.frequency, pitch.voicing]).collect())
}

fn voice_qualities(case: &Case) -> Result<Vec<f32>, String> {
    let (framing, samples) = case.samples()?;
    let mut periods = PeriodFollower::new(framing);
    let qualities =
        case.column("pitch")?.into_iter().step_by(2).map(|f0| periods.take(&samples, f0)).collect::<Vec<_>>();
    Ok(qualities.iter().flat_map(|found| [found.jitter, found.jitter_ddp, found.shimmer, found.log_hnr]).collect())
}

fn short_energies(case: &Case) -> Result<Vec<f32>, String> {
    case.short(root_mean_square)
}

fn crossings(case: &Case) -> Result<Vec<f32>, String> {
    case.long(zero_crossings)
}

/// Of the selected frames from the reference's magnitudes; of the others, which it does not give, from the samples.
fn mel_powers(case: &Case) -> Result<Vec<f32>, String> {
    let framing = case.framing()?;
    let bank = MelBank::new(&framing);
    let mut spectrum = Spectrum::new(hamming(framing.short_length), framing.short_transform());
    let mut found = case.short(|frame| {
        spectrum.take(frame);
        bank.powers(spectrum.magnitudes())
    })?;
    let (width, magnitudes) = case.stage("mag20_sel")?;
    for (frame, magnitudes) in case.selected()?.into_iter().zip(magnitudes.chunks_exact(width)) {
        found[frame] = bank.powers(magnitudes);
    }
    Ok(found.concat())
}

fn loudness(case: &Case) -> Result<Vec<f32>, String> {
    let equal_loudness = auditory::equal_loudness(&MelBank::new(&case.framing()?));
    Ok(case.bands()?.iter().flat_map(|powers| auditory::loudness(powers, &equal_loudness)).collect())
}

fn mean_loudness(case: &Case) -> Result<Vec<f32>, String> {
    Ok(case.column("audspec")?.as_chunks().0.iter().map(auditory::mean).collect())
}

fn changes(case: &Case) -> Result<Vec<f32>, String> {
    let mut rasta = Rasta::new(&auditory::equal_loudness(&MelBank::new(&case.framing()?)));
    Ok(case.bands()?.iter().flat_map(|powers| rasta.take(powers)).collect())
}

fn mean_changes(case: &Case) -> Result<Vec<f32>, String> {
    Ok(case.column("audspec_rasta")?.as_chunks().0.iter().map(auditory::mean).collect())
}

fn cepstra(case: &Case) -> Result<Vec<f32>, String> {
    let cepstrum = Cepstrum::default();
    Ok(case.bands()?.iter().flat_map(|powers| cepstrum.of(powers)).collect())
}

/// From the samples: the flux needs the frame before, and the reference gives only selected magnitudes.
fn spectral_descriptors(case: &Case) -> Result<Vec<f32>, String> {
    let framing = case.framing()?;
    let mut descriptors = SpectralDescriptors::new(&framing);
    let mut spectrum = Spectrum::new(hamming(framing.short_length), framing.short_transform());
    let rows = case.short(|frame| {
        spectrum.take(frame);
        descriptors.take(spectrum.magnitudes())
    })?;
    Ok(rows.concat())
}
