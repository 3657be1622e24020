"""Edit stacks, incremental synthesis, recipes inside PNGs, strips, and the command line of lelsd.edit."""
from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from lelsd.direction import Direction
from lelsd.edit import Edit, EditStack, StackRenderer, apply, base_latent
from lelsd.recipe import KEY, Recipe, recipe_from_file, save_png
from lelsd.strip import CAPTION_HEIGHT, parse_alphas, sheet, strip


def make_direction(pack, layers=(3, 4), prompt="a person with curly hair") -> Direction:
    """A random direction for the tiny pack."""
    generator = pack.generator
    deltas = torch.zeros(1, generator.num_ws, generator.w_dim)
    deltas[:, list(layers)] = torch.randn(1, len(layers), generator.w_dim, generator=torch.Generator().manual_seed(layers[0]))
    return Direction(deltas, tuple(layers), prompt, "hair", pack.name, pack.hash, (0.5,))


@pytest.fixture
def stack(tiny_models) -> EditStack:
    return EditStack((Edit(make_direction(tiny_models), 1.5), Edit(make_direction(tiny_models, (5, 6), "a person with a hat"), -0.5)))


def test_stack_operations(stack):
    assert [edit.alpha for edit in stack.move(0, 1).edits] == [-0.5, 1.5]
    assert [edit.alpha for edit in stack.remove(0).edits] == [-0.5]
    assert [edit.alpha for edit in stack.change(1, alpha=2.0).add(stack.edits[0]).edits] == [1.5, 2.0, 1.5]
    assert len(stack) == 2 and stack.edits[0].alpha == 1.5
    for wrong in (lambda: stack.remove(2), lambda: stack.move(0, 2), lambda: stack.change(-1, alpha=0.0), lambda: stack.change(0, alpha=11.0),
                  lambda: stack.change(0, alpha=float("nan")), lambda: stack.change(0, layers=(5,)), lambda: stack.change(0, index=1)):
        with pytest.raises(ValueError, match="accepted"):
            wrong()


def test_apply_adds_the_steps(stack, tiny_models):
    w_plus = base_latent(tiny_models, 3, 0.8)
    expected = w_plus + 1.5 * 0.5 * stack.edits[0].direction.deltas - 0.5 * 0.5 * stack.edits[1].direction.deltas
    assert torch.allclose(apply(w_plus, stack), expected, atol=1e-6)
    assert torch.equal(apply(w_plus, stack.change(0, muted=True).change(1, alpha=0.0)), w_plus)
    one_layer = apply(w_plus, EditStack((Edit(stack.edits[0].direction, 1.0, layers=(4,)),)))
    assert (one_layer != w_plus).any(dim=2)[0].nonzero().flatten().tolist() == [4]
    with pytest.raises(ValueError, match="rows"):
        apply(torch.zeros(1, 4, 3), stack)


def test_incremental_pictures_are_those_of_a_full_pass(stack, tiny_models):
    w_plus = base_latent(tiny_models, 1, 1.0)
    renderer, synthesis = StackRenderer(tiny_models, w_plus), tiny_models.generator.synthesis
    stacks = [EditStack(), stack, stack.change(1, alpha=1.0), stack.change(1, alpha=0.7), stack.change(0, alpha=-1.0), stack.change(0, muted=True),
              stack, stack, EditStack()]
    with torch.no_grad():
        for now in stacks:
            assert torch.equal(renderer.render(now), synthesis(apply(w_plus, now)))


def test_a_slider_pays_only_for_its_layers(stack, tiny_models, monkeypatch):
    renderer = StackRenderer(tiny_models, base_latent(tiny_models, 1, 1.0))
    renderer.render(stack)
    renderer.render(stack.change(1, alpha=0.1))
    monkeypatch.setattr(tiny_models.generator.synthesis, "state_below", lambda *args: pytest.fail("computed the lower layers again"))
    renderer.render(stack.change(1, alpha=0.2))
    assert renderer._state.layer == 5


def test_foreign_direction_is_refused(tiny_models):
    foreign = Direction(torch.zeros(1, 8, 16), (1,), "p", "hair", "other", "ff", (1.0,))
    with pytest.raises(ValueError, match="was learned with pack 'other'"):
        StackRenderer(tiny_models, base_latent(tiny_models, 1, 1.0)).render(EditStack((Edit(foreign),)))


@pytest.mark.parametrize("with_seed", [True, False])
def test_recipe_travels_in_a_png(stack, tiny_models, tmp_path, with_seed):
    from stylegan2.images import to_pil
    w_plus = base_latent(tiny_models, 5, 0.7)
    base = {"seed": 5, "truncation": 0.7} if with_seed else {"w_plus": w_plus}
    recipe = Recipe(tiny_models.name, tiny_models.hash, stack.change(0, layers=(4,), muted=False), **base)
    picture = recipe.render(tiny_models)
    save_png(tmp_path / "p.png", to_pil(picture), recipe)
    again = recipe_from_file(tmp_path / "p.png")
    assert torch.equal(again.render(tiny_models), picture)
    assert again.to_json() == recipe.to_json() == recipe_from_file(io.BytesIO(recipe.to_json().encode())).to_json()
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (32, 32) and json.loads(image.text[KEY])["edits"][0]["alpha"] == 1.5


def test_a_direction_used_twice_is_stored_once(stack, tiny_models):
    twice = Recipe("tiny", tiny_models.hash, stack.add(stack.edits[0]), seed=1).to_dict()
    assert len(twice["edits"]) == 3 and len(twice["directions"]) == 2


def test_files_without_a_recipe(stack, tiny_models, tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (8, 8)).save(plain)
    with pytest.raises(ValueError, match="holds no recipe"):
        recipe_from_file(plain)
    huge = tmp_path / "huge.png"
    Image.new("1", (9000, 9000)).save(huge)
    with pytest.raises(ValueError, match="9000 x 9000 pixels; accepted: up to 64 million"):
        recipe_from_file(huge)
    for name, data, words in (("cut.png", plain.read_bytes()[:40], "damaged PNG"), ("x.json", b"{", "not JSON"), ("y.json", b"[]", "not a recipe"),
                              ("z.jpg", b"\xff\xd8\xff", "not JSON"), ("e.json", b"", "not JSON")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=words) as caught:
            recipe_from_file(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="there is no file"):
        recipe_from_file(tmp_path / "none.png")


@pytest.mark.parametrize("field, value", [("version", 9), ("seed", -1), ("seed", "1"), ("truncation", "x"), ("truncation", 1000), ("truncation", -5), ("edits", 3), ("edits", [{}]), ("directions", {"a": "!"}),
                                          ("pack", 1), ("directions", {}), ("w_plus", {"shape": [1, 2], "float32": ""})])
def test_damaged_recipes(stack, tiny_models, field, value):
    values = {**Recipe("tiny", tiny_models.hash, stack, seed=1).to_dict(), field: value}
    with pytest.raises(ValueError, match="damaged recipe"):
        Recipe.from_json(json.dumps(values))


def test_recipe_of_another_pack(stack, tiny_models):
    with pytest.raises(ValueError, match="made with pack 'other'.*'tiny'"):
        Recipe("other", "0" * 64, stack, seed=1).render(tiny_models)


def test_strip(tiny_models):
    picture = strip(tiny_models, make_direction(tiny_models), [0, 1, 2], [-1, 0, 1, 2])
    assert picture.size == (4 * 32, CAPTION_HEIGHT + 3 * 32)
    unchanged = picture.crop((32, CAPTION_HEIGHT, 64, CAPTION_HEIGHT + 32))
    bare = strip(tiny_models, make_direction(tiny_models), [0], [0.0], captions=False)
    assert list(unchanged.get_flattened_data() if hasattr(unchanged, "get_flattened_data") else unchanged.getdata()) == \
        list(bare.get_flattened_data() if hasattr(bare, "get_flattened_data") else bare.getdata())
    assert parse_alphas("-2,0,.5") == [-2.0, 0.0, 0.5]
    for text in ("", "a", "1,,2", "99", "nan"):
        with pytest.raises(ValueError, match="alphas are"):
            parse_alphas(text)
    with pytest.raises(ValueError, match="truncation is -5; accepted: a number from 0 to 2"):
        strip(tiny_models, make_direction(tiny_models), [0], truncation=-5)


def test_what_stands_above_large_pictures_is_read_on_a_phone_too():
    picture = sheet([np.full((5, 256, 256, 3), 255, np.uint8)], ["+1"] * 5)
    inked = np.flatnonzero((np.asarray(picture) < 128).any(axis=(1, 2)))
    assert (inked[-1] - inked[0]) * 360 / picture.width > 5, "pixels of a digit where the sheet is 360 wide"


def test_command_line(command, tiny_pack, tiny_models, tmp_path):
    make_direction(tiny_models).save(tmp_path / "d.safetensors")
    done = command("lelsd.edit", "--pack", tiny_pack, "--direction", "d.safetensors", "--alpha", "-1.5", "--seeds", "0,3", "--out", "out", "--device", "cpu")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["seed_0000_after.png", "seed_0000_before.png", "seed_0003_after.png",
                                                                         "seed_0003_before.png"]
    assert done.result["alphas"] == [-1.5] and len(done.result["files"]) == 4
    command("lelsd.edit", "--pack", tiny_pack, "--recipe", "out/seed_0003_after.png", "--out", "again", "--device", "cpu")
    with Image.open(tmp_path / "again" / "seed_0003_after_again.png") as again, Image.open(tmp_path / "out" / "seed_0003_after.png") as first:
        assert again.tobytes() == first.tobytes()


def test_a_prompt_takes_the_directions_that_do_what_it_names(command, tiny_pack, tiny_models, tmp_path):
    for number, prompt in enumerate(("a person with curly hair", "a person with a hat", "someone with curls")):
        path = tmp_path / "runs" / str(number) / "direction.safetensors"
        path.parent.mkdir(parents=True)
        make_direction(tiny_models, (3 + number,), prompt).save(path)
    done = command("lelsd.edit", "--pack", tiny_pack, "--prompt", "hat, curly hair", "--directions", "runs", "--seeds", "3", "--out", "out", "--device", "cpu")
    assert done.result["prompts"] == ["a person with a hat", "a person with curly hair"] and done.result["alphas"] == [1.0, 1.0]
    assert [edit.direction.layers for edit in recipe_from_file(tmp_path / "out" / "seed_0003_after.png").stack.edits] == [(4,), (3,)]


def test_a_prompt_is_served_by_the_built_in_pack(tmp_path):
    from lelsd.edit import main
    done = main(["--prompt", "an old man with spectacles and no earrings", "--seeds", "62", "--out", str(tmp_path), "--device", "cpu"])
    assert list(zip(done["prompts"], done["alphas"])) == [("an elderly person", 1.0), ("a person with glasses", 1.0), ("a person with earrings", -1.0)]
    done = main(["--prompt", "a bit older, with less makeup and a hint of a beard", "--seeds", "62", "--out", str(tmp_path / "degrees"), "--device", "cpu"])
    assert list(zip(done["prompts"], done["alphas"])) == [("an elderly person", 0.5), ("a person wearing heavy makeup", -0.5), ("a person with a beard", 0.5)]


@pytest.mark.parametrize("words, said", [
    (["--direction", "d.safetensors", "--out", "o"], "each with its --alpha"),
    (["--direction", "none.safetensors", "--alpha", "1", "--out", "o"], "there is no direction file"),
    (["--direction", "d.safetensors", "--alpha", "99", "--out", "o"], "alpha is 99"),
    (["--direction", "d.safetensors", "--alpha", "1", "--layers", "0", "--out", "o"], "moves none of the layers 0"),
    (["--direction", "d.safetensors", "--alpha", "1", "--layers", "8", "--out", "o"], "0 to 7"),
    (["--recipe", "plain.png", "--out", "o"], "holds no recipe"),
    (["--recipe", "plain.png", "--alpha", "1", "--out", "o"], "one of --recipe, --prompt"),
    (["--prompt", "glasses", "--direction", "d.safetensors", "--alpha", "1", "--out", "o"], "one of --recipe, --prompt"),
    (["--direction", "d.safetensors", "--alpha", "1", "--directions", ".", "--out", "o"], "--directions means nothing without --prompt"),
    (["--prompt", "curly hair and a crown", "--directions", ".", "--out", "o"], "does 'a person with a crown'; accepted: .*train_eclipsed.py"),
    (["--prompt", " ", "--out", "o"], "prompt is empty"),
    (["--direction", "d.safetensors", "--alpha", "1", "--truncation", "1000", "--out", "o"], "truncation is 1000.0; accepted: a number from 0 to 2"),
    (["--direction", "d.safetensors", "--alpha", "1", "--base", "plain.png", "--truncation", "0", "--out", "o"], "--truncation means nothing with --base"),
    (["--direction", "d.safetensors", "--alpha", "1", "--base", "plain.png", "--seeds", "5", "--out", "o"], "--seeds means nothing with --base"),
    (["--recipe", "plain.png", "--layers", "99", "--free", "--out", "o"], "--layers means nothing with --recipe"),
    (["--recipe", "plain.png", "--free", "--out", "o"], "--free means nothing with --recipe"),
    (["--recipe", "plain.png", "--base", "plain.png", "--out", "o"], "--base means nothing with --recipe"),
    (["--direction", "d.safetensors", "--alpha", "1", "--out", "plain.png"], "plain.png")])
def test_bad_input(tiny_pack, tiny_models, tmp_path, monkeypatch, words, said):
    from lelsd.edit import main
    monkeypatch.chdir(tmp_path)
    make_direction(tiny_models).save("d.safetensors")
    Image.new("RGB", (8, 8)).save("plain.png")
    with pytest.raises((ValueError, OSError), match=said):
        main(["--pack", str(tiny_pack), "--device", "cpu", *words])
