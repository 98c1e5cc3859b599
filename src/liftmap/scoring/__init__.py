"""How likely a source's responses are under a model: `liftmap score SOURCE --under MODEL`.

Above `comparison` and `sample`, for whatever `read` reads with texts; a study scores its own
responses by `sample.score`. The flow:

    asked_responses  the responses of a source, each with the prompt that it followed
    passes           every response scored under a model, shard by shard, kept as it goes
    divergence       the tokens of two models side by side: k1, k3, and whether they estimate KL
    by_question      means over questions with intervals, right and wrong apart, by difficulty
    scored_record    what is said in the end, as frozen records and JSON
    scored_words     the sentences of it
    source_score     all of it in order: the function `score`
"""
