//! The native API's contract: requests, answers, errors.
