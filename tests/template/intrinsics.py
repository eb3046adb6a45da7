"""CloudFormation's evaluation of a template value with parameters: the functions that this template uses.

tests/stack/test_parameters.py checks the same on the local AWS, so this is not the only evidence.
"""

from __future__ import annotations

from template import Template

NO_VALUE = {"Ref": "AWS::NoValue"}


class Values:
    """A template with parameters. Missing ones have their defaults."""

    # The value of an empty CommaDelimitedList: AWS does not document whether it has no member or an
    # empty one.
    empty_list = [""]

    def __init__(self, template: Template, **given: str) -> None:
        self.template = template
        self.parameters = {name: parameter.get("Default") for name, parameter in template.parameters.items()} | given

    def of(self, value):
        if isinstance(value, list):
            return [self.of(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1 or not (name := next(iter(value))).startswith(("Fn::", "Ref", "Condition")):
            return {key: self.of(entry) for key, entry in value.items()}
        arguments = value[name]
        match name:
            case "Ref":
                return self.parameter(arguments)
            case "Condition":
                return self.of(self.template.document["Conditions"][arguments])
            case "Fn::If":
                condition, so, otherwise = arguments
                return self.of(so if self.of({"Condition": condition}) else otherwise)
            case "Fn::Equals":
                one, other = self.of(arguments)
                return str(one) == str(other)
            case "Fn::Not":
                return not self.of(arguments[0])
            case "Fn::And":
                return all(self.of(arguments))
            case "Fn::Or":
                return any(self.of(arguments))
            case "Fn::Select":
                index, entries = self.of(arguments)
                return entries[int(index)]
            case "Fn::Split":
                separator, text = self.of(arguments)
                return text.split(separator)
            case "Fn::Join":
                separator, entries = self.of(arguments)
                return separator.join(entries)
            case "Fn::EachMemberEquals":
                entries, wanted = self.of(arguments)
                return all(entry == wanted for entry in entries)
        # For example a resource's attribute, which does not depend on parameters.
        return value

    def parameter(self, name: str):
        if name not in self.parameters:
            return {"Ref": name}
        value = self.parameters[name]
        if self.template.parameters.get(name, {}).get("Type") != "CommaDelimitedList":
            return value
        return value.split(",") if value else self.empty_list

    def refusals(self) -> list[str]:
        """The errors of the section Rules for the parameters."""
        return [
            assertion["AssertDescription"]
            for rule in self.template.document["Rules"].values()
            if self.of(rule.get("RuleCondition", True))
            for assertion in rule["Assertions"]
            if not self.of(assertion["Assert"])
        ]
