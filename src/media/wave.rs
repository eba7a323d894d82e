//! WAV files: PCM of 8, 16, 24 or 32 bits, or floats.
//!
//! In:  an open file that starts with `RIFF` and `WAVE`.
//! Out: [`Sound`] at the file's own rate.
//! Source: `symphonia`'s reader and PCM decoder.

use std::fs::File;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::panics::caught;
use super::sound::check_length;
use super::{MediaError, Sound};

/// Decodes the whole file.
pub fn read(file: File, most_channels: usize) -> Result<Sound, MediaError> {
    caught(|| decode(file, most_channels)).map_err(MediaError::damaged)?
}

fn decode(file: File, most_channels: usize) -> Result<Sound, MediaError> {
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension("wav");
    let probed =
        symphonia::default::get_probe().probe(&hint, stream, FormatOptions::default(), MetadataOptions::default());
    let mut reader = probed.map_err(|error| MediaError::damaged(error.to_string()))?;
    read_track(reader.as_mut(), most_channels)
}

fn read_track(reader: &mut dyn FormatReader, most_channels: usize) -> Result<Sound, MediaError> {
    let track = reader.default_track(TrackType::Audio).ok_or(MediaError::NoSound)?;
    let Some(parameters) = track.codec_params.as_ref().and_then(|parameters| parameters.audio()) else {
        return Err(MediaError::NoSound);
    };
    let made = symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default());
    let mut decoder = made.map_err(|error| MediaError::SoundCodec { found: error.to_string() })?;
    let parameters = decoder.codec_params();
    let (Some(rate_hz @ 1..), Some(channels)) = (parameters.sample_rate, &parameters.channels) else {
        return Err(MediaError::damaged("its header names no rate or no channels"));
    };
    let mut sound = Sound { rate_hz, channels: vec![Vec::new(); channels.count().min(most_channels)] };
    let mut packet_number = 0;
    // A recording that was cut off ends inside a packet; what came before is kept.
    while let Ok(Some(packet)) = reader.next_packet() {
        match decoder.decode(&packet) {
            Ok(buffer) => sound.push(&buffer),
            Err(error) => return Err(MediaError::Packet { sample: packet_number, reason: error.to_string() }),
        }
        packet_number += 1;
        check_length(&sound)?;
    }
    if sound.sample_count() == 0 {
        return Err(MediaError::damaged("it holds no samples"));
    }
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use crate::media::{MediaError, Sound, read_first_channel, read_sound};

    const INTEGERS: u16 = 1;
    const FLOATS: u16 = 3;

    /// Two channels at 8000 Hz; `data` as it stands in the file.
    fn sound_of(format: u16, bits: u16, data: &[u8]) -> Result<Sound, MediaError> {
        let (channels, rate) = (2_u16, 8000_u32);
        let bytes_a_moment = channels * bits / 8;
        let mut file = b"RIFF".to_vec();
        file.extend((36 + data.len() as u32).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend(16_u32.to_le_bytes());
        for number in [format, channels] {
            file.extend(number.to_le_bytes());
        }
        for number in [rate, rate * u32::from(bytes_a_moment)] {
            file.extend(number.to_le_bytes());
        }
        for number in [bytes_a_moment, bits] {
            file.extend(number.to_le_bytes());
        }
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("sound.wav");
        std::fs::write(&path, file).expect("a file can be written");
        let sound = read_sound(&path)?;
        let alone = read_first_channel(&path)?;
        assert_eq!(alone.channels, sound.channels[..1], "the first channel is the same alone");
        Ok(sound)
    }

    #[test]
    fn every_width_has_the_same_full_scale() {
        // left: -1, then 0; right: 0.5, then 0
        let expected = Sound { rate_hz: 8000, channels: vec![vec![-1.0, 0.0], vec![0.5, 0.0]] };
        let floats: Vec<u8> = [-1.0_f32, 0.5, 0.0, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let files: [(u16, u16, &[u8]); 5] = [
            (INTEGERS, 8, &[0, 192, 128, 128]),
            (INTEGERS, 16, &[0, 128, 0, 64, 0, 0, 0, 0]),
            (INTEGERS, 24, &[0, 0, 128, 0, 0, 64, 0, 0, 0, 0, 0, 0]),
            (INTEGERS, 32, &[0, 0, 0, 128, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0]),
            (FLOATS, 32, &floats),
        ];
        for (format, bits, data) in files {
            assert_eq!(sound_of(format, bits, data).expect("it is a WAV"), expected, "{bits} bits");
        }
    }

    #[test]
    fn a_wav_without_samples_is_damaged() {
        assert!(matches!(sound_of(INTEGERS, 16, &[]), Err(MediaError::Damaged { .. })));
    }
}
