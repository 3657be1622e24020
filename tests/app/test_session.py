"""The history of a session: steps, merging, limits, and changes that leave the old snapshot as it was."""

import pytest

from app import session
from app.session import History, Snapshot, StackEdit


def stack(*names: str) -> Snapshot:
    return Snapshot(edits=tuple(StackEdit(direction=name, uid=name) for name in names))


def test_undo_and_redo_walk_the_same_way():
    history = History()
    seeds = [Snapshot(seed=n) for n in (11, 12, 13)]
    for snapshot in seeds:
        history = history.push(snapshot)
    assert history.undo().present == seeds[1]
    assert history.undo().undo().undo().present == Snapshot()
    assert history.undo().undo().redo().redo().present == seeds[2]


def test_undo_at_the_start_and_redo_at_the_end_change_nothing():
    history = History()
    assert history.undo() is history
    assert history.redo() is history


def test_a_new_change_forgets_what_was_undone():
    history = History().push(Snapshot(seed=11)).push(Snapshot(seed=12)).undo().push(Snapshot(seed=13))
    assert history.redo().present.seed == 13


def test_quick_steps_of_one_slider_are_one_step_of_undo():
    history = History().push(Snapshot(seed=1), now=0.0)
    for n, value in enumerate((0.1, 0.2, 0.3)):
        history = history.push(Snapshot(seed=1, truncation=value), "truncation", now=10 + n)
    assert history.undo().present.truncation == Snapshot().truncation
    late = history.push(Snapshot(seed=1, truncation=0.9), "truncation", now=20)
    assert late.undo().present.truncation == 0.3


def test_a_change_that_changes_nothing_is_no_step():
    assert History().push(Snapshot()).past == ()


def test_history_is_bounded():
    history = History()
    for seed in range(session.MAX_UNDO + 50):
        history = history.push(Snapshot(seed=seed + 10))
    assert len(history.past) == session.MAX_UNDO


def test_edits_can_be_changed_moved_and_removed():
    before = stack("a", "b", "c")
    assert [e.uid for e in session.moved(before, "c", -1).edits] == ["a", "c", "b"]
    assert [e.uid for e in session.moved(before, "a", -1).edits] == ["a", "b", "c"]
    assert [e.uid for e in session.moved(before, "a", 5).edits] == ["b", "c", "a"]
    assert [e.uid for e in session.removed(before, "b").edits] == ["a", "c"]
    assert session.changed(before, "b", alpha=-1.5).edits[1].alpha == -1.5
    assert before == stack("a", "b", "c")


def test_an_edit_that_has_gone_is_left_alone():
    before = stack("a")
    assert session.changed(before, "gone", alpha=2.0) == before
    assert session.moved(before, "gone", 1) == before
    assert session.removed(before, "gone") == before


def test_a_seed_out_of_range_is_named():
    with pytest.raises(ValueError, match="-1 is not a seed, 0 to 4294967295"):
        session.with_face(Snapshot(), -1)


def test_another_face_drops_the_latent_of_a_recipe():
    assert session.with_face(Snapshot(w_plus=((0.0,),)), 5).w_plus is None


def test_state_keeps_the_history():
    state: dict = {}
    session.commit(state, Snapshot(seed=20))
    session.undo(state)
    assert session.present(state) == Snapshot()
    session.redo(state)
    assert session.present(state).seed == 20


def test_any_state_can_be_gone_to_and_none_is_lost():
    history = History()
    for seed in (11, 12, 13):
        history = history.push(Snapshot(seed=seed))
    first = history.go(0)
    assert first.present == Snapshot() and first.states == history.states
    assert first.go(2).present.seed == 12 and first.go(2).undo().present.seed == 11
    assert history.go(3) is history and history.go(4) is history and history.go(-1) is history


def test_only_some_states_are_left_of_a_history():
    past, present, future = (Snapshot(seed=1), Snapshot(seed=2)), Snapshot(seed=3), (Snapshot(seed=4),)
    whole = History(present, past, future)

    def seeds(history):
        return [state.seed for state in history.states], history.present.seed

    assert seeds(whole.only(lambda state: state.seed != 2)) == ([1, 3, 4], 3)
    assert seeds(whole.only(lambda state: state.seed != 3)) == ([1, 2, 4], 2)
    assert seeds(whole.only(lambda state: state.seed == 4)) == ([4], 4)
    assert whole.only(lambda state: False) is None
