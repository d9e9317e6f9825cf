"""Everyday stories with three to five operations: shops, work, savings, trips, farms."""

from __future__ import annotations

from train.problems.families.one_step_words import amount, price, rounded, share, told
from train.problems.family import Dice, Drawn, family

GROUP = "multi-step word problems"


@family(GROUP)
def bought_and_sold_with_a_fee(dice: Dice) -> Drawn:
    n, p, gain = dice.randint(10, 90), dice.randint(1, 30), dice.randint(2, 20)
    fee, q = dice.randint(1, n * gain - 1), p + gain
    program = f"cost = {n} * {p}\nsales = {n} * {q}\nprofit = sales - cost - {fee}\nprint(profit)"
    return told(dice, program, n * gain - fee, """
    - {name} buys {n} {goods} at ${p} each and sells them all for ${q} each. The stall costs ${f}.
      What profit does {he} make?
    - A {shop} pays ${p} for one {thing} and sells it for ${q}. Rent for the day is ${f}. How much
      does the shop earn on a day with {n} {things} sold?
    - How much money does {name} gain if {he} sells {n} {things} that cost {him} ${p} apiece for
      ${q} apiece, and pays ${f} for advertising?
    - Making one {good} costs a {maker} ${p}. At the market each sells for ${q}. The place at the
      market is ${f}. Find the profit on {n} {goods}.
    - The school choir prints {n} shirts for ${p} a shirt. All are sold at ${q} a shirt, and ${f}
      is paid for delivery. How much is left for the choir?
    - i buy {n} {things} for ${p} each, sell them at ${q} each and pay a ${f} fee. what's my
      profit?
    - {other} sells {n} cups of tea at ${q}. Each cup costs {other} ${p}, and the cart costs ${f}
      to rent. Work out what {he2} earns after all costs.
    - With tickets at ${q} the club sold {n} of them. For every guest it spent ${p} on food, and
      the hall cost ${f}. How much did the club make?
    - {n} plants were bought by a gardener for ${p} each. He sold every plant for ${q} and paid a
      helper ${f}. What did he gain?
    - Selling {n} {foods} a week for ${q} each, {name} pays ${p} for each one and ${f} a week for
      the van. Calculate {his} weekly profit.
    """, n=n, p=p, q=q, f=fee)  # fmt: skip


@family(GROUP)
def three_persons_altogether(dice: Dice) -> Drawn:
    a, n = dice.randint(6, 80), dice.choice((2, 2, 2, 3, 4))
    b, more = dice.randint(2, 2 * a - 1), dice.chance(0.5)
    often, sign = "twice" if n == 2 else f"{n} times", "+" if more else "-"
    program = (
        f"second = {n} * {a}\nlast = second {sign} {b}\ntotal = {a} + second + last\nprint(total)"
    )
    return told(dice, program, a * (2 * n + 1) + (b if more else -b), """
    - {name} has {a} {things}. {other} has {often} as many as {name}, and {third} has {b} {more}
      than {other}. How many {things} do the three have together?
    - {third} picked {b} {more} {fruits} than {other}. {other} picked {often} as many as {name},
      who picked {a}. How many did they pick in all?
    - On {day} {a} people came to the {place}. On {day2} {often} as many came, and on {day3} {b}
      {more} than on {day2}. Find the number of people for the three days.
    - How many points did the team get if {name} scored {a}, {other} {often} as many as {name}, and
      {third} {b} {more} than {other}?
    - A pen costs ${a}. A book costs {often} as much as the pen, and a bag costs ${b} {less} than
      the book. How much are the three things together?
    - i have {a} {things}, my {kin} has {often} as many as me and {third} has {b} {more} than my
      {kin}. how many are there altogether?
    - Three classes collect cans. The first collects {a}, the second {often} as many as the first,
      the third {b} {more} than the second. Work out the total.
    - {name} read {a} pages in the first week, {often} as many in the second week and {b} {more} in
      the third week than in the second. How many pages did {he} read?
    - There are {a} goats on a farm, {often} as many sheep as goats, and {b} {more} hens than
      sheep. How many animals is that?
    - In a {box} lie {a} red {goods}. There are {often} as many blue ones as red ones, and {b}
      {more} green ones than blue ones. How many {goods} lie in the {box}?
    - {name} saved ${a}. {other} saved {often} as much as {name}. {third} saved ${b} {less} than
      {other}. Calculate the sum of their savings.
    """, a=a, b=b, often=often, more="more" if more else "fewer",
        less="more" if more else "less", aside=dice.chance(0.6))  # fmt: skip


@family(GROUP)
def eggs_sold_by_the_dozen(dice: Dice) -> Drawn:
    days, used, dozens = dice.choice((7, 10, 14, 30)), dice.randint(2, 8), dice.randint(1, 6)
    p, laid = dice.randint(2, 9), used + 12 * dozens
    program = (
        f"rest = {laid} - {used}\ndozens = rest // 12\n"
        f"income = dozens * {p} * {days}\nprint(income)"
    )
    return told(dice, program, dozens * p * days, """
    - A farmer's hens lay {laid} eggs every day. The family eats {u} and sells the rest for ${p} a
      dozen. How much money do they make in {d} days?
    - {name} gets {laid} eggs a day, uses {u} for baking and sells the others by the dozen at ${p}
      per dozen. What does {he} take in over {d} days?
    - How much does a farm earn in {d} days from {laid} eggs a day, if {u} eggs break each day and
      every dozen of the rest sells for ${p}?
    - A bakery makes {laid} rolls a day. {u} are kept for the staff. The rest is sold at ${p} a
      dozen. Find the income in {d} days.
    - every day i bake {laid} muffins, give away {u} and sell the rest for ${p} a dozen. how much
      do i make in {d} days?
    - For each dozen roses a grower is paid ${p}. He cuts {laid} roses a day and throws {u} of them
      away. How much is he paid for {d} days?
    - Daily, {laid} doughnuts leave the oven, {u} are eaten by the bakers, and the others are sold
      in boxes of a dozen for ${p} a box. Work out the money from {d} days.
    - {other} collects {laid} eggs each morning. {u} go to a neighbour for free; the rest goes to
      the market, where a dozen brings ${p}. What is earned in {d} days?
    - The school kitchen gets {laid} eggs a day but {u} are not good. What do the good eggs cost in
      {d} days at ${p} a dozen?
    - At ${p} per dozen, how much money do {d} days bring if {laid} buns are baked a day and {u} of
      them are not sold?
    """, laid=laid, u=used, p=p, d=days)  # fmt: skip


@family(GROUP)
def minutes_a_day_in_hours(dice: Dice) -> Drawn:
    m, d = dice.choice(((20, 3), (30, 4), (15, 4), (45, 4), (30, 2), (40, 3), (20, 6), (90, 2)))
    w = dice.randint(2, 20)
    program = f"minutes = {m} * {d} * {w}\nhours = minutes / 60\nprint(hours)"
    return told(dice, program, m * d // 60 * w, """
    - {name} practises the piano {m} minutes a day on {d} days a week. How many hours does {he}
      practise in {w} weeks?
    - Each week has {d} sports lessons of {m} minutes. How many hours of sport are there in {w}
      weeks?
    - In hours, how long does {name} spend on the bus in {w} weeks with {d} rides of {m} minutes a
      week?
    - A course has {d} lessons a week, and every lesson is {m} minutes long. Find the number of
      hours that the course takes if it goes on for {w} weeks.
    - i run {m} minutes, {d} times a week. how many hours is that in {w} weeks?
    - {name} reads to {his} {kin} for {m} minutes {d} times a week. Work out the hours of reading
      in {w} weeks.
    - The radio sends a show of {m} minutes on {d} days of the week. How many hours of the show are
      there in {w} weeks?
    - {d} times a week {other} trains for {m} minutes. After {w} weeks, how many hours of training
      is that?
    - A washing machine runs {d} times a week for {m} minutes. Calculate for how many hours it runs
      in {w} weeks.
    - For {w} weeks {name} walks the dog {d} times a week, {m} minutes each time. How many hours
      does {he} walk?
    """, m=m, d=d, w=w)  # fmt: skip


@family(GROUP)
def half_spent_then_some_more(dice: Dice) -> Drawn:
    left, b = dice.randint(3, 90), dice.randint(2, 60)
    program = f"half = {left} + {b}\nstart = half * 2\nprint(start)"
    return told(dice, program, 2 * left + 2 * b, """
    - {name} spent half of {his} money on a book and then ${b} on lunch. {He} has ${l} left. How
      much did {he} have at first?
    - Half of the {things} in a {box} were sold. Then {b} more were sold, and {l} were left. How
      many {things} were in the {box} at the start?
    - How many {foods} did {name} bake if {he} gave away half of them, ate {b} of the rest and now
      has {l}?
    - At a bus stop half of the passengers got off. At the next stop {b} more got off. {l} stayed
      on the bus. How many were on it before the two stops? Nobody got on.
    - i gave half my {things} to my {kin}, lost {b} and have {l} now. how many did i start with?
    - {name} read half of a book on {day} and {b} pages on {day2}. There are {l} pages left. Find
      how many pages the book has.
    - A tank lost half of its water, after which {b} litres were taken. {l} litres remain. Work out
      how many litres it held.
    - {l} {things} are left after {name} first gave half of {his} {things} to {other} and next {b}
      to {third}. How many did {name} own?
    - Half of the guests went home early, and {b} more left later. Now {l} guests are at the party.
      How many came to the party?
    - A rope was cut in half. From one half {b} cm were cut off, which left {l} cm of that half.
      Calculate the length of the rope in cm.
    """, l=left, b=b)  # fmt: skip


@family(GROUP)
def budget_for_a_trip(dice: Dice) -> Drawn:
    a, p, b, q = dice.randint(2, 6), dice.randint(6, 40), dice.randint(2, 30), dice.randint(2, 15)
    left = dice.randint(5, 200)
    budget = a * p + b * q + left
    program = (
        f"first = {a} * {p}\nsecond = {b} * {q}\nleft = {budget} - first - second\nprint(left)"
    )
    return told(dice, program, left, """
    - A class has ${t} for a trip. {a} adults pay ${p} each and {b} children ${q} each. How much
      money is left?
    - {name} has ${t}. {He} buys {a} {things} at ${p} each and {b} {things2} at ${q} each. How much
      does {he} have left?
    - How much of a budget of ${t} remains after {a} tables for ${p} each and {b} chairs for ${q}
      each have been bought?
    - Out of ${t}, {name} pays for {a} nights at ${p} a night and {b} meals at ${q} a meal. What is
      left?
    - A tailor has {t} metres of cloth and makes {a} coats, {p} metres each, and {b} skirts, {q}
      metres each. Find how many metres remain.
    - i had ${t} and bought {a} shirts for ${p} and {b} socks for ${q} each, how much have i got
      left? all shirts cost the same.
    - {other} wants to cycle {t} km. {He2} cycles {p} km on each of {a} days and {q} km on each of
      {b} days. How many km are still to go?
    - There are {t} seats in the {hall}. {a} groups of {p} and {b} groups of {q} people sit down.
      Work out how many seats are free.
    - The kitchen has {t} kg of flour. It uses {a} bags of {p} kg for bread and {b} bags of {q} kg
      for cake. How many kg are still there?
    - For a party {name} can spend ${t}. {a} cakes at ${p} each and {b} bottles of juice at ${q}
      each are bought. Calculate what {he} can still spend.
    - A book of {t} pages: {name} reads {p} pages on each of the first {a} days and {q} on each of
      the next {b} days. How many pages are left?
    """, t=budget, a=a, p=p, b=b, q=q)  # fmt: skip


@family(GROUP)
def fraction_then_fraction_of_the_rest(dice: Dice) -> Drawn:
    m, n, k = dice.choice((2, 3, 4, 5)), dice.choice((2, 3, 4)), dice.randint(2, 20)
    total = m * n * k
    program = (
        f"first = {total} / {m}\nrest = {total} - first\nsecond = rest / {n}\n"
        "left = rest - second\nprint(left)"
    )
    f, g = share(dice, 1, m), share(dice, 1, n)
    return told(dice, program, k * (m - 1) * (n - 1), """
    - {name} had {t} {things}. {He} gave {f} of them to {other} and {g} of the rest to {third}. How
      many does {name} have left?
    - A book has {t} pages. {name} read {f} of it on {day} and {g} of the remaining pages on
      {day2}. How many pages are left?
    - How much of ${t} remains after {name} spends {f} of it on clothes and then {g} of what is
      left on food?
    - Of {t} pupils {f} walk to school, and {g} of the others cycle. The rest come by bus. How many
      come by bus?
    - i had ${t}, spent {f} of it, then {g} of what was left. how much have i got?
    - A {shop} had {t} {foods}. Before noon {f} were sold, and after noon {g} of the remaining
      ones. Find how many were not sold.
    - From a tank of {t} litres {f} is used on {day}. On {day2} {g} of the rest is used. Work out
      how many litres the tank has then.
    - {f} of the {t} {goods} in a {box} are red. {g} of the others are blue, and all the rest are
      green. How many are green?
    - The trail is {t} km long. {name} hiked {f} of it, slept, and hiked {g} of the rest. How many
      km are still to go?
    - After {f} of {t} guests had left, {g} of those who stayed left too. Calculate how many guests
      were still there.
    """, t=total, f=f, g=g)  # fmt: skip


@family(GROUP)
def percent_then_share_of_the_rest(dice: Dice) -> Drawn:
    p, n = dice.choice(((10, 3), (20, 4), (25, 3), (40, 3), (50, 2), (60, 2), (70, 3), (30, 2)))
    t = 20 * n * dice.randint(1, 20)
    rest = t - t // 10 * p // 10
    program = f"part = {t} * {p} / 100\nrest = {t} - part\neach = rest / {n}\nprint(each)"
    return told(dice, program, rest // n, """
    - {name} earns ${t}. {He} saves {p}% and divides the rest equally over {n} weeks. How much can
      {he} spend each week?
    - {p}% of the {t} {fruits} are bad. The good ones go in {n} {boxes}, the same number in each.
      How many are in one {box}?
    - A prize of ${t} is taxed at {p} percent. {n} friends share what is left equally. What does
      each get?
    - Of {t} pupils {p}% are away. The others form {n} equal groups. How many pupils are in a
      group?
    - a bag has {t} sweets, {p}% are eaten and {n} kids share the rest. how many sweets does each
      get?
    - {name} has read {p}% of {t} pages and reads the rest in {n} days, as many each day. Find the
      pages a day.
    - From {t} litres of milk {p}% is made into cheese, and the rest fills {n} equal tanks. How
      many litres are in a tank?
    - How much is one payment if a bike of ${t} is reduced by {p}% and paid in {n} equal payments?
    - A {shop} sold {p}% of {t} {things}. What is left is put on {n} shelves evenly. Work out how
      many there are on a shelf.
    - {n} brothers inherit ${t}. First {p} percent goes to a charity, then they share equally.
      Calculate the share of one brother.
    """, t=t, p=p, n=n)  # fmt: skip


@family(GROUP)
def overtime_at_a_higher_rate(dice: Dice) -> Drawn:
    (p, pc), (q, qc) = price(dice, 8, 20, 0.7), price(dice, 21, 40, 0.7)
    a, b, c = dice.randint(20, 40), dice.randint(2, 12), dice.randint(10, 150)
    program = (
        f"normal = {a} * {p}\nextra = {b} * {q}\npay = normal + extra - {c}\n"
        f"print({rounded('pay', p, q)})"
    )
    return told(dice, program, amount(a * pc + b * qc - 100 * c, p, q), """
    - {name} works {a} hours at ${p} an hour and {b} hours of overtime at ${q} an hour. ${c} is
      taken off for insurance. What is {he} paid?
    - For {a} normal hours {name} gets ${p} each and for {b} night hours ${q} each. After paying
      ${c} for the train, how much does {he} have?
    - How much money does {name} keep if {he} is paid ${p} for each of {a} weekday hours, ${q} for
      each of {b} weekend hours, and has to pay ${c} tax?
    - A {maker} sells {a} small {goods} at ${p} and {b} large ones at ${q} apiece. The material
      cost ${c}. Find the profit.
    - i did {a} hours at ${p} and {b} extra hours at ${q}, and they took ${c} for the uniform. how
      much do i get?
    - The club sold {a} cheap tickets at ${p} and {b} good ones at ${q}. It paid ${c} for the hall.
      Work out what was left.
    - {other} mowed {a} lawns for ${p} each and cut {b} hedges for ${q} each. Fuel cost ${c}. How
      much did {other} make?
    - Paid ${p} an hour for {a} hours by day and ${q} an hour for {b} hours at night, what does
      {name} get when ${c} is deducted?
    - {name} sold {a} paintings at ${p} each and {b} at ${q} each, then gave ${c} to {his} {kin}.
      How much did {he} keep?
    - Calculate the week's pay: {a} hours with ${p} per hour, {b} hours with ${q} per hour, minus
      ${c} for meals.
    """, a=a, b=b, c=c, p=p, q=q)  # fmt: skip


@family(GROUP)
def saved_by_buying_packs(dice: Dice) -> Drawn:
    k, packs, p = dice.randint(3, 12), dice.randint(2, 12), dice.randint(2, 9)
    q = dice.randint(p, k * p - 1)
    program = (
        f"single = {k * packs} * {p}\npacks = {k * packs} // {k}\ncost = packs * {q}\n"
        "saved = single - cost\nprint(saved)"
    )
    return told(dice, program, packs * (k * p - q), """
    - One {thing} costs ${p}, and a pack of {k} costs ${q}. {name} needs {t} {things}. How much
      does {he} save by buying packs?
    - A bus ticket is ${p}. A card for {k} rides is ${q}. How much less do {t} rides cost with
      cards than with single tickets?
    - How much money does a class save if it buys {t} notebooks in packs of {k} for ${q} a pack
      rather than one by one for ${p} each?
    - Single entry to the {place} costs ${p}. Groups of {k} pay ${q}. {t} pupils go in groups of
      {k}. Find what they save compared with single entry.
    - i need {t} eggs. they are ${p} each or ${q} for a box of {k}. how much cheaper are boxes?
    - {name} wants {t} bottles of juice. A bottle is ${p} alone; a crate with {k} bottles is ${q}.
      Work out how much {he} saves with crates.
    - For {t} {foods}, compare two prices: ${p} for each one, or ${q} for every {k}. By how much is
      the second way cheaper?
    - At the {shop} {k} {things} together cost ${q}, but one costs ${p}. Calculate the saving on
      {t} {things} bought {k} at a time.
    """, t=k * packs, k=k, p=p, q=q)  # fmt: skip


@family(GROUP)
def fuel_there_and_back(dice: Dice) -> Drawn:
    k, litres, p = dice.randint(5, 18), dice.randint(2, 9), dice.randint(2, 5)
    n = dice.randint(2, 12)
    program = (
        f"distance = 2 * {k * litres}\nlitres = distance / {k}\ncost = litres * {p}\n"
        f"total = cost * {n}\nprint(total)"
    )
    return told(dice, program, 2 * litres * p * n, """
    - {name} drives {d} km to work and the same way back. The car goes {k} km on a litre, and a
      litre costs ${p}. How much does fuel cost for {n} days?
    - The {place} is {d} km away. A van goes {k} km per litre of fuel, which costs ${p}. What do
      {n} trips there and back cost?
    - How much do {n} round trips cost if one way is {d} km, the bus does {k} km on each litre and
      fuel is ${p} a litre?
    - A boat uses a litre for every {k} km. The island is {d} km from the port. At ${p} a litre,
      find the price of the fuel for {n} journeys to the island and back.
    - my mum lives {d} km away and i visit her {n} times a year, there and back. my car does {k} km
      per litre and fuel is ${p} per litre. how much do i spend on fuel?
    - On {n} weekends {name} goes to a lake {d} km away and returns. {His} car gets {k} km from a
      litre at ${p}. Work out the cost of the fuel.
    - With {k} km to the litre and ${p} to be paid for a litre, what is the fuel bill of {n} drives
      from home to the {place}, {d} km away, and home again?
    - A truck makes {n} trips to a farm and back; the farm is {d} km off. It needs one litre for
      {k} km. A litre costs ${p}. Calculate the cost of all the fuel.
    """, d=k * litres, k=k, p=p, n=n)  # fmt: skip
