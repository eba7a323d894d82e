//! What `--device` may say.

use std::fmt;
use std::str::FromStr;

/// A device as the user names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA if a driver and a device answer, else the processor.
    #[default]
    Auto,
    /// The processor, through burn's `flex` backend.
    Cpu,
    /// The processor, through the kernels that are written for GPUs: for tests.
    CubeclCpu,
    /// CUDA devices by their numbers, at least one, none twice.
    Cuda(Vec<usize>),
}

/// Why the text names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Not one of the words.
    #[error("the device is `{found}`, expected `auto`, `cpu`, `cubecl-cpu`, `cuda`, `cuda:N` or `cuda:N,M`")]
    Word {
        /// What was found.
        found: String,
    },
    /// A device twice.
    #[error("the device is `{found}`, which names {number} twice; name each once")]
    Twice {
        /// What was found.
        found: String,
        /// The number.
        number: usize,
    },
}

impl FromStr for DeviceChoice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cubecl-cpu" => Ok(Self::CubeclCpu),
            "cuda" => Ok(Self::Cuda(vec![0])),
            _ => numbers(text).map(Self::Cuda),
        }
    }
}

/// The numbers of `cuda:0,1`.
fn numbers(text: &str) -> Result<Vec<usize>, ChoiceError> {
    let word = || ChoiceError::Word { found: text.into() };
    let list = text.strip_prefix("cuda:").ok_or_else(word)?;
    let mut numbers = Vec::new();
    for part in list.split(',') {
        // `parse` would take a sign too.
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = part.parse().ok().filter(|_| is_number).ok_or_else(word)?;
        if numbers.contains(&number) {
            return Err(ChoiceError::Twice { found: text.into(), number });
        }
        numbers.push(number);
    }
    Ok(numbers)
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::CubeclCpu => formatter.write_str("cubecl-cpu"),
            Self::Cuda(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                write!(formatter, "cuda:{}", numbers.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_flag_are_read_and_written_alike() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("cubecl-cpu", DeviceChoice::CubeclCpu),
            ("cuda:3", DeviceChoice::Cuda(vec![3])),
            ("cuda:2,0", DeviceChoice::Cuda(vec![2, 0])),
        ] {
            assert_eq!(text.parse(), Ok(choice.clone()));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(vec![0])));
    }

    #[test]
    fn other_words_and_devices_named_twice_are_refused() {
        for text in ["gpu", "cuda:", "cuda:0,", "cuda:-1", "cuda:+1", "cuda:0;1", "CUDA", "cuda: 0"] {
            assert_eq!(text.parse::<DeviceChoice>(), Err(ChoiceError::Word { found: text.into() }));
        }
        let twice = ChoiceError::Twice { found: "cuda:1,0,1".into(), number: 1 };
        assert_eq!("cuda:1,0,1".parse::<DeviceChoice>(), Err(twice));
    }
}
