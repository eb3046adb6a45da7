"""The account setting that the local AWS lacks."""

from __future__ import annotations

from local_aws import LocalAws


def test_default_log_mode_is_listed_whether_or_not_it_was_set() -> None:
    with LocalAws() as aws:
        ecs = aws.client("ecs")

        def listed(name: str) -> list[tuple[str, str]]:
            settings = ecs.list_account_settings(name=name, effectiveSettings=True)["settings"]
            return [(setting["name"], setting["value"]) for setting in settings]

        assert listed("defaultLogDriverMode") == [("defaultLogDriverMode", "non-blocking")]
        ecs.put_account_setting_default(name="defaultLogDriverMode", value="blocking")
        assert listed("defaultLogDriverMode") == [("defaultLogDriverMode", "blocking")]
        assert [name for name, _ in listed("containerInsights")] == ["containerInsights"]
