//! Bytes of a fuzzer → an artifact with one file: the first byte chooses the file's name, the second the versions of the
//! engines, the rest is the file.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::language::{NodeVersion, PythonVersion};
use vetrun::policy::ParsePolicy;

/// One name for each way in which a file can be judged.
const NAMES: [&str; 16] = [
    "a.py", "a.pyi", "a.js", "a.mjs", "a.cjs", "a.jsx", "a.ts", "a.tsx", "a.d.ts", "a.html", "a.css", "a.json",
    "a.ipynb", "a.toml", "a.yaml", "package.json",
];

/// The artifact and the policy that `data` stands for; `None` where it is too short to say.
pub fn read(data: &[u8]) -> Option<(Artifact, ParsePolicy)> {
    let [name, version, content @ ..] = data else { return None };
    let path = NAMES[usize::from(*name) % NAMES.len()];
    let version = usize::from(*version);
    let policy = ParsePolicy {
        python_version: Some(PythonVersion::ALL[version % PythonVersion::ALL.len()]),
        node_version: Some(NodeVersion::ALL[version % NodeVersion::ALL.len()]),
        ..ParsePolicy::default()
    };
    let file = SourceFile::new(path, content.to_vec());
    Some((Artifact::new("fuzz", "fuzz", vec![file], Vec::new()), policy))
}
