"""More stories with three to five operations: journeys, baking, harvests, building, ages."""

from __future__ import annotations

from train.problems.families.one_step_words import told
from train.problems.family import Dice, Drawn, family

GROUP = "multi-step word problems"


@family(GROUP)
def baked_eaten_packed_sold(dice: Dice) -> Drawn:
    a, b, n, p = (
        dice.randint(3, 15),
        dice.randint(6, 24),
        dice.randint(2, 10),
        dice.randint(2, 12),
    )
    bags = dice.randint(1, (a * b - 2) // n)
    eaten = a * b - bags * n
    program = (
        f"made = {a} * {b}\nleft = made - {eaten}\nbags = left // {n}\nincome = bags * {p}\n"
        "print(income)"
    )
    return told(dice, program, bags * p, """
    - {name} bakes {a} trays of {b} cookies. The children eat {c}. The rest is packed in bags of
      {n}, and each bag is sold for ${p}. How much money does {he} get?
    - A {maker} has {a} {boxes} with {b} {goods} each. {c} are damaged. The others are sold in sets
      of {n} at ${p} a set. What is the income?
    - How much does {name} earn from {a} trees with {b} peaches each, if {c} peaches are bad and
      the good ones are sold in baskets of {n} for ${p} a basket?
    - Each of {a} pupils folds {b} stars. {c} stars tear. The class makes chains of {n} stars and
      sells a chain for ${p}. Find the money it takes in.
    - i picked {a} rows of {b} flowers, kept {c} and sold the rest in bunches of {n} for ${p} each
      bunch. how much did i make?
    - In a workshop {a} people make {b} candles each. {c} candles break, and the rest is sold in
      packs of {n}. A pack costs ${p}. Work out the income from all packs.
    - {other} got {a} albums of {b} stamps from an uncle, kept {c} of the stamps and sold all
      others in lots of {n}, for ${p} a lot. How much did {other} get?
    - Packs of {n} {foods} sell for ${p}. {name} has {a} {boxes} of {b} {foods}, but {c} are for
      {his} friends. How much are the rest worth in packs?
    - {a} hens lay {b} eggs each in a month. {c} eggs are eaten at home. The remaining eggs go into
      boxes of {n}. At ${p} a box, what do they bring?
    - Calculate the income of a school sale: {a} plates with {b} muffins, {c} muffins given away
      free, all others sold {n} at a time for ${p}.
    """, a=a, b=b, c=eaten, n=n, p=p)  # fmt: skip


@family(GROUP)
def weekly_savings_towards_a_goal(dice: Dice) -> Drawn:
    a, b, w = dice.randint(5, 30), dice.randint(2, 25), dice.randint(3, 20)
    c = dice.randint(2, a + b - 1)
    goal = (a + b - c) * w + dice.randint(5, 200)
    program = (
        f"weekly = {a} + {b} - {c}\nsaved = weekly * {w}\nmissing = {goal} - saved\nprint(missing)"
    )
    return told(dice, program, goal - (a + b - c) * w, """
    - {name} gets ${a} pocket money a week, earns ${b} a week for chores and spends ${c} a week.
      After {w} weeks, how much does {he} still need for a bike that costs ${g}?
    - Each week {a} litres of rain and {b} litres from a tap flow into a tank, and {c} litres are
      used. It was empty. How many litres are missing to {g} litres after {w} weeks?
    - A camera costs ${g}. Every week {name} saves ${a} from one job and ${b} from another, but
      pays ${c} for the bus. How much is missing after {w} weeks?
    - How many of {g} points does {name} still need after {w} rounds, if {he} wins {a} and {b}
      points and loses {c} points in every round?
    - i make ${a} a week babysitting plus ${b} from lawns and spend ${c} of it. i want ${g}. how
      much more do i need after {w} weeks?
    - Every day a {shop} gets {a} {things} from one maker and {b} from another and sells {c}. It
      began with none and wants {g}. Find how many it still needs after {w} days.
    - {name} and {his} {kin} put ${a} and ${b} in a jar every week and take out ${c} for sweets.
      Work out how far the jar is from ${g} after {w} weeks.
    - In a week {name} writes {a} pages at home and {b} pages at work and throws {c} pages away.
      The book shall have {g} pages. After {w} weeks, how many are still to be written?
    - For {w} months {other} earns ${a} and ${b} a month with two small jobs and pays ${c} a month
      for the phone. How much less than ${g} does {he2} have then?
    - To buy a tent for ${g}, {name} saves for {w} weeks: ${a} and ${b} come in each week, ${c}
      goes out. Calculate how much {he} lacks.
    """, a=a, b=b, c=c, w=w, g=goal)  # fmt: skip


@family(GROUP)
def journey_in_two_parts(dice: Dice) -> Drawn:
    s, t, u, v = (
        dice.randint(12, 90),
        dice.randint(2, 6),
        dice.randint(12, 90),
        dice.randint(2, 6),
    )
    rest = dice.randint(2, 12)
    speed = dice.randint(12, 80)
    total = s * t + u * v + rest * speed
    program = (
        f"done = {s} * {t} + {u} * {v}\nleft = {total} - done\n"
        f"needed = left / {speed}\nprint(needed)"
    )
    return told(dice, program, rest, """
    - A trip is {d} km long. {name} drives {t} hours at {s} km/h and {v} hours at {u} km/h. How
      many hours does the rest take at {w} km/h?
    - {name} must type {d} words. {He} types {s} a minute for {t} minutes and {u} a minute for {v}
      minutes. How many more minutes does {he} need at {w} words a minute?
    - A pool takes {d} litres. {t} pumps bring {s} litres each and {v} pumps bring {u} litres each.
      How many buckets of {w} litres fill what is missing?
    - How many days are left for a book of {d} pages after {t} days with {s} pages a day and {v}
      days with {u} pages a day, if {name} then reads {w} pages a day?
    - i have to walk {d} km: {t} days i walk {s} km, {v} days {u} km, then {w} km each day. how
      many days do i walk {w} km?
    - A {maker} needs {d} {goods} and makes {s} a day for {t} days, then {u} a day for {v} days.
      Find how many further days it takes with {w} a day.
    - Of {d} chairs, {t} rows have {s} chairs and {v} rows have {u} chairs. All other rows have {w}
      chairs. How many other rows are there?
    - {name} owes ${d}. {He} pays ${s} a month for {t} months, ${u} a month for {v} months and ${w}
      a month after that. Work out for how many months {he} pays ${w}.
    - {d} pupils travel in buses. {t} buses carry {s} pupils each, {v} carry {u} each, and the
      others carry {w} each. How many other buses are there?
    - A ship sails {d} miles, first {t} days of {s} miles, next {v} days of {u} miles, finally {w}
      miles a day. Calculate the number of days in the last part.
    """, d=total, s=s, t=t, u=u, v=v, w=speed)  # fmt: skip


@family(GROUP)
def harvest_partly_sold(dice: Dice) -> Drawn:
    a, b, c, p = (
        dice.randint(3, 20),
        10 * dice.randint(1, 9),
        dice.randint(2, 30),
        dice.randint(2, 9),
    )
    percent = dice.choice((10, 20, 30, 40, 50, 60, 70, 80, 90))
    program = (
        f"total = {a} * {b} * {c}\nsold = total * {percent} / 100\n"
        f"income = sold * {p}\nprint(income)"
    )
    return told(dice, program, a * b // 10 * c * percent // 10 * p, """
    - A farm has {a} rows of {b} trees, and each tree gives {c} kg of fruit. {r}% of the fruit is
      sold at ${p} per kg. How much money is that?
    - {a} workers make {b} {goods} a day each for {c} days. The {shop} sells {r}% of them for ${p}
      each. What does it take in?
    - How much does a {maker} get for {r} percent of the {goods} in {a} crates, each with {b} bags
      of {c} {goods}, at ${p} apiece?
    - A cinema has {a} halls with {b} rows of {c} seats. {r}% of the seats are sold at ${p} a
      seat. Find the income.
    - i have {a} shelves with {b} boxes of {c} cards. if i sell {r}% of the cards for ${p} each,
      how much do i get?
    - {name} plants {a} beds with {b} strawberry plants, and every plant bears {c} kg a year. {He}
      sells {r}% of the fruit at ${p} per kg. How much money does {he} get?
    - Every one of {a} schools has {b} classes of {c} pupils. {r}% of the pupils pay ${p} for a
      book. Work out how much they pay in total.
    - For {a} weeks {b} hens lay {c} eggs each per week. {r}% of the eggs are sold, each for ${p}.
      What is earned?
    - {b} tickets are printed for each of {a} shows on each of {c} days. {r} percent are sold, and
      a ticket costs ${p}. How much money comes in?
    - Calculate the takings when {r}% of all {things} are sold at ${p} each and there are {a}
      lorries with {b} boxes of {c} {things}.
    """, a=a, b=b, c=c, r=percent, p=p)  # fmt: skip


@family(GROUP)
def sale_price_of_several_and_change(dice: Dice) -> Drawn:
    p, percent = 20 * dice.randint(1, 6), dice.choice((5, 10, 15, 20, 25, 30, 40, 50))
    n = dice.randint(2, 6)
    new = p - p * percent // 100
    note = n * new + dice.randint(1, 60)
    program = (
        f"off = {p} * {percent} / 100\nprice = {p} - off\ncost = {n} * price\n"
        f"change = {note} - cost\nprint(change)"
    )
    return told(dice, program, note - n * new, """
    - Shoes cost ${p} a pair and are reduced by {r}%. {name} has ${m} and buys {n} pairs. How much
      money does {he} have left?
    - A ticket is ${p}, but groups get {r}% off. A group of {n} pays with ${m}. What change does it
      get?
    - How much of ${m} is left after buying {n} lamps at {r} percent off the usual ${p} each?
    - The {shop} takes {r}% off all prices today. {name} picks {n} bags, normally ${p} each, and
      has ${m}. Find how much remains.
    - i've got ${m}. jackets are ${p} with {r}% off and i buy {n}. how much do i have left?
    - {n} friends buy a pass each. A pass costs ${p}, with a discount of {r}% for pupils. They have
      ${m} in all. Work out what is left.
    - From ${m} the club pays for {n} balls. One ball costs ${p}, less a discount of {r}%. How much
      money has the club then?
    - In the sale every coat of ${p} is {r}% cheaper. {other} buys {n} such coats. What is left of
      {other}'s ${m}?
    - With {r}% off, {name} books {n} nights at a hotel that usually takes ${p} a night. {He} has
      ${m}. How much can {he} still spend?
    - {name} hands over ${m} for {n} games whose price of ${p} each was cut by {r} percent.
      Calculate the change.
    """, p=p, r=percent, n=n, m=note)  # fmt: skip


@family(GROUP)
def ages_of_three_together(dice: Dice) -> Drawn:
    a, n, y = dice.randint(4, 20), dice.choice((2, 2, 3, 4)), dice.randint(2, 20)
    b = dice.randint(2, n * a - 1)
    often = "twice" if n == 2 else f"{n} times"
    program = (
        f"second = {n} * {a}\nthird = second - {b}\ntotal = {a} + second + third + 3 * {y}\n"
        "print(total)"
    )
    return told(dice, program, (a + y) + (n * a + y) + (n * a - b + y), """
    - {name} is {a} years old. {other} is {often} as old as {name}, and {third} is {b} years
      younger than {other}. What will the sum of their ages be in {y} years?
    - {third} is {b} years younger than {other}, who is {often} as old as {name}. {name} is {a}.
      How old will the three be together {y} years from now?
    - How old will {name}, {other} and {third} be in total in {y} years if {name} is {a}, {other}
      {often} as old as {name}, and {third} {b} years younger than {other}?
    - my dog is {a}, my cat is {often} as old as the dog and my bird is {b} years younger than the
      cat. what will their ages add up to in {y} years?
    - An oak is {a} years old, a lime tree {often} as old as the oak, and a beech {b} years younger
      than the lime tree. Find the sum of the three ages {y} years from now.
    - {name} turned {a} today. {other}'s age is {often} that of {name}. {third} is {b} years
      younger than {other}. In {y} years, how many years old will they be altogether?
    - In {y} years the ages of three cousins are added. Today the first is {a}, the second {often}
      as old as the first, the third {b} years younger than the second. Work out the sum.
    - {other}, {often} as old as {name}, is {b} years older than {third}. {name} is {a} now.
      Calculate what their three ages add up to after {y} years.
    """, a=a, b=b, often=often, y=y, aside=False)  # fmt: skip


@family(GROUP)
def per_minute_to_a_whole_day(dice: Dice) -> Drawn:
    r, h, d = dice.randint(2, 40), dice.randint(2, 12), dice.randint(2, 14)
    program = f"hourly = {r} * 60\ndaily = hourly * {h}\ntotal = daily * {d}\nprint(total)"
    return told(dice, program, r * h * d * 60, """
    - A machine makes {r} {goods} a minute. It runs {h} hours a day. How many does it make in {d}
      days?
    - {name} types {r} words a minute for {h} hours each day. How many words does {he} type in {d}
      days?
    - How many litres does a pump move in {d} days if it moves {r} litres per minute and works {h}
      hours a day?
    - A tap drips {r} drops every minute and is left like that {h} hours a day. Find the number of
      drops in {d} days.
    - my printer does {r} pages per minute. how many pages in {d} days, running {h} hours a day?
    - On a road {r} cars pass each minute. A camera counts them {h} hours a day for {d} days. How
      many cars does it count?
    - {r} bottles leave the line per minute. Work out how many leave it in {d} days of {h} hours
      each.
    - {d} days long, {h} hours every day, a clock ticks {r} times a minute. How many ticks are
      that?
    - During {h} hours a day, {r} visitors a minute enter the fair. It lasts {d} days. Calculate
      the number of visitors.
    """, r=r, h=h, d=d)  # fmt: skip


@family(GROUP)
def boys_and_girls_by_percent(dice: Dice) -> Drawn:
    n, percent = dice.randint(2, 12), dice.choice((30, 35, 40, 45, 55, 60, 65, 70))
    size = dice.choice((20, 40, 60, 100))
    first = n * size * percent // 100
    rest = n * size - first
    gone = dice.randint(2, rest - 1)
    program = (
        f"total = {n} * {size}\npart = total * {percent} / 100\nrest = total - part\n"
        f"left = rest - {gone}\nprint(left)"
    )
    return told(dice, program, rest - gone, """
    - A school has {n} groups of {s} pupils. {p}% of the pupils are girls. {g} boys are away today.
      How many boys are there today?
    - {name} has {n} {boxes} of {s} {goods}. {p}% are red, the others blue. {He} gives {g} blue
      ones to {other}. How many blue {goods} does {name} have left?
    - How many seats are free in {n} coaches of {s} seats each when {p}% of all seats are booked
      and {g} other seats are taken by children?
    - A farm has {n} fields with {s} animals each. {p} percent of the animals are cows and the rest
      are sheep. {g} sheep are sold. Find how many sheep remain.
    - i have {n} albums with {s} photos. {p}% are in colour and the rest black and white. i throw
      away {g} black and white ones. how many of those are left?
    - {n} shelves hold {s} books each. {p}% of the books are novels. Of the other books {g} are
      lent out. How many of the others are still there?
    - In {n} hours at ${s} an hour {name} earns some money. {He} saves {p}% of it and pays ${g} for
      food from the rest. Work out what is left of the rest.
    - Each of {n} trucks brings {s} sacks. {p}% of the sacks hold rice, the rest hold beans. After
      {g} sacks of beans are used, how many sacks of beans are there?
    - {p}% of the guests at a party with {n} tables of {s} guests are adults. All others are
      children, of whom {g} go home. Calculate how many children stay.
    """, n=n, s=size, p=percent, g=gone)  # fmt: skip


@family(GROUP, held_out=True)
def builders_hours_and_days(dice: Dice) -> Drawn:
    a, b, h, d = dice.randint(2, 9), dice.randint(5, 60), dice.randint(3, 9), dice.randint(2, 10)
    left = dice.randint(10, 900)
    total = a * b * h * d + left
    program = f"daily = {a} * {b} * {h}\ndone = daily * {d}\nleft = {total} - done\nprint(left)"
    return told(dice, program, left, """
    - A wall needs {t} bricks. {a} workers lay {b} bricks an hour each and work {h} hours a day.
      How many bricks are left to lay after {d} days?
    - {a} machines make {b} {goods} an hour each, {h} hours a day. {t} are ordered. How many are
      still missing after {d} days?
    - How many of {t} letters are not sorted after {d} days if {a} people each sort {b} an hour for
      {h} hours a day?
    - we have to pick {t} {fruits}. {a} of us pick {b} an hour each, {h} hours a day. how many are
      left after {d} days?
    - {t} trees are to be planted by {a} teams. Every team plants {b} an hour and works {h} hours a
      day. Find how many are to be planted after {d} days.
    - With {h} hours of work a day, {a} painters paint {b} tiles an hour each. Work out how many of
      {t} tiles are unpainted after {d} days.
    - A tank of {t} litres is emptied by {a} pumps, each moving {b} litres an hour, for {h} hours a
      day. How many litres are in it after {d} days?
    - {name} and friends, {a} in all, fold {b} stars an hour each for {h} hours on each of {d}
      days. They want {t} stars. Calculate how many they lack.
    """, t=total, a=a, b=b, h=h, d=d)  # fmt: skip


@family(GROUP, held_out=True)
def story_score_needed_for_an_average(dice: Dice) -> Drawn:
    a, b, c = (dice.randint(5, 95) for _ in range(3))
    mean = (a + b + c) // 4 + dice.randint(1, 20)
    program = f"needed = {mean} * 4\ntotal = {a} + {b} + {c}\nlast = needed - total\nprint(last)"
    return told(dice, program, mean + (mean - a) + (mean - b) + (mean - c), """
    - {name} scored {a}, {b} and {c} points in three games. How many points does {he} need in the
      fourth game for an average of {m}?
    - The {shop} sold {a}, {b} and {c} {foods} on three days. How many must it sell on the fourth
      day to have a mean of {m} a day?
    - How many pages must {name} read on {day} to reach an average of {m} pages over four days,
      after {a}, {b} and {c} pages on the first three?
    - The average of four numbers is {m}. Three of them are {a}, {b} and {c}. Find the fourth.
    - i ran {a}, {b} and {c} minutes this week. how long must my fourth run be so that the average
      is {m} minutes?
    - Four {boxes} hold {m} {things} on average. The first three hold {a}, {b} and {c}. Work out
      how many the fourth holds.
    - {name} spent ${a}, ${b} and ${c} in three weeks. With how much in the fourth week is the
      average ${m} a week?
    - Four friends are {m} years old on average; three are {a}, {b} and {c}. Calculate the age of
      the fourth.
    """, a=a, b=b, c=c, m=mean, aside=False)  # fmt: skip


@family(GROUP)
def two_working_together(dice: Dice) -> Drawn:
    a, b, h = dice.randint(3, 60), dice.randint(3, 60), dice.randint(2, 15)
    done = dice.randint(5, 300)
    total = done + (a + b) * h
    program = (
        f"together = {a} + {b}\nleft = {total} - {done}\nhours = left / together\nprint(hours)"
    )
    return told(dice, program, h, """
    - {name} folds {a} letters an hour and {other} folds {b}. {t} letters must be folded, and {d}
      are done. How many hours do they need for the rest if they work together?
    - A tank for {t} litres has {d} litres in it. One tap brings {a} litres an hour, another {b}.
      In how many hours is the tank full with both taps open?
    - How many hours do two machines need to finish {t} {goods}, of which {d} are ready, if one
      makes {a} an hour and the other {b} an hour?
    - Two painters have painted {d} of {t} square metres. In an hour the first one paints {a} and
      the second one {b} square metres. Find in how many hours they finish.
    - we need {t} cards and have {d}. i write {a} an hour and my {kin} writes {b} an hour. how many
      hours will it take us both together?
    - The club wants ${t} and has ${d}. Every hour the cake stall earns ${a} and the juice stall
      ${b}. Work out after how many hours the club has its money.
    - Of {t} seedlings {d} are planted. {name} plants {a} per hour; {other} plants {b} per hour.
      Working side by side, how long do they still need, in hours?
    - Working together from now on, {name} ({a} pages an hour) and {other} ({b} pages an hour)
      check a text of {t} pages. {d} pages are checked already. Calculate the hours they need.
    """, a=a, b=b, t=total, d=done)  # fmt: skip
