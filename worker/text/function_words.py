"""The commonest words of each language that says little by its script. They are only listed here, not compared."""

from __future__ import annotations

_LISTED = {
    "en": ("the of and to in is that for it with as was on are be this by at from or an have not you which but your"),
    "de": (
        "der die das und ist nicht ein eine zu den mit von für auf dem sich auch des im wird sie es als bei oder sind"
    ),
    "fr": ("le la les de des et est un une du en que qui dans pour pas sur avec vous ce il au plus ne par sont cette"),
    "es": ("el la los las de y que en un una es por con para del se no su al lo como más o pero sus este está son"),
    "it": ("il la di che e è un una per in del della con non sono le gli si da dei nel alla più come i anche questo"),
    "pt": ("o a os as de e que do da em um uma para com não por mais dos das se no na ao como é são você seu também"),
    "nl": ("de het een en van is in op te dat die voor met niet zijn aan er om ook als bij naar maar je uit wordt of"),
    "sv": ("och att det som en är på av för med till den inte om ett i har de så kan från eller vid du sig alla var"),
    "da": (
        "og at det er en af til på for med der den i ikke de har et som kan fra eller om du sig skal blev "
        "også hvad meget nogle mellem efter når dig hvor være man vi alle jeres"
    ),
    "no": (
        "og er det som en av på for med til den ikke i å de har et kan fra eller om du seg skal ble også "
        "hva mye noen mellom etter når deg hvor være man vi alle deres at"
    ),
    "fi": (
        "ja on ei että se oli ovat joka myös kun mutta tai hän sekä niin voi ole kuin sen olla siitä jos "
        "tämä heidän ne he sinun kanssa mitä vain hyvä"
    ),
    "pl": ("i w na z się nie do to jest że o jak po co dla od przez za ale są być oraz lub przy który które a tym"),
    "cs": (
        "a se v na je že o s z do i to jako za ve pro který by jsou od po jsem ale nebo při také být "
        "které k své si mají má"
    ),
    "sk": ("a sa v na je že o s z do aj to ako za vo pre ktorý by sú od po som ale alebo pri tiež byť ktoré k svoje"),
    "hu": ("a az és hogy nem is egy ez van de meg csak mint el vagy volt már azt ha kell ki minden lehet ezt sem"),
    "ro": ("și în de la a nu cu pe este o că un din mai pentru sunt care se sau al ce fi ca dar prin au ale acest"),
    "hr": ("i u je na se da za od su s ne a o kao koji što iz bi ili te ali biti po svi koja ima također kako uz"),
    "sl": ("in v je na se da za so ki z s ne pa tudi kot od bi ali po do iz če pri biti lahko vse ima kar ter"),
    "et": ("ja on ei et see ta kui ka oma ning või mis aga oli selle ole nii kes nad olema seda siis iga peab"),
    "lv": "un ir ar no par kas uz tas kā lai ka arī bet pie pēc vai tiek ne būt viņu visi ļoti var jūs",
    "lt": "ir yra kad su iš į tai kaip ne bet apie už ar buvo jo per arba taip turi savo visi gali būti jų",
    "tr": "ve bir bu da de için ile olarak çok ne daha en gibi olan kadar sonra veya ama değil her var ise",
    "vi": "và của là có cho không được trong một với các người những để này đã khi về từ như đó cũng đến",
    "id": (
        "yang dan di ini itu dengan untuk dari tidak pada adalah dalam akan ke atau juga karena oleh anda bisa sebagai"
    ),
    "ca": ("el la els les de i que en un una és per amb no del se al com més o però dels seu aquest són ha també"),
    "ru": ("и в не на что с по как это для или из к от за но его она они мы так же если при все быть ы был также"),
    "uk": ("і в не на що з та як це для або із до від за але його вона вони ми так же якщо при всі бути є й був також"),
    "bg": ("и в не на че с по как това за или от до да се са е но той тя те ние ако при всички бъде също който"),
    "sr": ("и у је на да се за од су са не а о као који што из би или те али бити по сви која има такође како уз"),
    "ar": "في من على إلى أن هذا هذه التي الذي ما لا كان عن مع أو كل بين هو هي ذلك قد كما ثم",
    "fa": "و در به از که این را با است برای آن یک خود تا می بر های هم شما ها شده کند بود اما یا",
    "ur": "کے میں کی ہے اور سے کا کو اس نے پر ہیں یہ کہ ایک کر بھی تو ہو جو نہیں لئے گا وہ",
}

FUNCTION_WORDS = {tag: frozenset(listed.split()) for tag, listed in _LISTED.items()}
