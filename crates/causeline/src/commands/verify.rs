//! `causeline verify`: whether everything in a data folder is as it was written, and repair where it is not.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clock::SystemClock;
use storage::{Repaired, Verified};

use super::take_folder;
use crate::node::AnyError;

/// Check a data folder that no server has open.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// The data folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Put what is damaged into quarantine/, so that the rest is served
    #[arg(long)]
    repair: bool,
}

/// Runs `causeline verify`. Errors: when something is wrong, and still is after a repair.
pub(crate) fn run(args: VerifyArgs) -> Result<(), AnyError> {
    let folder = take_folder(&args.folder)?;
    let mut verified = folder.verify()?;
    tell(&verified);
    if args.repair {
        let done = folder.repair(&verified, Arc::new(SystemClock))?;
        done.iter().for_each(tell_repair);
        if !done.is_empty() {
            verified = folder.verify()?;
            println!("after the repair:");
            tell(&verified);
        }
    }
    match verified.problems.len() {
        0 => Ok(()),
        1 => Err("1 problem".into()),
        n => Err(format!("{n} problems").into()),
    }
}

fn tell(found: &Verified) {
    println!(
        "read: {} files of the catalog; {} blocks ({} spans are well), {} parts ({} rows are well), {} segments of the log ({} records)",
        found.commits,
        found.blocks,
        found.spans,
        found.parts,
        found.part_rows,
        found.segments,
        found.records
    );
    if found.without_checksum > 0 {
        println!(
            "note: an earlier build wrote {} of the blocks and parts, and the catalog has no checksum of those",
            found.without_checksum
        );
    }
    for note in &found.notes {
        println!("note: {note}");
    }
    for problem in &found.problems {
        println!("problem: {}: {}", problem.path, problem.what);
        println!("  {}", problem.advice());
    }
}

fn tell_repair(repaired: &Repaired) {
    let Repaired {
        path,
        what,
        quarantined,
        saved,
        lost,
    } = repaired;
    print!("repair: {path}: {what}");
    if saved + lost > 0 {
        print!(
            "; {saved} of its {} rows are served from a new file",
            saved + lost
        );
    }
    match quarantined {
        Some(place) => println!("; the damaged file is {place}"),
        None => println!(),
    }
}
