"""AWS limits that ministack lacks: added here, so that the tests refuse what AWS would refuse.

Step Functions (Developer Guide, "Service quotas" and "Handling errors"): 262,144 bytes of input or output of a state, a
task or an execution; 25,000 events of an execution's history, except EXPRESS ones; 80 characters of names, 40 of a
map's label; 10,000 concurrent children of a distributed map; five minutes of an EXPRESS execution, counting the waits
of its retries; 32,768 characters of a cause. Data that is too long ends the execution with States.DataLimitExceeded,
and a path to nothing with States.Runtime: no Retry or Catch sees either, not even one of States.ALL.

EventBridge (User Guide, "Sending and receiving events between event buses"): an event is forwarded from one bus to
another once, and not beyond.
"""

from __future__ import annotations

import contextvars
import json
import re

from ministack.services import eventbridge, stepfunctions
from ministack.services.cloudformation import provisioners

PAYLOAD = 262_144
EVENTS = 25_000
NAME = 80
LABEL = 40
CHILDREN = 10_000
# Characters that a name must not contain (API reference of StartExecution and CreateStateMachine).
FORBIDDEN = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')

CAUSE = 32_768
EXPRESS_SECONDS = 300

TOO_LONG = "States.DataLimitExceeded"
# Ends an execution, whatever its states catch.
UNCAUGHT = {TOO_LONG, "States.Runtime", "ExecutionTimedOut"}
EXPRESS = contextvars.ContextVar("express", default=False)
# The current child of a distributed map, if it keeps a history.
CHILD: contextvars.ContextVar[dict | None] = contextvars.ContextVar("child", default=None)

# Seconds that the retries of an EXPRESS child have waited so far.
WAITED: contextvars.ContextVar[list[float] | None] = contextvars.ContextVar("waited", default=None)

ADD_EVENT = stepfunctions._add_event
PARAMETERS = stepfunctions._resolve_params_obj
SLEEP = stepfunctions._scaled_sleep
CALL = stepfunctions._call_lambda
INVOKE = stepfunctions._invoke_resource
RUN_CHILD = stepfunctions._run_sub_machine
RUN_MAP = stepfunctions._run_distributed_map
RESULT_SELECTOR = stepfunctions._apply_result_selector
RETRIER = stepfunctions._find_matching_retrier
CATCHER = stepfunctions._find_matching_catcher
CREATE = stepfunctions._create_state_machine
UPDATE = stepfunctions._update_state_machine
START = stepfunctions._start_execution
DEFINITION = provisioners._sfn_definition
TO_BUS = eventbridge._dispatch_to_event_bus


def within(what: str, value):
    """The value, if it is not too long to pass between two states."""
    size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    if size > PAYLOAD:
        raise stepfunctions._ExecutionError(TOO_LONG, f"{what} has {size} bytes, which is more than {PAYLOAD}")
    return value


def add_event(execution, event_type, details=None):
    # The last one says how it ended.
    if len(execution["events"]) >= EVENTS - 1 and event_type != "ExecutionFailed":
        raise stepfunctions._ExecutionError("States.Runtime", f"the history has more than {EVENTS} events")
    event = ADD_EVENT(execution, event_type, details)
    if event_type == "TaskScheduled":
        # ministack omits it.
        ADD_EVENT(execution, "TaskStarted")
    return event


def parameters(template, data, ctx=None):
    """The output of a state; a path to nothing ends the execution."""
    for key, path in template.items() if isinstance(template, dict) else ():
        if key.endswith(".$") and isinstance(path, str) and path.startswith("$") and not leads_somewhere(path, data, ctx):
            raise stepfunctions._ExecutionError("States.Runtime", f"the path {path} leads nowhere")
    return PARAMETERS(template, data, ctx)


def leads_somewhere(path: str, data, ctx) -> bool:
    """Whether a plain path leads to a value; others are left to ministack."""
    at, names = (ctx, path[2:]) if path.startswith("$$") else (data, path[1:])
    if not re.fullmatch(r"(\.\w+)*", names):
        return True
    for name in names.split(".")[1:]:
        if not isinstance(at, dict) or name not in at:
            return False
        at = at[name]
    return True


def sleep(seconds):
    waited = WAITED.get()
    if waited is not None:
        waited[0] += seconds
        if waited[0] > EXPRESS_SECONDS:
            raise stepfunctions._ExecutionError("ExecutionTimedOut", f"longer than {EXPRESS_SECONDS} s")
    SLEEP(seconds)


def call(func_ref, event):
    try:
        return CALL(func_ref, event)
    except stepfunctions._ExecutionError as error:
        raise stepfunctions._ExecutionError(error.error, (error.cause or "")[:CAUSE]) from error


def limited(execute):
    def run(state_def, raw_input, *rest):
        child = CHILD.get()
        within("the input of a state", raw_input)
        if child is not None:
            add_event(child, f"{state_def['Type']}StateEntered")
        output, next_name = execute(state_def, raw_input, *rest)
        if child is not None:
            add_event(child, f"{state_def['Type']}StateExited")
        return within("the output of a state", output), next_name

    return run


def invoke(resource, data):
    return within("the answer of a task", INVOKE(resource, within("what a task is given", data)))


def run_child(states, start_at, data, execution, ctx):
    if "mapRunArn" not in execution:
        return RUN_CHILD(states, start_at, data, execution, ctx)
    tokens = CHILD.set(None if EXPRESS.get() else execution), WAITED.set([0.0] if EXPRESS.get() else None)
    try:
        return within("the output of an execution", RUN_CHILD(states, start_at, data, execution, ctx))
    finally:
        CHILD.reset(tokens[0])
        WAITED.reset(tokens[1])


def run_map(state_def, raw_input, effective, iterator, execution, ctx):
    token = EXPRESS.set((iterator.get("ProcessorConfig") or {}).get("ExecutionType") == "EXPRESS")
    try:
        return RUN_MAP(state_def, raw_input, effective, iterator, execution, ctx)
    finally:
        EXPRESS.reset(token)


def result_selector(state_def, data):
    """A map's combined results can be too long even if they are discarded."""
    return RESULT_SELECTOR(state_def, within("the result of a state", data))


def retrier(retriers, error, counts):
    return (None, None) if error in UNCAUGHT else RETRIER(retriers, error, counts)


def catcher(catchers, error):
    return None if error in UNCAUGHT else CATCHER(catchers, error)


def create(data):
    return refused_name(data) or refused_definition(data) or CREATE(data)


def update(data):
    return refused_definition(data) or UPDATE(data)


def definition_of_stack(props):
    """The definition as CloudFormation passes it on."""
    definition = DEFINITION(props)
    if problems := list(wrong_states(json.loads(definition))):
        raise provisioners._sfn_handler_error(f"Invalid State Machine Definition: {'; '.join(problems)}")
    return definition


def refused_definition(data):
    try:
        problems = list(wrong_states(json.loads(data.get("definition", "{}"))))
    except ValueError:
        # ministack checks this itself.
        return None
    return stepfunctions.error_response_json("InvalidDefinition", "; ".join(problems), 400) if problems else None


def refused_name(data):
    name = str(data["name"])
    if 1 <= len(name) <= NAME and not FORBIDDEN.search(name):
        return None
    return stepfunctions.error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)


def wrong_states(scope: dict):
    for name, state in scope.get("States", {}).items():
        if len(name) > NAME:
            yield f"the name {name} has more than {NAME} characters"
        if len(state.get("Label", "")) > LABEL:
            yield f"the label {state['Label']} has more than {LABEL} characters"
        if isinstance(at_once := state.get("MaxConcurrency"), int) and at_once > CHILDREN:
            yield f"{name} begins {at_once} children at once, more than {CHILDREN}"
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", state.get("Iterator", {}))]:
            yield from wrong_states(inner)


def start(data):
    if len(data.get("input", "{}").encode()) > PAYLOAD:
        wrong = f"the input is longer than {PAYLOAD} bytes"
        return stepfunctions.error_response_json("InvalidExecutionInput", wrong, 400)
    return ("name" in data and refused_name(data)) or START(data)


def to_bus(spec, event, rule, event_path, target_input_payload=None):
    # The path contains each bus that forwarded it.
    if not event_path:
        TO_BUS(spec, event, rule, event_path, target_input_payload)


def hold() -> None:
    """Installs the limits."""
    for name in ("_execute_pass", "_execute_task", "_execute_choice", "_execute_wait", "_execute_parallel", "_execute_map"):
        setattr(stepfunctions, name, limited(getattr(stepfunctions, name)))
    stepfunctions._add_event = add_event
    stepfunctions._resolve_params_obj = parameters
    stepfunctions._scaled_sleep = sleep
    stepfunctions._call_lambda = call
    stepfunctions._invoke_resource = invoke
    stepfunctions._run_sub_machine = run_child
    stepfunctions._run_distributed_map = run_map
    stepfunctions._apply_result_selector = result_selector
    stepfunctions._find_matching_retrier = retrier
    stepfunctions._find_matching_catcher = catcher
    stepfunctions._create_state_machine = create
    stepfunctions._update_state_machine = update
    stepfunctions._start_execution = start
    provisioners._sfn_definition = definition_of_stack
    eventbridge._dispatch_to_event_bus = to_bus
