//! Handlers of the native and Tempo APIs, and the embedded UI.
