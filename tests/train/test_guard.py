"""The guard against the curves of real and healthy runs, and what it does about them."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.config import RunConfig
from train.guard import WINDOW, Alarm, CollapseGuard

CONFIG = RunConfig(lr=1e-6)
HEALTHY = {"tool_calls": 3.7, "kl": 0.2, "infra_rate": 0.0, "loss": 0.1, "grad_norm": 1.0}


def guard(**changes) -> CollapseGuard:
    return CollapseGuard(replace(CONFIG, **changes))


def run(watch: CollapseGuard, steps: range, **curves) -> list[Alarm]:
    """Alarms of these steps; a curve is a value or a function of the step."""
    alarms = []
    for step in steps:
        values = {
            name: value(step) if callable(value) else value
            for name, value in {**HEALTHY, **curves}.items()
        }
        alarms.append(watch.observe_step(step, **values))
    return [alarm for alarm in alarms if alarm]


def published(step: int) -> float:
    """Tool calls per trajectory as users of the published code saw them: 3.7, from step 10 0.5."""
    return 3.7 - 3.2 * min(max(step - 10, 0), 10) / 10


def published_kl(step: int) -> float:
    return 0.2 + 1.2 * min(max(step - 10, 0), 10) / 10


def test_the_published_collapse_is_seen_while_it_happens():
    watch = guard()
    watch.observe_validation(0, 0.30, 64)
    watch.observe_validation(10, 0.41, 64)
    [alarm] = run(watch, range(1, 19), tool_calls=published, kl=published_kl)
    assert 10 < alarm.step <= 18
    assert (alarm.cause, alarm.action) == ("tool_calls", "rollback")
    assert alarm.message == (
        "tool calls per trajectory fell from 3.7 to 1.8 within 6 steps while the student-teacher "
        "KL rose from 0.2 to 0.92; restoring step 10 (validation 0.41), "
        "learning rate halved to 5e-07"
    )


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_collapse_is_seen_through_noise_and_without_a_teacher(noise):
    for seed in range(20):
        rng = random.Random(seed)
        watch = guard(on_collapse="stop")
        alarms = run(
            watch,
            range(1, 25),
            tool_calls=lambda step, rng=rng: max(0.0, published(step) + rng.gauss(0, noise)),
            kl=None,
        )
        assert alarms and alarms[0].cause == "tool_calls" and 12 < alarms[0].step <= 20


def test_a_slow_decline_is_seen_when_it_crosses_the_line():
    alarms = run(guard(on_collapse="stop"), range(1, 401), tool_calls=lambda s: 3.7 - s / 120)
    assert alarms[0].cause == "tool_calls" and 215 < alarms[0].step < 235


def test_a_rising_kl_alone_is_an_alarm_but_not_below_what_matters():
    watch = guard(on_collapse="stop")
    [alarm, *_] = run(watch, range(1, 60), kl=lambda step: 0.2 + 0.03 * step)
    assert alarm.cause == "kl" and "rose from 0.29 to 1.2 nats a token" in alarm.message
    assert not run(guard(), range(1, 60), kl=lambda step: 0.0005 * step)


@pytest.mark.parametrize("seed", range(8))
def test_a_healthy_noisy_run_of_500_steps_gives_no_alarm(seed):
    """Scores are of 64 problems drawn anew each time: more noise than a held-out set has."""
    rng = random.Random(seed)
    watch = guard()
    for step in range(501):
        if step % 25 == 0:
            solved = sum(rng.random() < 0.25 + 0.2 * step / 500 for _ in range(64))
            assert watch.observe_validation(step, solved / 64, 64) is None
        alarm = watch.observe_step(
            step,
            tool_calls=3.7 - 0.8 * step / 500 + rng.gauss(0, 0.35),
            kl=0.3 * math.exp(-step / 200) * rng.lognormvariate(0, 0.3),
            infra_rate=rng.choice([0.0, 0.0, 0.0, 0.05, 0.1]),
            loss=rng.gauss(0, 1),
            grad_norm=rng.lognormvariate(0, 1),
        )
        assert alarm is None, alarm


@pytest.mark.parametrize("true_score", [0.02, 0.1, 0.2, 0.4])
def test_validation_that_goes_up_and_down_by_chance_seldom_alarms(true_score):
    alarmed = 0
    for seed in range(200):
        rng, watch = random.Random(seed), guard(on_collapse="stop")
        scores = [sum(rng.random() < true_score for _ in range(64)) / 64 for _ in range(20)]
        alarmed += any(watch.observe_validation(step, s, 64) for step, s in enumerate(scores))
    assert alarmed <= 200 * 0.03


def test_a_dip_within_chance_and_a_fall_beyond_it():
    watch = guard()
    assert watch.observe_validation(25, 10 / 64, 64) is None
    assert watch.observe_validation(50, 5 / 64, 64) is None  # half, but five problems
    watch = guard()
    watch.observe_validation(25, 26 / 64, 64)
    alarm = watch.observe_validation(50, 3 / 64, 64)
    assert alarm is not None and alarm.cause == "score"
    assert alarm.message.startswith("the validation score fell from 0.41 at step 25 to 0.05")
    # The same shares of few problems say little, and a fall to 0.7 of the best is allowed.
    watch = guard()
    watch.observe_validation(25, 2 / 5, 5)
    assert watch.observe_validation(50, 0.0, 5) is None
    watch = guard()
    watch.observe_validation(25, 0.5, 10_000)
    assert watch.observe_validation(50, 0.35, 10_000) is None


# What is done ------------------------------------------------------------------------------------


def test_a_student_that_never_called_tools_cannot_lose_them():
    assert not run(guard(), range(1, 30), tool_calls=lambda step: 0.05 if step < 8 else 0.0)


@pytest.mark.parametrize("name", ["loss", "grad_norm", "kl", "tool_calls"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_an_alarm_at_once(name, value):
    watch = guard()
    watch.observe_validation(0, 0.4, 64)
    [alarm] = run(watch, range(1, 2), **{name: value})
    assert (alarm.cause, alarm.action) == ("not_finite", "rollback")
    assert f"is {value}" in alarm.message
    json.dumps(watch.state_dict(), allow_nan=False)


def test_a_dead_sandbox_stops_the_run_and_restores_nothing():
    watch = guard()
    watch.observe_validation(0, 0.4, 64)
    run(watch, range(1, 10))
    dead = {"infra_rate": 1.0, "tool_calls": None, "loss": math.nan}
    [alarm] = run(watch, range(10, 11), **dead)
    assert (alarm.cause, alarm.action, watch.rollbacks) == ("sandbox", "stop", 0)
    assert "answered no rollout" in alarm.message and "weights are not the cause" in alarm.message


def test_a_sandbox_that_often_fails_stops_the_run_and_one_hiccup_does_not():
    assert not run(guard(), range(1, 30), infra_rate=lambda step: 0.9 if step == 1 else 0.0)
    [alarm, *_] = run(guard(), range(1, 30), infra_rate=lambda step: 0.3 if step >= 10 else 0.0)
    assert (alarm.step, alarm.cause, alarm.action) == (13, "sandbox", "stop")
    assert "lost 30% of this step's rollouts, 24% over 5" in alarm.message


def test_after_a_rollback_the_student_has_a_window_and_the_baseline_stays():
    watch = guard(max_rollbacks=2)
    watch.observe_validation(0, 0.4, 64)
    run(watch, range(1, 10))
    gone = {"tool_calls": 0.1}
    [first] = run(watch, range(10, 13), **gone)
    assert first.action == "rollback" and watch.best_step == 0 and watch.learning_rate == 5e-7
    # The trainer counts from the restored step on; what it sees there is not yet judged.
    assert not run(watch, range(1, WINDOW), **gone)
    [second] = run(watch, range(WINDOW, WINDOW + 1), **gone)
    assert second.action == "rollback" and watch.learning_rate == 2.5e-7
    assert "fell from 3.7 to 0.1 within 5 steps" in second.message
    [third] = run(watch, range(1, WINDOW + 1), **gone)
    assert (third.action, watch.rollbacks) == ("stop", 2)
    assert third.message.endswith(
        "stopping: already rolled back 2 times, the best checkpoint is step 0 (validation 0.40)"
    )


def test_a_student_that_recovers_after_a_rollback_is_left_alone():
    watch = guard()
    watch.observe_validation(0, 0.4, 64)
    assert len(run(watch, range(1, 19), tool_calls=published, kl=published_kl)) == 1
    assert not run(watch, range(1, 100))


def test_without_a_checkpoint_a_rollback_is_a_stop():
    [alarm] = run(guard(), range(1, 19), tool_calls=published)
    assert alarm.action == "stop"
    assert alarm.message.endswith("stopping: there is no checkpoint to go back to")


def test_stop_stops_at_the_first_alarm():
    watch = guard(on_collapse="stop")
    watch.observe_validation(0, 0.4, 64)
    [alarm] = run(watch, range(1, 19), tool_calls=published)
    assert alarm.action == "stop"
    assert alarm.message.endswith("stopping: the best checkpoint is step 0 (validation 0.40)")


def test_ignore_tells_once_until_it_is_over():
    watch = guard(on_collapse="ignore")
    [alarm] = run(watch, range(1, 60), tool_calls=published)
    assert alarm.action == "ignore" and alarm.message.endswith("going on, as --on-collapse says")
    assert not run(watch, range(60, 70))
    assert len(run(watch, range(70, 90), tool_calls=0.1)) == 1


# State -------------------------------------------------------------------------------------------

STEP = st.fixed_dictionaries(
    {
        "tool_calls": st.none() | st.floats(0, 5),
        "kl": st.none() | st.floats(0, 3),
        "infra_rate": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        "loss": st.sampled_from([0.1, math.nan]),
        "grad_norm": st.just(1.0),
    }
)
OBSERVED = st.lists(STEP | st.floats(0, 1), max_size=40)


def observe(watch: CollapseGuard, step: int, seen) -> Alarm | None:
    if isinstance(seen, float):
        return watch.observe_validation(step, seen, 64)
    return watch.observe_step(step, **seen)


@settings(deadline=None)
@given(OBSERVED, st.integers(0, 40), st.sampled_from(["stop", "rollback", "ignore"]))
def test_a_resumed_guard_sees_what_an_uninterrupted_one_does(seen, cut, action):
    whole = guard(on_collapse=action)
    expected = [observe(whole, step, each) for step, each in enumerate(seen)]
    before, after = guard(on_collapse=action), guard(on_collapse=action)
    got = [observe(before, step, each) for step, each in enumerate(seen[:cut])]
    state = json.loads(json.dumps(before.state_dict(), allow_nan=False))
    after.load_state_dict(state)
    got += [observe(after, step, each) for step, each in enumerate(seen[cut:], cut)]
    assert got == expected
    assert after.state_dict() == whole.state_dict()
    assert state == before.state_dict()  # what was loaded is a copy
