//! What a page of docs/ has for people to copy.

/// The manifests of a page, one text for each of its blocks of YAML that `kubectl apply` takes.
pub fn manifests(page: &str) -> Vec<String> {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.filter(|block| block.contains("\nkind: ")).map(ToOwned::to_owned).collect()
}
