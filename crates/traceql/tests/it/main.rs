//! What the crate promises at its door: the corpus, round trips, lenience, limits.

mod conditions;
mod corpus;
mod lenient;
mod limits;
mod round_trip;
