"""The local AWS refuses what AWS refuses (issue 14, point 1): each limit of local_limits.py is reached once and
exceeded once. Of Logs Insights it answers what local_insights.py says, and refuses the rest."""

from __future__ import annotations

import json
import uuid

import pytest
import stand_ins
from botocore.exceptions import ClientError
from local_aws import ACCOUNT, REGION, LocalAws
from stack import wait_until

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"
PAYLOAD = 262_144
# Returns a text of this many characters, or the size of its input.
SPEAKER = '''
def answer(event):
    if "fail" in event:
        raise Failed("Odd", "no" * 20_000)
    return {"text": "x" * event["say"]} if "say" in event else {"received": len(json.dumps(event))}
'''


@pytest.fixture(scope="module", autouse=True)
def role(aws: LocalAws) -> None:
    def document(**more: object) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", **more}]})

    iam = aws.client("iam")
    iam.create_role(RoleName="tests", AssumeRolePolicyDocument=document(Principal={"AWS": "*"}))
    iam.put_role_policy(RoleName="tests", PolicyName="all", PolicyDocument=document(Resource="*"))


@pytest.fixture(scope="module")
def speaker(aws: LocalAws, tmp_path_factory) -> str:
    code = stand_ins.archive(tmp_path_factory.mktemp("speaker"), "speaker", SPEAKER).read_bytes()
    return aws.client("lambda").create_function(
        FunctionName="speaker", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": code}
    )["FunctionArn"]


def run(aws: LocalAws, definition: dict, given: dict | None = None) -> dict:
    """The end of an execution of the machine."""
    client = aws.client("stepfunctions")
    machine = client.create_state_machine(
        name=f"limits-{uuid.uuid4()}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(given or {}, ensure_ascii=False))["executionArn"]

    def ended() -> dict | None:
        described = client.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    return wait_until(ended, 60, f"{definition} did not end")


def machine(**states: dict) -> dict:
    return {"StartAt": next(iter(states)), "States": states}


def caught(state: dict) -> dict:
    """The state with a Catch of everything, which does not see data that is too long."""
    return machine(A={**state, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}], "End": True},
                   Caught={"Type": "Pass", "End": True})


def children(of: dict, kind: str = "STANDARD", **more) -> dict:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **of}
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, **more}


def is_too_long(ended: dict) -> bool:
    return (ended["status"], ended.get("error")) == ("FAILED", "States.DataLimitExceeded")


@pytest.mark.parametrize(("size", "ends"), [(PAYLOAD // 2, True), (PAYLOAD // 2 + 200, False)])
def test_output_of_a_state(aws: LocalAws, size: int, ends: bool) -> None:
    double = {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}
    ended = run(aws, machine(A=double), {"text": "x" * (size - 20)})
    assert (ended["status"] == "SUCCEEDED") is ends and is_too_long(ended) is not ends


def test_bytes_are_counted_and_not_characters(aws: LocalAws) -> None:
    double = {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}
    assert is_too_long(run(aws, machine(A=double), {"text": "\u00e9" * (PAYLOAD // 4 + 100)}))


@pytest.mark.parametrize(("say", "ends"), [(PAYLOAD - 1000, True), (PAYLOAD, False)])
def test_answer_of_a_task_even_if_it_is_discarded(aws: LocalAws, speaker: str, say: int, ends: bool) -> None:
    task = {"Type": "Task", "Resource": speaker, "ResultPath": None}
    ended = run(aws, caught(task), {"say": say})
    assert (ended["status"] == "SUCCEEDED") is ends and is_too_long(ended) is not ends


def test_what_a_task_is_given(aws: LocalAws, speaker: str) -> None:
    task = {"Type": "Task", "Resource": speaker, "Parameters": {"a.$": "$.text", "b.$": "$.text"}}
    assert is_too_long(run(aws, caught(task), {"text": "x" * (PAYLOAD // 2)}))
    assert run(aws, caught(task), {"text": "x" * (PAYLOAD // 2 - 100)})["status"] == "SUCCEEDED"


@pytest.mark.parametrize("more", [{}, {"ResultPath": None}])
@pytest.mark.parametrize(("say", "ends"), [(25_000, True), (27_000, False)])
def test_results_of_a_map_together(aws: LocalAws, speaker: str, say: int, ends: bool, more: dict) -> None:
    each = machine(Say={"Type": "Task", "Resource": speaker, "Parameters": {"say": say}, "End": True})
    ended = run(aws, caught(children(each, **more)), {"items": list(range(10))})
    assert (ended["status"] == "SUCCEEDED") is ends and is_too_long(ended) is not ends


def test_input_of_an_execution(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        run(aws, machine(A={"Type": "Succeed"}), {"text": "x" * PAYLOAD})


def test_a_path_that_leads_nowhere_is_caught_by_nothing(aws: LocalAws, speaker: str) -> None:
    for path in ("$.none", "$.a.none", "$$.Map.Item.Value"):
        task = {"Type": "Task", "Resource": speaker, "Parameters": {"say.$": path}}
        ended = run(aws, caught(task), {"a": {"b": 1}})
        assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime"), path
    task = {"Type": "Task", "Resource": speaker, "Parameters": {"say.$": "$.a.b"}}
    assert run(aws, caught(task), {"a": {"b": 1}})["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("kind", "ends"), [("STANDARD", True), ("EXPRESS", False)])
def test_life_of_an_express_child(aws: LocalAws, speaker: str, kind: str, ends: bool) -> None:
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": 6}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    # It answers other inputs with an error.
    fails = {"Type": "Task", "Resource": speaker, "Parameters": {"fail": True}, "Retry": [retry], "Catch": catch, "End": True}
    each = machine(Fails=fails, Caught={"Type": "Pass", "End": True})
    ended = run(aws, machine(A=children(each, kind, End=True)), {"items": [1]})
    assert (ended["status"] == "SUCCEEDED") is ends


def test_length_of_a_cause(aws: LocalAws, speaker: str) -> None:
    task = {"Type": "Task", "Resource": speaker, "Parameters": {"fail": True}}
    ended = run(aws, caught(task))
    assert ended["status"] == "SUCCEEDED" and len(json.loads(ended["output"])["Cause"]) == 32_768


def around(times: int) -> dict:
    """A machine that loops this often: three states per iteration."""
    more = {"Variable": "$.pass", "NumericLessThan": times, "Next": "Again"}
    return machine(
        Again={"Type": "Pass", "Parameters": {"pass.$": "States.MathAdd($.pass, 1)"}, "Next": "More"},
        More={"Type": "Choice", "Choices": [more], "Default": "Over"},
        Over={"Type": "Pass", "End": True},
    )


# Entered and left, four events per iteration.
@pytest.mark.parametrize(("times", "ends"), [(6_000, True), (6_300, False)])
def test_history_of_an_execution(aws: LocalAws, times: int, ends: bool) -> None:
    ended = run(aws, around(times), {"pass": 0})
    assert (ended["status"] == "SUCCEEDED") is ends
    assert ends or "history has more than 25000 events" in ended["cause"]


@pytest.mark.parametrize(("kind", "ends"), [("STANDARD", False), ("EXPRESS", True)])
def test_history_of_a_child_unless_it_is_express(aws: LocalAws, kind: str, ends: bool) -> None:
    ended = run(aws, machine(A=children(around(6_300), kind, End=True)), {"items": [{"pass": 0}]})
    assert (ended["status"] == "SUCCEEDED") is ends


@pytest.mark.parametrize(("definition", "message"), [
    (machine(**{"N" * 81: {"Type": "Succeed"}}), "more than 80 characters"),
    (machine(A=children(machine(**{"N" * 81: {"Type": "Succeed"}}), End=True)), "more than 80 characters"),
    (machine(A=children(machine(B={"Type": "Succeed"}), Label="l" * 41, End=True)), "more than 40 characters"),
    (machine(A=children(machine(B={"Type": "Succeed"}), MaxConcurrency=10_001, End=True)), "more than 10000"),
])
def test_names_and_size_of_a_map(aws: LocalAws, definition: dict, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        run(aws, definition)
    # CloudFormation returns the same.
    template = {"Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
        "RoleArn": ROLE, "DefinitionString": json.dumps(definition)}}}}
    formation, name = aws.client("cloudformation"), f"limits-{uuid.uuid4().hex[:8]}"
    formation.create_stack(StackName=name, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")

    def ended() -> str:
        status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return "" if status == "CREATE_IN_PROGRESS" else status

    assert wait_until(ended, 30, "the stack did not end") == "CREATE_FAILED"
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    assert any(message in event.get("ResourceStatusReason", "") for event in events)


@pytest.mark.parametrize("name", ["n" * 81, "a b", "a/b", "a:b"])
def test_name_of_a_machine_and_of_an_execution(aws: LocalAws, name: str) -> None:
    client, definition = aws.client("stepfunctions"), json.dumps(machine(A={"Type": "Succeed"}))
    with pytest.raises(ClientError, match="InvalidName"):
        client.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    arn = client.create_state_machine(name=f"limits-{uuid.uuid4()}", definition=definition, roleArn=ROLE)
    with pytest.raises(ClientError, match="InvalidName"):
        client.start_execution(stateMachineArn=arn["stateMachineArn"], name=name)


def test_one_hop_between_buses(aws: LocalAws) -> None:
    events, queues = aws.client("events"), aws.client("sqs")
    for bus in ("first", "second", "third"):
        events.create_event_bus(Name=bus)
    urls = {}
    for bus, then in (("first", "second"), ("second", "third"), ("third", None)):
        url = queues.create_queue(QueueName=f"received-{bus}")["QueueUrl"]
        urls[bus] = url
        targets = [{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:received-{bus}"}]
        if then:
            targets.append({"Id": "bus", "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{then}", "RoleArn": ROLE})
        events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": ["tests"]}))
        events.put_targets(Rule="all", EventBusName=bus, Targets=targets)
    entry = {"Source": "tests", "DetailType": "t", "Detail": "{}", "EventBusName": "first"}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def count(bus: str) -> int:
        return len(queues.receive_message(QueueUrl=urls[bus]).get("Messages", []))

    wait_until(lambda: count("second"), 10, "the second bus received nothing")
    # Buses are served in turn, so an event for the third would have arrived.
    assert (count("first"), count("third")) == (1, 0)


# What ministack answers to Logs Insights, and local_insights.py adds.
LINES = ["GET /", "ERROR no route", "ERROR no answer", "GET /a"]


@pytest.fixture(scope="module")
def group(aws: LocalAws) -> str:
    """A log group with lines a second apart, from the epoch second 600 on."""
    logs, name = aws.client("logs"), "/limits/web"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="web/app/1")
    events = [{"timestamp": (600 + second) * 1000, "message": line} for second, line in enumerate(LINES)]
    logs.put_log_events(logGroupName=name, logStreamName="web/app/1", logEvents=events)
    return name


def query(aws: LocalAws, group: str, text: str) -> list[dict[str, str]]:
    logs = aws.client("logs")
    started = logs.start_query(logGroupNames=[group], queryString=text, startTime=0, endTime=1199)["queryId"]
    answer = logs.get_query_results(queryId=started)
    assert answer["status"] == "Complete" and answer["statistics"]["bytesScanned"] == sum(map(len, LINES))
    return [{field["field"]: field["value"] for field in row} for row in answer["results"]]


LOG = f"{ACCOUNT}:/limits/web"


@pytest.mark.parametrize(("text", "rows"), [
    ("stats count(*) as n", [{"n": "4"}]),
    ("filter @message like /(?i)(error|panic)\\b/ | stats count(*) as n by @log, bin(5m)",
     [{"@log": LOG, "bin(5m)": "1970-01-01 00:10:00.000", "n": "2"}]),
    ("filter @logStream like \"b/app/\" | stats count(*) as n by bin(1s)",
     [{"bin(1s)": f"1970-01-01 00:10:0{second}.000", "n": "1"} for second in range(4)]),
    ("parse @message /(?<verb>GET) \\/(?<page>.*)/ | stats count(*) as n by verb", [{"verb": "GET", "n": "2"}, {"n": "2"}]),
])
def test_queries_that_are_understood(aws: LocalAws, group: str, text: str, rows: list[dict]) -> None:
    found = query(aws, group, text)
    assert sorted(map(str, found)) == sorted(map(str, rows))


def test_lines_of_a_query(aws: LocalAws, group: str) -> None:
    rows = query(aws, group, "filter @message like /ERROR/ | fields @timestamp, @log, @message | sort @timestamp desc | limit 1")
    assert [(row["@timestamp"], row["@log"], row["@message"]) for row in rows] == [
        ("1970-01-01 00:10:02.000", LOG, "ERROR no answer")
    ]


@pytest.mark.parametrize("text", [
    "filter status >= 500", "filter ispresent(a) | stats count(*) as n", "stats avg(a) as a", "sort n desc",
    "filter @message like /a/ and @message like /b/", "fields strlen(@message) as n", "dedup @message",
    "stats count(*) as n | limit 1",
])
def test_queries_that_are_not_understood_are_refused_and_not_answered_in_part(aws: LocalAws, group: str, text: str) -> None:
    with pytest.raises(ClientError, match="MalformedQueryException"):
        query(aws, group, text)
