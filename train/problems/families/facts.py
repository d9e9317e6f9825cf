"""Tables of the problems that need no tool: facts that are certain, and fixed good replies."""

from __future__ import annotations


def _pairs(text: str) -> dict[str, str]:
    """`a=b; c=d` as a dictionary."""
    halves = (pair.split("=") for pair in text.replace("\n", " ").split(";"))
    return {first.strip(): second.strip() for first, second in halves}


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.replace("\n", " ").split(","))


CAPITALS = _pairs("""France=Paris; Germany=Berlin; Italy=Rome; Spain=Madrid; Portugal=Lisbon;
the United Kingdom=London; Ireland=Dublin; Belgium=Brussels; the Netherlands=Amsterdam;
Switzerland=Bern; Austria=Vienna; Poland=Warsaw; the Czech Republic=Prague; Hungary=Budapest;
Romania=Bucharest; Bulgaria=Sofia; Greece=Athens; Turkey=Ankara; Ukraine=Kyiv; Russia=Moscow;
Finland=Helsinki; Sweden=Stockholm; Norway=Oslo; Denmark=Copenhagen; Iceland=Reykjavik;
Croatia=Zagreb; Serbia=Belgrade; Egypt=Cairo; Morocco=Rabat; Kenya=Nairobi; Nigeria=Abuja;
Ghana=Accra; Ethiopia=Addis Ababa; Senegal=Dakar; Tunisia=Tunis; Algeria=Algiers; Japan=Tokyo;
China=Beijing; India=New Delhi; South Korea=Seoul; North Korea=Pyongyang; Thailand=Bangkok;
Vietnam=Hanoi; the Philippines=Manila; Pakistan=Islamabad; Bangladesh=Dhaka; Nepal=Kathmandu;
Iran=Tehran; Iraq=Baghdad; Saudi Arabia=Riyadh; Lebanon=Beirut; Syria=Damascus;
Afghanistan=Kabul; Australia=Canberra; New Zealand=Wellington; Canada=Ottawa; Cuba=Havana;
the United States=Washington, D.C.; Mexico=Mexico City; Brazil=Brasilia; Chile=Santiago;
Argentina=Buenos Aires; Peru=Lima; Colombia=Bogota; Venezuela=Caracas; Uruguay=Montevideo;
Ecuador=Quito; Malaysia=Kuala Lumpur; Jordan=Amman""")

CONTINENTS = {
    country: continent
    for continent, countries in {
        "Europe": """France, Germany, Italy, Spain, Portugal, Ireland, Belgium, Switzerland,
Austria,
Poland, Hungary, Romania, Bulgaria, Greece, Ukraine, Finland, Sweden, Norway, Denmark, Croatia,
Serbia, the Netherlands, the United Kingdom""",
        "Africa": """Morocco, Kenya, Nigeria, Ghana, Ethiopia, Senegal, Tunisia, Algeria, Uganda,
Tanzania, Zambia, Zimbabwe, Angola, Mali, South Africa, Libya, Sudan""",
        "Asia": """Japan, China, India, South Korea, Thailand, Vietnam, Pakistan, Bangladesh,
Nepal,
Iran, Iraq, Saudi Arabia, Mongolia, Malaysia, the Philippines, Sri Lanka, Cambodia""",
        "South America": """Brazil, Argentina, Peru, Chile, Bolivia, Colombia, Venezuela, Uruguay,
Paraguay, Ecuador""",
        "North America": "Canada, Mexico, the United States, Cuba",
    }.items()
    for country in _items(countries)
}

LANGUAGES = _pairs("""France=French; Germany=German; Italy=Italian; Spain=Spanish; Austria=German;
Portugal=Portuguese; Brazil=Portuguese; Mexico=Spanish; Argentina=Spanish; Chile=Spanish;
Colombia=Spanish; Cuba=Spanish; Peru=Spanish; Venezuela=Spanish; Japan=Japanese; Russia=Russian;
Poland=Polish; Greece=Greek; Turkey=Turkish; Sweden=Swedish; Norway=Norwegian; Denmark=Danish;
Finland=Finnish; Hungary=Hungarian; the Netherlands=Dutch; Australia=English; Egypt=Arabic;
the United Kingdom=English; the United States=English; Saudi Arabia=Arabic; Thailand=Thai;
South Korea=Korean; Vietnam=Vietnamese; Iceland=Icelandic; Romania=Romanian; Iraq=Arabic;
Bulgaria=Bulgarian; Croatia=Croatian; Syria=Arabic; Ecuador=Spanish; Uruguay=Spanish""")

_BOTH_WAYS = _pairs("""hot=cold; up=down; big=small; day=night; black=white; happy=sad; fast=slow;
high=low; wet=dry; full=empty; early=late; inside=outside; good=bad; true=false; rich=poor;
strong=weak; wide=narrow; near=far; always=never; first=last; before=after; push=pull; buy=sell;
love=hate; north=south; east=west; top=bottom; clean=dirty; safe=dangerous; front=back;
smooth=rough; possible=impossible; alive=dead; entrance=exit; question=answer;
positive=negative; maximum=minimum; asleep=awake; in=out; on=off; yes=no; cheap=expensive;
deep=shallow; above=below; same=different; sunrise=sunset; summer=winter; success=failure;
friend=enemy; float=sink; increase=decrease; lock=unlock; visible=invisible; guilty=innocent;
ancient=modern; war=peace; legal=illegal; honest=dishonest; tight=loose""")
OPPOSITES = {
    **_BOTH_WAYS,
    **{second: first for first, second in _BOTH_WAYS.items()},
    **_pairs("""left=right; young=old; heavy=light; thick=thin; tall=short; long=short; soft=hard;
difficult=easy; win=lose; loud=quiet; begin=end; give=take; open=closed; backward=forward"""),
}

COLOURS = _pairs("""a ripe banana=yellow; fresh grass=green; a clear sky at noon=blue; snow=white;
coal=black; a carrot=orange; blood=red; a ripe tomato=red; a lemon=yellow; milk=white;
a stop sign=red; an emerald=green; a ruby=red; a sapphire=blue; a raven=black; a flamingo=pink;
the fur of a polar bear=white; a sunflower=yellow; chocolate=brown; the yolk of an egg=yellow;
spinach=green; a ripe strawberry=red; a pumpkin=orange; table salt=white; a lime=green;
a cucumber=green; a crow=black; soil=brown; flour=white;
broccoli=green; cooked rice=white; lettuce=green; a grizzly bear=brown;
the mix of blue and yellow paint=green; the mix of red and yellow paint=orange;
the mix of red and blue paint=purple; the mix of red and white paint=pink;
the traffic light for stop=red; the traffic light for go=green; a ripe cherry=red""")

PLURALS = _pairs("""child=children; man=men; woman=women; mouse=mice; tooth=teeth; foot=feet;
goose=geese; ox=oxen; leaf=leaves; knife=knives; wolf=wolves; life=lives; wife=wives; half=halves;
shelf=shelves; loaf=loaves; thief=thieves; baby=babies; city=cities; party=parties;
story=stories; country=countries; lady=ladies; berry=berries; box=boxes; fox=foxes; bus=buses;
glass=glasses; dish=dishes; church=churches; watch=watches; potato=potatoes; tomato=tomatoes;
hero=heroes; person=people; sheep=sheep; deer=deer; tree=trees; dog=dogs; cat=cats; book=books;
house=houses; toy=toys; key=keys; boy=boys; monkey=monkeys; brush=brushes; class=classes;
bench=benches; peach=peaches; match=matches; family=families; puppy=puppies; piano=pianos;
butterfly=butterflies; photo=photos; radio=radios; calf=calves; fly=flies; song=songs""")

PASTS = _pairs("""go=went; see=saw; eat=ate; drink=drank; run=ran; write=wrote; give=gave;
take=took;
buy=bought; bring=brought; think=thought; teach=taught; catch=caught; sing=sang; swim=swam;
begin=began; break=broke; speak=spoke; drive=drove; ride=rode; fly=flew; know=knew; grow=grew;
throw=threw; draw=drew; come=came; become=became; find=found; fight=fought; feel=felt; keep=kept;
sleep=slept; leave=left; lose=lost; make=made; meet=met; pay=paid; say=said; sell=sold; tell=told;
send=sent; sit=sat; stand=stood; understand=understood; win=won; wear=wore; choose=chose; put=put;
forget=forgot; hide=hid; fall=fell; hear=heard; hold=held; cut=cut; walk=walked; play=played;
jump=jumped; stop=stopped; try=tried; carry=carried; cook=cooked; dance=danced; study=studied;
plan=planned; love=loved; open=opened; ask=asked; build=built; blow=blew; shake=shook;
steal=stole; freeze=froze; have=had; do=did; get=got; rise=rose; help=helped; work=worked""")

_COMPARATIVES = """happy=happier; hot=hotter; cold=colder; tall=taller; small=smaller;
large=larger;
nice=nicer; easy=easier; heavy=heavier; early=earlier; fast=faster; young=younger; big=bigger;
thin=thinner; sad=sadder; strong=stronger; weak=weaker; long=longer; short=shorter; high=higher;
low=lower; busy=busier; dirty=dirtier; clean=cleaner; warm=warmer; cheap=cheaper; rich=richer;
poor=poorer; dark=darker; bright=brighter; wide=wider; deep=deeper; slow=slower; funny=funnier;
lucky=luckier; angry=angrier; hungry=hungrier; brave=braver; safe=safer; late=later; new=newer;
wet=wetter; pretty=prettier; noisy=noisier; soft=softer; loud=louder; kind=kinder"""
COMPARATIVES = {**_pairs(_COMPARATIVES), "good": "better", "bad": "worse"}
SUPERLATIVES = {
    **{word: more[:-1] + "st" for word, more in _pairs(_COMPARATIVES).items()},
    "good": "best",
    "bad": "worst",
}

YOUNG = _pairs("""dog=puppy; cat=kitten; cow=calf; horse=foal; sheep=lamb; goat=kid; pig=piglet;
hen=chick; duck=duckling; goose=gosling; swan=cygnet; lion=cub; bear=cub; tiger=cub; deer=fawn;
frog=tadpole; kangaroo=joey; elephant=calf; whale=calf; eagle=eaglet; owl=owlet; koala=joey;
butterfly=caterpillar; giraffe=calf; dolphin=calf; donkey=foal; zebra=foal; seal=pup; leopard=cub;
chicken=chick""")

SYMBOLS = _pairs("""hydrogen=H; helium=He; carbon=C; nitrogen=N; oxygen=O; sodium=Na; magnesium=Mg;
aluminum=Al; silicon=Si; phosphorus=P; sulfur=S; chlorine=Cl; potassium=K; calcium=Ca; iron=Fe;
copper=Cu; zinc=Zn; silver=Ag; tin=Sn; iodine=I; gold=Au; mercury=Hg; lead=Pb; neon=Ne;
fluorine=F; lithium=Li; nickel=Ni; argon=Ar; uranium=U; titanium=Ti; platinum=Pt""")

# "How many X are there Y?": what, where, how many.
COUNTS = tuple(
    (what.strip(), where.strip(), count.strip())
    for what, where, count in (
        line.split("/")
        for line in """days/in a week/7
months/in a year/12
hours/in a day/24
minutes/in an hour/60
seconds/in a minute/60
days/in January/31
days/in April/30
days/in June/30
days/in July/31
days/in December/31
days/in a leap year/366
days/in a year that is not a leap year/365
years/in a decade/10
years/in a century/100
seasons/in a year/4
letters/in the English alphabet/26
planets/in the solar system/8
players/on the field for one soccer team/11
cents/in a dollar/100
cents/in a euro/100
eggs/in a dozen/12
socks/in a pair/2
centimeters/in a meter/100
meters/in a kilometer/1000
grams/in a kilogram/1000
millimeters/in a centimeter/10
milliliters/in a liter/1000
inches/in a foot/12
feet/in a yard/3
quarters/in a dollar/4
strings/on a violin/4
keys/on a standard piano/88
squares/on a chessboard/64
cards/in a standard deck without jokers/52
colors/in the rainbow/7
minutes/in half an hour/30
minutes/in a quarter of an hour/15
degrees/in a right angle/90
degrees/in a full circle/360
days/in a weekend/2""".splitlines()
    )
)

# "How many X does Y have?"
PARTS = (
    *(("legs", animal, "4") for animal in ("a dog", "a horse", "a cow", "a cat", "an elephant")),
    *(("legs", animal, "6") for animal in ("an ant", "a bee", "a butterfly", "a beetle", "a fly")),
    *(("legs", animal, "2") for animal in ("a chicken", "an ostrich", "a penguin", "a duck")),
    *(("legs", animal, "8") for animal in ("a spider", "a scorpion")),
    *(("wings", animal, "2") for animal in ("an eagle", "a bat", "an owl")),
    *(("wheels", thing, "2") for thing in ("a bicycle", "an ordinary motorcycle")),
    *(("wheels", "a tricycle", "3"), ("wheels", "an ordinary car", "4")),
    *(("arms", "an octopus", "8"), ("legs", "a snake", "0")),
    *(("sides", "a square", "4"), ("sides", "a rectangle", "4"), ("faces", "a cube", "6")),
    *(("edges", "a cube", "12"), ("corners", "a cube", "8"), ("faces", "a die", "6")),
)
SHAPES = _pairs("triangle=3; pentagon=5; hexagon=6; heptagon=7; octagon=8; nonagon=9; decagon=10")

MONTHS = _items("""January, February, March, April, May, June, July, August, September, October,
November, December""")
WEEKDAYS = _items("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")

TRANSLATIONS = {
    "Spanish": _pairs("""house=casa; dog=perro; cat=gato; water=agua; book=libro; red=rojo;
green=verde; blue=azul; white=blanco; black=negro; yellow=amarillo; two=dos; three=tres;
four=cuatro; five=cinco; ten=diez; hello=hola; thank you=gracias; friend=amigo; school=escuela;
milk=leche; bread=pan; cheese=queso; apple=manzana; sun=sol; moon=luna; night=noche;
Monday=lunes; Friday=viernes; family=familia; man=hombre; woman=mujer; mother=madre;
father=padre; brother=hermano; sister=hermana; flower=flor; city=ciudad; hand=mano; egg=huevo;
king=rey; door=puerta; street=calle; goodbye=adiós; heart=corazón; tree=árbol"""),
    "French": _pairs("""house=maison; dog=chien; cat=chat; water=eau; book=livre; red=rouge;
green=vert; blue=bleu; white=blanc; black=noir; yellow=jaune; two=deux; three=trois; four=quatre;
five=cinq; ten=dix; hello=bonjour; thank you=merci; friend=ami; school=école; milk=lait;
bread=pain; cheese=fromage; apple=pomme; sun=soleil; moon=lune; night=nuit; Monday=lundi;
Friday=vendredi; family=famille; man=homme; woman=femme; mother=mère; father=père;
brother=frère;
flower=fleur; tree=arbre; city=ville; hand=main; king=roi; door=porte; street=rue;
goodbye=au revoir"""),
    "German": _pairs("""house=Haus; dog=Hund; cat=Katze; water=Wasser; book=Buch; red=rot;
green=grün; blue=blau; white=weiß; black=schwarz; two=zwei; three=drei; four=vier; five=fünf;
ten=zehn; hello=hallo; thank you=danke; friend=Freund; school=Schule; milk=Milch; bread=Brot;
cheese=Käse; apple=Apfel; sun=Sonne; night=Nacht; Monday=Montag; family=Familie; mother=Mutter;
father=Vater; brother=Bruder; sister=Schwester; tree=Baum; hand=Hand; egg=Ei; king=König"""),
}

AUTHORS = _pairs("""Romeo and Juliet=William Shakespeare; Hamlet=William Shakespeare;
Macbeth=William Shakespeare; Pride and Prejudice=Jane Austen;
Oliver Twist=Charles Dickens; A Christmas Carol=Charles Dickens; Moby-Dick=Herman Melville;
Great Expectations=Charles Dickens; The Hobbit=J. R. R. Tolkien; Animal Farm=George Orwell;
The Lord of the Rings=J. R. R. Tolkien; Don Quixote=Miguel de Cervantes; Dracula=Bram Stoker;
War and Peace=Leo Tolstoy; Anna Karenina=Leo Tolstoy; The Odyssey=Homer; The Iliad=Homer;
The Adventures of Tom Sawyer=Mark Twain; Frankenstein=Mary Shelley; Matilda=Roald Dahl;
Alice's Adventures in Wonderland=Lewis Carroll; Treasure Island=Robert Louis Stevenson;
Crime and Punishment=Fyodor Dostoevsky; The Time Machine=H. G. Wells;
Charlie and the Chocolate Factory=Roald Dahl; The Jungle Book=Rudyard Kipling;
The Old Man and the Sea=Ernest Hemingway; The Great Gatsby=F. Scott Fitzgerald;
To Kill a Mockingbird=Harper Lee; Jane Eyre=Charlotte Brontë; Peter Pan=J. M. Barrie;
Harry Potter and the Philosopher's Stone=J. K. Rowling; Les Misérables=Victor Hugo""")

TRIVIA = _pairs("""Which planet is closest to the Sun?=Mercury;
Which planet is the largest in the solar system?=Jupiter;
Which planet is known as the Red Planet?=Mars; Which planet is famous for its bright rings?=Saturn;
On which planet do we live?=Earth; What is the name of the star at the center of our solar system?
=the Sun; Which planet is farthest from the Sun?=Neptune;
Which planet is third from the Sun?=Earth;
What is the largest ocean on Earth?=the Pacific Ocean;
What is the largest land animal?=the elephant;
What is the largest animal on Earth?=the blue whale; What is the tallest animal?=the giraffe;
What is the fastest land animal?=the cheetah; What is the highest mountain on Earth?=Mount Everest;
What is the largest continent?=Asia; What is the smallest continent by area?=Australia;
What is the largest country in the world by area?=Russia;
What is the largest hot desert?=the Sahara;
In which city is the Eiffel Tower?=Paris; In which city is the Colosseum?=Rome;
In which country are the pyramids of Giza?=Egypt; In which country is the Taj Mahal?=India;
In which country is the Great Wall?=China; In which city is the Statue of Liberty?=New York;
In which city is Big Ben?=London; Which gas do people need to breathe?=oxygen;
Which organ pumps blood through the body?=the heart; Which organ do we think with?=the brain;
Which sense do we use our ears for?=hearing; Which sense do we use our eyes for?=sight;
What do bees make that people eat?=honey; What does a cow give that people drink?=milk;
What is frozen water called?=ice; What do we call water when it becomes a gas?=steam;
Which force pulls things down to the ground?=gravity; Who painted the Mona Lisa?=Leonardo da Vinci;
Who was the first president of the United States?=George Washington;
Who was the first person to walk on the Moon?=Neil Armstrong;
Which scientist is famous for the theory of relativity?=Albert Einstein;
Who wrote On the Origin of Species?=Charles Darwin;
In which sport do players shoot a ball through a hoop?=basketball;
In which sport do you try to get a hole in one?=golf; In which sport is Wimbledon played?=tennis;
In which sport is the Tour de France held?=cycling; In which sport do players hit a puck on ice?
=ice hockey; Which currency is used in Japan?=the yen; Which currency is used in Germany?=the euro;
Which currency is used in India?=the rupee;
Which currency is used in the United States?=the dollar;
What is the first letter of the alphabet?=A; What is the last letter of the alphabet?=Z;
What do we call a scientist who studies the stars?=an astronomer; Who fixes your teeth?=a dentist;
What do we call a person who flies a plane?=a pilot; What do caterpillars turn into?=butterflies;
What do we call a person who bakes bread for a living?=a baker;
What do we call a doctor for animals?=a veterinarian;
What do we wear on our feet inside shoes?=socks;
Which animal is known as the king of the jungle?=the lion; Which animal barks?=the dog;
Which bird cannot fly and lives in Antarctica?=the penguin;
Which animal is known for its long trunk?
=the elephant; Which metal is liquid at room temperature?=mercury;
What is H2O usually called?=water;
In which direction does the sun rise?=east; In which direction does the sun set?=west;
Which season comes after winter?=spring; Which season comes after summer?=autumn;
Which meal do people eat in the morning?=breakfast; What is the main ingredient of bread?=flour;
Which instrument has 88 black and white keys?=the piano; What are grapes dried into?=raisins""")

# Multiple choice ---------------------------------------------------------------------------------

CATEGORIES = {
    "a fruit": _items("apple, banana, grape, pear, cherry, strawberry, pineapple, mango"),
    "a vegetable": _items("carrot, onion, cabbage, spinach, broccoli, cauliflower"),
    "an insect": _items("ant, bee, mosquito, butterfly, beetle, grasshopper"),
    "a bird": _items("eagle, sparrow, owl, penguin, parrot, pigeon, swan"),
    "a mammal": _items("horse, cow, elephant, dog, rabbit, whale, sheep, lion"),
    "a fish": _items("salmon, trout, shark, tuna, cod"),
    "a country": _items("France, Brazil, Japan, Canada, Egypt, Spain, India, Kenya"),
    "a city": _items("Paris, London, Tokyo, Berlin, Rome, Madrid, Chicago"),
    "a color": _items("red, blue, green, yellow, purple, white"),
    "a musical instrument": _items("piano, violin, guitar, trumpet, flute, drum"),
    "a tool": _items("hammer, screwdriver, saw, wrench, drill"),
    "a piece of furniture": _items("chair, table, sofa, bed, wardrobe, bookcase"),
    "a vehicle": _items("car, bus, truck, train, bicycle, tractor"),
    "a piece of clothing": _items("shirt, jacket, trousers, sweater, coat, socks"),
    "a planet": _items("Mars, Jupiter, Saturn, Venus, Neptune, Uranus"),
    "a part of the body": _items("arm, knee, elbow, shoulder, nose, finger"),
    "a sport": _items("tennis, football, basketball, hockey, volleyball, rugby"),
    "a month": _items("January, February, July, September, October, December"),
    "a day of the week": _items("Monday, Tuesday, Thursday, Saturday, Sunday"),
    "a drink": _items("coffee, tea, lemonade, milk, juice"),
    "a job": _items("teacher, doctor, carpenter, nurse, farmer, plumber, engineer"),
}

SYNONYMS = _pairs("""large=big; quick=fast; begin=start; glad=happy; silent=quiet; shut=close;
small=little; smart=clever; wealthy=rich; ill=sick; angry=mad; unhappy=sad; frightened=afraid;
simple=easy; correct=right; incorrect=wrong; gift=present; rock=stone; street=road; finish=end;
speak=talk; shout=yell; tired=sleepy; beautiful=pretty; hard=difficult; error=mistake; home=house;
assist=help; purchase=buy; reply=answer; jump=leap; select=choose; terrible=awful; odd=strange;
forest=woods; trip=journey; physician=doctor; infant=baby; center=middle; wet=damp; cap=hat""")

# Of two answers that are near in meaning only one is offered.
RELATED = {
    "big": {"awful"}, "sad": {"awful", "mad"}, "afraid": {"sad"},
    "awful": {"sick", "sad", "wrong"},
    "wrong": {"awful", "mistake"}, "mad": {"sad", "awful"}, "talk": {"yell"}, "yell": {"talk"},
    "easy": {"quiet"}, "difficult": {"strange"}, "strange": {"mad", "difficult"},
    "pretty": {"clever"}, "clever": {"quick", "rich"}, "little": {"baby"}, "baby": {"little"},
}  # fmt: skip

# Question, right choice, three wrong ones.
SENSE: tuple[tuple[str, ...], ...] = tuple(
    tuple(part.strip() for part in line.split("/"))
    for line in """What do you need to unlock a door?/a key/a spoon/a pillow/a sock
Where do you keep ice cream so that it does not melt?/in the freezer/in the oven/in a drawer/in bed
What do you use to cut paper?/scissors/a towel/a cup/a pillow
What do people use when it rains?/an umbrella/sunglasses/a fan/a ladder
Where do you go to borrow books?/a library/a bakery/a garage/a swimming pool
What do plants need to grow?/water and light/salt and sand/shoes and socks/glass and paint
Who puts out fires?/a firefighter/a baker/a dentist/a singer
What do you use to brush your teeth?/a toothbrush/a hammer/a fork/a broom
What happens to ice in the sun?/it melts/it burns/it grows/it gets colder
Which one can fly?/a sparrow/a cow/a turtle/a dog
Which of these is the heaviest?/an elephant/a mouse/a cat/a rabbit
Which of these is the smallest?/an ant/a horse/a dog/a cow
Which of these is the fastest?/an airplane/a bicycle/a person walking/a horse
Which of these is hot?/fire/ice/snow/frost
What do you wear on your hands when it is cold?/gloves/boots/a belt/a hat
What do you wear to see better?/glasses/gloves/a scarf/a ring
Where do you buy bread?/at a bakery/at a gas station pump/at a barber/at a museum
When do most people sleep?/at night/at noon/at lunch/at work
What do you use to write on paper?/a pen/a plate/a shoe/a spoon
What do you use to eat soup?/a spoon/a comb/a pencil/a nail
Which of these do cats chase?/mice/cars/clouds/trees
What should you do before you cross a street?/look both ways/close your eyes/lie down/run fast
What should you do before you eat?/wash your hands/put on a coat/go to sleep/paint your nails
Which of these floats on water?/a piece of wood/a stone/an iron nail/a gold coin
Which of these sinks in water?/a stone/a cork/a leaf/a feather
What do you do with a chair?/sit on it/drink it/read it/wear it
Where do birds lay their eggs?/in a nest/in a shoe/in a car/in a kettle
Which of these tells you the time?/a clock/a mirror/a lamp/a carpet
Which of these is sour?/a lemon/sugar/honey/milk chocolate
Which of these is sweet?/honey/salt/vinegar/a raw onion
Why do people wear coats in winter?/to stay warm/to run faster/to see better/to get wet
What is a fridge for?/keeping food cold/washing clothes/making music/cutting grass
What do you need to make a phone call?/a phone/a fork/a ladder/a blanket
What does a thermometer measure?/temperature/length/weight/time
What does a ruler measure?/length/temperature/time/sound
What does a scale measure?/weight/time/color/length
What gives us light during the day?/the sun/the moon/the sea/the wind
Which season is usually the coldest?/winter/summer/spring/autumn
Which season is usually the hottest?/summer/winter/spring/autumn
What do you call the father of your father?/your grandfather/your uncle/your cousin/your nephew
What do you call the sister of your mother?/your aunt/your niece/your cousin/your grandmother
What do you do when you are thirsty?/drink water/eat salt/go for a run/go to bed""".splitlines()
)

TRUE = _items("""the sky is blue on a clear day, fish live in water,
ice is colder than boiling water,
the Earth goes around the Sun, a week has seven days, birds have feathers,
a triangle has three sides,
Paris is in France, cows eat grass, the Sun is a star, humans need oxygen to live, snow is cold,
a spider has eight legs, bananas are fruits, an elephant is heavier than a mouse, milk is white,
the Moon goes around the Earth, plants need light to grow, Tokyo is in Japan, bees make honey,
a square has four sides, fire is hot, whales live in the sea, a year has twelve months,
penguins are birds, water freezes at 0 degrees Celsius, gold is a metal, lemons taste sour,
Italy is in Europe, dogs are mammals, a minute has sixty seconds, the heart pumps blood""")
FALSE = _items("""the Sun is cold, fish can drive cars, the Earth is flat, a week has nine days,
cats can bark, a triangle has five sides, Paris is in Japan, cows lay eggs, snow is hot,
the Moon is made of cheese, a spider has two legs, bananas are blue inside, stones are alive,
a mouse is heavier than an elephant, people can breathe under water without help,
Rome is in Brazil,
the Sun goes around the Earth, a square has six sides, ice is hotter than fire, coal is white,
whales are insects, a year has twenty months, penguins can fly high in the sky, trees can walk,
an hour has ten minutes, milk comes from rocks, gold is a fruit, lemons are very sweet,
Egypt is in Europe, elephants are smaller than ants, a snake has four legs,
glass is made of wood""")
