"""The hashed softmax of the package's own recipes: n-grams folded, hashed and scored in one pass."""
