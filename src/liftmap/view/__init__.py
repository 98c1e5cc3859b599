"""The viewer: the questions and responses behind every figure, in a browser on this machine.

Stands above `report`, whose question view it shows, and below the whole runs. Reads a study, a
response set, or a log with texts; writes nothing but notes ("this verdict is wrong").

    sources         what was named: which models there are to look at
    response_index  one model's responses: facts in memory, texts on disk
    question_list   a row a question; filters, order, pages
    response_list   filters of single responses
    text_search     finds words in texts, in the background
    app             the pages and what may ask for them
    server          one address on this machine, until Ctrl-C
"""
