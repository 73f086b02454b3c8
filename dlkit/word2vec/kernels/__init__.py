"""Compiled training kernels of negative-sampling word2vec.

``vector`` emits explicit 8-float vector code through LLVM, ``skipgram`` and ``cbow`` build the
update of one window from it, ``stream`` turns ids into windows, ``negatives`` draws the words to
push away, ``train`` walks a piece of the stream, ``hot`` keeps private copies of frequent rows for
each thread, ``memory`` lays the matrices out, ``loss`` and ``heldout`` measure, ``checks`` refuses
what must not reach an address. No compiler is needed: numba brings LLVM. The package imports
numba, so import it only where training starts.
"""
