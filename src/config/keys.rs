//! How a group of keys is written down once: struct, defaults, names in YAML and the rows of `configs/README.md`.
//!
//! In:  the `group!` and `choice!` blocks of the neighbouring files.
//! Out: serde structs and enums, and one [`KeyDoc`] per key.

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A key of the published system.
    Published,
    /// A key of UniFR's own; its default is what the published system does.
    Ours,
}

/// What is known about one key.
#[derive(Clone, Copy, Debug)]
pub struct KeyDoc {
    /// The full path, with dots: `train_params.batch_size`.
    pub path: &'static str,
    /// What a value may be, in words.
    pub expected: &'static str,
    /// Published or ours.
    pub origin: Origin,
    /// The lines of the key's doc comment.
    pub meaning: &'static [&'static str],
    /// The words it may be and the lines that explain each; none for numbers, names and paths.
    pub choices: &'static [(&'static str, &'static [&'static str])],
}

/// A type that a key may have, with the words that describe its values in errors and in the README.
pub trait Value {
    /// What a value may be, in words.
    const EXPECTED: &'static str;
    /// The words it may be and the lines that explain each.
    const CHOICES: &'static [(&'static str, &'static [&'static str])] = &[];
}

impl Value for bool {
    const EXPECTED: &'static str = "`true` or `false`";
}
impl Value for u64 {
    const EXPECTED: &'static str = "a whole number";
}
impl Value for usize {
    const EXPECTED: &'static str = "a whole number";
}
impl Value for f64 {
    const EXPECTED: &'static str = "a number";
}
impl Value for String {
    const EXPECTED: &'static str = "a name";
}
impl Value for std::path::PathBuf {
    const EXPECTED: &'static str = "a path";
}

/// One group of keys: a struct with its defaults, and its [`KeyDoc`]s.
///
/// Groups inside a group follow the keys as `in name: Type, "meaning";`.
macro_rules! group {
    (
        $(#[doc = $card:literal])+
        $name:ident at $path:literal {
            $( $(#[doc = $meaning:literal])+ $origin:ident $key:literal $field:ident: $type:ty = $default:expr; )*
            $( in $inner:ident: $inner_type:ty, $inner_card:literal; )*
        }
    ) => {
        $(#[doc = $card])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $meaning])+ #[serde(rename = $key)] pub $field: $type, )*
            $( #[doc = $inner_card] pub $inner: $inner_type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* $( $inner: <$inner_type>::default(), )* }
            }
        }

        impl $name {
            /// What is known about each key that stands directly in this group.
            pub const KEYS: &[$crate::config::KeyDoc] = &[ $( $crate::config::KeyDoc {
                path: concat!($path, ".", $key),
                expected: <$type as $crate::config::keys::Value>::EXPECTED,
                origin: $crate::config::Origin::$origin,
                meaning: &[$($meaning),+],
                choices: <$type as $crate::config::keys::Value>::CHOICES,
            }, )* ];
        }
    };
}

/// A setting that is one of a few words; the first is the default.
macro_rules! choice {
    (
        $(#[doc = $card:literal])+
        $name:ident {
            $(#[doc = $first_doc:literal])+ $first:ident = $first_text:literal,
            $( $(#[doc = $doc:literal])+ $variant:ident = $text:literal, )*
        }
    ) => {
        $(#[doc = $card])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[doc = $first_doc])+ #[default] #[serde(rename = $first_text)] $first,
            $( $(#[doc = $doc])+ #[serde(rename = $text)] $variant, )*
        }

        impl $name {
            /// The word that stands for this choice in a file.
            pub const fn word(self) -> &'static str {
                match self { Self::$first => $first_text, $( Self::$variant => $text, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                [Self::$first, $( Self::$variant, )*].into_iter().find(|choice| choice.word() == text).ok_or_else(|| {
                    format!("`{text}` found, expected {}", <Self as $crate::config::keys::Value>::EXPECTED)
                })
            }
        }

        impl $crate::config::keys::Value for $name {
            const EXPECTED: &'static str = if $first_text.is_empty() {
                concat!("an empty text", $( " or `", $text, "`", )*)
            } else {
                concat!("`", $first_text, "`", $( " or `", $text, "`", )*)
            };
            const CHOICES: &'static [(&'static str, &'static [&'static str])] =
                &[($first_text, &[$($first_doc),+]), $( ($text, &[$($doc),+]), )*];
        }
    };
}

pub(super) use {choice, group};
