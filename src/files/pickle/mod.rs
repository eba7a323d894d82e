//! Plain data out of Python's pickles, without executing them.
