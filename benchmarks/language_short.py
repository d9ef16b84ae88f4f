"""Short texts whose language is clear to anyone who knows it, for benchmarks/language.py: one or two words each, by label."""

SHORT = {
    "en": ("Hello", "Good morning", "thank you", "What happened?", "nothing", "Awesome!", "breaking news", "see you", "Why not?"),
    "de": ("Guten Morgen", "Danke schön", "Entschuldigung", "Frühstück", "Wie geht's?", "natürlich", "Straßenbahn", "jetzt nicht"),
    "fr": ("Bonjour", "merci beaucoup", "aujourd'hui", "S'il vous plaît", "Bonne nuit", "À demain", "peut-être", "quelle horreur"),
    "es": ("Buenos días", "¿Qué pasa?", "mañana", "Muchas gracias", "hasta luego", "Feliz cumpleaños", "ninguna noticia"),
    "pt": ("Top artistas", "Bom dia", "obrigado", "você não", "Até amanhã", "coração", "Boa sorte"),
    "it": ("Buongiorno", "grazie mille", "Che bello!", "perché no", "Arrivederci", "ragazzi", "Buona notte"),
    "nl": ("Goedemorgen", "dank je wel", "Gefeliciteerd", "lekker weer", "vandaag niet", "Eet smakelijk"),
    "sv": ("God morgon", "tack så mycket", "Hur mår du?", "självklart", "Grattis!", "trevlig helg"),
    "da": ("Hvad sker der?", "mange tak", "Tillykke", "selvfølgelig", "hyggeligt"),
    "no": ("Hva skjer?", "tusen takk", "Gratulerer", "selvfølgelig ikke", "uansett"),
    "fi": ("Hyvää huomenta", "kiitos", "Mitä kuuluu?", "huomenna", "Onneksi olkoon"),
    "pl": ("Dzień dobry", "dziękuję", "Co słychać?", "wszystkiego najlepszego", "Dobranoc"),
    "cs": ("Dobrý den", "děkuji", "Jak se máš?", "příště", "Všechno nejlepší"),
    "hu": ("Jó reggelt", "köszönöm", "Hogy vagy?", "holnap", "Boldog születésnapot"),
    "ro": ("Bună ziua", "mulțumesc", "Ce faci?", "noapte bună", "La mulți ani"),
    "ru": ("вомбат", "Привет", "спасибо", "Что случилось?", "доброе утро", "сегодня", "Счастливого пути"),
    "uk": ("Добрий день", "дякую", "Що сталося?", "сьогодні", "Слава Україні"),
    "bg": ("Добро утро", "благодаря", "Какво става?", "Честит рожден ден"),
    "el": ("Καλημέρα", "ευχαριστώ", "Τι κάνεις;"),
    "tr": ("Günaydın", "teşekkürler", "Nasılsın?", "iyi geceler", "Ne oldu?"),
    "id": ("Selamat pagi", "terima kasih banyak", "Apa kabar?", "tidak bisa", "Kenapa tidak?"),
    "vi": ("Xin chào", "cảm ơn", "Chúc mừng sinh nhật", "không biết"),
    "ar": ("صباح الخير", "شكرا جزيلا", "كيف حالك؟", "مبروك"),
    "he": ("בוקר טוב", "תודה רבה", "מה שלומך?"),
    "fa": ("صبح بخیر", "خیلی ممنون", "حال شما چطوره؟", "چه خبر؟"),
    "hi": ("नमस्ते", "बहुत धन्यवाद", "क्या हुआ?"),
    "ja": ("おはよう", "ありがとうございます", "お元気ですか"),
    "ko": ("안녕하세요", "감사합니다", "생일 축하해"),
    "zh": ("你好吗？", "谢谢你们", "生日快乐"),
    "th": ("สวัสดีครับ", "ขอบคุณมาก"),
    "ca": ("Bon dia a tothom", "moltes gràcies", "Fins aviat"),
    "lt": ("Labas rytas", "ačiū labai"),
    "et": ("Tere hommikust", "aitäh"),
    "is": ("Góðan daginn", "takk fyrir"),
    "ga": ("Dia duit", "go raibh maith agat"),
    "cy": ("Bore da", "diolch yn fawr"),
    "af": ("Goeie môre", "baie dankie"),
    "sq": ("Mirëmëngjes", "faleminderit"),
    "sw": ("Habari za asubuhi", "asante sana"),
}  # fmt: skip


def short() -> list[tuple[str, str]]:
    """The texts with their labels."""
    return [(text, label) for label, texts in SHORT.items() for text in texts]
