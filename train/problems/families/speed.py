"""Speed, distance and time, fuel and rates of work."""

from __future__ import annotations

from fractions import Fraction

from train.problems.families.measures import exact
from train.problems.families.money import article
from train.problems.family import Dice, Drawn, family
from train.problems.figures import two_places
from train.problems.words import NAMES

PACES = (("km/h", "km"), ("mph", "miles"), ("kilometers per hour", "kilometers"))


@family("speed")
def distance_travelled(dice: Dice) -> Drawn:
    s, half = dice.randint(4, 250), dice.chance(0.4)
    s += half and s % 2 == 0
    t = f"{dice.randint(1, 12)}.5" if half else str(dice.randint(2, 15))
    pace, unit = dice.choice(PACES)
    text = dice.wording(
        "A car travels at {s} {p} for {t} hours. How many {u} does it go?",
        "How far do you get in {t} hours at {s} {p}?",
        "{s} {p} for {t} hours, distance?",
        "{name} drives for {t} hours at a steady {s} {p}. What distance is covered, in {u}?",
        "Find the distance: speed {s} {p}, time {t} hours.",
        "A train going {s} {p} runs for {t} hours. Calculate how many {u} it covers.",
        "if i ride at {s} {p} for {t} hours how many {u} is that",
        "What distance in {u} does a ship sail in {t} h when its speed is {s} {p}?",
        "At a speed of {s} {p}, how many {u} are travelled in {t} hours?",
        "A bus keeps a speed of {s} {p}. How far does it go in {t} hours?",
    ).format(s=s, t=t, p=pace, u=unit, name=dice.choice(NAMES))
    answer = Fraction(t) * s
    return Drawn(text, f"print({s} * {t})", str(float(answer)) if half else str(answer))


@family("speed")
def travel_time(dice: Dice) -> Drawn:
    s, quarters = dice.randint(2, 60) * 4, dice.randint(3, 40)
    d = s * quarters // 4
    if quarters % 4 == 0:
        return travel_time(dice)
    pace, unit = dice.choice(PACES)
    text = dice.wording(
        "How many hours does it take to travel {d} {u} at {s} {p}?",
        "A train covers {d} {u} at {s} {p}. How long does the trip take, in hours?",
        "{d} {u} at {s} {p}, how many hours?",
        "{name} has to drive {d} {u} and goes {s} {p}. How many hours is that?",
        "Find the travel time in hours: distance {d} {u}, speed {s} {p}.",
        "At a steady {s} {p}, how many hours are needed for {d} {u}?",
        "The next town is {d} {u} away. Going {s} {p}, in how many hours do I reach it?",
        "Calculate the time in hours for a journey of {d} {u} at an average speed of {s} {p}.",
    ).format(s=s, d=d, p=pace, u=unit, name=dice.choice(NAMES))
    return Drawn(text, f"print({d} / {s})", str(quarters / 4))


@family("speed")
def speed_from_distance(dice: Dice) -> Drawn:
    d, t = dice.randint(10, 900), dice.choice((2, 3, 4, 5, 6, 7, 8, 9, 1.5, 2.5, 3.5, 4.5))
    if not exact(Fraction(d) / Fraction(t)):
        return speed_from_distance(dice)
    pace, unit = dice.choice(PACES)
    text = dice.wording(
        "A car covers {d} {u} in {t} hours. What is its average speed in {p}, to two decimals?",
        "What speed in {p} do you need for {d} {u} in {t} hours? Round to two decimal places.",
        "{d} {u} in {t} hours, speed in {p}? two decimals",
        "{name} cycles {d} {u} in {t} hours. How fast is that in {p}, to two decimal places?",
        "Find the speed in {p}, to 2 decimals: distance {d} {u}, time {t} hours.",
        "It took {t} hours to go {d} {u}. Work out the average speed in {p}, to two decimals.",
        "If a train needs {t} hours for {d} {u}, what is its speed in {p}, to two decimal places?",
        "Calculate the average speed, in {p} with two decimals, of a trip of {d} {u} in {t} h.",
    ).format(d=d, t=t, p=pace, u=unit, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({d} / {t}, 2))", two_places(Fraction(d) / Fraction(t)))


@family("speed")
def average_speed_of_two_legs(dice: Dice) -> Drawn:
    d, t, e, u = (
        dice.randint(10, 400),
        dice.randint(2, 6),
        dice.randint(10, 400),
        dice.randint(2, 6),
    )
    if not exact(Fraction(d + e, t + u)):
        return average_speed_of_two_legs(dice)
    text = dice.wording(
        "A car goes {d} km in {t} hours and then {e} km in {u} hours. "
        "What is its average speed in km/h, to two decimals?",
        "{name} rides {d} km in {t} hours, then {e} km in {u} hours. "
        "Find the average speed for the whole trip in km/h, rounded to two decimal places.",
        "{d} km in {t} h, then {e} km in {u} h, average speed overall? 2 decimals",
        "The first part of a trip is {d} km and takes {t} hours; the second is {e} km and takes "
        "{u} hours. What is the overall average speed in km/h, to two decimal places?",
        "Calculate the mean speed of a journey of {d} km in {t} hours followed by {e} km in {u} "
        "hours. Round to two decimals.",
        "I drove {d} km in {t} hours and {e} km in the next {u} hours. How fast was I on average, "
        "in km/h to two decimals?",
        "A ship sails {d} km in {t} hours and another {e} km in {u} hours. Work out its average "
        "speed over both parts, to two decimal places.",
        "What was the average speed in km/h, to two decimals, "
        "of a train that needed {t} hours for "
        "{d} km and then {u} hours for {e} km?",
    ).format(d=d, t=t, e=e, u=u, name=dice.choice(NAMES))
    program = f"distance = {d} + {e}\ntime = {t} + {u}\nprint(round(distance / time, 2))"
    return Drawn(text, program, two_places(Fraction(d + e, t + u)))


@family("speed")
def meeting(dice: Dice) -> Drawn:
    d, a, b = dice.randint(20, 900), dice.randint(5, 120), dice.randint(5, 120)
    if not exact(Fraction(d, a + b)):
        return meeting(dice)
    text = dice.wording(
        "Two trains {d} km apart drive towards each other at {a} km/h and {b} km/h. "
        "After how many hours do they meet, to two decimals?",
        "Two drivers start {d} km apart and drive toward each other at {a} and {b} km/h. "
        "How many hours until they meet? Round to two decimal places.",
        "{d} km apart, moving towards each other at {a} km/h and {b} km/h. "
        "hours until they meet? 2 decimals",
        "{n1} and {n2} live {d} km apart. They drive to meet each other at {a} km/h and {b} km/h. "
        "Find the time in hours until they meet, to two decimals.",
        "In how many hours do two cars meet if they are {d} km apart and approach each other "
        "at {a} km/h and {b} km/h? Give two decimal places.",
        "One boat sails at {a} km/h, another comes towards it at {b} km/h from {d} km away. "
        "After how many hours do they meet, rounded to two decimals?",
        "Towns A and B are {d} km apart. A bus leaves A at {a} km/h and another leaves B at "
        "{b} km/h at the same time. How many hours until they meet, to two decimal places?",
        "Two cars go toward each other from {d} km apart, "
        "one at {a} km/h and one at {b} km/h. "
        "Calculate when they meet, in hours to two decimals.",
    )
    first, second = dice.sample(NAMES, 2)
    text = text.format(d=d, a=a, b=b, n1=first, n2=second)
    return Drawn(text, f"print(round({d} / ({a} + {b}), 2))", two_places(Fraction(d, a + b)))


@family("speed", held_out=True)
def catching_up(dice: Dice) -> Drawn:
    d, b = dice.randint(5, 300), dice.randint(5, 90)
    a = b + dice.randint(3, 60)
    if not exact(Fraction(d, a - b)):
        return catching_up(dice)
    text = dice.wording(
        "A car at {a} km/h follows a truck at {b} km/h that is {d} km ahead. "
        "After how many hours does it catch up, to two decimals?",
        "{name} drives {a} km/h and is {d} km behind a bus going {b} km/h. "
        "How many hours until {name} reaches the bus? Round to two decimal places.",
        "lead {d} km, chaser {a} km/h, leader {b} km/h, hours to catch up? 2 decimals",
        "Find the time in hours, to two decimals, "
        "for a train at {a} km/h to catch one at {b} km/h "
        "that has a lead of {d} km.",
        "A boat is {d} km ahead and sails at {b} km/h. In how many hours does a boat at {a} km/h "
        "catch it, to two decimal places?",
        "One car is {d} km ahead of another. They drive at {b} km/h and {a} km/h. "
        "After how many hours does the faster one catch up, to two decimals?",
        "How many hours does it take to close a gap of {d} km when I go {a} km/h and the other "
        "goes {b} km/h in the same direction? Round to two decimals.",
        "With a head start of {d} km, a van drives {b} km/h. A car follows it at {a} km/h. "
        "When does it catch the van, in hours to two decimal places?",
    ).format(d=d, a=a, b=b, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({d} / ({a} - {b}), 2))", two_places(Fraction(d, a - b)))


@family("speed")
def distance_in_minutes(dice: Dice) -> Drawn:
    s, m = dice.randint(5, 220), dice.randint(3, 170)
    if m == 60 or not exact(Fraction(s * m, 60)):
        return distance_in_minutes(dice)
    pace, unit = dice.choice(PACES)
    text = dice.wording(
        "How many {u} does a car go in {m} minutes at {s} {p}? Round to two decimals.",
        "A train runs at {s} {p}. How far does it get in {m} minutes, to two decimal places?",
        "{m} minutes at {s} {p}, how many {u}? 2 decimals",
        "{name} drives at {s} {p} for {m} minutes. Find the distance in {u}, to two decimals.",
        "What distance in {u} is covered in {m} minutes at a speed of {s} {p}, to two decimals?",
        "I ride my scooter for {m} minutes at {s} {p}. How many {u} is this, to 2 decimal places?",
        "At {s} {p}, how many {u} do you travel in {m} minutes? Give two decimal places.",
        "Going {s} {p} for {m} minutes, how far will {name} get, in {u} rounded to two decimals?",
    ).format(s=s, m=m, p=pace, u=unit, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({s} * {m} / 60, 2))", two_places(Fraction(s * m, 60)))


@family("speed")
def fuel_used(dice: Dice) -> Drawn:
    d, use = dice.randint(3, 90) * 10, f"{dice.randint(41, 129) / 10}"
    value = Fraction(use) * d / 100
    if not exact(value):
        return fuel_used(dice)
    text = dice.wording(
        "A car uses {f} liters per 100 km. How many liters does it need for {d} km?",
        "How much fuel is needed for {d} km at {f} liters per 100 km?",
        "{d} km, {f} l/100 km, liters of fuel?",
        "{name} drives {d} km with a car that burns {f} L per 100 km. How many liters is that?",
        "Find the fuel used on a trip of {d} km with a consumption of {f} liters per 100 km.",
        "My van takes {f} liters for 100 km. Work out how many liters it takes for {d} km.",
        "With a consumption of {f} l per 100 km, how many liters does a trip of {d} km use?",
        "If a car needs {f} liters of petrol for every 100 km, how many does it take for {d} km?",
    ).format(d=d, f=use, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({d} * {use} / 100, 2))", two_places(value))


@family("speed", held_out=True)
def fuel_cost(dice: Dice) -> Drawn:
    d, use = dice.randint(3, 90) * 10, dice.randint(4, 13)
    price = f"{dice.randint(110, 239) / 100}"
    value = Fraction(use * d, 100) * Fraction(price)
    if not exact(value):
        return fuel_cost(dice)
    text = dice.wording(
        "A car uses {f} liters per 100 km and fuel costs ${p} a liter. "
        "What does a trip of {d} km cost, rounded to two decimals?",
        "Find the fuel cost of {d} km at {f} liters per 100 km and ${p} per liter, "
        "to two decimals.",
        "{d} km, {f} l/100 km, ${p} per liter, cost? 2 decimals",
        "{name} drives {d} km. The car burns {f} L per 100 km, a liter is ${p}. "
        "How much does the fuel cost, to two decimal places?",
        "How much is the petrol for {d} km if the car takes {f} liters per 100 km "
        "and one liter costs ${p}? Round to two decimals.",
        "My van needs {f} liters for 100 km. At ${p} per liter, what do I pay for {d} km, "
        "to two decimals?",
        "Fuel is ${p} per liter. Work out the cost of {d} km with {f} liters per 100 km, "
        "to two decimal places.",
        "What is the price of the fuel for a journey of {d} km, to two decimals, when {f} liters "
        "are used per 100 km and a liter costs ${p}?",
    ).format(d=d, f=use, p=price, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({d} * {use} / 100 * {price}, 2))", two_places(value))


@family("speed")
def workers_and_days(dice: Dice) -> Drawn:
    n, t, m = dice.randint(2, 20), dice.randint(2, 30), dice.randint(2, 20)
    if n == m or not exact(Fraction(n * t, m)):
        return workers_and_days(dice)
    text = dice.wording(
        "{n} workers need {t} days for a job. How many days do {m} workers need, to two decimals?",
        "If {n} people paint a house in {t} days, in how many days do {m} people paint it? "
        "Round to two decimal places.",
        "{n} workers {t} days, {m} workers how many days? same job, 2 decimals",
        "A wall is built by {n} men in {t} days. Working at the same rate, "
        "how many days would {m} men take, to two decimals?",
        "{n} machines finish an order in {t} hours. Find the hours {m} such machines take, "
        "to two decimals.",
        "It takes {n} pumps {t} hours to empty a pool. How many hours would {m} pumps take? "
        "Give two decimal places.",
        "A task takes {t} days with {n} helpers. How many days does it take with {m} helpers who "
        "work equally fast, rounded to two decimals?",
        "Food lasts {n} people {t} days. For how many days would it last {m} people, "
        "to two decimal places?",
    ).format(n=n, t=t, m=m)
    return Drawn(text, f"print(round({n} * {t} / {m}, 2))", two_places(Fraction(n * t, m)))


@family("speed")
def working_together(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 40), dice.randint(2, 40)
    value = Fraction(a * b, a + b)
    if not exact(value):
        return working_together(dice)
    first, second = dice.sample(NAMES, 2)
    text = dice.wording(
        "{n1} does a job in {a} hours and {n2} does it in {b} hours. "
        "How many hours do they need together, to two decimals?",
        "One pipe fills a tank in {a} minutes, another in {b} minutes. "
        "How many minutes do both take together? Round to two decimal places.",
        "{a} hours alone, {b} hours alone, how long together? 2 decimals",
        "Pump A empties a pool in {a} hours and pump B in {b} hours. "
        "Find the hours it takes with both pumps running, to two decimals.",
        "If {n1} paints a room in {a} hours and {n2} in {b} hours, "
        "in how many hours do they paint it together, to two decimal places?",
        "Two printers need {a} and {b} minutes for a job on their own. "
        "Working together, how many minutes does the job take, to two decimals?",
        "Alone, {n1} needs {a} days for the work and {n2} needs {b} days. "
        "How many days do they take when they work together, to two decimal places?",
        "Machine A finishes an order in {a} hours, machine B in {b} hours. "
        "Calculate the time in hours with both at work, rounded to two decimals.",
    ).format(a=a, b=b, n1=first, n2=second)
    return Drawn(text, f"print(round(1 / (1 / {a} + 1 / {b}), 2))", two_places(value))


@family("speed")
def output_of_a_machine(dice: Dice) -> Drawn:
    n, t, machines = dice.randint(5, 900), dice.randint(2, 24), dice.randint(2, 12)
    text = dice.wording(
        "A machine makes {n} parts per hour. How many parts do {m} machines make in {t} hours?",
        "{m} workers each pack {n} boxes an hour. How many boxes do they pack in {t} hours?",
        "{m} machines, {n} pieces per hour each, {t} hours, how many pieces?",
        "Each of {m} taps gives {n} liters an hour. How many liters flow in {t} hours?",
        "If one printer prints {n} pages an hour, "
        "how many pages do {m} printers print in {t} hours?",
        "Find the output of {m} machines in {t} hours when each produces {n} items per hour.",
        "A baker bakes {n} rolls an hour. Work out how many rolls {m} bakers bake in {t} hours.",
        "In a factory {m} robots run for {t} hours. Each builds {n} toys per hour. "
        "How many toys is that?",
    ).format(n=n, m=machines, t=t)
    return Drawn(text, f"print({n} * {machines} * {t})", str(machines * t * n))


@family("speed")
def filling_time(dice: Dice) -> Drawn:
    volume, rate = dice.randint(5, 300) * 10, dice.randint(3, 90)
    if not exact(Fraction(volume, rate)):
        return filling_time(dice)
    text = dice.wording(
        "A tap gives {r} liters per minute. How many minutes does it take to fill {v} liters, "
        "to two decimals?",
        "How many minutes does a {v}-liter tank need to fill at {r} liters a minute? "
        "Round to two decimal places.",
        "{v} liters at {r} liters per minute, how many minutes? 2 decimals",
        "A pool of {v} liters is emptied at {r} liters per minute. "
        "Find the minutes this takes, to two decimals.",
        "Water flows at {r} liters a minute. In how many minutes is a tank of {v} liters full, "
        "to two decimal places?",
        "I download {v} MB at {r} MB per minute. How many minutes do I wait, to two decimals?",
        "If {r} liters run out every minute, after how many minutes are {v} liters gone? "
        "Give two decimals.",
        "Calculate the minutes, to two decimal places, that it takes to pump {v} liters "
        "at a rate of {r} liters per minute.",
    ).format(v=volume, r=rate)
    program = f"print(round({volume} / {rate}, 2))"
    return Drawn(article(text), program, two_places(Fraction(volume, rate)))
