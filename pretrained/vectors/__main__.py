"""python -m pretrained.vectors: word vectors of your own, by word2vec."""

from pretrained.vectors.word2vec import main

if __name__ == "__main__":
    main()
