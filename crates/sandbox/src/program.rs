//! Finding the program, and the little that must be readable for it to run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::SandboxError;
use crate::visible::{SEARCH_PATH, is_system};

/// A program that is there and can be run.
pub(crate) struct Program {
    /// The path to run it by.
    pub(crate) path: PathBuf,
    /// What the child must be able to read beside the system's directories and its own folder.
    pub(crate) visible: Vec<PathBuf>,
}

impl Program {
    /// Finds `program`. `folder` is resolved already; `search` comes after the fixed search path.
    pub(crate) fn find(program: &Path, folder: &Path, search: &[PathBuf]) -> Result<Self, SandboxError> {
        let wrong = |reason: String| SandboxError::Program { program: program.to_owned(), reason };
        let named = if program.is_absolute() {
            program.to_owned()
        } else if program.components().count() > 1 {
            folder.join(program)
        } else {
            let mut directories = SEARCH_PATH.iter().map(Path::new).chain(search.iter().map(PathBuf::as_path));
            directories
                .find_map(|directory| Some(directory.join(program)).filter(|path| is_executable(path)))
                .ok_or_else(|| wrong(format!("it is not in {}", SEARCH_PATH.join(", "))))?
        };
        let real = named.canonicalize().map_err(|error| wrong(error.to_string()))?;
        if !is_executable(&real) {
            return Err(wrong("it is not an executable file".to_owned()));
        }
        let inside = |path: &Path| is_system(path) || path.starts_with(folder);
        let visible = if inside(&real) { Vec::new() } else { installation(&real) };
        // A link keeps its name where the child can follow it: some programs look beside the name they were started by.
        let path = if inside(&named) && visible.is_empty() || named.starts_with(folder) { named } else { real };
        Ok(Self { path, visible })
    }
}

/// The file itself and, where it stands in a `bin` directory, the libraries beside that. Never the whole prefix: in a home
/// directory (`~/.local/bin`) that would hold the owner's own files.
fn installation(real: &Path) -> Vec<PathBuf> {
    let mut visible = vec![real.to_owned()];
    if let Some(bin) = real.parent().filter(|parent| parent.ends_with("bin"))
        && let Some(prefix) = bin.parent()
    {
        visible.extend(["lib", "lib64"].map(|name| prefix.join(name)).into_iter().filter(|path| path.is_dir()));
    }
    visible
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn executable(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_system_program_needs_nothing_more() {
        let program = Program::find(Path::new("sh"), Path::new("/nowhere"), &[]).unwrap();
        assert!(is_system(&program.path));
        assert!(program.visible.is_empty());
    }

    #[test]
    fn an_interpreter_elsewhere_brings_its_libraries_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        executable(&home.join("versions/3/bin/python3.13"));
        fs::create_dir_all(home.join("versions/3/lib")).unwrap();
        fs::create_dir_all(home.join("versions/3/share/freehold")).unwrap();
        fs::create_dir_all(home.join("bin")).unwrap();
        symlink("../versions/3/bin/python3.13", home.join("bin/snake")).unwrap();
        let program = Program::find(Path::new("snake"), Path::new("/nowhere"), &[home.join("bin")]).unwrap();
        assert_eq!(program.path, home.join("versions/3/bin/python3.13"));
        assert_eq!(program.visible, [home.join("versions/3/bin/python3.13"), home.join("versions/3/lib")]);
    }

    #[test]
    fn a_link_in_the_folder_keeps_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        fs::create_dir_all(folder.join("venv/bin")).unwrap();
        symlink("/bin/sh", folder.join("venv/bin/python")).unwrap();
        let program = Program::find(Path::new("venv/bin/python"), &folder, &[]).unwrap();
        assert_eq!(program.path, folder.join("venv/bin/python"));
        assert!(program.visible.is_empty());
    }

    #[test]
    fn what_is_absent_or_not_executable_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes"), "").unwrap();
        for program in ["no-such-program", "/no/such/program", "./notes"] {
            let error = Program::find(Path::new(program), folder.path(), &[]).err().unwrap();
            assert!(matches!(error, SandboxError::Program { .. }), "{program}: {error}");
        }
    }
}
