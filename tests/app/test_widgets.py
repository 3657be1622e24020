"""Binding widgets to values: sent until a page was drawn to its end, and then left alone."""

from app import widgets


class Recorder(dict):
    """A session state that notes which keys are set."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def __setitem__(self, key, value):
        self.sent.append(key)
        super().__setitem__(key, value)


def test_a_widget_is_sent_again_until_the_page_was_drawn_to_its_end(monkeypatch):
    state = Recorder()
    monkeypatch.setattr(widgets.st, "session_state", state)
    widgets.bind("seed", 3)  # this run is interrupted: the browser may know nothing of the widget
    widgets.bind("seed", 3)
    assert state.sent.count("seed") == 2
    widgets.confirm_shown()
    widgets.bind("seed", 3)
    assert state.sent.count("seed") == 2, "somebody may be moving it"
    widgets.bind("seed", 4)
    assert state.sent.count("seed") == 3 and state["seed"] == 4


def test_a_name_is_shown_as_it_was_typed():
    assert ":material" not in widgets.plain(":material/home:"), "an icon"
    assert "![" not in widgets.plain("![x](http://y)")


def test_a_sentence_begins_with_a_capital_but_for_a_file_name():
    assert widgets.sentence("no such part: chin") == "No such part\\: chin."
    assert widgets.sentence("me.png is no picture") == "me.png is no picture."
    assert widgets.sentence("runs/curls/direction.pt is damaged") == "runs/curls/direction.pt is damaged."
    assert widgets.sentence("my_face is no pack!") == "my\\_face is no pack\\!"
