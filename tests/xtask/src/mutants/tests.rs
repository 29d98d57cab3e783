use super::*;

const ARGUED_HERE: &[Argued] = &[("a.rs", "replace | with ^ in bits", 1, "bits apart")];

/// What cargo-mutants writes of mutants that ended so.
fn written(ends: &[(&str, &str)]) -> Value {
    let mutants = ends.iter().map(|(name, summary)| {
        let file = name.split(':').next();
        json!({"scenario": {"Mutant": {"file": file, "name": name}}, "summary": summary})
    });
    let baseline = json!({"scenario": "Baseline", "summary": "Success"});
    let outcomes: Value = [baseline].into_iter().chain(mutants).collect();
    json!({"outcomes": outcomes})
}

fn left(ends: &[(&str, &str)]) -> Vec<String> {
    let mutants = read(&written(ends)).unwrap();
    let left = unargued(&mutants, ARGUED_HERE);
    left.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_mutant_that_no_test_sees_is_left_and_one_that_is_argued_is_not() {
    let found = ("a.rs:1:2: replace f -> bool with true", "CaughtMutant");
    let argued = ("a.rs:7:2: replace | with ^ in bits", "MissedMutant");
    assert!(left(&[found, argued]).is_empty());
    let missed = ("a.rs:1:2: replace f -> bool with false", "MissedMutant");
    assert_eq!(left(&[found, missed, argued]), [missed.0]);
    // The reason holds in its own file.
    let elsewhere = ("b.rs:7:2: replace | with ^ in bits", "MissedMutant");
    assert_eq!(left(&[elsewhere]), [elsewhere.0]);
}

#[test]
fn later_suites_find_what_was_missed_and_lose_nothing_that_was_found() {
    let first = [
        ("a.rs:1:2: x", "MissedMutant"),
        ("a.rs:1:2: y", "CaughtMutant"),
    ];
    let second = [
        ("a.rs:1:2: x", "CaughtMutant"),
        ("a.rs:1:2: y", "MissedMutant"),
    ];
    let mut mutants = read(&written(&first)).unwrap();
    take_over(&mut mutants, &read(&written(&second)).unwrap());
    assert!(mutants.iter().all(|mutant| mutant.end == End::Found));
}

#[test]
fn more_of_a_kind_than_are_argued_are_all_left() {
    let two = [
        ("a.rs:7:2: replace | with ^ in bits", "MissedMutant"),
        ("a.rs:8:2: replace | with ^ in bits", "MissedMutant"),
    ];
    assert_eq!(left(&two), two.map(|(name, _)| name));
}

#[test]
fn an_end_that_is_not_known_is_an_error() {
    assert!(read(&written(&[("a.rs:1:2: x", "Success")])).is_err());
    assert!(read(&json!({})).is_err());
}

#[test]
fn each_file_is_counted_and_then_all() {
    let mutants = read(&written(&[
        ("a.rs:1:2: x", "CaughtMutant"),
        ("a.rs:7:2: replace | with ^ in bits", "MissedMutant"),
        ("b.rs:1:2: x", "MissedMutant"),
        ("b.rs:1:2: y", "Timeout"),
        ("b.rs:1:2: z", "Unviable"),
    ]));
    let rows = rows(&mutants.unwrap(), ARGUED_HERE);
    assert_eq!(
        rows,
        [
            ("a.rs".to_owned(), [1, 0, 0, 1, 0]),
            ("b.rs".to_owned(), [0, 1, 1, 0, 1]),
            ("all".to_owned(), [1, 1, 1, 1, 1]),
        ]
    );
    assert_eq!(to_json(&rows)[9]["name"], "b.rs: missed");
    assert_eq!(to_json(&rows)[9]["limit"], 0);
    assert_eq!(table(&rows).lines().count(), 4);
}

#[test]
fn a_name_is_looked_for_as_it_is() {
    let name = "a.rs:1:2: replace <impl A<'_>>::f -> (u8, [u8]) with (0 | 1)";
    assert_eq!(
        escaped(name),
        r"a\.rs:1:2: replace <impl A<'_>>::f \-> \(u8, \[u8\]\) with \(0 \| 1\)"
    );
}

#[test]
fn parts_are_counted_from_nought() {
    assert_eq!(shard("3/4").unwrap(), (3, 4));
    assert!(shard("4/4").is_err());
    assert!(shard("0").is_err());
}

#[test]
fn what_is_argued_is_argued() {
    for (file, mutation, most, why) in &argued() {
        assert!(root().join(file).is_file(), "{file}");
        assert!(*most > 0 && why.len() > 10, "{file}: {mutation}");
    }
}
