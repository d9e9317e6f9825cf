"""What is checked before anything is learned, so that no GPU day goes to a run that cannot work.

Vocabularies agree id for id, the template only ever appends, the teacher scores sensibly, prompts
fit, and memory suffices; the time is measured on a short sample. A failure is a TrainingError or
DataError of one line, what is merely worth knowing becomes a line of the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.protocol import ChatTemplate, Message, Tool, Transcript, render_call, system_prompt
from train.config import RunConfig
from train.data import Problem
from train.errors import DataError, TrainingError
from train.estimate import Lengths, estimate
from train.rollout.tokenizer import HFTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from train.models import Loaded
    from train.rollout.collect import Collector

_THOUGHTS = re.compile(r"<think>.*?</think>\s*", re.DOTALL)
_MEASURED = 64  # prompts whose mean length is taken


@dataclass
class Report:
    """What was found, in lines for people, and the problems that are short enough."""

    lines: list[str] = field(default_factory=list)
    train: list[Problem] = field(default_factory=list)
    evaluation: list[Problem] = field(default_factory=list)


def preflight(
    config: RunConfig,
    student: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    teacher: Loaded | None,
    collector: Collector,
    train: Sequence[Problem],
    evaluation: Sequence[Problem],
    processes: int = 1,
    imitated: float | None = None,
) -> Report:
    """All checks, cheapest first. Raises TrainingError, DataError or ModelError (a bad template).

    `teacher` is None for the methods that have none. `imitated` is for `estimate`.
    """
    from train.models import chat_template_of
    from train.shared_prefix import common_prefix, shares_prefix

    report, shared = Report(), collector.shared
    if teacher is not None:
        report.lines += check_vocabularies(tokenizer, teacher[1], student, teacher[0])
    tools, template = [shared.sandbox.tool], shared.chat_template
    report.lines += check_template(shared.tokenizer, template, tools, config.thinking)
    if teacher is not None:
        theirs = chat_template_of(teacher[1])
        report.lines += compare_templates(
            shared.tokenizer, template, theirs, tools, config.thinking
        )
    limit = config.max_prompt_tokens
    report.train, dropped = check_prompts(train, collector, limit)
    report.evaluation, more = check_prompts(evaluation, collector, limit)
    if dropped or more:
        report.lines.append(
            f"left out for prompts of more than {limit} tokens (--max-prompt-tokens): "
            f"{dropped} problems to train on, {more} to evaluate on"
        )
    if teacher is not None:
        talk = _conversation(tools, report.train[0].prompt(), config.thinking)
        *_, (_, transcript) = _transcribe(shared.tokenizer, template, tools, config.thinking, talk)
        report.lines += check_teacher_scores(teacher[0], transcript.ids, transcript.sampled)
    sample = [list(collector.prompt_ids(each.prompt())) for each in report.train[:_MEASURED]]
    collector.shared.prompts.clear()
    alike = 0
    if shares_prefix(config, processes, student):
        alike = len(common_prefix(sample))
    prompt = round(sum(map(len, sample)) / len(sample))
    guess = estimate(
        config,
        student,
        teacher and teacher[0],
        shared.tokenizer,
        Lengths.expected(config, prompt, min(alike, prompt)),
        processes,
        imitated,
    )
    report.lines += guess.lines
    return report


def check_vocabularies(
    student_tokenizer: PreTrainedTokenizerBase,
    teacher_tokenizer: PreTrainedTokenizerBase,
    student: PreTrainedModel,
    teacher: PreTrainedModel,
) -> list[str]:
    """That an id means the same text to both models, added and special tokens included.

    Embeddings may have more rows than there are tokens. Raises TrainingError.
    """
    ours, theirs = (
        {number: text for text, number in each.get_vocab().items()}
        for each in (student_tokenizer, teacher_tokenizer)
    )
    every = ours.keys() | theirs.keys()
    different = [number for number in every if ours.get(number) != theirs.get(number)]
    if different:
        first = min(different)
        raise TrainingError(
            f"student and teacher have different vocabularies: id {first} is "
            f"{_name(ours.get(first))} to the student and {_name(theirs.get(first))} to the "
            f"teacher, {len(different)} ids differ. A teacher must have the student's tokenizer"
        )
    rows = {"student": _rows(student), "teacher": _rows(teacher)}
    for role, count in rows.items():
        if count <= max(ours):
            raise TrainingError(
                f"the {role} has {count} embedding rows, but its tokenizer has ids up to "
                f"{max(ours)}: these files do not belong together"
            )
    lines = [f"vocabularies: {len(ours)} tokens, the same in student and teacher"]
    if rows["student"] != rows["teacher"]:
        lines[0] += f" ({rows['student']} and {rows['teacher']} rows; the rest is padding)"
    if student_tokenizer.eos_token != teacher_tokenizer.eos_token:
        lines.append(
            f"note: the student ends turns with {_name(student_tokenizer.eos_token)}, the teacher "
            f"with {_name(teacher_tokenizer.eos_token)}"
        )
    return lines


def check_template(
    tokenizer: HFTokenizer, template: str | None, tools: Sequence[Tool], thinking: bool = False
) -> list[str]:
    """That a conversation built token by token is the one that the template renders at once.

    Thoughts are no failure: Qwen3's template, for one, drops them from earlier turns, which is why
    transcripts only append. Raises TrainingError, and ModelError for a broken template.
    """
    talk = _conversation(tools, "What is 6 times 7, plus 1?", thinking)
    chat = ChatTemplate(template, tokenizer.bos_text, tokenizer.eos_text)
    notes: dict[str, None] = {}
    for count, transcript in _transcribe(tokenizer, template, tools, thinking, talk):
        ours = b"".join(tokenizer.piece(token) for token in transcript.ids).decode()
        rendered = chat.render(talk[:count], tools, thinking=thinking)
        if tokenizer.add_bos and not rendered.startswith(tokenizer.bos_text):
            rendered = tokenizer.bos_text + rendered
        if ours != rendered:
            if _THOUGHTS.sub("", ours) != _THOUGHTS.sub("", rendered):
                raise TrainingError(
                    "the chat template changes earlier turns when a conversation grows: after "
                    f"message {count} it shows {_apart(rendered, ours)}, where the transcript has "
                    f"{_apart(ours, rendered)}; give a student with another template"
                )
            notes["note: the template drops earlier thinking; the transcript keeps it"] = None
        elif transcript.ids != tokenizer.encode(rendered, special=True):
            notes[
                "note: the template's turns do not end in a token of their own, so that ids at "
                "the seams differ from those of the whole text"
            ] = None
    return ["template: grows by appending", *notes]


def compare_templates(
    tokenizer: HFTokenizer,
    student_template: str | None,
    teacher_template: str | None,
    tools: Sequence[Tool],
    thinking: bool = False,
) -> list[str]:
    """A note if the teacher was trained on other prompts than those it will score."""
    if student_template == teacher_template:
        return []
    if teacher_template is None:
        return ["note: the teacher has no chat template; it scores prompts of the student's"]
    talk = _conversation(tools, "What is 6 times 7, plus 1?", thinking)[:2]
    ours, theirs = (
        ChatTemplate(each, tokenizer.bos_text, tokenizer.eos_text).render(
            talk, tools, thinking=thinking
        )
        for each in (student_template, teacher_template)
    )
    if ours == theirs:
        return []
    return [
        "note: the teacher scores prompts that its own template would write differently: "
        f"{_apart(ours, theirs)} instead of {_apart(theirs, ours)}"
    ]


def check_teacher_scores(
    teacher: PreTrainedModel, ids: Sequence[int], scored: Sequence[bool]
) -> list[str]:
    """That the teacher finds the `scored` tokens of `ids` (T,) likelier than a guess would.

    A wrong tokenizer, damaged or untrained weights do worse. Raises TrainingError.
    """
    import torch

    tokens = torch.tensor([list(ids)], device=teacher.device)
    with torch.no_grad():
        logits = teacher(input_ids=tokens, use_cache=False).logits[0, :-1].float()  # (T - 1, V)
    at = torch.tensor(list(scored)[1:], device=logits.device)
    chosen = logits.log_softmax(-1).gather(1, tokens[0, 1:, None])[:, 0][at]
    mean = float(chosen.mean())
    if not torch.isfinite(chosen).all():
        raise TrainingError(
            "the teacher gives log-probabilities that are not finite: its weights are damaged, or "
            "--dtype is too narrow for them"
        )
    guess = -float(torch.tensor(logits.size(-1)).log())
    if mean < guess:
        raise TrainingError(
            f"the teacher gives a solved problem {mean:.1f} nats a token, worse than a guess "
            f"({guess:.1f}): it has another tokenizer, or weights that are damaged or untrained"
        )
    return [f"teacher: {mean:.2f} nats a token on a solved problem (a guess: {guess:.1f})"]


def check_prompts(
    problems: Sequence[Problem], collector: Collector, max_prompt_tokens: int
) -> tuple[list[Problem], int]:
    """The problems whose first prompt fits, and how many do not. Raises DataError if none does."""
    # A token stands for a byte at least, so that few prompts need to be rendered and encoded.
    around = len(collector.prompt_ids("?"))
    kept = []
    for problem in problems:
        prompt = problem.prompt()
        fits = around + len(prompt.encode("utf-8", "replace")) <= max_prompt_tokens
        if fits or len(collector.prompt_ids(prompt)) <= max_prompt_tokens:
            kept.append(problem)
        collector.shared.prompts.clear()
    if not kept:
        raise DataError(
            f"all {len(problems)} prompts are longer than {max_prompt_tokens} tokens (the tool's "
            f"description alone takes {around}): raise --max-prompt-tokens"
        )
    return kept, len(problems) - len(kept)


def _conversation(tools: Sequence[Tool], question: str, thinking: bool) -> list[Message]:
    """Two calls with their results, an answer, and a further question."""
    thought = "<think>\nA program will tell.\n</think>\n\n" if thinking else ""
    calls = [
        thought + render_call(tools[0].name, {"code": code}) for code in ("print(6 * 7)", "x = 1")
    ]
    return [
        Message("system", system_prompt(tools)),
        Message("user", question),
        Message("assistant", calls[0]),
        Message("tool", "42"),
        Message("assistant", calls[1]),
        Message("tool", "43"),
        Message("assistant", f"{thought}The final answer is \\boxed{{43}}."),
        Message("user", "Are you sure?"),
    ]


def _transcribe(
    tokenizer: HFTokenizer,
    template: str | None,
    tools: Sequence[Tool],
    thinking: bool,
    talk: Sequence[Message],
) -> Iterator[tuple[int, Transcript]]:
    """Messages so far and the growing transcript, at each request after the first."""
    chat = ChatTemplate(template, tokenizer.bos_text, tokenizer.eos_text)
    transcript = Transcript.open(tokenizer, chat, talk[:2], tools, thinking)
    for count, message in enumerate(talk[2:], 3):
        if message.role == "assistant":
            written = tokenizer.encode(message.content, special=False)
            for token in [*written, *tokenizer.encode(transcript.turn_end, special=True)]:
                transcript.add_sampled(token)
            continue
        if message.role == "tool":
            transcript.add_tool_result(message.content)
        else:
            transcript.add_user(message.content)
        yield count, transcript


def _rows(model: PreTrainedModel) -> int:
    """Rows of the smaller of the two embedding matrices."""
    sides = (model.get_input_embeddings(), model.get_output_embeddings())
    return min(int(side.weight.shape[0]) for side in sides)


def _name(text: str | None) -> str:
    return "unknown" if text is None else repr(text)


def _apart(text: str, other: str) -> str:
    """What `text` holds where it begins to differ from `other`."""
    pairs = enumerate(zip(text, other, strict=False))
    start = next((n for n, (a, b) in pairs if a != b), min(len(text), len(other)))
    return repr(text[start : start + 40]) if start < len(text) else "its end"
