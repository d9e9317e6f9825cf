"""Names, things and places that questions are about."""

from __future__ import annotations

NAMES = tuple(
    """
    Aaron Abby Ahmed Aisha Alan Alice Amara Amir Ana Andre Anita Anna Ben Bianca Bruno Carla
    Carlos Chen Chloe Clara Daniel David Diego Dina Elena Eli Emma Eric Esther Eva Farid
    Fatima Felix Fiona Gina Grace Hana Hannah Hugo Ian Ida Ines Isaac Ivan Jack Jana Jin John
    Jonas Julia Kai Karim Kate Kenji Lara Leo Liam Lily Lina Lucas Luis Maria Mark Marta Maya
    Mei Mia Mina Mohamed Nadia Nina Noah Nora Olga Oliver Omar Oscar Paul Pedro Priya Quinn
    Rachel Ravi Rosa Ruth Sam Sara Sofia Stefan Sven Tara Theo Tom Uma Vera Victor Wei Will
    Yara Yuki Zara Zoe
    """.split()  # noqa: SIM905
)

# Plurals. Countable things a person may own, buy, pick or share out.
THINGS = tuple(
    """
    apples balloons beads biscuits books bottles boxes buttons candles cards cherries
    coins cookies crayons cups eggs envelopes erasers flowers grapes keys lemons marbles
    muffins mugs nails notebooks oranges pancakes peaches pears pebbles pencils pens photos
    plates plums postcards ribbons sandwiches seashells shirts spoons stamps stickers
    strawberries tickets tomatoes toys tulips
    """.split()  # noqa: SIM905
)


def singular(plural: str) -> str:
    """The singular of one of THINGS."""
    for ending, single in (("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ies", "y")):
        if plural.endswith(ending):
            return {"cooky": "cookie"}.get(stem := plural[: -len(ending)] + single, stem)
    return plural[:-2] if plural.endswith("toes") else plural[:-1]
