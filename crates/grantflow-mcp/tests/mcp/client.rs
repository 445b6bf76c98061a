//! Point 5: which client logs in, and how it authenticates.
