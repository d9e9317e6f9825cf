"""Everyday stories with two operations: shopping, change, groups, comparing, then altogether."""

from __future__ import annotations

from train.problems.families.one_step_words import amount, price, rounded, size, told
from train.problems.family import Dice, Drawn, family

GROUP = "two-step word problems"


@family(GROUP)
def basket_of_two_articles(dice: Dice) -> Drawn:
    (p, pc), (q, qc) = price(dice, 1, 30), price(dice, 1, 12)
    a, b = dice.randint(2, 20), dice.randint(2, 20)
    program = f"cost = {a} * {p} + {b} * {q}\nprint({rounded('cost', p, q)})"
    return told(dice, program, amount(a * pc + b * qc, p, q), """
    - {name} buys {a} {things} at ${p} each and {b} {things2} at ${q} each. How much does {he} pay?
    - A ticket for an adult costs ${p} and one for a child ${q}. How much do {a} adults and {b}
      children pay together?
    - What is the total cost of {a} {things} for ${p} apiece and {b} {things2} for ${q} apiece?
    - At the {shop} a {food} bar is ${p} and a drink is ${q}. {name} orders {a} bars and {b}
      drinks. Find {his} bill.
    - {a} kg of {foods} at ${p} per kg plus {b} kg of {foods2} at ${q} per kg, what do i pay in
      all?
    - {name} works {a} hours for ${p} an hour and then {b} hours for ${q} an hour. How much does
      {he} earn altogether?
    - A {maker} sold {a} {goods} for ${p} each and {b} {goods2} for ${q} each. Work out how much
      money that brought in.
    - How much money is needed for {a} notebooks and {b} pens, if a notebook costs ${p} and a pen
      costs ${q}?
    - One metre of red ribbon costs ${p}, one metre of blue ribbon ${q}. {name} needs {a} metres of
      red and {b} metres of blue ribbon. Calculate the price of both.
    - The school orders {a} large maps (${p} each) and {b} small ones (${q} each). What does the
      order come to?
    - For the party {other} gets {a} pizzas, each ${p}, and {b} salads, each ${q}. Tell me what
      {he2} spends.
    - Rides on the big wheel cost ${p}, rides on the train ${q}. {name} took {a} rides on the wheel
      and {b} on the train. How much did all the rides cost?
    """, a=a, b=b, p=p, q=q)  # fmt: skip


@family(GROUP)
def story_change_from_a_note(dice: Dice) -> Drawn:
    p, pc = price(dice, 1, 11)
    n = dice.randint(2, 8)
    note = min(x for x in (5, 10, 20, 50, 100) if x * 100 > n * pc)
    program = f"cost = {n} * {p}\nchange = {note} - cost\nprint({rounded('change', p)})"
    return told(dice, program, amount(note * 100 - n * pc, p), """
    - {name} buys {n} {things} at ${p} each and pays with a ${note} note. How much change does {he}
      get?
    - One {box} of {foods} costs ${p}. How much of ${note} is left after buying {n} of them?
    - {name} has ${note}. {He} buys {n} tickets for ${p} each. How much money does {he} have left?
    - How much change is there from ${note} for {n} {things} that cost ${p} apiece?
    - {n} {things} cost ${p} each, i pay with ${note}, what do i get back?
    - {name} gave the seller ${note} for {n} kg of {foods} at ${p} per kg. Work out {his} change.
    - From {his} ${note} of pocket money {name} paid for {n} rides of ${p} each. Find what
      remained.
    - The {shop} sells {things} for ${p}. {other} takes {n} and hands over ${note}. What change is
      due?
    - A sandwich is ${p}. {name} orders {n} sandwiches and puts ${note} on the counter. How much
      should {he} get back?
    - {name} went out with ${note} in {his} pocket. Each {thing} {he} bought was ${p}, and {he}
      bought {n}. Calculate the money {he} came home with.
    - Paying for {n} bus rides at ${p} a ride with ${note}: how much change is that?
    """, n=n, p=p, note=note)  # fmt: skip


@family(GROUP)
def groups_then_some_removed(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 20), dice.randint(4, 40)
    c = dice.randint(2, a * b - 1)
    program = f"total = {a} * {b}\nleft = total - {c}\nprint(left)"
    return told(dice, program, a * b - c, """
    - {name} buys {a} {boxes} of {b} {foods}. {He} eats {c} of them with friends. How many are
      left?
    - There are {a} rows with {b} seats each in the {hall}. {c} seats are taken. How many are free?
    - A {maker} makes {b} {goods} a day for {a} days and sells {c} of them. How many remain?
    - How many {things} does {name} have left if {he} had {a} {boxes} of {b} and gave away {c}?
    - {a} cartons hold {b} eggs each, and {c} eggs are broken. Find how many eggs are not broken.
    - A hall has {a} tables for {b} guests each. {c} guests have come. For how many more is there
      room?
    - i had {a} packs of {b} {things} and used {c}. how many do i have now?
    - {name} earns ${b} a day for {a} days and spends ${c}. How much is left?
    - Each of {a} trees gave {b} {fruits}. {c} {fruits} went bad. Work out how many were good.
    - {name} put {b} photos on each of {a} pages, then took {c} photos out. How many stayed?
    - A book has {a} chapters of {b} pages. {name} has read {c} pages. Calculate the pages that
      {he} still has to read.
    - Out of {a} crates with {b} bottles in each, {c} bottles were sold. How many were not?
    - After {c} pupils left, how many were still at the camp, to which {a} buses with {b} pupils
      each had come?
    """, a=a, b=b, c=c)  # fmt: skip


@family(GROUP)
def total_then_shared(dice: Dice) -> Drawn:
    n, each = dice.randint(2, 12), dice.randint(4, 60)
    a = dice.randint(2, n * each - 2)
    b = n * each - a
    program = f"total = {a} + {b}\neach = total / {n}\nprint(each)"
    return told(dice, program, each, """
    - {name} has {a} red and {b} blue {goods} and shares them equally among {n} friends. How many
      does each friend get?
    - {a} girls and {b} boys form {n} teams of the same size. How many children are in a team?
    - A dinner cost ${a} and the drinks ${b}. {n} friends split the bill evenly. What does each
      pay?
    - {name} picked {a} {fruits} and {other} {b}. They put all of them into {n} {boxes}, the same
      number in each. How many {fruits} are in a {box}?
    - How many {things} go on each of {n} shelves if {a} old and {b} new ones are spread evenly?
    - {name} saved ${a}, and {his} aunt gave {him} ${b}. {He} buys {n} tickets with all the money.
      How much is one ticket?
    - we collected {a} cans on {day} and {b} on {day2} and put them in {n} equal bags, how many
      cans per bag?
    - A {maker} mixes {a} {goods} with {b} {goods2} and makes {n} equal bundles. Work out how many
      pieces are in a bundle.
    - Two ropes of {a} m and {b} m are tied together and cut into {n} equal parts. Ignoring the
      knot, how many metres long is a part?
    - {a} pages on {day} and {b} on {day2}: that is what {name} must read, in {n} equal sittings.
      Find the pages per sitting.
    - The two classes with {a} and {b} pupils travel in {n} equally full buses. How many pupils are
      in a bus?
    """, a=a, b=b, n=n)  # fmt: skip


@family(GROUP)
def more_than_twice_as_many(dice: Dice) -> Drawn:
    a, n, b = dice.randint(5, 90), dice.choice((2, 2, 2, 3, 4, 5)), dice.randint(2, 20)
    more = dice.chance(0.6) or n * a <= b
    often = {2: "twice"}.get(n, f"{n} times")
    program = f"other = {n} * {a} {'+' if more else '-'} {b}\nprint(other)"
    return told(dice, program, a * n + (b if more else -b), """
    - {name} has {a} {things}. {other} has {b} {more} than {often} as many. How many {things} does
      {other} have?
    - {other} picked {b} {more} than {often} the number of {fruits} {name} picked. {name} picked
      {a}. How many did {other} pick?
    - What is {b} {more} than {often} {a}?
    - On {day} {a} people came to the {place}. On {day2} it was {b} {more} than {often} that
      number. How many came on {day2}?
    - A shirt costs ${a}. A coat costs ${b} {less} than {often} as much. Find the price of the
      coat.
    - {name} read {a} pages. {His} {kin} read {b} {more} than {often} as many. How many is that?
    - i have {a} {things}, my {kin} has {b} {more} than {often} as many. how many has my {kin} got?
    - The first tree is {a} cm high and the second {b} cm {less} than {often} as high. Work out the
      height of the second one in cm.
    - There are {b} {more} {foods} than {often} the number of {foods2} in a {box} with {a}
      {foods2}. How many {foods} are there?
    - {name} is {a} years old. {His} grandfather's house is {b} years {less} than {often} as old as
      {name}. How old is the house?
    - The score of {other} is {b} points {less} than {often} the score of {name}, who has {a}
      points. Calculate the score of {other}.
    """, a=a, b=b, often=often, more="more" if more else "fewer",
        less="more" if more else "less", aside=False)  # fmt: skip


@family(GROUP)
def percentage_then_the_rest(dice: Dice) -> Drawn:
    percent, total = dice.choice((5, 10, 15, 20, 25, 30, 40, 45, 60, 70, 75, 80, 85)), 20
    total *= dice.choice((dice.randint(1, 15), dice.randint(5, 120)))
    part = total // 20 * (percent // 5)
    program = f"part = {total} * {percent} / 100\nrest = {total} - part\nprint(rest)"
    return told(dice, program, total - part, """
    - {percent}% of the {t} pupils of a school come by bus. How many do not come by bus?
    - {name} had ${t} and spent {percent} percent of it. How much does {he} have left?
    - Of {t} {goods}, {percent}% are red. The others are blue. How many are blue?
    - How many seats are free if {percent}% of the {t} seats in the {hall} are taken?
    - A jacket of ${t} is reduced by {percent}%. What is the new price?
    - The {shop} had {t} {foods} and sold {percent} percent of them. Find how many are left.
    - a tank holds {t} litres, {percent}% of it is used. how many litres are left?
    - {name} has read {percent}% of a book with {t} pages. Work out how many pages are left.
    - There were {t} questions, and {name} got {percent}% right. How many did {he} get wrong?
    - {percent} percent of the {t} {goods} in a {box} are broken. How many are whole?
    - On a farm with {t} animals, {percent}% are sheep and the rest are cows. Calculate the number
      of cows.
    - From {his} pay of ${t}, {name} gives {percent}% to tax. What remains of the pay?
    """, percent=percent, t=total)  # fmt: skip


@family(GROUP, held_out=True)
def percentage_added_on_top(dice: Dice) -> Drawn:
    percent, total = dice.choice((5, 10, 15, 20, 25, 30, 40, 50)), 20 * dice.randint(2, 100)
    part = total // 20 * (percent // 5)
    program = f"part = {total} * {percent} / 100\ntotal = {total} + part\nprint(total)"
    return told(dice, program, total + part, """
    - A village had {t} people. The number has grown by {percent}%. How many live there now?
    - The meal costs ${t}, and {name} adds a tip of {percent}%. How much does {he} pay altogether?
    - {name} earned ${t} a month and gets a rise of {percent} percent. What is the new pay?
    - Last year the {place} had {t} visitors; this year {percent}% more. Find this year's number.
    - my rent was ${t} and goes up {percent}%, what will it be?
    - A bag usually holds {t} g. The new bag holds {percent}% more. How many grams is that?
    - Work out the new price of a bike that was ${t} and is {percent}% dearer now.
    - {name} scored {t} points and {other} {percent}% more than that. How many did {other} score?
    """, percent=percent, t=total)  # fmt: skip


@family(GROUP)
def more_than_then_altogether(dice: Dice) -> Drawn:
    a, b = size(dice), dice.randint(2, 60)
    program = f"second = {a} + {b}\ntotal = {a} + second\nprint(total)"
    return told(dice, program, 2 * a + b, """
    - {name} has {a} {things}. {other} has {b} more than {name}. How many do the two have together?
    - The {shop} sold {a} {foods} on {day} and {b} more than that on {day2}. How many were sold on
      the two days?
    - {other} has {b} more {things} than {name}. {name} has {a}. Find how many they have in all.
    - How many people came in two days if {a} came on the first and {b} more on the second than on
      the first?
    - A pen costs ${a} and a bag costs ${b} more than the pen. What do they cost together?
    - i have {a} {things} and my {kin} has {b} more than me. how many do we have in total?
    - {name} ran {a} metres. Then {he} ran {b} metres more than the first time. How many metres did
      {he} run altogether?
    - There are {a} red flowers, and there are {b} more yellow flowers than red ones. Work out the
      number of flowers.
    - {name} read {a} pages in the morning. In the evening {he} read {b} pages more than in the
      morning. How many pages did {he} read that day?
    - At a big school {b} more pupils play football than tennis, and {a} play tennis. Nobody plays
      both. Calculate how many play one of the two.
    - One {box} has {a} {things} in it; the other {box} has {b} more. Tell me how many {things} are
      in the two {boxes}.
    """, a=a, b=b)  # fmt: skip


@family(GROUP, held_out=True)
def fewer_than_then_altogether(dice: Dice) -> Drawn:
    b = dice.randint(2, 60)
    a = b + size(dice)
    program = f"second = {a} - {b}\ntotal = {a} + second\nprint(total)"
    return told(dice, program, 2 * a - b, """
    - {name} has {a} {things}. {other} has {b} fewer than {name}. How many do the two have
      together?
    - The {shop} sold {a} {foods} on {day} and {b} fewer on {day2}. How many in the two days?
    - {other} picked {b} fewer {fruits} than {name}, who picked {a}. Find how many they picked in
      all.
    - A coat costs ${a} and a hat costs ${b} less than the coat. What do they cost together?
    - i have {a} {things} and my {kin} has {b} less than me. how many do we have in total?
    - {name} ran {a} metres, then {b} metres less than before. How far did {he} run altogether, in
      metres?
    - There are {a} cows on a farm and {b} fewer sheep than cows. Work out the number of animals.
    - One {box} holds {a} {things}; another holds {b} fewer. How many {things} are in both?
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def times_as_many_then_altogether(dice: Dice) -> Drawn:
    a, n = dice.randint(3, 120), dice.choice((2, 2, 3, 4, 5, 6))
    often = {2: "twice"}.get(n, f"{n} times")
    program = f"second = {n} * {a}\ntotal = {a} + second\nprint(total)"
    return told(dice, program, (n + 1) * a, """
    - {name} has {a} {things}. {other} has {often} as many. How many do they have altogether?
    - {other} has {often} as many {things} as {name}. If {name} has {a}, how many do they have in
      total?
    - The {shop} sold {a} {foods} on {day} and {often} as many on {day2}. How many in the two days?
    - A cap costs ${a}, and shoes cost {often} as much. How much do a cap and the shoes cost
      together?
    - {name} ran {a} km in May. In June {he} ran {often} as far as in May. Find the km for both
      months.
    - i read {a} pages yesterday and {often} as many today, how many pages is that in all?
    - There are {often} as many sheep as cows on a farm with {a} cows. It has no other animals. How
      many animals are there?
    - The cake needs {a} g of sugar and {often} as much flour. Work out how many g that is
      together.
    - {often} as many children as adults visited the {place}. {a} adults came. How many people
      came?
    - {name} spent {a} minutes on maths and {often} as long on reading. Calculate the minutes for
      the two.
    - One {box} has {a} {things} in it and the next one {often} as many. What do both hold in
      total?
    """, a=a, often=often, aside=False)  # fmt: skip
