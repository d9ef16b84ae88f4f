"""scikit-learn's linear classifiers and naive Bayes over n-gram counts, compiled to one kernel."""
