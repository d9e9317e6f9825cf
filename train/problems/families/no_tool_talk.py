"""Conversation: greetings, questions on the assistant, small requests. No program, no box."""

from __future__ import annotations

from train.problems.families.talk_texts import FEELINGS, MEANINGS, NOTES, SENTENCES, TIPS
from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES


def _talk(dice: Dice, question: str, *replies: str) -> Drawn:
    """A question that is answered with one of these replies; nothing can be graded."""
    said = dice.choice(replies)
    return Drawn(question, "", said, reply=said)


@family("no tool")
def greeting(dice: Dice) -> Drawn:
    name = dice.choice(NAMES)
    question = dice.wording(
        *("Hi!", "Hello.", "hey", "Good morning!", "Good evening.", "hello there", "Hi there!"),
        *("Hello, I am {name}.", "Hi, my name is {name}.", "hey, it's {name}", "Hello assistant!"),
        *("Good morning, {name} here.", "Hi, this is {name}, nice to meet you.", "Howdy!"),
        *("Good afternoon!", "Hello! {name} speaking.", "Hi, I'm {name}. Are you there?"),
        *(
            "hello, anyone there?",
            "Hey there, I am {name}.",
            "Greetings!",
            "Hi, you can call me {name}.",
        ),
    )
    if "{name}" in question:
        return _talk(
            dice,
            question.format(name=name),
            f"Hello, {name}! How can I help you?",
            f"Hi, {name}! What can I do for you?",
            f"Nice to meet you, {name}! What would you like to know?",
            f"Hello, {name}. Ask me anything, for example something to compute.",
        )
    return _talk(
        dice,
        question,
        "Hello! How can I help you?",
        "Hi! What can I do for you?",
        "Hello there! Do you have a question for me?",
        "Hi! Ask me anything, for example something to compute.",
    )


@family("no tool")
def thanks(dice: Dice) -> Drawn:
    question = dice.wording(
        *("Thanks!", "Thank you.", "thank you so much", "Thanks a lot!", "Great, thank you!"),
        *("thx", "That helped, thanks.", "Perfect, thanks for the help.", "Many thanks!"),
        *("Thank you, that is what I needed.", "Cheers, that was quick.", "ok thanks"),
        *("{name} says thank you too.", "That was very helpful.", "You are great, thanks!"),
        *("Wonderful, thank you very much.", "I appreciate your help.", "nice, thank you"),
        *("Thanks for the answer!", "Thank you for helping me and {name}."),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "You are welcome!",
        "You're welcome! Happy to help.",
        "My pleasure. Ask me again any time.",
        "Glad I could help!",
        "You are welcome! Is there anything else?",
    )


@family("no tool")
def goodbye(dice: Dice) -> Drawn:
    question = dice.wording(
        *("Bye!", "Goodbye.", "see you later", "Good night!", "That is all for today. Bye!"),
        *("I have to go now.", "bye bye", "See you tomorrow.", "I am done, goodbye!", "Take care"),
        *("Thanks and bye.", "I'm leaving now, see you.", "That was everything, {name} out."),
        *("Time for bed, good night.", "ok, talk to you later", "Have a nice day!"),
        *("{name} is calling me, I must go.", "So long!", "Goodbye and good night.", "cya"),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "Goodbye! Have a nice day.",
        "Bye! See you next time.",
        "See you! Come back any time.",
        "Take care, and goodbye!",
    )


@family("no tool")
def how_are_you(dice: Dice) -> Drawn:
    question = dice.wording(
        *("How are you?", "How are you doing?", "how's it going", "Are you well today?"),
        *("Hi, how are you today?", "What's up?", "How do you feel?", "Hello! How are things?"),
        *("Are you fine?", "how r u", "Good morning, how are you?", "How has your day been?"),
        *("Hi, {name} here. How are you?", "Everything all right with you?", "You okay?"),
        *("How is your day going?", "Hey, how are you doing today?", "How are you, my friend?"),
        *("are you doing well?", "Hello, it's {name}. How are you doing?"),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "I am doing well, thank you! How can I help you?",
        "All is well here. What can I do for you?",
        "I am ready to help, thanks for asking!",
        "Fine, thank you! What would you like to know?",
    )


@family("no tool")
def who_are_you(dice: Dice) -> Drawn:
    question = dice.wording(
        *(
            "Who are you?",
            "What are you?",
            "Are you a human?",
            "who am I talking to",
            "Introduce yourself.",
        ),
        *("What is your name?", "Tell me something about yourself.", "Are you a robot?"),
        *("Do you have a name?", "Are you a real person?", "hi, what are you exactly"),
        *(
            "Am I talking to a computer?",
            "{name} asks who you are.",
            "What program are you?",
        ),
        *("Please introduce yourself.", "Are you an AI?", "Can you tell me who you are?"),
        *(
            "Is this a machine or a person?",
            "Describe yourself in a sentence.",
            "so who are you",
        ),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "I am a small assistant that runs on this device and can use Python to compute.",
        "I am a small language model. I run on this device and can use Python to compute.",
        "I am not a person but a small assistant on this device, and I can compute with Python.",
    )


@family("no tool")
def what_can_you_do(dice: Dice) -> Drawn:
    question = dice.wording(
        *("What can you do?", "How can you help me?", "What are you good at?", "help"),
        *("What can I ask you?", "Tell me what you can do.", "what are you able to do"),
        *("Which tasks can you do for me?", "Give me an example of what you can do."),
        *("What should I use you for?", "Can you help me?", "What are your skills?"),
        *(
            "How do I use you?",
            "{name} wants to know what you can do.",
            "I need help with something.",
        ),
        *("What do you know?", "What questions can you answer?", "what can you help with"),
        *("Are you able to help me?", "Tell me how you could help {name}."),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "I answer short questions, and I use Python to compute with numbers, dates or texts.",
        "I can do arithmetic, work with dates, lists and texts, and answer simple questions.",
        "Ask me to compute something, to work with a date or a text, or ask me a simple question.",
        "I can calculate things with Python and answer short questions. Just try me!",
    )


@family("no tool")
def what_i_cannot_know(dice: Dice) -> Drawn:
    subject, reason = dice.choice(
        (
            ("the weather like right now", "I have no access to the weather."),
            ("the latest news", "I have no access to the news."),
            ("the score of tonight's game", "I have no access to live results."),
            ("the price of gold today", "I have no access to live prices."),
            ("the traffic like at the moment", "I have no access to live traffic."),
            (f"the phone number of {dice.choice(NAMES)}", "I do not know your contacts."),
            ("my favorite song", "You have not told me about it."),
            ("my middle name", "You have not told me your name."),
            ("the next thing in my diary", "I have no access to your diary."),
            ("the last email I got", "I have no access to your email."),
        )
    )
    question = dice.wording(
        "What is {subject}?",
        "what's {subject}",
        "Tell me: what is {subject}?",
        "Can you tell me what {subject} is?",
        "Do you happen to know what {subject} is?",
        "Please find out what {subject} is.",
        "Look it up for me: what is {subject}?",
        "I would like to know, what is {subject}?",
        "hey, what is {subject}?",
        "Quickly, what is {subject}?",
        "Could you check what {subject} is?",
    )
    if " like " in subject:
        question = question.replace("what {subject} is", "what the weather is like right now")
        if "traffic" in subject:
            question = question.replace("the weather is like right now", "the traffic is like now")
    return _talk(
        dice,
        question.format(subject=subject),
        f"I am sorry, I cannot know that. {reason}",
        f"I cannot tell you that. {reason}",
        f"{reason} So I cannot answer that, sorry.",
    )


@family("no tool")
def a_feeling(dice: Dice) -> Drawn:
    feeling, replies = dice.choice(tuple(FEELINGS.items()))
    question = dice.wording(
        "I am {feeling}.",
        "I feel {feeling} today.",
        "i'm so {feeling}",
        "Today I am really {feeling}.",
        "Hi, I am {feeling}.",
        "I have been {feeling} all day.",
        "I'm {feeling}, what do you say?",
        "My friend {name} and I are {feeling}.",
        "Just so you know, I am {feeling}.",
        "I am a bit {feeling} right now.",
        "Well, I feel quite {feeling}.",
        "Right now I feel {feeling}.",
    )
    return _talk(dice, question.format(feeling=feeling, name=dice.choice(NAMES)), *replies)


@family("no tool")
def a_joke(dice: Dice) -> Drawn:
    question = dice.wording(
        *("Tell me a joke.", "Do you know a joke?", "Make me laugh.", "tell me something funny"),
        *("I need a joke.", "Can you tell a joke?", "A short joke, please.", "joke please"),
        *("{name} wants to hear a joke.", "Cheer me up with a joke.", "Say something funny."),
        *("Do you have a joke for children?", "I am bored, tell me a joke.", "Got a joke for me?"),
        *("Tell {name} a joke.", "Give me a good joke.", "Could you tell me a joke?"),
        *("I want to laugh.", "tell a joke", "Let me hear a joke for {name}."),
    ).format(name=dice.choice(NAMES))
    return _talk(
        dice,
        question,
        "Why was the math book sad? It had too many problems.",
        "What do you call a bear with no teeth? A gummy bear.",
        "Why did the bicycle fall over? It was two-tired.",
        "What has hands but cannot clap? A clock.",
        "Why did the cookie go to the doctor? It felt crummy.",
        "Why is six afraid of seven? Because seven eight nine.",
    )


@family("no tool")
def a_sentence_about(dice: Dice) -> Drawn:
    topic, replies = dice.choice(tuple(SENTENCES.items()))
    template = dice.wording(
        "Write a short sentence about {topic}.",
        "Write one sentence about {topic}.",
        "Say something about {topic}.",
        "Give me a sentence about {topic}.",
        "I need a short sentence on {topic}.",
        "one sentence about {topic} please",
        "Tell me something nice about {topic} in one sentence.",
        "Can you write a sentence about {topic}?",
        "Describe {topic} in one sentence.",
        "Make up a sentence about {topic}.",
        "Help me with a short sentence about {topic} for school.",
        "Please write a simple sentence on {topic}.",
        "Could you say one sentence about {topic}?",
    )
    return _talk(dice, template.format(topic=topic), *replies)


@family("no tool")
def a_tip_for(dice: Dice) -> Drawn:
    aim, replies = dice.choice(tuple(TIPS.items()))
    template = dice.wording(
        "Give me a tip for how to {aim}.",
        "How can I {aim}?",
        "Do you have a tip to {aim}?",
        "I want to {aim}. What should I do?",
        "any tips to {aim}?",
        "One piece of advice, please: how do I {aim}?",
        "Help me to {aim}.",
        "What is a good way to {aim}?",
        "I am trying to {aim}. Any advice?",
        "Tell me how to {aim}.",
        "What would you do to {aim}?",
        "Please share one tip that helps to {aim}.",
    )
    return _talk(dice, template.format(aim=aim), *replies)


@family("no tool")
def a_note_to_somebody(dice: Dice) -> Drawn:
    name = dice.choice(NAMES)
    purpose, replies = dice.choice(tuple(NOTES.items()))
    template = dice.wording(
        "Write a short note to {name} to {purpose}.",
        "Write a two-line note to {name} to {purpose}.",
        "I want to {purpose}. Write a note to {name} for me.",
        "Help me write to {name}: I want to {purpose}.",
        "a short message to {name} to {purpose} please",
        "Draft two lines to {name} to {purpose}.",
        "What can I write to {name} to {purpose}?",
        "Compose a brief note in which I {purpose}. It is for {name}.",
        "Please write {name} a little message to {purpose}.",
        "I need a short text for {name} to {purpose}.",
        "Can you write a note for {name} to {purpose}?",
    )
    said = dice.choice(replies)
    return _talk(
        dice,
        template.format(name=name, purpose=purpose),
        f"Dear {name},\n{said[0].upper()}{said[1:]}",
    )


@family("no tool")
def what_is_a_thing(dice: Dice) -> Drawn:
    thing, meaning = dice.choice(tuple(MEANINGS.items()))
    template = dice.wording(
        "What is {thing}?",
        "Explain in one sentence what {thing} is.",
        "what's {thing}",
        "Tell me what {thing} is.",
        "My son asks what {thing} is. What do I say?",
        "Can you explain what {thing} is?",
        "I do not know what {thing} is.",
        "Define {thing}.",
        "In simple words, what is {thing}?",
        "Please explain briefly what {thing} is.",
        "How would you explain {thing} to a child?",
        "Say in a few words what {thing} is.",
    )
    said = f"{thing[0].upper()}{thing[1:]} is {meaning}."
    return _talk(dice, template.format(thing=thing), said)
