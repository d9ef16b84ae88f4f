"""The hashed softmax, the classifier of the package's own recipes: texts are folded, hashed and scored in one compiled pass."""
