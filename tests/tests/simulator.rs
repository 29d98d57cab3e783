//! The suite against the real binary `smallgate`.

smallgate_tests::suite!(smallgate_tests::simulator::Simulator);

/// A case that no list names would never run.
#[test]
fn every_case_of_the_suite_is_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/suite");
    let list = include_str!("../src/suite.rs");
    let mut cases = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        for line in text.lines().filter(|line| line.ends_with("<H: Host>() {")) {
            let Some(name) = line.strip_prefix("pub fn ") else {
                panic!("{line} in {}", path.display());
            };
            let name = name.trim_end_matches("<H: Host>() {");
            assert!(
                list.split_whitespace()
                    .any(|word| word.trim_end_matches(");") == name),
                "{name}"
            );
            cases += 1;
        }
    }
    assert!(cases > 70, "{cases}");
}
