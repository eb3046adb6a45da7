//! The text format against Go's `expfmt` on a page of cAdvisor, and on edge cases of the format.

use fargaze::kubernetes::prometheus::{BadLine, Report, Sample, SkippedLine, parse};
use proptest::prelude::*;

use super::{fixture, text};

fn read(page: &[u8]) -> (Vec<String>, Report) {
    let mut samples = Vec::new();
    let report = parse(page, |sample| samples.push(render(sample)));
    (samples, report)
}

/// A sample in the notation of the `expfmt` table: labels sorted, value with all digits, `-` for no
/// timestamp.
fn render(sample: &Sample<'_>) -> String {
    let mut labels: Vec<String> =
        sample.labels().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    labels.sort();
    let timestamp = sample.timestamp_ms.map_or("-".to_owned(), |time| time.to_string());
    format!("{}{{{}}} {:?} {timestamp}", sample.name, labels.join(","), sample.value)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[test]
fn a_page_of_cadvisor_is_read_as_go_reads_it() {
    let (mut samples, report) = read(&fixture("proxy_cadvisor.body"));
    // Go writes `3.39563e+05` where Rust writes `339563.0`.
    let mut expected: Vec<String> = text("proxy_cadvisor.samples.txt")
        .lines()
        .map(|line| {
            let (series, timestamp) = line.rsplit_once(' ').unwrap();
            let (series, value) = series.rsplit_once(' ').unwrap();
            format!("{series} {:?} {timestamp}", value.parse::<f64>().unwrap())
        })
        .collect();
    samples.sort();
    expected.sort();
    assert_eq!(samples.len(), expected.len());
    for (sample, expected) in samples.iter().zip(&expected) {
        assert_eq!(sample, expected);
    }
    let only_samples = Report { samples: u64::try_from(expected.len()).unwrap(), ..Report::default() };
    assert_eq!(report, only_samples);
}

/// Lines that are samples: name of the case, line, parsed sample.
const GOOD: [(&str, &str, &str); 33] = [
    ("no labels", "a 1", "a{} 1.0 -"),
    ("empty braces", "a{} 1", "a{} 1.0 -"),
    ("one label", r#"a{b="c"} 1"#, r#"a{b="c"} 1.0 -"#),
    ("trailing comma", r#"a{b="c",} 1"#, r#"a{b="c"} 1.0 -"#),
    ("blanks everywhere", "  a\t{ b = \"c\" , d\t=\t\"e\" }  1  2 ", r#"a{b="c",d="e"} 1.0 2"#),
    ("no blank before the value", r#"a{b="c"}1"#, r#"a{b="c"} 1.0 -"#),
    ("comma in a value", r#"a{b="c,d"} 1"#, r#"a{b="c,d"} 1.0 -"#),
    ("equals sign in a value", r#"a{b="c=d"} 1"#, r#"a{b="c=d"} 1.0 -"#),
    ("braces in a value", r#"a{b="}{"} 1"#, r#"a{b="}{"} 1.0 -"#),
    ("hash in a value", r##"a{b="#"} 1"##, r##"a{b="#"} 1.0 -"##),
    ("escaped quote", r#"a{b="\"c\""} 1"#, r#"a{b="\"c\""} 1.0 -"#),
    ("escaped backslash at the end", r#"a{b="c\\"} 1"#, r#"a{b="c\\"} 1.0 -"#),
    ("escaped newline", r#"a{b="c\nd"} 1"#, r#"a{b="c\nd"} 1.0 -"#),
    ("empty value of a label", r#"a{b=""} 1"#, r#"a{b=""} 1.0 -"#),
    ("text beyond ASCII", "a{b=\"ä日本\"} 1", "a{b=\"ä日本\"} 1.0 -"),
    ("colons in the name", "job:a:rate5m 1", "job:a:rate5m{} 1.0 -"),
    ("underscore first", "_a 1", "_a{} 1.0 -"),
    ("digits in the name", "a1_2 1", "a1_2{} 1.0 -"),
    ("name in quotes", r#"{"a.b"} 1"#, "a.b{} 1.0 -"),
    ("name in quotes with labels", r#"{"a.b",c="d"} 1"#, r#"a.b{c="d"} 1.0 -"#),
    ("label in quotes", r#"a{"b.c"="d"} 1"#, r#"a{b.c="d"} 1.0 -"#),
    ("exponent", "a 1.6332972032e+10", "a{} 16332972032.0 -"),
    ("capital exponent", "a 1E3", "a{} 1000.0 -"),
    ("negative value", "a -0.5", "a{} -0.5 -"),
    ("sign", "a +5", "a{} 5.0 -"),
    ("not a number", "a NaN", "a{} NaN -"),
    ("infinite", "a +Inf", "a{} inf -"),
    ("negative infinite", "a -Inf", "a{} -inf -"),
    ("timestamp", "a 1 1598032561112", "a{} 1.0 1598032561112"),
    ("negative timestamp", "a 1 -5", "a{} 1.0 -5"),
    ("carriage return", "a 1 2\r", "a{} 1.0 2"),
    ("bucket", r#"a_bucket{le="+Inf"} 3"#, r#"a_bucket{le="+Inf"} 3.0 -"#),
    ("quantile", r#"a{quantile="0.5"} 3"#, r#"a{quantile="0.5"} 3.0 -"#),
];

#[test]
fn samples_are_read_at_the_edges_of_the_format() {
    for (case, line, sample) in GOOD {
        for page in [line.to_owned(), format!("{line}\n"), format!("# HELP a b\n\n{line}\n# EOF\n")] {
            let (samples, report) = read(page.as_bytes());
            assert_eq!(samples, [sample], "{case}");
            assert_eq!(report, Report { samples: 1, ..Report::default() }, "{case}");
        }
    }
}

/// Lines that are not samples: name of the case, line, error.
const BAD: [(&str, &str, BadLine); 26] = [
    ("no value", "a", BadLine::Value),
    ("labels and no value", r#"a{b="c"}"#, BadLine::Value),
    ("a word as the value", "a one", BadLine::Value),
    ("hexadecimal value", "a 0x1p4", BadLine::Value),
    ("underscore in the value", "a 1_000", BadLine::Value),
    ("value too large", "a 1e999", BadLine::Value),
    ("signed not a number", "a -NaN", BadLine::Value),
    ("fraction in the timestamp", "a 1 1.5", BadLine::Timestamp),
    ("timestamp too large", "a 1 9223372036854775808", BadLine::Timestamp),
    ("exemplar", r#"a 1 2 # {b="c"} 3"#, BadLine::Trailing),
    ("digit first", "1a 1", BadLine::Name),
    ("dot in the name", "a.b 1", BadLine::Value),
    ("labels and no name", r#"{b="c"} 1"#, BadLine::Name),
    ("two names", r#"a{"b"} 1"#, BadLine::Name),
    ("two names in quotes", r#"{"a","b"} 1"#, BadLine::Name),
    ("empty name in quotes", r#"{""} 1"#, BadLine::Name),
    ("label without a value", "a{b} 1", BadLine::LabelValue),
    ("label without quotes", "a{b=c} 1", BadLine::LabelValue),
    ("label without a name", r#"a{="c"} 1"#, BadLine::LabelName),
    ("digit first in a label", r#"a{1b="c"} 1"#, BadLine::LabelName),
    ("colon in a label", r#"a{b:c="d"} 1"#, BadLine::LabelValue),
    ("reserved label", r#"a{__name__="b"} 1"#, BadLine::LabelName),
    ("label twice", r#"a{b="c",b="d"} 1"#, BadLine::LabelTwice),
    ("no comma", r#"a{b="c" d="e"} 1"#, BadLine::Labels),
    ("unknown escape", r#"a{b="\t"} 1"#, BadLine::Quotes),
    ("quotes not closed", r#"a{b="c} 1"#, BadLine::Quotes),
];

#[test]
fn a_bad_line_is_skipped_and_named_and_its_neighbours_are_read() {
    for (case, line, reason) in BAD {
        let (samples, report) = read(format!("x 1\n{line}\ny 2\n{line}\n").as_bytes());
        assert_eq!(samples, ["x{} 1.0 -", "y{} 2.0 -"], "{case}");
        let first_skipped = Some(SkippedLine { line: 2, reason });
        assert_eq!(report, Report { samples: 2, skipped: 2, first_skipped, truncated: None }, "{case}");
    }
    let (_, report) = read(b"a{b=\"\xff\"} 1\n# \xff is no harm in a comment\n");
    assert_eq!(report.first_skipped, Some(SkippedLine { line: 1, reason: BadLine::Encoding }));
    assert_eq!(report.first_skipped.unwrap().to_string(), "line 1: it is not UTF-8");
    assert_eq!(report.skipped, 1);
}

#[test]
fn a_page_that_was_cut_says_so() {
    let whole = fixture("proxy_cadvisor.body");
    let mut noticed = 0;
    for end in (0..whole.len()).step_by(97) {
        let (samples, report) = read(&whole[..end]);
        assert_eq!(report.skipped, 0, "at {end}");
        assert_eq!(u64::try_from(samples.len()).unwrap(), report.samples);
        noticed += usize::from(report.truncated.is_some());
    }
    // A cut after a line, in a comment or in a timestamp cannot be detected.
    assert!(noticed * 97 * 2 > whole.len(), "{noticed}");
    let (samples, report) = read(b"a 1\nb{c=\"d");
    assert_eq!(samples, ["a{} 1.0 -"]);
    assert_eq!(report.truncated, Some(SkippedLine { line: 2, reason: BadLine::Quotes }));
}

#[test]
fn an_empty_page_has_nothing_and_texts_are_borrowed() {
    for page in ["", "\n", "\r\n", "# only\n#\n \t \n", "# TYPE a counter\n# HELP a \\ \"\n"] {
        assert_eq!(read(page.as_bytes()), (Vec::new(), Report::default()), "{page:?}");
    }
    let page = "a{b=\"c\",d=\"\\\"\"} 1\n";
    parse(page.as_bytes(), |sample| {
        assert_eq!((sample.label("b"), sample.label("d"), sample.label("e")), (Some("c"), Some("\""), None));
        let borrowed = |text: Option<&str>| page.as_bytes().as_ptr_range().contains(&text.unwrap().as_ptr());
        assert!(borrowed(sample.label("b")) && !borrowed(sample.label("d")));
    });
}

proptest! {
    #[test]
    fn no_bytes_panic(page in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&page);
    }

    #[test]
    fn no_text_of_the_formats_characters_panics(page in "[a-c{}\"\\\\=,# \t\r\n0-9.eE+-]{0,200}") {
        let (samples, report) = read(page.as_bytes());
        prop_assert_eq!(u64::try_from(samples.len()).unwrap(), report.samples);
        let lines = u64::try_from(page.lines().count()).unwrap();
        prop_assert!(report.samples + report.skipped + u64::from(report.truncated.is_some()) <= lines);
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
        labels in prop::collection::btree_map("[a-zA-Z][a-zA-Z0-9_]{0,6}", "[^\r]{0,12}", 0..5),
        value in any::<f64>(),
        time in any::<Option<i64>>(),
    ) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let shown = if value.is_nan() { "NaN".to_owned() } else { format!("{value:e}") };
        let stamp = time.map_or(String::new(), |time| format!(" {time}"));
        let (samples, report) = read(format!("{name}{{{}}} {shown}{stamp}\n", labels.join(",")).as_bytes());
        let mut labels = labels;
        labels.sort();
        let time = time.map_or("-".to_owned(), |time| time.to_string());
        prop_assert_eq!(samples, [format!("{name}{{{}}} {value:?} {time}", labels.join(","))]);
        prop_assert_eq!(report, Report { samples: 1, ..Report::default() });
    }
}
