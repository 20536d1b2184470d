//! What every sender's reading has in common: bytes to JSON, places in it, texts, words of severity, keys.
//!
//! A vendor's folder says *where* things stand; how they are cleaned, bounded and hashed is here, once.

pub(in crate::scanners) mod body;
pub(in crate::scanners) mod cloud_event;
pub(in crate::scanners) mod each;
pub(in crate::scanners) mod fit;
pub(in crate::scanners) mod key;
pub(in crate::scanners) mod place;
pub(in crate::scanners) mod scalar;
pub(in crate::scanners) mod settings;
pub(in crate::scanners) mod severity;
pub(in crate::scanners) mod start;
pub(in crate::scanners) mod text;
pub(in crate::scanners) mod vulns;
