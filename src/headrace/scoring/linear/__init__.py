"""Linear models of scikit-learn over n-gram counts, compiled to kernels."""
