//! UniFR.
