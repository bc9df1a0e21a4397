//! A process killed before any of its system calls that change files leaves the old result or the new one, whole.
//!
//! The command runs under `ptrace`, which stops it before each system call, and is killed before the first that changes
//! files, then, in another run, before the second, and so on until it ends by itself. Nothing can be seen of files between
//! two such calls that cannot be seen before the later one, so these are all the states that there are.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::{COUNTS, dir, file, listing, orthant, run};
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use orthant_io::{Fingerprint, ReadOptions, SavedModel, read_matrix};

/// The calls that change what is in a folder or a file. Opening counts where it may make a file.
const CHANGES: [i64; 19] = [
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_copy_file_range,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_flock,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
];

/// How a run ended.
#[derive(Debug, PartialEq)]
enum End {
    Killed,
    /// By itself, with this exit code.
    Done(i32),
    /// The system does not let one process trace another.
    NotPermitted,
}

#[expect(clippy::print_stderr, reason = "whoever reads the test's output should know")]
fn skipped() {
    eprintln!("skipped: this system does not let one process trace another");
}

/// Runs `orthant` and kills it before call number `n` of [`CHANGES`], from 0.
fn run_until(dir: &Path, args: &str, n: usize) -> End {
    let mut count = 0;
    trace(dir, args, |_, _| {
        count += 1;
        count > n
    })
}

/// Runs `orthant` and kills it where `kills` says so of the process, which is stopped before a call of [`CHANGES`], and of
/// the call's number.
#[expect(clippy::zombie_processes, reason = "it is waited for by its number")]
fn trace(dir: &Path, args: &str, mut kills: impl FnMut(Pid, i64) -> bool) -> End {
    // it waits to be traced
    let child = Command::new("sh")
        .args(["-c", "kill -STOP $$; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_orthant")])
        .args(args.split_whitespace())
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the shell starts");
    let pid = Pid::from_raw(child.id() as i32);
    waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    if ptrace::seize(pid, options).is_err() {
        kill(pid, Signal::SIGKILL).unwrap();
        waitpid(pid, None).unwrap();
        return End::NotPermitted;
    }
    kill(pid, Signal::SIGCONT).unwrap();
    let (mut started, mut entered) = (false, false);
    loop {
        let mut signal = None;
        match waitpid(pid, None).unwrap() {
            WaitStatus::Exited(_, code) => return End::Done(code),
            WaitStatus::Signaled(_, signal, _) => panic!("{args}: ended by {signal}"),
            WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC) => {
                // the end of the call follows
                (started, entered) = (true, true);
            }
            WaitStatus::PtraceSyscall(_) => {
                entered = !entered;
                let regs = ptrace::getregs(pid).unwrap();
                let call = regs.orig_rax as i64;
                let makes = call == libc::SYS_openat && regs.rdx as i32 & libc::O_CREAT != 0;
                if started && entered && (makes || CHANGES.contains(&call)) && kills(pid, call) {
                    kill(pid, Signal::SIGKILL).unwrap();
                    while !matches!(waitpid(pid, None).unwrap(), WaitStatus::Signaled(..)) {}
                    return End::Killed;
                }
            }
            WaitStatus::Stopped(_, delivered) => signal = Some(delivered),
            _ => {}
        }
        ptrace::syscall(pid, signal).unwrap();
    }
}

/// The fit whose results a folder has: the number of components, after everything in it was found to belong together.
/// None for a folder without results.
#[track_caller]
fn standing(out: &Path, named_k: usize) -> Option<usize> {
    let there = |name: &str| out.join(name).exists();
    let names = ["W.npy", "H.npy", "report.json", "model.safetensors"];
    if !there("W.npy") {
        for name in names.into_iter().chain(["W.csv", "H.csv"]) {
            assert!(!there(name), "{name} without W.npy");
        }
        return None;
    }
    let read = |name: &str| read_matrix::<f64>(out.join(name), &ReadOptions::default()).unwrap();
    let (w, h) = (read("W.npy"), read("H.npy"));
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let fingerprint =
        |name: &str| serde_json::from_value::<Fingerprint>(report["factors"][name].clone()).unwrap();
    assert_eq!(fingerprint("W"), w.fingerprint());
    assert_eq!(fingerprint("H"), h.fingerprint());
    let saved = SavedModel::<f64>::load(out.join("model.safetensors")).unwrap();
    assert_eq!(saved.manifest.weights, Some(w.fingerprint()));
    assert_eq!(saved.model.components().as_slice(), h.data());
    let k = w.ncols();
    for (name, same) in [("W.csv", &w), ("H.csv", &h)] {
        assert_eq!(there(name), k == named_k, "{name} with {k} components");
        if there(name) {
            assert_eq!(read(name).data(), same.data());
        }
    }
    Some(k)
}

#[test]
fn a_fit_over_one_with_tables_stands_or_does_not_at_each_system_call() {
    kill_at_each_call(Some(2), 3);
}

#[test]
fn a_fit_with_tables_over_one_without_stands_or_does_not_at_each_system_call() {
    kill_at_each_call(Some(3), 2);
}

#[test]
fn a_first_fit_stands_or_does_not_at_each_system_call() {
    kill_at_each_call(None, 2);
}

/// Kills a fit with `new` components that is saved over one with `old`, in a folder that has other files too. With two
/// components it is one of data with names, which has tables, with three it is not.
fn kill_at_each_call(old: Option<usize>, new: usize) {
    let d = dir();
    let d = d.path();
    file(d, "names.csv", COUNTS);
    let numbers: String = COUNTS.lines().skip(1).map(|line| format!("{}\n", &line[3..])).collect();
    file(d, "plain.csv", numbers);
    let input = |k: usize| if k == 2 { "names.csv" } else { "plain.csv" };
    let fit = |k: usize| format!("fit {} -k {k} --max-iter 3 -q -o o", input(k));
    let (out, template) = (d.join("o"), d.join("template"));
    fs::create_dir_all(out.join("mine")).unwrap();
    file(&out, "notes.txt", "mine");
    file(&out, "mine/W.npy", "mine");
    if let Some(old) = old {
        run(d, &fit(old)).ends(0);
    }
    fs::rename(&out, &template).unwrap();
    let mut seen = vec![];
    for n in 0.. {
        copy(&template, &out);
        let end = run_until(d, &fit(new), n);
        if end == End::NotPermitted {
            return skipped();
        }
        let stands = standing(&out, 2);
        assert!(stands == old || stands == Some(new), "before call {n}: {stands:?}");
        for name in ["notes.txt", "mine/W.npy"] {
            assert_eq!(fs::read(out.join(name)).unwrap(), b"mine", "before call {n}");
        }
        // what is left is cleared by whoever writes there next
        if n % 8 == 0 || end != End::Killed {
            run(d, &fit(new)).ends(0);
            assert_eq!(standing(&out, 2), Some(new), "after call {n}");
            let hidden = listing(&out).into_iter().find(|name| name.starts_with('.'));
            assert_eq!(hidden, None, "after call {n}");
        }
        fs::remove_dir_all(&out).unwrap();
        seen.push(stands);
        if let End::Done(code) = end {
            assert_eq!((code, stands), (0, Some(new)));
            break;
        }
    }
    let switched = seen.iter().position(|stands| *stands == Some(new)).unwrap();
    assert!(seen[..switched].iter().all(|stands| *stands == old), "{seen:?}");
    assert!(seen[switched..].iter().all(|stands| *stands == Some(new)), "{seen:?}");
    assert!(switched > 40 && seen.len() > switched + 4, "kills on both sides of the switch: {seen:?}");
}

/// Copies a folder of files and folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for name in listing(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
fn at_each_system_call_of_writing_one_file_the_old_one_or_the_new_one_stands() {
    let d = dir();
    let d = d.path();
    file(d, "names.csv", COUNTS);
    run(d, "fit names.csv -k 2 --max-iter 3 -q -o o").ends(0);
    run(d, "transform o names.csv -q -o new.npy").ends(0);
    let new = fs::read(d.join("new.npy")).unwrap();
    fs::create_dir(d.join("w")).unwrap();
    for n in 0.. {
        file(&d.join("w"), "w.npy", "old");
        let end = run_until(d, "transform o names.csv -q -o w/w.npy", n);
        if end == End::NotPermitted {
            return skipped();
        }
        let stands = fs::read(d.join("w/w.npy")).unwrap();
        assert!(stands == b"old" || stands == new, "before call {n}");
        if end != End::Killed {
            assert_eq!(end, End::Done(0));
            assert_eq!(listing(&d.join("w")), ["w.npy"], "what the earlier ones left is gone");
            assert!(n > 8, "only {n} calls");
            return;
        }
    }
}

/// Ctrl-C while results are saved: the first one leaves it at that, the second ends the saving, and nothing is left of it.
#[test]
fn the_second_interrupt_while_results_are_saved_leaves_the_old_ones() {
    let d = dir();
    let (d, out) = (d.path(), d.path().join("o"));
    file(d, "names.csv", COUNTS);
    run(d, "fit names.csv -k 3 --max-iter 3 -q -o o").ends(0);
    let before = listing(&out);
    for (interrupts, code, stands) in [(2, 130, 3), (1, 0, 2)] {
        let mut saving = false;
        let end = trace(d, "fit names.csv -k 2 --max-iter 3 -q -o o", |pid, call| {
            // the first file of the results is on its way to the disk
            if call == libc::SYS_fsync && !saving {
                saving = true;
                for _ in 0..interrupts {
                    kill(pid, Signal::SIGINT).unwrap();
                    // a thread of its own hears it, while this one stands still
                    sleep(Duration::from_millis(200));
                }
            }
            false
        });
        if end == End::NotPermitted {
            return skipped();
        }
        assert_eq!(end, End::Done(code));
        assert_eq!(read_matrix::<f64>(out.join("W.npy"), &ReadOptions::default()).unwrap().ncols(), stands);
        assert_eq!(listing(&out), before);
    }
}

/// The first process stands still in the middle of the switch.
#[test]
fn a_second_writer_waits_until_the_first_has_saved() {
    let d = dir();
    let (d, out) = (d.path(), d.path().join("o"));
    file(d, "names.csv", COUNTS);
    let fit = |k: usize| format!("fit names.csv -k {k} --max-iter 3 -q -o o");
    run(d, &fit(2)).ends(0);
    let mut second = None;
    let end = trace(d, &fit(3), |_, call| {
        if [libc::SYS_symlink, libc::SYS_symlinkat].contains(&call) && second.is_none() {
            let mut child = orthant(d).args(fit(4).split_whitespace()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(700));
            assert_eq!(child.try_wait().unwrap(), None, "it waits");
            assert_eq!(read_matrix::<f64>(out.join("W.npy"), &ReadOptions::default()).unwrap().ncols(), 2);
            second = Some(child);
        }
        false
    });
    if end == End::NotPermitted {
        return skipped();
    }
    assert_eq!(end, End::Done(0));
    assert!(second.expect("a link was made").wait().unwrap().success());
    assert_eq!(read_matrix::<f64>(out.join("W.npy"), &ReadOptions::default()).unwrap().ncols(), 4);
    assert_eq!(listing(&out).into_iter().find(|name| name.starts_with('.')), None);
}
