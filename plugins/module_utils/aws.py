# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every AWS module of the collection does around its resource: arguments, clients, errors, result."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import (
    ImmutableFieldError,
    NotVisibleError,
    Resource,
    State,
    converge,
)

try:
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says what is missing

# Answers that a second try can mend, beyond botocore's own throttling and connection errors.
RETRIED = [
    "InternalError",
    "InternalFailure",
    "OperationAborted",  # S3 is still busy with the bucket's last change
    "ServiceUnavailable",
    "ThrottledException",
    "ThrottlingException",
    "TooManyUpdates",  # another write to the same SSM parameter is not done yet
]

Call = t.TypeVar("Call", bound=c.Callable[..., t.Any])
retried: c.Callable[[Call], Call] = AWSRetry.jittered_backoff(catch_extra_error_codes=RETRIED)


def client(module: AnsibleAWSModule, service: str) -> t.Any:
    """A boto3 client whose calls, given `aws_retry=True`, back off with jitter on throttling and server faults."""
    return module.client(service, retry_decorator=retried)


def paginated(api: t.Any, operation: str, items: str, **arguments: t.Any) -> list[t.Any]:
    """All of a list that comes in pages, with the same retries."""
    pages = retried(lambda: list(api.get_paginator(operation).paginate(**arguments)))()
    return [item for page in pages for item in page[items]]


def run(build: c.Callable[[AnsibleAWSModule], Resource], argument_spec: State, **rules: t.Any) -> None:
    """Run a module that keeps the one resource made by `build` in its declared `state`.

    `rules` are AnsibleModule's own: required_if, mutually_exclusive, …
    """
    module = AnsibleAWSModule(
        argument_spec={"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}, **argument_spec},
        supports_check_mode=True,
        **rules,
    )
    if module.params.get("tags"):  # a number is AWS's text, or it would never be the same
        module.params["tags"] = {key: str(value) for key, value in module.params["tags"].items()}
    resource = build(module)
    try:
        result = converge(resource, present=module.params["state"] == "present", check_mode=module.check_mode)
    except ImmutableFieldError as error:
        module.fail_json(
            msg=f"{resource.label} exists with another {error}, which AWS cannot change in place: delete it first, or choose another name."
        )
    except NotVisibleError:
        module.fail_json(msg=f"{resource.label} was created, and AWS does not show it yet: run again in a minute.")
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json_aws(error, msg=f"Failed to converge {resource.label}")
    module.exit_json(**result)


def set_fields(params: State, names: c.Iterable[str]) -> State:
    """The parameters that the user set, of `names`."""
    return {name: params[name] for name in names if params[name] is not None}


def tags_from(pairs: c.Iterable[State]) -> dict[str, str]:
    """AWS's list of {Key, Value} (or {key, value}) as a dictionary, without AWS's own tags."""
    tags = {str(pair.get("Key", pair.get("key"))): str(pair.get("Value", pair.get("value", ""))) for pair in pairs}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def tags_to(tags: State) -> list[dict[str, str]]:
    """A dictionary of tags as AWS's list of {Key, Value}."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]
