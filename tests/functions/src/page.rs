//! The blocks of a page in docs/ that readers copy, and the text that tests write into it.

/// The manifests of a page: one text for each block of YAML that `kubectl apply` accepts.
pub fn manifests(page: &str) -> Vec<String> {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.filter(|block| block.contains("\nkind: ")).map(ToOwned::to_owned).collect()
}

/// Asserts that a page of docs/ has this text between `<!-- made by a test: NAME -->` and `<!-- end
/// -->`. With the variable `FARGAZE_WRITE_DOCS` the text is written there instead.
pub fn assert_made(page: &str, name: &str, content: &str) {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- made by a test: {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("docs/{page} has no mark {begin}"));
    let (written, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("no end of {name}"));
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{begin}{content}<!-- end -->{after}")).unwrap();
        return;
    }
    assert!(
        written == content,
        "docs/{page} is out of date: run this test with FARGAZE_WRITE_DOCS=1; it must read\n{content}"
    );
}
