"""Round solids, Pythagoras, angles, points and scales."""

from __future__ import annotations

from decimal import Decimal

from train.problems.families.geometry import PI
from train.problems.family import Dice, Drawn, family
from train.problems.figures import two_places

UNITS = ("cm", "m", "ft", "inches", "feet", "meters")

POLYGONS = {
    "triangle": 3,
    "pentagon": 5,
    "hexagon": 6,
    "octagon": 8,
    "decagon": 10,
    "polygon with 9 sides": 9,
    "polygon with 12 sides": 12,
    "polygon with 15 sides": 15,
    "polygon with 18 sides": 18,
    "polygon with 20 sides": 20,
    "polygon with 24 sides": 24,
    "polygon with 30 sides": 30,
    "polygon with 36 sides": 36,
    "polygon with 40 sides": 40,
    "polygon with 45 sides": 45,
    "polygon with 60 sides": 60,
    "polygon with 72 sides": 72,
    "polygon with 90 sides": 90,
}


@family("geometry")
def cylinder_volume(dice: Dice) -> Drawn:
    r, h = dice.randint(2, 40), dice.randint(2, 90)
    text = dice.wording(
        "What is the volume of a cylinder with radius {r} {u} and height {h} {u}? "
        "Round to two decimal places.",
        "Find the volume of a cylinder of radius {r} and height {h}, to two decimals.",
        "cylinder r={r} h={h}, volume to 2 decimals",
        "A can has a radius of {r} {u} and is {h} {u} tall. "
        "How many cubic {u} does it hold, to two decimal places?",
        "Calculate the volume, to 2 decimals, of a cylinder: radius {r} {u}, height {h} {u}.",
        "A cylindrical tank is {h} {u} high and its radius is {r} {u}. "
        "Give its volume to two decimals.",
        "To two decimal places, what volume does a cylinder with radius {r} and height {h} have?",
        "If a cylinder is {h} {u} tall with a radius of {r} {u}, "
        "what is its volume rounded to two decimal places?",
    ).format(r=r, h=h, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.pi * {r} ** 2 * {h}, 2))"
    return Drawn(text, program, two_places(PI * r * r * h))


@family("geometry")
def cone_volume(dice: Dice) -> Drawn:
    r, h = dice.randint(2, 40), dice.randint(2, 90)
    text = dice.wording(
        "What is the volume of a cone with radius {r} {u} and height {h} {u}? "
        "Round to two decimal places.",
        "Find the volume of a cone of base radius {r} and height {h}, to two decimals.",
        "cone r={r} h={h}, volume to 2 decimals",
        "A paper cone has a radius of {r} {u} and is {h} {u} tall. "
        "How many cubic {u} does it hold, to two decimal places?",
        "Calculate the volume, to 2 decimal places, of a cone: radius {r} {u}, height {h} {u}.",
        "A heap of sand forms a cone {h} {u} high with a radius of {r} {u}. "
        "Give its volume to two decimals.",
        "To two decimal places, what volume does a cone with radius {r} and height {h} have?",
        "If a cone is {h} {u} tall with a radius of {r} {u}, "
        "what is its volume rounded to two decimal places?",
    ).format(r=r, h=h, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.pi * {r} ** 2 * {h} / 3, 2))"
    return Drawn(text, program, two_places(PI * r * r * h / 3))


@family("geometry")
def sphere(dice: Dice) -> Drawn:
    r, surface = dice.randint(2, 120), dice.chance(0.5)
    text = dice.wording(
        "What is the {k} of a sphere with radius {r} {u}? Round to two decimal places.",
        "Find the {k} of a sphere of radius {r}, to two decimals.",
        "sphere, radius {r}, {k}? 2 decimals",
        "A ball has a radius of {r} {u}. Calculate its {k} to two decimal places.",
        "Work out the {k} of a ball whose radius is {r} {u}, rounded to two decimal places.",
        "I need the {k} of a sphere, r = {r} {u}, to 2 decimal places.",
        "To two decimals, how big is the {k} of a sphere with a radius of {r} {u}?",
        "If the radius of a sphere is {r}, what is its {k}? Give two decimal places.",
    ).format(r=r, k="surface area" if surface else "volume", u=dice.choice(UNITS))
    formula = f"4 * math.pi * {r} ** 2" if surface else f"4 / 3 * math.pi * {r} ** 3"
    answer = PI * 4 * r * r if surface else PI * 4 * r * r * r / 3
    return Drawn(text, f"import math\nprint(round({formula}, 2))", two_places(answer))


@family("geometry")
def hypotenuse(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 90), dice.randint(2, 90)
    text = dice.wording(
        "A right triangle has legs of {a} {u} and {b} {u}. "
        "How long is the hypotenuse, to two decimal places?",
        "Find the hypotenuse of a right triangle with legs {a} and {b}, to two decimals.",
        "hypotenuse for legs {a} and {b}, 2 decimals",
        "What is the length of the hypotenuse if the two shorter sides are {a} and {b}? "
        "Round to two decimal places.",
        "I walk {a} {u} north and then {b} {u} east. "
        "How many {u} am I from the start in a straight line, to two decimals?",
        "Use Pythagoras: a = {a}, b = {b}. What is c, rounded to two decimal places?",
        "A ladder stands {a} {u} from a wall and reaches {b} {u} up. "
        "How long is it in {u}, to 2 decimal places?",
        "The sides next to the right angle of a triangle measure {a} {u} and {b} {u}. "
        "Calculate the third side to two decimals.",
        "To two decimal places, how long is the longest side "
        "of a right triangle whose legs are {a} and {b}?",
        "In a right-angled triangle the legs are {a} {u} and {b} {u}. "
        "Work out the hypotenuse, rounded to two decimal places.",
    ).format(a=a, b=b, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.hypot({a}, {b}), 2))"
    return Drawn(text, program, two_places(Decimal(a * a + b * b).sqrt()))


@family("geometry")
def other_leg(dice: Dice) -> Drawn:
    a = dice.randint(2, 60)
    c = a + dice.randint(1, 40)
    text = dice.wording(
        "A right triangle has a hypotenuse of {c} {u} and one leg of {a} {u}. "
        "How long is the other leg, to two decimal places?",
        "Find the missing leg of a right triangle with hypotenuse {c} and leg {a}, "
        "to two decimals.",
        "right triangle, hypotenuse {c}, one leg {a}, other leg? (2 decimals)",
        "A ladder of {c} {u} leans on a wall with its foot {a} {u} from the wall. "
        "How many {u} up does it reach, to two decimals?",
        "Use Pythagoras to find b when c = {c} and a = {a}. Round to two decimal places.",
        "What is the second leg if the hypotenuse is {c} and the first leg is {a}? "
        "Give two decimal places.",
        "The longest side of a right-angled triangle is {c} {u}, another is {a} {u}. "
        "Calculate the third side to 2 decimal places.",
        "To two decimals, how long is the remaining side of a right triangle "
        "whose hypotenuse is {c} {u} and whose other side is {a} {u}?",
    ).format(a=a, c=c, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.sqrt({c} ** 2 - {a} ** 2), 2))"
    return Drawn(text, program, two_places(Decimal((c - a) * (c + a)).sqrt()))


@family("geometry", held_out=True)
def rectangle_diagonal(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 90), dice.randint(2, 90)
    text = dice.wording(
        "How long is the diagonal of a rectangle of {a} {u} by {b} {u}, to two decimal places?",
        "Find the diagonal of a rectangle with sides {a} and {b}, to two decimals.",
        "diagonal of a rectangle {a} x {b}, 2 decimals",
        "A screen is {a} {u} wide and {b} {u} high. "
        "What is its diagonal in {u}? Round to two decimal places.",
        "Calculate the diagonal of a rectangular field, {a} {u} long and {b} {u} wide, "
        "to 2 decimals.",
        "I cross a rectangular park of {a} by {b} m from corner to opposite corner. "
        "How far is that, to two decimal places?",
        "The sides of a rectangle are {a} and {b}. What is the diagonal, rounded to two decimals?",
        "To two decimal places, what is the distance between opposite corners "
        "of a rectangle measuring {a} {u} by {b} {u}?",
    ).format(a=a, b=b, u=dice.choice(UNITS))
    program = f"import math\nprint(round(math.hypot({a}, {b}), 2))"
    return Drawn(text, program, two_places(Decimal(a * a + b * b).sqrt()))


@family("geometry")
def distance_between_points(dice: Dice) -> Drawn:
    a, b, c, d = (dice.randint(-20, 30) for _ in range(4))
    if (a, b) == (c, d):
        d += 7
    text = dice.wording(
        "What is the distance between the points ({a}, {b}) and ({c}, {d})? "
        "Round to two decimal places.",
        "Find the distance from ({a}, {b}) to ({c}, {d}), to two decimals.",
        "distance ({a}, {b}) ({c}, {d}) to 2 decimals",
        "How far apart are A({a}, {b}) and B({c}, {d})? Give two decimal places.",
        "Calculate the length of the segment from ({a}, {b}) to ({c}, {d}), to 2 decimal places.",
        "On a grid, a shop is at ({a}, {b}) and a school at ({c}, {d}). "
        "How far apart are they in a straight line, to two decimals?",
        "Two points have coordinates ({a}, {b}) and ({c}, {d}). "
        "Work out the distance between them, rounded to two decimal places.",
        "To two decimal places, how long is the straight line joining ({a}, {b}) and ({c}, {d})?",
    ).format(a=a, b=b, c=c, d=d)
    program = f"import math\nprint(round(math.dist(({a}, {b}), ({c}, {d})), 2))"
    return Drawn(text, program, two_places(Decimal((a - c) ** 2 + (b - d) ** 2).sqrt()))


@family("geometry")
def third_angle(dice: Dice) -> Drawn:
    a = dice.randint(10, 120)
    b = dice.randint(10, 170 - a)
    text = dice.wording(
        "Two angles of a triangle are {a} degrees and {b} degrees. What is the third angle?",
        "Find the missing angle of a triangle with angles of {a}° and {b}°.",
        "triangle, angles {a} and {b}, third one?",
        "In a triangle ABC, angle A is {a}° and angle B is {b}°. Calculate angle C in degrees.",
        "How many degrees is the last angle of a triangle whose other angles are {a} and {b} "
        "degrees?",
        "A triangle has angles of {a}° and {b}°, work out the remaining one.",
        "I know two angles of my triangle, {a} and {b} degrees. Tell me the third, in degrees.",
        "If two angles of a triangle measure {a}° and {b}°, how large is the other angle, "
        "in degrees?",
    ).format(a=a, b=b)
    return Drawn(text, f"print(180 - {a} - {b})", str(180 - (a + b)))


@family("geometry")
def polygon_angle_sum(dice: Dice) -> Drawn:
    n = dice.randint(5, 60)
    text = dice.wording(
        "What is the sum of the interior angles of a polygon with {n} sides, in degrees?",
        "Find the sum of the inside angles of a polygon that has {n} sides.",
        "sum of angles in a {n}-sided polygon",
        "A polygon has {n} sides. How many degrees do its interior angles add up to?",
        "Calculate the total of the interior angles in a polygon with {n} vertices.",
        "In degrees, what do all the angles inside a {n}-sided shape add up to?",
        "Work out the angle sum of a polygon with {n} corners.",
        "If a shape has {n} straight sides, what is the sum of its interior angles in degrees?",
    ).format(n=n)
    for word in ("8-", "11-", "18-"):
        text = text.replace(f"a {word}", f"an {word}")
    return Drawn(text, f"print(({n} - 2) * 180)", str(180 * n - 360))


@family("geometry")
def regular_polygon_angle(dice: Dice) -> Drawn:
    shape, n = dice.choice(list(POLYGONS.items()))
    outside = dice.chance(0.4)
    text = dice.wording(
        "How many degrees is each {k} angle of a regular {s}?",
        "Find the size of one {k} angle of a regular {s}, in degrees.",
        "regular {s}, each {k} angle?",
        "What is the {k} angle of a regular {s}?",
        "A {s} is regular. Calculate each of its {k} angles in degrees.",
        "Work out the measure of an {k} angle in a regular {s}.",
        "I am drawing a regular {s}. How large is every {k} angle, in degrees?",
        "If a {s} has all sides and angles equal, how many degrees is each {k} angle?",
    ).format(s=shape, k="exterior" if outside else "interior")
    text = text.replace("A octagon", "An octagon").replace("a octagon", "an octagon")
    program = f"print(360 / {n})" if outside else f"print(({n} - 2) * 180 / {n})"
    return Drawn(text, program, str(360 // n if outside else 180 - 360 // n))


@family("geometry")
def map_scale(dice: Dice) -> Drawn:
    scale = dice.choice((10000, 20000, 25000, 50000, 100000, 200000, 250000, 500000))
    tenths = dice.randint(5, 400)
    km = Decimal(tenths * scale) / 1000000
    if tenths % 10 == 0 or km == int(km) or km != round(km, 2):
        return map_scale(dice)
    text = dice.wording(
        "On a map with a scale of 1:{s}, two towns are {d} cm apart. How many km is that really?",
        "A map has scale 1 : {s}. What distance in kilometers does {d} cm on it stand for?",
        "map 1:{s}, {d} cm on the map, how many km?",
        "I measured {d} cm on a 1:{s} map. How long is the real distance in km?",
        "Find the real distance in km of {d} cm on a map drawn to a scale of 1:{s}.",
        "A hiking trail is {d} cm long on a 1:{s} map. Calculate its true length in kilometers.",
        "The scale is 1:{s} and the map distance {d} cm. Work out the actual distance in km.",
        "Two lakes lie {d} cm apart on a map at 1:{s}. How many kilometers apart are they?",
    )
    shown = f"{scale:,}" if dice.chance(0.4) else str(scale)
    program = f"print(round({tenths / 10} * {scale} / 100000, 2))"
    return Drawn(text.format(s=shown, d=tenths / 10), program, str(float(km)))
