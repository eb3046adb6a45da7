//! Text that tries to be more than text.

use proptest::prelude::*;

/// Pieces that have broken renderers of mail, HTML, logs and tables.
const PIECES: [&str; 34] = [
    "\n",
    "\r\n",
    "\r\n\r\nBcc: everyone@example.com\r\n",
    "\t",
    "\u{0}",
    "\u{7}",
    "\u{1b}[31m",
    "\u{85}",
    "\u{9b}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{202a}",
    "\u{2066}",
    "\u{2069}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{61c}",
    "\u{e0041}",
    "<script>alert(1)</script>",
    "</td></tr>",
    "<!--",
    "]]>",
    "&amp;&#10;",
    "\"",
    "'",
    "\\",
    "{\"a\":1}",
    "%",
    "\u{1f525}",
    "e\u{301}\u{fe0f}",
    "\nCRITICAL shop/web: memory 99 %",
];

/// Hostile text: pieces as above between words and characters of any kind, sometimes very long.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => prop::sample::select(&PIECES[..]).prop_map(ToOwned::to_owned),
        3 => "[a-z]{1,12}".prop_map(|word| word),
        1 => any::<char>().prop_map(String::from),
        1 => Just(" ".to_owned()),
    ];
    let texts = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    (texts, prop_oneof![200 => Just(1_usize), 1 => Just(60)]).prop_map(|(text, times)| text.repeat(times))
}

/// Enough cases for 10,000 hostile texts, or as many as `FARGAZE_CASES` says, if each case takes
/// `texts` of them.
pub(crate) fn cases(texts: usize) -> ProptestConfig {
    let requested = std::env::var("FARGAZE_CASES").ok().and_then(|text| text.parse::<usize>().ok());
    let cases = u32::try_from(requested.unwrap_or(10_000).div_ceil(texts)).unwrap_or(u32::MAX);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}
