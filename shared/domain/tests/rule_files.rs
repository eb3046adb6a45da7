//! Every file under `rules/`: the good ones are read, and each bad one fails with the sentences in
//! the file next to it.

#![expect(clippy::unwrap_used, reason = "a test of files")]

use std::fs;
use std::path::{Path, PathBuf};

use fargaze::config::{BadConfig, Config};

fn read(yaml: &str) -> Result<Config, BadConfig> {
    Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
}

/// The files with this ending, with their texts.
fn files(end: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(end));
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_good_file_is_read() {
    for (path, yaml) in files(".ok.yaml") {
        assert!(read(&yaml).is_ok(), "{}: {:#?}", path.display(), read(&yaml));
    }
}

/// Fenced blocks of a page, each with the language after its first fence.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), body.join("\n")));
        }
    }
    blocks
}

#[test]
fn every_example_of_the_docs_is_read_and_the_bad_one_fails_as_it_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut examples = 0;
    for page in ["rules.md", "configuration.md", "policies.md", "logs.md", "eks.md"] {
        let path = docs.join(page);
        let text = fs::read_to_string(&path).unwrap();
        let blocks = blocks(&text);
        // The others are for kubectl and CloudFormation.
        let is_ours = |(language, yaml): &(String, String)| {
            let others = ["apiVersion:", "# nodes/proxy", "- rolearn:", "affinity:", "FargazeEntry:"];
            language == "yaml" && !others.iter().any(|begins| yaml.starts_with(begins))
        };
        for (i, (_, yaml)) in blocks.iter().enumerate().filter(|(_, block)| is_ours(block)) {
            examples += 1;
            match (read(yaml), blocks.get(i + 1)) {
                (Ok(_), _) => {}
                (Err(BadConfig(problems)), Some((language, expected))) if language == "text" => {
                    let sentences = problems.join("\n");
                    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
                        let (old, new) = (format!("```text\n{expected}"), format!("```text\n{sentences}"));
                        fs::write(&path, text.replacen(&old, &new, 1)).unwrap();
                    } else {
                        assert_eq!(sentences, *expected, "{page}");
                    }
                }
                (Err(error), _) => panic!("{page}: {error:?} in\n{yaml}"),
            }
        }
    }
    assert!(examples > 8, "{examples}");
}

/// `FARGAZE_WRITE_DOCS=1` rewrites the sentences for review.
#[test]
fn every_bad_file_fails_with_its_sentences() {
    let mut wrong = Vec::new();
    for (path, yaml) in files(".bad.yaml") {
        let BadConfig(problems) = read(&yaml).expect_err(path.to_str().unwrap());
        let sentences = problems.join("\n") + "\n";
        let sentences_file = path.with_extension("txt");
        if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
            fs::write(&sentences_file, &sentences).unwrap();
        }
        let expected = fs::read_to_string(&sentences_file).unwrap_or_default();
        if sentences != expected {
            wrong.push(format!("{}:\n{sentences}instead of\n{expected}", path.display()));
        }
        let one_fault = !path.ends_with("many.bad.yaml");
        assert!(!one_fault || problems.len() == 1, "{}: {problems:#?}", path.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sentence_names_file_and_line() {
    for (path, yaml) in files(".bad.yaml") {
        for problem in read(&yaml).unwrap_err().0 {
            let line = problem.strip_prefix("fargaze.yaml:").and_then(|rest| rest.split_once(": "));
            let line: usize = line.unwrap_or_else(|| panic!("{problem}")).0.parse().unwrap();
            assert!((1..=yaml.lines().count()).contains(&line), "{}: {problem}", path.display());
        }
    }
}
