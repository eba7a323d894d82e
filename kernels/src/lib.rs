//! Masked attention and filtered sampling as burn operations.
