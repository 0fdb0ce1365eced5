use std::convert::Infallible;

use super::*;
use crate::deps::declared;
use crate::policy::InstallPolicy;

/// Packages by hand: name, version, what it requires.
struct Shelf(Vec<(&'static str, &'static str, &'static [&'static str])>);

impl Catalogue for Shelf {
    type Error = Infallible;

    fn offered(&self, name: &str) -> Result<Arc<Offered>, Infallible> {
        let mut offered = Offered::default();
        for (_, version, requires) in self.0.iter().filter(|(own, _, _)| *own == name) {
            match requires {
                ["!", why] => offered.left_out.push((version.parse().unwrap(), (*why).to_owned())),
                _ => offered.versions.push(version.parse().unwrap()),
            }
        }
        offered.versions.sort();
        offered.is_unknown = offered.versions.is_empty() && offered.left_out.is_empty();
        Ok(Arc::new(offered))
    }

    fn needs(&self, name: &str, version: &Version) -> Result<Arc<Needs>, Infallible> {
        let is_it = |(own, one, _): &&(&str, &str, _)| *own == name && one.parse::<Version>().as_ref() == Ok(version);
        let (_, _, requires) = self.0.iter().find(is_it).unwrap();
        let mut needs = Needs::default();
        for line in *requires {
            match line.strip_prefix("python ") {
                Some(python) => needs.requires_python = Some(python.parse().unwrap()),
                None => needs.requires.push(line.parse().unwrap()),
            }
        }
        Ok(Arc::new(needs))
    }

    fn expect(&self, _names: &[&str]) {}

    fn expect_needs(&self, _versions: &[(&str, Version)]) {}

    fn check(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn ask(shelf: &Shelf, requirements: &str) -> Result<String, String> {
    let nothing = crate::artifact::Artifact::new("a", "a", Vec::new(), Vec::new());
    let (declared, findings) = declared(&nothing, Some(("r.txt", requirements.as_bytes())), &InstallPolicy::default());
    assert_eq!(findings, [], "{requirements}");
    let wanted: Vec<&Requirement> = declared.requirements.iter().collect();
    let constraints: Vec<&Requirement> = declared.constraints.iter().collect();
    let values = [("python_full_version", "3.11.7"), ("python_version", "3.11"), ("sys_platform", "linux")];
    let markers = MarkerEnvironment::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let question = Question { wanted: &wanted, constraints: &constraints, markers: &markers };
    match resolve(&question, shelf) {
        Ok(all) => Ok(all
            .iter()
            .map(|(name, chosen)| {
                let by: Vec<&str> = chosen.wanted_by.iter().map(String::as_str).collect();
                let by = if by.is_empty() { String::new() } else { format!("<{}", by.join("+")) };
                format!("{name}={}{by}", chosen.version)
            })
            .collect::<Vec<_>>()
            .join(" ")),
        Err(Unresolved::Contradiction { why, .. }) => Err(why),
    }
}

#[test]
fn the_newest_versions_that_go_together_are_chosen() {
    let shelf = Shelf(vec![
        ("app", "2.0", &["lib>=2"]),
        ("app", "1.0", &["lib>=1"]),
        ("lib", "1.0", &[]),
        ("lib", "1.5", &[]),
        ("lib", "2.0", &["deep; python_version < '3'"]),
        ("lib", "3.0rc1", &[]),
        ("other", "1.0", &["lib<2"]),
        ("web", "1.0", &["speed; extra == 'fast'", "six"]),
        ("web", "2.0", &["six"]),
        ("speed", "0.1", &[]),
        ("six", "1.16.0", &[]),
        ("early", "0.1a1", &[]),
        ("early", "0.1a2", &[]),
        ("local", "1.0", &[]),
        ("local", "1.0+cpu", &[]),
        ("new", "1.0", &["python >=3.8"]),
        ("new", "2.0", &["python >=3.12"]),
        ("loop", "1", &["pool"]),
        ("pool", "1", &["loop"]),
    ]);
    let cases = [
        ("app", "app=2.0 lib=2.0<app"),
        ("app\nother", "app=1.0 lib=1.5<app+other other=1.0"),
        ("app!=2.0", "app=1.0 lib=2.0<app"),
        ("lib", "lib=2.0"),
        ("lib>=3.0rc1", "lib=3.0rc1"),
        ("lib~=1.0", "lib=1.5"),
        ("lib!=2.*,>1", "lib=1.5"),
        ("early", "early=0.1a2"),
        ("web[Fast]==1.0", "six=1.16.0<web speed=0.1<web web=1.0"),
        ("web", "six=1.16.0<web web=2.0"),
        ("local==1.0", "local=1.0+cpu"),
        ("new", "new=1.0"),
        ("loop", "loop=1<pool pool=1<loop"),
        ("absent; sys_platform == 'win32'\nsix", ""),
    ];
    for (requirements, expected) in cases.into_iter().filter(|(_, expected)| !expected.is_empty()) {
        assert_eq!(ask(&shelf, requirements).as_deref(), Ok(expected), "{requirements}");
    }
}

#[test]
fn contradictions_are_told_with_their_reasons() {
    let shelf = Shelf(vec![
        ("a", "1.0", &["c>=2"]),
        ("b", "1.0", &["c<2"]),
        ("c", "1.0", &[]),
        ("c", "2.0", &[]),
        ("old", "1.0", &["!", "has no wheel for this interpreter"]),
        ("old", "0.9", &["!", "has no wheel for this interpreter"]),
        ("late", "1.0", &["python >=3.13"]),
        ("lost", "1.0", &["nowhere"]),
        ("web", "1.0", &["direct @ https://example.invalid/x.whl"]),
    ]);
    let cases: &[(&str, &[&str])] = &[
        ("a\nb", &["`a` 1.0 needs `c` >=2", "`b` 1.0 needs `c` <2"]),
        ("c>=3", &["`c` >=3 is declared", "no version of `c` fits (there is 2.0, 1.0)"]),
        ("old", &["version 1.0 (and 1 others) has no wheel for this interpreter"]),
        ("late", &["`late` 1.0 needs python >=3.13, and python 3.11.7 is there"]),
        ("lost", &["`lost` 1.0 needs `nowhere`", "the index has no `nowhere`"]),
        ("web", &["by its address"]),
    ];
    for (requirements, parts) in cases {
        let why = ask(&shelf, requirements).unwrap_err();
        for part in *parts {
            assert!(why.contains(part), "{requirements}: {why}");
        }
    }
}

#[test]
fn ranges_end_at_versions_that_exist() {
    let versions: Vec<Version> = ["1", "1.1", "1.2", "2"].iter().map(|text| text.parse().unwrap()).collect();
    let all = ranges(&versions, &[true; 4]);
    assert_eq!(all, Ranges::full());
    let some = ranges(&versions, &[true, false, true, true]);
    let within: Vec<bool> = versions.iter().map(|version| some.contains(version)).collect();
    assert_eq!(within, [true, false, true, true]);
    assert!(some.contains(&"3".parse().unwrap()) && !some.contains(&"1.1.5".parse().unwrap()));
    assert_eq!(ranges(&versions, &[false; 4]), Ranges::empty());
    assert_eq!(ranges(&[], &[]), Ranges::empty());
}
