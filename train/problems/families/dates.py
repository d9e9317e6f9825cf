"""Clock times, dates and weekdays; the programs use datetime and calendar."""

from __future__ import annotations

from datetime import date, timedelta

from train.problems.families.money import article
from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = tuple(f"{date(2000, m, 1):%B}" for m in range(1, 13))
CLOCK = "from datetime import datetime, timedelta\n"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _minutes(dice: Dice) -> int:
    return dice.randint(0, 287) * 5 if dice.chance(0.6) else dice.randint(0, 1439)


def _day(dice: Dice, first: int = 1950, last: int = 2060) -> date:
    return date(dice.randint(first, last), 1, 1) + timedelta(days=dice.randint(0, 364))


def _code(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


def _said(dice: Dice, *days: date) -> tuple[str, ...]:
    """Dates as a question writes them, all in one way."""
    way = dice.randrange(4)
    return tuple(
        (
            day.isoformat(),
            f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
            f"{day.day} {MONTHS[day.month - 1]} {day.year}",
            f"{MONTHS[day.month - 1][:3]} {day.day} {day.year}",
        )[way]
        for day in days
    )


@family("time")
def time_after_duration(dice: Dice) -> Drawn:
    start, h, m = _minutes(dice), dice.randint(1, 11), dice.randint(2, 59)
    text = dice.wording(
        "A film starts at {s} and lasts {h} and {m} minutes. When does it end? Answer as HH:MM.",
        "What time is it {h} and {m} minutes after {s}? (HH:MM)",
        "{s} plus {h} {m} minutes, as HH:MM",
        "A train leaves at {s} and travels for {h} and {m} minutes. "
        "Give the arrival time as HH:MM.",
        "It is {s} now. What will the clock show in {h} and {m} minutes? Use HH:MM.",
        "Add {h} and {m} minutes to {s}. Write the time as HH:MM.",
        "i put a cake away at {s} and need it in {h} {m} min, what time is that (HH:MM)",
        "{name} begins work at {s} and works for {h} and {m} minutes. "
        "At what time is {name} done, as HH:MM?",
        "Find the time, as HH:MM, {h} and {m} minutes later than {s}.",
        "If a meeting begins at {s} and takes {h} and {m} minutes, "
        "at what time is it over? Answer as HH:MM.",
    ).format(s=_clock(start), h=_hours(h), m=m, name=dice.choice(NAMES))
    program = (
        f'{CLOCK}start = datetime.strptime("{_clock(start)}", "%H:%M")\n'
        f'print((start + timedelta(hours={h}, minutes={m})).strftime("%H:%M"))'
    )
    return Drawn(text, program, _clock(start + 60 * h + m))


def _hours(n: int) -> str:
    return f"{n} hour{'s' * (n > 1)}"


@family("time", held_out=True)
def time_before_duration(dice: Dice) -> Drawn:
    end, h, m = _minutes(dice), dice.randint(1, 11), dice.randint(2, 59)
    text = dice.wording(
        "A film ended at {s} after {h} and {m} minutes. When did it start? Answer as HH:MM.",
        "What time was it {h} and {m} minutes before {s}? (HH:MM)",
        "{s} minus {h} {m} minutes, as HH:MM",
        "A train arrives at {s} after {h} and {m} minutes. Give its departure time as HH:MM.",
        "It is {s} now. What did the clock show {h} and {m} minutes ago? Use HH:MM.",
        "Subtract {h} and {m} minutes from {s}. Write the time as HH:MM.",
        "Find the time, as HH:MM, {h} and {m} minutes earlier than {s}.",
        "I must be there at {s} and the way takes {h} and {m} minutes. "
        "When do I have to leave, as HH:MM?",
    ).format(s=_clock(end), h=_hours(h), m=m)
    program = (
        f'{CLOCK}end = datetime.strptime("{_clock(end)}", "%H:%M")\n'
        f'print((end - timedelta(hours={h}, minutes={m})).strftime("%H:%M"))'
    )
    return Drawn(text, program, _clock(end - 60 * h - m))


def _between(start: int, end: int) -> str:
    return (
        f'from datetime import datetime\nstart = datetime.strptime("{_clock(start)}", "%H:%M")\n'
        f'end = datetime.strptime("{_clock(end)}", "%H:%M")\n'
    )


@family("time")
def minutes_between_times(dice: Dice) -> Drawn:
    start, end = sorted((_minutes(dice), _minutes(dice)))
    text = dice.wording(
        "How many minutes are there between {s} and {e}?",
        "It is {s}. How many minutes is it until {e}?",
        "minutes from {s} to {e}",
        "A lesson begins at {s} and ends at {e}. How long is it in minutes?",
        "{name} waits from {s} to {e}. For how many minutes does {name} wait?",
        "Calculate the number of minutes from {s} until {e}.",
        "My bus goes at {e} and it's {s} now. How many minutes do I have left?",
        "If I start at {s} and stop at {e}, how many minutes have passed?",
    ).format(s=_clock(start), e=_clock(end), name=dice.choice(NAMES))
    program = _between(start, end) + "print((end - start).seconds // 60)"
    return Drawn(text, program, str(end - start))


@family("time")
def duration_between_times(dice: Dice) -> Drawn:
    start, end = sorted((_minutes(dice), _minutes(dice)))
    text = dice.wording(
        "How long is it from {s} to {e}? Answer as HH:MM.",
        "A flight departs at {s} and lands at {e}. What is its duration as HH:MM?",
        "{s} to {e}, duration HH:MM",
        "{name} works from {s} until {e}. For how long is that, in the form HH:MM?",
        "Find the time that passes between {s} and {e}, written as HH:MM.",
        "The shop opens at {s} and closes at {e}. How long is it open? Give HH:MM.",
        "What is the difference between {s} and {e} in hours and minutes (HH:MM)?",
        "If a drive begins at {s} and ends at {e}, how long did it take? Use HH:MM.",
    ).format(s=_clock(start), e=_clock(end), name=dice.choice(NAMES))
    program = (
        f"{_between(start, end)}minutes = (end - start).seconds // 60\n"
        'print(f"{minutes // 60:02}:{minutes % 60:02}")'
    )
    return Drawn(text, program, _clock(end - start))


@family("time")
def adding_durations(dice: Dice) -> Drawn:
    h, m, i, n = dice.randint(1, 9), dice.randint(5, 59), dice.randint(1, 9), dice.randint(5, 59)
    text = dice.wording(
        "Add {h} {m} minutes and {i} {n} minutes. Answer as H:MM.",
        "What is {h} {m} minutes plus {i} {n} minutes, as H:MM?",
        "{h} {m} min + {i} {n} min as H:MM",
        "{name} works {h} and {m} minutes in one day and {i} and {n} minutes in the next. "
        "How long is that in all, as H:MM?",
        "Two films last {h} {m} minutes and {i} {n} minutes. Give their total length as H:MM.",
        "The first flight takes {h} and {m} minutes, the second {i} and {n} minutes. "
        "How long do I fly altogether? (H:MM)",
        "Find the sum of the durations {h} {m} minutes and {i} {n} minutes in the form H:MM.",
        "If one task takes {h} and {m} minutes and another {i} and {n} minutes, "
        "how much time do both take, as H:MM?",
    ).format(h=_hours(h), m=m, i=_hours(i), n=n, name=dice.choice(NAMES))
    program = (
        f"minutes = {h} * 60 + {m} + {i} * 60 + {n}\n"
        'print(f"{minutes // 60}:{minutes % 60:02}")'
    )
    carry, rest = divmod(m + n, 60)
    return Drawn(text, program, f"{h + i + carry}:{rest:02}")


@family("time")
def time_zones(dice: Dice) -> Drawn:
    start, h, ahead = _minutes(dice), dice.randint(2, 12), dice.chance(0.5)
    text = dice.wording(
        "{a} is {h} hours {k} {b}. When it is {s} in {b}, what time is it in {a}? (HH:MM)",
        "It is {s} in {b}, and {a} is {h} hours {k}. What is the time in {a}, as HH:MM?",
        "{s} in {b}, {a} is {h} hours {k}, time in {a}? HH:MM",
        "Find the local time in {a} as HH:MM if clocks there are {h} hours {k} {b} "
        "and {b} has {s}.",
        "I call from {b} at {s}. {name} is in {a}, where it is {h} hours {k}. "
        "What time is it there? Use HH:MM.",
        "The clock in {b} shows {s}. What does it show in {a}, which is {h} hours {k} {b}? "
        "Answer as HH:MM.",
        "If {a} is {h} hours {k} {b}, what is {s} in {b} as local time in {a} (HH:MM)?",
        "A show starts at {s} in {b}. At what time is that in {a}, {h} hours {k}? Give HH:MM.",
    )
    one, other = dice.sample(("my town", "the island", "the capital", "the harbor", "the base"), 2)
    before = "{k} {b}" in text
    kind = ("ahead of" if ahead else "behind") if before else ("later" if ahead else "earlier")
    text = text.format(s=_clock(start), h=h, k=kind, a=one, b=other, name=dice.choice(NAMES))
    program = (
        f'{CLOCK}start = datetime.strptime("{_clock(start)}", "%H:%M")\n'
        f'print((start {"+" if ahead else "-"} timedelta(hours={h})).strftime("%H:%M"))'
    )
    answer = _clock(start + (60 * h if ahead else -60 * h))
    return Drawn(text[0].upper() + text[1:], program, answer)


@family("time")
def weekday_of_date(dice: Dice) -> Drawn:
    day = _day(dice)
    text = dice.wording(
        "What day of the week is {d}?",
        "On which weekday does {d} fall?",
        "weekday of {d}?",
        "{name} has a date in mind: {d}. Which day of the week is that?",
        "Find the day of the week for {d}.",
        "Tell me what weekday {d} is.",
        "which day is {d}, monday, tuesday or what",
        "I need the name of the weekday on {d}.",
        "Is {d} a Monday, a Tuesday, or which other day?",
        "Give the weekday of the date {d}.",
        "Name the day of the week that {d} falls on.",
    ).format(d=_said(dice, day)[0], name=dice.choice(NAMES))
    program = f'from datetime import date\nprint({_code(day)}.strftime("%A"))'
    return Drawn(text, program, WEEKDAYS[day.weekday()])


@family("time")
def weekday_after_days(dice: Dice) -> Drawn:
    start, n, back = dice.choice(WEEKDAYS), dice.randint(3, 400), dice.chance(0.35)
    text = dice.wording(
        "Today is {w}. What day of the week {v} it {n} days {k}?",
        "If it is {w} today, which weekday {v} it {n} days {k}?",
        "{w}, {n} days {k}, what weekday?",
        "It's {w}. Find the day of the week {n} days {k}.",
        "Which day of the week {v} {n} days {k} when today is {w}?",
        "{name} looks at the calendar on a {w}. What weekday {v} it {n} days {k}?",
        "Starting from {w}, tell me the weekday {n} days {k}.",
        "Suppose today is a {w}; name the weekday {n} days {k}.",
    ).format(
        w=start,
        n=n,
        k="earlier" if back else "later",
        v="was" if back else "will be",
        name=dice.choice(NAMES),
    )
    text = text.replace("will be it", "will it be")
    sign = "-" if back else "+"
    program = (
        "import calendar\ndays = list(calendar.day_name)\n"
        f'print(days[(days.index("{start}") {sign} {n}) % 7])'
    )
    for _ in range(n):
        start = WEEKDAYS[WEEKDAYS.index(start) - 1 if back else (WEEKDAYS.index(start) + 1) % 7]
    return Drawn(text, program, start)


@family("time")
def date_after_days(dice: Dice) -> Drawn:
    day, n = _day(dice), dice.randint(5, 500)
    text = dice.wording(
        "What is the date {n} days after {d}? Answer as YYYY-MM-DD.",
        "Which date comes {n} days later than {d}? (YYYY-MM-DD)",
        "{d} + {n} days, as YYYY-MM-DD",
        "A loan from {d} must be paid back after {n} days. On what date is that, as YYYY-MM-DD?",
        "Add {n} days to {d} and write the date as YYYY-MM-DD.",
        "{name} starts a trip of {n} days on {d}. Give the date {n} days after the start "
        "as YYYY-MM-DD.",
        "Today is {d}. What date will it be in {n} days? Use YYYY-MM-DD.",
        "If I count {n} days forward from {d}, which date do I get, as YYYY-MM-DD?",
    ).format(d=_said(dice, day)[0], n=n, name=dice.choice(NAMES))
    program = f"from datetime import date, timedelta\nprint({_code(day)} + timedelta(days={n}))"
    return Drawn(text, program, date.fromordinal(day.toordinal() + n).isoformat())


@family("time", held_out=True)
def date_before_days(dice: Dice) -> Drawn:
    day, n = _day(dice), dice.randint(5, 500)
    text = dice.wording(
        "What is the date {n} days before {d}? Answer as YYYY-MM-DD.",
        "Which date comes {n} days earlier than {d}? (YYYY-MM-DD)",
        "{d} - {n} days, as YYYY-MM-DD",
        "A parcel arrived on {d}, {n} days after it was sent. When was it sent, as YYYY-MM-DD?",
        "Subtract {n} days from {d} and write the date as YYYY-MM-DD.",
        "Today is {d}. What date was it {n} days ago? Use YYYY-MM-DD.",
        "Find the day, as YYYY-MM-DD, that lies {n} days before {d}.",
        "If I count {n} days back from {d}, which date do I get, as YYYY-MM-DD?",
    ).format(d=_said(dice, day)[0], n=n)
    program = f"from datetime import date, timedelta\nprint({_code(day)} - timedelta(days={n}))"
    return Drawn(text, program, date.fromordinal(day.toordinal() - n).isoformat())


@family("time")
def days_between_dates(dice: Dice) -> Drawn:
    start = _day(dice)
    end = start + timedelta(days=dice.choice((dice.randint(5, 300), dice.randint(100, 9000))))
    text = dice.wording(
        "How many days are there between {s} and {e}?",
        "How many days is it from {s} to {e}?",
        "days from {s} until {e}",
        "It is {s}. How many days are left until {e}?",
        "Calculate the number of days from {s} to {e}.",
        "{name} moved in on {s} and moved out on {e}. How many days later was that?",
        "A project runs from {s} to {e}. How many days pass between these two dates?",
        "what's the difference in days between {s} and {e}",
        "Find how many days after {s} the date {e} is.",
        "If a countdown begins on {s}, how many days does it take to reach {e}?",
    )
    first, second = _said(dice, start, end)
    text = text.format(s=first, e=second, name=dice.choice(NAMES))
    program = f"from datetime import date\nprint(({_code(end)} - {_code(start)}).days)"
    return Drawn(text, program, str(end.toordinal() - start.toordinal()))


@family("time")
def leap_year(dice: Dice) -> Drawn:
    fours, centuries = dice.randint(400, 600) * 4, dice.randint(15, 30) * 100
    year = dice.choice((dice.randint(1600, 2400), fours, centuries))
    text = dice.wording(
        "Is {y} a leap year? Answer Yes or No.",
        "Yes or No: the year {y} has a 29 February.",
        "leap year {y}? Yes or No",
        "Does the year {y} have 366 days? Answer Yes or No.",
        "Tell me whether {y} is a leap year (Yes or No).",
        "Is there a February 29 in {y}? Yes or No.",
        "I want to know if {y} is a leap year. Just say Yes or No.",
        "Check if the year {y} is a leap year; reply Yes or No.",
    ).format(y=year)
    leap = year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)
    program = f'import calendar\nprint("Yes" if calendar.isleap({year}) else "No")'
    return Drawn(text, program, "Yes" if leap else "No")


@family("time")
def day_of_year(dice: Dice) -> Drawn:
    day = _day(dice)
    text = dice.wording(
        "What day of the year is {d}, as a number? January 1 is day 1.",
        "Which number does {d} have among the days of its year, with January 1 as 1?",
        "day number of {d} in its year",
        "Counting January 1 as day 1, which day of the year is {d}?",
        "Find the day of the year (1 to 366) of {d}.",
        "The days of a year are numbered from 1. What is the number of {d}?",
        "Tell me the ordinal day within the year for {d}.",
        "Calculate the day-of-year number for {d}.",
    ).format(d=_said(dice, day)[0])
    program = f"from datetime import date\nprint({_code(day)}.timetuple().tm_yday)"
    return Drawn(text, program, str((day - date(day.year, 1, 1)).days + 1))


@family("time")
def days_in_month(dice: Dice) -> Drawn:
    year, month = dice.randint(1890, 2110), dice.choice((2, 2, dice.randint(1, 12)))
    text = dice.wording(
        "How many days does {m} {y} have?",
        "How many days does the month {m} {y} have?",
        "days in {m} {y}",
        "Find the number of days in {m} of the year {y}.",
        "Tell me how long {m} {y} is, in days.",
        "In {y}, how many days are in the month of {m}?",
        "I pay a fixed sum for each day of {m} {y}. How many days is that?",
        "What is the number of the last day of {m} {y}?",
    ).format(m=MONTHS[month - 1], y=year)
    following = date(year + month // 12, month % 12 + 1, 1)
    program = f"import calendar\nprint(calendar.monthrange({year}, {month})[1])"
    return Drawn(text, program, str((following - timedelta(days=1)).day))


@family("time")
def age_in_year(dice: Dice) -> Drawn:
    born, age = dice.randint(1900, 2020), dice.randint(3, 99)
    text = dice.wording(
        "{name} was born in {b}. How old does {name} turn in {y}?",
        "What age does a person born in {b} reach in the year {y}?",
        "born {b}, age in {y}?",
        "If {name} was born in {b}, how many years old is {name} at the end of {y}?",
        "A house was built in {b}. How many years old is it in {y}?",
        "Find the age someone turns in {y} if the year of birth is {b}.",
        "My birth year is {b}. How old do I turn in {y}?",
        "How many years passed from {b} to {y}?",
    ).format(name=dice.choice(NAMES), b=born, y=born + age)
    return Drawn(text, f"print({born + age} - {born})", str(age))


@family("time")
def twelve_hour_clock(dice: Dice) -> Drawn:
    minutes = _minutes(dice)
    hour, half = minutes // 60 % 12 or 12, "PM" if minutes >= 720 else "AM"
    said = f"{hour}:{minutes % 60:02} {half}"
    text = dice.wording(
        "What is {t} on a 24-hour clock, as HH:MM?",
        "Write {t} in 24-hour time (HH:MM).",
        "{t} in 24h format HH:MM",
        "My watch says {t}. What does a 24-hour clock show, as HH:MM?",
        "Convert {t} to the 24-hour format HH:MM.",
        "A bus leaves at {t}. Give this time in 24-hour form as HH:MM.",
        "How is {t} written as HH:MM with 24 hours?",
        "Change {t} into 24-hour notation, HH:MM.",
    ).format(t=said)
    program = (
        f'from datetime import datetime\ntime = datetime.strptime("{said}", "%I:%M %p")\n'
        'print(time.strftime("%H:%M"))'
    )
    return Drawn(article(text), program, _clock(minutes))
