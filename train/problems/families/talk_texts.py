"""What conversation is about, and fixed good replies: a subject, then indented its replies."""

from __future__ import annotations


def _replies(text: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    subject = ""
    for line in text.strip().splitlines():
        if line.startswith("  "):
            table[subject] = (*table[subject], line.strip())
        else:
            subject = line.strip()
            table[subject] = ()
    return table


FEELINGS = _replies("""
tired
  Then a short rest may do you good.
  That sounds like a long day. Try to get some sleep.
  Take a break, and drink some water.
happy
  That is good to hear!
  How nice! I am glad for you.
  Wonderful! Enjoy the day.
sad
  I am sorry to hear that. It may help to talk to a friend.
  I am sorry. A short walk or a call to a friend can help.
  That is hard. Be kind to yourself today.
bored
  How about a riddle, a book or a walk?
  Maybe try something new, like drawing or cooking.
  You could call a friend, or ask me something.
nervous
  Take a few slow breaths. You can do it.
  That is normal. Breathe slowly and take one step at a time.
  It may help to prepare well and to rest.
hungry
  Then it is time for a good meal.
  How about some fruit or a sandwich?
  Go and eat something nice!
excited
  How nice! What are you looking forward to?
  That is great! Enjoy it.
  I am glad to hear that!
stressed
  Try a short break and do one thing at a time.
  Take a deep breath. A list of your tasks may help.
  A short walk can help to clear your head.
""")

SENTENCES = _replies("""
the sea
  The sea is wide and blue.
  I love the sound of the waves.
  Many fish live in the sea.
rain
  The rain makes the garden green.
  Soft rain falls on the roof.
  After the rain the air is fresh.
dogs
  Dogs are loyal friends.
  The dog runs happily across the field.
  Dogs love long walks.
cats
  Cats like to sleep in the sun.
  The cat sits quietly by the window.
  Cats are quiet hunters.
friendship
  A good friend listens to you.
  Friendship makes life brighter.
  True friends help each other.
summer
  In summer the days are long and warm.
  We swim in the lake in summer.
  Summer is full of light.
winter
  In winter the trees are bare.
  Snow covers the quiet village in winter.
  Winter nights are long and cold.
music
  Music can lift your mood.
  She plays soft music in the evening.
  Music brings people together.
books
  A book can take you to another world.
  Good books are good company.
  Books help us to learn.
coffee
  The smell of coffee fills the kitchen.
  A cup of coffee starts my day.
  Coffee keeps many people awake.
trees
  Trees give us shade and clean air.
  The old tree stands on the hill.
  Birds build nests in the trees.
school
  At school we learn and make friends.
  The children walk to school together.
  School starts early in the morning.
the moon
  The moon shines over the quiet lake.
  Tonight the moon is bright and round.
  The moon lights the dark road.
a garden
  Flowers of every color grow in the garden.
  She waters the garden each evening.
  A garden needs sun and care.
the morning
  The morning is quiet and fresh.
  Birds sing in the early morning.
  A good morning starts with a smile.
football
  Football is played all over the world.
  The children play football in the park.
  A good football team works together.
""")

TIPS = _replies("""
sleep better
  Go to bed at the same time each night and put your phone away.
  Keep your bedroom dark, quiet and cool.
  Avoid coffee in the evening.
save money
  Write down what you spend, and set a little aside each month.
  Make a shopping list and stick to it.
  Cook at home more often.
learn new words
  Learn a few words each day and repeat them the next day.
  Use each new word in a sentence of your own.
  Put the words on small cards.
stay healthy
  Eat fresh food, move every day and sleep enough.
  Drink enough water and go for a walk each day.
  Get enough sleep and see your friends.
drink more water
  Keep a glass of water on your desk.
  Drink a glass of water with each meal.
  Take a bottle with you when you go out.
study for a test
  Study a little every day and test yourself.
  Explain the topic aloud in your own words.
  Start early, and take short breaks.
be on time
  Plan to arrive ten minutes early.
  Set an alarm for when you must leave.
  Prepare your things the evening before.
keep a desk tidy
  Put each thing back right after you use it.
  Clear your desk for five minutes each evening.
  Keep only what you use every day on it.
read more books
  Read ten pages each evening before bed.
  Always carry a book with you.
  Choose books that you really enjoy.
cook pasta well
  Use plenty of salted water and taste it before the time is up.
  Stir the pasta in the first minute so that it does not stick.
  Cook the pasta until it is just firm to the bite.
calm down
  Breathe in slowly, hold it for a moment, and breathe out slowly.
  Go for a short walk in fresh air.
  Listen to quiet music for a while.
keep plants alive
  Give them light, and water them only when the soil is dry.
  Put them near a window and check the soil each week.
  Do not give them too much water.
speak in public
  Practice aloud, and speak slowly.
  Know your first sentence by heart and look at friendly faces.
  Use short notes, and take a breath before you start.
make new friends
  Join a club, and ask people about themselves.
  Smile, listen well and say yes to invitations.
  Start with small talk with a neighbor.
""")

NOTES = _replies("""
say thank you for the gift
  thank you so much for the lovely gift. It made my day!
  thank you for your kind gift. I really like it.
say happy birthday
  happy birthday! I wish you a wonderful year.
  all the best for your birthday. Enjoy your day!
say sorry for being late
  I am sorry that I was late. It will not happen again.
  please excuse that I was late. Thank you for waiting.
invite them to dinner
  would you like to come to dinner at my place? I would be glad to see you.
  please come to dinner with us soon. We would love to have you.
wish them a quick recovery
  get well soon! I am thinking of you.
  I hope you feel better soon. Rest well!
congratulate them on the new job
  congratulations on your new job! You have earned it.
  well done on the new job. I wish you a great start!
thank them for their help
  thank you very much for your help. It meant a lot to me.
  I am grateful for your help. Thank you!
wish them luck in the exam
  good luck in your exam! I know you can do it.
  all the best for your exam. I believe in you.
wish them a good trip
  have a good trip! Come back safe and tell me all about it.
  I wish you a wonderful trip. Enjoy every day!
cancel our meeting
  I am sorry, I cannot come to our meeting. Can we find another day?
  unfortunately I must cancel our meeting. I hope we can meet soon.
""")

MEANINGS = {
    "a volcano": "a mountain with an opening from which hot melted rock and gas can come out",
    "a desert": "a very dry land where little rain falls and few plants grow",
    "an island": "a piece of land with water all around it",
    "a library": "a place where people can read and borrow books",
    "gravity": "the force that pulls things toward the ground",
    "a dictionary": "a book that explains the meaning of words",
    "a planet": "a large round body that moves around a star",
    "a river": "a long stream of fresh water that flows to a sea or a lake",
    "a verb": "a word for an action or a state, such as run or be",
    "a noun": "a word that names a person, a place or a thing",
    "an adjective": "a word that describes a noun, such as big or red",
    "photosynthesis": "the way in which plants use light, water and air to make their food",
    "a prime number": "a whole number above 1 that only 1 and itself divide evenly",
    "an even number": "a whole number that can be divided by 2 without a remainder",
    "a fraction": "a number that stands for a part of a whole, such as one half",
    "the average of some numbers": "their sum divided by how many they are",
    "a budget": "a plan for how to spend money",
    "a thermometer": "a tool that measures temperature",
    "a museum": "a building where people look at art or old and interesting things",
    "a computer": "a machine that stores data and follows instructions",
    "a rainbow": "an arc of colors in the sky when the sun shines on rain",
    "democracy": "a form of government in which the people choose their leaders by voting",
    "a recipe": "a list of steps and ingredients for cooking a dish",
    "an earthquake": "a sudden shaking of the ground",
}
