//! Value types of settings and the loader that reads them.
