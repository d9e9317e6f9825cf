"""More stories with two operations: rates, reading, saving, fractions used, containers, profit."""

from __future__ import annotations

from train.problems.families.one_step_words import amount, price, rounded, share, size, told
from train.problems.family import Dice, Drawn, family

GROUP = "two-step word problems"


@family(GROUP)
def pay_minus_spending(dice: Dice) -> Drawn:
    (p, pc), n = price(dice, 5, 30, 0.7), dice.randint(3, 40)
    spent = dice.randint(1, n * pc // 100 - 1)
    program = f"earned = {n} * {p}\nleft = earned - {spent}\nprint({rounded('left', p)})"
    return told(dice, program, amount(n * pc - spent * 100, p), """
    - {name} earns ${p} an hour. {He} works {n} hours and spends ${s}. How much is left?
    - {name} worked {n} hours at ${p} per hour and then bought a jacket for ${s}. How much of the
      money does {he} still have?
    - How much does {name} have left if {he} mows {n} lawns for ${p} each and pays ${s} for petrol?
    - For every dog {name} walks {he} gets ${p}. Last month {he} walked {n} dogs. {He} spent ${s}
      on new shoes. Find what remained.
    - i made ${p} an hour for {n} hours and paid ${s} for lunch, what do i have left?
    - A {maker} sells {n} {goods} at ${p} each and has costs of ${s}. What is the profit?
    - {name} sold {n} glasses of juice for ${p} a glass. The fruit cost {him} ${s}. Work out how
      much {he} made after that cost.
    - {other} gives {n} lessons a month, for ${p} each, and pays ${s} rent for the room. What
      stays?
    - With a pay of ${p} a day for {n} days, and bills of ${s}, how much money can {name} keep?
    - {name} paid ${s} for a tool, which {he} used to repair {n} bikes at ${p} each. Calculate what
      {he} earned beyond the cost of the tool.
    - After {n} shifts that paid ${p} each, {name} gave {his} {kin} ${s}. How much did {name} have
      then?
    """, n=n, p=p, s=spent)  # fmt: skip


@family(GROUP)
def rate_then_another_time(dice: Dice) -> Drawn:
    rate, a = dice.randint(2, 60), dice.randint(2, 9)
    b = dice.choice([x for x in range(2, 25) if x != a])
    program = f"rate = {rate * a} / {a}\ntotal = rate * {b}\nprint(total)"
    return told(dice, program, rate * b, """
    - A machine makes {t} {goods} in {a} hours. How many does it make in {b} hours at this rate?
    - {name} reads {t} pages in {a} days. How many pages does {he} read in {b} days at the same
      pace?
    - {a} tickets cost ${t}. What do {b} tickets cost?
    - If {a} {boxes} hold {t} {things}, how many {things} do {b} such {boxes} hold?
    - A car goes {t} km in {a} hours. How far does it go in {b} hours at the same speed, in km?
    - {t} g of flour is enough for {a} cakes. Find how many g are needed for {b} cakes.
    - {name} earned ${t} in {a} hours. At the same pay, what does {he} earn in {b} hours?
    - {a} kg of {foods} cost ${t}, how much are {b} kg?
    - A tap fills {t} litres in {a} minutes. Work out how many litres it fills in {b} minutes.
    - How many {goods} can a {maker} make in {b} days, having made {t} of them in {a} days and
      always working at the same rate?
    - On {a} shelves there are {t} books, the same number on each. Calculate how many books fit on
      {b} shelves like that.
    - In {a} weeks a plant grew {t} mm. It goes on growing like that. How many mm does it grow in
      {b} weeks?
    """, t=rate * a, a=a, b=b)  # fmt: skip


@family(GROUP)
def two_kinds_of_containers(dice: Dice) -> Drawn:
    a, b, c, d = dice.randint(2, 25), dice.randint(3, 60), dice.randint(2, 25), dice.randint(3, 60)
    program = f"total = {a} * {b} + {c} * {d}\nprint(total)"
    return told(dice, program, a * b + c * d, """
    - {name} has {a} {boxes} with {b} {things} each and {c} bowls with {d} {things} each. How many
      {things} is that in all?
    - {a} large buses carry {b} people each, and {c} small buses carry {d} each. How many people
      can ride?
    - There are {a} rows of {b} seats and {c} rows of {d} seats in the {hall}. Find the number of
      seats.
    - How many guests fit in a café with {a} tables for {b} and {c} tables for {d} people?
    - A {maker} made {b} {goods} a day for {a} days and then {d} a day for {c} days. How many
      {goods} were made?
    - {a} bags of {b} kg and {c} bags of {d} kg, what do they weigh together in kg?
    - {name} read {b} pages on each of {a} days and {d} pages on each of {c} other days. How many
      pages did {he} read?
    - A game gives {b} points for a star and {d} for a moon. {name} has {a} stars and {c} moons.
      Work out {his} points.
    - {name} ran {b} km a day for {a} days, and {d} km a day for the next {c} days. How many km
      were that in total?
    - On a farm every one of {a} apple trees gives {b} kg and every one of {c} pear trees gives {d}
      kg. Calculate the kg of fruit.
    - In big cartons there are {b} eggs and in small ones {d}. How many eggs are in {a} big and {c}
      small cartons?
    """, a=a, b=b, c=c, d=d, aside=False)  # fmt: skip


@family(GROUP)
def pages_still_to_read(dice: Dice) -> Drawn:
    p, d = dice.randint(4, 60), dice.randint(2, 20)
    left = dice.randint(5, 300)
    program = f"done = {d} * {p}\nleft = {d * p + left} - done\nprint(left)"
    return told(dice, program, left, """
    - A book has {t} pages. {name} reads {p} pages a day for {d} days. How many pages are left?
    - {name} must glue {t} {goods}. {He} glues {p} an hour. How many are left after {d} hours?
    - How many of {t} litres are still in a tank after {d} minutes if {p} litres flow out each
      minute?
    - A road of {t} km is built at {p} km a month. Find how many km are missing after {d} months.
    - {name} owes {other} ${t} and pays back ${p} a month. How much does {he} owe after {d} months?
    - i have to learn {t} words and learn {p} a day. how many are left after {d} days?
    - The trip is {t} km long. {name} drives {d} hours at {p} km/h. How many km are still to go?
    - {d} teams have {p} players each. {t} children came. How many children are in no team?
    - The {shop} has {t} {things} and sells {p} of them every day. Work out how many it has after
      {d} days.
    - {name} wants to walk {t} km this year and has walked {p} km in each of {d} months. How many
      km remain?
    - Of {t} trees that are to be planted, {d} workers have planted {p} each. Calculate how many
      trees are not yet planted.
    - With {t} g of rice in the bag, how many g remain when {d} meals have used {p} g each?
    """, t=d * p + left, p=p, d=d)  # fmt: skip


@family(GROUP)
def fraction_used_then_left(dice: Dice) -> Drawn:
    bottom = dice.choice((3, 4, 5, 6, 8, 10))
    top, part = dice.randint(1, bottom - 1), dice.randint(2, 90)
    total = bottom * part
    program = f"used = {total} * {top} / {bottom}\nleft = {total} - used\nprint(left)"
    return told(dice, program, (bottom - top) * part, """
    - {name} had {t} {things} and gave {f} of them to {other}. How many does {name} have left?
    - {f} of the {t} pages of a book have been read. How many pages are left?
    - A tank holds {t} litres. {f} of the water is used. How many litres remain?
    - How many {foods} are left if {name} baked {t} and {f} of them were eaten?
    - {name} earned ${t} and spent {f} of it. How much money does {he} still have?
    - Of {t} pupils, {f} go home by bus and the rest walk. Find how many walk.
    - a rope is {t} cm long and i cut off {f} of it, how many cm are left?
    - The {shop} sold {f} of its {t} {foods}. Work out how many it did not sell.
    - {t} people were in the {place}. {f} of them left. How many stayed?
    - A farmer has {t} animals; {f} of them are hens, the others are goats. How many goats are
      there?
    - Out of {t} questions {name} answered {f} correctly. Calculate how many {he} did not.
    - There are {t} seats on the train, and {f} are taken. How many free seats are there?
    """, t=total, f=share(dice, top, bottom))  # fmt: skip


@family(GROUP)
def shared_then_some_lost(dice: Dice) -> Drawn:
    n, each = dice.randint(2, 12), dice.randint(5, 60)
    c = dice.randint(2, each - 1)
    program = f"each = {n * each} / {n}\nleft = each - {c}\nprint(left)"
    return told(dice, program, each - c, """
    - {name} and friends, {n} people in all, share {t} {things} equally. {name} loses {c} of {his}
      share. How many does {he} have then?
    - {t} {foods} are packed evenly in {n} {boxes}. {other} takes {c} out of one {box}. How many
      are left in that {box}?
    - {n} friends won ${t} and divided it equally. {name}, who is one of them, spent ${c} of {his}
      part. How much of it does {he} have?
    - How many pupils are in one of {n} equal groups of a class trip with {t} pupils after {c}
      leave that group?
    - A wire of {t} cm is cut into {n} equal pieces, and one piece is shortened by {c} cm. Find the
      length of that piece in cm.
    - we split {t} {things} equally between {n} of us and i gave away {c} of mine. what do i have?
    - {n} shelves share {t} books equally. {c} books on the top shelf are borrowed. How many books
      are on the top shelf now?
    - {t} seeds were sown in {n} equal rows. In the first row {c} did not grow. Work out how many
      grew in the first row.
    - The bill of ${t} is split among {n} people. {name} has a voucher for ${c} off {his} share.
      What does {name} pay?
    - {name} pours {t} ml of juice evenly in {n} glasses and drinks {c} ml of {his} glass.
      Calculate how many ml are left in it.
    """, t=n * each, n=n, c=c)  # fmt: skip


@family(GROUP)
def boxes_opened_and_shared(dice: Dice) -> Drawn:
    c, each, a = dice.randint(2, 12), dice.randint(2, 30), dice.randint(2, 12)
    b = c * each
    a, b = (a * c, each * 2) if dice.chance(0.5) else (a, b)
    program = f"total = {a} * {b}\neach = total / {c}\nprint(each)"
    return told(dice, program, a * b // c, """
    - {name} buys {a} {boxes} of {b} {things} and shares them equally with friends, {c} children in
      all. How many does each child get?
    - {a} rows of {b} plants are put in {c} equal beds instead. How many plants are in a bed?
    - A {maker} packs {a} trays with {b} {foods} each into {c} equal cartons. How many go into
      each?
    - How many {things} does each of {c} people get from {a} {boxes} with {b} {things} in each, all
      shared fairly?
    - {name} saved ${b} a week for {a} weeks and spends it all on {c} equal gifts. Find the price
      of one gift.
    - i have {a} bags of {b} {things} for {c} kids. how many each if i share them all out equally?
    - {a} workers each make {b} {goods}; {c} shops take the same number of them. Work out how many
      a shop gets.
    - It takes {a} days at {b} pages a day to read a book. How many pages a day is that if the book
      is read in {c} days?
    - {a} buses with {b} pupils each come to the camp. The pupils sleep in {c} houses, as many in
      each. How many pupils are in a house?
    - A tank is filled by {a} buckets of {b} litres and emptied into {c} equal barrels. Calculate
      the litres in a barrel.
    """, a=a, b=b, c=c)  # fmt: skip


@family(GROUP)
def coming_and_going(dice: Dice) -> Drawn:
    a, c = size(dice), dice.randint(2, 60)
    b = dice.randint(2, a)
    program = f"left = {a} - {b}\nnow = left + {c}\nprint(now)"
    return told(dice, program, a + c - b, """
    - There are {a} people on a train. At a station {b} get off and {c} get on. How many are on it
      now?
    - {name} had {a} {things}, gave {b} to {other} and then found {c}. How many does {he} have now?
    - The {shop} had {a} {things}. It sold {b} and received {c} new ones. How many has it now?
    - How many books are on the shelf if there were {a}, {b} were borrowed and {c} brought back?
    - {name} has ${a}. {He} spends ${b} and then earns ${c}. Find how much money {he} has then.
    - i had {a} points, lost {b}, then won {c}. what's my score?
    - In the {place} there were {a} visitors at noon. By two o'clock {b} had gone and {c} had come.
      Work out how many were there then.
    - A tank held {a} litres. {b} litres were used before the rain brought {c} litres. How many
      litres are in it?
    - {a} birds sit in a tree. First {b} fly away, then {c} others land. How many birds are there?
    - After {b} of the {a} pupils left and {c} new ones joined, how many pupils did the school
      have?
    - A {box} with {a} {fruits} lost {b} bad ones and got {c} fresh ones. Calculate the number of
      {fruits} now.
    """, a=a, b=b, c=c)  # fmt: skip


@family(GROUP)
def weeks_to_reach_a_goal(dice: Dice) -> Drawn:
    p, weeks, have = dice.randint(2, 40), dice.randint(2, 30), dice.randint(5, 200)
    goal = have + p * weeks
    program = f"missing = {goal} - {have}\nweeks = missing / {p}\nprint(weeks)"
    return told(dice, program, weeks, """
    - {name} wants a bike for ${g}. {He} has ${h} and saves ${p} a week. In how many weeks can {he}
      buy it?
    - A phone costs ${g}. {name} already has ${h} and puts aside ${p} every week. How many weeks
      must {he} save?
    - How many weeks does it take to get from ${h} to ${g} by saving ${p} a week?
    - {name} has {h} stickers and gets {p} more each week. The album takes {g}. Find after how many
      weeks it is full.
    - i need ${g}, i've got ${h}, and i can save ${p} per week. how many weeks till i have it?
    - A plant {h} mm high grows {p} mm a week. After how many weeks is it {g} mm high?
    - {h} of the {g} km of a path are finished. Workers build {p} km a week. Work out the number of
      weeks to finish it.
    - {name} has read {h} of the {g} pages of a long book and reads {p} a week. How many weeks
      until {he} is done?
    - For a trip that costs ${g} the class has ${h}. It earns ${p} with each week's cake sale. How
      many more weeks of sales are needed?
    - Saving ${p} every week on top of the ${h} {he} has, when, in weeks from now, will {name} have
      ${g}?
    """, g=goal, h=have, p=p)  # fmt: skip


@family(GROUP, held_out=True)
def days_to_finish_the_book(dice: Dice) -> Drawn:
    p, days, done = dice.randint(3, 40), dice.randint(2, 20), dice.randint(5, 150)
    program = f"left = {done + p * days} - {done}\ndays = left / {p}\nprint(days)"
    return told(dice, program, days, """
    - A book has {g} pages. {name} has read {h} and reads {p} a day from now on. In how many days
      does {he} finish?
    - {name} must paint {g} {goods}. {h} are done, and {he} paints {p} a day. How many days does
      {he} still need?
    - A tank of {g} litres has lost {h} litres and loses {p} more each day. After how many days is
      it empty?
    - i have {g} exercises, {h} are done, i do {p} a day. how many more days?
    - {name} is {h} km into a hike of {g} km and walks {p} km a day. How many days are left?
    - The {shop} has sold {h} of {g} {things} and sells {p} a day. Work out the days until all are
      sold.
    - {g} letters are to be written, {h} are written. With {p} a day, how many days remain?
    - How many days does {name} still need for {g} photos with {p} a day if {h} are already sorted?
    """, g=done + p * days, h=done, p=p)  # fmt: skip
