//! A command that is started several times and cannot work together with the others.

mod common;

use std::path::Path;

use common::{COUNTS, Ran, dir, file, orthant};

/// What launchers put into the environment.
const LAUNCHERS: [(&str, &str); 4] = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
];

/// The command as one of two that a launcher has started, without the launcher.
fn one_of_two((rank, size): (&str, &str), dir: &Path, args: &str) -> Ran {
    let mut command = orthant(dir);
    command.args(args.split_whitespace());
    command.env(rank, "0").env(size, "2");
    command.output().unwrap().into()
}

#[test]
fn commands_of_one_process_are_not_done_several_times() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    let commands = ["show out", "transform out counts.csv -o new.npy", "study counts.csv -k 2..3", "demo"];
    for (launcher, command) in LAUNCHERS.into_iter().zip(commands) {
        let ran = one_of_two(launcher, d.path(), command).ends(2);
        assert!(
            ran.err.contains("mpirun has started 2 of this command, which goes on one process"),
            "{}",
            ran.err
        );
    }
    assert_eq!(common::listing(d.path()), ["counts.csv"]);
}

#[cfg(not(feature = "mpi"))]
#[test]
fn a_program_without_mpi_says_how_to_build_one() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    let ran = one_of_two(LAUNCHERS[0], d.path(), "fit counts.csv -k 2 -o out").ends(1);
    assert!(ran.err.contains("built without MPI: each would do all of the work"), "{}", ran.err);
    assert_eq!(common::listing(d.path()), ["counts.csv"]);
}
