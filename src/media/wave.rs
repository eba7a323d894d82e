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
pub fn read(file: File) -> Result<Sound, MediaError> {
    caught(|| decode(file)).map_err(MediaError::damaged)?
}

fn decode(file: File) -> Result<Sound, MediaError> {
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension("wav");
    let probed =
        symphonia::default::get_probe().probe(&hint, stream, FormatOptions::default(), MetadataOptions::default());
    let mut reader = probed.map_err(|error| MediaError::damaged(error.to_string()))?;
    read_track(reader.as_mut())
}

fn read_track(reader: &mut dyn FormatReader) -> Result<Sound, MediaError> {
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
    let mut sound = Sound { rate_hz, channels: vec![Vec::new(); channels.count()] };
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
