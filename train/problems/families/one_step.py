"""Everyday stories with one operation: adding, taking away, groups, sharing, comparing."""

from __future__ import annotations

from train.problems.families.one_step_words import amount, price, rounded, size, told
from train.problems.family import Dice, Drawn, family

GROUP = "one-step word problems"


@family(GROUP)
def story_adding_up(dice: Dice) -> Drawn:
    a, b = size(dice), size(dice)
    return told(dice, f"print({a} + {b})", b + a, """
    - {name} has {a} {things}. {other} gives {him} {b} more. How many {things} does {name} have
      now?
    - There are {a} {things} in one drawer and {b} in another. How many {things} are there in all?
    - On {day} {a} people came to the {place}, and on {day2} {b}. How many came on the two days?
    - How many {things} do {name} and {other} have together if {name} has {a} and {other} has {b}?
    - {name} picked {a} {fruits} in the morning and {b} in the afternoon. Find the total.
    - A {maker} had {a} {goods} and got {b} new ones. What is the number of {goods} now?
    - i had {a} {things} and my {kin} gave me another {b}, how many do i have now?
    - The {place} has {a} adult visitors and {b} children as visitors. Work out how many visitors
      that is altogether.
    - {name} scored {a} points in the first game and {b} in the second. What was {his} total score?
    - Tell me how many {foods} were sold at the {shop}: {a} before lunch and {b} after lunch.
    - A train carries {a} passengers. At the next station {b} get on and nobody gets off. How many
      passengers are on the train?
    - {name} walked {a} steps to the {place} and {b} steps back by a different way. Calculate how
      many steps {he} walked.
    - After {name} had put {a} {things} on the shelf, {other} put {b} more there. The shelf was
      empty before. How many {things} are on it?
    - {other} collected {a} {things}. {name} collected {b}. How many did the two collect in total?
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def story_taking_away(dice: Dice) -> Drawn:
    b, left = size(dice), size(dice)
    a = b + left
    return told(dice, f"print({a} - {b})", left, """
    - {name} had {a} {things} and gave {b} of them to {other}. How many are left?
    - A {shop} had {a} {things}. It sold {b}. How many {things} does it still have?
    - There were {a} people in the {place}. {b} went home. How many stayed?
    - How many {foods} remain in the kitchen if there were {a} and {b} were eaten?
    - {b} of the {a} {things} on the table fell off. How many stayed on the table?
    - {name} saved ${a} and spent ${b} on a present. How much money does {he} have left?
    - A book has {a} pages. {name} has read {b} of them. Work out how many pages are left to read.
    - i had {a} {things} but lost {b}. how many do i have now?
    - A {maker} made {a} {goods}, and {b} of them broke. Find the number that did not break.
    - {name} wants to collect {a} {things} and has {b} already. How many does {he} still need?
    - A tank held {a} litres of water, and {b} litres were used. Calculate how many litres remain.
    - Out of {a} seats in the {hall}, {b} are taken. How many seats are free?
    - After giving away {b} {things}, how many does {name} have, if {he} had {a} at first?
    - {a} birds sat on a roof. {b} flew off. How many birds are still there?
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def story_equal_groups(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 40), dice.choice((dice.randint(2, 15), dice.randint(10, 200)))
    total = sum(b for _ in range(a))
    return told(dice, f"print({a} * {b})", total, """
    - {name} has {a} {boxes} with {b} {things} in each. How many {things} does {name} have?
    - There are {b} {things} in each of {a} {boxes}. How many {things} are there in total?
    - A hall has {a} rows of {b} chairs. How many chairs is that?
    - How many {foods} does a {maker} need for {a} {boxes} if {b} go into each one?
    - {name} reads {b} pages every day. How many pages does {he} read in {a} days?
    - Each of {a} children brings {b} {things} to the {place}. Work out how many they bring.
    - A machine makes {b} {goods} an hour. Find how many it makes in {a} hours.
    - {a} {boxes} of {things}, {b} per {box}, how many {things} altogether?
    - One {box} holds {b} {things}. What number of {things} do {a} full {boxes} hold?
    - {name} earns ${b} for each lawn. {He} mows {a} lawns. How much does {he} earn?
    - A gardener plants {a} rows of tulips, with {b} tulips in every row. Calculate the number of
      tulips.
    - {a} buses went on a trip, and each one carried {b} pupils. How many pupils went?
    - For every table at the party {other} needs {b} plates. There are {a} tables. How many plates
      are needed?
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def sharing_equally(dice: Dice) -> Drawn:
    b, each = dice.randint(2, 25), dice.choice((dice.randint(2, 15), dice.randint(10, 120)))
    a = b * each
    return told(dice, f"print({a} / {b})", each, """
    - {name} shares {a} {things} equally among {b} friends. How many does each friend get?
    - {a} {foods} are packed into {b} {boxes} so that all hold the same number. How many {foods} go
      into each {box}?
    - If {b} people split a bill of ${a} evenly, how much does each pay?
    - A ribbon of {a} cm is cut into {b} equal pieces. How long is one piece, in cm?
    - {name} read a book of {a} pages in {b} days, the same number each day. How many pages a day?
    - A {maker} puts {a} {goods} in {b} equal rows. Find the number in a row.
    - divide {a} {things} fairly between {b} kids. how many each?
    - A class of {a} pupils forms {b} teams of the same size. Calculate the size of a team.
    - {b} equal {boxes} hold {a} {things} altogether. How many {things} are in one {box}?
    - How many {foods} does every child get when {a} {foods} are shared by {b} children equally?
    - {name} spent {a} minutes on {b} exercises and took equally long for each. How many minutes
      did one exercise take?
    - In {b} weeks {name} saved ${a}, always the same amount a week. What did {he} save each week?
    - There are {a} seats in {b} equally long rows. Work out how many seats a row has.
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def groups_of_asize(dice: Dice) -> Drawn:
    b, groups = dice.randint(2, 24), dice.choice((dice.randint(2, 15), dice.randint(10, 120)))
    return told(dice, f"print({b * groups} // {b})", groups, """
    - {name} puts {a} {things} into {boxes} of {b}. How many {boxes} does {he} fill?
    - A teacher divides {a} pupils into groups of {b}. How many groups are there?
    - How many {boxes} are filled if {a} {foods} are packed {b} to a {box}?
    - Each {box} takes {b} {things}. Work out how many {boxes} {a} {things} fill.
    - {name} has ${a}. One ticket costs ${b}. How many tickets can {he} buy?
    - A rope {a} metres long is cut into pieces of {b} metres. How many pieces are there?
    - {name} saves ${b} a week. In how many weeks will {he} have ${a}?
    - {a} chairs stand in rows of {b}. Find the number of rows.
    - i read {b} pages a day, my book has {a}. how many days will it take me?
    - It takes {b} {goods} to make one wreath. How many wreaths can be made from {a} {goods}?
    - A {maker} has {a} {goods} to sell in {boxes} with {b} in each. Calculate how many {boxes}
      that gives.
    - With {b} people at every table, how many tables do {a} guests take up?
    """, a=b * groups, b=b)  # fmt: skip


@family(GROUP)
def how_many_more_or_fewer(dice: Dice) -> Drawn:
    b, gap = size(dice), dice.randint(1, 90)
    a = b + gap
    return told(dice, f"print({a} - {b})", gap, """
    - {name} has {a} {things} and {other} has {b}. How many more {things} does {name} have?
    - {other} has {b} {things}; {name} has {a}. How many fewer does {other} have than {name}?
    - The {shop} sold {a} {foods} on {day} and {b} on {day2}. How many more were sold on {day}?
    - A rope is {a} cm long and a stick is {b} cm long. What is the difference in length in cm?
    - By how much is {name}'s score of {a} higher than {other}'s score of {b}?
    - One village has {a} people, another {b}. Find how many fewer people live in the second one.
    - There are {b} red {goods} and {a} blue {goods}. How many more blue ones than red ones?
    - {name} paid ${a}. {other} paid ${b} for the same thing. How much less did {other} pay?
    - i ran {b} minutes yesterday and {a} minutes today. how many minutes longer did i run today?
    - Compare {a} {foods} and {b} {foods2}: how many more {foods} are there?
    - {name}'s tower is {a} blocks high; {other}'s is {b} blocks high. How many blocks higher is
      the tower of {name}?
    - Tell me how many fewer visitors came on {day2} ({b}) than on {day} ({a}).
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def so_many_more_than(dice: Dice) -> Drawn:
    a, b = size(dice), dice.randint(2, 60)
    return told(dice, f"print({a} + {b})", b + a, """
    - {name} has {a} {things}. {other} has {b} more than {name}. How many {things} does {other}
      have?
    - {other} owns {b} more {things} than {name}, who owns {a}. How many does {other} own?
    - How much does the blue bag cost if it costs ${b} more than the red bag, which costs ${a}?
    - {name} read {a} pages on {day} and {b} pages more than that on {day2}. How many pages did
      {he} read on {day2}?
    - The {place} had {a} visitors last week. This week it had {b} more. Find this week's number.
    - A rope is {a} cm long. A cable is {b} cm longer. How long is the cable in cm?
    - my {kin} has {a} {things} and i have {b} more than that. how many have i got?
    - {name} needs {b} minutes more than {other} for the way to school. {other} needs {a} minutes.
      Work out how many minutes {name} needs.
    - There are {b} more {foods} than {foods2} in the shop. There are {a} {foods2}. How many
      {foods}?
    - One tower is {a} cm high, and the next one is {b} cm higher. Calculate the height of the
      second tower in cm.
    - Compared with {other}, who scored {a} points, {name} scored {b} points more. What is the
      score of {name}?
    """, a=a, b=b)  # fmt: skip


@family(GROUP, held_out=True)
def so_many_fewer_than(dice: Dice) -> Drawn:
    left, b = size(dice), dice.randint(2, 60)
    return told(dice, f"print({left + b} - {b})", left, """
    - {name} has {a} {things}. {other} has {b} fewer than {name}. How many {things} does {other}
      have?
    - {other} picked {b} fewer {fruits} than {name}, who picked {a}. How many did {other} pick?
    - The red bag costs ${b} less than the blue one, which costs ${a}. What does the red bag cost?
    - {name} read {a} pages on {day} and {b} pages fewer on {day2}. How many did {he} read on
      {day2}?
    - The {place} had {a} visitors last week. This week it had {b} fewer. Find this week's number.
    - my {kin} has {a} {things} and i have {b} less. how many have i got?
    - A cable is {a} cm long. A rope is {b} cm shorter. How long is the rope in cm?
    - There are {b} fewer {foods} than {foods2} in a shop with {a} {foods2}. How many {foods} is
      that?
    """, a=left + b, b=b)  # fmt: skip


@family(GROUP)
def story_times_as_many(dice: Dice) -> Drawn:
    a, n = dice.randint(3, 150), dice.randint(2, 12)
    often = "twice" if n == 2 else f"{n} times"
    return told(dice, f"print({n} * {a})", a * n, """
    - {name} has {a} {things}. {other} has {often} as many. How many {things} does {other} have?
    - {other} collected {often} as many {things} as {name}. {name} collected {a}. How many did
      {other} collect?
    - A pen costs ${a}, and a lamp costs {often} as much. How much does the lamp cost?
    - How old is a tree that is {often} as old as a house of {a} years?
    - The {shop} sold {a} {foods} on {day} and {often} as many on {day2}. How many on {day2}?
    - My {kin} scored {a} points; I scored {often} as many. Find my score.
    - A string is {a} cm long. A rope is {often} as long. Calculate the length of the rope in cm.
    - what is {often} as many as {a} {things}?
    - There are {a} {foods2} in the shop, but {often} as many {foods}. Work out the number of
      {foods}.
    - In summer the {place} gets {often} as many guests a day as in winter, when {a} come each day.
      How many come each day in summer?
    - {name} can carry {a} kg. {other} can carry {often} as much. How many kg is that?
    """, a=a, often=often, aside=False)  # fmt: skip


@family(GROUP)
def story_price_times_quantity(dice: Dice) -> Drawn:
    text, cents = price(dice, 1, dice.choice((9, 40)), 0.4)
    n = dice.randint(2, 30)
    program = f"print({rounded(f'{n} * {text}', text)})"
    return told(dice, program, amount(cents * n, text), """
    - {name} buys {n} {things} at ${p} each. How much does {he} pay?
    - One ticket costs ${p}. What do {n} tickets cost?
    - How much are {n} {boxes} of {foods} if one {box} costs ${p}?
    - At the {shop}, {foods} cost ${p} per kg. Find the price of {n} kg.
    - {n} {things} at ${p} apiece, what is the total?
    - The price of a metre of cloth is ${p}. Calculate the cost of {n} metres.
    - i want {n} {things} and they are ${p} each, how much money do i need?
    - A {maker} sells {n} {goods} for ${p} each. How much money comes in?
    - {name} is paid ${p} an hour and works {n} hours. What does {he} earn?
    - If each of {n} visitors pays ${p} to enter the {place}, how much is collected?
    - {other} takes the bus {n} times this month. Every ride costs ${p}. Work out the cost of all
      the rides.
    - Tell me what {n} litres of juice cost at ${p} a litre.
    """, n=n, p=text)  # fmt: skip


@family(GROUP, held_out=True)
def story_price_of_one(dice: Dice) -> Drawn:
    text, cents = price(dice, 2, 25, 1.0)
    n = dice.randint(2, 30)
    return told(dice, f"print({cents // 100 * n} / {n})", text, """
    - {n} {things} cost ${t}. What does one cost?
    - {name} paid ${t} for {n} equal tickets. How much was each ticket?
    - If {n} kg of {foods} cost ${t}, how much is 1 kg?
    - The {shop} took in ${t} for {n} {things}, all at the same price. Find the price of one.
    - i paid ${t} for {n} {things}, how much is that per {thing}?
    - A pack of {n} {things} is ${t}. Work out the price per {thing}.
    - {name} earned ${t} in {n} hours. What is {his} pay per hour?
    - What is the cost per metre when {n} metres of cloth cost ${t}?
    """, n=n, t=cents // 100 * n)  # fmt: skip


@family(GROUP)
def left_over_after_packing(dice: Dice) -> Drawn:
    b, full = dice.randint(3, 30), dice.randint(2, 60)
    rest = dice.randint(1, b - 1)
    a = b * full + rest
    return told(dice, f"print({a} % {b})", rest, """
    - {name} packs {a} {things} into {boxes} of {b} and fills as many as {he} can. How many
      {things} are left over?
    - {a} {foods} are shared equally among {b} children, as many as possible each. How many remain?
    - A {maker} has {a} {goods} and ties them in bundles of {b}. How many are not in a full bundle?
    - How many {things} are left when {a} {things} are put in groups of {b}?
    - From {a} cm of wire {name} cuts as many pieces of {b} cm as possible. How many cm are left?
    - {a} pupils form teams of {b}. Work out how many pupils have no team.
    - if i split {a} {things} evenly between {b} people, how many are left over?
    - {name} has ${a} and buys as many tickets at ${b} as {he} can. How much money is left?
    - Cards are dealt evenly to {b} players from a pile of {a}. Find how many cannot be dealt.
    - Only full {boxes} of {b} {foods} are sold. There are {a} {foods}. How many cannot be sold?
    - {a} chairs are set up in rows of {b}. Tell me how many chairs remain after the last full row.
    """, a=a, b=b)  # fmt: skip


@family(GROUP)
def boxes_needed(dice: Dice) -> Drawn:
    b, full = dice.randint(3, 50), dice.randint(1, 40)
    a = b * full + dice.randint(1, b)
    return told(dice, f"import math\nprint(math.ceil({a} / {b}))", (a + b - 1) // b, """
    - {name} has {a} {things}. A {box} holds {b}. How many {boxes} does {he} need for all of them?
    - A bus seats {b} people. How many buses are needed to take {a} people to the {hall}?
    - {a} guests come to dinner and each table seats {b}. What is the least number of tables?
    - How many {boxes} must a {maker} have to store {a} {goods}, if at most {b} fit in one?
    - A lift carries at most {b} people at a time. {a} people wait. How many trips must it make?
    - {name} reads {b} pages a day. On which day does {he} finish a book of {a} pages? Give the
      number of the day.
    - i need {a} {foods}, they come in packs of {b}. how many packs do i have to buy?
    - A page of an album takes {b} photos. Find how many pages {a} photos need.
    - Each tent sleeps {b}. Work out the smallest number of tents for {a} campers.
    - {name} saves ${b} each week for a bike that costs ${a}. After how many weeks can {he} buy it?
    - One tin of paint covers {b} square metres. Calculate how many tins to buy for {a} square
      metres.
    - {a} pupils cross a lake in boats for {b}. What is the fewest crossings with one boat, not
      counting the ways back?
    """, a=a, b=b)  # fmt: skip
