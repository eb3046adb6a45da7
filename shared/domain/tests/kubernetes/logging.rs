//! The rules for the `ConfigMap` of Fargate's log router, one by one.

use std::collections::BTreeMap;

use fargaze::kubernetes::api::ConfigMap;
use fargaze::kubernetes::logging::{Outputs, check};
use proptest::prelude::*;

use super::json;

const OUTPUT: &str =
    "[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    region eu-central-1\n    log_group_name shop\n";

fn labelled() -> BTreeMap<String, String> {
    [("aws-observability".to_owned(), "enabled".to_owned())].into()
}

fn data(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

/// All problems of these texts as users see them.
fn problems(texts: &[(&str, &str)]) -> Vec<String> {
    check(&labelled(), &data(texts)).iter().map(ToString::to_string).collect()
}

/// The problems of a text next to a valid output.
fn beside(key: &str, text: &str) -> Vec<String> {
    problems(&[("output.conf", OUTPUT), (key, text)])
}

#[test]
fn a_good_file_has_no_problem() {
    let recorded: ConfigMap = json("configmap_aws_logging.body");
    assert_eq!(check(&labelled(), &recorded.data), []);
    let filters = "# of the team\n[FILTER]\n    name grep\n    # ours\n    match *\n    Regex log a$\n    \n[FILTER]\n# of all\n    Name kubernetes\n    Match *\n    Merge_Log On\n";
    let parsers = "[PARSER]\n    Name json\n    Format json\n";
    let all = [
        ("output.conf", OUTPUT),
        ("filters.conf", filters),
        ("parsers.conf", parsers),
        ("flb_log_cw", "true"),
    ];
    assert_eq!(problems(&all), Vec::<String>::new());
    assert_eq!(beside("flb_log_cw", "false"), Vec::<String>::new());
}

#[test]
fn every_allowed_output_and_filter_is_taken() {
    for name in ["es", "firehose", "kinesis_firehose", "cloudwatch", "cloudwatch_logs", "kinesis"] {
        let text = format!("[OUTPUT]\n  Name {name}\n  Match *\n");
        assert_eq!(problems(&[("output.conf", &text)]), Vec::<String>::new());
    }
    for name in
        ["grep", "parser", "record_modifier", "rewrite_tag", "throttle", "nest", "modify", "kubernetes"]
    {
        let text = format!("[FILTER]\n  Name {name}\n  Match *\n");
        assert_eq!(beside("filters.conf", &text), Vec::<String>::new());
    }
}

#[test]
fn the_namespace_must_have_its_label() {
    for labels in [BTreeMap::new(), data(&[("aws-observability", "true")])] {
        let found = check(&labels, &data(&[("output.conf", OUTPUT)]));
        assert_eq!(found.len(), 1);
        let shown = "aws-logging: the namespace aws-observability does not have the label `aws-observability: enabled`; \
                     add the label aws-observability=enabled";
        assert_eq!(found[0].to_string(), shown);
    }
}

#[test]
fn an_output_is_needed() {
    assert_eq!(problems(&[]), ["output.conf: the key is missing; add it with an [OUTPUT] section"]);
    let none = "output.conf: there is no [OUTPUT] section; add one with the output to send the logs to";
    assert_eq!(problems(&[("output.conf", "# later\n")]), [none]);
}

#[test]
fn at_most_5300_characters_are_taken() {
    let long = |extra: usize| format!("{OUTPUT}#{}\n", "ä".repeat(5300 - OUTPUT.len() - 2 + extra));
    assert_eq!(problems(&[("output.conf", &long(0))]), Vec::<String>::new());
    let said = "aws-logging: it has 5301 characters, but at most 5300 are allowed; remove comments, filters or outputs";
    assert_eq!(problems(&[("output.conf", &long(1))]), [said]);
}

#[test]
fn keys_are_known_ones() {
    assert_eq!(
        beside("filter.conf", ""),
        ["filter.conf: `filter.conf` is not a known key; did you mean `filters.conf`?"]
    );
    let said = "extra: `extra` is not a known key; expected one of output.conf, filters.conf, parsers.conf, flb_log_cw";
    assert_eq!(beside("extra", ""), [said]);
}

#[test]
fn sections_stand_in_their_file_and_some_in_none() {
    let input = "[INPUT]\n    Name tail\n";
    let said = "filters.conf, line 1: [INPUT] is not allowed here; remove it; Fargate provides it";
    assert_eq!(beside("filters.conf", input), [said]);
    let said = "output.conf, line 6: [SERVICE] is not allowed here; remove it; Fargate provides it";
    assert_eq!(problems(&[("output.conf", &format!("{OUTPUT}[SERVICE]\n    Flush 1\n"))]), [said]);
    let said = "filters.conf, line 1: [OUTPUT] is not allowed here; move it to output.conf";
    assert_eq!(beside("filters.conf", OUTPUT), [said]);
    let said = "filters.conf, line 1: [FILTERS] is not allowed here; did you mean `FILTER`?";
    assert_eq!(beside("filters.conf", "[FILTERS]\n    Name grep\n    Match *\n"), [said]);
}

#[test]
fn a_line_outside_of_any_section_is_reported() {
    let said = "filters.conf, line 1: `Name grep` is not in a section; move it below [FILTER]; only sections and their entries are read";
    assert_eq!(beside("filters.conf", "Name grep\n"), [said]);
    for stray in ["@INCLUDE other.conf", "[FILTER"] {
        let found = beside("filters.conf", &format!("[FILTER]\n    Name grep\n    Match *\n{stray}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("filters.conf, line 4: `{stray}` is not in a section")),
            "{found:?}"
        );
    }
}

#[test]
fn sections_have_their_keys_in_any_case() {
    let said = |key: &str| format!("filters.conf, line 1: [FILTER] has no {key}; add `{key}` with a value");
    assert_eq!(beside("filters.conf", "[FILTER]\n    NAME grep\n"), [said("Match")]);
    let empty = "filters.conf, line 2: `Name` has no value; add a value, or remove it";
    assert_eq!(beside("filters.conf", "[FILTER]\n    Name\n    match *\n"), [empty]);
    assert_eq!(beside("filters.conf", "[FILTER]\n"), [said("Name"), said("Match")]);
    let said = "parsers.conf, line 1: [PARSER] has no Format; add `Format` with a value";
    assert_eq!(beside("parsers.conf", "[PARSER]\n    Name json\n"), [said]);
}

#[test]
fn filters_and_outputs_are_allowed_ones() {
    let said = "filters.conf, line 2: `gerp` is not allowed in [FILTER]; did you mean `grep`?";
    assert_eq!(beside("filters.conf", "[FILTER]\n    Name gerp\n    Match *\n"), [said]);
    let said =
        "output.conf, line 2: `cloudwach_logs` is not allowed in [OUTPUT]; did you mean `cloudwatch_logs`?";
    assert_eq!(problems(&[("output.conf", &OUTPUT.replace("cloudwatch", "cloudwach"))]), [said]);
    let said = "output.conf, line 2: `splunk` is not allowed in [OUTPUT]; expected one of es, firehose, kinesis_firehose, cloudwatch, cloudwatch_logs, kinesis";
    assert_eq!(problems(&[("output.conf", "[OUTPUT]\n    Name splunk\n    Match *\n")]), [said]);
}

#[test]
fn variables_are_not_allowed() {
    let said = "output.conf, line 4: a variable `${...}` is not allowed; write the value itself";
    assert_eq!(problems(&[("output.conf", &OUTPUT.replace("eu-central-1", "${AWS_REGION}"))]), [said]);
    assert_eq!(beside("filters.conf", "# ${A} in a comment\n"), Vec::<String>::new());
}

#[test]
fn the_kubernetes_filter_may_not_be_led_elsewhere() {
    for key in ["Kube_URL", "Kube_CA_File", "kube_token_command", "Kube_Token_File"] {
        let said = format!(
            "filters.conf, line 4: `{key}` is not allowed in the filter kubernetes; remove it; Fargate sets it"
        );
        assert_eq!(
            beside("filters.conf", &format!("[FILTER]\n    Name kubernetes\n    Match *\n    {key} x\n")),
            [said]
        );
        assert_eq!(
            beside("filters.conf", &format!("[FILTER]\n    Name modify\n    Match *\n    {key} x\n")),
            Vec::<String>::new()
        );
    }
}

/// Lines that break a rule, each with its problem.
fn lines_of(key: &str, text: &str) -> Vec<(usize, String)> {
    let data = data(&[("output.conf", OUTPUT), (key, text)]);
    check(&labelled(), &data).into_iter().map(|problem| (problem.line.unwrap(), problem.what)).collect()
}

/// Issue 13, point 8: five files that Fluent Bit rejects.
#[test]
fn files_from_the_field_are_refused_at_the_line_that_is_wrong() {
    let cases = [
        (
            "two_indents",
            "output.conf",
            8,
            "`Name kinesis_firehose` is indented by 2 spaces, but line 2 by 4 spaces",
        ),
        ("head_as_deep_as_keys", "output.conf", 1, "`[OUTPUT]` is indented, so it is not a section header"),
        ("tab_separator", "output.conf", 2, "a tab separates `Name` from its value"),
        ("key_without_value", "filters.conf", 5, "`Keep_Log` has no value"),
        (
            "comment_other_indent",
            "filters.conf",
            4,
            "`# health checks` is indented by 2 spaces, but line 2 by 4 spaces",
        ),
    ];
    for (name, key, line, what) in cases {
        let found = lines_of(key, &super::text(&format!("aws_logging_{name}.conf")));
        assert_eq!(found.first(), Some(&(line, what.to_owned())), "{name}: {found:?}");
    }
}

/// Issue 13, point 8: the rules of `read_config` and `check_indent` in Fluent Bit's
/// `flb_cf_fluentbit.c`, one by one. `_` is a space and `>` a tab.
#[test]
fn each_rule_of_the_classic_format_is_kept() {
    let head = "[FILTER]\n____Name grep\n____Match *\n";
    let good = [
        "",
        "____Exclude log a b\n",
        "____Exclude    log>a\n",
        // Only the indent, an empty line, or a comment at the start of a line.
        "____\n",
        "\n\n",
        "#____deep\n#\n",
        "____# as deep\n____#\n",
        "[FILTER]\n____Name modify\n____Match *\n",
        "____Exclude log a\r\n____\r\n",
    ];
    for more in good {
        let text = format!("{head}{more}").replace('_', " ").replace('>', "\t");
        assert_eq!(lines_of("filters.conf", &text), [], "{text:?}");
    }
    let tabs = "[FILTER]\n\tName grep\n\tMatch *\n\t# too\n\t\n";
    assert_eq!(lines_of("filters.conf", tabs), [], "tabs may indent");
    let bad = [
        ("__Exclude log a\n", "`Exclude log a` is indented by 2 spaces, but line 2 by 4 spaces"),
        ("_____Exclude log a\n", "`Exclude log a` is indented by 5 spaces, but line 2 by 4 spaces"),
        ("________Exclude log a\n", "`Exclude log a` is indented by 8 spaces, but line 2 by 4 spaces"),
        (">Exclude log a\n", "`Exclude log a` is indented by 1 tab, but line 2 by 4 spaces"),
        ("__>_Exclude log a\n", "`Exclude log a` is indented by 1 tab and 3 spaces, but line 2 by 4 spaces"),
        ("Exclude log a\n", "`Exclude log a` is not indented, so Fluent Bit drops its first letter"),
        ("__# note\n", "`# note` is indented by 2 spaces, but line 2 by 4 spaces"),
        ("______#\n", "`#` is indented by 6 spaces, but line 2 by 4 spaces"),
        ("__\n", "a line of only blanks has 2 spaces, but line 2 is indented by 4 spaces"),
        (">\n", "a line of only blanks has 1 tab, but line 2 is indented by 4 spaces"),
        ("____Exclude>log a\n", "a tab separates `Exclude` from its value"),
        ("____Exclude>_log a\n", "a tab separates `Exclude` from its value"),
        ("____Exclude\n", "`Exclude` has no value"),
        ("____Exclude__\n", "`Exclude` has no value"),
        ("____Exclude>\n", "`Exclude` has no value"),
    ];
    for (more, what) in bad {
        let text = format!("{head}{more}").replace('_', " ").replace('>', "\t");
        assert_eq!(lines_of("filters.conf", &text), [(4, what.to_owned())], "{text:?}");
    }
    // The first line that begins with blanks sets the indent, even if it is a comment or blank.
    for first in ["  # note", "  "] {
        let text = format!("[FILTER]\n{first}\n    Name grep\n    Match *\n");
        let lines: Vec<usize> = lines_of("filters.conf", &text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3, 4], "{text:?}");
    }
    let indented = "[FILTER]\n    Name grep\n    Match *\n    [FILTER]\n    Name modify\n    Match *\n";
    assert_eq!(lines_of("filters.conf", indented).len(), 1, "the second head");
}

/// Issue 13, point 8: a section header ends at its first `]`; its name is everything between the
/// brackets, with blanks.
#[test]
fn heads_and_commands_are_read_as_fluent_bit_reads_them() {
    let after = |head: &str| problems(&[("output.conf", &OUTPUT.replace("[OUTPUT]", head))]);
    for head in
        ["[OUTPUT] # to CloudWatch", "[OUTPUT]  ", "[output]# [x]", "[OUTPUT] ]", "@SET a=b\n[OUTPUT]"]
    {
        assert_eq!(after(head), Vec::<String>::new(), "{head}");
        let outputs = Outputs::read(&data(&[("output.conf", &OUTPUT.replace("[OUTPUT]", head))]));
        assert_eq!(outputs.log_groups, ["shop"], "{head}");
    }
    for head in ["[ OUTPUT ]", "[ OUTPUT]", "[OUTPUT ]", "[\tOUTPUT]"] {
        let found = after(head);
        let no_output =
            "output.conf: there is no [OUTPUT] section; add one with the output to send the logs to";
        let named = format!("output.conf, line 1: {head} is not allowed here; did you mean `OUTPUT`?");
        assert_eq!(found, [no_output.to_owned(), named], "{head}");
        assert_eq!(
            Outputs::read(&data(&[("output.conf", &OUTPUT.replace("[OUTPUT]", head))])),
            Outputs::default()
        );
    }
    // A command without a value ends the parsing of the file, and an indented one is an entry.
    for (line, stray) in
        [("@SET", "@SET"), ("@SET\ta=b", "@SET\ta=b"), ("    @SET a=b", "@SET a=b"), ("@ELSE a", "@ELSE a")]
    {
        let found = problems(&[("output.conf", &format!("{OUTPUT}{line}\n"))]);
        assert!(
            found.len() == 1 && found[0].contains(&format!("`{stray}` is not in a section")),
            "{line}: {found:?}"
        );
    }
    let indented =
        "[FILTER]\n    Name grep\n    Match *\n    [FILTER] # again\n    Name modify\n    Match *\n";
    assert_eq!(
        lines_of("filters.conf", indented),
        [(4, "`[FILTER] # again` is indented, so it is not a section header".to_owned())]
    );
}

/// Issue 13, point 8: Fluent Bit does not treat non-breaking spaces, as copied from documentation
/// pages, as blanks.
#[test]
fn only_spaces_and_tabs_are_blanks() {
    let lines = |text: &str| {
        let found = lines_of("filters.conf", text);
        found.into_iter().map(|(line, _)| line).collect::<Vec<usize>>()
    };
    let head = "[FILTER]\n    Name grep\n    Match *\n";
    assert_eq!(lines(&format!("{head}\u{a0}\u{a0}\n")), [4, 4], "a line of them has no indent, and no value");
    assert_eq!(lines(&head.replace("grep", "grep\u{a0}")), [2], "there is no such filter");
    assert_eq!(lines(&head.replace("grep", "grep \t")), [] as [usize; 0]);
}

#[test]
fn the_routers_own_log_is_switched_by_text() {
    let said = "flb_log_cw: its value is \"yes\"; write \"true\" or \"false\", in quotes";
    assert_eq!(beside("flb_log_cw", "yes"), [said]);
}

#[test]
fn all_problems_are_reported_at_once() {
    let texts = [("output.conf", "[INPUT]\n  Name ${A}\n"), ("flb_log_cw", "1"), ("more", "")];
    assert_eq!(check(&BTreeMap::new(), &data(&texts)).len(), 6);
}

#[test]
fn outputs_name_the_log_groups_of_cloudwatch() {
    let texts = format!(
        "{OUTPUT}[OUTPUT]\n  Name CloudWatch\n  log_group_name other\n[OUTPUT]\n  Name es\n  log_group_name none\n{OUTPUT}[OUTPUT]\n  Match *\n"
    );
    let outputs = Outputs::read(&data(&[("output.conf", &texts)]));
    assert_eq!(outputs.names, ["cloudwatch_logs", "cloudwatch", "es", "cloudwatch_logs"]);
    assert_eq!(outputs.log_groups, ["shop", "other"]);
    assert_eq!(Outputs::read(&data(&[])), Outputs::default());
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*|([\\[\\]@#${}A-Za-z _]|\n|OUTPUT|FILTER|Name|Match){0,80}") {
        let texts = ["output.conf", "filters.conf", "parsers.conf", "flb_log_cw", ""].map(|key| (key, text.as_str()));
        for problem in check(&labelled(), &data(&texts)) {
            prop_assert!(!problem.what.is_empty() && !problem.remedy.is_empty());
            prop_assert!(problem.line.is_none_or(|line| line >= 1 && line <= text.lines().count()));
        }
        Outputs::read(&data(&texts));
    }
}
