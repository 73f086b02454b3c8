"""The compiled training of word vectors.

``vector`` emits vector code, ``blocks``, ``skipgram`` and ``cbow`` the update of a window from it.
``stream`` reads words, ``targets`` (with ``negatives``) says what a window predicts, ``grams`` what
it predicts from, ``rows`` how threads share the matrices; ``train`` walks through a piece of the
stream and ``lanes`` through its parts. ``loss`` and ``heldout`` measure, ``checks`` proves what the
addresses rely on. Import these modules inside function bodies only: numba costs 0.3 s.
"""
