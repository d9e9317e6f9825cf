"""One run of the agent loop: the model writes, calls a tool, reads the result, and answers.

The loop owns the budgets and the counters; the transcript it fills is append-only token ids (see
protocol/transcript.py). Engines only see ids, tools only see arguments. What the model does wrong
is answered with a tool result it can learn from; only the engine's own failures end a run.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from runtime.engines.base import Constraint, FinishReason, GenerationStats, Sampling
from runtime.errors import EngineError
from runtime.events import (
    Event,
    Nudged,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCalled,
    ToolReturned,
    TurnFinished,
    TurnStarted,
)
from runtime.protocol import (
    ANSWER_OPENING,
    FORCED_ANSWER_HINT,
    PROTOCOL_VERSION,
    TOOL_CALL_CLOSE,
    TOOL_CALL_OPEN,
    Malformed,
    RepeatGuard,
    TextStream,
    ToolCall,
    Transcript,
    calls_schema,
    extract_answer,
    parse_turn,
)
from runtime.record import RunRecord, StopReason, TurnRecord, peak_rss_mb
from runtime.tools.outcome import ToolOutcome, call_tool

if TYPE_CHECKING:
    from runtime.agent import Agent

ANSWER_TOKENS = 64  # kept back from the budget for a forced answer
WINDOW_RESERVE = 128  # kept back from the window for it, and for the words that ask for it


class Run:
    """One question's loop: its transcript, budgets, counters and record."""

    transcript: Transcript

    def __init__(self, agent: Agent, question: str, follow_up: bool) -> None:
        self.agent, self.settings, self.question = agent, agent.settings, question
        self.tools, self.follow_up = agent.offered_tools(), follow_up
        self.record = RunRecord(None, StopReason.END_OF_TURN, agent.model_name, agent.engine.name)
        self.record.timings.load_s = agent.engine.load_s
        self.answer_tokens = min(ANSWER_TOKENS, agent.settings.max_tokens // 2)
        self.guard = RepeatGuard()
        self.stats: list[GenerationStats] = []
        self.turn = 0
        self.finish = FinishReason.EOG
        self.window_full = False

    # The loop ------------------------------------------------------------------------------

    def events(self) -> Generator[Event, None, None]:
        record = self.record
        self.started = time.perf_counter()
        try:
            yield self._open()
            if self._fits():
                yield from self._turns()
                if record.answer is None:
                    yield from self._force_answer()
        except KeyboardInterrupt:
            record.stop_reason = StopReason.INTERRUPTED
        except EngineError as error:
            record.stop_reason, record.message = StopReason.ENGINE_ERROR, str(error)
        self._close_record()
        yield RunFinished(record)

    def _turns(self) -> Iterator[Event]:
        """Turns until an answer or a spent budget; sets the record's answer and stop reason."""
        record = self.record
        while self.turn < self.settings.max_turns:
            required = self.turn == 0 and self.settings.tool_choice == "required"
            last = self.turn == self.settings.max_turns - 1 and not required
            opening = f"{TOOL_CALL_OPEN}\n" if required else ""
            constraint = self._constraint(opened=required, forbid=last)
            budget = self.settings.max_tokens - self._spent() - self.answer_tokens
            yield from self._write(opening, constraint, budget, WINDOW_RESERVE)
            text = record.turns[-1].text
            call = parse_turn(text, self.tools) if self.tools else None
            if call is not None and self.finish not in (FinishReason.LENGTH, FinishReason.CONTEXT):
                yield from self._answer_call(call)
                if self.window_full:
                    break
                continue
            record.answer = extract_answer(text)
            if record.answer is not None:
                record.stop_reason = StopReason.ANSWERED
                return
            break
        record.stop_reason = self._reason()

    def _reason(self) -> StopReason:
        if self.window_full:
            return StopReason.CONTEXT_FULL
        if self.finish is FinishReason.LENGTH:
            return StopReason.MAX_TOKENS
        if self.turn >= self.settings.max_turns:
            return StopReason.MAX_TURNS
        return StopReason.END_OF_TURN

    def _force_answer(self) -> Iterator[Event]:
        """Put `\\boxed{` in the model's mouth: a spent budget still gives its best answer."""
        before = len(self.transcript.ids)
        self.transcript.add_user(FORCED_ANSWER_HINT)
        yield Nudged(self.turn, self.transcript.ids[before:])
        constraint = self._constraint(forbid=True)
        budget = min(ANSWER_TOKENS, self.settings.max_tokens - self._spent())
        yield from self._write(ANSWER_OPENING, constraint, budget, 0)
        self.record.turns[-1].forced = True
        line = self.record.turns[-1].text.split("\n")[0]
        if self.finish is FinishReason.EOG and not _box_is_closed(line):
            line += "}"  # it ended its turn right after the answer
        self.record.answer = extract_answer(line)

    def _fits(self) -> bool:
        size, window = len(self.transcript.ids), self.agent.engine.n_ctx
        if size + WINDOW_RESERVE <= window:
            return True
        self.record.stop_reason = StopReason.CONTEXT_FULL
        self.record.message = (
            f"the prompt has {size} tokens and the window {window}, of which {WINDOW_RESERVE} are "
            "for the answer: ask a shorter question or raise --ctx"
        )
        return False

    # The model's side ------------------------------------------------------------------------

    def _write(
        self,
        opening: str,
        constraint: Constraint | None,
        budget: int,
        reserve: int,
    ) -> Iterator[Event]:
        """One assistant turn of at most `budget` tokens, into the transcript and a `TurnRecord`.

        `reserve` tokens of the window stay free.
        """
        transcript, engine = self.transcript, self.agent.engine
        self.turn += 1
        seed = (self.settings.seed * 1_000_003 + self.turn) % 0xFFFFFFFF
        before = len(transcript.ids)
        transcript.add_forced(opening)
        self.record.turns.append(TurnRecord(text=opening))
        window = engine.n_ctx - len(transcript.ids) - reserve
        limit = max(0, min(budget, window))
        settings = self.settings
        generation = engine.generate(
            transcript.ids,
            max_tokens=limit,
            sampling=Sampling(settings.temperature, settings.top_p, seed=seed),
            constraint=constraint,
            keep=self.keep if self.turn == 1 else 0,
        )
        forced = transcript.ids[before:]
        yield TurnStarted(self.turn, seed, forced, limit, _describe(constraint))
        if opening:
            yield TextDelta(self.turn, opening)
        sampled: list[int] = []
        stream, tokenizer = TextStream(), engine.tokenizer
        turn_end, tail = transcript.turn_end, ""
        self.stats.append(generation.stats)
        try:
            for token in generation:
                transcript.add_sampled(token)
                sampled.append(token)
                delta = "" if tokenizer.is_eog(token) else stream.feed(tokenizer.piece(token))
                if delta:
                    yield TextDelta(self.turn, delta)
                tail = (tail + delta)[-len(turn_end) - len(delta) :]
                if turn_end and turn_end in tail:  # written out, by a model without that token
                    generation.finish = FinishReason.EOG
                    break
                if opening == ANSWER_OPENING and (
                    "\n" in delta or _box_is_closed(transcript.text_of_turn())
                ):
                    break
        finally:
            self.record.turns[-1].text = transcript.text_of_turn()
            if self.record.timings.ttft_s is None and sampled:
                ttft = generation.stats.ttft_s + generation.called_at - self.started
                self.record.timings.ttft_s = round(ttft, 4)
        self.finish = generation.finish
        if self.finish is FinishReason.LENGTH and window <= budget:
            self.finish = FinishReason.CONTEXT
        self.window_full = self.finish is FinishReason.CONTEXT
        yield self._turn_finished(sampled, generation.stats)

    def _spent(self) -> int:
        return sum(stats.generated for stats in self.stats)

    def _constraint(self, *, opened: bool = False, forbid: bool = False) -> Constraint | None:
        if not self.settings.grammar or not self.tools:
            return None
        schema = None if forbid else calls_schema(self.tools)
        return Constraint(TOOL_CALL_OPEN, TOOL_CALL_CLOSE, schema, opened=opened)

    # The tool's side -------------------------------------------------------------------------

    def _answer_call(self, call: ToolCall | Malformed) -> Iterator[Event]:
        """Run a call, or explain what was wrong with it, and append what the model will read."""
        row = self.record.turns[-1]
        started = time.perf_counter()
        if isinstance(call, Malformed):
            outcome = ToolOutcome(call.message, call.reason.value)
        else:
            row.tool, row.arguments = call.name, call.arguments
            yield ToolCalled(self.turn, call.name, call.arguments)
            refusal = self.guard.check(call)
            if refusal is not None:
                outcome = ToolOutcome(refusal, "repeated_call")
            else:
                chosen = next(tool for tool in self.tools if tool.name == call.name)
                outcome = call_tool(chosen, call.arguments)
                self.guard.record(call, outcome.text)
        row.result, row.error = outcome.text, outcome.error
        row.seconds = round(time.perf_counter() - started, 6)
        text = outcome.text
        if self.turn == self.settings.max_turns - 1:
            text = f"{text}\n{FORCED_ANSWER_HINT}"
        size = len(self.agent.engine.tokenizer.encode(text, special=False))
        before = len(self.transcript.ids)
        if before + size + WINDOW_RESERVE > self.agent.engine.n_ctx:
            self.window_full = True  # the result would not leave room for an answer
        else:
            self.transcript.add_tool_result(text)
        appended = self.transcript.ids[before:]
        yield ToolReturned(self.turn, row.tool, row.result, row.error, row.seconds, appended)

    # Book-keeping ------------------------------------------------------------------------------

    def _open(self) -> RunStarted:
        engine = self.agent.engine
        self.transcript, self.keep = self.agent.open_transcript(self.question, self.follow_up)
        self.record.tokens.prompt = len(self.transcript.ids)
        return RunStarted(
            question=self.question,
            model=self.agent.model_name,
            model_path=engine.model_path,
            lora_path=engine.lora_path,
            engine=engine.name,
            protocol_version=PROTOCOL_VERSION,
            tools=[tool.schema() for tool in self.tools],
            settings=asdict(self.settings),
            n_ctx=engine.n_ctx,
            prompt_ids=list(self.transcript.ids),
            follow_up=self.follow_up,
        )

    def _turn_finished(self, sampled: list[int], stats: GenerationStats) -> TurnFinished:
        return TurnFinished(
            turn=self.turn,
            text=self.record.turns[-1].text,
            sampled_ids=sampled,
            finish=self.finish.value,
            evaluated=stats.evaluated,
            reused=stats.reused,
            rejected=stats.rejected,
            prefill_s=round(stats.prefill_s, 6),
            decode_s=round(stats.decode_s, 6),
        )

    def _close_record(self) -> None:
        tokens, timings = self.record.tokens, self.record.timings
        tokens.evaluated = sum(stats.evaluated for stats in self.stats)
        tokens.reused = sum(stats.reused for stats in self.stats)
        tokens.generated = sum(stats.generated for stats in self.stats)
        prefilled = sum(stats.prefilled for stats in self.stats)
        decoded = sum(stats.evaluated - stats.prefilled for stats in self.stats)
        timings.prefill_tokens_per_s = _rate(prefilled, sum(s.prefill_s for s in self.stats))
        timings.decode_tokens_per_s = _rate(decoded, sum(s.decode_s for s in self.stats))
        timings.tool_s = round(sum(row.seconds or 0 for row in self.record.turns), 6)
        timings.total_s = round(time.perf_counter() - self.started, 4)
        timings.load_s = round(timings.load_s, 4)
        self.record.peak_rss_mb = peak_rss_mb()


def _describe(constraint: Constraint | None) -> str | None:
    """How the turn is held, for the trace; with the tools' schemas enough to build it again."""
    if constraint is None:
        return None
    if constraint.schema is None:
        return "no_call"
    return "opened_call" if constraint.opened else "call"


def _box_is_closed(text: str) -> bool:
    content = text.partition(ANSWER_OPENING)[2]
    return content.count("}") > content.count("{")


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 1) if count and seconds > 0 else None
