//! The names of the 65 descriptors and the 6373 functionals, by rule.
//!
//! Out: names as the reference writes them, in the order of the rows and of the functionals.
//! Source: `compare2016.md`, sections 10 and 11.1: descriptor, `_sma` for its smoothed contour or `_sma_de` for the
//! contour's delta, its number in brackets if it is one of many; then `_` and the functional.

use super::functionals::{GROUPS, Level};

const PITCH: [&str; 6] = ["F0final", "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR"];
const ENERGY: [&str; 4] = ["audspec_lengthL1norm", "audspecRasta_lengthL1norm", "pcm_RMSenergy", "pcm_zcr"];
/// After `pcm_fftMag_`.
const SPECTRAL: [&str; 15] = [
    "fband250-650",
    "fband1000-4000",
    "spectralRollOff25.0",
    "spectralRollOff50.0",
    "spectralRollOff75.0",
    "spectralRollOff90.0",
    "spectralFlux",
    "spectralCentroid",
    "spectralEntropy",
    "spectralVariance",
    "spectralSkewness",
    "spectralKurtosis",
    "spectralSlope",
    "psySharpness",
    "spectralHarmonicity",
];
const RASTA_BANDS: std::ops::Range<usize> = 0..26;
const CEPSTRAL_COEFFICIENTS: std::ops::RangeInclusive<usize> = 1..=14;

const SMOOTHED: &str = "_sma";
const DELTA: &str = "_sma_de";

/// Names of the 65 descriptors, in the order of a row.
pub fn descriptor_names() -> Vec<String> {
    [Level::Pitch, Level::Energy, Level::Spectral].into_iter().flat_map(contour_names).collect()
}

/// Names of the 65 deltas, in the order of the descriptors.
pub fn delta_names() -> Vec<String> {
    [Level::PitchDeltas, Level::EnergyDeltas, Level::SpectralDeltas].into_iter().flat_map(contour_names).collect()
}

/// Names of the 6373 functionals, in the order of [`super::functionals::functionals`].
pub fn functional_names() -> Vec<String> {
    let mut names = Vec::with_capacity(super::functionals::FUNCTIONAL_COUNT);
    for group in &GROUPS {
        let functionals: Vec<&str> = group.families.iter().flat_map(|family| family.names()).collect();
        for contour in group.levels.iter().flat_map(|level| contour_names(*level)) {
            names.extend(functionals.iter().map(|functional| format!("{contour}_{functional}")));
        }
    }
    names
}

/// The names of a level's columns.
fn contour_names(level: Level) -> Vec<String> {
    match level {
        Level::Pitch => plain_names(&PITCH, SMOOTHED),
        Level::PitchDeltas => plain_names(&PITCH, DELTA),
        // The reference marks F0 where its zeros count.
        Level::FundamentalAlone => vec![format!("{}{SMOOTHED}_ff0", PITCH[0])],
        Level::Energy => plain_names(&ENERGY, SMOOTHED),
        Level::EnergyDeltas => plain_names(&ENERGY, DELTA),
        Level::Spectral => spectral_names(SMOOTHED),
        Level::SpectralDeltas => spectral_names(DELTA),
    }
}

fn plain_names(descriptors: &[&str], contour: &str) -> Vec<String> {
    descriptors.iter().map(|descriptor| format!("{descriptor}{contour}")).collect()
}

fn spectral_names(contour: &str) -> Vec<String> {
    let bands = RASTA_BANDS.map(|band| format!("audSpec_Rfilt{contour}[{band}]"));
    let descriptors = SPECTRAL.iter().map(|descriptor| format!("pcm_fftMag_{descriptor}{contour}"));
    let coefficients = CEPSTRAL_COEFFICIENTS.map(|coefficient| format!("mfcc{contour}[{coefficient}]"));
    bands.chain(descriptors).chain(coefficients).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_the_kind_of_contour() {
        let (descriptors, deltas) = (descriptor_names(), delta_names());
        assert_eq!((descriptors.len(), deltas.len()), (65, 65));
        assert_eq!([&descriptors[0], &descriptors[10]], ["F0final_sma", "audSpec_Rfilt_sma[0]"]);
        assert_eq!([&descriptors[36], &descriptors[64]], ["pcm_fftMag_fband250-650_sma", "mfcc_sma[14]"]);
        assert_eq!(deltas[64], "mfcc_sma_de[14]");
    }

    #[test]
    fn every_functional_has_its_own_name() {
        let mut names = functional_names();
        assert_eq!(names.len(), super::super::functionals::FUNCTIONAL_COUNT);
        // Group offsets of section 11.1.
        assert_eq!(names[248], "audSpec_Rfilt_sma[0]_range");
        assert_eq!(names[3658], "F0final_sma_amean");
        assert_eq!(names[4126], "F0final_sma_ff0_nnz");
        assert_eq!(names[4131], "audspec_lengthL1norm_sma_amean");
        assert_eq!(names[5488], "audspec_lengthL1norm_sma_de_flatness");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), super::super::functionals::FUNCTIONAL_COUNT);
    }
}
