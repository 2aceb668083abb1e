# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shape that every module of the collection shares: read, compare, converge, tell."""

from __future__ import annotations

import abc
import collections.abc as c
import time
import typing as t

State = dict[str, t.Any]

PAUSES = (0, 1, 2, 4, 8, 15)  # seconds before each look at what was just created


class ImmutableFieldError(ValueError):
    """A declared field differs and the cloud cannot change it in place."""


class NotVisibleError(RuntimeError):
    """A resource was created and the API does not show it yet."""


class Resource(abc.ABC):
    """One cloud resource. Subclasses speak the module's own terms; only `create`, `update` and `delete` write.

    `create` may leave to `update` what the API cannot set at creation: `converge` compares again
    after it, which also finishes a creation that was interrupted half-way.
    """

    immutable: t.ClassVar[frozenset[str]] = frozenset()
    exact: t.ClassVar[frozenset[str]] = frozenset()
    """Dictionaries that hold what was declared and nothing else, such as policies; others may hold more, such as tags."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """What messages call it: its kind and name."""

    @abc.abstractmethod
    def declared(self) -> State:
        """Only the fields that the user set."""

    @abc.abstractmethod
    def read(self) -> State | None:
        """The same fields as the cloud has them now (others may stand beside them), or None where the resource is missing."""

    def unknown(self) -> State:
        """Well-formed stand-ins for what only the cloud can tell (ids, ARNs), given out in check mode for a missing resource."""
        return {}

    @abc.abstractmethod
    def create(self) -> None: ...

    @abc.abstractmethod
    def update(self, changes: State) -> None:
        """Write `changes`, a part of `declared`; fields come whole, not as a difference."""

    @abc.abstractmethod
    def delete(self) -> None: ...


def satisfied(declared: t.Any, observed: t.Any) -> bool:
    """Whether `observed` has all that was declared. Keys of a dictionary that nobody declared are nobody's business."""
    if isinstance(declared, dict) and isinstance(observed, dict):
        return all(key in observed and satisfied(value, observed[key]) for key, value in declared.items())
    if isinstance(declared, list) and isinstance(observed, list):
        return len(declared) == len(observed) and all(map(satisfied, declared, observed))
    return bool(declared == observed)


def differences(declared: State, observed: State, exact: frozenset[str] = frozenset()) -> State:
    """The declared fields whose observed value is another one."""

    def same(name: str) -> bool:
        wanted, there = declared[name], observed.get(name)
        return bool(wanted == there) if name in exact else satisfied(wanted, there)

    return {name: value for name, value in declared.items() if not same(name)}


def converge(resource: Resource, *, present: bool, check_mode: bool) -> State:
    """Bring `resource` to its declared state and return Ansible's result: `changed`, `diff`, `resource`.

    In check mode nothing is written, and the result is what a run would give.
    """
    before = resource.read()
    if not present:
        if before is not None and not check_mode:
            resource.delete()
        return _result(before is not None, before or {}, {}, {})

    declared = resource.declared()
    changes = _changes(resource, declared, before)
    if before is not None and not changes:
        return _result(False, {}, {}, before)
    planned = _merged(before or {}, changes, resource.exact)
    diff = _only(changes, before or {}), _only(changes, planned)
    if check_mode:
        return _result(True, *diff, (resource.unknown() if before is None else {}) | planned)
    if before is None:
        resource.create()
        changes = _changes(resource, declared, _created(resource))
    if changes:
        resource.update(changes)
    return _result(True, *diff, _merged(resource.read() or {}, declared, resource.exact))


def _changes(resource: Resource, declared: State, observed: State | None) -> State:
    """What is left to write. A resource that a retried creation found already there counts as observed."""
    if observed is None:
        return declared
    changes = differences(declared, observed, resource.exact)
    if stuck := sorted(resource.immutable & changes.keys()):
        raise ImmutableFieldError(", ".join(stuck))
    return changes


def _created(resource: Resource) -> State:
    """Some APIs show a new resource only after a moment."""
    for pause in PAUSES:
        time.sleep(pause)
        if (observed := resource.read()) is not None:
            return observed
    raise NotVisibleError(resource.label)


def _merged(state: State, declared: State, exact: frozenset[str] = frozenset()) -> State:
    """`state` with `declared` laid over it, as deep as the dictionaries go that may hold more."""
    return state | {
        name: _merged(state[name], value) if name not in exact and isinstance(value, dict) and isinstance(state.get(name), dict) else value
        for name, value in declared.items()
    }


def _result(changed: bool, before: State, after: State, resource: State) -> State:
    return {"changed": changed, "diff": {"before": before, "after": after}, "resource": resource}


def _only(names: c.Iterable[str], state: State) -> State:
    return {name: state[name] for name in sorted(names) if name in state}
