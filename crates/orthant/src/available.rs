//! Memory that can still be had, as far as the system tells: what plainly cannot be is refused before anything is allocated.
//!
//! On Linux the least of three: what the limit of the address space leaves (`ulimit -v`), what the control group leaves (of a
//! container or a job), and what the machine has, swap included. Elsewhere nothing is known and nothing refused.

use std::fs;

use crate::Error;

/// Refuses what takes more bytes than the caller allows, or than can be had.
///
/// # Errors
/// [`Error::MemoryLimit`] and [`Error::OutOfMemory`].
pub(crate) fn check(need: usize, limit: Option<usize>) -> Result<(), Error> {
    if let Some(have) = limit.filter(|&have| need > have) {
        return Err(Error::MemoryLimit { need, have });
    }
    // so little is not worth three files
    const LITTLE: usize = 16 << 20;
    match if need > LITTLE { available_memory() } else { None } {
        Some(have) if need > have => Err(Error::OutOfMemory { need, have }),
        _ => Ok(()),
    }
}

/// Bytes of memory that can still be had, if the system tells: what is left of the limit of the address space, of the control group's,
/// or of the machine's memory and swap, whichever is least. Only Linux tells.
///
/// ```
/// assert!(orthant::available_memory() != Some(0));
/// ```
pub fn available_memory() -> Option<usize> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let address_space = read("/proc/self/limits").zip(read("/proc/self/statm"));
    let machine = read("/proc/meminfo");
    [
        address_space.and_then(|(limits, statm)| left_of_address_space(&limits, &statm)),
        machine.as_deref().and_then(left_of_machine),
        read("/proc/self/cgroup").and_then(|groups| left_of_groups(&groups, read)),
    ]
    .into_iter()
    .flatten()
    .min()
}

/// What the limit leaves beside the pages in use, of 4 KiB each where these are not larger.
fn left_of_address_space(limits: &str, statm: &str) -> Option<usize> {
    const PAGE: usize = 4096;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: usize = line.split_whitespace().next()?.parse().ok()?;
    let pages: usize = statm.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(pages * PAGE))
}

/// Memory that is free or can be freed, and free swap.
fn left_of_machine(meminfo: &str) -> Option<usize> {
    Some((kibibytes(meminfo, "MemAvailable:")? + kibibytes(meminfo, "SwapFree:").unwrap_or(0)) << 10)
}

fn kibibytes(meminfo: &str, name: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The least that one of the groups, from the process's own to the outermost, leaves of its limit; pages of files that it can give back
/// count as free, and so does swap.
fn left_of_groups(groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?.trim_end_matches('/');
    let number = |path: String| -> Option<usize> { read(&path)?.trim().parse().ok() };
    let left = |group: &str| {
        let of = |name: &str| format!("/sys/fs/cgroup{group}/{name}");
        let (most, used) = (number(of("memory.max"))?, number(of("memory.current"))?);
        let statistics = read(&of("memory.stat")).unwrap_or_default();
        let files = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
        let free_swap =
            || read("/proc/meminfo").and_then(|text| kibibytes(&text, "SwapFree:")).unwrap_or(0) << 10;
        let swap = match read(&of("memory.swap.max")).as_deref().map(str::trim) {
            Some("max") => free_swap(),
            Some(most) => most.parse::<usize>().ok()?.saturating_sub(number(of("memory.swap.current"))?),
            None => 0,
        };
        Some((most + files.unwrap_or(0)).saturating_sub(used) + swap)
    };
    let outer = own.match_indices('/').map(|(at, _)| &own[..at]);
    outer.chain([own]).filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_space_has_what_its_limit_leaves() {
        let limits = "Limit        Soft Limit  Hard Limit  Units\nMax address space         40960000             unlimited            bytes\n";
        assert_eq!(left_of_address_space(limits, "4000 12 3 4 5 6 7\n"), Some(40_960_000 - 4000 * 4096));
        assert_eq!(left_of_address_space(limits, "999999 1\n"), Some(0));
        let unlimited = "Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(left_of_address_space(unlimited, "4000 12\n"), None);
    }

    #[test]
    fn the_machine_has_what_is_available_and_swap() {
        let meminfo = "MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable:    300 kB\nSwapFree: 20 kB\n";
        assert_eq!(left_of_machine(meminfo), Some(320 << 10));
        assert_eq!(left_of_machine("MemTotal: 900 kB\n"), None);
    }

    #[test]
    fn the_narrowest_group_counts() {
        let files = |path: &str| {
            let text = match path {
                "/sys/fs/cgroup/a/memory.max" => "1000",
                "/sys/fs/cgroup/a/memory.current" => "700",
                "/sys/fs/cgroup/a/memory.stat" => "anon 500\ninactive_file 150\n",
                "/sys/fs/cgroup/a/b/memory.max" => "max",
                "/sys/fs/cgroup/a/b/memory.current" => "600",
                _ => return None,
            };
            Some(format!("{text}\n"))
        };
        assert_eq!(left_of_groups("0::/a/b\n", files), Some(450));
        assert_eq!(left_of_groups("0::/\n", files), None);
        assert_eq!(left_of_groups("4:memory:/a\n", files), None);
    }

    #[test]
    fn what_is_small_or_unlimited_is_not_refused() {
        assert_eq!(check(1 << 20, None), Ok(()));
        assert_eq!(check(11, Some(10)), Err(Error::MemoryLimit { need: 11, have: 10 }));
        if available_memory().is_some() {
            assert!(matches!(check(1 << 60, None), Err(Error::OutOfMemory { need, have }) if need > have));
        }
    }
}
