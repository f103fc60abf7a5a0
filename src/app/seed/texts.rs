//! What the seeded people are called and what they say.

/// People, the first of whom wrote most.
pub const PEOPLE: [&str; 12] = [
    "Ada Marten",
    "Bruno Vale",
    "Chiara Holm",
    "Dov Ashby",
    "Elif Sand",
    "Farid Noor",
    "Greta Lund",
    "Hiro Tanabe",
    "Ines Rowan",
    "Jonas Pike",
    "Kofi Mensah",
    "Lena Frost",
];

/// A post: title, body in Markdown, tags.
pub struct Text {
    /// One line.
    pub title: &'static str,
    /// Markdown.
    pub body: &'static str,
    /// Labels.
    pub tags: &'static [&'static str],
}

/// Posts.
pub const POSTS: [Text; 8] = [
    Text {
        title: "The bell tower opens again on Saturday",
        body: "After two years of scaffolding the stairs are safe. We start at **ten** and go up in groups of twelve.\n\n\
               - good shoes, please\n- children under eight with a grown-up\n- the bell rings at noon, and it is *loud*",
        tags: &["news", "events"],
    },
    Text {
        title: "What should the reading group read next?",
        body: "Three candidates so far. Answer with yours and react to those you like:\n\n\
               1. something short\n2. something from here\n3. something nobody would choose alone",
        tags: &["books", "events"],
    },
    Text {
        title: "Night buses: what changes in winter",
        body: "Line 7 runs until **01:30** from December on, line 12 stops at the hospital again. The map is on the\n\
               [town's page](https://example.com/buses).",
        tags: &["news", "transport"],
    },
    Text {
        title: "Sourdough that survives a cold kitchen",
        body: "At 16 °C everything takes twice as long. What worked for me:\n\n\
               > feed it in the evening, forget it, bake the day after tomorrow\n\nFlour 500 g, water 350 g, salt 11 g.",
        tags: &["kitchen"],
    },
    Text {
        title: "Repair café: bring what hums, squeaks or does nothing",
        body: "Last time 31 things came and 22 went home working. We look for somebody who knows sewing machines.",
        tags: &["events", "repair"],
    },
    Text {
        title: "A map of benches in the shade",
        body: "I walked every street and noted them down. `benches.csv` has position, number of seats and hours of shade.",
        tags: &["maps", "outdoors"],
    },
    Text {
        title: "Which paint for a wooden window?",
        body: "North side, eighty years old, last painted by somebody in a hurry. Linseed oil or acrylic?",
        tags: &["repair"],
    },
    Text {
        title: "Swifts are back, two days early",
        body: "Counted 14 over the mill at dusk. Please write below when you see them, with the street.",
        tags: &["outdoors", "birds"],
    },
];

/// What starts a thread.
pub const OPENINGS: [&str; 16] = [
    "I have been waiting for this. Thank you for the work!",
    "Can somebody say whether this also holds for the side entrance?",
    "We did the same last year, and the one thing I would change is the **time**.",
    "Small correction: the second date is a Sunday.",
    "Here is how it looked from our street:\n\n> empty at nine, full at ten",
    "I can lend a ladder and two hands.",
    "Is there a way to be told when this changes?",
    "My neighbour has one from 1962 that still works.",
    "Counted again this morning: `17`.",
    "I disagree, but kindly. The other one is cheaper *and* lasts longer.",
    "For those who come from outside: park at the mill, it is five minutes on foot.",
    "Does anybody have a picture of the old one?",
    "This made my morning.",
    "Three questions:\n\n1. who has the key\n2. who pays\n3. who tells the mayor",
    "The link works again, thank you.",
    "I would rather not, and I am happy to be outvoted.",
];

/// What answers; `@` stands for a mention of whoever is answered.
pub const ANSWERS: [&str; 14] = [
    "@ yes, I asked: both doors.",
    "Agreed, and I would add the small hall.",
    "@ could you bring it on Thursday?",
    "That is what I thought at first, too.",
    "No hurry. It has waited for eighty years.",
    "@ thank you, corrected.",
    "Same here, on the north side.",
    "Only if it does not rain.",
    "I will be there at half past nine.",
    "@ I have a picture, I will scan it tonight.",
    "Not sure. The last time it took **three** people.",
    "Count me in.",
    "It depends on the wood: spruce drinks more.",
    "Ha! Exactly.",
];

/// What people react with, the frequent ones first.
pub const EMOJI: [&str; 6] = ["👍", "❤️", "🎉", "😄", "👀", "🚀"];
