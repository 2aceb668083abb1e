# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""resource: what is compared, what is written in which case, and what is told."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import resource as resources
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import (
    ImmutableFieldError,
    NotVisibleError,
    Resource,
    converge,
    differences,
    satisfied,
)


class Thing(Resource):
    """One thing in a cloud that is a variable; `at_creation` are the fields that its API sets at once."""

    immutable = frozenset({"zone"})
    exact = frozenset({"policy"})
    label = "Thing one"

    def __init__(self, declared, there=None, at_creation=None, hidden=0):
        self.fields = declared
        self.there = there
        self.at_creation = declared.keys() if at_creation is None else at_creation
        self.hidden = hidden  # reads after the creation that do not show it yet
        self.writes = []

    def declared(self):
        return self.fields

    def read(self):
        if self.writes and self.hidden:
            self.hidden -= 1
            return None
        return None if self.there is None else dict(self.there)

    def unknown(self):
        return {"id": "thing-0", "arn": "arn:thing-0", "size": 0}

    def create(self):
        self.writes.append("create")
        self.there = (self.there or {}) | {"id": "thing-1"} | {name: self.fields[name] for name in self.at_creation}

    def update(self, changes):
        self.writes.append(changes)
        tags = self.there.get("tags", {}) | changes.get("tags", {})
        self.there |= changes | ({"tags": tags} if tags else {})

    def delete(self):
        self.writes.append("delete")
        self.there = None


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr(resources.time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize(
    ("declared", "observed", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, False),
        ({"a": None}, {}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": 1}, None, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([1], [1, 2], False),
        ([1, 2], [1], False),
        ([1, 2], [2, 1], False),
        ([], [], True),
        (True, 1, True),
        (False, None, False),
    ],
)
def test_satisfied(declared, observed, same):
    assert satisfied(declared, observed) is same


def test_an_exact_dictionary_holds_nothing_else():
    declared, observed = {"policy": {"a": 1}, "tags": {"a": 1}}, {"policy": {"a": 1, "b": 2}, "tags": {"a": 1, "b": 2}}
    assert differences(declared, observed) == {}
    assert differences(declared, observed, frozenset({"policy"})) == {"policy": {"a": 1}}


def test_a_field_that_nobody_declared_is_no_difference():
    assert differences({"size": 1}, {"size": 1, "id": "thing-1"}) == {}


def converged(thing, *, present=True):
    """The result of a run, after its check has foretold it and written nothing."""
    plan = converge(thing, present=present, check_mode=True)
    assert thing.writes == []
    result = converge(thing, present=present, check_mode=False)
    assert (plan["changed"], plan["diff"]) == (result["changed"], result["diff"])
    return result


def test_creates_what_is_missing():
    thing = Thing({"size": 2, "zone": "a"})
    assert converge(thing, present=True, check_mode=True)["resource"] == {"id": "thing-0", "arn": "arn:thing-0", "size": 2, "zone": "a"}
    result = converged(thing)

    assert result == {
        "changed": True,
        "diff": {"before": {}, "after": {"size": 2, "zone": "a"}},
        "resource": {"id": "thing-1", "size": 2, "zone": "a"},
    }
    assert thing.writes == ["create"]
    assert converged_again(thing)


def converged_again(thing):
    thing.writes.clear()
    result = converged(thing)
    return not result["changed"] and thing.writes == [] and result["diff"] == {"before": {}, "after": {}}


def test_what_a_creation_cannot_set_is_updated_after_it():
    thing = Thing({"size": 2, "zone": "a"}, at_creation=["zone"])
    assert converged(thing)["diff"]["after"] == {"size": 2, "zone": "a"}
    assert thing.writes == ["create", {"size": 2}]
    assert converged_again(thing)


def test_updates_only_what_differs():
    thing = Thing({"size": 2, "name": "one"}, there={"id": "thing-1", "size": 1, "name": "one"})
    result = converged(thing)
    assert result["diff"] == {"before": {"size": 1}, "after": {"size": 2}}
    assert result["resource"] == {"id": "thing-1", "size": 2, "name": "one"}
    assert thing.writes == [{"size": 2}]
    assert converged_again(thing)


def test_a_plan_for_what_is_there_has_no_stand_ins():
    thing = Thing({"size": 2}, there={"id": "thing-1", "size": 1})
    assert converge(thing, present=True, check_mode=True)["resource"] == {"id": "thing-1", "size": 2}


def test_a_field_comes_whole_and_the_diff_keeps_what_stays():
    thing = Thing({"tags": {"a": "1"}}, there={"tags": {"b": "2"}})
    result = converged(thing)
    assert thing.writes == [{"tags": {"a": "1"}}]
    assert result["diff"] == {"before": {"tags": {"b": "2"}}, "after": {"tags": {"a": "1", "b": "2"}}}


def test_an_exact_dictionary_is_replaced_in_the_diff():
    thing = Thing({"policy": {"a": {"c": 1}}}, there={"policy": {"a": {"c": 1, "d": 1}, "b": 2}})
    result = converged(thing)
    assert result["diff"]["after"] == result["resource"] == {"policy": {"a": {"c": 1}}}


def test_a_field_that_the_cloud_has_never_had_has_no_before():
    thing = Thing({"size": 2}, there={"id": "thing-1"})
    assert converged(thing)["diff"] == {"before": {}, "after": {"size": 2}}


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_immutable_field_is_refused(check_mode):
    thing = Thing({"zone": "a", "size": 2}, there={"zone": "b", "size": 1})
    with pytest.raises(ImmutableFieldError, match=r"^zone$"):
        converge(thing, present=True, check_mode=check_mode)
    assert thing.writes == []


def test_what_a_retried_creation_found_is_adopted():
    """The first answer was lost, and somebody else's thing of the same name may have been there."""
    thing = Thing({"zone": "a", "size": 2}, at_creation=[])
    thing.create = lambda: thing.writes.append("create") or setattr(thing, "there", {"id": "thing-1", "zone": "a", "size": 1})
    assert converge(thing, present=True, check_mode=False)["resource"] == {"id": "thing-1", "zone": "a", "size": 2}
    assert thing.writes == ["create", {"size": 2}]


def test_what_a_retried_creation_found_is_refused_with_another_immutable_field():
    thing = Thing({"zone": "a"})
    thing.create = lambda: setattr(thing, "there", {"zone": "b"})
    with pytest.raises(ImmutableFieldError, match=r"^zone$"):
        converge(thing, present=True, check_mode=False)


def test_a_new_thing_that_shows_late_is_waited_for(pauses):
    thing = Thing({"size": 2}, at_creation=[], hidden=3)
    assert converge(thing, present=True, check_mode=False)["resource"]["size"] == 2
    assert thing.writes == ["create", {"size": 2}]
    assert pauses == [0, 1, 2, 4]


def test_a_new_thing_that_never_shows_is_told(pauses):
    thing = Thing({"size": 2}, hidden=100)
    with pytest.raises(NotVisibleError, match=r"^Thing one$"):
        converge(thing, present=True, check_mode=False)
    assert sum(pauses) == 30
    assert thing.hidden == 94  # it was looked at after the last pause, too


def test_what_is_written_is_the_result_although_the_api_still_shows_the_old():
    thing = Thing({"size": 2}, there={"id": "thing-1", "size": 1})
    thing.update = thing.writes.append
    assert converge(thing, present=True, check_mode=False)["resource"] == {"id": "thing-1", "size": 2}


def test_deletes():
    thing = Thing({}, there={"id": "thing-1", "size": 1})
    result = converged(thing, present=False)
    assert result == {"changed": True, "diff": {"before": {"id": "thing-1", "size": 1}, "after": {}}, "resource": {}}
    assert thing.writes == ["delete"]


def test_what_is_not_there_needs_no_deletion():
    thing = Thing({})
    assert converged(thing, present=False) == {"changed": False, "diff": {"before": {}, "after": {}}, "resource": {}}
    assert thing.writes == []


def test_stand_ins_are_none_by_default():
    assert Resource.unknown(Thing({})) == {}
