//! Outputs that are inputs: refused before anything is written.

use std::fs;
use std::path::Path;

use crate::Failure;

/// Refuses the first of `outputs` that is the same file as one of `inputs`, under whatever name.
pub fn keep<I, O>(inputs: &[I], outputs: impl IntoIterator<Item = O>) -> Result<(), Failure>
where
    I: AsRef<Path>,
    O: AsRef<Path>,
{
    let inputs: Vec<(Identity, &Path)> =
        inputs.iter().filter_map(|input| Some((identity(input.as_ref())?, input.as_ref()))).collect();
    for output in outputs {
        let output = output.as_ref();
        let Some(of_output) = identity(output) else { continue };
        let Some((_, input)) = inputs.iter().find(|(of_input, _)| *of_input == of_output) else { continue };
        let is = if *input == output {
            "an input file".to_owned()
        } else {
            format!("the same file as the input {}", input.display())
        };
        return Err(Failure::Run(format!(
            "cannot write {}: it is {is} and would be overwritten; choose another --out",
            output.display()
        )));
    }
    Ok(())
}

/// The folder that a file is in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether two paths are of one file that is there.
pub fn same(a: &Path, b: &Path) -> bool {
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

/// What all paths of one file have in common.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = std::path::PathBuf;

/// That of a file, to which links are followed; none for what is not there, and for folders, pipes and devices.
#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::canonicalize(path).ok().filter(|path| path.is_file())
}
