"""Tags and names of languages, and the guess, on the first article of the Declaration of Human Rights."""

from __future__ import annotations

import pytest

from jobs.languages import LANGUAGES, normalised
from worker.text.languages import guess

SAMPLES = {
    "en": (
        "All human beings are born free and equal in dignity and rights. They are endowed with reason and "
        "conscience and should act towards one another in a spirit of brotherhood."
    ),
    "de": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen "
        "begabt und sollen einander im Geiste der Brüderlichkeit begegnen."
    ),
    "fr": (
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et "
        "de conscience et doivent agir les uns envers les autres dans un esprit de fraternité."
    ),
    "es": (
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón "
        "y conciencia, deben comportarse fraternalmente los unos con los otros."
    ),
    "it": (
        "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e "
        "di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza."
    ),
    "pt": (
        "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de "
        "consciência, devem agir uns para com os outros em espírito de fraternidade."
    ),
    "nl": (
        "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand "
        "en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen."
    ),
    "sv": (
        "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med förnuft och "
        "samvete och bör handla gentemot varandra i en anda av broderskap."
    ),
    "da": (
        "Hvad er det bedste ved denne jakke? Den er let, og man kan bruge den hele året, men den er ikke "
        "lavet til meget koldt vejr, og den skal vaskes efter hver tur."
    ),
    "no": (
        "Hva er det beste ved denne jakken? Den er lett, og man kan bruke den hele året, men den er ikke "
        "laget for mye kulde, og den skal vaskes etter hver tur."
    ),
    "fi": (
        "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu "
        "järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä."
    ),
    "pl": (
        "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni "
        "rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa."
    ),
    "cs": (
        "Všichni lidé se rodí svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím "
        "a mají spolu jednat v duchu bratrství."
    ),
    "sk": (
        "Všetci ľudia sa rodia slobodní a sebe rovní, čo sa týka ich dôstojnosti a práv. Sú obdarení rozumom "
        "a svedomím a majú navzájom jednať v bratskom duchu."
    ),
    "hu": (
        "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, ésszel és "
        "lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy viseltessenek."
    ),
    "ro": (
        "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt înzestrate cu "
        "rațiune și conștiință și trebuie să se comporte unele față de altele în spiritul fraternității."
    ),
    "hr": (
        "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su obdarena razumom i "
        "sviješću i trebaju jedno prema drugome postupati u duhu bratstva."
    ),
    "sl": (
        "Vsi ljudje se rodijo svobodni in imajo enako dostojanstvo in enake pravice. Obdarjeni so z razumom "
        "in vestjo in bi morali ravnati drug z drugim kakor bratje."
    ),
    "et": (
        "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt. Neile on antud mõistus "
        "ja südametunnistus ja nende suhtumist üksteisesse peab kandma vendluse vaim."
    ),
    "lv": (
        "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās. Viņi ir apveltīti ar saprātu "
        "un sirdsapziņu, un viņiem jāizturas citam pret citu brālības garā."
    ),
    "lt": (
        "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis. Jiems suteiktas protas ir sąžinė ir jie "
        "turi elgtis vienas kito atžvilgiu kaip broliai."
    ),
    "tr": (
        "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve "
        "birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler."
    ),
    "vi": (
        "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Mọi con người đều được "
        "tạo hóa ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu."
    ),
    "id": (
        "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama. Mereka dikaruniai akal "
        "dan hati nurani dan hendaknya bergaul satu sama lain dalam semangat persaudaraan."
    ),
    "ca": (
        "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de "
        "consciència, i han de comportar-se fraternalment els uns amb els altres."
    ),
    "ru": (
        "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и "
        "совестью и должны поступать в отношении друг друга в духе братства."
    ),
    "uk": (
        "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені розумом і совістю "
        "і повинні діяти у відношенні один до одного в дусі братерства."
    ),
    "bg": (
        "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест и "
        "следва да се отнасят помежду си в дух на братство."
    ),
    "sr": (
        "Сва људска бића рађају се слободна и једнака у достојанству и правима. Она су обдарена разумом и "
        "свешћу и треба једни према другима да поступају у духу братства."
    ),
    "ar": (
        "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا "
        "بروح الإخاء."
    ),
    "fa": (
        "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای عقل و وجدان "
        "هستند و باید نسبت به یکدیگر با روح برادری رفتار کنند."
    ),
    "ur": (
        "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔ انہیں ضمیر اور عقل ودیعت ہوئی ہے۔ "
        "اس لئے انہیں ایک دوسرے کے ساتھ بھائی چارے کا سلوک کرنا چاہئے۔"
    ),
    "el": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι "
        "προικισμένοι με λογική και συνείδηση."
    ),
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "zh": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
}


@pytest.mark.parametrize("tag", SAMPLES)
def test_the_language_of_two_sentences_is_told(tag: str) -> None:
    assert guess(SAMPLES[tag]) == tag


def test_every_language_has_a_sample() -> None:
    assert {each.tag for each in LANGUAGES} == set(SAMPLES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "Hello",
        "12345 67890 " * 20,
        "🎉" * 50,
        "https://example.com/the/and/of " * 20,
        "Zxq wvb " * 30,
        "人生",
    ],
)
def test_nothing_is_guessed_from_too_little(text: str) -> None:
    assert guess(text) is None


def test_two_languages_in_equal_parts_are_not_told() -> None:
    assert guess(f"{SAMPLES['en']} {SAMPLES['de']}") is None


def test_code_and_addresses_do_not_count() -> None:
    code = "for the in of and to is:\n" * 30
    assert guess(f"{SAMPLES['de']}\n\n```python\n{code}```\n") == "de"


def test_a_foreign_name_in_another_script_changes_nothing() -> None:
    assert guess(f"{SAMPLES['en']} 保護 Привет") == "en"


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("EN_us", "en"),
        (" German ", "de"),
        ("Deutsch", "de"),
        ("Francais", "fr"),
        ("zh-Hans-CN", "zh"),
        ("nb-NO", "no"),
        ("iw", "he"),
        ("deu", "de"),
        ("bahasa  indonesia", "id"),
        ("Tiếng Việt", "vi"),
        ("Türkçe", "tr"),
        ("हिन्दी", "hi"),
        ("Português (Brasil)", "pt"),
        ("English (US)", "en"),
    ],
)
def test_a_language_is_known_by_tags_and_names(asked: str, tag: str) -> None:
    found = normalised(asked)
    assert found is not None
    assert found.tag == tag


@pytest.mark.parametrize("asked", ["", " ", "xx", "klingon", "e", "en-", "english please", "en" * 1000, "(de)", "🎉"])
def test_anything_else_is_no_language(asked: str) -> None:
    assert normalised(asked) is None
