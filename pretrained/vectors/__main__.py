"""The command python -m pretrained.vectors: trains word vectors on your own text."""

from pretrained.vectors.word2vec import main

if __name__ == "__main__":
    main()
