"""template.yaml as plain Python, before and after the SAM transform."""

from __future__ import annotations

import copy
import os
import re
from functools import cached_property
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
MEMBER_TEMPLATE = ROOT / "member.template.yaml"

# CloudFormation's limit for a template in S3 (AWS CloudFormation User Guide, "CloudFormation
# quotas"). In the request itself only 51,200 bytes are accepted, so it must be uploaded first.
MAX_TEMPLATE_BYTES = 1_000_000


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags in their long form: `!Ref A` is `{"Ref": "A"}`."""


def intrinsic(loader: yaml.Loader, tag: str, node: yaml.Node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", intrinsic)


class Template:
    def __init__(self, document: dict, state_machine: dict) -> None:
        self.document = document
        self.state_machine = state_machine

    @classmethod
    def of_project(cls) -> Template:
        document = yaml.load(TEMPLATE.read_text(), Loader)
        path = document["Resources"]["Run"]["Properties"]["DefinitionUri"]
        return cls(document, yaml.safe_load((ROOT / path).read_text()))

    @classmethod
    def of_member(cls) -> Template:
        """The template for other accounts, which only has roles."""
        return cls(yaml.load(MEMBER_TEMPLATE.read_text(), Loader), {})

    def copy(self) -> Template:
        return Template(copy.deepcopy(self.document), copy.deepcopy(self.state_machine))

    @property
    def parameters(self) -> dict[str, dict]:
        return self.document["Parameters"]

    @property
    def resources(self) -> dict[str, dict]:
        return self.document["Resources"]

    def properties(self, logical_id: str) -> dict:
        return self.resources[logical_id]["Properties"]

    def of_type(self, kind: str) -> dict[str, dict]:
        """Logical id -> properties of every resource of this type."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, dict]:
        """Logical id -> properties of each function, including Globals."""
        defaults = self.document["Globals"]["Function"]
        return {
            logical_id: merged(defaults, properties)
            for logical_id, properties in self.of_type("AWS::Serverless::Function").items()
        }

    def folder(self, function: str) -> str:
        return self.resources[function]["Metadata"]["BuildProperties"]["Binary"]

    @cached_property
    def transformed(self) -> Template:
        """CloudFormation's result, with the roles and permissions that SAM adds."""
        if "Transform" not in self.document:
            return self
        os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
        from samtranslator.parser.parser import Parser
        from samtranslator.translator.translator import Translator

        return Template(Translator({}, Parser()).translate(self.packaged, parameter_values={}), self.state_machine)

    @property
    def packaged(self) -> dict:
        """As `sam build` and `sam package` leave it: code and state machine are somewhere in S3."""
        document = copy.deepcopy(self.document)
        somewhere = f"s3://aws-sam-cli-managed-default-samclisourcebucket-{'a' * 12}/{'n' * 32}/{'0' * 32}"
        for logical_id, resource in document["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = somewhere
            if resource["Type"] == "AWS::Serverless::StateMachine":
                resource["Properties"]["DefinitionUri"] = somewhere
            resource.setdefault("Metadata", {})["SamResourceId"] = logical_id
        return document

    @property
    def packaged_bytes(self) -> int:
        """Length of the packaged template, which the SAM CLI writes without comments and with long forms of functions."""
        return len(yaml.safe_dump(self.packaged, sort_keys=False).encode())

    def role_statements(self, role: str) -> list[dict]:
        """Every statement of a role, in its own policies and in the template's attached ones."""
        properties = self.properties(role)
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for attached in properties.get("ManagedPolicyArns", []):
            documents.append(self.properties(if_so(attached)["Ref"])["PolicyDocument"])
        for policy in [*self.of_type("AWS::IAM::Policy").values(), *self.of_type("AWS::IAM::ManagedPolicy").values()]:
            if {"Ref": role} in policy.get("Roles", []):
                documents.append(policy["PolicyDocument"])
        return [statement for document in documents for statement in document["Statement"]]

    def role_of(self, function: str) -> str:
        """Logical id of a function's role."""
        role, attribute = self.functions[function]["Role"]["Fn::GetAtt"]
        assert attribute == "Arn"
        return role


def merged(defaults: dict, properties: dict) -> dict:
    """As SAM merges Globals: maps key by key, everything else is replaced."""
    out = dict(defaults)
    for key, value in properties.items():
        out[key] = merged(defaults[key], value) if isinstance(value, dict) and isinstance(defaults.get(key), dict) else value
    return out


def if_so(value):
    """The value if its condition holds."""
    return value["Fn::If"][1] if isinstance(value, dict) and "Fn::If" in value else value


def actions(statement: dict) -> list[str]:
    return as_list(statement["Action"])


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def pascal_case(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("-"))


def function_folders() -> list[str]:
    return sorted(manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml"))


def variables_in_code(folder: str) -> set[str]:
    return set(re.findall(r"\bFARGAZE_[A-Z_]*[A-Z]\b", (ROOT / "functions" / folder / "src" / "config.rs").read_text()))
