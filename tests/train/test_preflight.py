"""The checks before a run: what must stop it does, with one line, and what need not does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from runtime.errors import ModelError
from runtime.tools.code_interpreter import code_interpreter_tool
from train import estimate as estimates
from train.config import RunConfig
from train.data import Problem
from train.errors import DataError, SodError, TrainingError
from train.estimate import Lengths, estimate
from train.nano.model import TEMPLATE, VOCABULARY, random_model
from train.preflight import (
    check_prompts,
    check_teacher_scores,
    check_template,
    check_vocabularies,
    compare_templates,
    preflight,
)

TEMPLATES = Path(__file__).parents[1] / "data" / "templates"
TOOLS = [code_interpreter_tool(None)]
CONFIG = RunConfig(
    max_tokens=64, max_prompt_tokens=256, max_turns=4, steps=4, eval_every=2, batch_problems=2,
    mini_batch_problems=2, group_size=4, micro_batch=4, eval_problems=8, validation_problems=4,
    sft_examples=8,
)  # fmt: skip
PROBLEMS = [Problem(str(n), "math", f"What is {n} + {n}?", str(n + n)) for n in range(6)]


def changed(tokenizer: PreTrainedTokenizerFast, change) -> PreTrainedTokenizerFast:
    """Another tokenizer, from what `change` made of the parsed tokenizer.json."""
    parsed = json.loads(tokenizer.backend_tokenizer.to_str())
    change(parsed)
    backend = Tokenizer.from_str(json.dumps(parsed))
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>")


def one_line(error: pytest.ExceptionInfo[SodError]) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 500
    return text


# Vocabularies ------------------------------------------------------------------------------------


def test_equal_vocabularies(nano_tokenizer, random_student, teacher):
    lines = check_vocabularies(nano_tokenizer, nano_tokenizer, random_student, teacher)
    assert lines == [f"vocabularies: {VOCABULARY} tokens, the same in student and teacher"]


def test_two_ids_exchanged(nano_tokenizer, random_student, teacher):
    def exchange(parsed):
        vocabulary = parsed["model"]["vocab"]
        one, other = (text for text, number in vocabulary.items() if number in (300, 310))
        vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]

    with pytest.raises(TrainingError) as caught:
        check_vocabularies(
            nano_tokenizer, changed(nano_tokenizer, exchange), random_student, teacher
        )
    text = one_line(caught)
    ours, theirs = nano_tokenizer.convert_ids_to_tokens([300, 310])
    assert f"id 300 is {ours!r} to the student and {theirs!r} to the teacher, 2 ids" in text


@pytest.mark.parametrize("name", ["<|im_start|>", "<tool_call>"])
def test_another_special_or_added_token(nano_tokenizer, random_student, teacher, name):
    def rename(parsed):
        for token in parsed["added_tokens"]:
            if token["content"] == name:
                token["content"] = "<|other|>"
        vocabulary = parsed["model"]["vocab"]
        if name in vocabulary:
            vocabulary["<|other|>"] = vocabulary.pop(name)

    with pytest.raises(TrainingError) as caught:
        check_vocabularies(nano_tokenizer, changed(nano_tokenizer, rename), random_student, teacher)
    assert f"{name!r} to the student and '<|other|>' to the teacher, 1 ids" in one_line(caught)


def test_one_token_more(nano_tokenizer, random_student, teacher):
    more = changed(nano_tokenizer, lambda parsed: None)
    more.add_tokens(["<more>"])
    with pytest.raises(
        TrainingError, match=f"id {VOCABULARY} is unknown to the student and '<more>' to"
    ):
        check_vocabularies(nano_tokenizer, more, random_student, teacher)


def test_padded_embeddings_are_fine_and_short_ones_are_not(nano_tokenizer, random_student):
    padded, short = random_model("teacher", 0), random_model("teacher", 0)
    padded.resize_token_embeddings(VOCABULARY + 64)
    short.resize_token_embeddings(VOCABULARY - 1)
    (line,) = check_vocabularies(nano_tokenizer, nano_tokenizer, random_student, padded)
    assert f"{VOCABULARY} and {VOCABULARY + 64} rows; the rest is padding" in line
    with pytest.raises(
        TrainingError, match=f"has {VOCABULARY - 1} embedding rows.* up to {VOCABULARY - 1}"
    ):
        check_vocabularies(nano_tokenizer, nano_tokenizer, random_student, short)


def test_another_end_of_turn_is_a_note(nano_tokenizer, random_student, teacher):
    base = changed(nano_tokenizer, lambda parsed: None)
    base.eos_token = "<|endoftext|>"
    assert "<|endoftext|>" in check_vocabularies(nano_tokenizer, base, random_student, teacher)[1]


# Templates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("template", [TEMPLATE, None, "qwen2.5.jinja", "smollm2.jinja"])
def test_templates_that_only_append(tokenizer, template, thinking):
    if template and template.endswith(".jinja"):
        template = (TEMPLATES / template).read_text()
    assert check_template(tokenizer, template, TOOLS, thinking) == ["template: grows by appending"]


@pytest.mark.parametrize("thinking", [False, True])
def test_dropped_thoughts_are_a_note(tokenizer, thinking):
    template = (TEMPLATES / "qwen3.jinja").read_text()
    _, note = check_template(tokenizer, template, TOOLS, thinking)
    assert "drops earlier thinking" in note


@pytest.mark.parametrize("name", ["gemma3-style.jinja", "llama3.1-style.jinja"])
def test_turn_ends_that_are_no_token_of_this_vocabulary_are_a_note(tokenizer, name):
    _, note = check_template(tokenizer, (TEMPLATES / name).read_text(), TOOLS)
    assert "do not end in a token of their own" in note


@pytest.mark.parametrize(
    "change",
    [
        ("message.role + '\\n'", "message.role + ' of ' + messages | length | string + '\\n'"),
        ("loop.first and tools", "loop.index0 == [0, messages | length - 3] | max and tools"),
        ("+ message.content", "+ (message.content if loop.revindex < 4 else '...')"),
    ],
)
def test_a_template_that_rewrites_earlier_turns(tokenizer, change):
    assert change[0] in TEMPLATE
    with pytest.raises(TrainingError) as caught:
        check_template(tokenizer, TEMPLATE.replace(*change), TOOLS)
    assert "changes earlier turns" in one_line(caught)


def test_a_broken_template(tokenizer):
    with pytest.raises(ModelError, match="template is broken"):
        check_template(tokenizer, "{% for %}", TOOLS)


def test_the_teachers_own_template(tokenizer):
    assert compare_templates(tokenizer, TEMPLATE, TEMPLATE, TOOLS) == []
    assert compare_templates(tokenizer, TEMPLATE, TEMPLATE + "{#- the same -#}", TOOLS) == []
    assert "no chat template" in compare_templates(tokenizer, TEMPLATE, None, TOOLS)[0]
    other = TEMPLATE.replace("' in <tool_call>'", "' within <tool_call>'")
    (note,) = compare_templates(tokenizer, TEMPLATE, other, TOOLS)
    assert "'in <tool_call>" in note and "instead of 'within <tool_call>" in note


# The teacher's scores ----------------------------------------------------------------------------


def rigged(row: int, size: float) -> PreTrainedModel:
    """A model that gives token `row` a logit of about `size`, and all others less."""
    model = random_model("teacher", 0)
    model.lm_head.weight = torch.nn.Parameter(torch.zeros_like(model.lm_head.weight))
    with torch.no_grad():
        model.lm_head.weight[row] = size
        model.model.norm.weight.zero_()

    def ones(_: object, __: object, states: torch.Tensor) -> torch.Tensor:
        return states + 1 / states.size(-1)

    model.model.norm.register_forward_hook(ones)
    return model


def test_a_teacher_that_knows_better_than_a_guess():
    (line,) = check_teacher_scores(rigged(5, 20.0), [3, 5, 5], [False, True, True])
    assert line == "teacher: -0.00 nats a token on a solved problem (a guess: -6.6)"


def test_a_teacher_that_knows_worse_than_a_guess():
    with pytest.raises(TrainingError) as caught:
        check_teacher_scores(rigged(9, 20.0), [3, 5, 5], [False, True, True])
    assert "-20.0 nats a token, worse than a guess (-6.6)" in one_line(caught)


def test_only_the_students_tokens_are_scored():
    check_teacher_scores(rigged(5, 20.0), [3, 7, 5, 7], [False, False, True, False])


def test_a_teacher_without_finite_scores():
    with pytest.raises(TrainingError) as caught:
        check_teacher_scores(rigged(5, float("nan")), [3, 5], [False, True])
    assert "not finite" in one_line(caught)


# Prompts -----------------------------------------------------------------------------------------


def test_prompts_that_are_too_long_are_left_out(collector):
    length = len(collector.prompt_ids(PROBLEMS[0].prompt()))
    long = replace(PROBLEMS[0], question="What is 1 + 1? " * 40)
    choices = replace(PROBLEMS[0], choices=("one hundred and one", "two thousand and two"))
    kept, dropped = check_prompts([*PROBLEMS, long, choices], collector, length)
    assert (kept, dropped) == (PROBLEMS, 2)
    exact = len(collector.prompt_ids(long.prompt()))
    assert check_prompts([long], collector, exact) == ([long], 0)
    assert collector.shared.prompts == {}
    with pytest.raises(DataError) as caught:
        check_prompts([long], collector, exact - 1)
    assert "raise --max-prompt-tokens" in one_line(caught)


# Estimates ---------------------------------------------------------------------------------------


def test_memory_is_counted(random_student, teacher, tokenizer):
    lengths = Lengths.expected(CONFIG, prompt=80)
    assert (lengths.prompt, lengths.written, lengths.turns) == (80, 32, 2)
    guess = estimate(CONFIG, random_student, teacher, tokenizer, lengths)
    held = sum(weight.numel() * 4 for weight in random_student.parameters()) / 2**30
    assert guess.memory["student"] == pytest.approx(held)
    assert guess.memory["optimiser"] == pytest.approx(2 * held)
    theirs = sum(weight.numel() * 4 for weight in teacher.parameters()) / 2**30
    assert guess.memory["teacher"] == pytest.approx(theirs)
    assert set(guess.seconds) == {"imitation", "rollouts", "scores", "updates", "evaluation"}
    assert all(0 < seconds < 600 for seconds in guess.seconds.values())
    assert guess.lines[0].startswith("estimate: about 0.0 GiB, at least ")
    assert "80 + 32 tokens in 2 turns" in guess.lines[-1]


def test_what_takes_less_memory(random_student):
    def memory(**settings: object) -> dict[str, float]:
        return estimates._memory(replace(CONFIG, **settings), random_student, None, 1)

    whole = memory(micro_batch=8)
    assert memory(micro_batch=2)["micro batch"] < whole["micro batch"] / 2
    assert memory(micro_batch=8, gradient_checkpointing=True)["micro batch"] < whole["micro batch"]
    assert memory(lora_rank=4)["optimiser"] < whole["optimiser"]
    rows = memory(eval_problems=4096)["rollouts"]
    assert memory(eval_problems=4096, rollout_batch=2048)["rollouts"] == pytest.approx(rows / 2)


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"eval_problems": 4096}, "--rollout-batch below 4096"),
        ({"micro_batch": 8}, "--micro-batch or set --gradient-checkpointing"),
        ({"micro_batch": 1, "max_prompt_tokens": 1, "max_tokens": 2}, "--lora-rank"),
    ],
)
def test_too_little_memory_names_the_setting(
    random_student, tokenizer, monkeypatch, settings, flag
):
    monkeypatch.setattr(estimates, "_free_bytes", lambda device: 1 << 10)
    config = replace(CONFIG, **settings)
    with pytest.raises(TrainingError) as caught:
        estimate(config, random_student, None, tokenizer, Lengths(1, 1, 1))
    assert flag in one_line(caught)


def test_the_sample_changes_nothing(random_student, tokenizer):
    before = {name: weight.clone() for name, weight in random_student.state_dict().items()}
    random_student.train()
    state = torch.get_rng_state()
    estimate(CONFIG, random_student, None, tokenizer, Lengths(80, 32, 2))
    assert random_student.training
    random_student.eval()
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], new) for name, new in random_student.state_dict().items())


def test_a_run_without_rounds_takes_no_time_for_them(random_student, tokenizer):
    seconds = estimate(
        replace(CONFIG, method="sft"), random_student, None, tokenizer, Lengths(80, 32, 2)
    ).seconds
    assert seconds["rollouts"] == seconds["updates"] == 0 < seconds["imitation"]


# All of it ---------------------------------------------------------------------------------------


def test_the_whole_preflight(random_student, nano_tokenizer, collector):
    long = replace(PROBLEMS[0], id="long", question="What is 1 + 1? " * 60)
    ends = nano_tokenizer.eos_token_id
    teacher = (rigged(ends, 0.5), nano_tokenizer, (ends,))  # it knows that turns end
    report = preflight(
        CONFIG, random_student, nano_tokenizer, teacher, collector, [long, *PROBLEMS], PROBLEMS
    )
    assert report.train == PROBLEMS and report.evaluation == PROBLEMS
    text = "\n".join(report.lines)
    for word in ("vocabularies", "template", "1 problems to train on", "teacher", "estimate"):
        assert word in text
    assert preflight(
        CONFIG, random_student, nano_tokenizer, None, collector, PROBLEMS, PROBLEMS
    ).lines
