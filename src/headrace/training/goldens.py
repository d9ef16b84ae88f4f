"""Golden texts: a version must predict the same labels and scores for them wherever it is opened."""

import hashlib
from collections.abc import Sequence

from headrace.models.card import Card, Golden
from headrace.models.model import Model
from headrace.ports import VersionRef
from headrace.scoring.scorer import Scorer
from headrace.training.datasets import Row

#: Texts that are taken from the user's data at most, and their length in characters at most.
NUMBER = 12
LONGEST = 300
#: The least difference between the best score and the second best, or the threshold: rounding on another machine must not turn it over.
MARGIN = 0.01

#: Golden texts of the language recipe.
LANGUAGES = (
    "The ferry leaves at noon, and nobody has bought the tickets yet.",
    "Färjan går vid tolv, och ingen har köpt biljetterna ännu.",
    "Færgen sejler klokken tolv, og ingen har købt billetterne endnu.",
    "Die Fähre legt mittags ab, und noch hat niemand die Fahrkarten gekauft.",
    "Le bac part à midi et personne n'a encore acheté les billets.",
    "El barco sale a mediodía y nadie ha comprado todavía los billetes.",
    "O barco parte ao meio-dia e ninguém comprou ainda os bilhetes.",
    "Prom odpływa w południe, a nikt jeszcze nie kupił biletów.",
    "Паром отходит в полдень, а билеты ещё никто не купил.",
    "Пором вирушає опівдні, а квитків ще ніхто не придбав.",
    "Lautta lähtee keskipäivällä, eikä kukaan ole vielä ostanut lippuja.",
    "A komp délben indul, és még senki sem vette meg a jegyeket.",
    "Feribot öğlen kalkıyor ve henüz kimse bilet almadı.",
    "تغادر العبارة عند الظهر ولم يشتر أحد التذاكر بعد.",
    "フェリーは正午に出ますが、まだ誰も切符を買っていません。",
    "배는 정오에 떠나는데 아직 아무도 표를 사지 않았다.",
    "Chuyến phà rời bến lúc trưa mà chưa ai mua vé cả.",
    "渡轮中午出发，还没有人买票。",
    "Το φέρι φεύγει το μεσημέρι και κανείς δεν έχει αγοράσει ακόμη τα εισιτήρια.",
    "Die veerboot vertrek om twaalfuur en niemand het nog die kaartjies gekoop nie.",
    "Parom günorta yola düşür və hələ heç kim bilet almayıb.",
    "Паром адыходзіць апоўдні, а білетаў яшчэ ніхто не купіў.",
    "Kivuko kinaondoka saa sita mchana na hakuna mtu aliyenunua tiketi bado.",
    "qzxv wkjh fgdpl mnbtr sdkjfh wertlk",
    "2026-11-23 08:15",
)


#: Golden texts of the sentiment recipe.
SENTIMENTS = (
    "I love this so much, best day ever!! 😍",
    "worst service I have ever had, never again :(",
    "The match starts at 8 pm on Thursday http://example.org/a",
    "not good at all, I'm really disappointed",
    "so happy for you @friend, congratulations!!!",
    "ugh my phone is broken AGAIN",
    "New episode will be on the radio tomorrow",
    "#fail this is sooooo bad",
    "thanks for the great help :D",
    "The council meets on Monday to discuss the budget",
    "I can't wait to see them live <3",
    "this film was a waste of time and money",
)


def golden_texts(card: Card, scorer: Scorer, texts: Sequence[str]) -> tuple[Golden, ...]:
    """The texts with the predictions of a model of this card and scorer.

    Texts whose best score is within MARGIN of the second best or of the rule's threshold are left out.
    """
    model = Model(VersionRef(card.name, card.version), card, scorer)
    threshold = card.rule.threshold if card.rule else None
    kept = []
    for text, said, best in zip(texts, model.predict(texts), model.top(texts, 2), strict=True):
        clear = len(best) < 2 or best[0].score - best[1].score > MARGIN
        if clear and (threshold is None or abs(said.score - threshold) > MARGIN):
            kept.append(Golden(text, said.label, said.score))
    return tuple(kept)


def texts_of_rows(rows: Sequence[Row]) -> list[str]:
    """Up to NUMBER texts of the data of up to LONGEST characters, from as many labels as possible; the same rows give the same texts."""
    by_label: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: hashlib.blake2b(row.text.encode(), digest_size=8).digest()):
        if len(row.text) <= LONGEST:
            by_label.setdefault(row.label, []).append(row.text)
    turns = max(map(len, by_label.values()), default=0)
    ordered = (texts[turn] for turn in range(turns) for _, texts in sorted(by_label.items()) if turn < len(texts))
    return list(dict.fromkeys(ordered))[:NUMBER]
