"""Formulas of school physics and chemistry, every third question as multiple choice."""

from __future__ import annotations

from fractions import Fraction
from math import log10

from train.problems.family import Dice, Drawn, family
from train.problems.figures import plain


def _quantity(dice: Dice, least: int, most: int) -> int:
    return dice.randint(least, dice.choice((most, max(least + 3, most // 5))))


def _asked(dice: Dice, question: str, program: str, answer: str, unit: str) -> Drawn:
    """The question as it is, or with four choices; these lie a wrong step away from each other."""
    if dice.chance(0.67):
        return Drawn(question, program, answer)
    value = Fraction(answer)
    wrong: list[str] = []
    for factor in dice.sample(("2", "1/2", "10", "1/10", "3/2", "4", "1/4", "5/4"), 8):
        other = value * Fraction(factor)
        shown = plain(Fraction(round(float(other), 2)).limit_denominator(100))
        if shown not in (answer, *wrong):
            wrong.append(shown)
    options = [answer, *wrong[:3]]
    dice.shuffle(options)
    letter = "ABCD"[options.index(answer)]
    choices = tuple(f"{option} {unit}".strip() for option in options)
    return Drawn(question, program, letter, domain="science", choices=choices)


@family("science")
def force(dice: Dice) -> Drawn:
    m, a = _quantity(dice, 2, 1500), _quantity(dice, 2, 25)
    question = dice.wording(
        "What force, in newtons, gives a mass of {m} kg an acceleration of {a} m/s^2?",
        "A {m} kg cart accelerates at {a} m/s^2. Find the net force in newtons.",
        "Use F = ma with m = {m} kg and a = {a} m/s^2. What is F in newtons?",
        "force on {m} kg at {a} m/s^2, in N",
        "How many newtons are needed to accelerate {m} kg at {a} m/s^2?",
        "An object with mass {m} kg speeds up at {a} m/s^2. Which force acts on it, in N?",
        "Calculate the force in newtons for a mass of {m} kg and an acceleration of {a} m/s^2.",
        "A force accelerates a body of {m} kg by {a} m/s^2. How large is it in newtons?",
    ).format(m=m, a=a)
    return _asked(dice, question, f"print({m} * {a})", str(a * m), "N")


@family("science", held_out=True)
def acceleration(dice: Dice) -> Drawn:
    m, a = _quantity(dice, 2, 900), _quantity(dice, 2, 25)
    question = dice.wording(
        "A force of {f} N acts on a mass of {m} kg. What is the acceleration in m/s^2?",
        "What acceleration (in m/s^2) does a net force of {f} N give to {m} kg?",
        "F = {f} N, m = {m} kg, acceleration in m/s^2?",
        "A {m} kg sled is pushed with {f} N and no friction. Find its acceleration in m/s^2.",
        "Use F = ma to find a in m/s^2 for F = {f} N and m = {m} kg.",
        "Calculate the acceleration, in m/s^2, of {m} kg under a force of {f} N.",
        "A net force of {f} N pulls a cart of {m} kg. How large is its acceleration in m/s^2?",
        "By how many m/s^2 does a body of {m} kg speed up when {f} N act on it?",
    ).format(f=m * a, m=m)
    return _asked(dice, question, f"print({m * a} / {m})", str(a), "m/s^2")


@family("science")
def density(dice: Dice) -> Drawn:
    d, v = Fraction(dice.randint(4, 220), 10), _quantity(dice, 2, 200)
    mass = d * v
    question = dice.wording(
        "A block has a mass of {m} g and a volume of {v} cm^3. What is its density in g/cm^3?",
        "What is the density, in g/cm^3, of a {m} g stone that takes up {v} cm^3?",
        "Find the density of {v} cm^3 of a liquid with mass {m} g, in g/cm^3.",
        "mass {m} g, volume {v} cm^3, density in g/cm^3?",
        "Calculate the density in g/cm^3: m = {m} g, V = {v} cm^3.",
        "{v} cm^3 of a metal weigh {m} g. How dense is the metal, in g/cm^3?",
        "A sample fills {v} cm^3 and its mass is {m} g. Work out its density in g/cm^3.",
        "How many grams per cubic centimeter is the density if {v} cm^3 have a mass of {m} g?",
    ).format(m=plain(mass), v=v)
    if d.denominator == 1:
        program = f"print({plain(mass)} / {v})"
    else:
        program = f"print(round({plain(mass)} / {v}, 2))"
    return _asked(dice, question, program, plain(d), "g/cm^3")


@family("science")
def ohms_law(dice: Dice) -> Drawn:
    i, r = dice.randint(2, 20), _quantity(dice, 2, 120)
    u, wanted = i * r, dice.choice(("voltage", "current", "resistance"))
    known = {
        "voltage": f"a current of {i} A and a resistance of {r} ohms",
        "current": f"a voltage of {u} V and a resistance of {r} ohms",
        "resistance": f"a voltage of {u} V and a current of {i} A",
    }[wanted]
    unit = {"voltage": "volts", "current": "amperes", "resistance": "ohms"}[wanted]
    question = dice.wording(
        "A circuit has {k}. What is the {w} in {u}?",
        "Use Ohm's law to find the {w}, in {u}, for {k}.",
        "Given {k}, calculate the {w} in {u}.",
        "{w} in {u} for {k}?",
        "What {w} (in {u}) belongs to {k}?",
        "A lamp works at {k}. Find its {w} in {u}.",
        "How many {u} is the {w} in a circuit with {k}?",
        "By V = IR, what is the {w} in {u} with {k}?",
    ).format(k=known, w=wanted, u=unit)
    program, answer = {
        "voltage": (f"print({i} * {r})", u),
        "current": (f"print({u} / {r})", i),
        "resistance": (f"print({u} / {i})", r),
    }[wanted]
    return _asked(dice, question, program, str(answer), unit)


@family("science")
def electric_power(dice: Dice) -> Drawn:
    u, i = dice.choice((5, 9, 12, 24, 48, 110, 120, 230, 240)), dice.randint(2, 25)
    question = dice.wording(
        "A device runs at {u} V and draws {i} A. What is its power in watts?",
        "What power, in watts, does a heater use at {u} volts and {i} amperes?",
        "Find the electric power in watts for a voltage of {u} V and a current of {i} A.",
        "{u} V, {i} A, how many watts",
        "Calculate P = VI in watts with V = {u} V and I = {i} A.",
        "How many watts does a motor take if {i} A flow at {u} V?",
        "A current of {i} A flows at {u} V. How large is the power in watts?",
        "Work out the power (in W) of an appliance on {u} V with a current of {i} A.",
    ).format(u=u, i=i)
    return _asked(dice, question, f"print({u} * {i})", str(i * u), "W")


@family("science")
def mechanical_power(dice: Dice) -> Drawn:
    p, t = _quantity(dice, 5, 600), _quantity(dice, 2, 120)
    question = dice.wording(
        "A machine does {w} J of work in {t} s. What is its power in watts?",
        "What is the power in watts if {w} joules of work are done in {t} seconds?",
        "Find the power, in W, of a crane that does {w} J of work in {t} s.",
        "{w} J in {t} s, power in watts?",
        "An engine transfers {w} J of energy within {t} s. How many watts is that?",
        "Calculate the power in watts: work {w} J, time {t} s.",
        "It takes {t} s to do {w} J of work. How large is the power in watts?",
        "How many watts of power does it take to do {w} J of work in {t} s?",
    ).format(w=p * t, t=t)
    return _asked(dice, question, f"print({p * t} / {t})", str(p), "W")


@family("science")
def kinetic_energy(dice: Dice) -> Drawn:
    m, v = 2 * _quantity(dice, 1, 600), _quantity(dice, 2, 40)
    question = dice.wording(
        "What is the kinetic energy, in joules, of a {m} kg object moving at {v} m/s?",
        "A cart of mass {m} kg moves at {v} m/s. Find its kinetic energy in joules.",
        "Calculate the kinetic energy in J for m = {m} kg and v = {v} m/s.",
        "kinetic energy of {m} kg at {v} m/s in joules",
        "How many joules of kinetic energy does a mass of {m} kg have at {v} m/s?",
        "Use E = 1/2 m v^2 with m = {m} kg and v = {v} m/s. What is E in joules?",
        "An animal of {m} kg runs at {v} m/s. How large is its kinetic energy in joules?",
        "Work out the energy of motion, in joules, of {m} kg at a speed of {v} m/s.",
    ).format(m=m, v=v)
    return _asked(dice, question, f"print({m} * {v}**2 / 2)", str(m // 2 * v * v), "J")


@family("science")
def potential_energy(dice: Dice) -> Drawn:
    m, h = _quantity(dice, 2, 300), _quantity(dice, 2, 90)
    question = dice.wording(
        "What is the potential energy in joules of {m} kg at a height of {h} m (g = 10 m/s^2)?",
        "A {m} kg box is lifted {h} m. How much potential energy, in J, does it gain? Take g as "
        "10 m/s^2.",
        "With g = 10 m/s^2, find the gravitational potential energy in joules of a {m} kg rock "
        "{h} m above the ground.",
        "potential energy in J, m = {m} kg, h = {h} m, g = 10 m/s^2",
        "Calculate m g h in joules for m = {m} kg, g = 10 m/s^2 and h = {h} m.",
        "How many joules does it take to raise {m} kg by {h} m, if g = 10 m/s^2?",
        "Take g = 10 m/s^2. A bag of {m} kg hangs {h} m high. What is its potential energy in J?",
        "{m} kg of water is pumped up {h} m. With g = 10 m/s^2, find the energy gained in joules.",
    ).format(m=m, h=h)
    return _asked(dice, question, f"print({m} * 10 * {h})", str(10 * h * m), "J")


@family("science")
def wave_speed(dice: Dice) -> Drawn:
    f, w = _quantity(dice, 2, 900), _quantity(dice, 2, 50)
    question = dice.wording(
        "A wave has a frequency of {f} Hz and a wavelength of {w} m. What is its speed in m/s?",
        "What is the speed, in m/s, of a wave with wavelength {w} m and frequency {f} Hz?",
        "Find the wave speed in m/s: frequency {f} Hz, wavelength {w} m.",
        "{f} Hz, wavelength {w} m, speed in m/s?",
        "How fast, in m/s, does a wave of {f} Hz travel if its wavelength is {w} m?",
        "Calculate v = f * wavelength in m/s for f = {f} Hz and a wavelength of {w} m.",
        "Waves {w} m long come at {f} Hz. How many meters per second do they travel?",
        "A sound of {f} Hz has waves {w} m long. Work out their speed in m/s.",
    ).format(f=f, w=w)
    return _asked(dice, question, f"print({f} * {w})", str(w * f), "m/s")


@family("science")
def pressure(dice: Dice) -> Drawn:
    p, a = _quantity(dice, 5, 900), dice.randint(2, 40)
    question = dice.wording(
        "A force of {f} N acts on an area of {a} m^2. What is the pressure in pascals?",
        "What pressure, in Pa, does a force of {f} N make on {a} m^2?",
        "Find the pressure in pascals for F = {f} N and A = {a} m^2.",
        "{f} N on {a} m^2, pressure in Pa?",
        "How many pascals is the pressure if {f} N are spread over {a} m^2?",
        "A crate pushes with {f} N on a floor area of {a} m^2. Calculate the pressure in Pa.",
        "The area is {a} m^2, the force on it {f} N. How large is the pressure in pascals?",
        "Work out the pressure (Pa) under a weight of {f} N that rests on {a} m^2.",
    ).format(f=p * a, a=a)
    return _asked(dice, question, f"print({p * a} / {a})", str(p), "Pa")


@family("science")
def half_life(dice: Dice) -> Drawn:
    count, half = dice.randint(2, 6), dice.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30))
    start, unit = 2**count * dice.randint(1, 25), dice.choice(("hours", "days", "years"))
    question = dice.wording(
        "A substance has a half-life of {h} {u}. How many grams of {s} g are left after {t} {u}?",
        "{s} g of an isotope decay with a half-life of {h} {u}. What mass in grams is left after "
        "{t} {u}?",
        "The half-life is {h} {u}. Starting from {s} g, find the grams remaining after {t} {u}.",
        "half-life {h} {u}, {s} g at first, how many grams after {t} {u}",
        "After {t} {u}, how many grams remain of {s} g with a half-life of {h} {u}?",
        "Every {h} {u} half of a sample decays. It begins with {s} g. How many grams are there "
        "after {t} {u}?",
        "Calculate the mass in grams left from {s} g after {t} {u}, if the half-life is {h} {u}.",
        "A lab stores {s} g of a material whose half-life is {h} {u}. How many grams of it are "
        "left {t} {u} later?",
    ).format(h=half, u=unit, s=start, t=half * count)
    left = start
    for _ in range(count):
        left //= 2
    program = f"halvings = {half * count} / {half}\nprint({start} / 2**halvings)"
    return _asked(dice, question, program, str(left), "g")


@family("science")
def ph_value(dice: Dice) -> Drawn:
    digits, power = (
        dice.choice(("1", "2", "2.5", "3", "4", "5", "6.3", "7.9")),
        dice.randint(2, 12),
    )
    shown = dice.choice((f"{digits}e-{power}", f"{digits} * 10^-{power}"))
    question = dice.wording(
        "What is the pH, to two decimal places, if the hydrogen ion concentration is {c} mol/L?",
        "Find the pH of a solution with [H+] = {c} mol/L. Round to 2 decimals.",
        "Calculate pH = -log10[H+] for [H+] = {c} mol/L, to two decimal places.",
        "pH for [H+] = {c} mol/L, 2 decimals",
        "The concentration of H+ is {c} mol/L. Give the pH to two decimal places.",
        "To two decimals, what is the pH of a solution with {c} mol/L of hydrogen ions?",
        "A solution contains {c} mol/L of H+. What is its pH, rounded to two decimals?",
        "Work out to two decimal places the pH when [H+] is {c} mol/L.",
    ).format(c=shown)
    program = f"from math import log10\nprint(round(-log10({digits}e-{power}), 2))"
    return _asked(dice, question, program, str(round(power - log10(float(digits)), 2)), "")


SUBSTANCES = (
    *(("water", 18), ("carbon dioxide", 44), ("methane", 16), ("sodium hydroxide", 40)),
    *(("calcium carbonate", 100), ("glucose", 180), ("oxygen gas", 32), ("helium", 4)),
)


@family("science")
def moles(dice: Dice) -> Drawn:
    (name, molar), n = dice.choice(SUBSTANCES), dice.randint(2, 40)
    question = dice.wording(
        "How many moles are {g} g of {s} (molar mass {m} g/mol)?",
        "Find the number of moles in {g} g of {s}, whose molar mass is {m} g/mol.",
        "The molar mass of {s} is {m} g/mol. How many moles are there in {g} g?",
        "moles in {g} g {s}, molar mass {m} g/mol",
        "Calculate the amount in moles of {g} g of {s} with M = {m} g/mol.",
        "A bottle holds {g} g of {s} ({m} g/mol). How many moles is that?",
        "With a molar mass of {m} g/mol, what amount (in mol) is {g} g of {s}?",
        "If one mole of {s} has a mass of {m} g, how many moles have a mass of {g} g?",
    ).format(g=molar * n, s=name, m=molar)
    return _asked(dice, question, f"print({molar * n} / {molar})", str(n), "mol")


@family("science", held_out=True)
def mass_from_moles(dice: Dice) -> Drawn:
    (name, molar), n = dice.choice(SUBSTANCES), dice.randint(2, 40)
    question = dice.wording(
        "What is the mass in grams of {n} mol of {s} (molar mass {m} g/mol)?",
        "The molar mass of {s} is {m} g/mol. How many grams are {n} moles?",
        "mass of {n} moles of {s} in grams, {m} g/mol",
        "How many grams of {s} ({m} g/mol) do you weigh out to get {n} mol?",
        "Find the mass, in g, of {n} mol of {s} with a molar mass of {m} g/mol.",
        "Calculate the grams in {n} moles of {s} (M = {m} g/mol).",
        "A bottle holds {n} mol of {s}, at {m} g/mol. How many grams is that?",
        "One mole of {s} has a mass of {m} g. What mass in grams do {n} moles have?",
    ).format(n=n, s=name, m=molar)
    return _asked(dice, question, f"print({n} * {molar})", str(molar * n), "g")


@family("science")
def concentration(dice: Dice) -> Drawn:
    c, v = dice.randint(2, 60), dice.randint(2, 25)
    question = dice.wording(
        "{n} g of salt are dissolved to make {v} L of solution. What is the concentration in g/L?",
        "What is the concentration in g/L of a solution with {n} g of sugar in {v} L?",
        "Find the mass concentration, in g/L: {n} g of solute in {v} L of solution.",
        "{n} g in {v} L, concentration in g/L?",
        "A tank of {v} L of solution contains {n} g of a salt. How many grams per liter is that?",
        "Calculate the concentration in g/L if {v} L of solution hold {n} g.",
        "How concentrated, in g/L, is a solution of {n} g of dye in a total of {v} L?",
        "{v} L of a drink contain {n} g of sugar. Work out the concentration in g/L.",
    ).format(n=c * v, v=v)
    return _asked(dice, question, f"print({c * v} / {v})", str(c), "g/L")


@family("science")
def ideal_gas_pressure(dice: Dice) -> Drawn:
    while True:
        n, t, v = dice.randint(1, 12), dice.randint(250, 450), dice.randint(5, 60)
        exact = Fraction(n * 8314 * t, 1000 * v)
        if (exact * 100).denominator > 2 or exact.denominator == 50:
            break
    question = dice.wording(
        "Find the pressure in kPa of {n} mol of an ideal gas at {t} K in {v} L. Use R = 8.314 "
        "L kPa/(mol K) and round to two decimal places.",
        "With R = 8.314 L kPa/(mol K), what is the pressure in kPa, to two decimals, of {n} mol "
        "of ideal gas in {v} L at {t} K?",
        "Use PV = nRT with n = {n} mol, R = 8.314 L kPa/(mol K), T = {t} K, V = {v} L. What is P "
        "in kPa, to two decimal places?",
        "ideal gas: n = {n} mol, T = {t} K, V = {v} L, R = 8.314. pressure in kPa, 2 decimals",
        "A {v} L tank holds {n} mol of an ideal gas at {t} K. Calculate its pressure in kPa to "
        "two decimals (R = 8.314 L kPa/(mol K)).",
        "What pressure in kPa, rounded to two decimal places, do {n} mol of ideal gas have at "
        "{t} K and {v} L, if R = 8.314 L kPa/(mol K)?",
        "Take R = 8.314 L kPa/(mol K). To two decimals, find P in kPa when {n} mol of ideal gas "
        "fill {v} L at {t} K.",
        "An ideal gas ({n} mol, {t} K) is in a vessel of {v} L. To two decimal places, how many "
        "kPa is the pressure? R = 8.314 L kPa/(mol K).",
    ).format(n=n, t=t, v=v)
    program = f"print(round({n} * 8.314 * {t} / {v}, 2))"
    return _asked(dice, question, program, str(round(float(exact), 2)), "kPa")
