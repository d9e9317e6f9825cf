"""Lengths, areas, volumes and angles. Answers are worked out in exact decimals, not in floats."""

from __future__ import annotations

from decimal import Decimal

from train.problems.family import Dice, Drawn, family
from train.problems.figures import two_places

PI = Decimal("3.14159265358979323846264338")
UNITS = ("cm", "m", "mm", "ft", "inches", "meters", "feet", "km", "yards")


def _size(dice: Dice) -> int:
    return dice.choice([dice.randint(2, 20), dice.randint(3, 99), dice.randint(20, 900)])


def _sizes(dice: Dice) -> tuple[str, str, bool]:
    """Two sizes, sometimes with a decimal place, and whether they are whole."""
    if dice.chance(0.7):
        return str(_size(dice)), str(_size(dice)), True
    a, b = dice.randint(11, 299), dice.randint(11, 299)
    if a % 10 == 0 or b % 10 == 0 or a * b % 100 == 0 or (a + b) % 5 == 0:
        return _sizes(dice)
    return str(a / 10), str(b / 10), False


@family("geometry")
def rectangle_area(dice: Dice) -> Drawn:
    a, b, whole = _sizes(dice)
    text = dice.wording(
        "What is the area of a rectangle that is {a} {u} long and {b} {u} wide?",
        "A room measures {a} {u} by {b} {u}. How many square {u} is the floor?",
        "Find the area of a rectangle with sides {a} and {b}.",
        "rectangle {a} x {b}, area?",
        "My garden is {a} {u} long and {b} {u} wide, how big is it in square {u}?",
        "Work out the area: length {a} {u}, width {b} {u}.",
        "I need to know how many square {u} of carpet cover a floor of {a} by {b} {u}.",
        "Calculate the area of a rectangular field whose length is {a} {u} and whose width is "
        "{b} {u}",
        "A wall is {b} {u} high and {a} {u} wide. What area has to be painted, in square {u}?",
        "The sides of a rectangle are {a} {u} and {b} {u}. What is its area?",
        "how much area does a rectangular table top of {a} {u} by {b} {u} have",
        "Tell me the area of a rectangle measuring {a} \u00d7 {b}.",
    ).format(a=a, b=b, u=dice.choice(UNITS))
    program = f"print({a} * {b})" if whole else f"print(round({a} * {b}, 2))"
    if text.startswith("A wall"):
        program = program.replace(f"{a} * {b}", f"{b} * {a}")
    answer = Decimal(a) * Decimal(b)
    return Drawn(text, program, str(answer) if whole else two_places(answer))


@family("geometry")
def rectangle_perimeter(dice: Dice) -> Drawn:
    a, b, whole = _sizes(dice)
    text = dice.wording(
        "What is the perimeter of a rectangle that is {a} {u} long and {b} {u} wide?",
        "A field measures {a} {u} by {b} {u}. How many {u} of fence go all the way round it?",
        "Find the perimeter of a rectangle with sides {a} and {b}.",
        "perimeter of rectangle {a} by {b}",
        "I walk once around a rectangular park of {a} {u} by {b} {u}. How far do I walk, in {u}?",
        "Work out the distance around a rectangle with length {a} {u} and width {b} {u}.",
        "A picture is {a} {u} wide and {b} {u} high. "
        "What length of frame, in {u}, do I need for it?",
        "Calculate the perimeter: length = {a}, width = {b}",
        "How long is the border of a rectangular garden measuring {a} {u} by {b} {u}?",
        "The sides of a rectangle are {a} {u} and {b} {u}. What is its perimeter?",
    ).format(a=a, b=b, u=dice.choice(UNITS))
    program = f"print(2 * ({a} + {b}))" if whole else f"print(round(2 * ({a} + {b}), 2))"
    answer = Decimal(a) + Decimal(b) + Decimal(a) + Decimal(b)
    return Drawn(text, program, str(answer))


@family("geometry")
def square_area(dice: Dice) -> Drawn:
    s = _size(dice)
    text = dice.wording(
        "What is the area of a square with sides of {s} {u}?",
        "A square tile has a side of {s} {u}. What is its area in square {u}?",
        "square, side {s}. Area?",
        "Find the area of a square whose side is {s} {u} long.",
        "Each side of a square garden is {s} {u}. How many square {u} is the garden?",
        "how big is a square of {s} by {s} {u}, in square {u}?",
        "Calculate the area of a square of side length {s}.",
        "If one side of a square measures {s} {u}, what area does the square cover?",
    ).format(s=s, u=dice.choice(UNITS))
    return Drawn(text, f"print({s} ** 2)", str(s * s))


@family("geometry", held_out=True)
def square_perimeter(dice: Dice) -> Drawn:
    s = _size(dice)
    text = dice.wording(
        "What is the perimeter of a square with sides of {s} {u}?",
        "A square field has a side of {s} {u}. How many {u} of fence surround it?",
        "square with side {s}, perimeter?",
        "Find the perimeter of a square whose side is {s} {u} long.",
        "Each side of a square garden is {s} {u}. How far is it around the garden, in {u}?",
        "Calculate the perimeter of a square of side length {s}.",
        "Work out the distance around a square that is {s} {u} on each side.",
        "If one side of a square measures {s} {u}, what is its perimeter?",
    ).format(s=s, u=dice.choice(UNITS))
    return Drawn(text, f"print(4 * {s})", str(s + s + s + s))


@family("geometry")
def rectangle_missing_side(dice: Dice) -> Drawn:
    a, b = _size(dice), _size(dice)
    text = dice.wording(
        "A rectangle has an area of {p} square {u} and a length of {a} {u}. "
        "How wide is it, in {u}?",
        "The area of a rectangle is {p} and one side is {a}. Find the other side.",
        "rectangle, area {p}, one side {a}, what's the other side?",
        "If a rectangular hall has {p} square {u} and is {a} {u} wide, how many {u} long is it?",
        "What is the width of a rectangle with area {p} and length {a}?",
        "Work out the missing side of a rectangle: area {p}, known side {a}.",
        "I have {p} square {u} of lawn and it is {a} {u} long. What is its width in {u}?",
        "Find the height of a rectangle whose area is {p} and whose base is {a}.",
    ).format(p=a * b, a=a, u=dice.choice(UNITS))
    return Drawn(text, f"print({a * b} / {a})", str(b))


@family("geometry")
def triangle_area(dice: Dice) -> Drawn:
    a, b = 2 * _size(dice) + 1, 2 * _size(dice) + 1
    text = dice.wording(
        "What is the area of a triangle with base {a} {u} and height {b} {u}?",
        "A triangle has a base of {a} {u} and a height of {b} {u}. Find its area.",
        "triangle area, base {a}, height {b}",
        "Calculate the area of a triangle whose base is {a} and whose height is {b}.",
        "A triangular sail is {b} {u} high with a base of {a} {u}. "
        "How many square {u} of cloth is it?",
        "how do i get the area of a triangle with base={a} and height={b}? just the number please",
        "Work out the area of a right triangle with legs of {a} {u} and {b} {u}.",
        "Find the area of the triangle that has base {a} {u} and altitude {b} {u}",
        "If the base of a triangle is {a} {u} and its height is {b} {u}, what is the area?",
        "I need the area of a triangle: the base is {a} {u}, the height {b} {u}.",
    ).format(a=a, b=b, u=dice.choice(UNITS))
    first, second = (b, a) if "sail" in text else (a, b)
    return Drawn(text, f"print({first} * {second} / 2)", f"{a * b // 2}.5")


@family("geometry")
def triangle_perimeter(dice: Dice) -> Drawn:
    a, b = dice.randint(3, 90), dice.randint(3, 90)
    c = dice.randint(abs(a - b) + 1, a + b - 1)
    text = dice.wording(
        "What is the perimeter of a triangle with sides {a}, {b} and {c}?",
        "A triangle has sides of {a} {u}, {b} {u} and {c} {u}. Find its perimeter.",
        "perimeter of triangle {a}, {b}, {c}",
        "The three sides of a triangular plot are {a} {u}, {b} {u} and {c} {u}. "
        "How many {u} of fence does it need?",
        "Calculate the perimeter of a triangle whose sides measure {a}, {b}, and {c} {u}.",
        "How far is it around a triangle with sides {a} {u}, {b} {u} and {c} {u}?",
        "Work out the perimeter: triangle, sides {a} {u}, {b} {u}, {c} {u}.",
        "If the sides of a triangle are {a}, {b} and {c} {u} long, what is its perimeter?",
    ).format(a=a, b=b, c=c, u=dice.choice(UNITS))
    return Drawn(text, f"print({a} + {b} + {c})", str(sum((a, b, c))))


@family("geometry")
def circle_area(dice: Dice) -> Drawn:
    r = _size(dice)
    text = dice.wording(
        "What is the area of a circle with radius {r} {u}? Round to two decimal places.",
        "Find the area of a circle of radius {r}, to two decimals.",
        "A round pond has a radius of {r} {u}. "
        "How many square {u} does it cover, to 2 decimal places?",
        "circle radius {r}, area? (2 decimals)",
        "Calculate the area of a circle whose radius is {r} {u}. Give two decimal places.",
        "Work out, rounded to two decimals, the area of a circle with a radius of {r} {u}.",
        "To two decimal places, how big is the area of a circle with r = {r}?",
        "If the radius of a circle is {r} {u}, what is its area, rounded to two decimal places?",
    ).format(r=r, u=dice.choice(UNITS))
    return Drawn(text, f"import math\nprint(round(math.pi * {r} ** 2, 2))", two_places(PI * r * r))


@family("geometry")
def circle_circumference(dice: Dice) -> Drawn:
    r = _size(dice)
    kind = dice.choice(("radius", "diameter"))
    text = dice.wording(
        "What is the circumference of a circle with {k} {r} {u}? Round to two decimal places.",
        "Find the circumference of a circle of {k} {r}, to two decimals.",
        "A wheel has a {k} of {r} {u}. How far does it roll in one turn, in {u}, "
        "to 2 decimal places?",
        "circumference of a circle, {k} {r}, 2 decimals please",
        "Calculate the perimeter of a circle whose {k} is {r} {u}. Give two decimal places.",
        "How long is the edge of a round table with a {k} of {r} {u}? Answer to two decimal "
        "places.",
        "Work out, rounded to two decimals, the circumference of a circle with a {k} of {r} {u}.",
        "If the {k} of a circle is {r}, what is its circumference, rounded to two decimal places?",
    ).format(r=r, k=kind, u=dice.choice(UNITS))
    times, factor = ("2 * ", 2) if kind == "radius" else ("", 1)
    program = f"import math\nprint(round({times}math.pi * {r}, 2))"
    return Drawn(text, program, two_places(PI * r * factor))


@family("geometry", held_out=True)
def circle_area_from_diameter(dice: Dice) -> Drawn:
    d = _size(dice)
    text = dice.wording(
        "What is the area of a circle with diameter {d} {u}? Round to two decimal places.",
        "Find the area of a circle of diameter {d}, to two decimals.",
        "A round pizza has a diameter of {d} {u}. What is its area, to 2 decimal places?",
        "circle diameter {d}, area? (2 decimals)",
        "A circle is {d} {u} across. Calculate its area to two decimal places.",
        "Work out, rounded to two decimals, the area of a circle with a diameter of {d} {u}.",
        "To two decimal places, how big is the area of a circle with d = {d}?",
        "If the diameter of a circle is {d} {u}, what is its area, rounded to two decimal places?",
    ).format(d=d, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.pi * ({d} / 2) ** 2, 2))"
    return Drawn(text, program, two_places(PI * d * d / 4))


@family("geometry")
def trapezium_area(dice: Dice) -> Drawn:
    a, b, h = _size(dice), _size(dice), 2 * _size(dice) + 1
    b += (a + b + 1) % 2
    text = dice.wording(
        "A {t} has parallel sides of {a} {u} and {b} {u} and a height of {h} {u}. "
        "What is its area?",
        "Find the area of a {t} with parallel sides {a} and {b} and height {h}.",
        "{t} area: parallel sides {a} and {b}, height {h}",
        "What is the area of a {t} whose bases are {a} {u} and {b} {u} and whose height is {h} "
        "{u}?",
        "Calculate the area of a {t} with bases of {a} and {b} {u} that are {h} {u} apart.",
        "The parallel sides of a {t} measure {a} and {b}, its height is {h}. Work out the area.",
        "I need the area of a {t}. Parallel sides: {a} {u} and {b} {u}. Height: {h} {u}.",
        "If a {t} has bases {a} and {b} and a height of {h}, how large is its area?",
    ).format(a=a, b=b, h=h, t=dice.choice(("trapezium", "trapezoid")), u=dice.choice(UNITS))
    return Drawn(text, f"print(({a} + {b}) * {h} / 2)", f"{(a + b) * h // 2}.5")


@family("geometry")
def box_volume(dice: Dice) -> Drawn:
    a, b, c = _size(dice), _size(dice), dice.randint(2, 60)
    text = dice.wording(
        "What is the volume of a box that is {a} {u} long, {b} {u} wide and {c} {u} high?",
        "A tank measures {a} {u} by {b} {u} by {c} {u}. What is its volume in cubic {u}?",
        "volume of a box {a} x {b} x {c}",
        "Find the volume of a rectangular prism with edges {a}, {b} and {c}.",
        "How many cubic {u} fit in a box with sides of {a}, {b} and {c} {u}?",
        "Calculate the volume of a cuboid: length {a} {u}, width {b} {u}, height {c} {u}.",
        "My suitcase is {a} by {b} by {c} {u}. How many cubic {u} does it hold?",
        "Work out the volume of a cuboid of {a} \u00d7 {b} \u00d7 {c} {u}.",
        "A box has length {a} {u}, width {b} {u} and height {c} {u}. Tell me its volume.",
        "if a room is {a} {u} long, {b} {u} wide and {c} {u} high, what's its volume, cubic {u}?",
    ).format(a=a, b=b, c=c, u=dice.choice(UNITS))
    return Drawn(text, f"print({a} * {b} * {c})", str(a * b * c))


@family("geometry")
def box_surface_area(dice: Dice) -> Drawn:
    a, b, c = dice.randint(2, 90), dice.randint(2, 60), dice.randint(2, 40)
    text = dice.wording(
        "What is the surface area of a box that is {a} {u} long, {b} {u} wide and {c} {u} high?",
        "Find the surface area of a cuboid with edges {a}, {b} and {c}.",
        "surface area of box {a} x {b} x {c}",
        "A closed box measures {a} {u} by {b} {u} by {c} {u}. "
        "How many square {u} of paper cover all its faces?",
        "Calculate the total surface area of a rectangular prism: {a} by {b} by {c} {u}.",
        "How large are the six faces of a box of {a} {u} by {b} {u} by {c} {u} together?",
        "Work out the surface area of a cuboid with length {a}, width {b} and height {c}.",
        "A cuboid has sides of {a} {u}, {b} {u} and {c} {u}. What is its total surface area?",
    ).format(a=a, b=b, c=c, u=dice.choice(UNITS))
    program = f"print(2 * ({a} * {b} + {a} * {c} + {b} * {c}))"
    return Drawn(text, program, str((a * b + a * c + b * c) * 2))


@family("geometry")
def cube(dice: Dice) -> Drawn:
    s, surface = dice.randint(2, 120), dice.chance(0.5)
    text = dice.wording(
        "What is the {k} of a cube with edges of {s} {u}?",
        "Find the {k} of a cube whose side is {s}.",
        "cube, side {s}, {k}?",
        "A cube has an edge length of {s} {u}. Calculate its {k}.",
        "Each edge of a cube is {s} {u} long. How big is its {k}?",
        "Work out the {k} of a cube of side {s} {u}.",
        "I have a cube that is {s} {u} on every side and need its {k}.",
        "If one edge of a cube measures {s} {u}, what is the {k} of the cube?",
    ).format(s=s, k="surface area" if surface else "volume", u=dice.choice(UNITS))
    program = f"print(6 * {s} ** 2)" if surface else f"print({s} ** 3)"
    return Drawn(text, program, str(6 * s * s if surface else s * s * s))
