"""The scorer of short informal text: a softmax over hashed words, their pairs and triples, emoji, emoticons and n-grams of characters."""
