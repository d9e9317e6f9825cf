"""The nano preset: a whole pipeline small enough for two CPU cores and fifteen minutes.

`problems.py` makes the problems, `model.py` the tokenizer and the two models, `make_teacher.py`
the teacher that is shipped in `teacher/`.
"""
