// Fetched when the picker is first opened. Names are those of Unicode, shortened, with the words people look for.

const TABLE = `
# Faces
😀 grinning face grin happy|😃 smiling open mouth|😄 smiling open mouth and smiling eyes|
😁 grinning smiling eyes|😆 smiling open mouth and tightly-closed eyes|😅 smiling open mouth and cold sweat phew|
🤣 rolling on the floor laughing rofl lol|😂 tears of joy laughing lol|🙂 slightly smiling face smile|
🙃 upside-down face|🫠 melting face|😉 winking face wink|😊 smiling smiling eyes|😇 smiling halo|
🥰 smiling smiling eyes and three hearts|😍 smiling heart-shaped eyes|🤩 grinning star eyes|
😘 face throwing a kiss|😗 kissing face|😚 kissing closed eyes|😙 kissing smiling eyes|🥲 smiling tear|
😋 face savouring delicious food|😛 stuck-out tongue|😜 stuck-out tongue and winking eye|
🤪 grinning one large and one small eye|😝 stuck-out tongue and tightly-closed eyes|🤑 money-mouth face|
🤗 hugging face|🤭 smiling smiling eyes and hand covering mouth|🫢 open eyes and hand over mouth|🫣 peeking eye|
🤫 finger covering closed lips|🤔 thinking face hmm|🫡 saluting face|🤐 zipper-mouth face|🤨 one eyebrow raised|
😐 neutral face|😑 expressionless face|😶 face without mouth|🫥 dotted line face|😏 smirking face|
😒 unamused face|🙄 rolling eyes|😬 grimacing face|🤥 lying face|😌 relieved face|😔 pensive face|😪 sleepy face|
🤤 drooling face|😴 sleeping face|😷 medical mask|🤒 thermometer|🤕 head-bandage|🤢 nauseated face|
🤮 open mouth vomiting|🤧 sneezing face|🥵 overheated face|🥶 freezing face|🥴 uneven eyes and wavy mouth|
😵 dizzy face|🤯 shocked exploding head mind blown|🤠 cowboy hat|🥳 party horn and party hat|🥸 disguised face|
😎 smiling sunglasses cool|🤓 nerd face|🧐 monocle|😕 confused face|🫤 diagonal mouth|😟 worried face|
🙁 slightly frowning face|😮 open mouth surprised wow|😯 hushed face|😲 astonished face|😳 flushed face|
🥺 pleading eyes|🥹 face holding back tears|😦 frowning open mouth|😧 anguished face|😨 fearful face|
😰 open mouth and cold sweat|😥 disappointed but relieved face|😢 crying face sad cry|
😭 loudly crying face sob cry|😱 face screaming in fear|😖 confounded face|😣 persevering face|
😞 disappointed face|😓 cold sweat|😩 weary face|😫 tired face|🥱 yawning face|😤 look of triumph|
😡 pouting face angry|😠 angry face|🤬 seriouss covering mouth|😈 smiling horns|👿 imp|💀 skull|💩 pile of poo|
🤡 clown face|👻 ghost|👽 extraterrestrial alien|🤖 robot face|🎃 jack-o-lantern|😺 smiling cat open mouth|
😸 grinning cat smiling eyes|😹 cat tears of joy|😻 smiling cat heart-shaped eyes|😼 cat wry smile|
😽 kissing cat closed eyes|🙀 weary cat face|😿 crying cat face|😾 pouting cat face|🙈 see-no-evil monkey|
🙉 hear-no-evil monkey|🙊 speak-no-evil monkey
# People and hands
👋 waving hand wave hello bye|🤚 raised back of hand|✋ raised hand|
🖖 raised hand with part between middle and ring fingers|🫱 rightwards hand|🫲 leftwards hand|👌 ok hand perfect|
🤌 pinched fingers|🤏 pinching hand|✌️ victory hand peace|🤞 hand with index and middle fingers crossed|
🫰 hand with index finger and thumb crossed|🤟 i love you hand|🤘 sign of the horns|🤙 call me hand|
👈 white left pointing backhand index|👉 white right pointing backhand index|👆 white up pointing backhand index|
👇 white down pointing backhand index|☝️ white up pointing index|🫵 index pointing at the viewer|
👍 thumbs up yes like agree plus|👎 thumbs down no dislike minus|✊ raised fist|👊 fisted hand|
🤛 left-facing fist|🤜 right-facing fist|👏 clapping hands clap bravo|
🙌 person raising both hands in celebration hooray praise|🫶 heart hands|👐 open hands|🤲 palms up together|
🤝 handshake deal|🙏 person with folded hands thanks please pray|✍️ writing hand|💅 nail polish|
💪 flexed biceps strong muscle|🧠 brain|👀 eyes look watching|👁️ eye|👂 ear|👃 nose|👄 mouth|👶 baby|🧒 child|
👦 boy|👧 girl|🧑 adult|👨 man|👩 woman|🧓 older adult|👴 older man|👵 older woman|
🙋 happy person raising one hand|🙅 no good gesture|🙆 ok gesture|💁 information desk person|
🙇 person bowing deeply|🤦 face palm facepalm|🤷 shrug dunno|🧙 mage|🧚 fairy|🧛 vampire|🧟 zombie|🦸 superhero|
🦹 supervillain|🥷 ninja|👷 construction worker|💂 guardsman|👸 princess|🤴 prince|🎅 father christmas|💃 dancer|
🕺 man dancing|🏃 runner|🚶 pedestrian|🧘 person in lotus position
# Hearts and signs
❤️ black heart red love|🧡 orange heart|💛 yellow heart|💚 green heart|💙 blue heart|💜 purple heart|
🖤 black heart|🤍 white heart|🤎 brown heart|💔 broken heart|💕 two hearts|💞 revolving hearts|💓 beating heart|
💗 growing heart|💖 sparkling heart|💘 heart with arrow|💝 heart with ribbon|💯 hundred points|💢 anger|
💥 collision|💫 dizzy|💦 splashing sweat|💨 dash|💬 speech balloon|💭 thought balloon|💤 sleeping|✨ sparkles new|
⭐ white medium star|🌟 glowing star|⚡ high voltage zap fast|🔥 fire hot lit|
🎉 party popper tada hooray congratulations|🎊 confetti ball|✅ white check mark done yes|❌ cross mark no wrong|
❓ black question mark ornament|❗ exclamation mark|⚠️ warning|🚫 no entry|♻️ black universal recycling|➕ plus|
➖ minus|✔️ check mark|🔔 bell|🔕 bell with cancellation stroke|🔴 large red circle|🟠 large orange circle|
🟡 large yellow circle|🟢 large green circle|🔵 large blue circle|🟣 large purple circle|🆗 squared ok|
🆕 squared new|🆒 squared cool
# Animals and nature
🐶 dog face|🐱 cat face|🐭 mouse face|🐹 hamster face|🐰 rabbit face|🦊 fox face|🐻 bear face|🐼 panda face|
🐨 koala|🐯 tiger face|🦁 lion face|🐮 cow face|🐷 pig face|🐸 frog face|🐵 monkey face|🐔 chicken|🐧 penguin|
🐦 bird|🐤 baby chick|🦆 duck|🦅 eagle|🦉 owl|🦇 bat|🐺 wolf face|🐗 boar|🐴 horse face|🦄 unicorn face|
🐝 honeybee|🐛 bug|🦋 butterfly|🐌 snail|🐞 lady beetle|🐜 ant|🦗 cricket|🕷️ spider|🦂 scorpion|🐢 turtle|
🐍 snake|🦎 lizard|🐙 octopus|🦑 squid|🦐 shrimp|🦀 crab|🐡 blowfish|🐠 tropical fish|🐟 fish|🐬 dolphin|
🐳 spouting whale|🦈 shark|🐊 crocodile|🦓 zebra face|🦍 gorilla|🐘 elephant|🦒 giraffe face|🐪 dromedary camel|
🐎 horse|🐑 sheep|🐐 goat|🦌 deer|🐕 dog|🐈 cat|🐓 rooster|🦃 turkey|🦚 peacock|🦜 parrot|🦢 swan|🦩 flamingo|
🕊️ dove of peace|🐇 rabbit|🦝 raccoon|🦨 skunk|🦦 otter|🦥 sloth|🐿️ chipmunk|🦔 hedgehog|🐉 dragon|🦕 sauropod|
🦖 t-rex|🌵 cactus|🎄 christmas tree|🌲 evergreen tree|🌳 deciduous tree|🌴 palm tree|🌱 seedling|🌿 herb|
☘️ shamrock|🍀 four leaf clover|🍁 maple leaf|🍂 fallen leaf|🍄 mushroom|🌷 tulip|🌹 rose|🌺 hibiscus|
🌸 cherry blossom|🌼 blossom|🌻 sunflower|🌞 sun with face|🌙 crescent moon|🌍 earth globe europe-africa|
🌈 rainbow|☀️ black sun with rays|☁️ cloud|☔ umbrella with rain drops|❄️ snowflake|⛄ snowman without snow|
🌊 water wave|🌋 volcano
# Food and drink
🍏 green apple|🍎 red apple|🍐 pear|🍊 tangerine|🍋 lemon|🍌 banana|🍉 watermelon|🍇 grapes|🍓 strawberry|
🫐 blueberries|🍒 cherries|🍑 peach|🥭 mango|🍍 pineapple|🥥 coconut|🥝 kiwifruit|🍅 tomato|🥑 avocado|
🍆 aubergine|🥦 broccoli|🥒 cucumber|🌶️ hot pepper|🌽 ear of maize|🥕 carrot|🧄 garlic|🧅 onion|🥔 potato|
🍞 bread|🥐 croissant|🥖 baguette bread|🥨 pretzel|🧀 cheese wedge|🥚 egg|🍳 cooking|🥞 pancakes|🥓 bacon|
🍗 poultry leg|🍔 hamburger|🍟 french fries|🍕 slice of pizza|🌭 hot dog|🥪 sandwich|🌮 taco|🌯 burrito|
🥗 green salad|🍝 spaghetti|🍜 steaming bowl|🍲 pot of food|🍣 sushi|🍱 bento box|🍛 curry and rice|
🍚 cooked rice|🍙 rice ball|🥟 dumpling|🍦 soft ice cream|🍩 doughnut|🍪 cookie|🎂 birthday cake|🍰 shortcake|
🧁 cupcake|🍫 chocolate bar|🍬 candy|🍭 lollipop|🍿 popcorn|☕ hot beverage coffee tea|🍵 teacup without handle|
🧃 beverage box|🥤 cup with straw|🍺 beer mug|🍻 clinking beer mugs|🥂 clinking glasses|🍷 wine glass|
🥃 tumbler glass|🍸 cocktail glass|🍹 tropical drink|🧉 mate drink|🍾 bottle with popping cork|🧂 salt shaker
# Things to do
⚽ soccer ball|🏀 basketball and hoop|🏈 american football|⚾ baseball|🎾 tennis racquet and ball|🏐 volleyball|
🏉 rugby football|🎱 billiards|🏓 table tennis paddle and ball|🏸 badminton racquet and shuttlecock|
🥊 boxing glove|🎯 direct hit|🎳 bowling|🎮 video game|🎲 game die|🧩 jigsaw puzzle piece|♟️ black chess pawn|
🎭 performing arts|🎨 artist palette|🧵 spool of thread|🧶 ball of yarn|🎤 microphone|🎧 headphone|
🎼 musical score|🎹 musical keyboard|🥁 drum with drumsticks|🎷 saxophone|🎺 trumpet|🎸 guitar|🎻 violin|
🎬 clapper board|🏆 trophy|🥇 first place medal|🥈 second place medal|🥉 third place medal|🏅 sports medal|
🎫 ticket|🎪 circus tent|🏊 swimmer|🏄 surfer|🚴 bicyclist|🧗 person climbing|🎣 fishing pole and fish|
🎿 ski and ski boot|🏂 snowboarder
# Travel and places
🚗 automobile|🚕 taxi|🚌 bus|🏎️ racing car|🚓 police car|🚑 ambulance|🚒 fire engine|🚚 delivery truck|
🚜 tractor|🛵 motor scooter|🏍️ racing motorcycle|🚲 bicycle|🛴 scooter|🚆 train|🚂 steam locomotive|
🚀 rocket ship launch|🛸 flying saucer|✈️ airplane|🚁 helicopter|⛵ sailboat|🚢 ship|⚓ anchor|🗺️ world map|
🗿 moyai|🗽 statue of liberty|🏰 european castle|🏯 japanese castle|🎡 ferris wheel|🎢 roller coaster|⛲ fountain|
🏖️ beach with umbrella|🏝️ desert island|🏔️ snow capped mountain|⛺ tent|🏠 house building|🏡 house with garden|
🏢 office building|🏥 hospital|🏫 school|⛪ church|🕌 mosque|🕍 synagogue|🌃 night with stars|🌅 sunrise|
🌇 sunset over buildings|🌉 bridge at night|🎆 fireworks|🎇 firework sparkler|🌌 milky way|⏰ alarm clock|
⌛ hourglass|⏳ hourglass with flowing sand|🕐 clock face one oclock
# Objects
⌚ watch|📱 mobile phone|💻 personal computer|⌨️ keyboard|🖥️ desktop computer|🖨️ printer|🖱️ three button mouse|
💾 floppy disk|💿 optical disc|📷 camera|📹 video camera|🎥 movie camera|📞 telephone receiver|📺 television|
📻 radio|🔋 battery|🔌 electric plug|💡 electric light bulb idea|🔦 electric torch|🕯️ candle|
🧯 fire extinguisher|💸 money with wings|💵 banknote with dollar|💳 credit card|💎 gem stone|🔧 wrench|🔨 hammer|
🛠️ hammer and wrench|⚙️ gear|🔩 nut and bolt|🧲 magnet|💣 bomb|🔪 hocho|🛡️ shield|🔮 crystal ball|🔭 telescope|
🔬 microscope|💊 pill|💉 syringe|🧬 dna double helix|🧪 test tube|🧹 broom|🧺 basket|🛁 bathtub|🔑 key|🚪 door|
🪑 chair|🛏️ bed|🧸 teddy bear|🎁 wrapped present gift|🎈 balloon|🎀 ribbon|✉️ envelope|📧 e-mail|📦 package|
📫 closed mailbox with raised flag|📜 scroll|📄 page facing up|📊 bar chart|📈 chart with upwards trend|
📉 chart with downwards trend|📅 calendar|📌 pushpin|📎 paperclip|📏 straight ruler|✂️ black scissors|
📁 file folder|📚 books|📖 open book|📝 memo note|✏️ pencil|🔍 left-pointing magnifying glass|🔒 lock|
🔓 open lock|🏷️ label|🔗 link|🗑️ wastebasket
# Flags
🏁 chequered flag|🚩 triangular flag on post|🎌 crossed flags|🏴 waving black flag|🏳️ waving white flag
`;

export interface Emoji {
  emoji: string;
  /** Its name, and what else it is looked for by. */
  words: string;
}

export interface EmojiGroup {
  name: string;
  emoji: Emoji[];
}

/** A few hundred emoji in the groups in which they are shown. */
export const emojiGroups: EmojiGroup[] = TABLE.trim()
  .split(/^# /m)
  .filter(Boolean)
  .map((group) => {
    const end = group.indexOf("\n");
    const rows = group.slice(end).replaceAll("\n", "").split("|");
    const parted = (row: string): Emoji => {
      const [emoji = "", ...words] = row.split(" ");
      return { emoji, words: words.join(" ") };
    };
    return { name: group.slice(0, end), emoji: rows.map(parted) };
  });
