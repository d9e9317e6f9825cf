"""More stories with one operation: trips, ages, what was added, parts of a whole."""

from __future__ import annotations

from train.problems.families.one_step_words import size, told
from train.problems.family import Dice, Drawn, family

GROUP = "one-step word problems"


@family(GROUP)
def story_distance(dice: Dice) -> Drawn:
    speed, hours = dice.randint(3, 120), dice.randint(2, 14)
    return told(dice, f"print({speed} * {hours})", sum([speed] * hours), """
    - A car drives at {s} km/h for {t} hours. How far does it go in km?
    - {name} cycles {s} km every hour. How many km does {he} cycle in {t} hours?
    - How many miles does a train cover in {t} hours at a speed of {s} miles per hour?
    - A snail crawls {s} cm in a minute. Find how many cm it crawls in {t} minutes.
    - For {t} hours a ship keeps up a speed of {s} km per hour. Work out the distance in km.
    - {name} runs at {s} metres per minute. What distance in metres is covered in {t} minutes?
    - distance at {s} mph after {t} hours?
    - {other} was on the road for {t} hours and drove {s} km/h on average. How long was the trip in
      km?
    - A plane of a model club flies {s} metres a second. Calculate how many metres it flies in {t}
      seconds.
    - How far away is the {place}, in km, if {name} gets there in {t} hours at {s} km/h?
    - The bus travels {t} hours at a constant {s} km/h. Tell me the number of km it travels.
    """, s=speed, t=hours, aside=False)  # fmt: skip


@family(GROUP, held_out=True)
def story_time_for_a_distance(dice: Dice) -> Drawn:
    speed, hours = dice.randint(3, 120), dice.randint(2, 14)
    return told(dice, f"print({speed * hours} / {speed})", hours, """
    - A car drives {d} km at {s} km/h. How many hours does it take?
    - {name} cycles {s} km every hour. In how many hours does {he} cycle {d} km?
    - How many hours does a train need for {d} miles at {s} miles per hour?
    - A snail crawls {s} cm a minute. Find how many minutes it needs for {d} cm.
    - The {place} is {d} km away. Work out how many hours it takes to get there at {s} km/h.
    - how many hours for {d} miles at {s} mph?
    - A ship covers {d} km at a steady {s} km per hour. For how many hours does it sail?
    - {other} walks {s} metres each minute. Calculate the number of minutes for {d} metres.
    """, s=speed, d=speed * hours, aside=False)  # fmt: skip


@family(GROUP)
def story_difference_of_ages(dice: Dice) -> Drawn:
    young, gap = dice.randint(2, 50), dice.randint(1, 45)
    old = young + gap
    return told(dice, f"print({old} - {young})", gap, """
    - {name} is {old} years old and {his} {kin} is {young}. How many years older is {name}?
    - {other} is {young} and {name} is {old}. How much younger than {name} is {other}, in years?
    - What is the difference in age between {name}, {old}, and {other}, {young}?
    - How old was {name} when {other} was born, if {name} is {old} now and {other} is {young}?
    - The old tree in a garden is {old} years old. The young one is {young} years old. Find the
      difference of their ages.
    - my {kin} is {old} and i am {young}. how many years apart are we?
    - {name} turned {old} today; on the same day {other} turned {young}. By how many years is
      {name} older?
    - In how many years will {other}, who is {young}, be {old} years old?
    - The school was built {old} years ago, the gym {young} years ago. Work out how many years
      after the school the gym was built.
    - {name}, {old}, has a {kin} of {young}. Calculate the gap between their ages in years.
    """, old=old, young=young, aside=False)  # fmt: skip


@family(GROUP)
def how_many_were_added(dice: Dice) -> Drawn:
    a, new = size(dice), size(dice)
    total = a + new
    return told(dice, f"print({total} - {a})", new, """
    - {name} had {a} {things}. {other} gave {him} some more, and now {he} has {t}. How many did
      {other} give {him}?
    - There were {a} people in the {place}. After some more came in there were {t}. How many came?
    - {name} and {other} have {t} {things} together. {name} has {a} of them. How many has {other}?
    - How many {fruits} did {name} pick in the afternoon if {he} picked {a} in the morning and {t}
      in all?
    - Of {t} {goods}, {a} are red and the rest are blue. Find the number of blue {goods}.
    - i had {a} points and after the last round i have {t}. how many points did i get in that
      round?
    - A meal cost ${t}. The food was ${a}, the rest was for drinks. What did the drinks cost?
    - A {maker} worked on {t} {goods} in two days, {a} of them on {day}. How many on the other day?
    - How many {things} must be put with {a} {things} to have {t}?
    - {t} children and adults visited the {place}; {a} were children. Work out how many adults
      came.
    - {a} {foods} are in the first {box}, and the two {boxes} together hold {t}. Calculate how many
      are in the second.
    - Some {foods} were added to {a} {foods}, which makes {t} {foods} now. How many were added?
    """, a=a, t=total)  # fmt: skip


@family(GROUP)
def three_amounts_together(dice: Dice) -> Drawn:
    a, b, c = size(dice), size(dice), size(dice)
    return told(dice, f"print({a} + {b} + {c})", sum((c, b, a)), """
    - {name} has {a} {things}, {b} {things2} and {c} {things3}. How many things is that?
    - {name} saved ${a}, {other} ${b} and {third} ${c}. How much did the three save together?
    - On {day} {a} people came to the {place}, {b} came on {day2} and {c} on {day3}. How many in
      all?
    - How many {foods} did the {shop} sell if it sold {a}, {b} and {c} on three days?
    - Three {boxes} hold {a}, {b} and {c} {things}. Find the total number of {things}.
    - {name} walked {a} m to the {place}, {b} m to the shop and {c} m home. How many metres in all?
    - i spent ${a} on food, ${b} on clothes and ${c} on a gift. what did i spend altogether?
    - A triangle has sides of {a} cm, {b} cm and {c} cm. What is its perimeter in cm?
    - In three games {name} scored {a}, {b} and {c} points. Work out {his} total.
    - Add up the {things}: {name} brought {a}, {other} {b} and {third} {c}.
    - A {maker} used {a} {goods} in the first week, {b} in the second and {c} in the third. How
      many were used in the three weeks?
    - There are {a} red, {b} green and {c} yellow {things} in a {box}. Calculate how many {things}
      the {box} holds.
    """, a=a, b=b, c=c)  # fmt: skip


@family(GROUP)
def half_or_a_third_of_them(dice: Dice) -> Drawn:
    n = dice.choice((2, 2, 2, 3, 4))
    part = dice.choice((dice.randint(3, 50), dice.randint(20, 600)))
    share = {2: "half", 3: "a third", 4: "a quarter"}[n]
    return told(dice, f"print({part * n} / {n})", part, """
    - {name} has {a} {things} and gives {share} of them to {other}. How many does {other} get?
    - Of {a} pupils, {share} walk to school. How many pupils walk?
    - How much is {share} of ${a}?
    - {name} ate {share} of the {a} {foods}. How many did {name} eat?
    - A recipe needs {a} g of flour. {name} makes only {share} of it. How many g does {he} need?
    - The {hall} has {a} seats, and {share} are taken. Find the number of taken seats.
    - {share} of {a} {things}, how many is that?
    - {other} has {share} as many {things} as {name}, who has {a}. Work out how many {other} has.
    - In a sale everything costs {share} of the old price. What does a coat cost that was ${a}?
    - {share} of the {a} pages of a book are pictures. Calculate how many pages are pictures.
    - It takes {name} {a} minutes to clean the house and {share} of that time to cook. For how many
      minutes does {he} cook?
    - A string of {a} cm was cut, and {share} of it was used. How many cm were used?
    """, a=part * n, share=share)  # fmt: skip
