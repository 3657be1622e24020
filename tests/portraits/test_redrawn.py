"""An edit without a flaw, as a judge measures it."""

import pytest
import torch

from portraits import redrawn
from portraits.scene import ATTRIBUTES, FACTORS, attributes
from portraits.side_effects import others


@pytest.mark.parametrize("attribute, value", redrawn.CHANGES)
def test_one_factor_makes_it_so(attribute, value):
    before, after = redrawn.changed_faces(attribute, value, 3, seed=4)
    assert len(before) == len(after) == 3
    for was, scene in zip(before, after):
        assert attributes(was)[attribute] != value and attributes(scene)[attribute] == value
    again = redrawn.changed_faces(attribute, value, 3, seed=4)
    assert [scene.to_json() for scene in again[1]] == [scene.to_json() for scene in after]


def test_all_factors_are_known():
    assert {factor for factor, _ in redrawn.CHANGES.values()} <= set(FACTORS)


class SeesAll(torch.nn.Module):
    """Looks at nothing, and says what it was told to say: an attribute a call."""

    def __init__(self, answers):
        super().__init__()
        self.head, self.answers = torch.nn.Linear(1, len(ATTRIBUTES)), iter(answers)

    def forward(self, images):
        return next(self.answers).expand(len(images), -1)


def test_what_is_counted(monkeypatch):
    monkeypatch.setattr(redrawn, "CHANGES", {("Bald", True): ("bald", 2.3)})
    before = torch.full((1, len(ATTRIBUTES)), -1.0)
    after = before.clone()
    for name in ("Bald", "Bangs", "Freckles"):  # as asked, as it must be, and a mistake
        after[0, ATTRIBUTES.index(name)] = 1.0
    found = redrawn.evaluate_redrawn(SeesAll([before, after]), size=32, faces=2)
    assert found["target_rate"] == 1
    assert found["side_effect_rate"] == pytest.approx(2 / int(others("Bald").sum()))
    assert found["avoidable_side_effect_rate"] == pytest.approx(1 / int(others("Bald", avoidable=True).sum()))
    assert 0 < found["true_side_effect_rate"] < 0.2, "who turns bald has no hair colour any more"
    assert found["by_attribute"]["Bald"]["target_rate"] == 1
