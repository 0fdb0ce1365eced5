//! Path files (`x.pth`) in the root: lists of folders, which interpreters read at their start, and lines of code among them,
//! which they run.
//!
//! A list takes no effect beside packages that stand on a search path. Code is refused, but for what is known and was
//! read: a few files by their digest, and the lines that setuptools wrote for namespace packages.

use super::archive::Inflater;
use super::fault::{Faults, shown};
use super::layout::Placed;
use super::record::sha256;
use crate::finding::{Severity, hex};

/// Path files that are known, were read and do no harm: name and SHA-256. Those of setuptools choose its `distutils`;
/// the others do nothing unless a variable of the environment asks for a measurement of coverage.
const KNOWN: &[(&str, &str)] = &[
    ("a1_coverage.pth", "320272733976834259547e559d769d87e2c1c7ead17c90446376800e79f2aeb4"),
    ("a1_coverage.pth", "ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8"),
    ("distutils-precedence.pth", "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224"),
    ("distutils-precedence.pth", "7ea7ffef3fe2a117ee12c68ed6553617f0d7fd2f0590257c25c484959a3b7373"),
    ("pytest-cov.pth", "f47446a60fdf5905e84e7d7c892baf92f8d5a3226d0da1599b9c014eab6c7ddb"),
];

/// What setuptools wrote for a namespace package, in two of its ages. It makes an empty module and gives it a path. `{0}`
/// stands for the module, `{1}` for its parts as Python writes a tuple of them.
const NAMESPACES: &[&str] = &[
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], *{1});\
     importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');\
     m = has_mfs and sys.modules.setdefault('{0}', importlib.util.module_from_spec(\
     importlib.machinery.PathFinder.find_spec('{0}', [os.path.dirname(p)])));\
     m = m or sys.modules.setdefault('{0}', types.ModuleType('{0}'));\
     mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)",
    "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *{1});\
     importlib = __import__('importlib.util');__import__('importlib.machinery');\
     m = sys.modules.setdefault('{0}', importlib.util.module_from_spec(\
     importlib.machinery.PathFinder.find_spec('{0}', [os.path.dirname(p)])));\
     m = m or sys.modules.setdefault('{0}', types.ModuleType('{0}'));\
     mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)",
];

/// The largest path file that is looked at, in bytes.
const PATH_FILE_BYTES_MAX: u64 = 1 << 20;

/// Judges one path file.
pub(super) fn check(file: &Placed<'_>, inflater: &mut Inflater, faults: &mut Faults) {
    let target = shown(&file.target);
    let content = (file.entry.size() <= PATH_FILE_BYTES_MAX).then(|| inflater.read(&file.entry));
    let Some(Ok(content)) = content else {
        faults.high("package-path-file", format_args!("`{target}` is too large for a list of folders, or damaged"));
        return;
    };
    let digest = hex(&sha256(content));
    if KNOWN.contains(&(&*file.target, digest.as_str())) {
        return;
    }
    if is_code(content) {
        let message = format_args!("`{target}` would run code whenever an interpreter starts (sha256 {digest})");
        faults.add("package-path-file", Severity::Critical, message);
    } else {
        faults.add("package-path-file-inert", Severity::Low, format_args!("`{target}` takes no effect here"));
    }
}

/// Whether a line begins as interpreters want it of code, and is not known. They differ in what ends a line and whether a
/// byte order mark counts, so the loosest reading counts here; what is not UTF-8 may be anything.
fn is_code(content: &[u8]) -> bool {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let Ok(text) = std::str::from_utf8(content) else { return true };
    text.split(ends).any(|line| {
        let bare = line.trim_start_matches(|char: char| char == '\u{feff}' || char.is_whitespace());
        bare.starts_with("import") && !is_namespace(line)
    })
}

/// Whether a line is, to the letter, one of those that setuptools wrote for a namespace package.
fn is_namespace(line: &str) -> bool {
    let module =
        line.split_once("sys.modules.setdefault('").and_then(|(_, rest)| rest.split_once('\'')).map(|(name, _)| name);
    let Some(module) = module.filter(|module| is_module(module)) else { return false };
    let parts: Vec<String> = module.split('.').map(|part| format!("'{part}'")).collect();
    let (tuple, parent) = match &parts[..] {
        [one] => (format!("({one},)"), String::new()),
        [.., last] => {
            let outer = module.rsplit_once('.').map_or("", |(outer, _)| outer);
            (format!("({})", parts.join(", ")), format!(";m and setattr(sys.modules['{outer}'], {last}, m)"))
        }
        [] => return false,
    };
    NAMESPACES.iter().any(|form| form.replace("{0}", module).replace("{1}", &tuple) + &parent == line)
}

fn is_module(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_code_are_told_from_folders() {
        for code in ["import x", "a\nimport\tx", "\u{feff}import x", "a\rimport x", "a\u{2028}import x", " import x"] {
            assert!(is_code(code.as_bytes()), "{code:?}");
        }
        assert!(is_code(b"\xff\xfei\0m\0"));
        for list in ["", "../x", "# import x", "a import x"] {
            assert!(!is_code(list.as_bytes()), "{list:?}");
        }
    }

    #[test]
    fn namespaces_are_known_to_the_letter() {
        let line = |form: &str, module: &str, tuple: &str| form.replace("{0}", module).replace("{1}", tuple);
        for form in NAMESPACES {
            let one = line(form, "google", "('google',)");
            let two =
                line(form, "google.cloud", "('google', 'cloud')") + ";m and setattr(sys.modules['google'], 'cloud', m)";
            assert!(is_namespace(&one) && is_namespace(&two));
            assert!(!is_code(format!("{one}\n{two}\n").as_bytes()));
            for more in [format!("{one};import x"), format!(" {one}"), one.replace("(p not", "(x() or p not")] {
                assert!(is_code(more.as_bytes()), "{more}");
            }
            assert!(!is_namespace(&line(form, "a'+x()+'b", "('a',)")) && !is_namespace(&line(form, "a.b", "('a',)")));
        }
    }
}
