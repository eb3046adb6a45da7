//! Invariants of the rows.

use super::*;

#[test]
fn each_word_and_each_figure_appears_once() {
    for (place, row) in MEASURES.iter().enumerate() {
        assert!(!row.sources.is_empty() && !row.scopes.is_empty(), "{}", row.word);
        for other in &MEASURES[..place] {
            assert_ne!(row.word, other.word);
            assert!(row.sampled().is_none() || row.sampled() != other.sampled(), "{}", row.word);
        }
    }
}

#[test]
fn the_metrics_of_a_measure_are_published_for_its_scopes_and_measured_in_one_unit() {
    for row in MEASURES {
        for metric in row.sources.iter().flat_map(|source| source.metrics()) {
            for scope in row.scopes {
                let set = scope.dimensions().unwrap();
                assert!(metric.is_published_per(set), "{} per {}", row.word, scope.as_str());
            }
        }
        for source in row.sources {
            match source {
                Source::Metric(metric) => assert_eq!(metric.unit, row.unit, "{}", row.word),
                Source::Derived { first, second, .. } => assert_eq!(first.unit, second.unit, "{}", row.word),
                _ => {}
            }
        }
    }
}

/// The table of measures in docs/rules.md is generated from the rows; `FARGAZE_WRITE_DOCS=1` writes
/// it.
#[test]
fn the_table_in_the_docs_matches_the_rows() {
    let row = |row: &MeasureRow| {
        let scopes: Vec<&str> = row.scopes.iter().map(|scope| scope.as_str()).collect();
        let MeasureRow { word, meaning, counts, .. } = row;
        format!("| `{word}` | {meaning} | {counts} | {} | {} |\n", scopes.join(", "), row.needs())
    };
    let rows: String = MEASURES.iter().map(row).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) =
        page.split_once("| `what` | source | unit | scopes | needs |\n|---|---|---|---|---|\n").unwrap();
    let (_, after) = rest.split_once("| `NAMESPACE METRIC` |").unwrap();
    let head = "| `what` | source | unit | scopes | needs |\n|---|---|---|---|---|\n";
    let expected = format!("{before}{head}{rows}| `NAMESPACE METRIC` |{after}");
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(
        page == expected || std::env::var_os("FARGAZE_WRITE_DOCS").is_some(),
        "docs/rules.md is not up to date"
    );
}
