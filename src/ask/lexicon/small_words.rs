//! Small words: those without meaning, those that say how something is asked, and those that ask.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words without meaning of their own here.
const STOP_WORDS: &str = "
    a about across activity actually again ago all along already alright also altogether am among amongst an and
    any anything anywhere are around as at back be became become been being both box boxes by came can can't case
    cases catalog catalogue check cheers come could count crop cropped curious current currently data detail
    details did different display distinct do does done during each else entire entries entry er event events ever
    every everything everywhere exactly exist exists experience experienced far fetch figure find for from get
    gets getting gimme give go goes going gone got had happen happened happening has have having hear hello here
    hey hi hit hiya how i idea if in individual info information instance instances into is it its just kind
    kindly kinds know let let's lets like line list listing look made make many maybe me mind moment much
    my myself name names near need new nice noted now number numbers occur occurred occurrence occurrences
    occurring occurs of off ok okay on one ones only or our out over overall overview own place please pls plz
    print pull question quick quickly ran really record recorded records remind reminder report reported right
    roughly run run-down rundown running said saw say see seen send sending sent should show showing simply single
    so some somehow something somewhere sort specifically still stuff such suffer suffered summarise summarize
    summary sure system ta take taken tell terms thank thanks that the their them then there these they thing
    things this those though through thx time times to together took turn turned type types uh um unique up us
    used uses using various very via visible wanna want was we well went were what whatever when where whether
    which whichever while who whole whose will with within wonder wondering would yet you your
";

/// Words that say how something is asked: each must be understood where it stands, and none names a field.
const FUNCTION_WORDS: &str = "
    after average because before between count current due except fewer first frequently last latest least less
    more most never no not often other per rate recent recently since state status than top total until without
";

/// Words that ask for something and are no value of a field: where no others are left, no text is looked for.
const ASKING_WORDS: &str = "
    after agents alive answer answered average because before between cause caused cluster common compare count
    daily degraded down downtime each earliest error failed failure fastest fewer first frequent frequently grid
    grouped health healthy heartbeats highest history hourly last latest lead least led less long longest lowest
    maximum mean median minimum missing more most never newest nodes not offline often oldest once online other
    pending per rate reason recent recently response running sending shortest silent since slowest state status
    stopped success take than timeline times took top total twice unanswered up versus vs why without
";

static STOP: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP_WORDS.split_whitespace().collect());
static FUNCTION: LazyLock<HashSet<&str>> = LazyLock::new(|| FUNCTION_WORDS.split_whitespace().collect());
static ASKING: LazyLock<HashSet<&str>> = LazyLock::new(|| ASKING_WORDS.split_whitespace().collect());

/// Whether a word has no meaning of its own here.
pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP.contains(word)
}

/// Whether a word says how something is asked, so that it must be understood where it stands.
pub(crate) fn is_function_word(word: &str) -> bool {
    FUNCTION.contains(word)
}

/// Whether a word asks for something and is no value of a field.
pub(crate) fn is_asking_word(word: &str) -> bool {
    ASKING.contains(word)
}
